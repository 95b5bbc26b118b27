//! The evaluator against the columns that it should read.

use super::*;
use mutators::spaces;

fn evaluator(text: &str) -> Nasbench201Evaluator {
    Nasbench201Evaluator::build(text.parse().expect("options")).expect("an evaluator")
}

fn refusal(text: &str) -> String {
    let options = text.parse::<Options>().expect("options");
    Nasbench201Evaluator::build(options).expect_err("it does not fit").to_string()
}

fn space() -> Space {
    spaces::build("nasbench201").expect("a space")
}

/// Scores an architecture of the table by its genotype.
fn at(
    evaluator: &Nasbench201Evaluator,
    space: &Space,
    index: usize,
    query: Query,
) -> Result<Evaluation, EvaluateError> {
    let arch = ArchId::new(index).expect("an index");
    let sample = space.parse_genotype(&evaluator.table.arch(arch)).expect("a genotype");
    let candidate = Candidate::new(space, &sample, query);
    assert_eq!(evaluator.arch(&candidate).expect("an architecture"), arch);
    evaluator.evaluate(&candidate)
}

#[test]
fn the_first_row_comes_from_the_documented_columns() {
    let space = space();
    for (text, value, seconds) in [
        ("nasbench201", 63.364, 1444.219 * 12.0 / 200.0),
        ("nasbench201:epochs=200", 81.982667, 1444.219),
        ("nasbench201:epochs=200,trial=1", 81.616, 1444.219),
        ("nasbench201:dataset=cifar100", 31.84, 2.0 * 1444.219 * 12.0 / 200.0),
        ("nasbench201:dataset=imagenet16-120,epochs=200,trial=0", 28.3333, 8763.518),
    ] {
        let found = at(&evaluator(text), &space, 0, Query::default()).expect("a score");
        assert_eq!(found.values.as_slice(), [value], "{text}");
        assert!((found.seconds - seconds).abs() < 1e-3, "{text}: {} s", found.seconds);
    }
}

#[test]
fn every_architecture_is_found_whatever_the_order_of_the_decisions() {
    let space = space();
    let evaluator = evaluator("nasbench201:report=12");
    let labels: Vec<_> = space.schema().expect("static").slots().iter().map(|s| s.label.to_string()).collect();
    for index in 0..table::ARCHITECTURES {
        at(&evaluator, &space, index, Query::default()).expect("a score");
    }
    let shuffled = "e23=none,e13=avg_pool_3x3,e03=skip_connect,e12=nor_conv_1x1,e02=none,e01=nor_conv_3x3";
    let unbound = shuffled.parse().expect("a sample");
    let bound = space.bind(&unbound).expect("of the space");
    let arch = |sample| evaluator.arch(&Candidate::new(&space, sample, Query::default())).expect("an architecture");
    assert_eq!(arch(&unbound), arch(&bound));
    assert_eq!(evaluator.table.ops(arch(&bound)), [3, 0, 2, 1, 4, 0], "{labels:?}");
}

#[test]
fn random_trials_are_drawn_from_those_there_are() {
    let space = space();
    let random = evaluator("nasbench201:epochs=200,trial=random");
    let trials = [0, 1, 2].map(|t| evaluator(&format!("nasbench201:epochs=200,trial={t}")));
    let mut missing = 0;
    for index in (0..table::ARCHITECTURES).step_by(997) {
        let fixed = trials.iter().filter_map(|t| at(t, &space, index, Query::default()).ok());
        let fixed: Vec<f64> = fixed.map(|e| e.values[0]).collect();
        missing += usize::from(fixed.len() < 3);
        let draws = 600;
        let drawn: Vec<f64> = (0..draws)
            .map(|number| {
                at(&random, &space, index, Query { seed: 3, number, fidelity: None }).expect("a score").values[0]
            })
            .collect();
        for value in &fixed {
            let share = drawn.iter().filter(|d| *d == value).count() as f64 / draws as f64;
            assert!((share - 1.0 / fixed.len() as f64).abs() < 0.08, "{index}: {value} in {share}");
        }
        assert!(drawn.iter().all(|d| fixed.contains(d)));
    }
    assert!(missing > 0, "some architecture has fewer than three trials");
}

#[test]
fn draws_are_stable_and_depend_on_seed_and_number() {
    let draws =
        |seed| -> Vec<usize> { (0..12).map(|number| draw(Query { seed, number, fidelity: None }, 3)).collect() };
    assert_eq!(draws(0), [1, 0, 2, 2, 0, 0, 1, 1, 2, 1, 2, 1]);
    assert_ne!(draws(0), draws(1));
}

#[test]
fn missing_trials_and_fidelities_are_named() {
    let space = space();
    let second = evaluator("nasbench201:epochs=200,trial=2");
    let error = (0..table::ARCHITECTURES)
        .find_map(|i| at(&second, &space, i, Query::default()).err())
        .expect("a missing trial");
    assert!(error.to_string().contains("in trial 2, which was not run; use trial=random"), "{error}");
    assert!(second.caveats()[0].starts_with("7456 of 15625"), "{:?}", second.caveats());
    let query = Query { fidelity: Some(50), ..Query::default() };
    let error = at(&second, &space, 0, query).expect_err("no such fidelity").to_string();
    assert!(error.ends_with("has no score at 50 epochs; it has 12 and 200"), "{error}");
    let short = Query { fidelity: Some(12), ..Query::default() };
    assert_eq!(at(&second, &space, 0, short).expect("a score").values[0], 63.364);
}

