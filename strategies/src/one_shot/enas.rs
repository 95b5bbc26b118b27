//! ENAS: shared weights learn along paths that a controller draws, and the controller learns from their accuracy.
//!
//! Pham et al. 2018, "Efficient Neural Architecture Search via Parameter Sharing".

use super::OneShotError;
use super::bilevel::Side;
use super::choice::{self, Choice};
use super::controller::{Controller, Walk};
use super::course::{Course, Monitors, Report};
use super::limit::Limits;
use super::policy::Policy;
use super::search::{Epoch, Found, Keep};
use super::strongest;
use super::supernet::{Supernet, cycled};
use codegen::init::stream;
use mutators::{Options, Sample, Space};
use rand_chacha::ChaCha8Rng;

/// Draws of a legal architecture before giving up on a constraint.
pub(super) const TRIES: usize = 1000;

/// The strategy `enas`.
#[derive(Clone, Debug, PartialEq)]
pub struct Enas {
    pub(super) identity: String,
    /// The controller.
    pub policy: Policy,
    /// Steps of the controller after each epoch of the weights.
    pub steps: usize,
    /// Architectures that are drawn in the end, of which the best is taken.
    pub samples: usize,
    /// Training batches over which an architecture's running statistics are taken there.
    pub recalibrate: usize,
    /// What an architecture may cost: one beyond is not taken, and its reward is 0.
    pub limits: Limits,
}

impl Enas {
    /// The strategy's name.
    pub const NAME: &str = "enas";

    pub(super) fn take(options: &mut Options) -> Result<Self, OneShotError> {
        let policy = Policy::ENAS.take(options)?;
        let steps = options.take_in("steps", 50, 0, 1_000_000)?;
        let samples = options.take_in("samples", 10, 1, 1_000_000)?;
        let recalibrate = options.take_in("recalibrate", 20, 1, 1_000_000)?;
        let (limits, limited) = Limits::take(options)?;
        let identity =
            format!("{}:{policy},steps={steps},samples={samples},recalibrate={recalibrate}{limited}", Self::NAME);
        Ok(Self { identity, policy, steps, samples, recalibrate, limits })
    }

    pub(super) fn search(
        &self,
        net: &mut Supernet,
        keep: Option<&Keep>,
        report: Report<'_>,
    ) -> Result<Found, OneShotError> {
        let (controller, history) = self.train(net, keep, report)?;
        let sample = self.best(net, &controller)?;
        Ok(Found { sample, alphas: None, history })
    }

    /// Trains weights and controller in turns.
    ///
    /// # Errors
    /// As a search's.
    pub fn train(
        &self,
        net: &mut Supernet,
        keep: Option<&Keep>,
        report: Report<'_>,
    ) -> Result<(Controller, Vec<Epoch>), OneShotError> {
        let seed = net.recipe().seed;
        net.restrict(|space| self.limits.on(space, &mut stream(seed, &[b"limits"])))?;
        let mut controller = Controller::new(net.choices(), self.policy, seed);
        let mut course = Course::begin(net, &self.identity, &mut controller, keep, report)?;
        let (epochs, batches) = (net.recipe().epochs, net.loaders.weights.batches());
        for epoch in course.next()..epochs {
            for index in 0..batches {
                let step = u64::from(epoch) * batches as u64 + index as u64;
                let sample = draw(net, &controller, &mut stream(seed, &[b"path", &step.to_le_bytes()]))?;
                let batch = net.loaders.weights.batch(u64::from(epoch), index)?;
                let selection = net.path(&sample);
                course.learn(net, &batch, &selection, (epoch, index))?;
            }
            for index in 0..self.steps {
                self.teach(net, &mut controller, (epoch, index))?;
            }
            let seconds = course.seconds();
            let sample = draw(net, &controller, &mut stream(seed, &[b"measured", &epoch.to_le_bytes()]))?;
            let valid = net.measure_recalibrated(&net.path(&sample), self.recalibrate)?;
            course.close(net, valid, sample, Monitors::default(), &controller, seconds)?;
        }
        Ok((controller, course.history))
    }

    /// One step of the controller. The reward is what the path is [worth](Supernet::worth) on a batch of what is held out.
    fn teach(
        &self,
        net: &mut Supernet,
        controller: &mut Controller,
        (epoch, index): (u32, usize),
    ) -> Result<(), OneShotError> {
        let step = u64::from(epoch) * self.steps as u64 + index as u64;
        let batch = cycled(&mut net.loaders.arch, step)?;
        let mut rng = stream(net.recipe().seed, &[b"controller step", &step.to_le_bytes()]);
        let walk = controller.drawn(&mut rng)?;
        // What no constraint admits is worth nothing.
        let reward = if net.is_legal(&walk.arms) {
            let pass = net.try_path(&batch, &net.arms(&walk.arms))?;
            if !pass.loss.is_finite() {
                let (side, epoch, step) = (Side::Valid, epoch + 1, index + 1);
                return Err(OneShotError::Loss { side, epoch, step, loss: pass.loss });
            }
            net.worth(pass.loss, pass.hits as f64 / pass.images.max(1) as f64)
        } else {
            0.0
        };
        controller.learn(&walk.picks, reward)?;
        match controller.is_finite() {
            true => Ok(()),
            false => Err(OneShotError::Alpha {
                label: "the controller".to_owned(),
                epoch: epoch + 1,
                step: index + 1,
                value: f64::NAN,
            }),
        }
    }

    /// The best of some draws on what is held out, the first among equals.
    fn best(&self, net: &mut Supernet, controller: &Controller) -> Result<Sample, OneShotError> {
        let mut rng = stream(net.recipe().seed, &[b"read off"]);
        let mut best: Option<(f64, Sample)> = None;
        for _ in 0..self.samples {
            let sample = draw(net, controller, &mut rng)?;
            let score = net.measure_recalibrated(&net.path(&sample), self.recalibrate)?;
            let worth = net.worth(score.loss, score.accuracy / 100.0);
            if best.as_ref().is_none_or(|(most, _)| worth > *most) {
                best = Some((worth, sample));
            }
        }
        Ok(best.expect("invariant: one draw at least").1)
    }
}

/// A legal architecture of the controller's: a draw, or of the legal ones the one that differs least from it, where none of
/// many draws is legal.
///
/// # Errors
/// If libtorch refuses.
pub fn draw(net: &Supernet, controller: &Controller, rng: &mut ChaCha8Rng) -> Result<Sample, OneShotError> {
    match legal(net.space(), net.choices(), controller, rng) {
        Err(OneShotError::Mutate(_)) if net.legal().is_some() => {
            let walk = controller.drawn(rng)?;
            strongest::nearest(net, &walk.arms)
        }
        found => Ok(found?.0),
    }
}

/// A legal sample of a space with the walk that led to it.
pub(super) fn legal(
    space: &Space,
    choices: &[Choice],
    controller: &Controller,
    rng: &mut ChaCha8Rng,
) -> Result<(Sample, Walk), OneShotError> {
    let mut refused = None;
    for _ in 0..TRIES {
        let walk = controller.drawn(rng)?;
        match choice::sample(space, choices, &walk.arms) {
            Ok(sample) => return Ok((sample, walk)),
            Err(e) => refused = Some(e),
        }
    }
    Err(refused.expect("invariant: one try at least"))
}
