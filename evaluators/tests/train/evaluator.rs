//! Training as an evaluator.

use evaluators::{Candidate, EvaluateError, Evaluator, Fidelities, Query, evaluator_conformance};
use mutators::{Space, spaces};
use std::cell::RefCell;
use std::ops::ControlFlow;

const SHORT: &str = "train:data=digits,epochs=2,images=100,batch=50,valid=1/10";

fn train(more: &str) -> Box<dyn Evaluator> {
    evaluators::build(&format!("{SHORT}{more}")).expect("an evaluator")
}

fn space() -> Space {
    spaces::build("nasbench201:image=1x8x8,channels=2,cells=1").expect("a space")
}

evaluator_conformance! {
    conforms {
        evaluator: *train(""),
        space: space(),
        make: evaluators::build,
        count: 3,
    }
}

evaluator_conformance! {
    conforms_with_prefixes {
        evaluator: *train(",schedule=constant,drop_path=off,ema=0.5,seed=3,optimizer=adam,lr=0.001"),
        space: space(),
        make: evaluators::build,
        count: 2,
    }
}

fn score(evaluator: &dyn Evaluator, query: Query) -> Result<Vec<f64>, EvaluateError> {
    let space = space();
    let sample = space.default_sample().expect("a sample");
    evaluator.evaluate(&Candidate::new(&space, &sample, query)).map(|e| e.values.to_vec())
}

#[test]
fn every_trial_has_a_seed_of_its_own_unless_told() {
    let query = |seed, number| Query { seed, number, fidelity: None };
    let scores = |more: &str| {
        [(0, 0), (0, 1), (1, 0)].map(|(seed, number)| score(&*train(more), query(seed, number)).expect("a score")[1])
    };
    let [a, b, c] = scores("");
    assert!(a != b && a != c && b != c, "{a} {b} {c}");
    let [a, b, c] = scores(",seed=7");
    assert_eq!((b, c), (a, a));
}

#[test]
fn fidelities_are_what_the_schedule_makes_them() {
    assert_eq!(train("").fidelities(), Fidelities::SeparateRuns(vec![1, 2]));
    let constant = train(",schedule=constant,drop_path=constant");
    assert_eq!(constant.fidelities(), Fidelities::Prefixes(vec![1, 2]));
    let single = evaluators::build("train:epochs=1").expect("an evaluator");
    assert_eq!(single.fidelities(), Fidelities::Single);
}

#[test]
fn reports_every_epoch_and_stops_when_told() {
    let (space, longer) = (space(), SHORT.replace("epochs=2", "epochs=5"));
    let sample = space.default_sample().expect("a sample");
    let heard = RefCell::new(Vec::new());
    let run = |text: &str, stop: u64| {
        heard.borrow_mut().clear();
        let reporter = |step, value| {
            heard.borrow_mut().push((step, value));
            if step == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let candidate = Candidate::new(&space, &sample, Query::default()).reporting(&reporter);
        let values = evaluators::build(text).expect("an evaluator").evaluate(&candidate).expect("a score").values;
        (values[0], heard.borrow().clone())
    };
    // The score of the last epoch is told with the trial.
    let (_, all) = run(&longer, 0);
    assert_eq!(all.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let (value, some) = run(&longer, 2);
    assert_eq!((value, &some[..]), (all[1].1, &all[..2]));
    let (_, rare) = run(&format!("{longer},every=2"), 0);
    assert_eq!(rare.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn what_is_measured_is_a_metric_if_asked_for() {
    let evaluator = train(",time=true,latency=2,memory=true");
    let units: Vec<&str> = evaluator.search_metrics().iter().map(|m| m.unit).collect();
    assert_eq!(units, ["%", "", "", "s", "ms", "MiB"]);
    let values = score(&*evaluator, Query::default()).expect("a score");
    assert_eq!(values.len(), 6);
    assert!(values[3..].iter().all(|v| *v > 0.0), "{values:?}");
    assert!(evaluator.caveats().iter().any(|c| c.contains("measured on this machine")));
    let plain = score(&*train(""), Query::default()).expect("a score");
    assert_eq!(plain, values[..3], "measuring changes no score");
}

#[test]
fn it_runs_one_trial_at_a_time() {
    assert!(train("").is_exclusive());
    assert!(evaluators::build(&format!("cost+{SHORT}")).expect("both").is_exclusive());
    assert!(!evaluators::build("cost").expect("an evaluator").is_exclusive());
}

#[test]
fn what_it_cannot_train_is_refused() {
    let refused = |text: &str| evaluators::build(text).expect_err("refused").to_string();
    assert!(refused("train:valid=none").contains("the test images are not for choosing"));
    assert!(refused("train:data=digit").contains("did you mean `digits`?"));
    assert!(refused("train:seed=all").contains("neither `trial`"));
    let space = spaces::build("nasbench201").expect("a space");
    let error = train("").accepts(&space).expect_err("other images").to_string();
    assert!(error.contains("f32[N, 3, 32, 32]") && error.contains("`digits` is 1 x 8 x 8"), "{error}");
    let error = score(&*train(",lr=100000"), Query::default()).expect_err("it diverges").to_string();
    assert!(error.contains("the loss is"), "{error}");
}
