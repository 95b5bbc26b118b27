//! Whole networks: every gradient of our backward pass against libtorch's autograd, in double precision.

use crate::common::{Truth, distance, executor, inputs, training_plan};
use codegen::torch::{Layout, Run};
use ir::prim::Mode;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tch::{Kind, Tensor};

fn compare(program: &ir::Program, mode: Mode, layout: Layout, what: &str) {
    let plan = training_plan(program, mode);
    let learned: Vec<bool> = plan.weights.iter().map(|w| w.spec.role == ir::op::Role::Parameter).collect();
    let given = inputs(&plan, 3, 7);
    let (exec, mut params) = executor(plan, Kind::Double, layout);
    let run = Run::default();
    // First what libtorch records: a run in training mode changes the running statistics.
    let before = params.to_weights().expect("weights");
    let leaves: Vec<Tensor> = (0..learned.len()).map(|w| params.get(w).copy().set_requires_grad(learned[w])).collect();
    let mut recorded: Vec<Tensor> = given.iter().map(|t| t.to_kind(Kind::Double)).collect();
    let images = exec.plan().input_grads.iter().filter(|g| g.is_some()).count();
    recorded[..1].iter_mut().for_each(|t| *t = t.copy().set_requires_grad(true));
    let outputs = tch::with_grad(|| exec.differentiable(&leaves, &recorded, &run).expect("records"));
    let used: Vec<usize> = (0..learned.len()).filter(|w| exec.plan().weight_grads[*w].is_some()).collect();
    let mut wanted: Vec<&Tensor> = used.iter().map(|w| &leaves[*w]).collect();
    wanted.push(&recorded[0]);
    let truth = tch::with_grad(|| Tensor::run_backward(&[&outputs[0]], &wanted, false, false));
    assert!(images > 0);

    let outcome = exec.run(&mut params, &given, &run).unwrap_or_else(|e| panic!("{what}: {e}"));
    let gap = distance(&outcome.outputs[0], &outputs[0].detach());
    assert!(gap < 1e-9, "{what}: outputs differ by {gap}");
    let grads = Truth::of(&truth);
    for (w, t) in used.iter().zip(&truth) {
        let ours = params.grad_of(*w).expect("learned");
        let fault = grads.fault(ours, t, 1e-9);
        assert_eq!(fault, None, "{what}: the gradient of {}", exec.plan().weights[*w].path);
    }
    let image = outcome.input_grads[0].as_ref().expect("the image's");
    let fault = grads.fault(image, truth.last().expect("the image's"), 1e-9);
    assert_eq!(fault, None, "{what}: the input's gradient");
    params.load(exec.plan(), &before).expect("its own");
}

#[test]
fn samples_of_spaces() {
    for (text, count) in
        [("nasbench201:channels=4,cells=1", 6), ("darts:channels=4,layers=3", 2), ("nasbench101:channels=8,cells=1", 3)]
    {
        let Ok(space) = mutators::spaces::build(text) else {
            panic!("{text}: {:?}", mutators::spaces::build(text).err())
        };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for i in 0..count {
            let sample = space.sample(&mut rng).expect("samples");
            let program = space.program(&sample).expect("builds");
            for mode in [Mode::Train, Mode::Eval] {
                let layout = if i % 2 == 0 { Layout::ChannelsLast } else { Layout::Contiguous };
                compare(&program, mode, layout, &format!("{text} {sample} {mode:?} {layout:?}"));
            }
        }
    }
}

#[test]
fn a_gradient_that_should_be_zero_is_compared() {
    let (zero, one) = (Tensor::zeros([3], (Kind::Double, tch::Device::Cpu)), Tensor::from_slice(&[1.0, -2.0, 0.5]));
    let grads = Truth::of([&zero, &one]);
    let fault = |ours: &Tensor, truth: &Tensor| grads.fault(ours, truth, 1e-9);
    assert_eq!(fault(&zero, &zero), None);
    assert_eq!(fault(&(&one * 1e-13), &zero), None);
    assert_eq!(fault(&(&one * 1e-13), &(&one * 1e-14)), None);
    assert_eq!(fault(&(&one * 1e-6), &zero).as_deref(), Some("is 2e-6 where it is zero"));
    assert_eq!(fault(&(&one * 1e-6), &(&one * 1e-14)).as_deref(), Some("is 2e-6 where it is zero"));
    assert!(fault(&(&one * f64::NAN), &zero).is_some() && fault(&(&one * f64::NAN), &one).is_some());
    assert_eq!(fault(&one, &(&one * (1.0 + 1e-12))), None);
    assert!(fault(&zero, &one).is_some_and(|f| f.contains("differs by 1e0")));
}
