//! Zeros: what is computed from zeros, where that is known.
//!
//! * A sum is that of its operands that are not zero; a difference whose second operand is zero is the first.
//! * An op that takes zeros to zeros is a `zero` itself: a convolution or linear map without bias, pooling (padding
//!   never wins a maximum, and a mean of zeros is zero), ReLU and its kin with `f(0) = 0`, a change of shape. For the
//!   weights this takes that they are finite.
//! * Not so `batch_norm`: of zeros it makes `bias - mean / sqrt(var + eps) * weight`, which is zero only while its
//!   statistics and bias are. Nor `sigmoid`, `softmax`, products (infinity times zero) and quotients.
//!
//! * A `zero` looks at nothing but a shape, so it takes it from an input of the graph if one has it, up to a stride and
//!   a number of channels; what fed it may then be dead.
//!
//! Shapes must stay, so types must be known: the rule applies only to modules without open decisions.

use super::{Rewrite, Rule, Site};
use crate::expr::Expr;
use crate::graph::{Body, Graph, Node, Val};
use crate::op::{Op, OpRegistry, OpTemplate, Pair, Zero};
use crate::patch::Patch;
use crate::ty::TensorType;
use crate::value::Name;

/// Folds what is computed from zeros.
#[derive(Clone, Copy, Debug, Default)]
pub struct Zeros;

impl Rule for Zeros {
    fn name(&self) -> &'static str {
        "zero"
    }

    /// One node at a time: the next may look at what this one became.
    fn apply(&self, site: &Site<'_>) -> Option<Rewrite> {
        if !site.module().decisions.is_empty() {
            return None;
        }
        let graph = site.graph();
        graph.nodes().find_map(|node| {
            let mut patch = Patch::new(self.name());
            if let Body::Op(op) = &node.body
                && op.name() == "zero"
            {
                settle(site, node, op, &mut patch)?;
                return Some(Rewrite { nodes: vec![node.name.clone()], patch });
            }
            let operands = graph.operands(&node.name);
            let zero: Vec<bool> = operands.iter().map(|v| is_zero(graph, v)).collect();
            if zero.iter().all(|z| !z) || !matches!(node.body, Body::Op(_)) {
                return None;
            }
            fold(site, node, &operands, &zero, &mut patch)?;
            Some(Rewrite { nodes: vec![node.name.clone()], patch })
        })
    }
}

fn is_zero(graph: &Graph, v: &Val) -> bool {
    matches!(graph.node(&v.node), Some(Node { body: Body::Op(op), .. }) if op.name() == "zero")
}

fn fold(site: &Site<'_>, node: &Node, operands: &[Val], zero: &[bool], patch: &mut Patch) -> Option<()> {
    let graph = site.graph().name();
    let is = |test: fn(&Op) -> bool| site.always(&node.name, |t| t.op.is_some_and(test));
    let same_type = |slot: usize| site.always(&node.name, |t| t.x.get(slot).is_some_and(|x| **x == t.y[0]));
    if is(|op| matches!(op, Op::Sub(_))) {
        if zero != [false, true] || !same_type(0) {
            return None;
        }
        patch.shunt(graph, node.name.as_str(), &operands[0]);
        return Some(());
    }
    if is(|op| matches!(op, Op::Add(add) if !add.mean)) && zero.iter().any(|z| !z) {
        let kept: Vec<usize> = (0..operands.len()).filter(|i| !zero[*i]).collect();
        let keeps_type = site.always(&node.name, |t| {
            let x: Vec<&TensorType> = kept.iter().map(|i| t.x[*i]).collect();
            t.op.is_some_and(|op| op.infer(&x).is_ok_and(|y| y[..] == *t.y))
        });
        if !keeps_type {
            return None;
        }
        patch.rewire(graph, &node.name, kept.into_iter().map(|i| operands[i].clone()));
        return Some(());
    }
    if !zero.iter().all(|z| *z) || !is(keeps_zero) {
        return None;
    }
    if let Some(slot) = (0..operands.len()).find(|slot| same_type(*slot)) {
        patch.shunt(graph, node.name.as_str(), &operands[slot]);
        return Some(());
    }
    // A `zero` of the first operand, if one has this shape.
    let template = as_zero(site, node)?;
    patch.replace(graph, &node.name, Body::Op(template));
    patch.rewire(graph, &node.name, [operands[0].clone()]);
    Some(())
}

