//! Every proxy on networks of every space, and on a data set.

use crate::published::Published;
use codegen::torch::{Device, Runtime};
use evaluators::data::{Places, Source};
use evaluators::zero_cost::{Classifier, Proxy, ZeroCostError, draw_batch, random_batch, score};
use evaluators::{Candidate, Evaluator, Query};
use ir::Convention;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

#[test]
fn every_proxy_scores_networks_of_every_space() {
    // Kernels this small only wait for a second thread.
    Runtime::init(Device::Cpu, Some(1)).expect("the CPU");
    for text in ["toy", "nasbench101:channels=4,cells=1", "darts:channels=2,layers=3", "nasbench201:channels=2,cells=1"]
    {
        let space = mutators::spaces::build(text).expect(text);
        let sample = space.sample(&mut ChaCha8Rng::seed_from_u64(2)).expect("a sample");
        let program = space.program(&sample).expect("a network");
        let batch = random_batch(&Classifier::of(&program).expect("a classifier"), 4, 0).expect("a batch");
        let together = score(&program, &Proxy::ALL, &batch, 0).unwrap_or_else(|e| panic!("{text} {sample}: {e}"));
        for (proxy, expected) in Proxy::ALL.iter().zip(together) {
            let alone = score(&program, &[*proxy], &batch, 0).expect("a score")[0];
            assert_eq!(alone, expected, "{text}: {proxy} alone and with others");
            let other = score(&program, &[*proxy], &batch, 1).expect("a score")[0];
            assert_ne!(other, expected, "{text}: {proxy} by another seed");
        }
    }
}

#[test]
fn what_a_proxy_sees_decides_what_changes_it() {
    let space = mutators::spaces::build("nasbench201:channels=2,cells=1").expect("the space");
    let program = crate::published::network(&space, Published::read().draw("nwot", 1, 4)[0]);
    let classifier = Classifier::of(&program).expect("a classifier");
    let batch = random_batch(&classifier, 4, 0).expect("a batch");
    let mut relabelled = random_batch(&classifier, 4, 0).expect("a batch");
    relabelled.labels = (relabelled.labels + 1).remainder(10);
    let other = random_batch(&classifier, 4, 1).expect("a batch");
    for proxy in Proxy::ALL {
        let of = |batch| score(&program, &[proxy], batch, 0).expect("a score")[0];
        assert_eq!(of(&batch) != of(&relabelled), proxy.sees_labels(), "{proxy}");
        assert_eq!(of(&batch) != of(&other), proxy.sees_images(), "{proxy}");
    }
}

#[test]
fn a_data_set_gives_a_batch() {
    let images = "digits".parse::<Source>().expect("a name").images(&Places::only(vec![])).expect("embedded");
    let batch = draw_batch(&images, 32, 0).expect("a batch");
    assert_eq!((batch.inputs.size(), batch.labels.size()), (vec![32, 1, 8, 8], vec![32]));
    assert_eq!(draw_batch(&images, 32, 0).expect("a batch").inputs, batch.inputs);
    assert_ne!(draw_batch(&images, 32, 1).expect("a batch").inputs, batch.inputs);
    let program =
        crate::graph("f32[N, 1, 8, 8]", "%r = relu %x\n %f = flatten %r\n %y = linear %f {out=10}\n return %y");
    let scores = score(&program, &[Proxy::Snip, Proxy::Naswot], &batch, 0).expect("scores");
    assert!(scores.iter().all(|s| *s > 0.0));
}

#[test]
fn an_evaluator_on_a_data_set_refuses_networks_for_other_images() {
    let naswot = evaluators::build("zero-cost:proxy=naswot,data=digits,batch=8").expect("an evaluator");
    assert_eq!(naswot.identity(), "zero-cost:proxy=naswot,seed=0,data=digits,batch=8,threads=1");
    assert_eq!(naswot.caveats().len(), 1);
    let space = mutators::spaces::build("nasbench201:channels=2,cells=1").expect("the space");
    let said = naswot.accepts(&space).expect_err("other images").to_string();
    assert!(said.ends_with("images [8, 1, 8, 8], where the network takes [8, 3, 32, 32]"), "{said}");
}

#[test]
fn size_stands_beside_the_score() {
    let space = mutators::spaces::build("nasbench201:channels=2,cells=1").expect("the space");
    let sample = space.default_sample().expect("a sample");
    let evaluator = evaluators::build("zero-cost:proxy=l2_norm,seed=4").expect("an evaluator");
    let found = evaluator.evaluate(&Candidate::new(&space, &sample, Query::default())).expect("a score");
    let program = space.program(&sample).expect("a network");
    let cost = program.cost(Convention::Nasbench);
    let batch = random_batch(&Classifier::of(&program).expect("a classifier"), 2, 0).expect("a batch");
    let score: Result<Vec<f64>, ZeroCostError> = score(&program, &[Proxy::L2Norm], &batch, 4);
    assert_eq!(found.values[..], [score.expect("a score")[0], cost.params as f64, cost.macs as f64]);
}

#[test]
fn a_score_is_the_same_whatever_runs_beside_it() {
    let space = mutators::spaces::build("nasbench201:channels=4,cells=1").expect("the space");
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let samples: Vec<_> = (0..16).map(|_| space.sample(&mut rng).expect("a sample")).collect();
    let evaluator = |threads| {
        let text = format!("zero-cost:proxy=grad_norm,batch=8,threads={threads}");
        evaluators::build(&text).expect("an evaluator")
    };
    let (one, two) = (evaluator(1), evaluator(2));
    assert_eq!([one.is_exclusive(), two.is_exclusive()], [false, true]);
    let score = |evaluator: &dyn Evaluator, sample| {
        evaluator.evaluate(&Candidate::new(&space, sample, Query::default())).expect("a score").values[0]
    };
    let alone: Vec<[f64; 2]> = samples.iter().map(|s| [score(&*one, s), score(&*two, s)]).collect();
    let beside: Vec<[f64; 2]> = samples.par_iter().map(|s| [score(&*one, s), score(&*two, s)]).collect();
    assert_eq!(beside, alone);
}
