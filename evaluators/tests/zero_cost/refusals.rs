//! What has no score, and says why.

use crate::graph;
use evaluators::data::Batch;
use evaluators::zero_cost::{Classifier, Proxy, ZeroCostError, random_batch, score};
use evaluators::{Candidate, EvaluateError, Evaluator, Query};
use ir::Program;
use mutators::Space;
use tch::Tensor;

fn refusal(program: &Program, proxy: Proxy) -> String {
    let batch = random_batch(&Classifier::of(program).expect("a classifier"), 4, 0).expect("a batch");
    score(program, &[proxy], &batch, 0).expect_err("no score").to_string()
}

fn evaluator(text: &str) -> Box<dyn Evaluator> {
    evaluators::build(text).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn what_is_no_classifier() {
    let said = |program: &Program| Classifier::of(program).expect_err("no classifier").to_string();
    let flat = graph("f32[N, 8]", "%y = linear %x {out=4}\n return %y");
    assert!(said(&flat).ends_with("f32[N, C, H, W] to f32[N, classes]; this network takes f32[N, 8]"));
    let image = graph("f32[N, 3, 8, 8]", "%y = relu %x\n return %y");
    assert!(said(&image).ends_with("this network gives f32[N, 3, 8, 8]"));
}

#[test]
fn a_space_of_other_networks_is_refused_by_name() {
    let module = "module @rows {
      entry @main
      decision ?c in [one, two]
      graph @main(%x: f32[N, 8]) {
        %y = choice ?c (%x) {one: linear {out=4}, two: linear {out=4, bias=false}}
        return %y
      }
    }";
    let space = Space::new(module.parse().expect("a module")).expect("a space");
    let synflow = evaluator("zero-cost");
    let said = synflow.accepts(&space).expect_err("other networks").to_string();
    assert!(said.contains("not of space `rows`") && said.contains("image classifiers"), "{said}");
    let sample = space.default_sample().expect("a sample");
    let error = synflow.evaluate(&Candidate::new(&space, &sample, Query::default())).expect_err("no classifier");
    assert!(matches!(error, EvaluateError::Space { .. }), "{error}");
}

#[test]
fn a_trial_without_a_value_fails_with_the_reason() {
    let space = mutators::spaces::build("nasbench201:channels=2,cells=1").expect("the space");
    let none = space.parse_genotype("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|").expect("a cell");
    let said = |text: &str| {
        let error = evaluator(text).evaluate(&Candidate::new(&space, &none, Query::default())).expect_err("no score");
        assert!(matches!(error, EvaluateError::Failed(_)), "{error:?}");
        error.to_string()
    };
    let jacobian = said("zero-cost:proxy=jacob_cov,batch=4");
    assert_eq!(jacobian, "jacob_cov has no value for this network: the logits do not depend on every image");
    let zen = said("zero-cost:proxy=zen,batch=4");
    assert_eq!(zen, "zen has no value for this network: a disturbed image gives the same features");
    let smooth = graph("f32[N, 2, 3, 3]", "%r = gelu %x\n %f = flatten %r\n %y = linear %f {out=4}\n return %y");
    let said = refusal(&smooth, Proxy::Naswot);
    assert_eq!(said, "naswot has no value for this network: it has no rectifier, `relu` or `relu6`");
    let constant = graph(
        "f32[N, 2, 3, 3]",
        "%p = global_avg_pool %x\n %z = mul %p, %p\n %r = relu %z\n %f = flatten %r\n %y = linear %f {out=4}\n return %y",
    );
    let said = refusal(&constant, Proxy::Naswot);
    assert_eq!(said, "naswot has no value for this network: its rectifiers do not tell all images apart");
}

#[test]
fn a_batch_that_does_not_fit() {
    let program = graph("f32[N, 2, 3, 3]", "%f = flatten %x\n %y = linear %f {out=4}\n return %y");
    let said = |images: Tensor, labels: &[i64]| {
        let batch = Batch { inputs: images, labels: Tensor::from_slice(labels) };
        let error = score(&program, &[Proxy::Snip], &batch, 0).expect_err("no score");
        assert!(matches!(error, ZeroCostError::Batch(_)), "{error:?}");
        error.to_string()
    };
    let images = |sizes: [i64; 4]| Tensor::zeros(sizes, tch::kind::FLOAT_CPU);
    let fits = [2, 2, 3, 3];
    assert!(said(images([2, 3, 3, 3]), &[0, 1]).ends_with("images [2, 3, 3, 3], where the network takes [2, 2, 3, 3]"));
    assert!(said(images(fits), &[0]).contains("1 labels"));
    assert!(said(images(fits), &[0, 4]).ends_with("labels from 0 to 4, where the network has 4 classes"));
    assert!(said(images(fits), &[-1, 0]).contains("labels from -1 to 0"));
}

#[test]
fn options_that_do_not_fit() {
    let said = |text: &str| evaluators::build(text).expect_err("no evaluator").to_string();
    assert!(said("zero-cost:proxy=synflo").contains("did you mean `synflow`?"));
    assert!(said("zero-cost:data=cifar").contains("did you mean `cifar10`?"));
    assert!(said("zero-cost:data=wikitext-2").contains("wikitext-2"));
    assert!(said("zero-cost:batch=1").contains("lies in 2..=65536"));
    assert!(said("zero-cost:threads=0").contains("lies in 1..=1024"));
}
