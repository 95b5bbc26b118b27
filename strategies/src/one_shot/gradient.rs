//! Differentiable search: weights and architecture parameters learn in turns.

use super::alpha::{Adam, Alphas};
use super::bilevel::{Gradients, Side, Step, first_order, second_order};
use super::choice;
use super::mixture::{Drawn, Mixture};
use super::supernet::{Pair, Supernet, cycled, is_fed};
use super::{Epoch, Found, OneShotError};
use codegen::init::stream;
use codegen::torch::{Selection, Sgd};
use mutators::Options;

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
        Ok(Self { identity, ..s })
    }

    fn temperature(&self, epoch: u32, epochs: u32) -> f64 {
        let share = f64::from(epoch) / f64::from(epochs.saturating_sub(1).max(1));
        self.temperature.0 + (self.temperature.1 - self.temperature.0) * share
    }

    /// Learns weights and architecture.
    pub(super) fn search(&self, net: &mut Supernet, report: &mut dyn FnMut(&Epoch)) -> Result<Found, OneShotError> {
        let recipe = net.recipe().clone();
        let mut alphas = Alphas::new(net.choices(), self.deviation, recipe.seed);
        let mut sgd = Sgd::new(recipe.momentum, recipe.nesterov, recipe.weight_decay);
        let mut history = Vec::new();
        let batches = net.loaders.weights.batches();
        for epoch in 0..recipe.epochs {
            let started = std::time::Instant::now();
            let temperature = self.temperature(epoch, recipe.epochs);
            let (mut loss, mut hits, mut images) = (0.0, 0, 0);
            for index in 0..batches {
                let step = u64::from(epoch) * batches as u64 + index as u64;
                let lr = recipe.rate(epoch, index, batches);
                let drop_path = recipe.drop_path_factor(epoch);
                let refuse = |side, loss: f64| OneShotError::Loss { side, epoch: epoch + 1, step: index + 1, loss };
                let train = net.loaders.weights.batch(u64::from(epoch), index)?;
                if epoch >= self.warmup {
                    let valid = cycled(&mut net.loaders.arch, step)?;
                    let drawn = self.draw(net, &alphas, temperature, step, b"architecture");
                    let selection = net.selection(&drawn)?;
                    let mut pair = Pair { net, train: &train, valid: &valid, selection: &selection, drop_path };
                    let found = self.architecture_gradient(&mut pair, lr, &recipe, &sgd)?;
                    if !found.loss.is_finite() {
                        return Err(refuse(Side::Valid, found.loss));
                    }
                    alphas.step(&self.pull(&drawn, found.arch), self.adam);
                    check(net, &alphas, epoch, index)?;
                }
                let drawn = self.draw(net, &alphas, temperature, step, b"weights");
                let selection = net.selection(&drawn)?;
                let (pass, _) = net.pass(&train, &selection, (true, false), drop_path)?;
                if !pass.loss.is_finite() {
                    return Err(refuse(Side::Train, pass.loss));
                }
                net.step(&mut sgd, &selection, lr)?;
                loss += pass.loss * pass.images as f64;
                hits += pass.hits;
                images += pass.images;
            }
            let seconds = started.elapsed().as_secs_f64();
            let valid = net.measure(&self.settled(net, &alphas)?)?;
            let architecture = alphas.architecture(net.choices(), self.mixture);
            let sample = choice::sample(net.space(), net.choices(), &architecture)?;
            let closed = Epoch {
                epoch: epoch + 1,
                epochs: recipe.epochs,
                train_loss: loss / images.max(1) as f64,
                train_accuracy: 100.0 * hits as f64 / images.max(1) as f64,
                valid_loss: valid.loss,
                valid_accuracy: valid.accuracy,
                entropy: Some(alphas.entropy()),
                free_share: Some(alphas.free_share(net.choices(), self.mixture)),
                sample: Some(sample),
                seconds,
            };
            report(&closed);
            history.push(closed);
        }
        let architecture = alphas.architecture(net.choices(), self.mixture);
        let sample = choice::sample(net.space(), net.choices(), &architecture)?;
        Ok(Found { sample, alphas: Some(alphas), history })
    }

    /// The factors of every decision in a step; none for inputs that all go on.
    fn draw(&self, net: &Supernet, alphas: &Alphas, tau: f64, step: u64, purpose: &[u8]) -> Vec<Option<Drawn>> {
        let seed = net.recipe().seed;
        let of = |(c, alpha): (&choice::Choice, &Vec<f64>)| {
            let mut rng = stream(seed, &[b"draw", purpose, &step.to_le_bytes(), c.label.as_bytes()]);
            (!is_fed(c)).then(|| self.mixture.draw(alpha, tau, &mut rng))
        };
        net.choices().iter().zip(&alphas.values).map(of).collect()
    }

    fn architecture_gradient(
        &self,
        pair: &mut Pair<'_>,
        rate: f64,
        recipe: &evaluators::train::Recipe,
        sgd: &Sgd,
    ) -> Result<Gradients, OneShotError> {
        if !self.second_order {
            return first_order(pair);
        }
        let step =
            Step { rate, momentum: recipe.momentum, weight_decay: recipe.weight_decay, velocity: sgd.velocity() };
        second_order(pair, &step)
    }

    /// From gradients of factors to gradients of parameters.
    fn pull(&self, drawn: &[Option<Drawn>], grads: Vec<Option<Vec<f64>>>) -> Vec<Option<Vec<f64>>> {
        drawn.iter().zip(grads).map(|(d, g)| Some(self.mixture.pull(d.as_ref()?, &g?))).collect()
    }

    /// The mixture without noise: of a hard one the strongest path.
    fn settled(&self, net: &Supernet, alphas: &Alphas) -> Result<Selection, OneShotError> {
        let of = |(c, alpha): (&choice::Choice, &Vec<f64>)| {
            let strength = self.mixture.strength(alpha);
            (!is_fed(c)).then(|| match self.mixture {
                Mixture::HardGumbel => Drawn::path(super::mixture::argmax(&strength), strength.len()),
                _ => Drawn::fixed(strength),
            })
        };
        let drawn: Vec<_> = net.choices().iter().zip(&alphas.values).map(of).collect();
        net.selection(&drawn)
    }
}

/// Whether every parameter is a number.
fn check(net: &Supernet, alphas: &Alphas, epoch: u32, index: usize) -> Result<(), OneShotError> {
    for (c, alpha) in net.choices().iter().zip(&alphas.values) {
        if let Some(value) = alpha.iter().copied().find(|a| !a.is_finite()) {
            let label = c.label.to_string();
            return Err(OneShotError::Alpha { label, epoch: epoch + 1, step: index + 1, value });
        }
    }
    Ok(())
}
