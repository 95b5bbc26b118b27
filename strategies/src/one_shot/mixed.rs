//! What modifies a mixed operation: which channels it sees, how strong its node takes it, and noise and gaps in its factors
//! while the weights learn.

use super::OneShotError;
use super::mixture::{Drawn, Mixture};
use codegen::init::unit;
use mutators::Options;
use rand_chacha::ChaCha8Rng;

/// How factors are disturbed while the weights learn. Chen and Hsieh 2020, "Stabilizing Differentiable Architecture Search
/// via Perturbation-based Regularization".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Perturb {
    /// By uniform noise.
    Random,
    /// By what raises the training loss most: projected gradient ascent.
    Adversarial,
}

impl Perturb {
    const WORDS: &'static [&'static str] = &["none", "random", "adversarial"];

    fn word(of: Option<Self>) -> &'static str {
        match of {
            None => "none",
            Some(Self::Random) => "random",
            Some(Self::Adversarial) => "adversarial",
        }
    }
}

/// The modifiers of a differentiable strategy; each may be taken alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    /// A layer choice sees one channel of so many, the others go past it; all of them at 1. Xu et al. 2020, "PC-DARTS".
    pub partial: u32,
    /// Whether the inputs of a node have parameters of their own, whose softmax scales them: edge normalisation, of
    /// the same paper.
    pub edges: bool,
    /// How factors are disturbed while the weights learn.
    pub perturb: Option<Perturb>,
    /// By how much at most, in the end.
    pub radius: f64,
    /// The same in the first epoch; between them it grows in a straight line.
    pub radius_start: f64,
    /// The share of a choice's candidates that is left out of a step of the weights in the end; it grows from 0 in a
    /// straight line. Bender et al. 2018, "Understanding and Simplifying One-Shot Architecture Search".
    pub path_drop: f64,
}

impl Default for Mixed {
    fn default() -> Self {
        Self { partial: 1, edges: false, perturb: None, radius: 0.3, radius_start: 0.03, path_drop: 0.0 }
    }
}

impl Mixed {
    /// Reads the options that make sense with a mixture, and writes them as an identity spells them.
    pub(super) fn take(mut self, mixture: Mixture, options: &mut Options) -> Result<(Self, String), OneShotError> {
        self.partial = options.take_in("partial", self.partial, 1, 1024)?;
        self.edges = options.take("edges", self.edges)?;
        let mut identity = format!(",partial={},edges={}", self.partial, self.edges);
        if mixture.is_simplex() {
            let word = options.take_one("perturb", Perturb::word(self.perturb), Perturb::WORDS)?.to_owned();
            self.perturb =
                [Perturb::Random, Perturb::Adversarial].into_iter().find(|p| Perturb::word(Some(*p)) == word);
            self.radius = options.take_in("radius", self.radius, 0.0, 1.0)?;
            self.radius_start = options.take_in("radius_start", self.radius_start, 0.0, 1.0)?;
            identity.push_str(&format!(",perturb={word},radius={},radius_start={}", self.radius, self.radius_start));
        }
        if mixture.is_soft() {
            self.path_drop = options.take_in("path_drop", self.path_drop, 0.0, 0.99)?;
            identity.push_str(&format!(",path_drop={}", self.path_drop));
        }
        Ok((self, identity))
    }

    /// By how much factors are disturbed at most in an epoch, from 0. The last is short of `radius` by one part in
    /// `epochs`, as in the authors' code.
    pub(super) fn radius_in(&self, epoch: u32, epochs: u32) -> f64 {
        self.radius_start + (self.radius - self.radius_start) * grown(epoch, epochs)
    }
}

/// How much of its course a search has behind it, from 0.
pub(super) fn grown(epoch: u32, epochs: u32) -> f64 {
    (f64::from(epoch) / f64::from(epochs.max(1))).min(1.0)
}

/// Puts factors back where they add up to 1: cut to 0..1 and scaled; the greatest alone if nothing is left.
fn onto_simplex(weights: &mut [f64]) {
    let strongest = super::mixture::argmax(weights);
    weights.iter_mut().for_each(|w| *w = w.clamp(0.0, 1.0));
    if weights.iter().sum::<f64>() == 0.0 {
        weights[strongest] = 1.0;
    }
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= sum);
}

/// Uniform noise of at most `radius`.
pub(super) fn noisy(weights: &[f64], radius: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut noisy: Vec<f64> = weights.iter().map(|w| w + radius * (2.0 * f64::from(unit(rng)) - 1.0)).collect();
    onto_simplex(&mut noisy);
    noisy
}

/// Steps of the ascent, each of `2 radius / 7`, as in the paper's code.
const STEPS: usize = 7;

/// A loss and its gradients by decision, none for one that plays no part.
pub(super) type Pull<'a, E> = &'a mut dyn FnMut(&[Vec<f64>]) -> Result<(f64, Vec<Option<Vec<f64>>>), E>;

