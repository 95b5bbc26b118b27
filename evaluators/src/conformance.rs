//! What every evaluator must keep, as tests: for those of this crate and for yours.
//!
//! [`evaluator_conformance!`](crate::evaluator_conformance) makes a test of each function here. They panic, as tests do,
//! with what is broken.

use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Evaluator, Fidelities, Query};
use mutators::{Sample, Space};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Samples that are scored, unless the suite is told otherwise.
pub const SCORED: usize = 32;
/// Samples that are drawn for them; an evaluator need not have a score for each.
const DRAWN: usize = 2_000;

/// So many samples of the space that the evaluator has a score for, or fewer if they are hard to find.
///
/// # Panics
/// If it refuses the space, scores none, or fails other than by having no score for a sample.
pub fn scorable(evaluator: &dyn Evaluator, space: &Space, count: usize) -> Vec<Sample> {
    evaluator.accepts(space).expect("the evaluator accepts the space");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut samples = Vec::new();
    for _ in 0..DRAWN {
        let sample = space.sample(&mut rng).expect("the space has legal samples");
        match evaluator.evaluate(&Candidate::new(space, &sample, Query::default())) {
            Ok(_) => samples.push(sample),
            Err(EvaluateError::Absent { .. } | EvaluateError::Failed(_)) => {}
            Err(e) => panic!("{}: {sample}: {e}", evaluator.identity()),
        }
        if samples.len() == count {
            break;
        }
    }
    assert!(!samples.is_empty(), "{} scores none of {DRAWN} samples", evaluator.identity());
    samples
}

/// Calls `check` with every sample at some queries.
fn every(evaluator: &dyn Evaluator, space: &Space, count: usize, check: impl Fn(&Candidate<'_>)) {
    for (i, sample) in scorable(evaluator, space, count).iter().enumerate() {
        for (seed, number) in [(0, 0), (0, i as u64), (7, i as u64)] {
            check(&Candidate::new(space, sample, Query { seed, number, fidelity: None }));
        }
    }
}

/// The same query has the same score, however the sample was made.
///
/// # Panics
/// If not.
pub fn repeats(evaluator: &dyn Evaluator, space: &Space, count: usize) {
    every(evaluator, space, count, |candidate| {
        let score = |sample: &Sample| evaluator.evaluate(&Candidate::new(space, sample, candidate.query));
        let first = evaluator.evaluate(candidate).expect("a score");
        assert_eq!(score(candidate.sample()).expect("a score"), first, "the second time: {}", candidate.sample());
        let read: Sample = candidate.sample().to_string().parse().expect("a printed sample reads back");
        let bound = space.bind(&read).expect("it is of the space");
        assert_eq!(score(&bound).expect("a score"), first, "read back: {read}");
    });
}

/// There is a search metric; metrics have distinct names, and each has one finite value, in the report too.
///
/// # Panics
/// If not.
pub fn has_a_value_per_metric(evaluator: &dyn Evaluator, space: &Space, count: usize) {
    let (search, report) = (evaluator.search_metrics(), evaluator.report_metrics());
    assert!(!search.is_empty(), "{} has no search metric", evaluator.identity());
    for metrics in [search, report] {
        let mut names: Vec<_> = metrics.iter().map(|m| &m.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), metrics.len(), "two metrics have one name");
    }
    every(evaluator, space, count, |candidate| {
        let values = evaluator.evaluate(candidate).expect("a score").values;
        assert_eq!(values.len(), search.len(), "{}", candidate.sample());
        let reported = evaluator.report(candidate).expect("a report");
        assert_eq!(reported.len(), report.len(), "{}", candidate.sample());
        let finite = values.iter().chain(&reported).all(|v| v.is_finite());
        assert!(finite, "a value that is no finite number: {}", candidate.sample());
    });
}

/// Simulated seconds are finite and not negative.
///
/// # Panics
/// If not.
pub fn takes_time(evaluator: &dyn Evaluator, space: &Space, count: usize) {
    every(evaluator, space, count, |candidate| {
        let seconds = evaluator.evaluate(candidate).expect("a score").seconds;
        assert!(seconds.is_finite() && seconds >= 0.0, "{}: {seconds} s", candidate.sample());
    });
}

/// Ranks lie between 1 and the number of entries, regrets are not negative, and both are of report metrics.
///
/// # Panics
/// If not.
pub fn stands_within_bounds(evaluator: &dyn Evaluator, space: &Space, count: usize) {
    every(evaluator, space, count, |candidate| {
        for s in evaluator.standing(candidate).expect("a standing") {
            assert!((1..=s.of).contains(&s.rank), "{}: {s:?}", candidate.sample());
            assert!(s.regret.is_finite() && s.regret >= 0.0, "{}: {s:?}", candidate.sample());
            assert_eq!(s.rank == 1, s.regret == 0.0, "{}: {s:?}", candidate.sample());
            assert!(evaluator.report_metrics().iter().any(|m| m.name == s.metric), "{s:?}");
        }
    });
}

