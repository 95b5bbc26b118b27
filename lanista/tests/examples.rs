//! The examples run, are as short as they say, and find what they should.

#[path = "../examples/custom_op.rs"]
mod custom_op;
#[cfg(feature = "torch")]
#[path = "../examples/digits_search.rs"]
mod digits_search;
#[path = "../examples/nasbench101_pool.rs"]
mod nasbench101_pool;
#[path = "../examples/nasbench201_paper.rs"]
mod nasbench201_paper;
#[path = "../examples/new_mutator.rs"]
mod new_mutator;
#[path = "../examples/new_strategy.rs"]
mod new_strategy;

use lanista::evaluators::table::{Column, Dataset, Nasbench201};
use lanista::ir;
use lanista::prelude::*;

/// Lines between the markers of an example, without empty lines and comments.
fn lines(source: &str, marker: &str) -> usize {
    let start = source.find(&format!("// [{marker}]\n")).expect("the marker is there");
    let end = source.find("// [end]").expect("the marker is there");
    let code = source[start..end].lines().map(str::trim);
    code.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn a_mutator_is_under_25_lines_and_works() {
    assert!(lines(include_str!("../examples/new_mutator.rs"), "mutator") < 25);
    new_mutator::main().expect("the example runs");
    let space = new_mutator::space().expect("a space");
    let params = |factor: i64| {
        let sample = space.bind(&format!("factor={factor}").parse().expect("a sample")).expect("of the space");
        space.program(&sample).expect("a network").cost(Convention::Nasbench).params
    };
    // The convolution has 28 weights per channel, the classifier 10; and the classifier has 10 biases.
    assert_eq!([params(1), params(2), params(4)], [8, 16, 32].map(|c| 38 * c + 10));
    assert!(space.base().to_string().contains("out=8"), "the base is unchanged");
    let near = space.bind(&"factor=3".parse().expect("a sample")).expect_err("not of the space").to_string();
    assert!(near.contains("factor"), "{near}");
}

mod mutator_keeps_the_rules {
    lanista::mutators::space_conformance!(super::new_mutator::space().expect("a space"));
}

#[test]
fn a_strategy_is_under_60_lines_and_works() {
    assert!(lines(include_str!("../examples/new_strategy.rs"), "strategy") < 60);
    new_strategy::main().expect("the example runs");
    let annealing = |seed| new_strategy::search(200, seed).expect("it runs").expect("a trial succeeds");
    assert_eq!(annealing(5), annealing(5), "same seed, same result");
    // What it searches for it finds better than random search does.
    let space = spaces::build("nasbench201").expect("a space");
    let table = evaluators::build("nasbench201").expect("an evaluator");
    let random = |seed| {
        let strategy = strategies::build("random").expect("it is in the hub");
        let study = Experiment::new(&space, strategy, &*table).trials(200).seed(seed).run().expect("it runs");
        study.incumbent().and_then(|t| t.value(&study.objective)).expect("a trial succeeds")
    };
    let [annealing, random] = [(0..100).map(annealing).collect::<Vec<_>>(), (0..100).map(random).collect()];
    let (gain, half) = nasbench201_paper::difference(&annealing, &random);
    assert!(gain - half > 0.0, "annealing - random: {gain} +- {half}");
}

lanista::strategies::strategy_conformance!(strategy_keeps_the_rules, new_strategy::Annealing::new(2.0, 0.98));

#[test]
fn an_op_of_ones_own_is_read_counted_and_hashed() {
    custom_op::main().expect("the example runs");
    let registry = custom_op::registry();
    let module = ir::text::parse_module(custom_op::TEXT, &registry).expect("a module");
    assert_eq!(module.to_string(), custom_op::TEXT);
    let program = ir::verify(&module).expect("it is sound");
    assert_eq!(program.cost(Convention::Nasbench).params, 3 * 9 * 32 + 2 * 32 * 8 + 32 * 10 + 10);
    let other = custom_op::TEXT.replace("ratio=4", "ratio=8");
    let other = ir::verify(&ir::text::parse_module(&other, &registry).expect("a module")).expect("it is sound");
    assert_ne!(program.hash(), other.hash());
    let unfit = custom_op::TEXT.replace("ratio=4", "ratio=5");
    let unfit =
        ir::verify(&ir::text::parse_module(&unfit, &registry).expect("a module")).expect_err("32 is no multiple");
    assert!(unfit.to_string().contains("%gate (squeeze_excite)"), "{unfit}");
    let unknown = custom_op::TEXT.parse::<Module>().expect_err("the default registry does not know it").to_string();
    assert!(unknown.starts_with("6:13: ") && unknown.contains("squeeze_excite"), "{unknown}");
}

/// Figures of an independent simulation on the same table, 0.015 the standard error of each side; the published ones are in
/// the example. Random search makes as many queries as the mean network's time leaves, evolution goes for slower networks.
#[test]
fn the_paper_is_reproduced() {
    nasbench201_paper::main().expect("the example runs");
    let [random, evolution] = nasbench201_paper::both(nasbench201_paper::SEEDS).expect("it runs");
    for (runs, mean) in [(&random, 93.78), (&evolution, 93.94)] {
        let (found, _) = nasbench201_paper::moments(&runs.accuracies);
        assert!((found - mean).abs() <= 0.06, "{found} is not within 0.06 of {mean}");
    }
    let seconds = Nasbench201::embedded().and_then(|table| table.column(Column::TrainSeconds(Dataset::Cifar10)));
    let (mean, _) = nasbench201_paper::moments(&seconds.expect("a column").iter().map(|(_, s)| s).collect::<Vec<_>>());
    let expected = 12_000.0 / (mean * 12.0 / 200.0);
    let (queries, _) = nasbench201_paper::moments(&random.queries);
    assert!((queries - expected).abs() < 0.02 * expected, "{queries} queries, not {expected}");
    let (more, half) = nasbench201_paper::difference(&random.queries, &evolution.queries);
    assert!(more - half > 0.0, "{more} +- {half} more queries than evolution");
    let (gain, half) = nasbench201_paper::difference(&evolution.accuracies, &random.accuracies);
    assert!(gain - half > 0.0, "evolution - random: {gain} +- {half}");
}

/// Nothing is published for the pool: evolution and local search must be better at what they search for, and no query of
/// random and local search may repeat a graph.
#[test]
fn a_pool_is_searched_by_its_graphs() {
    nasbench101_pool::main().expect("the example runs");
    let [random, evolution, local] = nasbench101_pool::STRATEGIES
        .map(|strategy| nasbench101_pool::runs(strategy, nasbench101_pool::SEEDS).expect("it runs"));
    for (runs, searched) in [(&random, 94.59), (&evolution, 94.79), (&local, 94.78)] {
        let (found, _) = nasbench101_pool::moments(&runs.searched);
        assert!((found - searched).abs() <= 0.05, "{found} is not within 0.05 of {searched}");
        let (gain, half) = nasbench201_paper::difference(&runs.searched, &random.searched);
        assert!(std::ptr::eq(runs, &random) || gain - half > 0.1, "better by {gain} +- {half}");
    }
    for runs in [&random, &local] {
        assert!(runs.graphs.iter().all(|n| *n == nasbench101_pool::QUERIES as f64), "{:?}", runs.graphs);
    }
    let (graphs, _) = nasbench101_pool::moments(&evolution.graphs);
    assert!((120.0..160.0).contains(&graphs), "{graphs} graphs");
}

#[cfg(feature = "torch")]
#[test]
fn strategies_are_compared_on_the_digits() {
    // Until its population of ten is full, evolution is random search: cell by cell they find the same. Guessing has 10 %.
    let pairs = digits_search::compare(2, 4).expect("the example runs");
    for [random, evolution] in pairs {
        assert_eq!(random, evolution);
        assert!(random.iter().all(|accuracy| (40.0..=100.0).contains(accuracy)), "{random:?}");
    }
}
