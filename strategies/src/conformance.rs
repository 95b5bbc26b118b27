//! What every strategy must keep, as checks: [`strategy_conformance!`](crate::strategy_conformance) makes tests of them.
//!
//! * Every sample fits the space.
//! * A seed determines the run, whatever the trials' timing.
//! * A study resumed from its first n trials equals the uninterrupted one, for every n, and evaluates only the rest; a
//!   finished one evaluates nothing.
//! * On a small space the search ends with a reason.
//! * Failed trials are tolerated.
//!
//! Each check panics with what is wrong.

use crate::{Experiment, Journal, Memory, Outcome, StopReason, Strategy, Study};
use evaluators::{Candidate, EvaluateError, Evaluator, Function, Metric};
use ir::hash::StableHasher;
use mutators::Space;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Makes a module of tests of a strategy: a name, and an expression that makes the strategy.
///
/// ```
/// strategies::strategy_conformance!(random, strategies::build("random").expect("it is in the hub"));
/// ```
#[macro_export]
macro_rules! strategy_conformance {
    ($name:ident, $make:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may need what stands around")]
            use super::*;

            fn make() -> ::std::boxed::Box<dyn $crate::Strategy> {
                ::std::boxed::Box::new($make)
            }

            #[test]
            fn samples_fit_the_space() {
                $crate::conformance::samples_fit(&make);
            }

            #[test]
            fn a_seed_determines_the_run() {
                $crate::conformance::seeds_determine(&make);
            }

            #[test]
            fn a_resumed_study_equals_the_uninterrupted_one() {
                $crate::conformance::resumes(&make);
            }

            #[test]
            fn a_small_space_ends_with_a_reason() {
                $crate::conformance::exhausts(&make);
            }

            #[test]
            fn failed_trials_are_tolerated() {
                $crate::conformance::tolerates_failures(&make);
            }
        }
    };
}

/// Makes the strategy under test.
pub type Make<'a> = &'a dyn Fn() -> Box<dyn Strategy>;

const TRIALS: u64 = 20;

fn space() -> Space {
    mutators::spaces::build("toy").expect("invariant: the toy space is in the hub")
}

fn tiny() -> Space {
    let text = "module @tiny { entry @main decision ?a in [1, 2] decision ?b in [1, 3]
        graph @main(%x: f32[N, 4]) { %y = linear %x {out=?a + ?b} return %y } }";
    let module: ir::Module = text.parse().expect("invariant: the module is well-formed");
    Space::new(module).expect("invariant: the module verifies")
}

/// A number in 0..1 for a candidate's sample.
fn number(candidate: &Candidate<'_>) -> f64 {
    let mut h = StableHasher::new(0);
    candidate.sample().pairs().for_each(|(label, value)| {
        h.text(label);
        h.text(&value.to_string());
    });
    (h.finish64() >> 11) as f64 / (1u64 << 53) as f64
}

fn scores() -> impl Evaluator {
    Function::new("number", Metric::maximize("number", ""), |c: &Candidate<'_>| Ok(number(c)))
}

fn run(make: Make<'_>, space: &Space, evaluator: &dyn Evaluator, seed: u64, jobs: usize) -> Study {
    let study = Experiment::new(space, make(), evaluator).trials(TRIALS).seed(seed).jobs(jobs).run();
    study.expect("a strategy runs on the toy space")
}

fn same(a: &Study, b: &Study, what: &str) {
    assert_eq!(a.trials, b.trials, "{what}: the trials differ");
    assert_eq!(a.incumbent(), b.incumbent(), "{what}: the incumbents differ");
    assert_eq!(a.stop, b.stop, "{what}: the reasons to stop differ");
}

/// Every sample fits the space, and parents are earlier trials.
pub fn samples_fit(make: Make<'_>) {
    let space = space();
    for (seed, jobs) in [(0, 1), (1, 3)] {
        let study = run(make, &space, &scores(), seed, jobs);
        assert!(!study.trials.is_empty(), "no trial was made");
        for t in &study.trials {
            let bound = space.bind(&t.sample).expect("a proposed sample fits the space");
            assert_eq!(bound, t.sample);
            assert!(t.parent.is_none_or(|p| p < t.id), "trial {} has the later parent {:?}", t.id, t.parent);
        }
    }
}

/// A seed determines the run, whatever the trials' timing.
pub fn seeds_determine(make: Make<'_>) {
    let space = space();
    let timed = |salt: u64| {
        Function::new("number", Metric::maximize("number", ""), move |c: &Candidate<'_>| {
            let mut h = StableHasher::new(salt);
            h.word(c.query.number);
            std::thread::sleep(Duration::from_micros(h.finish64() % 2_000));
            Ok(number(c))
        })
    };
    for jobs in [1, 2, 5] {
        let (a, b) = (run(make, &space, &timed(1), 7, jobs), run(make, &space, &timed(2), 7, jobs));
        same(&a, &b, &format!("{jobs} jobs, other timing"));
    }
}

