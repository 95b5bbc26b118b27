//! Every primitive's rule against central differences, in double precision, away from kinks and ties.

use crate::common::{executor, noise};
use codegen::torch::{Layout, Run};
use codegen::{Lowering, Wrt};
use ir::op::Pair;
use ir::prim::{Binary, Emit, Fold, Mode, Prim, Unary, Var, Window};
use ir::value::Real;
use ir::{DType, Dim, TensorType};
use smallvec::smallvec;
use std::collections::BTreeSet;
use tch::{Kind, Tensor};

const N: Dim = Dim::BATCH;

struct Case {
    prim: Prim,
    types: Vec<TensorType>,
    range: (f32, f32),
    /// Operands of whole numbers below this, for targets.
    below: i64,
}

fn f(shape: &[Dim]) -> TensorType {
    TensorType::new(DType::F32, shape.iter().copied())
}

fn fixed(shape: &[u32]) -> TensorType {
    f(&shape.iter().map(|n| Dim::fixed(*n)).collect::<Vec<_>>())
}

fn image(c: u32, h: u32, w: u32) -> TensorType {
    TensorType::image(c, h, w)
}

fn case(prim: Prim, types: Vec<TensorType>) -> Case {
    Case { prim, types, range: (0.2, 1.7), below: 0 }
}

fn pair(h: u32, w: u32) -> Pair {
    Pair { h, w }
}