#[test]
fn the_optimum_stands_first() {
    let space = space();
    let evaluator = evaluator("nasbench201");
    let standing = |index: usize| {
        let genotype = evaluator.table.arch(ArchId::new(index).expect("an index"));
        let sample = space.parse_genotype(&genotype).expect("a genotype");
        evaluator.standing(&Candidate::new(&space, &sample, Query::default())).expect("a standing")
    };
    let best = &standing(6111)[0];
    assert_eq!((best.rank, best.of, best.regret), (1, 15_625, 0.0));
    assert_eq!(best.metric.as_str(), "cifar10 test accuracy, 200 epochs");
    let first = &standing(0)[0];
    let column = evaluator.test[0];
    let better = column.iter().filter(|(_, accuracy)| *accuracy > 85.863333).count();
    assert_eq!(first.rank, better as u64 + 1);
    assert!((first.regret - (column.best().expect("values").1 - 85.863333)).abs() < 1e-12);
}

/// The dataset that a search sees is the first of its report, and values, ranks and names agree.
#[test]
fn the_searched_dataset_is_reported_first() {
    let space = space();
    let by_name = |text: &str| {
        let evaluator = evaluator(text);
        let genotype = evaluator.table.arch(ArchId::new(6111).expect("an index"));
        let sample = space.parse_genotype(&genotype).expect("a genotype");
        let candidate = Candidate::new(&space, &sample, Query::default());
        let names: Vec<String> = evaluator.report_metrics().iter().map(|m| m.name.to_string()).collect();
        let standing = evaluator.standing(&candidate).expect("a standing");
        assert!(standing.iter().map(|s| s.metric.as_str()).eq(names.iter().map(String::as_str)), "{standing:?}");
        let values = evaluator.report(&candidate).expect("a report");
        names.into_iter().zip(values.into_iter().zip(standing.into_iter().map(|s| s.rank))).collect::<Vec<_>>()
    };
    let mut sorted = Vec::new();
    for dataset in REPORTED {
        let mut found = by_name(&format!("nasbench201:dataset={dataset}"));
        assert_eq!(found[0].0, format!("{dataset} test accuracy, 200 epochs"));
        found.sort_by(|a, b| a.0.cmp(&b.0));
        sorted.push(found);
    }
    assert!((sorted[0][0].1.0 - 94.37).abs() < 0.01 && sorted[0][0].1.1 == 1, "{sorted:?}");
    assert!(sorted.iter().all(|found| *found == sorted[0]), "{sorted:?}");
}

#[test]
fn oracles_say_so() {
    let oracle = |text| evaluator(text).caveats().iter().any(|c| c.starts_with("oracle"));
    assert!(oracle("nasbench201:epochs=200"));
    assert!(!oracle("nasbench201"));
    assert!(!oracle("nasbench201:epochs=200,trial=random"));
    let time = |text| evaluator(text).caveats().iter().any(|c| c.contains("no 12-epoch time"));
    assert!(time("nasbench201"));
}

#[test]
fn wrong_options_get_help() {
    assert_eq!(
        refusal("nasbench201:dataset=cifar-10"),
        "`nasbench201`: dataset=cifar-10 is none of cifar10, cifar100, imagenet16-120 (did you mean `cifar10`?)"
    );
    assert_eq!(
        refusal("nasbench201:trial=1"),
        "`nasbench201`: trial=1 is not there: 12 epochs were trained once; leave it out, or use epochs=200"
    );
    assert!(refusal("nasbench201:epoch=12").contains("did you mean `epochs`?"));
    assert!(refusal("nasbench201:epochs=100").contains("is none of 12, 200"));
    let error = crate::build("nasbench-201").expect_err("unknown").to_string();
    assert!(
        error.starts_with("no evaluator is called `nasbench-201` (did you mean `nasbench201`?); there are"),
        "{error}"
    );
    let error = crate::build("nasbench201+latncy").expect_err("unknown").to_string();
    assert!(error.contains("did you mean `latency`?"), "{error}");
}

#[test]
fn narrowed_networks_are_not_the_tables() {
    let evaluator = evaluator("nasbench201");
    for text in ["nasbench201:dataset=cifar100", "nasbench201:dataset=imagenet16-120,cells=5"] {
        evaluator.accepts(&spaces::build(text).expect("a space")).expect("the benchmark's");
    }
    for text in ["nasbench201:channels=8", "nasbench201:cells=4", "natsbench-size", "toy"] {
        let error = evaluator.accepts(&spaces::build(text).expect("a space")).expect_err("another network");
        assert!(error.to_string().contains("scores samples of space `nasbench201` with its 16 channels"), "{error}");
    }
}
