//! Factors of all decisions in one step of a differentiable search, and gradients back to their parameters.

use super::OneShotError;
use super::choice::Choice;
use super::dirichlet;
use super::gradient::Differentiable;
use super::hessian;
use super::learner::Learner;
use super::mixed::{Perturb, grown, noisy, thinned, worst};
use super::mixture::{Drawn, Mixture, argmax};
use super::penalty::Penalty;
use super::supernet::{Supernet, is_fed};
use codegen::init::stream;
use evaluators::data::Batch;
use rand_chacha::ChaCha8Rng;

/// Gradients by decision, none for one that has nothing to learn from a step.
type Grads = Vec<Option<Vec<f64>>>;

impl Differentiable {
    /// How a decision's parameters become factors: of inputs beside those of their candidates always by a softmax.
    fn mixture_of(&self, choice: &Choice) -> Mixture {
        if is_fed(choice) { Mixture::Softmax } else { self.mixture }
    }

    /// The factors of every decision by a rule for the open ones; none for inputs that all go on.
    fn factors(
        net: &Supernet,
        learner: &Learner,
        mut open: impl FnMut(&Choice, &[f64]) -> Drawn,
    ) -> Vec<Option<Drawn>> {
        let of = |(i, c): (usize, &Choice)| match &learner.decided[i] {
            Some(arms) => Some(Drawn::taken(arms)),
            None => Some(learner.alphas.of(i)).filter(|alpha| !alpha.is_empty()).map(|alpha| open(c, alpha)),
        };
        net.choices().iter().enumerate().map(of).collect()
    }

    /// For a step of the parameters.
    pub(super) fn draw(
        &self,
        net: &Supernet,
        learner: &Learner,
        (temperature, step): (f64, u64),
    ) -> Vec<Option<Drawn>> {
        let seed = net.recipe().seed;
        Self::factors(net, learner, |c, alpha| {
            self.mixture_of(c).draw(alpha, temperature, &mut of_step(seed, b"architecture", step, c))
        })
    }

    /// For a step of the weights, disturbed and thinned as the strategy has it.
    pub(super) fn draw_weights(
        &self,
        net: &mut Supernet,
        learner: &Learner,
        batch: &Batch,
        (temperature, step): (f64, u64),
        epoch: u32,
    ) -> Result<Vec<Option<Drawn>>, OneShotError> {
        let seed = net.recipe().seed;
        let mut drawn = Self::factors(net, learner, |c, alpha| {
            self.mixture_of(c).draw_weights(alpha, temperature, &mut of_step(seed, b"weights", step, c))
        });
        let open = |i: &usize| learner.is_open(*i) && !is_fed(&net.choices()[*i]);
        let open: Vec<usize> = (0..drawn.len()).filter(open).collect();
        let epochs = net.recipe().epochs;
        let radius = self.mixed.radius_in(epoch, epochs);
        if self.mixed.perturb == Some(Perturb::Random) {
            for i in open.iter().copied() {
                let mut rng = of_step(seed, b"noise", step, &net.choices()[i]);
                drawn[i].iter_mut().for_each(|d| d.weights = noisy(&d.weights, radius, &mut rng));
            }
        } else if self.mixed.perturb == Some(Perturb::Adversarial) && radius > 0.0 {
            self.attack(net, batch, &mut drawn, &open, (radius, step))?;
        }
        if self.mixed.path_drop > 0.0 {
            let share = self.mixed.path_drop * grown(epoch, epochs);
            for i in open {
                let mut rng = of_step(seed, b"gaps", step, &net.choices()[i]);
                drawn[i] = drawn[i].take().map(|d| thinned(d, share, &mut rng));
            }
        }
        Ok(drawn)
    }

    /// Moves the factors of some decisions to where the training loss is high.
    fn attack(
        &self,
        net: &mut Supernet,
        batch: &Batch,
        drawn: &mut [Option<Drawn>],
        open: &[usize],
        (radius, step): (f64, u64),
    ) -> Result<(), OneShotError> {
        let put = |drawn: &mut [Option<Drawn>], weights: &[Vec<f64>]| {
            open.iter().zip(weights).for_each(|(i, w)| drawn[*i].iter_mut().for_each(|d| d.weights.clone_from(w)));
        };
        let start: Vec<Vec<f64>> =
            open.iter().map(|i| drawn[*i].as_ref().map(|d| d.weights.clone()).unwrap_or_default()).collect();
        let mut rng = stream(net.recipe().seed, &[b"attack", &step.to_le_bytes()]);
        let found = worst(&start, radius, &mut rng, &mut |weights| -> Result<_, OneShotError> {
            let mut at = drawn.to_vec();
            put(&mut at, weights);
            let selection = net.selection(&at)?;
            let (pass, mut grads) = net.probe(batch, &selection)?;
            Ok((pass.loss, open.iter().map(|i| grads[*i].take()).collect()))
        })?;
        put(drawn, &found);
        Ok(())
    }

