//! `train`: a candidate's score is what training it gives.
//!
//! * A search sees what is held out from the training images, never the test images: it trains on the rest of them.
//! * The report trains the incumbent anew, on all training images, and measures it on the test images. No weights of
//!   trials are kept: the networks of the tables were also trained once for each.
//! * The score is a function of the sample, the recipe, the study's seed and the trial's number; time, latency and memory
//!   are measured, and are metrics only if they are asked for.

use super::dataset::{Dataset, Measured};
use super::error::TrainError;
use super::measure::latency;
use super::network::Network;
use super::recipe::Recipe;
use super::trainer::Trainer;
use crate::data::Source;
use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Evaluation, Evaluator, Fidelities, Metric, Query, Values};
use codegen::torch::{Device, peak_memory, reset_peak_memory};
use ir::hash::StableHasher;
use mutators::{Options, Space};
use std::sync::{Arc, Mutex, PoisonError};

/// Trains candidates.
///
/// ```
/// use evaluators::{Candidate, Evaluator, Query};
///
/// let space = mutators::spaces::build("nasbench201:image=1x8x8,channels=4,cells=1")?;
/// let train = evaluators::build("train:data=digits,epochs=1,images=200")?;
/// let sample = space.default_sample()?;
/// let scored = train.evaluate(&Candidate::new(&space, &sample, Query::default()))?;
/// assert_eq!(train.search_metrics()[0].name, "digits validation accuracy");
/// assert!((0.0..=100.0).contains(&scored.values[0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Train {
    identity: String,
    data: Source,
    recipe: Recipe,
    /// The seed of every trial; each has its own if there is none.
    seed: Option<u64>,
    every: u32,
    time: bool,
    latency: usize,
    memory: bool,
    search: Vec<Metric>,
    report: [Metric; 2],
    dataset: Mutex<Option<Arc<Dataset>>>,
}

/// Tells seeds of trials from others that are made from the same numbers.
const DOMAIN: u64 = u64::from_le_bytes(*b"training");

impl Train {
    /// The evaluator's name.
    pub const NAME: &'static str = "train";

    /// Reads the options: the data set, what is measured, and a recipe.
    ///
    /// # Errors
    /// If an option does not fit, or there is no such data set.
    pub fn build(mut options: Options) -> Result<Self, EvaluateError> {
        let data: String = options.take("data", "digits".to_owned())?;
        let data: Source = data.parse()?;
        let seed = match options.take_opt::<String>("seed")?.as_deref() {
            None | Some("trial") => None,
            Some(text) => Some(text.parse().map_err(|_| {
                options.refuse("seed", text, "is neither `trial`, a seed for each, nor a number, one for all")
            })?),
        };
        let every = options.take_in("every", 1, 1, 100_000)?;
        let time = options.take("time", false)?;
        let latency = options.take_in("latency", 0, 0, 1_000_000)?;
        let memory = options.take("memory", false)?;
        let recipe = Recipe::take(&mut options)?;
        if recipe.valid == 0 {
            let reason = "leaves a search nothing to choose by, since the test images are not for choosing; give 1/N";
            return Err(options.refuse("valid", "none", reason).into());
        }
        options.finish()?;
        let seeded = seed.map_or_else(|| "trial".to_owned(), |s: u64| s.to_string());
        let identity = format!(
            "{}:data={data},seed={seeded},every={every},time={time},latency={latency},memory={memory},{recipe}",
            Self::NAME
        );
        // The objective first.
        let metrics = |part: &str| {
            let accuracy = Metric::maximize(format!("{data} {part} accuracy"), "%");
            match data.is_text() {
                true => [Metric::minimize(format!("{data} {part} perplexity"), ""), accuracy],
                false => [accuracy, Metric::minimize(format!("{data} {part} loss"), "")],
            }
        };
        let mut search = metrics("validation").to_vec();
        search.push(Metric::minimize("parameters", ""));
        let mut measured = |asked: bool, name: String, unit| {
            if asked {
                search.push(Metric::minimize(name, unit));
            }
        };
        measured(time, "training time".to_owned(), "s");
        measured(latency > 0, format!("latency of a batch of {latency}"), "ms");
        measured(memory, "peak memory of training".to_owned(), "MiB");
        let report = metrics("test");
        let dataset = Mutex::new(None);
        Ok(Self { identity, data, recipe, seed, every, time, latency, memory, search, report, dataset })
    }

    /// Which data set it trains on.
    #[must_use]
    pub fn data(&self) -> &Source {
        &self.data
    }