/// Lets a zero take its shape from the first input that has it; nothing if it does already.
fn settle(site: &Site<'_>, node: &Node, op: &OpTemplate, patch: &mut Patch) -> Option<()> {
    let all = site.typed(&node.name);
    let y = all.first()?.y.first()?;
    let plain = Zero { stride: Pair::both(1), out: None };
    for input in site.graph().inputs() {
        let types = site.typed(&input.name);
        // Both list the graph's instantiations in their order.
        let pairs = || types.iter().zip(&all).filter_map(|(x, z)| Some((x.y.first()?, z.y.first()?, z.op?)));
        let fits = |zero: &Zero| pairs().all(|(x, z, _)| Op::from(zero.clone()).infer(&[x]).is_ok_and(|t| t[0] == *z));
        if types.len() != all.len() || pairs().count() != all.len() {
            continue;
        }
        let shaped = types.first().and_then(|x| shaping(x.y.first()?, y)).filter(|z| fits(z));
        let new = if fits(&plain) {
            Some(Op::from(plain.clone()).into())
        } else if matches!(op, OpTemplate::Open { .. })
            && pairs().all(|(x, z, op)| op.infer(&[x]).is_ok_and(|t| t[0] == *z))
        {
            Some(op.clone())
        } else {
            shaped.map(|z| Op::from(z).into())
        };
        let Some(new) = new else { continue };
        let operand = Val { node: input.name.clone(), out: 0 };
        if new == *op && site.graph().operands(&node.name) == [operand.clone()] {
            return None;
        }
        patch.replace(site.graph().name(), &node.name, Body::Op(new));
        patch.rewire(site.graph().name(), &node.name, [operand]);
        return Some(());
    }
    None
}

/// The stride and channels that make the shape `y` of `x`, if both are images.
fn shaping(x: &TensorType, y: &TensorType) -> Option<Zero> {
    let ([_, from_c, from_h, from_w], [_, c, h, w]) = (&x.shape[..], &y.shape[..]) else { return None };
    let stride = Pair {
        h: from_h.known()?.div_ceil(h.known().filter(|h| *h > 0)?),
        w: from_w.known()?.div_ceil(w.known().filter(|w| *w > 0)?),
    };
    Some(Zero { stride, out: if c == from_c { None } else { Some(c.known()?) } })
}

/// Whether an op makes zeros of zeros, whatever its weights.
fn keeps_zero(op: &Op) -> bool {
    match op {
        Op::Conv2d(conv) => !conv.bias,
        Op::Linear(linear) => !linear.bias,
        Op::Pad(pad) => pad.value.get() == 0.0,
        Op::Relu(_)
        | Op::Relu6(_)
        | Op::Gelu(_)
        | Op::Silu(_)
        | Op::Hardswish(_)
        | Op::Tanh(_)
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::GlobalAvgPool(_)
        | Op::AdaptiveAvgPool(_)
        | Op::Add(_)
        | Op::Sub(_)
        | Op::Concat(_)
        | Op::Slice(_)
        | Op::Flatten(_)
        | Op::Reshape(_)
        | Op::Transpose(_)
        | Op::Mean(_)
        | Op::Sum(_)
        | Op::Dropout(_)
        | Op::DropPath(_)
        | Op::ChannelShuffle(_)
        | Op::Identity(_) => true,
        _ => false,
    }
}

/// A `zero` that makes the same type of a node's first operand: with the node's stride and channels as they are
/// written, or with the numbers that all of its instantiations share.
fn as_zero(site: &Site<'_>, node: &Node) -> Option<OpTemplate> {
    let fits = |zero: &dyn Fn(&Op) -> Option<Zero>| {
        site.always(&node.name, |t| {
            let zero = t.op.and_then(zero).map(Op::from);
            zero.is_some_and(|z| z.infer(&t.x[..1]).is_ok_and(|y| y[..] == *t.y))
        })
    };
    let Body::Op(template) = &node.body else { return None };
    let attrs = template.attrs();
    let written = |name: &str| attrs.iter().find(|(n, _)| n == name).map(|(_, x)| x.clone());
    let like = |op: &Op| match op {
        Op::Conv2d(conv) => Some(Zero { stride: conv.stride, out: Some(conv.out) }),
        Op::MaxPool(pool) => Some(Zero { stride: pool.stride, out: None }),
        Op::AvgPool(pool) => Some(Zero { stride: pool.stride, out: None }),
        _ => None,
    };
    if fits(&like) {
        // A pooling steps by its window unless told.
        let stride = written("stride").or_else(|| written("k").filter(|_| template.name() != "conv2d"));
        let attrs: Vec<(Name, Expr)> = [("stride", stride), ("out", written("out"))]
            .into_iter()
            .filter_map(|(name, x)| Some((Name::new_static(name), x?)))
            .collect();
        let kind = OpRegistry::default().kind("zero").ok()?;
        return OpTemplate::new(kind, attrs, site.graph().params()).ok();
    }
    let all = site.typed(&node.name);
    let out = all.first()?.y.first()?.shape.get(1)?.known()?;
    let wide = Zero { stride: Pair::both(1), out: Some(out) };
    fits(&|_| Some(wide.clone())).then(|| Op::from(wide.clone()).into())
}
