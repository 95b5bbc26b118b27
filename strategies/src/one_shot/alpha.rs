//! Architecture parameters and their optimizer.

use super::choice::{Choice, Kind};
use super::mixture::{Mixture, argmax};
use super::supernet::is_fed;
use codegen::init::{normal, stream};
use serde::{Deserialize, Serialize};

/// The parameters of every decision, and the moments of Adam, by which they learn.
///
/// A decision that played no part in a step is left alone by it, its moments too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alphas {
    /// A number per candidate; none for inputs whose candidates' strength decides.
    pub values: Vec<Vec<f64>>,
    moments: Vec<Moments>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    steps: i32,
    first: Vec<f64>,
    second: Vec<f64>,
}

/// The settings of Adam (Kingma and Ba 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// The learning rate.
    pub rate: f64,
    /// Decay rates of the two moments.
    pub betas: (f64, f64),
    /// Factor of the parameters that is added to their gradient.
    pub weight_decay: f64,
}

impl Alphas {
    /// Normal numbers of this standard deviation.
    #[must_use]
    pub fn new(choices: &[Choice], deviation: f64, seed: u64) -> Self {
        let of = |c: &Choice| -> Vec<f64> {
            if is_fed(c) {
                return Vec::new();
            }
            // Of the label, not of the order: a space with a further decision starts the same elsewhere.
            let mut rng = stream(seed, &[b"alpha", c.label.as_bytes()]);
            c.arms.iter().map(|_| deviation * f64::from(normal(&mut rng).0)).collect()
        };
        let values: Vec<Vec<f64>> = choices.iter().map(of).collect();
        let moments =
            values.iter().map(|v| Moments { steps: 0, first: vec![0.0; v.len()], second: vec![0.0; v.len()] });
        Self { moments: moments.collect(), values }
    }

    /// Whether others are parameters of the same decisions.
    #[must_use]
    pub(super) fn fits(&self, other: &Self) -> bool {
        let sizes = |a: &Self| -> Vec<[usize; 3]> {
            a.values.iter().zip(&a.moments).map(|(v, m)| [v.len(), m.first.len(), m.second.len()]).collect()
        };
        sizes(self) == sizes(other)
    }

    /// A step of Adam. Decisions without a gradient are left alone.
    pub fn step(&mut self, grads: &[Option<Vec<f64>>], adam: Adam) {
        for ((alpha, m), grad) in self.values.iter_mut().zip(&mut self.moments).zip(grads) {
            let Some(grad) = grad.as_ref().filter(|_| !alpha.is_empty()) else { continue };
            m.steps += 1;
            let (b1, b2) = adam.betas;
            let correct = |beta: f64| 1.0 - beta.powi(m.steps);
            let (c1, c2) = (correct(b1), correct(b2));
            for (i, a) in alpha.iter_mut().enumerate() {
                let g = grad[i] + adam.weight_decay * *a;
                m.first[i] = b1 * m.first[i] + (1.0 - b1) * g;
                m.second[i] = b2 * m.second[i] + (1.0 - b2) * g * g;
                *a -= adam.rate * (m.first[i] / c1) / ((m.second[i] / c2).sqrt() + 1e-8);
            }
        }
    }

    /// The mean entropy of the decisions' softmax in nats, each as a share of that of guessing: 1 at the start, 0 where
    /// all is decided.
    #[must_use]
    pub fn entropy(&self) -> f64 {
        let shares: Vec<f64> = self
            .values
            .iter()
            .filter(|a| a.len() > 1)
            .map(|a| {
                let p = super::mixture::softmax(a);
                let entropy: f64 = p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
                entropy / (a.len() as f64).ln()
            })
            .collect();
        shares.iter().sum::<f64>() / shares.len().max(1) as f64
    }

    /// The architecture that the parameters stand for: of a layer choice the strongest candidate (never zero where an
    /// input choice follows, as in DARTS), of inputs the strongest by their best candidate, at least `min` of them, and
    /// up to `max` while they are stronger than the mean.
    #[must_use]
    pub fn architecture(&self, choices: &[Choice], mixture: Mixture) -> Vec<Vec<usize>> {
        let feeding: Vec<usize> = choices.iter().flat_map(|c| c.feeds.iter().filter_map(|f| *f)).collect();
        // The strongest candidate that counts, and how strong it is.
        let best = |i: usize| {
            let strength = mixture.strength(&self.values[i]);
            let counts = |a: usize| !(feeding.contains(&i) && choices[i].arms[a].is_zero && choices[i].arms.len() > 1);
            let held: Vec<f64> =
                strength.iter().enumerate().map(|(a, s)| if counts(a) { *s } else { f64::NEG_INFINITY }).collect();
            let arm = argmax(&held);
            (arm, held[arm])
        };
        let inputs = |i: usize, c: &Choice, min: usize, max: usize| {
            let strength: Vec<f64> = match is_fed(c) {
                true => c.feeds.iter().map(|f| best(f.expect("invariant: all are fed")).1).collect(),
                false => mixture.strength(&self.values[i]),
            };
            let mean = strength.iter().sum::<f64>() / strength.len().max(1) as f64;
            let mut order: Vec<usize> = (0..strength.len()).collect();
            order.sort_by(|a, b| strength[*b].total_cmp(&strength[*a]));
            let above = strength.iter().filter(|s| **s > mean).count();
            order.truncate(above.clamp(min, max));
            order.sort_unstable();
            order
        };
        choices
            .iter()
            .enumerate()
            .map(|(i, c)| match c.kind {
                Kind::Inputs { min, max } => inputs(i, c, min, max),
                Kind::Layer | Kind::Depth => vec![best(i).0],
            })
            .collect()
    }

