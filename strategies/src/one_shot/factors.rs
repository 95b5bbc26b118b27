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
use super::strongest;
use super::supernet::{Supernet, is_fed};
use codegen::init::stream;
use evaluators::data::Batch;
use rand_chacha::ChaCha8Rng;

/// Draws of a path before it is taken from the strongest legal architecture.
const TRIES: u32 = 100;

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

    /// Factors by a rule of the open decisions and of the number of the try: drawn paths once more where they contradict a
    /// constraint, so that no network is run that there may not be; where many do, the strongest legal path.
    fn lawful(
        &self,
        net: &Supernet,
        learner: &Learner,
        mut draw: impl FnMut(&Choice, &[f64], u32) -> Drawn,
    ) -> Result<Vec<Option<Drawn>>, OneShotError> {
        let again = if self.mixture.is_soft() || !net.space().is_constrained() { 0 } else { TRIES };
        let mut drawn = Self::factors(net, learner, |c, alpha| draw(c, alpha, 0));
        for attempt in 1..=again {
            if !strongest::contradicts(net, &drawn) {
                return Ok(drawn);
            }
            drawn = Self::factors(net, learner, |c, alpha| draw(c, alpha, attempt));
        }
        if again > 0 && strongest::contradicts(net, &drawn) {
            let (arms, _) = learner.preference(net.choices(), self.mixture).legal(net.space(), net.legal())?;
            for (drawn, arms) in drawn.iter_mut().zip(arms) {
                let hard = drawn.as_ref().filter(|d| d.arms.as_ref().is_some_and(|a| a.len() == 1) && arms.len() == 1);
                if let Some(n) = hard.map(|d| d.weights.len()).filter(|n| *n > 0) {
                    *drawn = Some(Drawn::path(arms[0], n));
                }
            }
        }
        Ok(drawn)
    }

    /// For a step of the parameters.
    pub(super) fn draw(
        &self,
        net: &Supernet,
        learner: &Learner,
        (temperature, step): (f64, u64),
    ) -> Result<Vec<Option<Drawn>>, OneShotError> {
        let seed = net.recipe().seed;
        self.lawful(net, learner, |c, alpha, attempt| {
            self.mixture_of(c).draw(alpha, temperature, &mut of_try(seed, b"architecture", step, c, attempt))
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
        let mut drawn = self.lawful(net, learner, |c, alpha, attempt| {
            self.mixture_of(c).draw_weights(alpha, temperature, &mut of_try(seed, b"weights", step, c, attempt))
        })?;
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
    pub(super) fn settled(&self, net: &Supernet, learner: &Learner) -> Result<Vec<Option<Drawn>>, OneShotError> {
        self.lawful(net, learner, |c, alpha, _| {
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
        let settled = self.settled(net, learner)?;
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

/// The stream of a decision in a further try of a step.
fn of_try(seed: u64, purpose: &[u8], step: u64, choice: &Choice, attempt: u32) -> ChaCha8Rng {
    match attempt {
        0 => of_step(seed, purpose, step, choice),
        _ => stream(seed, &[b"again", purpose, &step.to_le_bytes(), choice.label.as_bytes(), &attempt.to_le_bytes()]),
    }
}

/// The stream of a decision in a step, by its label and not by its order.
fn of_step(seed: u64, purpose: &[u8], step: u64, choice: &Choice) -> ChaCha8Rng {
    stream(seed, &[b"draw", purpose, &step.to_le_bytes(), choice.label.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::super::alpha::Alphas;
    use super::super::bilevel::first_order;
    use super::super::hub::{OneShot, build};
    use super::super::supernet::testing::supernet;
    use super::super::supernet::{Pair, cycled};
    use super::*;
    use evaluators::train::Precision;

    fn strategy(text: &str) -> Differentiable {
        match build(text).expect("it is in the hub") {
            OneShot::Differentiable(s) => s,
            other => panic!("{} learns by no gradient", other.identity()),
        }
    }

    /// The gradient of every parameter is that of the loss on what is held out, and it is not zero.
    #[test]
    fn the_gradient_is_that_of_the_loss_on_what_is_held_out() {
        let mut net = supernet(Precision::F64);
        let train = net.loaders.weights.batch(0, 0).expect("a batch");
        let valid = cycled(&mut net.loaders.arch, 0).expect("a batch");
        for text in ["darts:order=1", "snas", "fair-darts:zero_one=0"] {
            let s = strategy(text);
            let alphas = Alphas::new(net.choices(), 1.0, false, 5);
            let learner = Learner::new(alphas.clone());
            let drawn = s.draw(&net, &learner, (1.0, 0)).expect("drawn");
            let (route, run) = (net.selection(&drawn).expect("fits"), net.runs());
            let found = first_order(&mut Pair::new(&mut net, (&train, &valid), &route, 0.0)).expect("a gradient");
            let found = s.pull(&net, &learner, &drawn, found.arch, None);
            let mut loss = |decision: usize, arm: usize, by: f64| {
                let mut values: Vec<Vec<f64>> = alphas.values().map(<[f64]>::to_vec).collect();
                values[decision][arm] += by;
                let learner = Learner::new(Alphas::from_values(values));
                let drawn = s.draw(&net, &learner, (1.0, 0)).expect("drawn");
                let route = net.selection(&drawn).expect("fits");
                net.pass_of(run, &valid, &route, (false, false), 0.0).expect("runs").0.loss
            };
            for (decision, grad) in found.iter().enumerate() {
                let grad = grad.as_ref().expect("every decision plays a part");
                for (arm, g) in grad.iter().enumerate() {
                    let exact = (loss(decision, arm, 1e-5) - loss(decision, arm, -1e-5)) / 2e-5;
                    assert!((g - exact).abs() < 1e-8, "{text}: {decision}.{arm}: {g}, not {exact}");
                }
                assert!(grad.iter().any(|g| g.abs() > 1e-5), "{text}: {decision} does not learn: {grad:?}");
            }
        }
    }
}