fn cases() -> Vec<Case> {
    let one = Pair::both(1);
    let mut out: Vec<Case> = Unary::ALL.iter().map(|u| case(Prim::Unary(*u), vec![image(2, 3, 3)])).collect();
    // The other side of the kinks, where there is one.
    for u in [Unary::Relu, Unary::Relu6, Unary::Gelu, Unary::GeluTanh, Unary::Silu, Unary::Abs, Unary::Tanh] {
        out.push(Case { range: (-1.7, -0.2), ..case(Prim::Unary(u), vec![image(2, 3, 3)]) });
    }
    out.push(Case { range: (6.2, 8.0), ..case(Prim::Unary(Unary::Relu6), vec![image(2, 3, 3)]) });
    for range in [(-4.0, -3.1), (-2.9, 2.9), (3.1, 4.0)] {
        out.push(Case { range, ..case(Prim::Unary(Unary::Hardswish), vec![image(2, 3, 3)]) });
    }
    for b in [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div] {
        for other in [image(2, 3, 3), f(&[N, 1.into(), 1.into(), 1.into()]), fixed(&[3]), fixed(&[])] {
            out.push(case(Prim::Binary(b), vec![image(2, 3, 3), other.clone()]));
            out.push(case(Prim::Binary(b), vec![other, image(2, 3, 3)]));
        }
    }
    out.push(case(Prim::Affine { mul: Real::new(-1.5), add: Real::new(0.5) }, vec![image(2, 3, 3)]));
    let conv = |stride, pad, dilation, groups| Prim::Conv2d { stride, pad, dilation, groups };
    out.push(case(conv(one, one, one, 1), vec![image(2, 5, 4), fixed(&[3, 2, 3, 3]), fixed(&[3])]));
    out.push(case(conv(pair(2, 1), pair(0, 2), pair(1, 2), 2), vec![image(4, 6, 5), fixed(&[4, 2, 2, 3])]));
    out.push(case(conv(one, Pair::both(2), Pair::both(2), 4), vec![image(4, 5, 5), fixed(&[4, 1, 3, 3])]));
    out.push(case(Prim::Linear, vec![f(&[N, 4.into()]), fixed(&[3, 4]), fixed(&[3])]));
    out.push(case(Prim::Linear, vec![f(&[N, 2.into(), 4.into()]), fixed(&[3, 4])]));
    out.push(case(Prim::Matmul, vec![f(&[N, 2.into(), 3.into()]), f(&[N, 3.into(), 4.into()])]));
    out.push(case(Prim::Matmul, vec![f(&[N, 2.into(), 3.into()]), fixed(&[3])]));
    out.push(case(Prim::Matmul, vec![fixed(&[3]), fixed(&[3, 4])]));
    let rows = TensorType::new(DType::I64, [N]);
    out.push(Case { below: 4, ..case(Prim::Embedding, vec![fixed(&[4, 3]), rows]) });
    let (eps, momentum) = (Real::new(1e-3), Real::new(0.1));
    let norm = |batch, affine, track| Prim::BatchNorm { eps, momentum, batch, affine, track };
    let c = || fixed(&[2]);
    out.push(case(norm(true, true, false), vec![image(2, 3, 3), c(), c()]));
    out.push(case(norm(true, false, false), vec![image(2, 3, 3)]));
    out.push(case(norm(true, true, false), vec![f(&[N, 2.into()]), c(), c()]));
    out.push(case(norm(false, true, true), vec![image(2, 3, 3), c(), c(), c(), c()]));
    out.push(case(Prim::LayerNorm { trailing: 2, eps }, vec![image(2, 3, 4), fixed(&[3, 4]), fixed(&[3, 4])]));
    out.push(case(Prim::LayerNorm { trailing: 1, eps }, vec![f(&[N, 5.into()])]));
    out.push(case(Prim::GroupNorm { groups: 2, eps }, vec![image(4, 3, 2), fixed(&[4]), fixed(&[4])]));
    out.push(case(Prim::GroupNorm { groups: 1, eps }, vec![image(4, 3, 2)]));
    for log in [false, true] {
        out.push(case(Prim::Softmax { axis: 1, log }, vec![f(&[N, 5.into(), 2.into()])]));
    }
    for (k, stride, pad, ceil) in [(3, 1, 1, false), (2, 2, 0, false), (3, 2, 1, true)] {
        let window = Window { k: Pair::both(k), stride: Pair::both(stride), pad: Pair::both(pad), ceil };
        out.push(case(Prim::MaxPool(window), vec![image(2, 6, 5)]));
        for count_include_pad in [false, true] {
            out.push(case(Prim::AvgPool { window, count_include_pad }, vec![image(2, 6, 5)]));
        }
    }
    out.push(case(Prim::AdaptiveAvgPool { out: pair(2, 3) }, vec![image(2, 5, 4)]));
    for fold in [Fold::Sum, Fold::Mean] {
        for (axes, keep) in [(smallvec![2, 3], true), (smallvec![1], false), (smallvec![0, 2], false)] {
            out.push(case(Prim::Reduce { fold, axes, keep }, vec![image(2, 3, 4)]));
        }
    }
    out.push(case(Prim::Concat { axis: 1 }, vec![image(2, 3, 3), image(1, 3, 3), image(3, 3, 3)]));
    out.push(case(Prim::Concat { axis: 0 }, vec![image(2, 3, 3), image(2, 3, 3)]));
    out.push(case(Prim::Slice { axis: 2, start: 1, len: 2, step: 2 }, vec![image(2, 5, 3)]));
    let (before, after) = (pair(1, 0), pair(0, 2));
    out.push(case(Prim::Pad { before, after, value: Real::new(0.5) }, vec![image(2, 3, 3)]));
    out.push(case(Prim::Reshape { shape: [N, 18.into()].into_iter().collect() }, vec![image(2, 3, 3)]));
    out.push(case(Prim::Permute { perm: smallvec![0, 2, 3, 1] }, vec![image(2, 3, 4)]));
    for smoothing in [0.0, 0.2] {
        let prim = Prim::CrossEntropy { smoothing: Real::new(smoothing) };
        let targets = TensorType::new(DType::I64, [N]);
        out.push(Case { below: 4, ..case(prim, vec![f(&[N, 4.into()]), targets]) });
    }
    out
}

/// A name for each primitive that can have a gradient. A new primitive does not compile until it stands here.
fn name(prim: &Prim) -> Option<&'static str> {
    Some(match prim {
        Prim::Unary(_) => "unary",
        Prim::Binary(_) => "binary",
        Prim::Affine { .. } => "affine",
        Prim::Conv2d { .. } => "conv2d",
        Prim::Linear => "linear",
        Prim::Matmul => "matmul",
        Prim::Embedding => "embedding",
        Prim::BatchNorm { .. } => "batch_norm",
        Prim::LayerNorm { .. } => "layer_norm",
        Prim::GroupNorm { .. } => "group_norm",
        Prim::Softmax { .. } => "softmax",
        Prim::MaxPool(_) => "max_pool",
        Prim::AvgPool { .. } => "avg_pool",
        Prim::AdaptiveAvgPool { .. } => "adaptive_avg_pool",
        Prim::Reduce { .. } => "reduce",
        Prim::Concat { .. } => "concat",
        Prim::Slice { .. } => "slice",
        Prim::Pad { .. } => "pad",
        Prim::Reshape { .. } => "reshape",
        Prim::Permute { .. } => "permute",
        Prim::CrossEntropy { .. } => "cross_entropy",
        Prim::Full { .. } | Prim::Mask { .. } => return None,
    })
}

