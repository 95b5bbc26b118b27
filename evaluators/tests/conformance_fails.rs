//! What breaks a promise does not pass the conformance suite: one sabotaged evaluator for each of its checks.

use evaluators::{
    Candidate, EvaluateError, Evaluation, Evaluator, Fidelities, Metric, Query, Standing, Values, conformance,
};
use mutators::{Pool, Rule, Sample, Space, spaces};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The second time it scores otherwise.
    Moody,
    /// It has a value too many.
    Talkative,
    /// It reports what is no number.
    Nothing,
    /// Two of its metrics have one name.
    Namesakes,
    /// It takes less than no time.
    Early,
    /// It ranks from 0.
    RanksFromZero,
    /// It scores at any fidelity as at its own.
    AnyFidelity,
    /// It names no fidelity, and scores at any.
    Unnamed,
    /// It loses what it has scores for.
    Loses,
    /// It keeps a pool of which it scores a part.
    Keeps,
    /// It has another's identity.
    Forgets,
    /// It takes any space.
    TakesAll,
}

/// The table of NAS-Bench-201, with a fault.
#[derive(Debug)]
struct Sabotaged {
    fault: Fault,
    table: Box<dyn Evaluator>,
    search: Vec<Metric>,
    calls: AtomicU64,
}

impl Sabotaged {
    fn new(fault: Fault) -> Self {
        let table = evaluators::build("nasbench201:epochs=200").expect("an evaluator");
        let mut search = table.search_metrics().to_vec();
        if fault == Fault::Namesakes {
            search.push(search[0].clone());
        }
        Self { fault, table, search, calls: AtomicU64::new(0) }
    }
}

impl Evaluator for Sabotaged {
    fn identity(&self) -> &str {
        match self.fault {
            Fault::Forgets => "nasbench201:dataset=cifar10,epochs=12,trial=mean,report=200",
            _ => self.table.identity(),
        }
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.search
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        let any = matches!(self.fault, Fault::AnyFidelity | Fault::Unnamed);
        let query = Query { fidelity: if any { None } else { candidate.query.fidelity }, ..candidate.query };
        let mut found = self.table.evaluate(&Candidate::new(candidate.space(), candidate.sample(), query))?;
        match self.fault {
            Fault::Moody => found.values[0] += self.calls.fetch_add(1, Ordering::Relaxed) as f64,
            Fault::Talkative => found.values.push(1.0),
            Fault::Early => found.seconds = -1.0,
            Fault::Keeps if found.values[0] < 90.0 => {
                return Err(EvaluateError::Absent { evaluator: "sabotaged".to_owned(), what: "that".to_owned() });
            }
            _ => {}
        }
        Ok(found)
    }

    fn report_metrics(&self) -> &[Metric] {
        self.table.report_metrics()
    }

    fn report(&self, candidate: &Candidate<'_>) -> Result<Values, EvaluateError> {
        let mut values = self.table.report(candidate)?;
        if self.fault == Fault::Nothing {
            values[0] = f64::NAN;
        }
        Ok(values)
    }

    fn standing(&self, candidate: &Candidate<'_>) -> Result<Vec<Standing>, EvaluateError> {
        let mut standing = self.table.standing(candidate)?;
        if self.fault == Fault::RanksFromZero {
            standing.iter_mut().for_each(|s| s.rank = 0);
        }
        Ok(standing)
    }

    fn fidelities(&self) -> Fidelities {
        if self.fault == Fault::Unnamed { Fidelities::Single } else { self.table.fidelities() }
    }

    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        if self.fault == Fault::TakesAll { Ok(()) } else { self.table.accepts(space) }
    }

    fn restrict(&self, space: Space) -> Space {
        match self.fault {
            Fault::Loses => space.ruled(Arc::new(NoSkip)),
            Fault::Keeps => {
                let all = space.enumerate(0).expect("static").map(|s| s.expect("legal")).collect();
                space.pooled(Arc::new(Everything(all)))
            }
            _ => space,
        }
    }
}

#[derive(Debug)]
struct NoSkip;

