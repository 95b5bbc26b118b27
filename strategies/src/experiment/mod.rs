//! The one experiment loop: a strategy, a space, an evaluator, and budgets.
//!
//! * Tells are delivered in trial order.
//! * Trial i is asked for after exactly the trials up to i - jobs were told, so results depend on the seed and the
//!   number of jobs, never on timing. A budget of wall-clock time is the exception.
//! * The random stream of trial i is that of the study's seed and i, whatever the trials before it drew.
//! * A trial that fails is told and the search goes on; a store that fails stops it.
//! * What a trial reports on its way is judged by the strategy while one trial runs at a time, and kept with the trial:
//!   replaying a study reports it again.
//! * Report metrics are looked up once, after the search, for the incumbent that the objective chose.

mod drive;
mod stream;
mod workers;

use crate::error::{ExperimentError, StrategyError};
use crate::store::{Crossing, End, Store, Stored, StudyIdentity};
use crate::strategy::Strategy;
use crate::study::{Report, StopReason, Study};
use crate::trial::{Objective, Trial};
use drive::Drive;
use evaluators::{Candidate, EvaluateError, Evaluator, Query};
use mutators::Space;
use std::time::{Duration, Instant};
use stream::Streams;
use workers::{Inline, Pool, Task};

/// How far a study is, after a trial was told.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The trial.
    pub trial: &'a Trial,
    /// The best so far.
    pub incumbent: Option<&'a Trial>,
    /// What is optimised.
    pub objective: &'a Objective,
    /// Number of trials told.
    pub told: u64,
    /// Budget of trials.
    pub trials: Option<u64>,
    /// Simulated seconds so far.
    pub simulated_seconds: f64,
    /// Budget of simulated seconds.
    pub simulated_budget: Option<f64>,
    /// Wall-clock seconds so far.
    pub wall_seconds: f64,
    /// Whether the trial was read from the store, and not evaluated.
    pub replayed: bool,
}

pub(crate) type Callback<'a> = Box<dyn FnMut(&Progress<'_>) + 'a>;

/// A study that is about to run.
///
/// ```
/// use evaluators::{Candidate, Function, Metric};
/// use strategies::{Experiment, StopReason};
/// let space = mutators::spaces::build("toy")?;
/// let params = Function::new("params", Metric::maximize("params", ""), |c: &Candidate<'_>| {
///     Ok(c.program()?.cost(ir::Convention::Nasbench).params as f64)
/// });
/// let strategy = strategies::build("regularized-evolution:population=4,sample=2")?;
/// let study = Experiment::new(&space, strategy, &params).trials(20).seed(0).run()?;
/// assert_eq!(study.stop, StopReason::Trials);
/// let best = study.incumbent().expect("no trial failed");
/// println!("{} has {:?} parameters", best.sample, best.value(&study.objective));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Experiment<'a> {
    space: &'a Space,
    strategy: Box<dyn Strategy>,
    evaluator: &'a dyn Evaluator,
    seed: u64,
    jobs: usize,
    trials: Option<u64>,
    simulated: Option<f64>,
    crossing: Crossing,
    wall: Option<Duration>,
    protocol: Option<String>,
    store: Option<&'a mut dyn Store>,
    progress: Option<Callback<'a>>,
}

impl<'a> Experiment<'a> {
    /// A study with seed 0, one job and no budget.
    pub fn new(space: &'a Space, strategy: Box<dyn Strategy>, evaluator: &'a dyn Evaluator) -> Self {
        Self {
            space,
            strategy,
            evaluator,
            seed: 0,
            jobs: 1,
            trials: None,
            simulated: None,
            crossing: Crossing::Counted,
            wall: None,
            protocol: None,
            store: None,
            progress: None,
        }
    }

    /// Stops after this many trials, failed ones included.
    pub fn trials(mut self, trials: u64) -> Self {
        self.trials = Some(trials);
        self
    }

