//! Primitives on libtorch.

use super::Frame;
use crate::init::unit;
use crate::plan::{Kernel, Step};
use ir::op::Pair;
use ir::prim::{Binary, Drop, Fold, Prim, Unary, Var, Window};
use ir::value::Real;
use smallvec::{SmallVec, smallvec};
use tch::{TchError, Tensor};

/// Results of a step; those that are not computed are absent.
pub(super) type Results = SmallVec<[Option<Tensor>; 3]>;

pub(super) fn two(p: Pair) -> [i64; 2] {
    [i64::from(p.h), i64::from(p.w)]
}

/// A function of each element.
pub(super) fn unary(f: Unary, x: &Tensor) -> Result<Tensor, TchError> {
    match f {
        Unary::Relu => x.f_relu(),
        Unary::Relu6 => x.f_relu6(),
        Unary::Gelu => x.f_gelu("none"),
        Unary::GeluTanh => x.f_gelu("tanh"),
        Unary::Silu => x.f_silu(),
        Unary::Hardswish => x.f_hardswish(),
        Unary::Sigmoid => x.f_sigmoid(),
        Unary::Tanh => x.f_tanh(),
        Unary::Exp => x.f_exp(),
        Unary::Log => x.f_log(),
        Unary::Sqrt => x.f_sqrt(),
        Unary::Abs => x.f_abs(),
    }
}

fn binary(f: Binary, a: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
    match f {
        Binary::Add => a.f_add(b),
        Binary::Sub => a.f_sub(b),
        Binary::Mul => a.f_mul(b),
        Binary::Div => a.f_div(b),
    }
}

fn affine(x: &Tensor, mul: f64, add: f64) -> Result<Tensor, TchError> {
    match (mul == 1.0, add == 0.0) {
        (true, true) => Ok(x.shallow_clone()),
        (true, false) => x.f_add_scalar(add),
        (false, true) => x.f_mul_scalar(mul),
        (false, false) => x.f_mul_scalar(mul)?.f_add_scalar(add),
    }
}

