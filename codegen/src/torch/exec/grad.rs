//! Derivatives on libtorch.

use super::prim::{Results, two};
use super::{Frame, ffi};
use crate::plan::{Grad, Step, Wanted};
use crate::torch::ffi::{Norm, Pool};
use ir::TensorType;
use ir::prim::{Fold, Prim, Unary, Window};
use smallvec::{SmallVec, smallvec};
use tch::{Kind, TchError, Tensor};

fn want(w: Wanted) -> [bool; 3] {
    [w.x, w.w, w.b]
}

fn pool(w: &Window) -> Pool {
    Pool { k: two(w.k), stride: two(w.stride), pad: two(w.pad), ceil: w.ceil }
}

/// The derivative of a function, from its result or operand.
fn unary(f: Unary, g: &Tensor, saved: &Tensor) -> Result<Tensor, TchError> {
    match f {
        // In these the receiver is what was saved.
        Unary::Relu => saved.f_threshold_backward(g, 0.0),
        Unary::Relu6 => saved.f_hardtanh_backward(g, 0.0, 6.0),
        Unary::Gelu => saved.f_gelu_backward(g, "none"),
        Unary::GeluTanh => saved.f_gelu_backward(g, "tanh"),
        Unary::Silu => saved.f_silu_backward(g),
        Unary::Hardswish => saved.f_hardswish_backward(g),
        Unary::Sigmoid => Tensor::f_sigmoid_backward(g, saved),
        Unary::Tanh => Tensor::f_tanh_backward(g, saved),
        Unary::Exp => g.f_mul(saved),
        Unary::Log => g.f_div(saved),
        Unary::Sqrt => g.f_div(&saved.f_mul_scalar(2.0)?),
        Unary::Abs => g.f_mul(&saved.f_sign()?),
    }
}

