//! Differentiable search: weights and architecture parameters learn in turns.

use super::OneShotError;
use super::adam::Adam;
use super::alpha::Alphas;
use super::bilevel::{Gradients, Side, Step, first_order, second_order};
use super::choice;
use super::course::{Course, Report};
use super::mixture::{Drawn, Mixture};
use super::penalty::{Measure, Penalty};
use super::search::{Epoch, Found, Keep};
use super::supernet::{Pair, Route, Supernet, cycled, is_fed};
use codegen::init::stream;
use codegen::torch::Sgd;
use evaluators::data::Batch;
use mutators::{Options, Sample};

/// A differentiable strategy.
#[derive(Clone, Debug, PartialEq)]
pub struct Differentiable {
    pub(super) identity: String,
    /// How parameters become a mixture.
    pub mixture: Mixture,
    /// Whether the architecture's gradient looks one step of the weights ahead.
    pub second_order: bool,
    /// How the parameters learn.
    pub adam: Adam,
    /// Standard deviation of the first parameters.
    pub deviation: f64,
    /// The temperature in the first and in the last epoch; between them it falls in a straight line.
    pub temperature: (f64, f64),
    /// Epochs in which only weights learn.
    pub warmup: u32,
    /// The search ends once more than this share of the layer choices has nothing to learn; never at 1. After Liang et al.
    /// 2019, "DARTS+", who end it when skip connections take over.
    pub stop_free: f64,
    /// What a network costs that counts in the architecture's loss.
    pub cost: Option<Measure>,
    /// How much it counts: times the expected cost over that of guessing.
    pub cost_weight: f64,
    /// Weight of the term that pushes independent factors away from one half.
    pub zero_one: f64,
}

impl Differentiable {
    /// Reads the options of a named strategy whose paper's settings are `self`'s.
    pub(super) fn take(self, options: &mut Options) -> Result<Self, OneShotError> {
        let name = options.name.clone();
        let mut s = self;
        s.adam.rate = options.take_in("arch_lr", s.adam.rate, 0.0, 1e3)?;
        s.adam.weight_decay = options.take_in("arch_decay", s.adam.weight_decay, 0.0, 1e3)?;
        s.warmup = options.take_in("warmup", s.warmup, 0, 100_000)?;
        let (rate, decay, warmup) = (s.adam.rate, s.adam.weight_decay, s.warmup);
        let mut identity = format!("{name}:arch_lr={rate},arch_decay={decay},warmup={warmup}");
        let word = options.take_one("cost", Measure::word(s.cost), Measure::WORDS)?.to_owned();
        s.cost = Measure::from_word(&word);
        s.cost_weight = options.take_in("cost_weight", s.cost_weight, 0.0, 1e6)?;
        identity.push_str(&format!(",cost={word},cost_weight={}", s.cost_weight));
        s.stop_free = options.take_in("stop_free", s.stop_free, 0.0, 1.0)?;
        identity.push_str(&format!(",stop_free={}", s.stop_free));
        if s.mixture == Mixture::Softmax {
            let order = options.take_in("order", if s.second_order { 2 } else { 1 }, 1, 2)?;
            s.second_order = order == 2;
            identity.push_str(&format!(",order={order}"));
        }
        if matches!(s.mixture, Mixture::Gumbel | Mixture::HardGumbel) {
            s.temperature.0 = options.take_in("tau", s.temperature.0, 1e-6, 1e6)?;
            s.temperature.1 = options.take_in("tau_end", s.temperature.1, 1e-6, 1e6)?;
            identity.push_str(&format!(",tau={},tau_end={}", s.temperature.0, s.temperature.1));
        }
        if s.mixture == Mixture::Sigmoid {
            s.zero_one = options.take_in("zero_one", s.zero_one, 0.0, 1e6)?;
            identity.push_str(&format!(",zero_one={}", s.zero_one));
        }
        Ok(Self { identity, ..s })
    }

    fn temperature(&self, epoch: u32, epochs: u32) -> f64 {
        let share = f64::from(epoch) / f64::from(epochs.saturating_sub(1).max(1));
        self.temperature.0 + (self.temperature.1 - self.temperature.0) * share
    }

    /// Learns weights and architecture.
    pub(super) fn search(
        &self,
        net: &mut Supernet,
        keep: Option<&Keep>,
        report: Report<'_>,
    ) -> Result<Found, OneShotError> {
        let recipe = net.recipe().clone();
        let mut alphas = Alphas::new(net.choices(), self.deviation, recipe.seed);
        let cost = |measure| Penalty::new(net.space(), net.choices(), measure, self.cost_weight);
        let penalty = self.cost.map(cost).transpose()?;
        let mut course = Course::begin(net, &self.identity, &mut alphas, keep, report)?;
        let batches = net.loaders.weights.batches();
        for epoch in course.next()..recipe.epochs {
            if self.ends_after(&course.history) {
                break;
            }
            let temperature = self.temperature(epoch, recipe.epochs);
            for index in 0..batches {
                let step = u64::from(epoch) * batches as u64 + index as u64;
                let train = net.loaders.weights.batch(u64::from(epoch), index)?;
                if epoch >= self.warmup {
                    let drawn = self.draw(net, &alphas, temperature, step, b"architecture");
                    let found = self.architecture_gradient(net, &course.sgd, &train, &drawn, (epoch, index))?;
                    alphas.step(&self.pull(&alphas, &drawn, found.arch, penalty.as_ref()), self.adam);
                    check(net, &alphas, epoch, index)?;
                }
                let drawn = self.draw(net, &alphas, temperature, step, b"weights");
                let selection = net.selection(&drawn)?;
                course.learn(net, &train, &selection, (epoch, index))?;
            }
            let seconds = course.seconds();
            let valid = net.measure(&self.settled(net, &alphas)?)?;
            let sample = self.read_off(net, &alphas)?;
            let monitors = (alphas.entropy(), alphas.free_share(net.choices(), self.mixture));
            course.close(net, valid, sample, Some(monitors), &alphas, seconds)?;
        }
        let sample = self.read_off(net, &alphas)?;
        Ok(Found { sample, history: course.history, alphas: Some(alphas) })
    }

