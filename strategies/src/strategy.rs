//! What a strategy is: it decides what to try next, and never scores anything.

use crate::error::StrategyError;
use crate::trial::{Objective, Trial, TrialId};
use mutators::{Sample, Space};
use rand::Rng;
use std::fmt::Debug;

/// What a strategy wants to have tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The sample.
    pub sample: Sample,
    /// At which fidelity, in the evaluator's unit (epochs); its own if there is none.
    pub fidelity: Option<u32>,
    /// The trial that the sample was made from.
    pub parent: Option<TrialId>,
}

impl Proposal {
    /// A sample without a parent, at the evaluator's own fidelity.
    #[must_use]
    pub fn new(sample: Sample) -> Self {
        Self { sample, fidelity: None, parent: None }
    }

    /// Names the trial that it was made from.
    #[must_use]
    pub fn child_of(mut self, parent: TrialId) -> Self {
        self.parent = Some(parent);
        self
    }
}

impl From<Sample> for Proposal {
    fn from(sample: Sample) -> Self {
        Self::new(sample)
    }
}

/// What is next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Try these: at least one, at most as many as were asked for. They become trials in this order.
    Run(Vec<Proposal>),
    /// Ask again after the next result; only while one is awaited.
    Wait,
    /// There is nothing left to try, and why.
    Done(String),
}

impl Next {
    /// One proposal.
    #[must_use]
    pub fn run(proposal: impl Into<Proposal>) -> Self {
        Self::Run(vec![proposal.into()])
    }
}

/// What becomes of a trial that reports on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Continue,
    /// It ends here, with its last reported value.
    Stop,
}

/// Decides what to try next.
///
/// * The k-th proposal (from 0) becomes the trial of that number.
/// * Every trial is told once, in the order of the numbers, failed ones too.
/// * All randomness comes from the stream that `ask` is given. With the same streams and tells a strategy proposes the
///   same: a study is resumed by replaying it, so a strategy has no state to store.
/// * It sees search metrics only.
///
/// ```
/// use mutators::Space;
/// use strategies::{Experiment, Next, Objective, Strategy, StrategyError, Trial};
///
/// /// Edits the best sample so far.
/// #[derive(Debug, Default)]
/// struct Climber {
///     best: Option<(f64, mutators::Sample)>,
/// }
///
/// impl Strategy for Climber {
///     fn identity(&self) -> &str {
///         "climber"
///     }
///
///     fn ask(&mut self, space: &Space, rng: &mut dyn rand::Rng, _: usize) -> Result<Next, StrategyError> {
///         Ok(Next::run(match &self.best {
///             Some((_, best)) => space.edit(best, rng)?,
///             None => space.sample(rng)?,
///         }))
///     }
///
///     fn tell(&mut self, trial: &Trial, objective: &Objective) {
///         if let Some(score) = trial.score(objective) {
///             if self.best.as_ref().is_none_or(|(best, _)| score > *best) {
///                 self.best = Some((score, trial.sample.clone()));
///             }
///         }
///     }
/// }
///
/// use evaluators::{Candidate, Function, Metric};
/// let space = mutators::spaces::build("toy")?;
/// let smallest = Function::new("params", Metric::minimize("params", ""), |c: &Candidate<'_>| {
///     Ok(c.program()?.cost(ir::Convention::Nasbench).params as f64)
/// });
/// let study = Experiment::new(&space, Box::new(Climber::default()), &smallest).trials(30).seed(1).run()?;
/// assert_eq!(study.trials.len(), 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Strategy: Debug + Send {
    /// Its name with the options that it was made with: equal identities propose equal samples.
    fn identity(&self) -> &str;

    /// What to try next: `want`, at least 1, is how many trials could start now.
    ///
    /// Asked again after [`Next::Wait`], it gets another part of the same stream.
    ///
    /// # Errors
    /// If the space is none that it can walk, or has no legal sample.
    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, want: usize) -> Result<Next, StrategyError>;

    /// Judges a value of the objective that a running trial reports after a step (an epoch).
    ///
    /// It is called between the trial's `ask` and its `tell`, and only while one trial runs at a time: with more, the
    /// order of the reports would be a matter of timing, so that trials run to their end.
    fn report(&mut self, _trial: TrialId, _step: u64, _value: f64) -> Verdict {
        Verdict::Continue
    }

    /// Takes note of a finished trial.
    fn tell(&mut self, trial: &Trial, objective: &Objective);
}

impl<S: Strategy + ?Sized> Strategy for Box<S> {
    fn identity(&self) -> &str {
        (**self).identity()
    }

    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, want: usize) -> Result<Next, StrategyError> {
        (**self).ask(space, rng, want)
    }

    fn report(&mut self, trial: TrialId, step: u64, value: f64) -> Verdict {
        (**self).report(trial, step, value)
    }

    fn tell(&mut self, trial: &Trial, objective: &Objective) {
        (**self).tell(trial, objective);
    }
}
