//! Cost models give what elaboration counts.

use crate::random::module;
use crate::resolve::each;
use ir::cost::{CostModel, ModelError};
use ir::{Convention, Elaboration, Module, Value};
use std::cell::RefCell;

#[test]
fn a_model_is_what_elaboration_counts() {
    let counts = RefCell::new([0usize; 4]);
    each(|module, sample, _| {
        let elaborated = Elaboration::new(module, sample).run();
        for convention in Convention::ALL {
            let model = match CostModel::of(module, convention) {
                Ok(model) => model,
                Err(ModelError::Faults(_)) => {
                    assert!(elaborated.is_err());
                    counts.borrow_mut()[0] += 1;
                    return;
                }
                Err(ModelError::TooLarge { .. }) => {
                    counts.borrow_mut()[1] += 1;
                    return;
                }
                Err(e) => panic!("{e}"),
            };
            match (&elaborated, model.cost(sample)) {
                (Ok(program), Ok(cost)) => {
                    assert_eq!(program.cost(convention), cost, "{model}");
                    counts.borrow_mut()[2] += 1;
                }
                (Err(_), Err(_)) => counts.borrow_mut()[3] += 1,
                (Err(faults), Ok(cost)) => panic!("{cost:?}, but {faults}\n{model}"),
                (Ok(_), Err(e)) => panic!("{e}\n{model}"),
            }
        }
    });
    let [never, large, good, faulty] = counts.into_inner();
    eprintln!("never {never}, too large {large}, equal {good}, faulty {faulty}");
    assert!(good > 3000 && faulty > 30 && large < good / 4, "{never} {large} {good} {faulty}");
}

#[test]
fn expectation_is_the_mean_over_all_samples() {
    // Decisions that are drawn by themselves: the mean over the grid is the expectation under equal probabilities.
    let text = "module @m {
  entry @main
  decision ?op in [a, b]
  decision ?w in [4, 8, 12]
  decision ?d in [0, 1, 3]
  graph @conv<c>(%x) {
    %y = conv2d %x {out=c, k=3, pad=1}
    return %y
  }
  graph @block(%x) {
    %a = choice ?op (%x) {a: @conv<?w>, b: conv2d {out=?w, k=1}}
    return %a
  }
  graph @main(%x: f32[N, 3, 8, 8]) {
    %s = @block(%x)
    %r = repeat ?d @block(%s)
    return %r
  }
}";
    let module: Module = text.parse().expect("parses");
    let model = CostModel::of(&module, Convention::Nasbench).expect("a model");
    let (mut params, mut macs, mut n) = (0.0, 0.0, 0.0);
    for op in ["a", "b"] {
        for w in [4, 8, 12] {
            for d in [0, 1, 3] {
                let decide = |label: &str, _: Option<i64>| {
                    Some(match label {
                        "op" => Value::label(op),
                        "w" => Value::Int(w),
                        _ => Value::Int(d),
                    })
                };
                let cost = Elaboration::new(&module, &decide).run().expect("valid").cost(Convention::Nasbench);
                assert_eq!(model.cost(&decide), Ok(cost));
                params += cost.params as f64;
                macs += cost.macs as f64;
                n += 1.0;
            }
        }
    }
    let sizes = |name: &str| if name == "op" { 2.0 } else { 3.0 };
    let expected = model.expectation(&|name, _| 1.0 / sizes(name));
    assert!((expected.params - params / n).abs() < 1e-6, "{expected:?} {}", params / n);
    assert!((expected.macs - macs / n).abs() < 1e-3);
}

#[test]
fn expected_flops_of_a_kernel_choice() {
    // 10 channels in and out on 10 x 10 pixels: 9k, 25k, 49k per pixel row of ten.
    let text = "module @m {
  entry @main
  decision ?k in [3, 5, 7]
  graph @main(%x: f32[N, 10, 1, 10]) {
    %y = conv2d %x {out=10, k=?k, pad=?k // 2, bias=false}
    return %y
  }
}";
    let module: Module = text.parse().expect("parses");
    let model = CostModel::of(&module, Convention::Nasbench).expect("a model");
    let macs: Vec<u64> = (0..3).map(|r| model.cost_at(&[r]).expect("in range").macs).collect();
    assert_eq!(macs, [9_000, 25_000, 49_000]);
    let expected = model.expectation(&|_, rank| [0.2, 0.3, 0.5][rank as usize]);
    assert!((expected.macs - 33_800.0).abs() < 1e-9, "{expected:?}");
    assert_eq!(
        model.to_string(),
        "params and macs (nasbench) =\n  ?k  params   macs\n  3      900   9000\n  5     2500  25000\n  7     4900  49000\n"
    );
}

#[test]
fn models_are_the_same_every_time() {
    for seed in 0..200 {
        let module = module(seed);
        let one = CostModel::of(&module, Convention::Ptflops).map(|m| m.to_string()).ok();
        assert_eq!(one, CostModel::of(&module, Convention::Ptflops).map(|m| m.to_string()).ok());
    }
}
