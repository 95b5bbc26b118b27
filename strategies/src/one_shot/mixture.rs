//! How architecture parameters become the weights of a mixture, and how gradients go back.
//!
//! Both directions are closed formulas over the few numbers of one decision, in double precision on the host. A draw is
//! kept between them, so that the gradient is that of what was drawn.

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
}

/// What became of a decision in one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// A factor per candidate.
    pub weights: Vec<f64>,
    /// The only candidate that is computed, if not all are.
    pub only: Option<usize>,
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
        Self { soft: weights.clone(), weights, only: Some(arm), temperature: 1.0 }
    }

    /// Factors that no parameter has to learn from.
    #[must_use]
    pub fn fixed(weights: Vec<f64>) -> Self {
        Self { soft: weights.clone(), weights, only: None, temperature: 1.0 }
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

impl Mixture {
    /// Draws the factors of a decision.
    #[must_use]
    pub fn draw(self, alpha: &[f64], temperature: f64, rng: &mut ChaCha8Rng) -> Drawn {
        let noisy = |rng: &mut ChaCha8Rng| {
            let logits: Vec<f64> = alpha.iter().map(|a| (a + gumbel(rng)) / temperature).collect();
            softmax(&logits)
        };
        match self {
            Self::Softmax => {
                let weights = softmax(alpha);
                Drawn { soft: weights.clone(), weights, only: None, temperature: 1.0 }
            }
            Self::Gumbel => {
                let weights = noisy(rng);
                Drawn { soft: weights.clone(), weights, only: None, temperature }
            }
            Self::HardGumbel => {
                let soft = noisy(rng);
                Drawn { temperature, soft: soft.clone(), ..Drawn::path(argmax(&soft), alpha.len()) }
            }
            Self::Sigmoid => {
                let weights: Vec<f64> = alpha.iter().map(|a| 1.0 / (1.0 + (-a).exp())).collect();
                Drawn { soft: weights.clone(), weights, only: None, temperature: 1.0 }
            }
        }
    }

    /// The gradient of the parameters, from that of the factors. A candidate that was not computed has gradient 0.
    #[must_use]
    pub fn pull(self, drawn: &Drawn, grad: &[f64]) -> Vec<f64> {
        let soft = &drawn.soft;
        match self {
            Self::Softmax | Self::Gumbel | Self::HardGumbel => {
                let mean: f64 = soft.iter().zip(grad).map(|(w, g)| w * g).sum();
                soft.iter().zip(grad).map(|(w, g)| w * (g - mean) / drawn.temperature).collect()
            }
            Self::Sigmoid => soft.iter().zip(grad).map(|(w, g)| w * (1.0 - w) * g).collect(),
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
            _ => softmax(alpha),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codegen::init::stream;

    const ALL: [Mixture; 4] = [Mixture::Softmax, Mixture::Gumbel, Mixture::HardGumbel, Mixture::Sigmoid];

    /// A loss with cross terms, and its gradient.
    fn loss(w: &[f64]) -> (f64, Vec<f64>) {
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
            counts[drawn.only.expect("one path")] += 1.0 / DRAWS as f64;
            assert_eq!(drawn.weights.iter().sum::<f64>(), 1.0);
        }
        for (found, p) in counts.iter().zip(softmax(&alpha)) {
            // Five standard deviations.
            assert!((found - p).abs() < 5.0 * (p * (1.0 - p) / DRAWS as f64).sqrt(), "{found} {p}");
        }
    }

    #[test]
    fn softmax_of_large_numbers() {
        assert_eq!(softmax(&[1000.0, 1000.0]), [0.5, 0.5]);
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
    }
}