impl Frame<'_> {
    /// Writes a step's result over its first operand, if there is a kernel that does.
    pub fn overwrite(&mut self, step: &Step) -> Result<Option<Tensor>, TchError> {
        let mut t = self.get(step.operands[0]).shallow_clone();
        let second = step.operands.get(1).and_then(|v| self.values[v.index()].as_ref());
        let _ = match (&step.kernel, second) {
            (Kernel::Prim(Prim::Unary(Unary::Relu)), _) => t.f_relu_()?,
            (Kernel::Prim(Prim::Unary(Unary::Relu6)), _) => t.f_relu6_()?,
            (Kernel::Prim(Prim::Affine { mul, add }), _) => t.f_mul_scalar_(mul.get())?.f_add_scalar_(add.get())?,
            (Kernel::Prim(Prim::Binary(Binary::Add)) | Kernel::Sum, Some(b)) => t.f_add_(b)?,
            (Kernel::Prim(Prim::Binary(Binary::Sub)), Some(b)) => t.f_sub_(b)?,
            (Kernel::Prim(Prim::Binary(Binary::Mul)), Some(b)) => t.f_mul_(b)?,
            (Kernel::Prim(Prim::Binary(Binary::Div)), Some(b)) => t.f_div_(b)?,
            (Kernel::Grad(crate::Grad::Unary(Unary::Relu)), Some(y)) => {
                y.f_threshold_backward_grad_input(&t, &t, 0.0)?
            }
            _ => return Ok(None),
        };
        Ok(Some(t))
    }

    pub fn prim(&self, prim: &Prim, place: usize, step: &Step) -> Result<Results, TchError> {
        let x: SmallVec<[&Tensor; 5]> = step.operands.iter().map(|v| self.get(*v)).collect();
        match prim {
            Prim::Full { .. } | Prim::Mask { .. } => Ok(smallvec![Some(self.made(prim, place)?)]),
            _ => self.apply(prim, &x, step.first),
        }
    }

    /// A primitive without operands.
    fn made(&self, prim: &Prim, place: usize) -> Result<Tensor, TchError> {
        let exec = self.exec;
        match prim {
            Prim::Full { ty, value } => self.filled(ty, value.get()),
            Prim::Mask { drop, ty, p } => {
                let p = if *drop == Drop::Path { p.get() * self.run.drop_path } else { p.get() };
                let sizes = self.sizes(ty);
                let n = sizes.iter().product::<i64>() as usize;
                let kept = if p < 1.0 { (1.0 / (1.0 - p)) as f32 } else { 0.0 };
                let mut rng = self.mask_stream(place);
                let mask: Vec<f32> = (0..n).map(|_| if f64::from(unit(&mut rng)) < p { 0.0 } else { kept }).collect();
                let mask = Tensor::f_from_slice(&mask)?.f_view(&sizes[..])?;
                mask.f_to_device(exec.device.into())?.f_to_kind(exec.kind_of(ty.dtype))
            }
            _ => unreachable!("invariant: only these have no operands"),
        }
    }

    /// A primitive on given tensors.
    pub fn apply(&self, prim: &Prim, x: &[&Tensor], first: Var) -> Result<Results, TchError> {
        let one = |t: Tensor| Ok(smallvec![Some(t)]);
        match prim {
            Prim::Unary(f) => one(unary(*f, x[0])?),
            Prim::Binary(f) => one(binary(*f, x[0], x[1])?),
            Prim::Affine { mul, add } => one(affine(x[0], mul.get(), add.get())?),
            Prim::Conv2d { stride, pad, dilation, groups } => {
                let (s, p, d) = (two(*stride), two(*pad), two(*dilation));
                one(x[0].f_conv2d(x[1], x.get(2).copied(), s, p, d, i64::from(*groups))?)
            }
            Prim::Linear => one(x[0].f_linear(x[1], x.get(2).copied())?),
            Prim::Matmul => one(x[0].f_matmul(x[1])?),
            Prim::Embedding => one(Tensor::f_embedding(x[0], x[1], -1, false, false)?),
            Prim::BatchNorm { .. } => self.batch_norm(prim, x),
            Prim::LayerNorm { trailing, eps } => {
                let sizes = x[0].size();
                let shape = &sizes[sizes.len() - *trailing as usize..];
                let (y, mean, rstd) =
                    x[0].f_native_layer_norm(shape, x.get(1).copied(), x.get(2).copied(), eps.get())?;
                Ok(smallvec![Some(y), Some(mean), Some(rstd)])
            }
            Prim::GroupNorm { groups, eps } => {
                let dense = x[0].f_contiguous()?;
                let (n, c) = (dense.size()[0], dense.size()[1]);
                let inner = dense.size()[2..].iter().product::<i64>();
                let groups = i64::from(*groups);
                let (y, mean, rstd) =
                    dense.f_native_group_norm(x.get(1).copied(), x.get(2).copied(), n, c, inner, groups, eps.get())?;
                Ok(smallvec![Some(y), Some(mean), Some(rstd)])
            }
            Prim::Softmax { axis, log: false } => one(x[0].f_softmax(i64::from(*axis), None)?),
            Prim::Softmax { axis, log: true } => one(x[0].f_log_softmax(i64::from(*axis), None)?),
            Prim::MaxPool(w) => max_pool(w, x[0]),
            Prim::AvgPool { window: w, count_include_pad } => {
                let (k, s, p) = (two(w.k), two(w.stride), two(w.pad));
                one(x[0].f_avg_pool2d(k, s, p, w.ceil, *count_include_pad, None)?)
            }
            Prim::AdaptiveAvgPool { out } => one(x[0].f_internal_adaptive_avg_pool2d(two(*out))?),
            Prim::Reduce { fold, axes, keep } => {
                let axes: SmallVec<[i64; 4]> = axes.iter().map(|a| i64::from(*a)).collect();
                if axes.is_empty() {
                    return one(x[0].shallow_clone());
                }
                one(match fold {
                    Fold::Sum => x[0].f_sum_dim_intlist(&axes[..], *keep, None)?,
                    Fold::Mean => x[0].f_mean_dim(&axes[..], *keep, None)?,
                })
            }
            Prim::Concat { .. } if x.len() == 1 => one(x[0].shallow_clone()),
            Prim::Concat { axis } => one(Tensor::f_cat(x, i64::from(*axis))?),
            Prim::Slice { axis, start, len, step } => {
                let (start, len, step) = (i64::from(*start), i64::from(*len), i64::from(*step));
                // A batch's axis is counted in batches.
                let times = self.axis_factor(first, *axis);
                one(x[0].f_slice(i64::from(*axis), start * times, (start + (len - 1) * step + 1) * times, step)?)
            }
            Prim::Pad { before, after, value } => one(pad(x[0], *before, *after, *value)?),
            Prim::Reshape { .. } => {
                let ty = self.exec.plan.type_of(first);
                one(self.laid(ty, x[0].f_reshape(&self.sizes(ty)[..])?)?)
            }
            Prim::Permute { perm } => {
                let perm: SmallVec<[i64; 4]> = perm.iter().map(|a| i64::from(*a)).collect();
                one(x[0].f_permute(&perm[..])?)
            }
            Prim::CrossEntropy { smoothing } => {
                let (loss, log) = cross_entropy(x[0], x[1], smoothing.get())?;
                Ok(smallvec![Some(loss), Some(log)])
            }
            Prim::Full { .. } | Prim::Mask { .. } => unreachable!("invariant: these have no operands"),
        }
    }

    fn axis_factor(&self, v: Var, axis: u32) -> i64 {
        if self.exec.plan.type_of(v).shape[axis as usize].is_batch() { self.batch } else { 1 }
    }

    fn batch_norm(&self, prim: &Prim, x: &[&Tensor]) -> Result<Results, TchError> {
        let Prim::BatchNorm { eps, momentum, batch, affine, track } = prim else {
            unreachable!("invariant: the caller has matched")
        };
        let (weight, bias) = if *affine { (Some(x[1]), Some(x[2])) } else { (None, None) };
        let (mean, var) = if *track { (Some(x[x.len() - 2]), Some(x[x.len() - 1])) } else { (None, None) };
        let (y, mean, invstd) = x[0].f_native_batch_norm(weight, bias, mean, var, *batch, momentum.get(), eps.get())?;
        Ok(smallvec![Some(y), Some(mean), Some(invstd)])
    }
}

fn max_pool(w: &Window, x: &Tensor) -> Result<Results, TchError> {
    let (k, s, p) = (two(w.k), two(w.stride), two(w.pad));
    let (y, places) = x.f_max_pool2d_with_indices(k, s, p, [1, 1], w.ceil)?;
    Ok(smallvec![Some(y), Some(places)])
}

fn pad(x: &Tensor, before: Pair, after: Pair, value: Real) -> Result<Tensor, TchError> {
    let ([top, left], [bottom, right]) = (two(before), two(after));
    x.f_pad([left, right, top, bottom], "constant", value.get())
}

/// The loss and the log-softmax that its gradient is made from.
fn cross_entropy(x: &Tensor, target: &Tensor, smoothing: f64) -> Result<(Tensor, Tensor), TchError> {
    let log = x.f_log_softmax(1, None)?;
    let hit = log.f_gather(1, &target.f_unsqueeze(1)?, false)?.f_mean(None)?;
    let mut loss = hit.f_mul_scalar(smoothing - 1.0)?;
    if smoothing > 0.0 {
        loss = loss.f_sub(&log.f_mean(None)?.f_mul_scalar(smoothing)?)?;
    }
    Ok((loss, log))
}
