//! The loop: batches in, weights out.

use super::DIVERGED;
use super::dataset::{Dataset, Loaders, Measured};
use super::error::TrainError;
use super::memory::Planned;
use super::network::Network;
use super::recipe::Recipe;
use super::state::{Best, Epoch, Position, Sums};
use crate::data::{Data, Loader};
use codegen::array::Weights;
use codegen::init::initialise;
use codegen::torch::{Device, Executor, Layout, Optimizer, Params, Run, Selection, Turn, clip_grad_norm};
use ir::Program;
use std::time::Instant;
use tch::{Reduction, Tensor};

/// Losses are read from a GPU so many steps at a time, since each reading waits for it.
const READ_EVERY: usize = 16;

/// How well a network does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Mean cross-entropy, without label smoothing.
    pub loss: f64,
    /// In per cent.
    pub accuracy: f64,
    /// Number of images, or of words of text.
    pub images: usize,
}

impl Score {
    /// Of how many equally likely labels a guess would be as good: `exp(loss)`.
    #[must_use]
    pub fn perplexity(&self) -> f64 {
        self.loss.exp()
    }
}

/// What a step did.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    /// The epoch, from 0.
    pub epoch: u32,
    /// The batch in it, from 0.
    pub batch: usize,
    /// The learning rate.
    pub lr: f64,
    /// The batch's loss; on a GPU it is read a few steps later.
    pub loss: Option<f64>,
    /// What became of the epoch, if this was its last batch.
    pub closed: Option<Epoch>,
}

/// Trains one network.
#[derive(Debug)]
pub struct Trainer {
    pub(super) recipe: Recipe,
    pub(super) data: Data,
    /// The digest of the weights that it began with, if they were not drawn.
    pub(super) inherited: Option<String>,
    pub(super) network: Network,
    pub(super) params: Params,
    pub(super) optimizer: Box<dyn Optimizer>,
    /// The moving average of the learned weights, flat.
    pub(super) ema: Option<Tensor>,
    pub(super) at: Position,
    pub(super) history: Vec<Epoch>,
    pub(super) best: Option<Best>,
    train: Executor,
    eval: Executor,
    loaders: Loaders,
    bound: f64,
    /// Whether gradients must be cleared before each run.
    clears: bool,
    waiting: Vec<Waiting>,
    started: Instant,
}

/// Sums of a step that are still on the device.
#[derive(Debug)]
struct Waiting {
    batch: usize,
    images: i64,
    loss: Tensor,
    hits: Tensor,
}

impl Trainer {
    /// A run at its start, with weights drawn by the recipe's seed.
    ///
    /// # Errors
    /// If the network does not fit the data set, or the run not the memory; if the device is not there.
    pub fn new(program: &Program, dataset: &Dataset, recipe: &Recipe) -> Result<Self, TrainError> {
        let network = Network::of(program, dataset.data(), recipe)?;
        let _turn = Turn::take(recipe.device, recipe.threads)?;
        let loaders = dataset.loaders(program, recipe)?;
        // The data set is there already.
        let batch = recipe.batch.min(loaders.train.images());
        Planned::of(&network, recipe, batch).check(recipe.device)?;
        let weights = initialise(&network.train, recipe.seed);
        let element = recipe.precision.kind();
        let params = Params::new(&network.train, &weights, recipe.device, element)?;
        let executor = |plan| Executor::new(plan, recipe.device, element, Layout::default());
        let ema = if recipe.ema > 0.0 { Some(params.flat.f_detach_copy()?) } else { None };
        Ok(Self {
            recipe: recipe.clone(),
            data: dataset.data().clone(),
            inherited: None,
            train: executor(network.train.clone()),
            eval: executor(network.eval.clone()),
            bound: DIVERGED * (network.classes.max(2) as f64).ln(),
            clears: network.has_idle_weights(),
            network,
            params,
            optimizer: recipe.make_optimizer(),
            ema,
            at: Position::default(),
            history: Vec::new(),
            best: None,
            loaders,
            waiting: Vec::new(),
            started: Instant::now(),
        })
    }