impl Rule for NoSkip {
    fn describe(&self) -> &str {
        "no skip"
    }
    fn admits(&self, sample: &Sample) -> bool {
        !sample.to_string().contains("skip")
    }
}

/// All samples of a space, near nothing.
#[derive(Debug)]
struct Everything(Vec<Sample>);

impl Pool for Everything {
    fn describe(&self) -> &str {
        "it is one of them"
    }
    fn members(&self) -> u64 {
        self.0.len() as u64
    }
    fn member(&self, sample: &Sample) -> Option<u64> {
        self.0.iter().position(|s| s == sample).map(|i| i as u64)
    }
    fn pairs(&self, member: u64) -> Vec<(ir::Name, ir::Value)> {
        self.0[member as usize].pairs().map(|(l, v)| (l.clone(), v)).collect()
    }
    fn neighbours(&self, _: u64) -> Vec<u64> {
        Vec::new()
    }
}

/// Applies a check to an evaluator with a fault.
fn check(fault: Fault, check: fn(&dyn Evaluator, &Space, usize)) {
    check(&Sabotaged::new(fault), &spaces::build("nasbench201").expect("a space"), 8);
}

#[test]
#[should_panic(expected = "the second time")]
fn another_score_the_second_time() {
    check(Fault::Moody, conformance::repeats);
}

#[test]
#[should_panic(expected = "assertion `left == right` failed: e01=")]
fn a_value_without_a_metric() {
    check(Fault::Talkative, conformance::has_a_value_per_metric);
}

#[test]
#[should_panic(expected = "a value that is no finite number: e01=")]
fn a_report_of_nothing() {
    check(Fault::Nothing, conformance::has_a_value_per_metric);
}

#[test]
#[should_panic(expected = "two metrics have one name")]
fn metrics_of_one_name() {
    check(Fault::Namesakes, conformance::has_a_value_per_metric);
}

#[test]
#[should_panic(expected = ": -1 s")]
fn a_score_before_it_was_asked_for() {
    check(Fault::Early, conformance::takes_time);
}

#[test]
#[should_panic(expected = "rank: 0")]
fn ranks_from_zero() {
    check(Fault::RanksFromZero, conformance::stands_within_bounds);
}

#[test]
#[should_panic(expected = "no refusal at 1 epochs")]
fn a_score_of_any_length() {
    check(Fault::AnyFidelity, conformance::scores_at_its_fidelities);
}

#[test]
#[should_panic(expected = "no refusal at 1 epochs")]
fn a_fidelity_that_is_not_named() {
    check(Fault::Unnamed, conformance::scores_at_its_fidelities);
}

#[test]
#[should_panic(expected = "a sample with a score is still there")]
fn a_restriction_that_loses_samples() {
    check(Fault::Loses, conformance::restricts_to_what_it_scores);
}

#[test]
#[should_panic(expected = "of the pool has no score")]
fn a_pool_without_scores() {
    check(Fault::Keeps, conformance::restricts_to_what_it_scores);
}

#[test]
#[should_panic(expected = "cifar10 validation accuracy, 200 epochs")]
fn an_identity_that_makes_another() {
    check(Fault::Forgets, |evaluator, space, count| {
        conformance::is_made_by_its_identity(evaluator, space, count, evaluators::build);
    });
}

#[test]
#[should_panic(expected = "a foreign space")]
fn a_space_that_it_knows_nothing_of() {
    check(Fault::TakesAll, |evaluator, _, _| {
        conformance::refuses(evaluator, &spaces::build("toy").expect("a space"));
    });
}

/// What has no fault passes: it is the faults that are found.
#[test]
fn the_table_itself_passes() {
    let (table, space) = (evaluators::build("nasbench201:epochs=200").expect("an evaluator"), "nasbench201");
    let space = spaces::build(space).expect("a space");
    conformance::repeats(&*table, &space, 8);
    conformance::has_a_value_per_metric(&*table, &space, 8);
    conformance::stands_within_bounds(&*table, &space, 8);
    conformance::scores_at_its_fidelities(&*table, &space, 8);
    conformance::restricts_to_what_it_scores(&*table, &space, 8);
}