impl Frame<'_> {
    pub fn grad(&self, grad: &Grad, step: &Step) -> Result<Results, TchError> {
        let one = |t: Tensor| -> Result<Results, TchError> { Ok(smallvec![Some(t)]) };
        if let Grad::Weights { site } = grad {
            return one(self.site_weights(*site, step)?);
        }
        let x: SmallVec<[&Tensor; 7]> = step.operands.iter().map(|v| self.get(*v)).collect();
        let g = x[0];
        match grad {
            Grad::Unary(f) => one(unary(*f, g, x[1])?),
            Grad::Conv2d { stride, pad, dilation, groups, want: w } => {
                let (stride, pad, dilation) = (&two(*stride), &two(*pad), &two(*dilation));
                let conv = ffi::Conv { stride, pad, dilation, groups: i64::from(*groups) };
                Ok(ffi::convolution_backward(g, x[1], x[2], &conv, want(*w))?.into())
            }
            Grad::Linear { want } => linear(g, x[1], x[2], *want),
            Grad::BatchNorm { eps, batch, affine, track, want: w } => {
                let norm = Norm {
                    weight: affine.then(|| x[4]),
                    running: track.then(|| (x[x.len() - 2], x[x.len() - 1])),
                    saved: batch.then(|| (x[2], x[3])),
                    batch: *batch,
                    eps: eps.get(),
                };
                Ok(ffi::batch_norm_backward(g, x[1], norm, want(*w))?.into())
            }
            Grad::LayerNorm { trailing, want: w } => {
                let sizes = x[1].size();
                let shape = &sizes[sizes.len() - *trailing as usize..];
                let affine = (x.len() > 4).then(|| (x[4], x[5]));
                Ok(ffi::layer_norm_backward(g, x[1], shape, (x[2], x[3]), affine, want(*w))?.into())
            }
            Grad::GroupNorm { groups, want: w } => {
                let weight = x.get(4).copied();
                Ok(ffi::group_norm_backward(g, x[1], (x[2], x[3]), weight, i64::from(*groups), want(*w))?.into())
            }
            Grad::Softmax { axis, log } => {
                let (axis, kind) = (i64::from(*axis), x[1].kind());
                one(if *log {
                    Tensor::f_internal_log_softmax_backward_data(g, x[1], axis, kind)?
                } else {
                    Tensor::f_internal_softmax_backward_data(g, x[1], axis, kind)?
                })
            }
            Grad::MaxPool { window, x: ty } => one(ffi::max_pool_backward(g, x[1], &self.sizes(ty), &pool(window))?),
            Grad::AvgPool { window, count_include_pad, x: ty } => {
                one(ffi::avg_pool_backward(g, &self.sizes(ty), &pool(window), *count_include_pad)?)
            }
            Grad::AdaptiveAvgPool { x: ty } => one(ffi::adaptive_avg_pool_backward(g, &self.sizes(ty))?),
            Grad::Reduce { fold, axes, x: ty } => one(self.spread(g, *fold, axes, ty)?),
            Grad::Slice { axis, start, step, x: ty } => {
                let axis = *axis as usize;
                let times = if ty.shape[axis].is_batch() { self.batch } else { 1 };
                let (start, step) = (i64::from(*start) * times, i64::from(*step));
                let end = start + (g.size()[axis] - 1) * step + 1;
                let gx = self.filled(ty, 0.0)?;
                gx.f_slice(axis as i64, start, end, step)?.f_copy_(g)?;
                one(gx)
            }
            Grad::SumTo { x: ty } => one(g.f_sum_to_size(&self.sizes(ty)[..])?),
            Grad::CrossEntropy { smoothing } => one(cross_entropy(g, x[1], x[2], smoothing.get())?),
            Grad::Arm { site, arm } => Ok(smallvec![self.arm(*site, *arm, g)?]),
            Grad::ArmWeight { site, arm } => Ok(smallvec![self.arm_weight(*site, *arm, g, x[1])?]),
            Grad::Stats { .. } | Grad::Normalised | Grad::Depthwise { .. } | Grad::Pointwise { .. } => {
                self.fused_grad(grad, &x)
            }
            Grad::Weights { .. } => unreachable!("invariant: handled above"),
            Grad::Autograd { prim, want } => self.autograd(prim, g, &x[1..], *want, step),
        }
    }

    /// Spreads a gradient over the axes that were folded.
    fn spread(&self, g: &Tensor, fold: Fold, axes: &[u32], ty: &TensorType) -> Result<Tensor, TchError> {
        let sizes = self.sizes(ty);
        let kept: SmallVec<[i64; 4]> =
            sizes.iter().enumerate().map(|(i, n)| if axes.contains(&(i as u32)) { 1 } else { *n }).collect();
        let mut spread = g.f_reshape(&kept[..])?;
        if fold == Fold::Mean {
            let n: i64 = axes.iter().map(|a| sizes[*a as usize]).product();
            spread = spread.f_div_scalar(n as f64)?;
        }
        let spread = spread.f_expand(&sizes[..], false)?;
        if self.is_channels_last(ty) { ffi::channels_last(&spread) } else { spread.f_contiguous() }
    }

    /// One primitive under libtorch's autograd.
    fn autograd(
        &self,
        prim: &Prim,
        g: &Tensor,
        x: &[&Tensor],
        want: [bool; 3],
        step: &Step,
    ) -> Result<Results, TchError> {
        tch::with_grad(|| {
            let leaves: Vec<Tensor> = x
                .iter()
                .zip(want)
                .map(|(t, w)| t.f_detach().map(|t| t.set_requires_grad(w)))
                .collect::<Result<_, _>>()?;
            let operands: Vec<&Tensor> = leaves.iter().collect();
            let y = self.apply(prim, &operands, step.first)?.swap_remove(0);
            let y = y.ok_or_else(|| TchError::Kind("a primitive without a result".into()))?;
            let scalar = y.f_mul(g)?.f_sum(None)?;
            let wanted: Vec<&Tensor> = leaves.iter().filter(|t| t.requires_grad()).collect();
            let mut grads = Tensor::f_run_backward(&[scalar], &wanted, false, false)?.into_iter();
            Ok((0..3).map(|k| if want[k] { grads.next() } else { None }).collect())
        })
    }
}

fn linear(g: &Tensor, x: &Tensor, w: &Tensor, want: Wanted) -> Result<Results, TchError> {
    let rows = |t: &Tensor| t.f_reshape([-1, t.size().last().copied().unwrap_or(1)]);
    let gx = if want.x { Some(g.f_matmul(w)?) } else { None };
    let flat = rows(g)?;
    let gw = if want.w { Some(flat.f_transpose(0, 1)?.f_mm(&rows(x)?)?) } else { None };
    let gb = if want.b { Some(flat.f_sum_dim_intlist([0_i64].as_slice(), false, None)?) } else { None };
    Ok(smallvec![gx, gw, gb])
}

/// `(softmax(x) - q) g / N`
fn cross_entropy(g: &Tensor, log: &Tensor, target: &Tensor, smoothing: f64) -> Result<Tensor, TchError> {
    let (n, classes) = (log.size()[0], log.size()[1]);
    let mut gx = log.f_exp()?;
    let hit = Tensor::f_full([n, 1], smoothing - 1.0, (log.kind(), log.device()))?;
    let _ = gx.f_scatter_add_(1, &target.f_unsqueeze(1)?.f_to_kind(Kind::Int64)?, &hit)?;
    if smoothing > 0.0 {
        let _ = gx.f_sub_scalar_(smoothing / classes as f64)?;
    }
    let _ = gx.f_mul_(&g.f_div_scalar(n as f64)?)?;
    Ok(gx)
}
