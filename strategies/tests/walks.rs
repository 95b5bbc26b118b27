//! How each strategy walks a space.

use evaluators::{Candidate, EvaluateError, Evaluator, Function, Metric};
use mutators::{Rule, Sample, Space};
use std::collections::HashSet;
use std::sync::Arc;
use strategies::{Experiment, ExperimentError, StopReason, Study, build};

const NONE_REPEATED: [&str; 4] = ["grid", "random", "local-search", "local-search:improvement=first,initial=4"];

fn space(decisions: &str, width: &str) -> Space {
    let text = format!(
        "module @m {{ entry @main {decisions}
         graph @main(%x: f32[N, 4]) {{ %y = linear %x {{out={width}}} return %y }} }}"
    );
    Space::new(text.parse().expect("well-formed")).expect("verifies")
}

/// 3 x 4 x 2 samples, 12 of which are legal.
fn odd() -> Space {
    space(
        "decision ?a in [1, 2, 3] decision ?b in 1..=4 decision ?c in [5, 6] constraint (?a + ?b + ?c) % 2 == 1",
        "?a+?b+?c",
    )
}

fn number(c: &Candidate<'_>) -> Result<f64, EvaluateError> {
    Ok(c.sample().pairs().filter_map(|(_, v)| v.as_f64()).map(|x| (x * 7.3).sin()).sum())
}

fn search(space: &Space, strategy: &str, trials: u64, jobs: usize) -> Result<Study, ExperimentError> {
    let numbers = Function::new("number", Metric::maximize("number", ""), number);
    let evaluator: &dyn Evaluator = &numbers;
    let strategy = build(strategy).expect("it is in the hub");
    Experiment::new(space, strategy, evaluator).trials(trials).jobs(jobs).seed(11).run()
}

fn texts(study: &Study) -> Vec<String> {
    study.trials.iter().map(|t| t.sample.to_string()).collect()
}

#[test]
fn every_legal_sample_is_tried_once_and_then_the_search_ends() {
    let toy = mutators::spaces::build("toy").expect("it is in the hub");
    for (space, size) in [(toy, 24), (odd(), 12)] {
        for name in NONE_REPEATED {
            for jobs in [1, 4] {
                let study = search(&space, name, 1_000, jobs).expect("it runs");
                let distinct: HashSet<String> = texts(&study).into_iter().collect();
                assert_eq!((study.trials.len(), distinct.len()), (size, size), "{name}");
                assert!(matches!(&study.stop, StopReason::Exhausted { reason } if reason.contains("tried")));
            }
        }
    }
}

#[test]
fn a_grid_is_in_nested_loop_order() {
    let space = odd();
    let expected: Vec<String> = space.enumerate(2).expect("static").map(|s| s.expect("legal").to_string()).collect();
    let study = search(&space, "grid", 1_000, 2).expect("it runs");
    assert_eq!(texts(&study), expected);
    assert_eq!(study.stop.to_string(), "nothing is left to try: all 12 samples of the grid were tried");
}

#[test]
fn a_grid_has_the_quantiles_of_real_intervals() {
    let space = space("decision ?a in [1, 2] decision ?r in real 0.0..=1.0", "?a + round(?r * 4)");
    let study = search(&space, "grid:granularity=1", 100, 1).expect("it runs");
    assert_eq!(texts(&study), ["a=1,r=0.5", "a=2,r=0.5"]);
    assert_eq!(search(&space, "grid", 100, 1).expect("it runs").trials.len(), 6);
    for name in ["random", "local-search", "regularized-evolution:population=3,sample=2", "random:dedup=true"] {
        let study = search(&space, name, 40, 1).expect("it runs");
        assert!(study.trials.iter().all(|t| space.bind(&t.sample).is_ok()), "{name}");
    }
}

#[test]
fn a_space_without_legal_samples_is_a_clear_error() {
    // A constraint of this kind is found unfulfillable when the space is made; a rule is not looked into.
    let small = space("decision ?a in [2, 4]", "?a").ruled(Arc::new(Never));
    let large = space("decision ?a in 1..=5000 decision ?b in 1..=5000", "?a + ?b").ruled(Arc::new(Never));
    for (space, listed) in [(small, 2), (large, 1_048_576)] {
        for (name, tries) in
            [("random", 10_000), ("local-search", 10_000), ("regularized-evolution", 10_000), ("grid", listed)]
        {
            let err = search(&space, name, 10, 1).expect_err("nothing to try").to_string();
            let expected =
                format!("no sample of space `m` fulfils its constraints after {tries} tries; loosen a constraint");
            assert_eq!(err, expected, "{name}");
        }
    }
}

/// A rule that nothing fulfils.
#[derive(Debug)]
struct Never;