/// A study resumed after any number of trials equals the uninterrupted one, in memory and from a journal.
pub fn resumes(make: Make<'_>) {
    let space = space();
    let count = AtomicU64::new(0);
    let scores = Function::new("number", Metric::maximize("number", ""), |c: &Candidate<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
        let x = number(c);
        if x < 0.2 { Err(EvaluateError::Failed("too small".into())) } else { Ok(x) }
    });
    for jobs in [1, 3] {
        // Each run stores for itself alone: a function, unlike a closure, gives each its own lifetime.
        fn start<'a>(make: Make<'_>, space: &'a Space, evaluator: &'a dyn Evaluator, jobs: usize) -> Experiment<'a> {
            Experiment::new(space, make(), evaluator).trials(TRIALS).seed(3).jobs(jobs)
        }
        let mut memory = Memory::new();
        let whole =
            start(make, &space, &scores, jobs).store(&mut memory).run().expect("a strategy runs on the toy space");
        let made = whole.trials.len();
        for n in 0..=made {
            let mut cut = memory.cut(n);
            let resumed = start(make, &space, &scores, jobs).store(&mut cut).run().expect("a study resumes");
            same(&resumed, &whole, &format!("{jobs} jobs, resumed after {n} trials"));
            assert_eq!(resumed.evaluated, (made - n) as u64);
        }
        count.store(0, Ordering::Relaxed);
        let again = start(make, &space, &scores, jobs).store(&mut memory).run().expect("a finished study is read back");
        same(&again, &whole, "finished");
        assert_eq!(count.load(Ordering::Relaxed), 0, "a finished study evaluates nothing");

        let path = scratch();
        start(make, &space, &scores, jobs).store(&mut Journal::create(&path)).run().expect("a journal is written");
        let bytes = std::fs::read(&path).expect("a journal is there");
        let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1);
        for (line, end) in ends.enumerate() {
            std::fs::write(&path, &bytes[..end]).expect("a journal is cut");
            let resumed =
                start(make, &space, &scores, jobs).store(&mut Journal::resume(&path)).run().expect("a study resumes");
            same(&resumed, &whole, &format!("{jobs} jobs, resumed from {} lines", line + 1));
        }
        let _ = std::fs::remove_file(&path);
    }
}

/// A file name that nobody else uses.
fn scratch() -> std::path::PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("lanista-conformance-{}-{next}.jsonl", std::process::id()))
}

/// On a space of four samples the search ends: with the budget, or with a reason.
pub fn exhausts(make: Make<'_>) {
    let space = tiny();
    for jobs in [1, 3] {
        let study = Experiment::new(&space, make(), &scores()).trials(200).jobs(jobs).run();
        let study = study.expect("a strategy runs on a tiny space");
        match &study.stop {
            StopReason::Trials => assert_eq!(study.trials.len(), 200),
            StopReason::Exhausted { reason } => {
                assert!(!reason.is_empty(), "an end without a reason");
                assert!(study.trials.len() < 200);
            }
            other => panic!("stopped because {other}"),
        }
    }
}

/// With every other trial failing, or all of them, the search goes on, and the incumbent never is a failed trial.
pub fn tolerates_failures(make: Make<'_>) {
    let space = space();
    let half = Function::new("number", Metric::minimize("number", ""), |c: &Candidate<'_>| {
        if c.query.number.is_multiple_of(2) { Err(EvaluateError::Failed("even".into())) } else { Ok(number(c)) }
    });
    let none = Function::new("number", Metric::minimize("number", ""), |_: &Candidate<'_>| Ok(f64::NAN));
    for jobs in [1, 3] {
        let study = run(make, &space, &half, 5, jobs);
        assert!(study.trials.len() > 2, "the search ends after {} trials", study.trials.len());
        let best = study.trials.iter().filter_map(|t| t.value(&study.objective)).fold(f64::INFINITY, f64::min);
        assert_eq!(study.incumbent().and_then(|t| t.value(&study.objective)), Some(best));
        let study = run(make, &space, &none, 5, jobs);
        assert!(study.trials.iter().all(|t| matches!(t.outcome, Outcome::Failed { .. })));
        assert_eq!(study.incumbent(), None);
    }
}