    /// The share of layer choices whose strongest candidate has nothing to learn: what DARTS collapses to. Liang et al.
    /// 2019, "DARTS+", stop when skip connections take over.
    #[must_use]
    pub fn free_share(&self, choices: &[Choice], mixture: Mixture) -> f64 {
        let architecture = self.architecture(choices, mixture);
        let layers: Vec<bool> = choices
            .iter()
            .zip(&architecture)
            .filter(|(c, _)| c.kind == Kind::Layer)
            .map(|(c, a)| c.arms[a[0]].is_free)
            .collect();
        layers.iter().filter(|f| **f).count() as f64 / layers.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::choice::Arm;
    use super::*;
    use ir::Name;

    fn layer(label: &str, feeds: &[&str]) -> Choice {
        let arm = |n: &str| Arm { name: Name::new(n), is_zero: n == "none", is_free: n != "conv" };
        Choice {
            label: Name::new(label),
            kind: Kind::Layer,
            arms: feeds.iter().map(|n| arm(n)).collect(),
            feeds: vec![],
        }
    }

    /// Three edges into a node that keeps two, and a decision on its own.
    fn choices() -> Vec<Choice> {
        let ops = ["none", "skip", "conv"];
        let mut all: Vec<Choice> = ["e0", "e1", "e2"].iter().map(|l| layer(l, &ops)).collect();
        let arm = |i: usize| Arm { name: Name::new(i.to_string()), is_zero: false, is_free: false };
        let kind = Kind::Inputs { min: 2, max: 2 };
        all.push(Choice {
            label: Name::new("in"),
            kind,
            arms: (0..3).map(arm).collect(),
            feeds: vec![Some(0), Some(1), Some(2)],
        });
        all.push(layer("alone", &ops));
        all
    }

    #[test]
    fn the_two_strongest_edges_without_none() {
        let choices = choices();
        let mut alphas = Alphas::new(&choices, 1e-3, 0);
        assert_eq!(alphas.values.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 0, 3]);
        // The first edge is sure of none, so that its best other candidate is weak.
        alphas.values[0] = vec![5.0, 0.2, 0.1];
        alphas.values[1] = vec![0.0, 0.5, 0.4];
        alphas.values[2] = vec![0.0, 0.1, 0.9];
        alphas.values[4] = vec![1.0, 0.0, 0.0];
        assert_eq!(
            alphas.architecture(&choices, Mixture::Softmax),
            [vec![1], vec![1], vec![2], vec![1, 2], vec![0]],
            "none counts where no input choice follows"
        );
        assert_eq!(alphas.free_share(&choices, Mixture::Softmax), 0.75);
    }

    #[test]
    fn a_decision_without_a_part_is_left_alone() {
        let choices = choices();
        let mut alphas = Alphas::new(&choices, 1e-3, 1);
        let before = alphas.clone();
        let adam = Adam { rate: 0.1, betas: (0.5, 0.999), weight_decay: 1e-3 };
        alphas.step(&[None, Some(vec![1.0, 0.0, -1.0]), None, Some(vec![1.0; 3]), None], adam);
        for i in [0, 2, 3, 4] {
            assert_eq!((&alphas.values[i], &alphas.moments[i]), (&before.values[i], &before.moments[i]));
        }
        // Adam's first step is the learning rate against the gradient's sign.
        assert!((alphas.values[1][0] - before.values[1][0] + 0.1).abs() < 1e-6);
        assert!((alphas.values[1][2] - before.values[1][2] - 0.1).abs() < 1e-6);
    }

    #[test]
    fn entropy_is_relative() {
        let choices = choices();
        let mut alphas = Alphas::new(&choices, 0.0, 0);
        assert!((alphas.entropy() - 1.0).abs() < 1e-12);
        alphas.values.iter_mut().filter(|a| !a.is_empty()).for_each(|a| a[0] = 1e3);
        assert!(alphas.entropy() < 1e-12);
    }
}
