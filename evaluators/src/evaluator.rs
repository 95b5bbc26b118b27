//! What an evaluator is: it scores a candidate, and never decides what to try next.

use crate::error::EvaluateError;
use ir::{Module, Name, Program};
use mutators::{Sample, Space};
use smallvec::SmallVec;
use std::cell::OnceCell;
use std::fmt::{self, Debug};
use std::ops::ControlFlow;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Maximize,
    /// Less is better.
    Minimize,
}

impl Direction {
    /// Whether `a` is strictly better than `b`. NaN is never better.
    #[must_use]
    pub fn is_better(self, a: f64, b: f64) -> bool {
        match self {
            Self::Maximize => a > b,
            Self::Minimize => a < b,
        }
    }

    /// The value, negated where less is better: more is better in what comes out.
    #[must_use]
    pub fn oriented(self, x: f64) -> f64 {
        match self {
            Self::Maximize => x,
            Self::Minimize => -x,
        }
    }
}

/// A named number that an evaluator gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// What it is: `cifar10 validation accuracy, 12 epochs`.
    pub name: Name,
    /// Its unit: `%`, `ms`, `M`, or nothing.
    pub unit: &'static str,
    /// Which way is better.
    pub direction: Direction,
}

impl Metric {
    /// A metric of which more is better.
    pub fn maximize(name: impl AsRef<str>, unit: &'static str) -> Self {
        Self { name: Name::new(name), unit, direction: Direction::Maximize }
    }

    /// A metric of which less is better.
    pub fn minimize(name: impl AsRef<str>, unit: &'static str) -> Self {
        Self { name: Name::new(name), unit, direction: Direction::Minimize }
    }
}

/// Which query of which study this is: what a noisy evaluator draws its noise from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The study's seed.
    pub seed: u64,
    /// Number of the query in the study.
    pub number: u64,
    /// At which fidelity, in the evaluator's unit (epochs); its own if there is none.
    pub fidelity: Option<u32>,
}

impl Query {
    /// Refuses a fidelity, for an evaluator that has one only ([`Fidelities::Single`]).
    ///
    /// # Errors
    /// If one is asked for.
    pub fn at_its_own(self, evaluator: &str) -> Result<(), EvaluateError> {
        match self.fidelity {
            None => Ok(()),
            Some(epochs) => Err(EvaluateError::Fidelity {
                evaluator: evaluator.to_owned(),
                epochs,
                known: "its own only".to_owned(),
            }),
        }
    }
}

/// Takes a value that comes up on the way to a score, with its step (an epoch, from 1); `Break` ends the way here.
pub type Reporter<'a> = &'a dyn Fn(u64, f64) -> ControlFlow<()>;

/// What is scored: a sample of a space. The network is only built if an evaluator asks for it.
pub struct Candidate<'a> {
    space: &'a Space,
    sample: &'a Sample,
    /// Which query this is.
    pub query: Query,
    program: OnceCell<Program>,
    reporter: Option<Reporter<'a>>,
}

impl Debug for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = (self.space.name(), self.sample.to_string());
        f.debug_struct("Candidate").field("sample", &name).field("query", &self.query).finish_non_exhaustive()
    }
}

impl<'a> Candidate<'a> {
    /// A sample of a space, for one query.
    #[must_use]
    pub fn new(space: &'a Space, sample: &'a Sample, query: Query) -> Self {
        Self { space, sample, query, program: OnceCell::new(), reporter: None }
    }

    /// Lets someone listen to what comes up on the way, and end it early.
    #[must_use]
    pub fn reporting(self, reporter: Reporter<'a>) -> Self {
        Self { reporter: Some(reporter), ..self }
    }

    /// Reports a value of the objective on the way to the score. After a `Break` the evaluator scores what it has.
    pub fn report(&self, step: u64, value: f64) -> ControlFlow<()> {
        self.reporter.map_or(ControlFlow::Continue(()), |reporter| reporter(step, value))
    }