/// The factors within `radius` of some at which a loss is high: by the signs of its gradients, from noise. They stay as they
/// are if that finds nothing worse.
pub(super) fn worst<E>(
    weights: &[Vec<f64>],
    radius: f64,
    rng: &mut ChaCha8Rng,
    loss: Pull<'_, E>,
) -> Result<Vec<Vec<f64>>, E> {
    let (before, _) = loss(weights)?;
    let mut at: Vec<Vec<f64>> = weights.iter().map(|w| noisy(w, radius, rng)).collect();
    for _ in 0..STEPS {
        let (_, grads) = loss(&at)?;
        for ((at, start), grad) in at.iter_mut().zip(weights).zip(grads) {
            let Some(grad) = grad else { continue };
            for ((w, start), g) in at.iter_mut().zip(start).zip(grad) {
                let sign = if g == 0.0 { 0.0 } else { g.signum() };
                *w = (*w + 2.0 * radius / STEPS as f64 * sign).clamp(start - radius, start + radius);
            }
            onto_simplex(at);
        }
    }
    let (after, _) = loss(&at)?;
    Ok(if before > after { weights.to_vec() } else { at })
}

/// Leaves candidates out, each with probability `share`; one that was drawn to stay if all were.
pub(super) fn thinned(drawn: Drawn, share: f64, rng: &mut ChaCha8Rng) -> Drawn {
    let n = drawn.weights.len();
    let mut kept: Vec<usize> = (0..n).filter(|_| f64::from(unit(rng)) >= share).collect();
    if kept.is_empty() {
        kept.push((f64::from(unit(rng)) * n as f64) as usize);
    }
    drawn.among(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use codegen::init::stream;
    use std::convert::Infallible;

    #[test]
    fn noise_stays_on_the_simplex() {
        let mut rng = stream(1, &[b"noise"]);
        let start = [0.9, 0.05, 0.05];
        let mut moved = 0.0_f64;
        for _ in 0..1000 {
            let w = noisy(&start, 0.3, &mut rng);
            assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-12 && w.iter().all(|w| (0.0..=1.0).contains(w)), "{w:?}");
            moved = moved.max((w[0] - start[0]).abs());
        }
        assert!(moved > 0.1);
        assert_eq!(noisy(&[0.25; 4], 0.0, &mut rng), [0.25; 4]);
        let mut gone = [-0.2, -0.1, -0.3];
        onto_simplex(&mut gone);
        assert_eq!(gone, [0.0, 1.0, 0.0]);
    }

    /// `epsilon_alpha = 0.03 + (args.epsilon_alpha - 0.03) * epoch / args.epochs`, with 0.3 in the end: the authors' code
    /// (xiangning-chen/SmoothDARTS, `sota/cnn/train_search.py`, lines 57 and 170, and `nasbench201/train_search.py`, the
    /// same lines). Seven steps of the ascent, each of two radii over seven: `attacker/perturb.py`, lines 11 and 16.
    #[test]
    fn the_radius_is_the_authors() {
        let mixed = Mixed::default();
        for (epoch, epochs, radius) in [(0, 50, 0.03), (1, 50, 0.0354), (25, 50, 0.165), (49, 50, 0.2946), (0, 1, 0.03)]
        {
            let found = mixed.radius_in(epoch, epochs);
            assert!((found - radius).abs() < 1e-12, "epoch {epoch} of {epochs}: {found}, not {radius}");
        }
        assert_eq!(STEPS, 7);
        // While decisions are tuned, all epochs are behind.
        assert!((mixed.radius_in(60, 50) - 0.3).abs() < 1e-12);
    }

    /// Where the loss is linear, the worst is at a corner of what the radius and the simplex admit.
    #[test]
    fn the_worst_raises_the_loss() {
        let start = vec![vec![0.25; 4], vec![0.5, 0.5], vec![0.5, 0.5]];
        let slope = [vec![1.0, 0.0, -2.0, 0.5], vec![0.0, 3.0]];
        let value = |at: &[Vec<f64>]| -> f64 {
            at.iter().zip(&slope).map(|(w, s)| w.iter().zip(s).map(|(w, s)| w * s).sum::<f64>()).sum()
        };
        let mut loss = |at: &[Vec<f64>]| -> Result<_, Infallible> {
            Ok((value(at), vec![Some(slope[0].clone()), Some(slope[1].clone()), None]))
        };
        let Ok(found) = worst(&start, 0.2, &mut stream(0, &[b"ascent"]), &mut loss);
        assert!(value(&found) > value(&start) + 0.5, "{found:?}");
        for w in &found {
            assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        // A loss that is greatest at the start is left there.
        let mut peak = |at: &[Vec<f64>]| -> Result<_, Infallible> {
            let gap = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            Ok((-at.iter().zip(&start).map(gap).sum::<f64>(), vec![Some(vec![1.0, 0.0, 0.0, 0.0]), None, None]))
        };
        let Ok(found) = worst(&start, 0.2, &mut stream(0, &[b"ascent"]), &mut peak);
        assert_eq!(found, start);
    }

    #[test]
    fn candidates_are_left_out_by_their_share() {
        let mut rng = stream(3, &[b"gaps"]);
        let mut kept = 0_u32;
        for _ in 0..2000 {
            let drawn = thinned(Drawn::fixed(vec![0.2; 5]), 0.4, &mut rng);
            let arms = drawn.arms.expect("some");
            assert!(!arms.is_empty() && arms.is_sorted());
            kept += arms.len() as u32;
        }
        // 0.6 of 10,000, and 0.01 of all draws keep one where none would stay.
        assert!((f64::from(kept) / 10_000.0 - 0.6).abs() < 0.03, "{kept}");
        assert_eq!(thinned(Drawn::fixed(vec![0.5; 2]), 0.0, &mut rng).arms, Some(vec![0, 1]));
    }
}