    /// How it trains.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The data set, loaded when it is first needed.
    fn dataset(&self) -> Result<Arc<Dataset>, TrainError> {
        let mut held = self.dataset.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dataset) = &*held {
            return Ok(dataset.clone());
        }
        let dataset = Arc::new(Dataset::open(&self.data.to_string(), None, self.recipe.device)?);
        Ok(held.insert(dataset).clone())
    }

    /// The seed of a trial.
    fn seed(&self, query: Query) -> u64 {
        self.seed.unwrap_or_else(|| {
            let mut hash = StableHasher::new(DOMAIN);
            hash.word(query.seed);
            hash.word(query.number);
            hash.finish().0 as u64
        })
    }

    fn recipe_for(&self, query: Query) -> Result<Recipe, EvaluateError> {
        let epochs = query.fidelity.unwrap_or(self.recipe.epochs);
        if epochs == 0 || epochs > self.recipe.epochs {
            return Err(EvaluateError::Fidelity {
                evaluator: Self::NAME.to_owned(),
                epochs,
                known: format!("1 to {}", self.recipe.epochs),
            });
        }
        // What a run of this many epochs is, the schedule must know, unless it is the beginning of the whole run.
        Ok(Recipe { epochs, seed: self.seed(query), ..self.recipe.clone() })
    }

    /// Accuracy and loss; of text perplexity and accuracy.
    fn values(&self, accuracy: f64, loss: f64) -> [f64; 2] {
        if self.data.is_text() { [loss.exp(), accuracy] } else { [accuracy, loss] }
    }

    /// Trains to the end, or until whoever listens has heard enough.
    fn train(&self, trainer: &mut Trainer, candidate: &Candidate<'_>) -> Result<(), EvaluateError> {
        while !trainer.is_done() {
            let epoch = trainer.epoch()?;
            let score = epoch.valid_accuracy.zip(epoch.valid_loss).map(|(a, loss)| self.values(a, loss)[0]);
            let score = score.filter(|_| epoch.epoch % self.every == 0 && !trainer.is_done());
            if score.is_some_and(|s| candidate.report(u64::from(epoch.epoch), s).is_break()) {
                break;
            }
        }
        Ok(())
    }
}

impl Evaluator for Train {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn data_digest(&self) -> Result<Option<String>, EvaluateError> {
        Ok(Some(self.dataset()?.data().digest().to_string()))
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.search
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        let recipe = self.recipe_for(candidate.query)?;
        let mut trainer = Trainer::new(candidate.program()?, &*self.dataset()?, &recipe)?;
        let mut peak = 0;
        if self.memory && recipe.device == Device::Cpu {
            reset_peak_memory();
            trainer.step()?;
            peak = peak_memory();
        } else if self.memory {
            peak = trainer.planned().total();
        }
        self.train(&mut trainer, candidate)?;
        let last = trainer.history().last().expect("invariant: there is an epoch at least");
        let (Some(accuracy), Some(loss)) = (last.valid_accuracy, last.valid_loss) else {
            return Err(EvaluateError::Failed("nothing is held out".to_owned()));
        };
        let mut values = Values::from_slice(&self.values(accuracy, loss));
        values.push(trainer.network().params() as f64);
        if self.time {
            values.push(trainer.history().iter().map(|e| e.seconds).sum());
        }
        if self.latency > 0 {
            values.push(latency(trainer.network(), &recipe, self.latency)?);
        }
        if self.memory {
            values.push(peak as f64 / f64::from(1 << 20));
        }
        Ok(Evaluation { values, seconds: 0.0 })
    }

    fn report_metrics(&self) -> &[Metric] {
        &self.report
    }

    fn report(&self, candidate: &Candidate<'_>) -> Result<Values, EvaluateError> {
        let whole = Query { fidelity: None, ..candidate.query };
        let recipe = Recipe { valid: 0, ..self.recipe_for(whole)? };
        let mut trainer = Trainer::new(candidate.program()?, &*self.dataset()?, &recipe)?;
        while !trainer.is_done() {
            trainer.epoch()?;
        }
        match trainer.evaluate(Measured::Test)? {
            Some(test) => Ok(Values::from_slice(&self.values(test.accuracy, test.loss))),
            None => Err(EvaluateError::Failed(format!("`{}` has nothing to test on", self.data))),
        }
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn fidelities(&self) -> Fidelities {
        let levels: Vec<u32> = (1..=self.recipe.epochs).collect();
        match levels.len() {
            1 => Fidelities::Single,
            _ if self.recipe.has_prefixes() => Fidelities::Prefixes(levels),
            _ => Fidelities::SeparateRuns(levels),
        }
    }

    fn caveats(&self) -> Vec<String> {
        let mut caveats = vec![match self.data.is_text() {
            true => format!(
                "every window of `{}` begins with the state at zero, which costs perplexity; the report is of a network \
                 trained anew",
                self.data
            ),
            false => format!(
                "validated on one in {} training images of `{}`; the report is of a network trained anew on all of them",
                self.recipe.valid, self.data
            ),
        }];
        if self.time || self.latency > 0 || self.memory {
            caveats
                .push("time, latency and memory were measured on this machine, so they differ from run to run".into());
        }
        caveats
    }

    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        let dataset = self.dataset()?;
        let program = space.program(&space.default_sample()?)?;
        Network::of(&program, dataset.data(), &self.recipe)?;
        Ok(())
    }
}
