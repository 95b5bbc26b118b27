//! Inputs for whole networks, away from kinks and ties.
//!
//! A gradient jumps where a rectifier has a corner or a pooling's maximum is tied, and in single precision rounding
//! decides on which side of the jump a value lies. Among some hundred thousand values of a network one is always near, so
//! of several random inputs the one is taken whose nearest is farthest.

use crate::common::executor_of;
use crate::suite::{Exported, distinct};
use codegen::array::Weights;
use codegen::torch::{Layout, Run};
use codegen::{Kernel, Lowering, Wrt};
use ir::TensorType;
use ir::prim::{Emit, Fold, Mode, Prim, Unary, Var, Window};
use tch::{Kind, Tensor};

const BATCH: i64 = 3;
const TRIES: u64 = 12;
/// Far enough, in standard deviations of the operand: rounding in single precision moves a value by a tenth of it.
const FAR: f64 = 4e-6;

/// Inputs for a network in training mode.
pub fn off_kinks(net: &Exported, seed: u64) -> Vec<Tensor> {
    let mut best = (-1.0, Vec::new());
    for attempt in 0..TRIES {
        let main = net.program.main();
        let types = main.types_of(&main.inputs);
        let inputs: Vec<Tensor> =
            types.iter().map(|ty| distinct(ty, BATCH, 1000 * attempt + seed, (-2.0, 2.0))).collect();
        let margin = margin(net, &inputs);
        if margin > best.0 {
            best = (margin, inputs);
        }
        if margin > FAR {
            break;
        }
    }
    best.1
}

/// Where a gradient jumps.
enum Kink {
    /// Where the operand has this value.
    Corner(f64),
    /// Where the greatest two of a window are equal.
    Tie(Window),
}

/// Where the derivative of a function jumps.
fn corners(f: Unary) -> &'static [f64] {
    match f {
        Unary::Relu | Unary::Abs => &[0.0],
        Unary::Relu6 => &[0.0, 6.0],
        Unary::Hardswish => &[-3.0, 3.0],
        Unary::Gelu
        | Unary::GeluTanh
        | Unary::Silu
        | Unary::Sigmoid
        | Unary::Tanh
        | Unary::Exp
        | Unary::Log
        | Unary::Sqrt => &[],
    }
}

/// The distance of the nearest kink or tie, in standard deviations of the operand.
fn margin(net: &Exported, inputs: &[Tensor]) -> f64 {
    let mut plan = Lowering::of(&net.program, Mode::Train).expect("lowers");
    let kinks: Vec<(Kink, Var)> = plan
        .steps()
        .iter()
        .flat_map(|s| {
            let kinks: Vec<Kink> = match &s.kernel {
                Kernel::Prim(Prim::Unary(f)) => corners(*f).iter().map(|at| Kink::Corner(*at)).collect(),
                Kernel::Prim(Prim::MaxPool(window)) => vec![Kink::Tie(*window)],
                _ => Vec::new(),
            };
            kinks.into_iter().map(|k| (k, s.operands[0]))
        })
        .collect();
    plan.set_outputs(kinks.iter().map(|(_, v)| *v).collect::<Vec<_>>());
    let (exec, mut params) = executor_of(plan.finish(), &net.weights, Kind::Double, Layout::Contiguous);
    let outcome = exec.run(&mut params, inputs, &Run::default()).expect("runs");
    let margins = kinks.iter().zip(&outcome.outputs).map(|((kink, _), x)| {
        let gaps = match kink {
            Kink::Corner(at) => (x - *at).abs(),
            Kink::Tie(window) => ties(x, *window),
        };
        // What is exactly zero or tied, as after a rectifier, is so in any precision.
        let gaps = gaps.masked_select(&gaps.gt(0.0));
        if gaps.numel() == 0 { f64::INFINITY } else { gaps.min().double_value(&[]) / x.std(false).double_value(&[]) }
    });
    margins.fold(f64::INFINITY, f64::min)
}

/// The gap between the greatest two of each window.
fn ties(x: &Tensor, w: Window) -> Tensor {
    let (h, v) = (i64::from(w.pad.w), i64::from(w.pad.h));
    let low = x.min().double_value(&[]) - 1e3;
    let windows = x
        .pad([h, h, v, v], "constant", low)
        .unfold(2, i64::from(w.k.h), i64::from(w.stride.h))
        .unfold(3, i64::from(w.k.w), i64::from(w.stride.w))
        .flatten(4, 5);
    let (top, _) = windows.topk(2, -1, true, true);
    top.select(-1, 0) - top.select(-1, 1)
}

/// Along a fine line of operands the gradient jumps at the corners that are listed, and nowhere else.
#[test]
fn corners_are_where_gradients_jump() {
    for f in Unary::ALL {
        // A logarithm or a root has no derivative below zero, and a steep one near it; an exponential is steep far out.
        let (low, high) = match f {
            Unary::Log | Unary::Sqrt => (1.0, 8.0),
            Unary::Exp => (-8.0, 2.0),
            _ => (-8.0, 8.0),
        };
        const N: usize = 4000;
        let ty = TensorType::new(ir::DType::F32, [ir::Dim::fixed(N as u32)]);
        let mut plan = Lowering::empty(Mode::Train);
        let x = plan.input(ty);
        let y = plan.prim(Prim::Unary(f), &[x]).expect("any type");
        let axes = [0].into_iter().collect();
        let loss = plan.prim(Prim::Reduce { fold: Fold::Sum, axes, keep: false }, &[y]).expect("any type");
        plan.set_outputs([loss]);
        let plan = plan.differentiate(loss, &Wrt { inputs: true, ..Wrt::default() }).expect("a scalar").finish();
        let (exec, mut params) = executor_of(plan, &Weights::new(), Kind::Double, Layout::Contiguous);
        // No point of the line is a corner.
        let step = (high - low) / N as f64;
        let line: Vec<f64> = (0..N).map(|i| low + (i as f64 + 0.4) * step).collect();
        let outcome = exec.run(&mut params, &[Tensor::from_slice(&line)], &Run::default()).expect("runs");
        let slopes = Vec::<f64>::try_from(outcome.input_grads[0].as_ref().expect("it is wanted")).expect("numbers");
        let jumps: Vec<f64> = (1..N)
            .filter(|i| (slopes[*i] - slopes[i - 1]).abs() > 0.1)
            .map(|i| (0.5 * (line[i] + line[i - 1])).round())
            .collect();
        assert_eq!(jumps, corners(f), "{f:?}");
    }
}

/// An image whose nearest number is a millionth from a corner of a function.
#[test]
fn every_corner_is_kept_off() {
    for (op, at) in [("relu", 0.0), ("relu6", 0.0), ("relu6", 6.0), ("hardswish", -3.0), ("hardswish", 3.0)] {
        let text = format!("module @m {{ entry @main graph @main(%x: f32[N, 1, 2, 2]) {{ %y = {op} %x return %y }} }}");
        let net = Exported::unwritten(crate::common::program(&text));
        let image = |x: f64| Tensor::from_slice(&[x, 1.0, 8.0, -8.0]).view([1, 1, 2, 2]);
        let (near, far) = (margin(&net, &[image(at + 1e-6)]), margin(&net, &[image(at + 0.7)]));
        assert!(near < 1e-5 && far > 1e-2, "{op} at {at}: {near} and {far} are its distances");
    }
}
