//! Inputs for whole networks, away from kinks and ties.
//!
//! A gradient jumps where a rectifier's operand is zero or a pooling's maximum is tied, and in single precision rounding
//! decides on which side of the jump a value lies. Among some hundred thousand values of a network one is always near, so
//! of several random inputs the one is taken whose nearest is farthest.

use crate::common::executor_of;
use crate::suite::{Exported, distinct};
use codegen::torch::{Layout, Run};
use codegen::{Kernel, Lowering};
use ir::prim::{Mode, Prim, Unary, Var, Window};
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

/// The distance of the nearest kink or tie, in standard deviations of the operand.
fn margin(net: &Exported, inputs: &[Tensor]) -> f64 {
    let mut plan = Lowering::of(&net.program, Mode::Train).expect("lowers");
    let kinks: Vec<(Option<Window>, Var)> = plan
        .steps()
        .iter()
        .filter_map(|s| match &s.kernel {
            Kernel::Prim(Prim::Unary(Unary::Relu)) => Some((None, s.operands[0])),
            Kernel::Prim(Prim::MaxPool(window)) => Some((Some(*window), s.operands[0])),
            _ => None,
        })
        .collect();
    plan.set_outputs(kinks.iter().map(|(_, v)| *v).collect::<Vec<_>>());
    let (exec, mut params) = executor_of(plan.finish(), &net.weights, Kind::Double, Layout::Contiguous);
    let outcome = exec.run(&mut params, inputs, &Run::default()).expect("runs");
    let margins = kinks.iter().zip(&outcome.outputs).map(|((window, _), x)| {
        let gaps = match window {
            None => x.abs(),
            Some(w) => ties(x, *w),
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
