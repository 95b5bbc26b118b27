//! Single-path search: the supernet is trained one uniformly drawn path at a time, then searched like a table.

use super::OneShotError;
use super::course::{Course, Monitors, Report};
use super::limit::Limits;
use super::search::{Epoch, Found, Keep};
use super::supernet::Supernet;
use crate::{Experiment, build};
use codegen::init::stream;
use evaluators::train::TrainError;
use evaluators::{Candidate, EvaluateError, Evaluation, Evaluator, Metric, Values};
use mutators::{Options, Space};
use std::sync::{Mutex, PoisonError};

/// Batches over which the statistics of the path are taken that is measured after an epoch.
const MEASURED: usize = 10;

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
    /// What an architecture may cost there.
    pub limits: Limits,
}

impl SinglePath {
    pub(super) fn take(search: &str, options: &mut Options) -> Result<Self, OneShotError> {
        let trials = options.take_in("trials", 1000, 1, 10_000_000)?;
        let recalibrate = options.take_in("recalibrate", 20, 1, 1_000_000)?;
        let (limits, limited) = Limits::take(options)?;
        let identity = format!("{}:trials={trials},recalibrate={recalibrate}{limited}", options.name);
        Ok(Self { identity, search: search.to_owned(), trials, recalibrate, limits })
    }

    pub(super) fn search(
        &self,
        net: &mut Supernet,
        keep: Option<&Keep>,
        report: Report<'_>,
    ) -> Result<Found, OneShotError> {
        let seed = net.recipe().seed;
        // Before anything is trained, so that a limit that nothing keeps to costs nothing.
        let space = self.limits.on(net.space(), &mut stream(seed, &[b"limits"]))?;
        let course = Course::begin(net, &self.identity, &mut (), keep, report)?;
        let history = learn(net, course, &mut |_, _| Ok(()))?;
        let paths = Paths::new(net, self.recalibrate);
        let study = Experiment::new(&space, build(&self.search)?, &paths).trials(self.trials).seed(seed).run()?;
        let sample = study.incumbent().map(|t| t.sample.clone());
        let failed = || TrainError::Exec("no path of the supernet could be measured".to_owned());
        Ok(Found { sample: sample.ok_or_else(failed)?, alphas: None, history })
    }
}

/// Trains a supernet by a uniformly drawn legal path per step. Guo et al. 2020, "Single Path One-Shot Neural Architecture
/// Search with Uniform Sampling".
///
/// # Errors
/// If a loss is no number, the space has no legal sample, or the device fails.
pub fn train(net: &mut Supernet, report: Report<'_>) -> Result<Vec<Epoch>, OneShotError> {
    let course = Course::begin(net, "single-path", &mut (), None, report)?;
    learn(net, course, &mut |_, _| Ok(()))
}

/// What looks at a supernet after so many epochs.
pub type Look<'a> = &'a mut dyn FnMut(&mut Supernet, u32) -> Result<(), OneShotError>;

/// The same, where someone looks at the supernet after every epoch.
///
/// # Errors
/// As [`train`], or as what looks.
pub fn train_watched(net: &mut Supernet, report: Report<'_>, look: Look<'_>) -> Result<Vec<Epoch>, OneShotError> {
    let course = Course::begin(net, "single-path", &mut (), None, report)?;
    learn(net, course, look)
}

fn learn(net: &mut Supernet, mut course: Course<'_>, look: Look<'_>) -> Result<Vec<Epoch>, OneShotError> {
    let (seed, epochs, batches) = (net.recipe().seed, net.recipe().epochs, net.loaders.weights.batches());
    for epoch in course.next()..epochs {
        for index in 0..batches {
            let step = u64::from(epoch) * batches as u64 + index as u64;
            let path = net.space().sample(&mut stream(seed, &[b"path", &step.to_le_bytes()]))?;
            let batch = net.loaders.weights.batch(u64::from(epoch), index)?;
            course.learn(net, &batch, &net.path(&path), (epoch, index))?;
        }
        let seconds = course.seconds();
        let path = net.space().sample(&mut stream(seed, &[b"measured", &epoch.to_le_bytes()]))?;
        let valid = net.measure_recalibrated(&net.path(&path), MEASURED)?;
        course.close(net, valid, path, Monitors::default(), &(), seconds)?;
        look(net, epoch + 1)?;
    }
    Ok(course.history)
}

/// Scores an architecture by its path through a trained supernet: any multi-trial strategy searches it like a table.
#[derive(Debug)]
pub struct Paths<'a> {
    net: Mutex<&'a mut Supernet>,
    recalibrate: usize,
    /// The objective first.
    metrics: [Metric; 2],
    is_text: bool,
}

impl<'a> Paths<'a> {
    /// Paths of a trained supernet, measured on what is held out with running statistics over so many batches.
    #[must_use]
    pub fn new(net: &'a mut Supernet, recalibrate: usize) -> Self {
        let accuracy = Metric::maximize("supernet validation accuracy", "%");
        let is_text = net.is_text();
        let metrics = match is_text {
            true => [Metric::minimize("supernet validation perplexity", ""), accuracy],
            false => [accuracy, Metric::minimize("supernet validation loss", "")],
        };
        Self { net: Mutex::new(net), recalibrate, metrics, is_text }
    }
}

impl Evaluator for Paths<'_> {
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
        let values = if self.is_text { [score.loss.exp(), score.accuracy] } else { [score.accuracy, score.loss] };
        Ok(Evaluation { values: Values::from_slice(&values), seconds: 0.0 })
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
