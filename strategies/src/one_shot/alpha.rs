//! Architecture parameters and their optimizer.

use super::adam::{Adam, Learned};
use super::choice::{Choice, Kind};
use super::course::State;
use super::mixture::{Drawn, softmax};
use super::supernet::is_fed;
use codegen::array::Weights;
use codegen::init::{normal, stream};

/// The parameters of every decision, and the moments of Adam, by which they learn.
///
/// A decision that played no part in a step is left alone by it, its moments too.
#[derive(Clone, Debug, PartialEq)]
pub struct Alphas {
    /// A number per candidate; none for inputs whose candidates' strength decides.
    decisions: Vec<Learned>,
}

impl Alphas {
    /// Normal numbers of this standard deviation. Inputs that layer choices feed have parameters only with `edges`.
    #[must_use]
    pub fn new(choices: &[Choice], deviation: f64, edges: bool, seed: u64) -> Self {
        let of = |c: &Choice| -> Vec<f64> {
            if is_fed(c) && !edges {
                return Vec::new();
            }
            // Of the label, not of the order: a space with a further decision starts the same elsewhere.
            let mut rng = stream(seed, &[b"alpha", c.label.as_bytes()]);
            c.arms.iter().map(|_| deviation * f64::from(normal(&mut rng).0)).collect()
        };
        Self { decisions: choices.iter().map(|c| Learned::new(of(c))).collect() }
    }

    /// Some numbers by decision.
    #[cfg(test)]
    pub(super) fn from_values(values: Vec<Vec<f64>>) -> Self {
        Self { decisions: values.into_iter().map(Learned::new).collect() }
    }

    /// The parameters of each decision.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.decisions.iter().map(|d| &d.values[..])
    }

    /// The parameters of a decision.
    #[must_use]
    pub fn of(&self, decision: usize) -> &[f64] {
        &self.decisions[decision].values
    }

    /// A step of Adam. Decisions without a gradient are left alone.
    pub fn step(&mut self, grads: &[Option<Vec<f64>>], adam: Adam) {
        for (decision, grad) in self.decisions.iter_mut().zip(grads) {
            if let Some(grad) = grad.as_ref().filter(|_| !decision.values.is_empty()) {
                decision.step(grad, adam);
            }
        }
    }

    /// A step of Adam where two candidates of a decision were drawn alone: the others keep their parameters and their
    /// moments, and the two are shifted so that the others keep their probability too. Decisions that were not drawn so
    /// take an ordinary step. Cai, Zhu and Han 2019, "ProxylessNAS", section 3.2.
    pub fn step_pairs(&mut self, grads: &[Option<Vec<f64>>], drawn: &[Option<Drawn>], adam: Adam) {
        for (decision, (grad, drawn)) in self.decisions.iter_mut().zip(grads.iter().zip(drawn)) {
            let Some(grad) = grad.as_ref().filter(|_| !decision.values.is_empty()) else { continue };
            let Some(pair) = drawn.as_ref().and_then(|d| d.arms.as_ref()) else {
                decision.step(grad, adam);
                continue;
            };
            let mass = |values: &[f64]| {
                let top = pair.iter().map(|a| values[*a]).fold(f64::NEG_INFINITY, f64::max);
                top + pair.iter().map(|a| (values[*a] - top).exp()).sum::<f64>().ln()
            };
            let before = mass(&decision.values);
            decision.step_within(grad, adam, |i| pair.contains(&i));
            let gain = mass(&decision.values) - before;
            pair.iter().for_each(|a| decision.values[*a] -= gain);
        }
    }

    /// The mean entropy of the decisions' softmax in nats, each as a share of that of guessing: 1 at the start, 0 where
    /// all is decided.
    #[must_use]
    pub fn entropy(&self) -> f64 {
        let shares: Vec<f64> = self
            .values()
            .filter(|a| a.len() > 1)
            .map(|a| {
                let p = softmax(a);
                let entropy: f64 = p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
                entropy / (a.len() as f64).ln()
            })
            .collect();
        shares.iter().sum::<f64>() / shares.len().max(1) as f64
    }

    /// The share of layer choices of an architecture whose candidate has nothing to learn: what DARTS collapses to. Liang et al.
    /// 2019, "DARTS+", stop when skip connections take over. None where no candidate of any choice has weights, so that
    /// nothing could be told by it: activations of a recurrent cell.
    #[must_use]
    pub fn free_share(choices: &[Choice], architecture: &[Vec<usize>]) -> Option<f64> {
        let layers: Vec<bool> = choices
            .iter()
            .zip(architecture)
            .filter(|(c, _)| c.kind == Kind::Layer)
            .map(|(c, a)| c.arms[a[0]].is_free)
            .collect();
        let learns = |c: &Choice| c.kind == Kind::Layer && c.arms.iter().any(|a| !a.is_free);
        let free = layers.iter().filter(|f| **f).count();
        choices.iter().any(learns).then(|| free as f64 / layers.len() as f64)
    }
}

