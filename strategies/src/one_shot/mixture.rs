//! How architecture parameters become the weights of a mixture, and how gradients go back.
//!
//! Both directions are closed formulas over the few numbers of one decision, in double precision on the host. A draw is
//! kept between them, so that the gradient is that of what was drawn.

use super::dirichlet;
use codegen::init::unit;
use rand_chacha::ChaCha8Rng;

/// How the parameters `a` of a decision become a factor per candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mixture {
    /// `softmax(a)`. Liu, Simonyan and Yang 2019, "DARTS".
    Softmax,
    /// `softmax((a + g) / t)` with standard Gumbel numbers `g`: the concrete distribution. Xie et al. 2019, "SNAS".
    Gumbel,
    /// The greatest of the above alone, with factor 1; its gradient is that of its soft factor (straight-through). Only
    /// that path is computed. Dong and Yang 2019, "GDAS".
    HardGumbel,
    /// `sigmoid(a)`, each candidate for itself. Chu et al. 2020, "Fair DARTS".
    Sigmoid,
    /// Numbers of a Dirichlet distribution with concentrations `elu(a) + 1`. Chen et al. 2021, "DrNAS".
    Dirichlet,
    /// Two candidates drawn by `softmax(a)`, of which one, drawn by the softmax of the two, has factor 1 and the other 0;
    /// weights learn along a single one. Cai, Zhu and Han 2019, "ProxylessNAS", section 3.2.
    TwoPaths,
}

/// What became of a decision in one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// A factor per candidate; empty where those that are computed go on as in the derived network.
    pub weights: Vec<f64>,
    /// The candidates that are computed, ascending, if not all are.
    pub arms: Option<Vec<usize>>,
    /// What the factors would be without the hard choice.
    soft: Vec<f64>,
    temperature: f64,
}

impl Drawn {
    /// One candidate, with factor 1, that no parameter has chosen.
    #[must_use]
    pub fn path(arm: usize, arms: usize) -> Self {
        let mut weights = vec![0.0; arms];
        weights[arm] = 1.0;
        Self { soft: weights.clone(), weights, arms: Some(vec![arm]), temperature: 1.0 }
    }

    /// Some candidates, ascending, as in the derived network.
    #[must_use]
    pub fn taken(arms: &[usize]) -> Self {
        Self { weights: Vec::new(), soft: Vec::new(), arms: Some(arms.to_vec()), temperature: 1.0 }
    }

    /// The same with some candidates alone, ascending.
    #[must_use]
    pub fn among(self, arms: Vec<usize>) -> Self {
        Self { arms: Some(arms), ..self }
    }

    /// Factors that no parameter has to learn from.
    #[must_use]
    pub fn fixed(weights: Vec<f64>) -> Self {
        Self { soft: weights.clone(), weights, arms: None, temperature: 1.0 }
    }
}

/// The softmax of some numbers.
#[must_use]
pub fn softmax(x: &[f64]) -> Vec<f64> {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exp: Vec<f64> = x.iter().map(|v| (v - top).exp()).collect();
    let sum: f64 = exp.iter().sum();
    exp.iter().map(|v| v / sum).collect()
}

/// The place of the greatest number, the first among equals.
#[must_use]
pub fn argmax(x: &[f64]) -> usize {
    (0..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best })
}

/// A number with the standard Gumbel distribution.
fn gumbel(rng: &mut ChaCha8Rng) -> f64 {
    // Away from 0 and 1, where the logarithms have no value.
    let u = (f64::from(unit(rng)) + 0.5 / 16_777_216.0).clamp(1e-12, 1.0 - 1e-12);
    -(-u.ln()).ln()
}

/// A place drawn by probabilities that add up to 1.
pub(super) fn pick(p: &[f64], rng: &mut ChaCha8Rng) -> usize {
    let mut left = f64::from(unit(rng));
    for (i, p) in p.iter().enumerate() {
        left -= p;
        if left < 0.0 {
            return i;
        }
    }
    // Rounding: the last that can be drawn at all.
    p.iter().rposition(|p| *p > 0.0).unwrap_or(0)
}

impl Mixture {
    /// Whether all candidates are computed, so that factors may be changed before they are used.
    #[must_use]
    pub fn is_soft(self) -> bool {
        !matches!(self, Self::HardGumbel | Self::TwoPaths)
    }

