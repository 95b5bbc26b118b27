//! Evaluating trials: in the loop's own thread, or several at a time.

use crate::strategy::Proposal;
use crate::trial::Outcome;
use evaluators::{Candidate, Evaluation, Evaluator, Query};
use mutators::Space;
use rayon::Scope;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What evaluates the trials of a study.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) space: &'a Space,
    pub(super) evaluator: &'a dyn Evaluator,
    pub(super) seed: u64,
}

impl Task<'_> {
    fn run(&self, number: u64, proposal: &Proposal) -> Outcome {
        let query = Query { seed: self.seed, number, fidelity: proposal.fidelity };
        let evaluated = self.evaluator.evaluate(&Candidate::new(self.space, &proposal.sample, query));
        match evaluated {
            Ok(e) => self.checked(e),
            Err(e) => Outcome::Failed { reason: e.to_string() },
        }
    }

    /// A score that no strategy could compare, and no journal hold, is a failure.
    fn checked(&self, Evaluation { values, seconds }: Evaluation) -> Outcome {
        let metrics = self.evaluator.search_metrics();
        let failed = |what: String| Outcome::Failed { reason: format!("{} gives {what}", self.evaluator.identity()) };
        if values.len() != metrics.len() {
            return failed(format!("{} values for {} metrics", values.len(), metrics.len()));
        }
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return failed(format!("{} = {}, which is no finite number", metrics[i].name, values[i]));
        }
        if !(seconds.is_finite() && seconds >= 0.0) {
            return failed(format!("{seconds} simulated seconds"));
        }
        Outcome::Done { values, seconds }
    }
}

/// Takes trials in order, and gives their outcomes back in the same order.
pub(super) trait Workers {
    /// Starts a trial.
    fn submit(&mut self, number: u64, proposal: Proposal);
    /// Puts a trial in line whose outcome is known.
    fn settled(&mut self, proposal: Proposal, outcome: Outcome);
    /// Waits for the earliest trial that was not taken yet.
    fn take(&mut self) -> Option<(Proposal, Outcome)>;
}

/// Evaluates a trial when it is taken.
pub(super) struct Inline<'a> {
    task: Task<'a>,
    number: u64,
    waiting: Option<(Proposal, Option<Outcome>)>,
}

impl<'a> Inline<'a> {
    pub(super) fn new(task: Task<'a>) -> Self {
        Self { task, number: 0, waiting: None }
    }
}

impl Workers for Inline<'_> {
    fn submit(&mut self, number: u64, proposal: Proposal) {
        self.number = number;
        self.waiting = Some((proposal, None));
    }

    fn settled(&mut self, proposal: Proposal, outcome: Outcome) {
        self.waiting = Some((proposal, Some(outcome)));
    }

    fn take(&mut self) -> Option<(Proposal, Outcome)> {
        let (proposal, outcome) = self.waiting.take()?;
        let outcome = outcome.unwrap_or_else(|| self.task.run(self.number, &proposal));
        Some((proposal, outcome))
    }
}

/// A finished trial, or the panic of its evaluator.
type Finished = std::thread::Result<(Proposal, Outcome)>;

/// Evaluates trials in a scope of a thread pool.
pub(super) struct Pool<'s, 'a> {
    scope: &'s Scope<'a>,
    task: Task<'a>,
    sender: Sender<(u64, Finished)>,
    receiver: Receiver<(u64, Finished)>,
    /// The trials in line, from number `first` on.
    line: VecDeque<Option<Finished>>,
    first: u64,
}

impl<'s, 'a> Pool<'s, 'a> {
    pub(super) fn new(scope: &'s Scope<'a>, task: Task<'a>) -> Self {
        let (sender, receiver) = channel();
        Self { scope, task, sender, receiver, line: VecDeque::new(), first: 0 }
    }
}

impl Workers for Pool<'_, '_> {
    fn submit(&mut self, number: u64, proposal: Proposal) {
        self.line.push_back(None);
        let (task, sender) = (self.task, self.sender.clone());
        self.scope.spawn(move |_| {
            let finished = catch_unwind(AssertUnwindSafe(move || {
                let outcome = task.run(number, &proposal);
                (proposal, outcome)
            }));
            // The loop may have ended without waiting for this trial.
            let _ = sender.send((number, finished));
        });
    }

    fn settled(&mut self, proposal: Proposal, outcome: Outcome) {
        self.line.push_back(Some(Ok((proposal, outcome))));
    }

    fn take(&mut self) -> Option<(Proposal, Outcome)> {
        while self.line.front()?.is_none() {
            let (number, finished) = self.receiver.recv().ok()?;
            let place = usize::try_from(number - self.first).ok()?;
            *self.line.get_mut(place)? = Some(finished);
        }
        self.first += 1;
        match self.line.pop_front()?? {
            Ok(finished) => Some(finished),
            Err(panic) => resume_unwind(panic),
        }
    }
}
