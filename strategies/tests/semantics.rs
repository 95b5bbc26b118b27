//! Deduplication, and evolution against random search.

use evaluators::{Candidate, Evaluator, Function, Metric};
use ir::GraphHash;
use mutators::Space;
use std::collections::HashSet;
use std::sync::Mutex;
use strategies::{Experiment, Journal, Memory, StopReason, build};

fn toy() -> Space {
    mutators::spaces::build("toy").expect("it is in the hub")
}

/// A space whose decisions are partly void: three of its six samples are one network.
fn redundant() -> Space {
    let text = "module @redundant { entry @main
        decision ?op in [keep, wide, wider] decision ?tail in [none, dead]
        graph @main(%x: f32[N, 4]) {
            %y = choice ?op (%x) {keep: identity, wide: linear {out=8}, wider: linear {out=16}}
            %unused = choice ?tail (%y) {none: relu, dead: sigmoid}
            %twice = relu %x
            return %y
        } }";
    Space::new(text.parse().expect("well-formed")).expect("verifies")
}

/// Counts evaluations and refuses a network that it has seen.
fn once(seen: &Mutex<HashSet<GraphHash>>) -> impl Evaluator {
    Function::new("params", Metric::maximize("params", ""), move |c: &Candidate<'_>| {
        let program = c.program()?;
        assert!(seen.lock().expect("no test panics in here").insert(program.hash()), "{} was seen", c.sample());
        Ok(program.cost(ir::Convention::Nasbench).params as f64)
    })
}

#[test]
fn deduplication_never_evaluates_an_equal_network_twice() {
    let strategies = [
        "grid",
        "random",
        "random:replace=true",
        "local-search",
        "local-search:improvement=first",
        "regularized-evolution:population=4,sample=2",
    ];
    for (space, networks) in [(redundant(), 3), (toy(), 24)] {
        for name in strategies {
            for jobs in [1, 3] {
                let seen = Mutex::new(HashSet::new());
                let comma = if name.contains(':') { "," } else { ":" };
                let strategy = build(&format!("{name}{comma}dedup=true")).expect("it is in the hub");
                let evaluator = once(&seen);
                let study = Experiment::new(&space, strategy, &evaluator).trials(1_000).jobs(jobs).run();
                let study = study.expect("it runs");
                assert!(matches!(study.stop, StopReason::Exhausted { .. }), "{name}: {}", study.stop);
                assert_eq!(study.trials.len(), networks, "{name} on {} with {jobs} jobs", space.name());
                assert_eq!(study.ledger(&space).unique_graphs, networks as u64);
            }
        }
    }
}

#[test]
fn without_deduplication_equal_networks_are_evaluated_again() {
    let space = redundant();
    let params = Function::new("params", Metric::maximize("params", ""), |c: &Candidate<'_>| {
        Ok(c.program()?.cost(ir::Convention::Nasbench).params as f64)
    });
    let study = Experiment::new(&space, build("grid").expect("it is in the hub"), &params).trials(100).run();
    let ledger = study.expect("it runs").ledger(&space);
    assert_eq!((ledger.queries, ledger.unique_samples, ledger.unique_graphs), (6, 6, 3));
}

#[test]
fn a_resumed_finished_study_evaluates_nothing() {
    let space = toy();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("study.jsonl");
    let seen = Mutex::new(HashSet::new());
    let evaluator = once(&seen);
    let strategy = || build("regularized-evolution:population=4,sample=2,dedup=true").expect("it is in the hub");
    let mut journal = Journal::create(&path);
    let first = Experiment::new(&space, strategy(), &evaluator).trials(15).store(&mut journal).run();
    drop(journal);
    let first = first.expect("it runs");
    let mut journal = Journal::resume(&path);
    let again = Experiment::new(&space, strategy(), &evaluator).trials(15).store(&mut journal).run();
    let again = again.expect("it is read back, without an evaluation that would fail");
    assert_eq!((again.trials, again.stop, again.evaluated), (first.trials, first.stop, 0));
    assert_eq!(again.wall_seconds, first.wall_seconds);
    assert_eq!(seen.lock().expect("no test panics in here").len(), 15);
}

/// An accuracy in which each decision has an order of its own; the best is 85.
fn ordinal() -> impl Evaluator {
    Function::new("accuracy", Metric::maximize("accuracy", "%"), |c: &Candidate<'_>| {
        let rank = |i: usize| c.sample().picks()[i].rank();
        let op = [1.0, 2.0, 0.0][rank(0) as usize];
        Ok(60.0 + 8.0 * op + 2.0 * rank(1) as f64 + 3.0 * rank(2) as f64)
    })
}

fn finds(strategy: &str, seeds: u64) -> f64 {
    let (space, evaluator) = (toy(), ordinal());
    let found = |seed: &u64| {
        let strategy = build(strategy).expect("it is in the hub");
        let study = Experiment::new(&space, strategy, &evaluator).trials(12).seed(*seed).run().expect("it runs");
        study.incumbent().and_then(|t| t.value(&study.objective)) == Some(85.0)
    };
    (0..seeds).filter(found).count() as f64 / seeds as f64
}

/// With 12 of the 24 models. Random search without replacement never tries a sample twice, so neither may evolution.
#[test]
fn evolution_beats_random_search() {
    let n = 200;
    let random = finds("random", n);
    let evolution = finds("regularized-evolution:population=4,sample=3,dedup=true", n);
    let variance = |p: f64| p * (1.0 - p) / n as f64;
    let half_width = 1.96 * (variance(random) + variance(evolution)).sqrt();
    let lower = evolution - random - half_width;
    assert!(lower > 0.0, "evolution {evolution}, random {random}, lower end {lower}");
}

/// Half of the samples hold the best one in half of the cases.
#[test]
fn random_search_without_replacement_is_uniform() {
    let n = 4_000;
    let hits = finds("random", n);
    assert!((hits - 0.5).abs() < 4.0 * (0.25 / n as f64).sqrt(), "{hits}");
}

#[test]
fn a_paused_study_goes_on_in_memory() {
    let (space, evaluator) = (toy(), ordinal());
    let strategy = || build("local-search").expect("it is in the hub");
    let mut memory = Memory::new();
    let whole = Experiment::new(&space, strategy(), &evaluator).trials(20).store(&mut memory).run().expect("it runs");
    let mut half = memory.cut(10);
    let rest = Experiment::new(&space, strategy(), &evaluator).trials(20).store(&mut half).run().expect("it resumes");
    assert_eq!((rest.evaluated, &rest.trials), (10, &whole.trials));
    assert_eq!(half.trials().len(), 20);
}