    /// Whether factors add up to 1, and are changed freely there.
    #[must_use]
    pub fn is_simplex(self) -> bool {
        self.is_soft() && self != Self::Sigmoid
    }

    /// Draws the factors of a decision for a step of the parameters.
    #[must_use]
    pub fn draw(self, alpha: &[f64], temperature: f64, rng: &mut ChaCha8Rng) -> Drawn {
        let noisy = |rng: &mut ChaCha8Rng| {
            let logits: Vec<f64> = alpha.iter().map(|a| (a + gumbel(rng)) / temperature).collect();
            softmax(&logits)
        };
        match self {
            Self::Softmax => Drawn::fixed(softmax(alpha)),
            Self::Gumbel => Drawn { temperature, ..Drawn::fixed(noisy(rng)) },
            Self::HardGumbel => {
                let soft = noisy(rng);
                Drawn { temperature, soft: soft.clone(), ..Drawn::path(argmax(&soft), alpha.len()) }
            }
            Self::Sigmoid => Drawn::fixed(alpha.iter().map(|a| 1.0 / (1.0 + (-a).exp())).collect()),
            Self::Dirichlet => Drawn::fixed(dirichlet::draw(alpha, rng)),
            Self::TwoPaths => two_paths(alpha, rng),
        }
    }

    /// Draws the factors of a decision for a step of the weights.
    #[must_use]
    pub fn draw_weights(self, alpha: &[f64], temperature: f64, rng: &mut ChaCha8Rng) -> Drawn {
        match self {
            Self::TwoPaths => Drawn::path(pick(&softmax(alpha), rng), alpha.len()),
            _ => self.draw(alpha, temperature, rng),
        }
    }

    /// The gradient of the parameters `alpha`, from that of the factors that were drawn. A candidate that was not computed
    /// has gradient 0.
    #[must_use]
    pub fn pull(self, alpha: &[f64], drawn: &Drawn, grad: &[f64]) -> Vec<f64> {
        let soft = &drawn.soft;
        match self {
            // Of two paths the softmax is that of the two alone, so that all others get nothing.
            Self::Softmax | Self::Gumbel | Self::HardGumbel | Self::TwoPaths => {
                let mean: f64 = soft.iter().zip(grad).map(|(w, g)| w * g).sum();
                soft.iter().zip(grad).map(|(w, g)| w * (g - mean) / drawn.temperature).collect()
            }
            Self::Sigmoid => soft.iter().zip(grad).map(|(w, g)| w * (1.0 - w) * g).collect(),
            Self::Dirichlet => dirichlet::pull(alpha, soft, grad),
        }
    }

    /// The gradient of the parameters, from that of the [`strength`](Self::strength) of each candidate.
    #[must_use]
    pub fn pull_strength(self, alpha: &[f64], grad: &[f64]) -> Vec<f64> {
        match self {
            Self::Dirichlet => dirichlet::pull_mean(alpha, grad),
            _ => self.pull(alpha, &Drawn::fixed(self.strength(alpha)), grad),
        }
    }

    /// The gradient of a term that pushes independent factors away from one half, `-weight mean((sigmoid(a) - 1/2)^2)`, the
    /// mean over `of` factors. Chu et al. 2020, "Fair DARTS", equation 5.
    #[must_use]
    pub fn zero_one_gradient(alpha: &[f64], weight: f64, of: usize) -> Vec<f64> {
        let term = |a: &f64| {
            let s = 1.0 / (1.0 + (-a).exp());
            -2.0 * weight * (s - 0.5) * s * (1.0 - s) / of.max(1) as f64
        };
        alpha.iter().map(term).collect()
    }

    /// How strong each candidate is when the architecture is read off.
    #[must_use]
    pub fn strength(self, alpha: &[f64]) -> Vec<f64> {
        match self {
            Self::Sigmoid => alpha.iter().map(|a| 1.0 / (1.0 + (-a).exp())).collect(),
            Self::Dirichlet => dirichlet::mean(alpha),
            _ => softmax(alpha),
        }
    }
}

