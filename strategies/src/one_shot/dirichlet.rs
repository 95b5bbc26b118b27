//! Dirichlet numbers with gradients: factors that add up to 1, drawn around the share of each candidate.
//!
//! A draw `x` of concentrations `c` moves with `c[j]` along the quantile of its marginal, which is a Beta distribution with
//! `c[j]` and the sum of the others, while the other candidates share what is left as before: the pathwise derivative of
//! Jankowiak and Obermeyer 2018, "Pathwise Derivatives Beyond the Reparameterization Trick", as in PyTorch.

use super::mixture::softmax;
use codegen::init::{normal, unit};
use rand_chacha::ChaCha8Rng;
use tch::{TchError, Tensor};

/// Draws stay away from 0 and 1, where the densities have no value.
const LEAST: f64 = 1e-30;

/// The concentrations of some parameters, `elu(a) + 1`: all are 1, so that no share is preferred, where `a` is 0.
/// Chen et al. 2021, "DrNAS".
pub(super) fn concentrations(alpha: &[f64]) -> Vec<f64> {
    alpha.iter().map(|a| if *a > 0.0 { a + 1.0 } else { a.exp() }).collect()
}

/// The derivative of each concentration in its parameter.
fn slope(alpha: f64) -> f64 {
    if alpha > 0.0 { 1.0 } else { alpha.exp() }
}

/// The logarithm of a Gamma number. Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma Variables"; below 1
/// one of `shape + 1` is scaled down.
fn log_gamma_number(shape: f64, rng: &mut ChaCha8Rng) -> f64 {
    let positive = |rng: &mut ChaCha8Rng| 1.0 - f64::from(unit(rng));
    let (shape, scaled) = match shape < 1.0 {
        true => (shape + 1.0, positive(rng).ln() / shape),
        false => (shape, 0.0),
    };
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = f64::from(normal(rng).0);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && positive(rng).ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
            return (d * v).ln() + scaled;
        }
    }
}

/// Draws factors.
pub(super) fn draw(alpha: &[f64], rng: &mut ChaCha8Rng) -> Vec<f64> {
    let logs: Vec<f64> = concentrations(alpha).iter().map(|c| log_gamma_number(*c, rng)).collect();
    let clamped: Vec<f64> = softmax(&logs).iter().map(|x| x.clamp(LEAST, 1.0 - f64::EPSILON)).collect();
    let sum: f64 = clamped.iter().sum();
    clamped.iter().map(|x| x / sum).collect()
}

/// The gradient of the parameters from that of the factors `x` that were drawn.
pub(super) fn pull(alpha: &[f64], x: &[f64], grad: &[f64]) -> Vec<f64> {
    let c = concentrations(alpha);
    let along = derivative(x, &c).expect("invariant: libtorch takes vectors of one length");
    let mean: f64 = x.iter().zip(grad).map(|(x, g)| x * g).sum();
    (0..alpha.len()).map(|j| along[j] * (grad[j] - mean) * slope(alpha[j])).collect()
}

/// How fast each factor moves with its own concentration, over `1 - x`, which is what the others give up.
fn derivative(x: &[f64], c: &[f64]) -> Result<Vec<f64>, TchError> {
    let total = vec![c.iter().sum::<f64>(); c.len()];
    let [x, c, total] = [x, c, &total].map(Tensor::f_from_slice);
    Vec::try_from(Tensor::f_internal_dirichlet_grad(&x?, &c?, &total?)?)
}

/// The mean of the distribution: the share of each candidate.
pub(super) fn mean(alpha: &[f64]) -> Vec<f64> {
    let c = concentrations(alpha);
    let total: f64 = c.iter().sum();
    c.iter().map(|c| c / total).collect()
}

/// The gradient of the parameters from that of the mean.
pub(super) fn pull_mean(alpha: &[f64], grad: &[f64]) -> Vec<f64> {
    let total: f64 = concentrations(alpha).iter().sum();
    let inner: f64 = mean(alpha).iter().zip(grad).map(|(m, g)| m * g).sum();
    alpha.iter().zip(grad).map(|(a, g)| (g - inner) / total * slope(*a)).collect()
}

/// The gradient of the Kullback-Leibler divergence from the even distribution, whose concentrations are 1: with
/// `s = sum(c)`, in `c[j]` it is `(c[j] - 1) psi'(c[j]) - (s - n) psi'(s)`.
pub(super) fn divergence_gradient(alpha: &[f64]) -> Vec<f64> {
    let c = concentrations(alpha);
    let total: f64 = c.iter().sum();
    let common = (total - c.len() as f64) * trigamma(total);
    c.iter().zip(alpha).map(|(c, a)| ((c - 1.0) * trigamma(*c) - common) * slope(*a)).collect()
}

/// The second derivative of the logarithm of the gamma function, above 0: `psi'(x) = psi'(x + 1) + 1 / x^2` up to 10, and
/// from there its asymptotic series.
fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    sum + 1.0 / x + y / 2.0 + y / x * (1.0 / 6.0 - y * (1.0 / 30.0 - y * (1.0 / 42.0 - y / 30.0)))
}

#[cfg(test)]
mod tests {
    use super::super::mixture::tests::loss;
    use super::*;
    use codegen::init::stream;