impl Rule for Never {
    fn describe(&self) -> &str {
        "never"
    }
    fn admits(&self, _: &Sample) -> bool {
        false
    }
}

#[test]
fn a_grid_ends_where_constraints_refuse_all_that_is_left() {
    let space = space("decision ?a in 1..=4000 decision ?b in 1..=4000 constraint ?a * ?b == 2", "?a + ?b");
    let study = search(&space, "grid", 10, 1).expect("it ends");
    assert_eq!(texts(&study), ["a=1,b=2", "a=2,b=1"]);
    assert!(study.stop.to_string().contains("after 2 samples, 1048576 assignments in a row break"), "{}", study.stop);
}

#[test]
fn domains_are_not_listed() {
    let space =
        space("decision ?a in 1..=9000000000000000000 decision ?s in any of 60 constraint ?a > 3", "1 + len(?s)");
    for name in ["grid", "random", "local-search", "local-search:improvement=first,initial=2", "regularized-evolution"]
    {
        let study = search(&space, name, 30, 1).expect("it runs");
        let distinct: HashSet<String> = texts(&study).into_iter().collect();
        assert_eq!((study.trials.len(), distinct.len()), (30, 30), "{name}");
        assert!(study.trials.iter().all(|t| space.check(&t.sample).is_ok()), "{name}");
    }
}

/// Neighbours that are too many to be listed come one by one, each once, all of them.
#[test]
fn a_climb_meets_every_neighbour_once() {
    let space = space("decision ?a in 1..=70000 decision ?b in [1, 2] constraint ?a != 7", "?b");
    let flat = Function::new("flat", Metric::maximize("flat", ""), |_: &Candidate<'_>| Ok(0.0));
    let strategy = build("local-search").expect("it is in the hub");
    let study = Experiment::new(&space, strategy, &flat).trials(70_000).seed(1).run().expect("it runs");
    let first = study.trials[0].id;
    assert!(study.trials[1..].iter().all(|t| t.parent == Some(first)));
    let distinct: HashSet<String> = texts(&study).into_iter().collect();
    assert_eq!(distinct.len(), 70_000);
}

#[test]
fn local_search_climbs_from_neighbour_to_neighbour() {
    let toy = mutators::spaces::build("toy").expect("it is in the hub");
    for name in ["local-search", "local-search:improvement=first"] {
        let study = search(&toy, name, 24, 1).expect("it runs");
        let starts = study.trials.iter().filter(|t| t.parent.is_none()).count();
        assert!(starts < 12, "{name} climbs from {starts} starts");
        for t in &study.trials {
            let Some(parent) = t.parent else { continue };
            let parent = &study.trials[parent.0 as usize];
            let changed = t.sample.picks().iter().zip(parent.sample.picks()).filter(|(a, b)| a != b).count();
            assert_eq!(changed, 1, "{name}: {} from {}", t.sample, parent.sample);
        }
    }
}

#[test]
fn children_differ_from_their_parents_in_one_decision_and_parents_are_alive() {
    let toy = mutators::spaces::build("toy").expect("it is in the hub");
    let population = 5;
    for replacement in [true, false] {
        let name = format!("regularized-evolution:population={population},sample=3,replacement={replacement}");
        let study = search(&toy, &name, 200, 1).expect("it runs");
        for (i, t) in study.trials.iter().enumerate() {
            assert_eq!(t.parent.is_none(), i < population);
            let Some(parent) = t.parent else { continue };
            assert!(parent.0 as usize + population >= i, "trial {i} comes from the dead trial {parent}");
            let parent = &study.trials[parent.0 as usize].sample;
            let changed = t.sample.picks().iter().zip(parent.picks()).filter(|(a, b)| a != b).count();
            assert_eq!(changed, 1);
        }
    }
}

/// A tournament of the whole population, drawn without replacement, is always won by the best.
#[test]
fn the_best_of_the_tournament_is_the_parent() {
    let toy = mutators::spaces::build("toy").expect("it is in the hub");
    let study = search(&toy, "regularized-evolution:population=4,sample=4,replacement=false", 100, 1).expect("it runs");
    for (i, t) in study.trials.iter().enumerate().skip(4) {
        let score = |i: usize| study.trials[i].score(&study.objective).expect("none failed");
        let best = (i - 4..i).map(score).fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(score(t.parent.expect("a child").0 as usize), best);
    }
}

#[test]
fn an_only_sample_is_tried_and_that_is_all() {
    let space = space("decision ?a in [3]", "?a");
    for name in ["grid", "random", "local-search", "regularized-evolution:population=1,sample=1"] {
        let study = search(&space, name, 10, 1).expect("it runs");
        assert_eq!(study.trials.len(), 1, "{name}");
        assert!(matches!(study.stop, StopReason::Exhausted { .. }), "{name}: {}", study.stop);
    }
}
