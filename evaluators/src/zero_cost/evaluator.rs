//! `zero-cost`: a proxy as an evaluator.

use super::{Classifier, Proxy, ZeroCostError, batch, draw_batch, random_batch, score};
use crate::data::{Batch, Data, Images, Places, Source};
use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Evaluation, Evaluator, Metric};
use codegen::torch::{Device, Turn};
use ir::{Convention, Program};
use mutators::{Options, Space};
use smallvec::smallvec;
use std::sync::{Arc, Mutex, PoisonError};

/// The images where no data set is named.
const RANDOM: &str = "random";

/// Scores untrained networks by a zero-cost proxy; parameters and MACs stand beside it, since a proxy that does not
/// order networks better than their size is of no use.
///
/// ```
/// use evaluators::{Candidate, Evaluator, Query};
///
/// let synflow = evaluators::build("zero-cost:proxy=synflow,seed=1")?;
/// let space = mutators::spaces::build("nasbench201:channels=4,cells=1")?;
/// let sample = space.default_sample()?;
/// let scored = synflow.evaluate(&Candidate::new(&space, &sample, Query::default()))?;
/// assert_eq!(scored.values.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ZeroCost {
    identity: String,
    proxy: Proxy,
    seed: u64,
    batch: usize,
    threads: usize,
    /// The data set; random images if there is none.
    images: Option<Arc<Images>>,
    /// The batch that is drawn from it at the first evaluation.
    drawn: Mutex<Option<Batch>>,
    metrics: [Metric; 3],
}

impl ZeroCost {
    /// A proxy on a batch of so many images, by a seed, with so many threads of libtorch. The images come from a data set,
    /// looked for in the standard places, or are random. One thread gives the same scores on every number of cores; a
    /// search that runs several evaluations at a time needs no more.
    ///
    /// # Errors
    /// If the data set cannot be had.
    pub fn new(
        proxy: Proxy,
        seed: u64,
        data: Option<&Source>,
        batch: usize,
        threads: usize,
    ) -> Result<Self, EvaluateError> {
        let images = data.map(|source| source.images(&Places::standard(None))).transpose()?;
        let name = data.map_or(RANDOM.to_owned(), ToString::to_string);
        Ok(Self {
            identity: format!("zero-cost:proxy={proxy},seed={seed},data={name},batch={batch},threads={threads}"),
            proxy,
            seed,
            batch,
            threads,
            images,
            drawn: Mutex::new(None),
            metrics: [
                Metric::maximize(proxy.as_str(), ""),
                Metric::minimize("params", ""),
                Metric::minimize(format!("MACs, {}", Convention::Nasbench), ""),
            ],
        })
    }

    pub(crate) fn build(mut options: Options) -> Result<Self, EvaluateError> {
        let proxy = Proxy::take(&mut options)?;
        let seed = options.take("seed", 0)?;
        let data: String = options.take("data", RANDOM.to_owned())?;
        let batch = options.take_in("batch", 64, 2, 65_536)?;
        let threads = options.take_in("threads", 1, 1, 1_024)?;
        options.finish()?;
        let data = if data == RANDOM { None } else { Some(data.parse::<Source>()?) };
        Self::new(proxy, seed, data.as_ref(), batch, threads)
    }

    /// The batch for a network.
    fn batch(&self, classifier: &Classifier) -> Result<Batch, ZeroCostError> {
        let Some(images) = &self.images else { return random_batch(classifier, self.batch, self.seed) };
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = match drawn.take() {
            Some(batch) => batch,
            None => draw_batch(images, self.batch, self.seed)?,
        };
        let shared = Batch { inputs: batch.inputs.shallow_clone(), labels: batch.labels.shallow_clone() };
        *drawn = Some(batch);
        Ok(shared)
    }

    fn score(&self, program: &Program) -> Result<f64, ZeroCostError> {
        let classifier = Classifier::of(program)?;
        let _turn = match self.threads {
            1 => Turn::share(Device::Cpu)?,
            n => Turn::take(Device::Cpu, n)?,
        };
        let batch = self.batch(&classifier)?;
        Ok(score(program, &[self.proxy], &batch, self.seed)?.swap_remove(0))
    }

    /// The error in terms of the evaluator.
    fn refuse(&self, e: ZeroCostError, space: &Space) -> EvaluateError {
        match e {
            ZeroCostError::NoClassifier(_) => EvaluateError::Space {
                evaluator: self.identity.clone(),
                scores: "image classifiers, f32[N, C, H, W] to f32[N, classes]",
                space: space.name().to_owned(),
            },
            ZeroCostError::Undefined { .. } => EvaluateError::Failed(e.to_string()),
            e => EvaluateError::ZeroCost(e),
        }
    }
}

impl Evaluator for ZeroCost {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn data_digest(&self) -> Result<Option<String>, EvaluateError> {
        Ok(self.images.as_ref().map(|images| Data::from(images.clone()).digest().to_string()))
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        candidate.query.at_its_own(&self.identity)?;
        let program = candidate.program()?;
        let score = self.score(program).map_err(|e| self.refuse(e, candidate.space()))?;
        let cost = program.cost(Convention::Nasbench);
        Ok(Evaluation { values: smallvec![score, cost.params as f64, cost.macs as f64], seconds: 0.0 })
    }

    fn is_exclusive(&self) -> bool {
        self.threads > 1
    }

    fn caveats(&self) -> Vec<String> {
        let mut caveats = vec![format!("{} is a score of an untrained network, no accuracy", self.proxy)];
        if self.proxy.sees_images() && self.images.is_none() {
            caveats.push("the images are random noise: scores on the data set that is meant differ".to_owned());
        }
        caveats
    }

    /// Tells by the network of the default sample.
    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        let program = space.program(&space.default_sample()?)?;
        let fits = || {
            let classifier = Classifier::of(&program)?;
            match &self.images {
                Some(_) => batch::check(&self.batch(&classifier)?, &classifier),
                None => Ok(()),
            }
        };
        fits().map_err(|e| self.refuse(e, space))
    }
}