    /// Stops when the trials' simulated seconds reach this; the trial that crosses it counts or is discarded.
    pub fn simulated_time(mut self, seconds: f64, crossing: Crossing) -> Self {
        (self.simulated, self.crossing) = (Some(seconds), crossing);
        self
    }

    /// Starts no trial after this much time, pauses left out. The result then depends on timing.
    pub fn wall_time(mut self, limit: Duration) -> Self {
        self.wall = Some(limit);
        self
    }

    /// Runs this many trials at a time.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    /// Seeds all random streams.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Keeps the trials; if the store holds trials of this study already, goes on after them.
    pub fn store(mut self, store: &'a mut dyn Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Calls back after every trial, in order.
    pub fn progress(mut self, callback: impl FnMut(&Progress<'_>) + 'a) -> Self {
        self.progress = Some(Box::new(callback));
        self
    }

    /// Names the protocol that the study claims to follow, for its ledger.
    pub fn protocol(mut self, label: impl Into<String>) -> Self {
        self.protocol = Some(label.into());
        self
    }

    /// What makes the study.
    ///
    /// # Errors
    /// If the evaluator's data cannot be had.
    pub fn identity(&self) -> Result<StudyIdentity, ExperimentError> {
        Ok(StudyIdentity {
            space: self.space.identity().to_owned(),
            strategy: self.strategy.identity().to_owned(),
            evaluator: self.evaluator.identity().to_owned(),
            data: self.evaluator.data_digest()?,
            metrics: self.evaluator.search_metrics().iter().map(|m| m.name.to_string()).collect(),
            seed: self.seed,
            jobs: self.jobs,
            trials: self.trials,
            simulated_seconds: self.simulated,
            crossing: self.crossing,
            wall_seconds: self.wall.map(|w| w.as_secs_f64()),
            protocol: self.protocol.clone(),
        })
    }

    fn check(&self) -> Result<Objective, ExperimentError> {
        let setting = |option, value: String, reason| Err(ExperimentError::Setting { option, value, reason });
        if self.jobs == 0 || self.jobs > MAX_JOBS {
            return setting("jobs", self.jobs.to_string(), "is out of range; it lies in 1..=1024");
        }
        if let Some(s) = self.simulated.filter(|s| !(s.is_finite() && *s > 0.0)) {
            return setting("simulated seconds", s.to_string(), "is out of range; it is a positive number");
        }
        if self.trials.is_none() && self.simulated.is_none() && self.wall.is_none() {
            return Err(ExperimentError::NoBudget);
        }
        if self.jobs > 1 && self.evaluator.is_exclusive() {
            let evaluator = self.evaluator.identity().to_owned();
            return Err(ExperimentError::Exclusive { evaluator, jobs: self.jobs });
        }
        self.evaluator.accepts(self.space)?;
        Objective::first(self.evaluator.search_metrics()).ok_or_else(|| {
            EvaluateError::Failed(format!("evaluator `{}` has no search metric", self.evaluator.identity())).into()
        })
    }

    /// Runs the study, or what is left of it if the store holds some.
    ///
    /// # Errors
    /// If there is no budget, a setting is out of range, the evaluator does not score this space, the strategy fails
    /// before the first trial, or the store fails.
    pub fn run(mut self) -> Result<Study, ExperimentError> {
        let objective = self.check()?;
        let identity = self.identity()?;
        let stored = match &mut self.store {
            Some(store) => store.open(&identity)?,
            None => Stored::default(),
        };
        let Self { space, evaluator, seed, jobs, .. } = self;
        let task = Task { space, evaluator, seed };
        let mut drive = Drive::new(self, objective, stored);
        let stop = if jobs == 1 {
            drive.run(&mut Inline::new(task))?
        } else {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
            let pool = pool.map_err(|e| ExperimentError::Threads { jobs, reason: e.to_string() })?;
            pool.in_place_scope(|scope| drive.run(&mut Pool::new(scope, task)))?
        };
        drive.finish(identity, stop)
    }
}

/// More jobs than this are a slip of the pen.
const MAX_JOBS: usize = 1024;