    /// Begins with weights of another's, by path, in place of those that were drawn.
    ///
    /// # Errors
    /// If they are not exactly those of the network, or the device fails.
    pub fn inherit(&mut self, weights: &Weights) -> Result<(), TrainError> {
        let _guard = tch::no_grad_guard();
        self.params.load(&self.network.train, weights)?;
        self.inherited = Some(super::state::digest(weights));
        if let Some(ema) = &mut self.ema {
            ema.f_copy_(&self.params.flat)?;
        }
        Ok(())
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Bytes that the run is planned to take, the data set left out.
    #[must_use]
    pub fn planned(&self) -> Planned {
        Planned::of(&self.network, &self.recipe, self.recipe.batch.min(self.images()))
    }

    /// The recipe.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Finished epochs.
    #[must_use]
    pub fn history(&self) -> &[Epoch] {
        &self.history
    }

    /// The epoch with the best validation accuracy, the earliest among equals; none without validation.
    #[must_use]
    pub fn best(&self) -> Option<Best> {
        self.best
    }

    /// The epoch and the batch that come next, from 0.
    #[must_use]
    pub fn position(&self) -> (u32, usize) {
        (self.at.epoch, self.at.batch)
    }

    /// Steps of an epoch.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.loaders.train.batches()
    }

    /// Training images of an epoch.
    #[must_use]
    pub fn images(&self) -> usize {
        self.loaders.train.images()
    }

    /// The batches that it trains on.
    pub fn loader(&mut self) -> &mut Loader {
        &mut self.loaders.train
    }

    /// All training and all test images, as they are, in one batch each.
    pub(super) fn whole_data(&self) -> Result<(Loader, Loader), TrainError> {
        Ok(self.loaders.whole()?)
    }

    /// Mean loss and accuracy of the epoch so far, as far as they have been read from the device.
    #[must_use]
    pub fn so_far(&self) -> Option<Score> {
        self.at.sums.score()
    }

    /// Whether all epochs are done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.at.epoch >= self.recipe.epochs
    }

    /// Trains on the next batch; after the last one of an epoch it validates and closes the epoch.
    ///
    /// # Errors
    /// If the loss is no number or diverges, or the device fails. A run that is done has no further step.
    pub fn step(&mut self) -> Result<Stepped, TrainError> {
        let _turn = Turn::take(self.recipe.device, self.recipe.threads)?;
        let Position { epoch, batch, .. } = self.at;
        if self.is_done() {
            return Err(TrainError::Exec(format!("all {epoch} epochs are done; there is no further step")));
        }
        if batch == 0 && self.at.seconds == 0.0 {
            self.started = Instant::now();
        }
        let clock = Instant::now();
        let batches = self.batches();
        let lr = self.recipe.rate(epoch, batch, batches);
        let given = self.loaders.train.batch(u64::from(epoch), batch)?;
        if self.clears {
            self.params.zero_grad()?;
        }
        let run = Run {
            seed: self.recipe.seed,
            step: u64::from(epoch) * batches as u64 + batch as u64,
            drop_path: self.recipe.drop_path_factor(epoch),
            selection: None,
        };
        let images = given.labels.numel() as i64;
        let labels = given.labels.shallow_clone();
        let out = self.train.run(&mut self.params, &[given.inputs, given.labels], &run)?.outputs;
        let hits = hits(&out[1], &labels)?;
        self.waiting.push(Waiting { batch, images, loss: out[0].shallow_clone(), hits });
        let last = batch + 1 == batches;
        let loss = match self.recipe.device {
            Device::Cuda(_) if !last && self.waiting.len() < READ_EVERY => None,
            _ => self.settle()?,
        };
        if self.recipe.clip > 0.0 {
            clip_grad_norm(&mut self.params, self.recipe.clip)?;
        }
        self.optimizer.step(&mut self.params, lr)?;
        self.average()?;
        self.at.batch += 1;
        self.at.seconds += clock.elapsed().as_secs_f64();
        let closed = if last { Some(self.close(lr)?) } else { None };
        Ok(Stepped { epoch, batch, lr, loss, closed })
    }

    /// Trains to the end of the epoch.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn epoch(&mut self) -> Result<Epoch, TrainError> {
        loop {
            if let Some(epoch) = self.step()?.closed {
                return Ok(epoch);
            }
        }
    }

    /// Reads what waits on the device; returns the last loss.
    pub(super) fn settle(&mut self) -> Result<Option<f64>, TrainError> {
        let mut last = None;
        for w in std::mem::take(&mut self.waiting) {
            let loss = w.loss.f_double_value(&[])?;
            let (epoch, step) = (self.at.epoch + 1, w.batch + 1);
            if !loss.is_finite() {
                return Err(TrainError::NotFinite { epoch, step, loss });
            }
            if loss > self.bound {
                return Err(TrainError::Diverged { epoch, step, loss, bound: self.bound });
            }
            self.at.sums.add(loss, w.hits.f_int64_value(&[])?, w.images);
            last = Some(loss);
        }
        Ok(last)
    }

    /// Moves the moving average.
    fn average(&mut self) -> Result<(), TrainError> {
        let Some(ema) = &mut self.ema else { return Ok(()) };
        let _guard = tch::no_grad_guard();
        let change = self.params.flat.f_sub(ema)?.f_mul_scalar(1.0 - self.recipe.ema)?;
        let _ = ema.f_add_(&change)?;
        Ok(())
    }

    /// Validates, and goes to the next epoch.
    fn close(&mut self, lr: f64) -> Result<Epoch, TrainError> {
        let train = self.at.sums.score().unwrap_or(Score { loss: f64::NAN, accuracy: 0.0, images: 0 });
        let valid = self.evaluate(Measured::Valid)?;
        let seconds = self.at.seconds;
        let epoch = Epoch {
            epoch: self.at.epoch + 1,
            lr,
            train_loss: train.loss,
            train_accuracy: train.accuracy,
            valid_loss: valid.map(|v| v.loss),
            valid_accuracy: valid.map(|v| v.accuracy),
            seconds,
            images_per_second: train.images as f64 / seconds.max(1e-9),
        };
        if let Some(accuracy) = epoch.valid_accuracy
            && self.best.is_none_or(|b| accuracy > b.accuracy)
        {
            self.best = Some(Best { epoch: epoch.epoch, accuracy });
        }
        self.history.push(epoch.clone());
        self.at = Position { epoch: self.at.epoch + 1, ..Position::default() };
        Ok(epoch)
    }

    /// Measures the network, with the moving average of its weights if there is one. `None` where nothing is held out.
    ///
    /// # Errors
    /// If a loss is no number, or the device fails.
    pub fn evaluate(&mut self, part: Measured) -> Result<Option<Score>, TrainError> {
        let _turn = Turn::take(self.recipe.device, self.recipe.threads)?;
        let loader = match part {
            Measured::Valid => self.loaders.valid.as_mut(),
            Measured::Test => Some(&mut self.loaders.test),
        };
        let Some(loader) = loader else { return Ok(None) };
        let plain = exchange(&mut self.params, self.ema.as_ref())?;
        let score = measure(&self.eval, &mut self.params, loader, None);
        exchange(&mut self.params, plain.as_ref())?;
        match score? {
            Some(s) if !s.loss.is_finite() => {
                let (epoch, step) = (self.at.epoch + 1, self.at.batch);
                Err(TrainError::NotFinite { epoch, step, loss: s.loss })
            }
            score => Ok(score),
        }
    }

    /// The weights by path: their moving average if there is one, and the running statistics.
    ///
    /// # Errors
    /// If the device fails.
    pub fn weights(&mut self) -> Result<Weights, TrainError> {
        let plain = exchange(&mut self.params, self.ema.as_ref())?;
        let weights = self.params.to_weights();
        exchange(&mut self.params, plain.as_ref())?;
        Ok(weights?)
    }
}