/// See [`Mixture::TwoPaths`]. Of a decision with one candidate that one.
fn two_paths(alpha: &[f64], rng: &mut ChaCha8Rng) -> Drawn {
    let mut p = softmax(alpha);
    let first = pick(&p, rng);
    p[first] = 0.0;
    let left: f64 = p.iter().sum();
    if left <= 0.0 {
        return Drawn::path(first, alpha.len());
    }
    p.iter_mut().for_each(|p| *p /= left);
    let second = pick(&p, rng);
    let [first, second] = [first.min(second), first.max(second)];
    let [p, q]: [f64; 2] = softmax(&[alpha[first], alpha[second]]).try_into().expect("invariant: two of two");
    let mut drawn = Drawn::path([first, second][pick(&[p, q], rng)], alpha.len());
    drawn.arms = Some(vec![first, second]);
    drawn.soft = vec![0.0; alpha.len()];
    (drawn.soft[first], drawn.soft[second]) = (p, q);
    drawn
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use codegen::init::stream;

    /// Those whose draws are a smooth function of parameters and noise; [`dirichlet`] has tests of its own.
    const ALL: [Mixture; 4] = [Mixture::Softmax, Mixture::Gumbel, Mixture::HardGumbel, Mixture::Sigmoid];

    /// A loss with cross terms, and its gradient.
    pub fn loss(w: &[f64]) -> (f64, Vec<f64>) {
        let value = w.iter().enumerate().map(|(i, x)| (i as f64 + 0.5) * x * x).sum::<f64>() + w[0] * w[2];
        let mut grad: Vec<f64> = w.iter().enumerate().map(|(i, x)| (2.0 * i as f64 + 1.0) * x).collect();
        grad[0] += w[2];
        grad[2] += w[0];
        (value, grad)
    }

    /// Of the soft factors under the same noise: the hard choice borrows their gradient.
    #[test]
    fn gradients_agree_with_central_differences() {
        let alpha = [0.3, -0.7, 1.1, 0.2];
        for mixture in ALL {
            let soft = if mixture == Mixture::HardGumbel { Mixture::Gumbel } else { mixture };
            let at = |alpha: &[f64]| soft.draw(alpha, 0.7, &mut stream(5, &[b"noise"]));
            let drawn = at(&alpha);
            let pulled = mixture.pull(
                &alpha,
                &match mixture {
                    Mixture::HardGumbel => mixture.draw(&alpha, 0.7, &mut stream(5, &[b"noise"])),
                    _ => drawn.clone(),
                },
                &loss(&drawn.weights).1,
            );
            for i in 0..alpha.len() {
                let moved = |by: f64| {
                    let mut a = alpha;
                    a[i] += by;
                    loss(&at(&a).weights).0
                };
                let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((difference - pulled[i]).abs() < 1e-8, "{mixture:?} {i}: {difference} {}", pulled[i]);
            }
        }
    }

    #[test]
    fn the_zero_one_term_agrees_with_central_differences() {
        let alpha = [0.4, -1.2, 0.0];
        let value = |alpha: &[f64]| {
            let square = |a: &f64| (1.0 / (1.0 + (-a).exp()) - 0.5).powi(2);
            -10.0 * alpha.iter().map(square).sum::<f64>() / 7.0
        };
        let found = Mixture::zero_one_gradient(&alpha, 10.0, 7);
        for i in 0..3 {
            let moved = |by: f64| {
                let mut a = alpha;
                a[i] += by;
                value(&a)
            };
            assert!(((moved(1e-6) - moved(-1e-6)) / 2e-6 - found[i]).abs() < 1e-8);
        }
    }

    /// The Gumbel-max trick: the greatest of `a + g` is drawn with probability `softmax(a)`.
    #[test]
    fn hard_draws_follow_the_softmax() {
        let alpha = [0.0, 1.0, -1.0];
        let mut rng = stream(1, &[b"draws"]);
        let mut counts = [0.0; 3];
        const DRAWS: usize = 20_000;
        for _ in 0..DRAWS {
            let drawn = Mixture::HardGumbel.draw(&alpha, 3.0, &mut rng);
            counts[drawn.arms.expect("one path")[0]] += 1.0 / DRAWS as f64;
            assert_eq!(drawn.weights.iter().sum::<f64>(), 1.0);
        }
        for (found, p) in counts.iter().zip(softmax(&alpha)) {
            // Five standard deviations.
            assert!((found - p).abs() < 5.0 * (p * (1.0 - p) / DRAWS as f64).sqrt(), "{found} {p}");
        }
    }

    /// Over all pairs and both choices within each: the gates are binary, the gradient is that of the gates, and its mean is
    /// that of the expected loss over a pair, summed over the pairs by their probability.
    #[test]
    fn two_paths_agree_with_enumeration() {
        let alpha = [0.3, -0.7, 1.1, 0.2];
        let path_loss = |gates: &[f64]| loss(gates).0;
        let mut rng = stream(8, &[b"pairs"]);
        let (mut found, mut seen) = ([0.0; 4], [[0.0; 4]; 4]);
        const DRAWS: usize = 100_000;
        for _ in 0..DRAWS {
            let drawn = Mixture::TwoPaths.draw(&alpha, 1.0, &mut rng);
            let pair = drawn.arms.clone().expect("two paths");
            assert_eq!((pair.len(), drawn.weights.iter().sum::<f64>()), (2, 1.0));
            assert!(drawn.weights.iter().enumerate().all(|(i, w)| *w == 0.0 || pair.contains(&i)));
            seen[pair[0]][pair[1]] += 1.0 / DRAWS as f64;
            // A loss that is linear in the gates: its gradient is the loss of each path.
            let one = |i: usize| path_loss(&Drawn::path(i, 4).weights);
            let grad: Vec<f64> = (0..4).map(one).collect();
            let pulled = Mixture::TwoPaths.pull(&alpha, &drawn, &grad);
            assert!(pulled.iter().enumerate().all(|(i, g)| pair.contains(&i) || *g == 0.0), "{pulled:?}");
            found.iter_mut().zip(pulled).for_each(|(f, g)| *f += g / DRAWS as f64);
        }
        let p = softmax(&alpha);
        let mut exact = [0.0; 4];
        for i in 0..4 {
            for j in i + 1..4 {
                let drawn = p[i] * p[j] / (1.0 - p[i]) + p[j] * p[i] / (1.0 - p[j]);
                let spread = 5.0 * (drawn * (1.0 - drawn) / DRAWS as f64).sqrt();
                assert!((seen[i][j] - drawn).abs() < spread, "{i} {j}: {} {drawn}", seen[i][j]);
                // Of the pair's expected loss, by central differences.
                let expected = |by: [f64; 2]| {
                    let q = softmax(&[alpha[i] + by[0], alpha[j] + by[1]]);
                    q[0] * path_loss(&Drawn::path(i, 4).weights) + q[1] * path_loss(&Drawn::path(j, 4).weights)
                };
                exact[i] += drawn * (expected([1e-5, 0.0]) - expected([-1e-5, 0.0])) / 2e-5;
                exact[j] += drawn * (expected([0.0, 1e-5]) - expected([0.0, -1e-5])) / 2e-5;
            }
        }
        for i in 0..4 {
            assert!((found[i] - exact[i]).abs() < 0.01, "{i}: {found:?} {exact:?}");
        }
    }

    #[test]
    fn a_pair_of_one_is_a_path() {
        let drawn = Mixture::TwoPaths.draw(&[0.4], 1.0, &mut stream(0, &[b"one"]));
        assert_eq!(drawn, Drawn::path(0, 1));
    }

    #[test]
    fn strengths_agree_with_central_differences() {
        let alpha = [0.3, -0.7, 1.1, 0.2];
        for mixture in [Mixture::Softmax, Mixture::Sigmoid, Mixture::Dirichlet, Mixture::TwoPaths] {
            let value = |alpha: &[f64]| loss(&mixture.strength(alpha)).0;
            let pulled = mixture.pull_strength(&alpha, &loss(&mixture.strength(&alpha)).1);
            for i in 0..alpha.len() {
                let moved = |by: f64| {
                    let mut a = alpha;
                    a[i] += by;
                    value(&a)
                };
                let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((difference - pulled[i]).abs() < 1e-8, "{mixture:?} {i}");
            }
        }
    }

    #[test]
    fn softmax_of_large_numbers() {
        assert_eq!(softmax(&[1000.0, 1000.0]), [0.5, 0.5]);
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
    }
}
