//! Optimizers on flat buffers against their definitions, number by number, in double precision.

use crate::common::program;
use codegen::init::initialise;
use codegen::torch::{Adam, Device, Optimizer, Params, Schedule, Sgd, clip_grad_norm};
use codegen::{Lowering, Plan};
use ir::prim::Mode;
use tch::{Kind, Tensor};

const STEPS: usize = 6;

fn plan() -> Plan {
    let text = "module @m { entry @main graph @main(%x: f32[N, 3]) { %y = linear %x {out=2} return %y } }";
    Lowering::of(&program(text), Mode::Train).expect("lowers").finish()
}

fn numbers(t: &Tensor) -> Vec<f64> {
    Vec::<f64>::try_from(t.flatten(0, -1)).expect("numbers")
}

/// A gradient that depends on the weight and the step.
fn slope(w: f64, step: usize) -> f64 {
    (3.0 * w + step as f64).sin() + 0.1
}

/// Runs an optimizer, its state saved and restored in the middle, and a definition beside it.
fn compare(make: &dyn Fn() -> Box<dyn Optimizer>, define: &mut dyn FnMut(usize, f64, f64, usize, f64) -> f64) {
    let plan = plan();
    let mut params = Params::new(&plan, &initialise(&plan, 4), Device::Cpu, Kind::Double).expect("its own");
    let mut optimizer = make();
    let mut truth = numbers(&params.flat);
    for step in 0..STEPS {
        let rate = 0.1 / (step + 1) as f64;
        let grads: Vec<f64> = truth.iter().map(|w| slope(*w, step)).collect();
        params.grad.copy_(&Tensor::from_slice(&grads));
        optimizer.step(&mut params, rate).expect("steps");
        for (i, w) in truth.iter_mut().enumerate() {
            *w = define(i, *w, grads[i], step, rate);
        }
        for (a, b) in numbers(&params.flat).iter().zip(&truth) {
            assert!((a - b).abs() < 1e-12, "step {step}: {a}, by definition {b}");
        }
        if step == STEPS / 2 {
            let state = optimizer.state().expect("a state");
            optimizer = make();
            optimizer.restore(&state).expect("its own");
        }
    }
}

#[test]
fn sgd() {
    for (momentum, nesterov, decay) in [(0.0, false, 0.0), (0.0, false, 0.3), (0.9, false, 3e-4), (0.8, true, 0.1)] {
        let mut velocity = [0.0; 8];
        compare(&|| Box::new(Sgd::new(momentum, nesterov, decay)), &mut |i, w, g, step, rate| {
            let g = g + decay * w;
            velocity[i] = if step == 0 { g } else { momentum * velocity[i] + g };
            w - rate * if nesterov { g + momentum * velocity[i] } else { velocity[i] }
        });
    }
}

#[test]
fn adam() {
    for (betas, eps, decay, decoupled) in
        [((0.9, 0.999), 1e-8, 0.0, false), ((0.5, 0.999), 1e-8, 1e-3, false), ((0.9, 0.99), 1e-6, 0.2, true)]
    {
        let (mut first, mut second) = ([0.0; 8], [0.0; 8]);
        let (b1, b2): (f64, f64) = betas;
        compare(&|| Box::new(Adam::new(betas, eps, decay, decoupled)), &mut |i, w, g, step, rate| {
            let w = if decoupled { w - rate * decay * w } else { w };
            let g = if decoupled { g } else { g + decay * w };
            first[i] = b1 * first[i] + (1.0 - b1) * g;
            second[i] = b2 * second[i] + (1.0 - b2) * g * g;
            let n = step as i32 + 1;
            let (m, v) = (first[i] / (1.0 - b1.powi(n)), second[i] / (1.0 - b2.powi(n)));
            w - rate * m / (v.sqrt() + eps)
        });
    }
}

#[test]
fn clipping() {
    let plan = plan();
    let mut params = Params::new(&plan, &initialise(&plan, 4), Device::Cpu, Kind::Double).expect("its own");
    params.grad.copy_(&Tensor::from_slice(&[3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
    assert!((clip_grad_norm(&mut params, 10.0).expect("clips") - 5.0).abs() < 1e-12);
    assert!((numbers(&params.grad)[1] - 4.0).abs() < 1e-12, "a short gradient stays");
    clip_grad_norm(&mut params, 1.0).expect("clips");
    assert!((numbers(&params.grad)[0] - 3.0 / (5.0 + 1e-6)).abs() < 1e-12);
}

#[test]
fn schedules() {
    let at = |s: &Schedule, t: &[f64]| t.iter().map(|t| s.factor(*t)).collect::<Vec<_>>();
    let close = |a: Vec<f64>, b: &[f64]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?} {b:?}");
    close(at(&Schedule::Constant, &[0.0, 0.5, 1.0]), &[1.0, 1.0, 1.0]);
    close(at(&Schedule::Cosine { low: 0.04 }, &[0.0, 0.5, 1.0]), &[1.0, 0.52, 0.04]);
    close(at(&Schedule::Linear { low: 0.0 }, &[0.0, 0.25, 1.0]), &[1.0, 0.75, 0.0]);
    let step = Schedule::Step { at: vec![0.5, 0.75], gamma: 0.1 };
    close(at(&step, &[0.0, 0.49, 0.5, 0.8, 1.0]), &[1.0, 1.0, 0.1, 0.01, 0.01]);
}
