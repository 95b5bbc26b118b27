//! What breaks a promise does not pass the conformance suite: one sabotaged strategy for each of its checks.

use mutators::{Sample, Space, spaces};
use std::sync::atomic::{AtomicU64, Ordering};
use strategies::{Next, Objective, Strategy, StrategyError, Trial, TrialId, build, conformance};

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It proposes samples of another space.
    Foreign,
    /// It names a trial that was never made as the parent.
    Orphan,
    /// It counts across runs how often it was asked, and goes by that.
    Counts(&'static AtomicU64),
    /// It ends without a word.
    Speechless,
    /// It ends when a trial fails.
    Fragile,
}

#[derive(Debug)]
struct Sabotaged {
    fault: Fault,
    inner: Box<dyn Strategy>,
    ended: bool,
}

fn sabotaged(fault: Fault) -> Box<dyn Strategy> {
    let inner = build("random:replace=true").expect("it is in the hub");
    Box::new(Sabotaged { fault, inner, ended: false })
}

/// A sample of a space by number.
fn numbered(space: &Space, number: u64) -> Sample {
    space.enumerate(0).expect("static").nth((number % 24) as usize).expect("there are 24").expect("legal")
}

impl Strategy for Sabotaged {
    fn identity(&self) -> &str {
        "sabotaged"
    }

    fn ask(&mut self, space: &Space, rng: &mut dyn rand::Rng, want: usize) -> Result<Next, StrategyError> {
        if self.ended {
            return Ok(Next::Done("a trial failed".to_owned()));
        }
        Ok(match self.fault {
            Fault::Foreign => Next::run(spaces::build("nasbench201").expect("it is in the hub").default_sample()?),
            Fault::Counts(asked) => Next::run(numbered(space, asked.fetch_add(1, Ordering::Relaxed))),
            Fault::Speechless => Next::Done(String::new()),
            Fault::Orphan => match self.inner.ask(space, rng, want)? {
                Next::Run(proposals) => Next::Run(proposals.into_iter().map(|p| p.child_of(TrialId(99))).collect()),
                other => other,
            },
            Fault::Fragile => self.inner.ask(space, rng, want)?,
        })
    }

    fn tell(&mut self, trial: &Trial, objective: &Objective) {
        self.ended |= matches!(self.fault, Fault::Fragile) && trial.score(objective).is_none();
    }
}

#[test]
#[should_panic(expected = "a proposed sample fits the space")]
fn samples_of_another_space() {
    conformance::samples_fit(&|| sabotaged(Fault::Foreign));
}

#[test]
#[should_panic(expected = "has the later parent")]
fn parents_that_are_no_trials() {
    conformance::samples_fit(&|| sabotaged(Fault::Orphan));
}

#[test]
#[should_panic(expected = "1 jobs, other timing: the trials differ")]
fn a_strategy_that_no_seed_determines() {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    conformance::seeds_determine(&|| sabotaged(Fault::Counts(&ASKED)));
}

#[test]
#[should_panic(expected = "1 jobs, resumed after 0 trials: the trials differ")]
fn a_strategy_that_goes_on_otherwise() {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    conformance::resumes(&|| sabotaged(Fault::Counts(&ASKED)));
}

#[test]
#[should_panic(expected = "an end without a reason")]
fn an_end_without_a_reason() {
    conformance::exhausts(&|| sabotaged(Fault::Speechless));
}

#[test]
#[should_panic(expected = "the search ends after 1 trials")]
fn a_strategy_that_ends_with_the_first_failure() {
    conformance::tolerates_failures(&|| sabotaged(Fault::Fragile));
}
