//! The course of a search: what all strategies share from epoch to epoch, and its checkpoint.
//!
//! All that is random is keyed by seed, epoch and step, so that a checkpoint holds weights, parameters, the optimizer's
//! state and the epochs so far: a search that was killed ends as one that was not.

use super::OneShotError;
use super::bilevel::Side;
use super::search::{Epoch, Keep, Strengths};
use super::supernet::{Route, Supernet};
use codegen::array::Weights;
use codegen::checkpoint::Checkpoint;
use codegen::torch::{Optimizer, Sgd};
use evaluators::data::Batch;
use evaluators::train::{Recipe, Score, Sums, TrainError};
use ir::Name;
use mutators::Sample;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Instant;

/// Takes note of an epoch that closes.
pub type Report<'a> = &'a mut dyn FnMut(&Epoch);

/// What a strategy learns beside the weights, as a checkpoint holds it. Names of arrays have a slash.
pub(super) trait State {
    /// Adds it.
    fn save(&self, to: &mut Weights);

    /// Takes it back, all of it or nothing.
    fn restore(&mut self, from: &Weights) -> Result<(), String>;
}

/// Nothing beside the weights.
impl State for () {
    fn save(&self, _: &mut Weights) {}

    fn restore(&mut self, _: &Weights) -> Result<(), String> {
        Ok(())
    }
}

/// What is watched besides loss and accuracy; see [`Epoch`].
#[derive(Clone, Debug, Default)]
pub(super) struct Monitors {
    pub entropy: Option<f64>,
    pub free_share: Option<f64>,
    pub eigenvalue: Option<f64>,
    pub strengths: Vec<Strengths>,
}

/// A search under way.
pub(super) struct Course<'a> {
    pub sgd: Sgd,
    pub history: Vec<Epoch>,
    /// How many there will be.
    pub epochs: u32,
    /// The epoch from which the weights learn by a schedule of their own, and the schedule.
    tuning: Option<(u32, Recipe)>,
    keep: Option<&'a Keep>,
    identity: BTreeMap<String, String>,
    report: Report<'a>,
    started: Instant,
    /// Of the epoch so far.
    sums: Sums,
}

const FORMAT: &str = "lanista.one-shot";
const VELOCITY: &str = "optimizer/velocity";

