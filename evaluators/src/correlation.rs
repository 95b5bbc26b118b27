//! How far two scores order candidates alike.

/// Spearman's rank correlation (1904, "The Proof and Measurement of Association between Two Things"), equal values
/// sharing the mean of their ranks. `None` where there is no order: fewer than two pairs, all values of one side equal,
/// or NaN.
///
/// ```
/// use evaluators::spearman;
///
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[1.0, 10.0, 100.0]), Some(1.0));
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), None);
/// ```
///
/// # Panics
/// If there are not as many values on both sides.
#[must_use]
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    assert_eq!(x.len(), y.len(), "each candidate has two scores");
    if x.iter().chain(y).any(|v| v.is_nan()) {
        return None;
    }
    let (x, y) = (ranks(x), ranks(y));
    // Ranks have this mean, with ties too.
    let mean = (x.len() as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let norm = (product(&x, &x) * product(&y, &y)).sqrt();
    (norm > 0.0).then(|| product(&x, &y) / norm)
}

/// Kendall's tau-b (1945, "The Treatment of Ties in Ranking Problems"): pairs in the same order less pairs in opposite
/// orders, over the geometric mean of the numbers of pairs that each side orders. `None` where there is no order, as with
/// [`spearman`]. Quadratic in the number of values.
///
/// ```
/// use evaluators::kendall;
///
/// // Five pairs in order, one not.
/// assert_eq!(kendall(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]), Some(4.0 / 6.0));
/// ```
///
/// # Panics
/// If there are not as many values on both sides.
#[must_use]
pub fn kendall(x: &[f64], y: &[f64]) -> Option<f64> {
    assert_eq!(x.len(), y.len(), "each candidate has two scores");
    if x.iter().chain(y).any(|v| v.is_nan()) {
        return None;
    }
    let order = |a: f64, b: f64| i64::from(a > b) - i64::from(a < b);
    let (mut agree, mut in_x, mut in_y) = (0, 0_u64, 0_u64);
    for i in 0..x.len() {
        for j in 0..i {
            let (a, b) = (order(x[i], x[j]), order(y[i], y[j]));
            agree += a * b;
            in_x += u64::from(a != 0);
            in_y += u64::from(b != 0);
        }
    }
    // One root of the product: equal orders give exactly 1.
    (in_x > 0 && in_y > 0).then(|| agree as f64 / (in_x as f64 * in_y as f64).sqrt())
}

/// The rank of each value, from 1; of equal values the mean of theirs.
fn ranks(x: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_unstable_by(|a, b| x[*a].total_cmp(&x[*b]));
    let mut ranks = vec![0.0; x.len()];
    let mut start = 0;
    for group in order.chunk_by(|a, b| x[*a] == x[*b]) {
        let rank = start as f64 + (group.len() as f64 + 1.0) / 2.0;
        group.iter().for_each(|i| ranks[*i] = rank);
        start += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        assert_eq!(ranks(&[0.0, -0.0]), [1.5, 1.5]);
    }

    #[test]
    fn values_worked_by_hand() {
        // 1 - 6 (0 + 1 + 1 + 0) / (4 * 15)
        let found = spearman(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]).expect("an order");
        assert!((found - 0.8).abs() < 1e-12);
        // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5)
        let found = spearman(&[1.0, 2.0, 2.0, 4.0], &[1.0, 2.0, 3.0, 4.0]).expect("an order");
        assert!((found - 4.5 / 22.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(spearman(&[1.0, 2.0], &[2.0, 1.0]), Some(-1.0));
    }

    #[test]
    fn ties_are_in_no_order() {
        // Of six pairs x orders five and y all; all five agree.
        let found = kendall(&[1.0, 2.0, 2.0, 4.0], &[1.0, 2.0, 3.0, 4.0]).expect("an order");
        assert!((found - 5.0 / 30.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(kendall(&[3.0, 2.0, 1.0], &[1.0, 2.0, 3.0]), Some(-1.0));
        assert_eq!(kendall(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(kendall(&[1.0, f64::NAN], &[1.0, 2.0]), None);
        assert_eq!(kendall(&[], &[]), None);
    }

    #[test]
    fn where_there_is_no_order_there_is_none() {
        assert_eq!(spearman(&[], &[]), None);
        assert_eq!(spearman(&[1.0], &[1.0]), None);
        assert_eq!(spearman(&[1.0, f64::NAN], &[1.0, 2.0]), None);
    }
}