/// It scores at every fidelity that it names, ascending, the last being its own; at others, which are all where it names
/// none, it says which there are: a score at another than was asked for would be taken for one.
///
/// # Panics
/// If not.
pub fn scores_at_its_fidelities(evaluator: &dyn Evaluator, space: &Space, count: usize) {
    let levels = match evaluator.fidelities() {
        Fidelities::Single => Vec::new(),
        Fidelities::SeparateRuns(levels) | Fidelities::Prefixes(levels) => {
            assert!(levels.len() > 1 && levels.windows(2).all(|w| w[0] < w[1]), "{levels:?}");
            levels
        }
    };
    let none = (1..).find(|n| !levels.contains(n)).expect("a number that is no level");
    every(evaluator, space, count, |candidate| {
        let at = |fidelity| {
            let query = Query { fidelity, ..candidate.query };
            evaluator.evaluate(&Candidate::new(space, candidate.sample(), query))
        };
        let runs: Vec<_> = levels.iter().map(|l| at(Some(*l)).expect("a score at a fidelity")).collect();
        let own = at(None).expect("a score");
        assert_eq!(runs.last().unwrap_or(&own), &own, "at its own fidelity: {}", candidate.sample());
        assert!(runs.windows(2).all(|w| w[0].seconds <= w[1].seconds), "more epochs take less time");
        assert!(matches!(at(Some(none)), Err(EvaluateError::Fidelity { .. })), "no refusal at {none} epochs");
    });
}

/// Its identity makes an equal evaluator, which gives equal scores.
///
/// # Panics
/// If not.
pub fn is_made_by_its_identity<F>(evaluator: &dyn Evaluator, space: &Space, count: usize, make: F)
where
    F: Fn(&str) -> Result<Box<dyn Evaluator>, EvaluateError>,
{
    let again = make(evaluator.identity()).expect("the identity makes an evaluator");
    assert_eq!(again.identity(), evaluator.identity());
    assert_eq!(again.search_metrics(), evaluator.search_metrics());
    assert_eq!(again.report_metrics(), evaluator.report_metrics());
    assert_eq!(again.fidelities(), evaluator.fidelities());
    every(evaluator, space, count, |candidate| {
        let same = again.evaluate(candidate).expect("a score");
        assert_eq!(same, evaluator.evaluate(candidate).expect("a score"), "{}", candidate.sample());
    });
}

/// It refuses a space that it knows nothing of, and that space's samples, by an error that names both.
///
/// # Panics
/// If not.
pub fn refuses(evaluator: &dyn Evaluator, foreign: &Space) {
    let check = |error: EvaluateError| {
        assert!(matches!(error, EvaluateError::Space { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(foreign.name()) && text.lines().count() == 1, "{text}");
    };
    check(evaluator.accepts(foreign).expect_err("a foreign space"));
    let sample = foreign.default_sample().expect("a sample");
    let candidate = Candidate::new(foreign, &sample, Query::default());
    check(evaluator.evaluate(&candidate).expect_err("a foreign sample"));
}

/// Restricting a space keeps samples that have a score, and nothing else about the space; of a pool all have one.
///
/// # Panics
/// If not.
pub fn restricts_to_what_it_scores(evaluator: &dyn Evaluator, space: &Space, count: usize) {
    let restricted = evaluator.restrict(space.clone());
    assert_eq!((restricted.name(), restricted.identity()), (space.name(), space.identity()));
    evaluator.accepts(&restricted).expect("the evaluator accepts what it restricted");
    for sample in scorable(evaluator, space, count) {
        restricted.check(&sample).expect("a sample with a score is still there");
    }
    if restricted.pool().is_some() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..count {
            let sample = restricted.sample(&mut rng).expect("a member");
            let scored = evaluator.evaluate(&Candidate::new(&restricted, &sample, Query::default()));
            scored.unwrap_or_else(|e| panic!("`{sample}` of the pool has no score: {e}"));
        }
    }
}

/// Makes a module of tests of an evaluator on a space; see [`conformance`](crate::conformance).
///
/// `foreign` is a space that it must refuse, `make` what makes it from its identity, `count` the number of samples that
/// are scored, for an evaluator that takes its time; all of them may be left out.
///
/// ```
/// evaluators::evaluator_conformance! {
///     depth {
///         evaluator: evaluators::Function::new("nodes", evaluators::Metric::minimize("nodes", ""), |c| {
///             Ok(c.program()?.instances.len() as f64)
///         }),
///         space: mutators::spaces::build("toy").expect("a space"),
///     }
/// }
/// ```
#[macro_export]
macro_rules! evaluator_conformance {
    (@count) => { $crate::conformance::SCORED };
    (@count $count:expr) => { $count };
    ($name:ident {
        evaluator: $evaluator:expr,
        space: $space:expr
        $(, foreign: $foreign:expr)?
        $(, make: $make:expr)?
        $(, count: $count:expr)?
        $(,)?
    }) => {
        #[cfg(test)]
        mod $name {
            #[allow(unused_imports, reason = "the expressions may name what the module outside has")]
            use super::*;

            const COUNT: usize = $crate::evaluator_conformance!(@count $($count)?);

            #[test]
            fn repeats() {
                $crate::conformance::repeats(&$evaluator, &$space, COUNT);
            }

            #[test]
            fn has_a_value_per_metric() {
                $crate::conformance::has_a_value_per_metric(&$evaluator, &$space, COUNT);
            }

            #[test]
            fn takes_time() {
                $crate::conformance::takes_time(&$evaluator, &$space, COUNT);
            }

            #[test]
            fn stands_within_bounds() {
                $crate::conformance::stands_within_bounds(&$evaluator, &$space, COUNT);
            }

            #[test]
            fn scores_at_its_fidelities() {
                $crate::conformance::scores_at_its_fidelities(&$evaluator, &$space, COUNT);
            }

            #[test]
            fn restricts_to_what_it_scores() {
                $crate::conformance::restricts_to_what_it_scores(&$evaluator, &$space, COUNT);
            }

            $(#[test]
            fn is_made_by_its_identity() {
                $crate::conformance::is_made_by_its_identity(&$evaluator, &$space, COUNT, $make);
            })?

            $(#[test]
            fn refuses() {
                $crate::conformance::refuses(&$evaluator, &$foreign);
            })?
        }
    };
}
