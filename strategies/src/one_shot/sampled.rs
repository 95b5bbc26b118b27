//! Single-path search: the supernet is trained one uniformly drawn path at a time, then searched like a table.

use super::supernet::Supernet;
use super::{Epoch, Found, OneShotError};
use crate::{Experiment, build};
use codegen::init::stream;
use codegen::torch::Sgd;
use evaluators::{Candidate, EvaluateError, Evaluation, Evaluator, Metric, Values};
use mutators::{Options, Space};
use std::sync::{Mutex, PoisonError};

/// A strategy that samples paths.
#[derive(Clone, Debug, PartialEq)]
pub struct SinglePath {
    pub(super) identity: String,
    /// The multi-trial strategy that searches the trained supernet.
    pub search: String,
    /// How many architectures it may try there.
    pub trials: u64,
    /// Training batches over which an architecture's running statistics are taken.
    pub recalibrate: usize,
}

impl SinglePath {
    pub(super) fn take(search: &str, options: &mut Options) -> Result<Self, OneShotError> {
        let trials = options.take_in("trials", 1000, 1, 10_000_000)?;
        let recalibrate = options.take_in("recalibrate", 20, 1, 1_000_000)?;
        let identity = format!("{}:trials={trials},recalibrate={recalibrate}", options.name);
        Ok(Self { identity, search: search.to_owned(), trials, recalibrate })
    }

    pub(super) fn search(&self, mut net: Supernet, report: &mut dyn FnMut(&Epoch)) -> Result<Found, OneShotError> {
        let history = train(&mut net, report)?;
        let (space, seed) = (net.space().clone(), net.recipe().seed);
        let paths = Paths::new(net, self.recalibrate);
        let study = Experiment::new(&space, build(&self.search)?, &paths).trials(self.trials).seed(seed).run()?;
        let sample = study.incumbent().map(|t| t.sample.clone());
        let failed = || evaluators::train::TrainError::Exec("no path of the supernet could be measured".to_owned());
        Ok(Found { sample: sample.ok_or_else(failed)?, alphas: None, history })
    }
}

/// Trains a supernet by a uniformly drawn legal path per step. Guo et al. 2020, "Single Path One-Shot Neural Architecture
/// Search with Uniform Sampling".
///
/// # Errors
/// If a loss is no number, the space has no legal sample, or the device fails.
pub fn train(net: &mut Supernet, report: &mut dyn FnMut(&Epoch)) -> Result<Vec<Epoch>, OneShotError> {
    let recipe = net.recipe().clone();
    let mut sgd = Sgd::new(recipe.momentum, recipe.nesterov, recipe.weight_decay);
    let batches = net.loaders.weights.batches();
    let mut history = Vec::new();
    for epoch in 0..recipe.epochs {
        let started = std::time::Instant::now();
        let (mut loss, mut hits, mut images) = (0.0, 0, 0);
        for index in 0..batches {
            let step = u64::from(epoch) * batches as u64 + index as u64;
            let path = net.space().sample(&mut stream(recipe.seed, &[b"path", &step.to_le_bytes()]))?;
            let selection = net.path(&path);
            let batch = net.loaders.weights.batch(u64::from(epoch), index)?;
            let (pass, _) = net.pass(&batch, &selection, (true, false), recipe.drop_path_factor(epoch))?;
            if !pass.loss.is_finite() {
                let side = super::bilevel::Side::Train;
                return Err(OneShotError::Loss { side, epoch: epoch + 1, step: index + 1, loss: pass.loss });
            }
            net.step(&mut sgd, &selection, recipe.rate(epoch, index, batches))?;
            loss += pass.loss * pass.images as f64;
            hits += pass.hits;
            images += pass.images;
        }
        let seconds = started.elapsed().as_secs_f64();
        let path = net.space().sample(&mut stream(recipe.seed, &[b"measured", &epoch.to_le_bytes()]))?;
        let valid = net.measure_recalibrated(&net.path(&path), 10)?;
        let closed = Epoch {
            epoch: epoch + 1,
            epochs: recipe.epochs,
            train_loss: loss / images.max(1) as f64,
            train_accuracy: 100.0 * hits as f64 / images.max(1) as f64,
            valid_loss: valid.loss,
            valid_accuracy: valid.accuracy,
            entropy: None,
            free_share: None,
            sample: Some(path),
            seconds,
        };
        report(&closed);
        history.push(closed);
    }
    Ok(history)
}

/// Scores an architecture by its path through a trained supernet: any multi-trial strategy searches it like a table.
#[derive(Debug)]
pub struct Paths {
    net: Mutex<Supernet>,
    recalibrate: usize,
    metrics: [Metric; 2],
}

impl Paths {
    /// Paths of a trained supernet, measured on what is held out with running statistics over so many batches.
    #[must_use]
    pub fn new(net: Supernet, recalibrate: usize) -> Self {
        let metrics =
            [Metric::maximize("supernet validation accuracy", "%"), Metric::minimize("supernet validation loss", "")];
        Self { net: Mutex::new(net), recalibrate, metrics }
    }
}

impl Evaluator for Paths {
    fn identity(&self) -> &str {
        "supernet"
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        let mut net = self.net.lock().unwrap_or_else(PoisonError::into_inner);
        let path = net.path(candidate.sample());
        let score = net.measure_recalibrated(&path, self.recalibrate);
        let score = score.map_err(|e| EvaluateError::Failed(e.to_string()))?;
        Ok(Evaluation { values: Values::from_slice(&[score.accuracy, score.loss]), seconds: 0.0 })
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        let net = self.net.lock().unwrap_or_else(PoisonError::into_inner);
        if net.space().identity() == space.identity() {
            return Ok(());
        }
        Err(EvaluateError::Failed(format!("the supernet is of space `{}`", net.space().identity())))
    }
}