    /// The mixture without noise: of a hard one the strongest path.
    pub(super) fn settled(&self, net: &Supernet, learner: &Learner) -> Vec<Option<Drawn>> {
        Self::factors(net, learner, |c, alpha| {
            let mixture = self.mixture_of(c);
            let strength = mixture.strength(alpha);
            match mixture.is_soft() {
                true => Drawn::fixed(strength),
                false => Drawn::path(argmax(&strength), strength.len()),
            }
        })
    }

    /// From gradients of factors to gradients of parameters.
    pub(super) fn pull(
        &self,
        net: &Supernet,
        learner: &Learner,
        drawn: &[Option<Drawn>],
        grads: Grads,
        penalty: Option<&Penalty>,
    ) -> Grads {
        let (alphas, choices) = (&learner.alphas, net.choices());
        let independent = |i: &usize| self.mixture_of(&choices[*i]) == Mixture::Sigmoid;
        let of = (0..choices.len()).filter(independent).map(|i| alphas.of(i).len()).sum();
        let probabilities = |(i, c): (usize, &Choice)| match &learner.decided[i] {
            Some(arms) => (0..c.arms.len()).map(|a| f64::from(u8::from(arms.contains(&a)))).collect(),
            None => self.mixture_of(c).strength(alphas.of(i)),
        };
        let costs = penalty.map(|p| p.gradient(&choices.iter().enumerate().map(probabilities).collect::<Vec<_>>()));
        let one = |(i, grad): (usize, Option<Vec<f64>>)| {
            let grad = grad.filter(|_| learner.is_open(i))?;
            let (mixture, alpha, drawn) = (self.mixture_of(&choices[i]), alphas.of(i), drawn[i].as_ref()?);
            let mut grad = mixture.pull(alpha, drawn, &grad);
            let mut add = |more: Vec<f64>| grad.iter_mut().zip(more).for_each(|(g, m)| *g += m);
            if let Some(costs) = &costs {
                add(match mixture {
                    Mixture::TwoPaths => mixture.pull(alpha, drawn, &costs[i]),
                    _ => mixture.pull_strength(alpha, &costs[i]),
                });
            }
            if mixture == Mixture::Sigmoid && self.zero_one > 0.0 {
                add(Mixture::zero_one_gradient(alpha, self.zero_one, of));
            }
            if mixture == Mixture::Dirichlet && self.divergence > 0.0 {
                let each = dirichlet::divergence_gradient(alpha).into_iter();
                add(each.map(|g| self.divergence * g).collect());
            }
            Some(grad)
        };
        grads.into_iter().enumerate().map(one).collect()
    }

    /// The greatest eigenvalue of the Hessian of the loss in the open parameters, on the first batch of what is held out,
    /// without noise.
    pub(super) fn eigenvalue(&self, net: &mut Supernet, learner: &Learner) -> Result<f64, OneShotError> {
        let batch = net.loaders.arch.batch(0, 0)?;
        let open: Vec<usize> = (0..net.choices().len()).filter(|i| learner.is_open(*i)).collect();
        let at: Vec<f64> = open.iter().flat_map(|i| learner.alphas.of(*i)).copied().collect();
        let settled = self.settled(net, learner);
        let mut gradient = |x: &[f64]| -> Result<Vec<f64>, OneShotError> {
            let (mut rest, mut moved) = (x, settled.clone());
            let mut parts = Vec::with_capacity(open.len());
            for i in &open {
                let (alpha, behind) = rest.split_at(learner.alphas.of(*i).len());
                let mixture = self.mixture_of(&net.choices()[*i]);
                moved[*i] = Some(Drawn::fixed(mixture.strength(alpha)));
                parts.push((*i, mixture, alpha));
                rest = behind;
            }
            let selection = net.selection(&moved)?;
            let (_, mut grads) = net.probe(&batch, &selection)?;
            let pulled = parts.into_iter().flat_map(|(i, mixture, alpha)| match grads[i].take() {
                Some(grad) => mixture.pull_strength(alpha, &grad),
                None => vec![0.0; alpha.len()],
            });
            Ok(pulled.collect())
        };
        hessian::greatest_eigenvalue(&mut gradient, &at, 0)
    }
}

/// The stream of a decision in a step, by its label and not by its order.
fn of_step(seed: u64, purpose: &[u8], step: u64, choice: &Choice) -> ChaCha8Rng {
    stream(seed, &[b"draw", purpose, &step.to_le_bytes(), choice.label.as_bytes()])
}