    /// The logarithm of the gamma function by Stirling's series.
    fn log_gamma(mut x: f64) -> f64 {
        let mut shift = 0.0;
        while x < 10.0 {
            shift -= x.ln();
            x += 1.0;
        }
        let y = 1.0 / (x * x);
        let series = 1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y / 1680.0));
        shift + (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series / x
    }

    /// The distribution function of Beta: `x^a (1 - x)^b / (a B(a, b)) sum((a + b)_n / (a + 1)_n x^n)`.
    fn beta(x: f64, a: f64, b: f64) -> f64 {
        if x > 0.5 {
            return 1.0 - beta(1.0 - x, b, a);
        }
        let front = a * x.ln() + b * (1.0 - x).ln() + log_gamma(a + b) - log_gamma(a + 1.0) - log_gamma(b);
        let (mut term, mut sum) = (1.0, 1.0);
        for n in 0..500 {
            term *= (a + b + f64::from(n)) / (a + 1.0 + f64::from(n)) * x;
            sum += term;
        }
        front.exp() * sum
    }

    fn quantile(u: f64, a: f64, b: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if beta(middle, a, b) < u { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }

    /// A parameter moves, the draw's place in the marginal distribution of its candidate stays.
    #[test]
    fn gradients_agree_with_differences_at_fixed_quantiles() {
        let alpha = [0.4, -0.6, 0.9, 0.0];
        for seed in 0..20 {
            let x = draw(&alpha, &mut stream(seed, &[b"draw"]));
            let pulled = pull(&alpha, &x, &loss(&x).1);
            for j in 0..alpha.len() {
                let c = concentrations(&alpha);
                let rest = c.iter().sum::<f64>() - c[j];
                let u = beta(x[j], c[j], rest);
                let at = |by: f64| {
                    let mut moved = alpha;
                    moved[j] += by;
                    let own = quantile(u, concentrations(&moved)[j], rest);
                    let share = |(i, x_i): (usize, &f64)| if i == j { own } else { x_i * (1.0 - own) / (1.0 - x[j]) };
                    loss(&x.iter().enumerate().map(share).collect::<Vec<_>>()).0
                };
                let difference = match alpha[j] == 0.0 {
                    // Where `elu` bends, its derivatives agree but the second ones do not.
                    true => (at(1e-6) - at(-1e-6)) / 2e-6,
                    false => (at(1e-4) - at(-1e-4)) / 2e-4,
                };
                // Libtorch approximates the derivative of a Beta quantile to some 1e-3.
                let bound = 5e-3 * difference.abs().max(1e-3);
                assert!((difference - pulled[j]).abs() < bound, "{seed} {j}: {difference} {}", pulled[j]);
            }
        }
    }

    /// `E[x_i]` and `E[x_i^2]` of a Dirichlet distribution are known, and so are their derivatives.
    #[test]
    fn draws_and_gradients_agree_with_the_moments() {
        let alpha = [0.7, -0.9, 0.1];
        let c = concentrations(&alpha);
        let second = |c: &[f64]| {
            let s: f64 = c.iter().sum();
            c[0] * (c[0] + 1.0) / (s * (s + 1.0))
        };
        const DRAWS: usize = 40_000;
        let mut rng = stream(2, &[b"moments"]);
        let (mut means, mut pulled) = ([0.0; 3], [0.0; 3]);
        for _ in 0..DRAWS {
            let x = draw(&alpha, &mut rng);
            assert!((x.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let grad = pull(&alpha, &x, &[2.0 * x[0], 0.0, 0.0]);
            for i in 0..3 {
                means[i] += x[i] / DRAWS as f64;
                pulled[i] += grad[i] / DRAWS as f64;
            }
        }
        for i in 0..3 {
            assert!((means[i] - mean(&alpha)[i]).abs() < 0.01, "{means:?}");
            let at = |by: f64| {
                let mut c = c.clone();
                c[i] += by;
                second(&c)
            };
            let exact = (at(1e-5) - at(-1e-5)) / 2e-5 * slope(alpha[i]);
            assert!((pulled[i] - exact).abs() < 0.01, "{i}: {} {exact}", pulled[i]);
        }
    }

    #[test]
    fn the_mean_agrees_with_central_differences() {
        let alpha = [0.4, -0.6, 0.9];
        let grad = [0.3, -1.0, 2.0];
        let pulled = pull_mean(&alpha, &grad);
        for i in 0..3 {
            let at = |by: f64| {
                let mut a = alpha;
                a[i] += by;
                mean(&a).iter().zip(grad).map(|(m, g)| m * g).sum::<f64>()
            };
            assert!(((at(1e-6) - at(-1e-6)) / 2e-6 - pulled[i]).abs() < 1e-8);
        }
    }

    #[test]
    fn the_divergence_agrees_with_central_differences() {
        let digamma = |x: f64| (log_gamma(x + 1e-5) - log_gamma(x - 1e-5)) / 2e-5;
        let value = |alpha: &[f64]| {
            let c = concentrations(alpha);
            let s: f64 = c.iter().sum();
            let each = |c: &f64| (c - 1.0) * (digamma(*c) - digamma(s)) - log_gamma(*c);
            log_gamma(s) - log_gamma(c.len() as f64) + c.iter().map(each).sum::<f64>()
        };
        assert!(value(&[0.0; 4]).abs() < 1e-9);
        assert!((trigamma(1.0) - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-10);
        let alpha = [0.8, -0.5, 0.3];
        let found = divergence_gradient(&alpha);
        for i in 0..3 {
            let at = |by: f64| {
                let mut a = alpha;
                a[i] += by;
                value(&a)
            };
            let difference = (at(1e-3) - at(-1e-3)) / 2e-3;
            assert!((difference - found[i]).abs() < 1e-5, "{i}: {difference} {}", found[i]);
        }
    }
}
