//! Where a value stands among all that a table holds.

use crate::evaluator::{Direction, Metric, Standing};

/// All values of one metric, best first.
#[derive(Debug)]
pub(crate) struct Ranking {
    metric: Metric,
    sorted: Vec<f64>,
}

impl Ranking {
    /// Sorts the values of a metric; NaN is left out.
    pub fn new(metric: &Metric, values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.filter(|v| !v.is_nan()).collect();
        match metric.direction {
            Direction::Maximize => sorted.sort_unstable_by(|a, b| b.total_cmp(a)),
            Direction::Minimize => sorted.sort_unstable_by(f64::total_cmp),
        }
        Self { metric: metric.clone(), sorted }
    }

    /// Rank and regret of a value.
    pub fn standing(&self, value: f64) -> Standing {
        let direction = self.metric.direction;
        let better = self.sorted.partition_point(|x| direction.is_better(*x, value));
        let best = self.sorted.first().copied().unwrap_or(value);
        Standing {
            metric: self.metric.name.clone(),
            rank: better as u64 + 1,
            of: self.sorted.len() as u64,
            regret: (direction.oriented(best) - direction.oriented(value)).max(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_rank() {
        let ranking = Ranking::new(&Metric::maximize("a", "%"), [3.0, 5.0, f64::NAN, 5.0, 1.0].into_iter());
        let of = |x| {
            let s = ranking.standing(x);
            (s.rank, s.of, s.regret)
        };
        assert_eq!(of(5.0), (1, 4, 0.0));
        assert_eq!(of(3.0), (3, 4, 2.0));
        assert_eq!(of(1.0), (4, 4, 4.0));
    }

    #[test]
    fn less_is_better_where_it_is() {
        let ranking = Ranking::new(&Metric::minimize("a", "ms"), [3.0, 5.0, 1.0].into_iter());
        let s = ranking.standing(3.0);
        assert_eq!((s.rank, s.regret), (2, 2.0));
    }
}