impl State for Alphas {
    fn save(&self, to: &mut Weights) {
        self.decisions.iter().enumerate().for_each(|(i, d)| d.save(&format!("alpha/{i}"), to));
    }

    fn restore(&mut self, from: &Weights) -> Result<(), String> {
        self.decisions.iter_mut().enumerate().try_for_each(|(i, d)| d.restore(&format!("alpha/{i}"), from))
    }
}

#[cfg(test)]
mod tests {
    use super::super::choice::Arm;
    use super::super::mixture::Mixture;
    use super::super::strongest::Preference;
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

    fn architecture(choices: &[Choice], alphas: &Alphas) -> Vec<Vec<usize>> {
        Preference::new(choices, alphas, Mixture::Softmax, &vec![None; choices.len()]).architecture()
    }

    #[test]
    fn the_two_strongest_edges_without_none() {
        let choices = choices();
        let mut alphas = Alphas::new(&choices, 1e-3, false, 0);
        assert_eq!(alphas.values().map(<[f64]>::len).collect::<Vec<_>>(), [3, 3, 3, 0, 3]);
        // The first edge is sure of none, so that its best other candidate is weak.
        alphas.decisions[0].values = vec![5.0, 0.2, 0.1];
        alphas.decisions[1].values = vec![0.0, 0.5, 0.4];
        alphas.decisions[2].values = vec![0.0, 0.1, 0.9];
        alphas.decisions[4].values = vec![1.0, 0.0, 0.0];
        let architecture = architecture(&choices, &alphas);
        assert_eq!(
            architecture,
            [vec![1], vec![1], vec![2], vec![1, 2], vec![0]],
            "none counts where no input choice follows"
        );
        assert_eq!(Alphas::free_share(&choices, &architecture), Some(0.75));
    }

    /// With parameters of their own the inputs' strength is the product, and a weak edge may win by it.
    #[test]
    fn inputs_with_parameters_count_by_both() {
        let choices = choices();
        let mut alphas = Alphas::new(&choices, 1e-3, true, 0);
        assert_eq!(alphas.of(3).len(), 3);
        alphas.decisions[0].values = vec![5.0, 0.2, 0.1];
        alphas.decisions[3].values = vec![9.0, 0.0, 0.5];
        assert_eq!(architecture(&choices, &alphas)[3], [0, 2]);
    }

    /// After a step on two of four candidates the other two are as probable as before, to the bit of their parameters.
    #[test]
    fn a_pair_keeps_its_probability() {
        let ops = ["a", "b", "c", "d"];
        let choices = [layer("x", &ops), layer("y", &ops)];
        let mut alphas = Alphas::new(&choices, 1.0, false, 4);
        let before = alphas.clone();
        let adam = Adam { rate: 0.1, betas: (0.0, 0.999), weight_decay: 0.0 };
        let drawn = Drawn::path(3, 4).among(vec![1, 3]);
        for _ in 0..3 {
            let grads = [Some(vec![0.0, 0.4, 0.0, -0.4]), None];
            alphas.step_pairs(&grads, &[Some(drawn.clone()), None], adam);
        }
        assert_eq!(alphas.decisions[1], before.decisions[1]);
        let (p, q) = (softmax(before.of(0)), softmax(alphas.of(0)));
        for i in [0, 2] {
            assert_eq!(alphas.of(0)[i], before.of(0)[i]);
            assert!((p[i] - q[i]).abs() < 1e-12);
        }
        assert!(q[3] > p[3] + 0.01 && (p[1] + p[3] - q[1] - q[3]).abs() < 1e-12);
    }

    #[test]
    fn a_decision_without_a_part_is_left_alone() {
        let choices = choices();
        let mut alphas = Alphas::new(&choices, 1e-3, false, 1);
        let before = alphas.clone();
        let adam = Adam { rate: 0.1, betas: (0.5, 0.999), weight_decay: 1e-3 };
        alphas.step(&[None, Some(vec![1.0, 0.0, -1.0]), None, Some(vec![1.0; 3]), None], adam);
        for i in [0, 2, 3, 4] {
            assert_eq!(alphas.decisions[i], before.decisions[i]);
        }
        // Adam's first step is the learning rate against the gradient's sign.
        assert!((alphas.of(1)[0] - before.of(1)[0] + 0.1).abs() < 1e-6);
        assert!((alphas.of(1)[2] - before.of(1)[2] - 0.1).abs() < 1e-6);
    }

    #[test]
    fn entropy_is_relative() {
        let choices = choices();
        let mut alphas = Alphas::new(&choices, 0.0, false, 0);
        assert!((alphas.entropy() - 1.0).abs() < 1e-12);
        alphas.decisions.iter_mut().filter(|a| !a.values.is_empty()).for_each(|a| a.values[0] = 1e3);
        assert!(alphas.entropy() < 1e-12);
    }
}
