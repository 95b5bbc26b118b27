//! `reinforce`: that it learns, also where trials fail and several run at a time, and what it cannot treat.
#![cfg(feature = "torch")]

use evaluators::{Candidate, EvaluateError, Evaluator, Function, Metric};
use mutators::Space;
use std::collections::HashSet;
use strategies::{Experiment, ExperimentError, Study, build};

const TRIALS: u64 = 300;
const SEEDS: u64 = 4;

/// The mean accuracy of some trials of a study, in per cent, without those that failed.
fn mean(study: &Study, of: impl Fn(u64) -> bool) -> f64 {
    let trials = study.trials.iter().filter(|t| of(t.id.0));
    let values: Vec<f64> = trials.filter_map(|t| t.value(&study.objective)).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Validation accuracy on CIFAR-10 by the table, of which every third trial may fail.
fn search(strategy: &str, seed: u64, (jobs, fails): (usize, bool)) -> Study {
    let space = mutators::spaces::build("nasbench201").expect("it is in the hub");
    let table = evaluators::build("nasbench201:dataset=cifar10,epochs=12").expect("the table is embedded");
    let scores = Function::new("table", Metric::maximize("accuracy", "%"), |c: &Candidate<'_>| {
        if fails && c.query.number % 3 == 1 {
            return Err(EvaluateError::Failed("every third".into()));
        }
        Ok(table.evaluate(c)?.values[0])
    });
    let strategy = build(strategy).expect("it is in the hub");
    let study = Experiment::new(&space, strategy, &scores).trials(TRIALS).seed(seed).jobs(jobs).run();
    study.expect("it runs")
}

/// The last third of its trials beats the first, and random search, by several per cent on average.
#[test]
fn later_trials_are_better() {
    for how in [(1, false), (3, true)] {
        let (mut first, mut last, mut random) = (0.0, 0.0, 0.0);
        for seed in 0..SEEDS {
            let study = search("reinforce", seed, how);
            first += mean(&study, |i| i < TRIALS / 3) / SEEDS as f64;
            last += mean(&study, |i| i >= 2 * TRIALS / 3) / SEEDS as f64;
            random += mean(&search("random", seed, how), |_| true) / SEEDS as f64;
        }
        assert!(last > first + 3.0 && last > random + 3.0, "{how:?}: first {first}, last {last}, random {random}");
    }
}

/// A search of a linear layer's decisions.
fn on(decisions: &str, width: &str, score: impl Fn(u64) -> f64 + Send + Sync) -> Result<Study, ExperimentError> {
    let text = format!(
        "module @m {{ entry @main {decisions}
         graph @main(%x: f32[N, 4]) {{ %y = linear %x {{out={width}}} return %y }} }}"
    );
    let space = Space::new(text.parse().expect("well-formed")).expect("verifies");
    let params =
        |c: &Candidate<'_>| -> Result<u64, EvaluateError> { Ok(c.program()?.cost(ir::Convention::Nasbench).params) };
    let scores = Function::new("score", Metric::minimize("score", ""), |c: &Candidate<'_>| Ok(score(params(c)?)));
    let scores: &dyn Evaluator = &scores;
    Experiment::new(&space, build("reinforce").expect("it is in the hub"), scores).trials(40).seed(2).run()
}

/// Values of any kind are chosen, all of them while nothing is better than anything else; constraints are kept to.
#[test]
fn every_finite_decision_is_treated() {
    let decisions = "decision ?r in [0.5, 1.5] decision ?w in 2..=5 decision ?b in [true, false]
                     constraint ?w % 2 == 0";
    let study = on(decisions, "round(?r * ?w) + if(?b, 1, 0)", |_| 1.0).expect("it runs");
    let texts: HashSet<String> = study.trials.iter().map(|t| t.sample.to_string()).collect();
    let all = ["0.5", "1.5"].iter().flat_map(|r| {
        [2, 4].iter().flat_map(move |w| ["true", "false"].iter().map(move |b| format!("r={r},w={w},b={b}")))
    });
    assert_eq!(texts, all.collect());
}

#[test]
fn what_it_cannot_treat_is_one_line() {
    let cases = [
        ("decision ?r in real 0.0..=1.0", "1 + round(?r * 4)", "`r` is an interval"),
        ("decision ?w in 1..=100000", "?w", "more than 65536 values"),
        ("decision ?w in 1..=60000 constraint ?w == 30011", "?w", "none of 1000 draws fits"),
    ];
    for (decisions, width, part) in cases {
        let error = on(decisions, width, |params| params as f64).map(|s| s.stop).expect_err(part).to_string();
        assert!(error.contains("strategy `reinforce`") && error.contains(part), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// A controller that learnt what is no number says so, and proposes nothing more.
#[test]
fn a_lost_controller_is_a_clear_end() {
    let sign = |params: u64| if params > 5 { f64::MAX } else { -f64::MAX };
    let study = on("decision ?w in [1, 2]", "?w", sign).expect("it starts");
    assert!(study.trials.len() < 40);
    assert!(study.stop.to_string().contains("is no number; scale the scores down"), "{}", study.stop);
}