/// Puts other learned weights in place, if there are any; returns those that were there.
fn exchange(params: &mut Params, other: Option<&Tensor>) -> Result<Option<Tensor>, TrainError> {
    let Some(other) = other else { return Ok(None) };
    let _guard = tch::no_grad_guard();
    let before = params.flat.f_detach_copy()?;
    params.flat.f_copy_(other)?;
    Ok(Some(before))
}

/// How many rows of logits, `[.., classes]`, are greatest at their label, `[..]`, on their device.
///
/// # Errors
/// If the device fails.
pub fn hits(logits: &Tensor, labels: &Tensor) -> Result<Tensor, TrainError> {
    Ok(logits.f_argmax(-1, false)?.f_eq_tensor(labels)?.f_sum(tch::Kind::Int64)?)
}

/// Mean cross-entropy and accuracy of a plan's first output over the batches of a loader, along the selected paths of a
/// supernet; none without images.
///
/// # Errors
/// If the device fails.
pub fn measure(
    eval: &Executor,
    params: &mut Params,
    loader: &mut Loader,
    selection: Option<&Selection>,
) -> Result<Option<Score>, TrainError> {
    let mut sums = Sums::default();
    for index in 0..loader.batches() {
        let batch = loader.batch(0, index)?;
        let out = eval.run(params, &[batch.inputs], &Run { selection, ..Run::default() })?.outputs;
        let (logits, labels) = (out[0].f_flatten(0, -2)?, batch.labels.f_flatten(0, -1)?);
        let loss = logits.f_cross_entropy_loss::<Tensor>(&labels, None, Reduction::Mean, -100, 0.0)?;
        let hits = hits(&out[0], &batch.labels)?;
        sums.add(loss.f_double_value(&[])?, hits.f_int64_value(&[])?, batch.labels.numel() as i64);
    }
    Ok(sums.score())
}