    /// The space.
    #[must_use]
    pub fn space(&self) -> &'a Space {
        self.space
    }

    /// The sample.
    #[must_use]
    pub fn sample(&self) -> &'a Sample {
        self.sample
    }

    /// The network as a module without decisions.
    ///
    /// # Errors
    /// If the sample does not fit the space.
    pub fn module(&self) -> Result<Module, EvaluateError> {
        Ok(self.space.module(self.sample)?)
    }

    /// The elaborated network, built on the first call.
    ///
    /// # Errors
    /// If the sample does not fit the space, or the network has a fault.
    pub fn program(&self) -> Result<&Program, EvaluateError> {
        if let Some(p) = self.program.get() {
            return Ok(p);
        }
        let program = self.space.program(self.sample)?;
        Ok(self.program.get_or_init(|| program))
    }
}

/// One number per metric, in the order in which the evaluator lists them.
pub type Values = SmallVec<[f64; 2]>;

/// A candidate's scores and what they cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// One value per search metric.
    pub values: Values,
    /// Simulated seconds that the evaluation stands for; 0 where nothing is simulated.
    pub seconds: f64,
}

/// Where a candidate stands among all that a table holds, by one report metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The report metric.
    pub metric: Name,
    /// From 1: one more than the number of strictly better entries.
    pub rank: u64,
    /// Number of entries.
    pub of: u64,
    /// Distance to the best entry, not negative.
    pub regret: f64,
}

/// What a number of training epochs buys, and whether less of them is a prefix of more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fidelities {
    /// There is one.
    Single,
    /// These, each a run of its own: going from one to a higher one costs the whole of the higher one.
    SeparateRuns(Vec<u32>),
    /// These, prefixes of one run: going on costs the difference.
    Prefixes(Vec<u32>),
}

/// Scores candidates.
///
/// Search metrics are what a strategy sees; the first is the objective. Report metrics (test accuracy, other datasets)
/// are looked up once, for the incumbent that the objective chose, so that a search cannot peek at them.
///
/// ```
/// use evaluators::{Candidate, Evaluator, Function, Metric, Query};
/// let space = mutators::spaces::build("toy")?;
/// let widest = Function::new("width", Metric::maximize("width", ""), |c: &Candidate<'_>| {
///     Ok(c.program()?.cost(ir::Convention::Nasbench).params as f64)
/// });
/// let sample = space.default_sample()?;
/// let scored = widest.evaluate(&Candidate::new(&space, &sample, Query::default()))?;
/// assert!(scored.values[0] > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Evaluator: Debug + Send + Sync {
    /// Its name with the options that it was made with.
    fn identity(&self) -> &str;

    /// What tells the data that it scores with from other data of the same name: a digest. None if its name says all, as
    /// that of a table does.
    ///
    /// # Errors
    /// If the data cannot be had.
    fn data_digest(&self) -> Result<Option<String>, EvaluateError> {
        Ok(None)
    }

    /// What a strategy sees; at least one, the first is the objective.
    fn search_metrics(&self) -> &[Metric];

    /// Scores a candidate, at the query's fidelity or not at all: see [`Query::at_its_own`].
    ///
    /// # Errors
    /// If it cannot be scored; the trial fails and the search goes on.
    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError>;

    /// What is looked up for the incumbent only.
    fn report_metrics(&self) -> &[Metric] {
        &[]
    }

    /// Looks the report metrics up.
    ///
    /// # Errors
    /// If the candidate is not there.
    fn report(&self, _candidate: &Candidate<'_>) -> Result<Values, EvaluateError> {
        Ok(Values::new())
    }

    /// Where a candidate stands among all, for each report metric that can tell.
    ///
    /// # Errors
    /// If the candidate is not there.
    fn standing(&self, _candidate: &Candidate<'_>) -> Result<Vec<Standing>, EvaluateError> {
        Ok(Vec::new())
    }

    /// Whether it needs the process to itself, so that one trial runs at a time: for scores that would depend on what
    /// runs beside them, and for those that take all threads anyway.
    fn is_exclusive(&self) -> bool {
        false
    }

    /// At which fidelities it can score.
    fn fidelities(&self) -> Fidelities {
        Fidelities::Single
    }

    /// What a reader of the results must know: `oracle: the search sees test accuracy`.
    fn caveats(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it can score samples of this space.
    ///
    /// # Errors
    /// With what it can score instead.
    fn accepts(&self, _space: &Space) -> Result<(), EvaluateError> {
        Ok(())
    }

    /// The space without the samples that it is known to have no score for. A search should be on this one.
    fn restrict(&self, space: Space) -> Space {
        space
    }
}