    /// Whether too much has nothing to learn.
    fn ends_after(&self, history: &[Epoch]) -> bool {
        history.last().and_then(|e| e.free_share).is_some_and(|free| free > self.stop_free)
    }

    fn read_off(&self, net: &Supernet, alphas: &Alphas) -> Result<Sample, OneShotError> {
        choice::sample(net.space(), net.choices(), &alphas.architecture(net.choices(), self.mixture))
    }

    /// The factors of every decision in a step; none for inputs that all go on.
    fn draw(&self, net: &Supernet, alphas: &Alphas, tau: f64, step: u64, purpose: &[u8]) -> Vec<Option<Drawn>> {
        let seed = net.recipe().seed;
        let of = |(c, alpha): (&choice::Choice, &[f64])| {
            let mut rng = stream(seed, &[b"draw", purpose, &step.to_le_bytes(), c.label.as_bytes()]);
            (!is_fed(c)).then(|| self.mixture.draw(alpha, tau, &mut rng))
        };
        net.choices().iter().zip(alphas.values()).map(of).collect()
    }

    /// Of the factors, on a batch of what is held out.
    fn architecture_gradient(
        &self,
        net: &mut Supernet,
        sgd: &Sgd,
        train: &Batch,
        drawn: &[Option<Drawn>],
        (epoch, index): (u32, usize),
    ) -> Result<Gradients, OneShotError> {
        let (recipe, batches) = (net.recipe().clone(), net.loaders.weights.batches());
        let valid = &cycled(&mut net.loaders.arch, u64::from(epoch) * batches as u64 + index as u64)?;
        let (selection, drop_path) = (&net.selection(drawn)?, recipe.drop_path_factor(epoch));
        let mut pair = Pair { net, train, valid, selection, drop_path };
        let found = if self.second_order {
            let rate = recipe.rate(epoch, index, batches);
            let (momentum, weight_decay) = (recipe.momentum, recipe.weight_decay);
            second_order(&mut pair, &Step { rate, momentum, weight_decay, velocity: sgd.velocity() })?
        } else {
            first_order(&mut pair)?
        };
        if !found.loss.is_finite() {
            let (side, epoch, step) = (Side::Valid, epoch + 1, index + 1);
            return Err(OneShotError::Loss { side, epoch, step, loss: found.loss });
        }
        Ok(found)
    }

    /// From gradients of factors to gradients of parameters.
    fn pull(
        &self,
        alphas: &Alphas,
        drawn: &[Option<Drawn>],
        grads: Vec<Option<Vec<f64>>>,
        penalty: Option<&Penalty>,
    ) -> Vec<Option<Vec<f64>>> {
        let of = alphas.values().map(<[f64]>::len).sum();
        let strengths: Vec<Vec<f64>> = alphas.values().map(|a| self.mixture.strength(a)).collect();
        let costs = penalty.map(|p| p.gradient(&strengths));
        let one = |(i, grad): (usize, Option<Vec<f64>>)| {
            let mut grad = self.mixture.pull(drawn[i].as_ref()?, &grad?);
            let mut add = |more: Vec<f64>| grad.iter_mut().zip(more).for_each(|(g, m)| *g += m);
            if let Some(costs) = &costs {
                add(self.mixture.pull(&Drawn::fixed(strengths[i].clone()), &costs[i]));
            }
            if self.zero_one > 0.0 {
                add(Mixture::zero_one_gradient(alphas.of(i), self.zero_one, of));
            }
            Some(grad)
        };
        grads.into_iter().enumerate().map(one).collect()
    }

    /// The mixture without noise: of a hard one the strongest path.
    fn settled(&self, net: &Supernet, alphas: &Alphas) -> Result<Route, OneShotError> {
        let of = |(c, alpha): (&choice::Choice, &[f64])| {
            let strength = self.mixture.strength(alpha);
            (!is_fed(c)).then(|| match self.mixture {
                Mixture::HardGumbel => Drawn::path(super::mixture::argmax(&strength), strength.len()),
                _ => Drawn::fixed(strength),
            })
        };
        let drawn: Vec<_> = net.choices().iter().zip(alphas.values()).map(of).collect();
        net.selection(&drawn)
    }
}

/// Whether every parameter is a number.
fn check(net: &Supernet, alphas: &Alphas, epoch: u32, index: usize) -> Result<(), OneShotError> {
    for (c, alpha) in net.choices().iter().zip(alphas.values()) {
        if let Some(value) = alpha.iter().copied().find(|a| !a.is_finite()) {
            let label = c.label.to_string();
            return Err(OneShotError::Alpha { label, epoch: epoch + 1, step: index + 1, value });
        }
    }
    Ok(())
}