const NAMES: usize = 21;

fn check(case: &Case, layout: Layout) {
    let what =
        format!("{} on {:?} {layout:?}", case.prim, case.types.iter().map(ToString::to_string).collect::<Vec<_>>());
    let batch = 3;
    let mut plan = Lowering::empty(Mode::Train);
    let x: Vec<Var> = case.types.iter().map(|t| plan.input(t.clone())).collect();
    let y = plan.prim(case.prim.clone(), &x).unwrap_or_else(|e| panic!("{what}: {e}"));
    let ty = plan.type_of(y).clone();
    let weight = plan.input(ty.clone());
    let product = plan.prim(Prim::Binary(Binary::Mul), &[y, weight]).expect("same types");
    let axes = (0..ty.rank() as u32).collect();
    let loss = plan.prim(Prim::Reduce { fold: Fold::Sum, axes, keep: false }, &[product]).expect("any type");
    plan.set_outputs([loss]);
    let plan = plan.differentiate(loss, &Wrt { inputs: true, ..Wrt::default() }).expect("a scalar").finish();
    let (exec, mut params) = executor(plan, Kind::Double, layout);
    let mut inputs: Vec<Tensor> = case
        .types
        .iter()
        .enumerate()
        .map(|(i, t)| {
            if t.dtype == DType::I64 {
                Tensor::from_slice(&(0..batch).map(|n| (n * 5 + 1) % case.below).collect::<Vec<i64>>())
            } else {
                noise(t, batch, 11 + i as u64, case.range).to_kind(Kind::Double)
            }
        })
        .collect();
    inputs.push(noise(&ty, batch, 5, (-1.0, 1.0)).to_kind(Kind::Double));
    let run = Run::default();
    let outcome = exec.run(&mut params, &inputs, &run).unwrap_or_else(|e| panic!("{what}: {e}"));
    let grads: Vec<Option<Tensor>> = outcome.input_grads;
    let step = 1e-5;
    for (i, t) in case.types.iter().enumerate() {
        // Running statistics have no gradient: they are buffers.
        let buffer = matches!(case.prim, Prim::BatchNorm { track: true, .. }) && i >= case.types.len() - 2;
        if t.dtype == DType::I64 || buffer {
            continue;
        }
        let grad = grads[i].as_ref().unwrap_or_else(|| panic!("{what}: operand {i} has no gradient"));
        assert_eq!(grad.size(), inputs[i].size(), "{what}: operand {i}");
        let (grad, n) = (grad.contiguous().view(-1), inputs[i].numel() as i64);
        let scale = grad.abs().max().double_value(&[]).max(1e-3);
        for k in 0..n {
            let mut at = |delta: f64| {
                let mut moved: Vec<Tensor> = inputs.iter().map(Tensor::shallow_clone).collect();
                moved[i] = inputs[i].copy();
                let _ = moved[i].view(-1).get(k).g_add_scalar_(delta);
                exec.run(&mut params, &moved, &run).expect("runs").outputs[0].double_value(&[])
            };
            let difference = (at(step) - at(-step)) / (2.0 * step);
            let gap = (difference - grad.double_value(&[k])).abs() / scale;
            assert!(
                gap < 1e-6,
                "{what}: operand {i}, element {k}: {difference} by differences, {} by rule",
                grad.double_value(&[k])
            );
        }
    }
}

#[test]
fn every_rule() {
    let cases = cases();
    let seen: BTreeSet<&str> = cases.iter().filter_map(|c| name(&c.prim)).collect();
    assert_eq!(seen.len(), NAMES, "only {seen:?}");
    for case in &cases {
        for layout in [Layout::Contiguous, Layout::ChannelsLast] {
            check(case, layout);
        }
    }
}