impl<'a> Course<'a> {
    /// At the start, or where the checkpoint stands: weights and parameters are taken from it then.
    pub fn begin(
        net: &mut Supernet,
        strategy: &str,
        state: &mut dyn State,
        keep: Option<&'a Keep>,
        report: Report<'a>,
    ) -> Result<Self, OneShotError> {
        let recipe = net.recipe();
        let mut identity = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("space".to_owned(), net.space().identity().to_owned()),
            ("strategy".to_owned(), strategy.to_owned()),
            ("data".to_owned(), net.data().to_owned()),
            (TrainError::DATA.to_owned(), net.data_digest().to_string()),
            ("seed".to_owned(), recipe.seed.to_string()),
        ]);
        identity.extend(recipe.settings().into_iter().map(|(key, value)| (format!("recipe.{key}"), value)));
        let (sgd, epochs, tuning) = (fresh(recipe), recipe.epochs, None);
        let (history, started, sums) = (Vec::new(), Instant::now(), Sums::default());
        let mut course = Self { sgd, history, epochs, tuning, keep, identity, report, started, sums };
        if let Some(keep) = keep.filter(|k| k.resume) {
            course.resume(net, state, keep)?;
        }
        Ok(course)
    }

    /// The epoch that comes next, from 0.
    pub fn next(&self) -> u32 {
        self.history.len() as u32
    }

    /// From that epoch on the weights learn by the schedule of another recipe, with a fresh optimizer.
    pub fn retune(&mut self, first: u32, recipe: &Recipe) {
        if self.next() == first {
            self.sgd = fresh(recipe);
        }
        self.tuning = Some((first, recipe.clone()));
    }

    /// The learning rate of a step of the weights.
    pub fn rate(&self, net: &Supernet, epoch: u32, index: usize) -> f64 {
        let batches = net.loaders.weights.batches();
        match &self.tuning {
            Some((first, recipe)) if epoch >= *first => recipe.rate(epoch - first, index, batches),
            _ => net.recipe().rate(epoch, index, batches),
        }
    }

    /// A step of the weights along what is selected.
    pub fn learn(
        &mut self,
        net: &mut Supernet,
        batch: &Batch,
        selection: &Route,
        (epoch, index): (u32, usize),
    ) -> Result<(), OneShotError> {
        if index == 0 {
            (self.started, self.sums) = (Instant::now(), Sums::default());
        }
        let rate = self.rate(net, epoch, index);
        let drop_path = net.recipe().drop_path_factor(epoch);
        let (pass, _) = net.pass(batch, selection, (true, false), drop_path)?;
        if !pass.loss.is_finite() {
            return Err(OneShotError::Loss { side: Side::Train, epoch: epoch + 1, step: index + 1, loss: pass.loss });
        }
        if pass.loss > net.bound() {
            let (loss, bound) = (pass.loss, net.bound());
            return Err(TrainError::Diverged { epoch: epoch + 1, step: index + 1, loss, bound }.into());
        }
        net.step(&mut self.sgd, selection, rate)?;
        self.sums.add(pass.loss, pass.hits, pass.images);
        Ok(())
    }

    /// Closes an epoch: it is kept first, and told then.
    pub fn close(
        &mut self,
        net: &Supernet,
        valid: Score,
        sample: Sample,
        monitors: Monitors,
        state: &dyn State,
        seconds: f64,
    ) -> Result<(), OneShotError> {
        let train = self.sums.score().expect("invariant: an epoch has a step at least");
        let epoch = Epoch {
            epoch: self.next() + 1,
            epochs: self.epochs,
            train_loss: train.loss,
            train_accuracy: train.accuracy,
            valid_loss: valid.loss,
            valid_accuracy: valid.accuracy,
            entropy: monitors.entropy,
            free_share: monitors.free_share,
            eigenvalue: monitors.eigenvalue,
            strengths: monitors.strengths,
            sample,
            seconds,
        };
        self.history.push(epoch);
        self.save(net, state)?;
        let closed = self.history.last().expect("invariant: just closed");
        (self.report)(closed);
        Ok(())
    }

    /// Seconds since the epoch's first step.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn save(&self, net: &Supernet, state: &dyn State) -> Result<(), OneShotError> {
        let Some(keep) = self.keep else { return Ok(()) };
        let mut arrays = net.to_weights()?;
        state.save(&mut arrays);
        arrays.extend(self.sgd.state()?.into_values().map(|array| (Name::new(VELOCITY), array)));
        let mut metadata = self.identity.clone();
        let json = |value: Result<String, serde_json::Error>| value.expect("invariant: numbers and words are JSON");
        metadata.insert("runs".to_owned(), net.runs().to_string());
        metadata.insert("history".to_owned(), json(serde_json::to_string(&self.history)));
        Ok(Checkpoint { arrays, metadata }.save(&keep.path).map_err(TrainError::from)?)
    }

    fn resume(&mut self, net: &mut Supernet, state: &mut dyn State, keep: &Keep) -> Result<(), OneShotError> {
        let path = &keep.path;
        let Checkpoint { arrays, mut metadata } = Checkpoint::load(path).map_err(TrainError::from)?;
        let no_run = |why: String| TrainError::NoRun { path: path.clone(), why };
        if metadata.get("format").is_none_or(|f| f != FORMAT) {
            return Err(no_run(format!("its metadata name no format `{FORMAT}`")).into());
        }
        for (field, given) in &self.identity {
            let stored = metadata.remove(field).unwrap_or_else(|| "absent".to_owned());
            if stored != *given {
                return Err(TrainError::other_run(path, field, stored, given.clone()).into());
            }
        }
        fn read<T: for<'d> Deserialize<'d>>(metadata: &BTreeMap<String, String>, field: &str) -> Result<T, String> {
            let text = metadata.get(field).ok_or_else(|| format!("it has no `{field}`"))?;
            serde_json::from_str(text).map_err(|e| format!("its `{field}` cannot be read: {e}"))
        }
        let mut history: Vec<Epoch> = read(&metadata, "history").map_err(no_run)?;
        let runs = read(&metadata, "runs").map_err(no_run)?;
        // Each is closed after the one before: a count is a place in the schedule.
        if let Some(wrong) = history.iter().zip(1..).find(|(e, n)| e.epoch != *n || e.epoch > e.epochs) {
            return Err(no_run(format!(
                "epoch {} of {} stands where epoch {} is",
                wrong.0.epoch, wrong.0.epochs, wrong.1
            ))
            .into());
        }
        for epoch in &mut history {
            epoch.sample = net.space().bind(&epoch.sample)?;
        }
        let (mut other, weights): (Weights, Weights) = arrays.into_iter().partition(|(name, _)| name.contains('/'));
        let velocity = other.remove(VELOCITY);
        let size = net.params.flat.numel();
        if let Some(bad) = velocity.as_ref().filter(|a| a.shape != [size]) {
            return Err(no_run(format!("`{VELOCITY}` is {:?}, not [{size}]", bad.shape)).into());
        }
        state.restore(&other).map_err(no_run)?;
        net.restore(&weights, runs)?;
        self.sgd.restore(&velocity.into_iter().map(|a| (Name::new("velocity"), a)).collect())?;
        self.history = history;
        Ok(())
    }
}

fn fresh(recipe: &Recipe) -> Sgd {
    Sgd::new(recipe.momentum, recipe.nesterov, recipe.weight_decay)
}
