//! Evaluating trials: in the loop's own thread, or several at a time.

use crate::strategy::{Proposal, Verdict};
use crate::trial::{Outcome, Reported, TrialId};
use evaluators::{Candidate, Evaluation, Evaluator, Query};
use mutators::Space;
use rayon::Scope;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What evaluates the trials of a study.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) space: &'a Space,
    pub(super) evaluator: &'a dyn Evaluator,
    pub(super) seed: u64,
}

/// Judges what a trial reports.
pub(super) type Judge<'a> = &'a mut dyn FnMut(TrialId, Reported) -> Verdict;

/// What a trial left.
#[derive(Debug)]
pub(super) struct Settled {
    pub proposal: Proposal,
    pub reports: Vec<Reported>,
    pub outcome: Outcome,
}

impl Task<'_> {
    fn run(&self, number: u64, proposal: Proposal, judge: Judge<'_>) -> Settled {
        let query = Query { seed: self.seed, number, fidelity: proposal.fidelity };
        let heard = RefCell::new((judge, Vec::new(), false));
        let reporter = |step, value: f64| {
            let (judge, reports, stopped) = &mut *heard.borrow_mut();
            // What no strategy could compare, and no journal hold, is not a value.
            if *stopped || !value.is_finite() {
                return if *stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            }
            let report = Reported { step, value };
            reports.push(report);
            *stopped = judge(TrialId(number), report) == Verdict::Stop;
            if *stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let candidate = Candidate::new(self.space, &proposal.sample, query).reporting(&reporter);
        let evaluated = self.evaluator.evaluate(&candidate);
        drop(candidate);
        let (_, reports, stopped) = heard.into_inner();
        let outcome = match evaluated.map(|e| self.checked(e)) {
            Ok(Outcome::Done { values, seconds }) if stopped => Outcome::Stopped { values, seconds },
            Ok(outcome) => outcome,
            Err(e) => Outcome::Failed { reason: e.to_string() },
        };
        Settled { proposal, reports, outcome }
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
    fn settled(&mut self, number: u64, settled: Settled);
    /// Waits for the earliest trial that was not taken yet. Where one trial runs at a time, `judge` hears its reports.
    fn take(&mut self, judge: Judge<'_>) -> Option<Settled>;
}

/// Evaluates a trial when it is taken.
pub(super) struct Inline<'a> {
    task: Task<'a>,
    waiting: Option<(u64, Waiting)>,
}

/// A trial that was not taken yet.
enum Waiting {
    Fresh(Proposal),
    Settled(Settled),
}

impl<'a> Inline<'a> {
    pub(super) fn new(task: Task<'a>) -> Self {
        Self { task, waiting: None }
    }
}

impl Workers for Inline<'_> {
    fn submit(&mut self, number: u64, proposal: Proposal) {
        self.waiting = Some((number, Waiting::Fresh(proposal)));
    }

    fn settled(&mut self, number: u64, settled: Settled) {
        self.waiting = Some((number, Waiting::Settled(settled)));
    }

    fn take(&mut self, judge: Judge<'_>) -> Option<Settled> {
        let (number, waiting) = self.waiting.take()?;
        Some(match waiting {
            Waiting::Fresh(proposal) => self.task.run(number, proposal, judge),
            Waiting::Settled(settled) => {
                // The strategy must know what it knew; what it said then is in the outcome.
                for report in &settled.reports {
                    let _ = judge(TrialId(number), *report);
                }
                settled
            }
        })
    }
}

/// A finished trial, or the panic of its evaluator.
type Finished = std::thread::Result<Settled>;

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
            let finished =
                catch_unwind(AssertUnwindSafe(move || task.run(number, proposal, &mut |_, _| Verdict::Continue)));
            // The loop may have ended without waiting for this trial.
            let _ = sender.send((number, finished));
        });
    }

    fn settled(&mut self, _: u64, settled: Settled) {
        self.line.push_back(Some(Ok(settled)));
    }

    fn take(&mut self, _: Judge<'_>) -> Option<Settled> {
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
