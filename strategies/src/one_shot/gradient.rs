//! Differentiable search: weights and architecture parameters learn in turns.

use super::OneShotError;
use super::adam::Adam;
use super::alpha::Alphas;
use super::bilevel::{Gradients, Side, Step, first_order, second_order};
use super::choice;
use super::course::{Course, Monitors, Report};
use super::learner::Learner;
use super::mixed::Mixed;
use super::mixture::{Drawn, Mixture};
use super::penalty::{Measure, Penalty};
use super::removal::{self, ReadOff};
use super::search::{Epoch, Found, Keep, Strengths};
use super::supernet::{Pair, Supernet, cycled};
use evaluators::data::Batch;
use evaluators::train::Recipe;
use mutators::{Options, Sample};

/// A differentiable strategy: how parameters become a mixture, what modifies the mixed operation, how the architecture is
/// read off, and how the parameters learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Differentiable {
    pub(super) identity: String,
    /// How parameters become a mixture.
    pub mixture: Mixture,
    /// What modifies the mixed operation.
    pub mixed: Mixed,
    /// How the architecture is read off.
    pub read_off: ReadOff,
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
    /// The device whose latencies count.
    pub device: String,
    /// Weight of the term that pushes independent factors away from one half.
    pub zero_one: f64,
    /// Weight of the divergence of a Dirichlet distribution from the even one.
    pub divergence: f64,
    /// Every so many epochs the greatest eigenvalue of the validation loss's Hessian in the parameters is taken; never at 0.
    pub hessian: u32,
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
        s.device = options.take("device", s.device)?;
        identity.push_str(&format!(",cost={word},cost_weight={},device={}", s.cost_weight, s.device));
        s.stop_free = options.take_in("stop_free", s.stop_free, 0.0, 1.0)?;
        identity.push_str(&format!(",stop_free={}", s.stop_free));
        let (mixed, modifiers) = s.mixed.take(s.mixture, options)?;
        s.mixed = mixed;
        identity.push_str(&modifiers);
        if s.mixture.is_soft() {
            s.hessian = options.take_in("hessian", s.hessian, 0, 100_000)?;
            identity.push_str(&format!(",hessian={}", s.hessian));
        }
        if let ReadOff::Removal { tune } = &mut s.read_off {
            *tune = options.take_in("tune", *tune, 0, 100_000)?;
            identity.push_str(&format!(",tune={tune}"));
        }
        identity.push_str(&s.take_of_mixture(options)?);
        Ok(Self { identity, ..s })
    }

    /// What only some mixtures have.
    fn take_of_mixture(&mut self, options: &mut Options) -> Result<String, OneShotError> {
        Ok(match self.mixture {
            Mixture::Softmax => {
                let order = options.take_in("order", if self.second_order { 2 } else { 1 }, 1, 2)?;
                self.second_order = order == 2;
                format!(",order={order}")
            }
            Mixture::Gumbel | Mixture::HardGumbel => {
                self.temperature.0 = options.take_in("tau", self.temperature.0, 1e-6, 1e6)?;
                self.temperature.1 = options.take_in("tau_end", self.temperature.1, 1e-6, 1e6)?;
                format!(",tau={},tau_end={}", self.temperature.0, self.temperature.1)
            }
            Mixture::Sigmoid => {
                self.zero_one = options.take_in("zero_one", self.zero_one, 0.0, 1e6)?;
                format!(",zero_one={}", self.zero_one)
            }
            Mixture::Dirichlet => {
                self.divergence = options.take_in("divergence", self.divergence, 0.0, 1e6)?;
                format!(",divergence={}", self.divergence)
            }
            Mixture::TwoPaths => String::new(),
        })
    }

    /// Learns weights and architecture.
    pub(super) fn search(
        &self,
        net: &mut Supernet,
        keep: Option<&Keep>,
        report: Report<'_>,
    ) -> Result<Found, OneShotError> {
        let recipe = net.recipe().clone();
        let cost = |measure| Penalty::new(net.space(), net.choices(), measure, (self.cost_weight, &self.device));
        let penalty = self.cost.map(cost).transpose()?;
        let alphas = Alphas::new(net.choices(), self.deviation, self.mixed.edges, recipe.seed);
        let mut learner = Learner::new(alphas);
        let mut course = Course::begin(net, &self.identity, &mut learner, keep, report)?;
        let order = removal::order(self.read_off, net.choices(), recipe.seed);
        let tune = if let ReadOff::Removal { tune } = self.read_off { tune } else { 0 };
        // Nothing is tuned after the last decision.
        let tuning = order.len().saturating_sub(1) as u32 * tune;
        loop {
            let (epoch, trained) = (course.next(), self.trained(&course.history, recipe.epochs));
            if epoch >= trained + tuning {
                break;
            }
            course.epochs = trained + tuning;
            if let Some(after) = epoch.checked_sub(trained) {
                // As the paper's code: a tenth of the learning rate, falling again.
                course.retune(trained, &Recipe { lr: recipe.lr / 10.0, epochs: tuning, ..recipe.clone() });
                if after.is_multiple_of(tune) {
                    self.decide(net, &mut learner, order[(after / tune) as usize])?;
                }
            }
            self.epoch(net, &mut learner, &mut course, penalty.as_ref(), epoch)?;
        }
        for decision in order {
            if learner.decided[decision].is_none() {
                self.decide(net, &mut learner, decision)?;
            }
        }
        let sample = self.read_off(net, &learner)?;
        Ok(Found { sample, history: course.history, alphas: Some(learner.alphas) })
    }

    /// Steps of parameters and weights in turns, and what stands at the end of them.
    fn epoch(
        &self,
        net: &mut Supernet,
        learner: &mut Learner,
        course: &mut Course<'_>,
        penalty: Option<&Penalty>,
        epoch: u32,
    ) -> Result<(), OneShotError> {
        let batches = net.loaders.weights.batches();
        let temperature = self.temperature(epoch, net.recipe().epochs);
        for index in 0..batches {
            let step = u64::from(epoch) * batches as u64 + index as u64;
            let train = net.loaders.weights.batch(u64::from(epoch), index)?;
            if epoch >= self.warmup {
                let drawn = self.draw(net, learner, (temperature, step))?;
                let found = self.architecture_gradient(net, course, &train, &drawn, (epoch, index))?;
                let grads = self.pull(net, learner, &drawn, found.arch, penalty);
                match self.mixture {
                    Mixture::TwoPaths => learner.alphas.step_pairs(&grads, &drawn, self.adam),
                    _ => learner.alphas.step(&grads, self.adam),
                }
                check(net, &learner.alphas, epoch, index)?;
            }
            let drawn = self.draw_weights(net, learner, &train, (temperature, step), epoch)?;
            let selection = net.selection(&drawn)?;
            course.learn(net, &train, &selection, (epoch, index))?;
        }
        let seconds = course.seconds();
        let settled = self.settled(net, learner)?;
        let valid = net.measure(&net.selection(&settled)?)?;
        let (architecture, sample) = learner.preference(net.choices(), self.mixture).legal(net.space(), net.legal())?;
        let asked = self.hessian > 0 && (epoch + 1).is_multiple_of(self.hessian);
        let monitors = Monitors {
            entropy: Some(learner.alphas.entropy()),
            free_share: Alphas::free_share(net.choices(), &architecture),
            eigenvalue: if asked { Some(self.eigenvalue(net, learner)?) } else { None },
            strengths: self.strengths(net, learner),
        };
        course.close(net, valid, sample, monitors, learner, seconds)
    }

    /// What is known of each decision that has parameters.
    fn strengths(&self, net: &Supernet, learner: &Learner) -> Vec<Strengths> {
        let of = |(c, alpha): (&choice::Choice, &[f64])| {
            let arms = c.arms.iter().map(|a| a.name.clone()).zip(self.mixture.strength(alpha)).collect();
            (!alpha.is_empty()).then(|| Strengths { label: c.label.clone(), arms })
        };
        net.choices().iter().zip(learner.alphas.values()).filter_map(of).collect()
    }

    fn temperature(&self, epoch: u32, epochs: u32) -> f64 {
        let share = f64::from(epoch) / f64::from(epochs.saturating_sub(1).max(1));
        self.temperature.0 + (self.temperature.1 - self.temperature.0) * share.min(1.0)
    }

    /// After how many epochs the supernet is trained: all of them, unless too much has nothing to learn before.
    fn trained(&self, history: &[Epoch], epochs: u32) -> u32 {
        let ended = history.iter().position(|e| e.free_share.is_some_and(|free| free > self.stop_free));
        ended.map_or(epochs, |i| epochs.min(i as u32 + 1))
    }

    fn read_off(&self, net: &Supernet, learner: &Learner) -> Result<Sample, OneShotError> {
        Ok(learner.preference(net.choices(), self.mixture).legal(net.space(), net.legal())?.1)
    }

    /// Decides by what is missed most.
    fn decide(&self, net: &mut Supernet, learner: &mut Learner, decision: usize) -> Result<(), OneShotError> {
        let settled = self.settled(net, learner)?;
        learner.decided[decision] = Some(removal::decide(net, learner, &settled, decision, self.mixture)?);
        Ok(())
    }

    /// Of the factors, on a batch of what is held out.
    fn architecture_gradient(
        &self,
        net: &mut Supernet,
        course: &Course<'_>,
        train: &Batch,
        drawn: &[Option<Drawn>],
        (epoch, index): (u32, usize),
    ) -> Result<Gradients, OneShotError> {
        let (recipe, batches) = (net.recipe().clone(), net.loaders.weights.batches());
        let valid = &cycled(&mut net.loaders.arch, u64::from(epoch) * batches as u64 + index as u64)?;
        let (selection, drop_path) = (&net.selection(drawn)?, recipe.drop_path_factor(epoch));
        let rate = course.rate(net, epoch, index);
        let mut pair = Pair::new(net, (train, valid), selection, drop_path);
        let found = if self.second_order {
            let (momentum, weight_decay) = (recipe.momentum, recipe.weight_decay);
            second_order(&mut pair, &Step { rate, momentum, weight_decay, velocity: course.sgd.velocity() })?
        } else {
            first_order(&mut pair)?
        };
        if !found.loss.is_finite() {
            let (side, epoch, step) = (Side::Valid, epoch + 1, index + 1);
            return Err(OneShotError::Loss { side, epoch, step, loss: found.loss });
        }
        Ok(found)
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
