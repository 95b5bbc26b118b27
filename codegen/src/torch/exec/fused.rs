//! Fused kernels on the CPU.

use super::Frame;
use super::prim::{Results, two};
use crate::plan::{Act, Fused, Grad, Step};
use crate::torch::ffi::{self, Folded};
use ir::op::Pair;
use smallvec::{SmallVec, smallvec};
use tch::{TchError, Tensor};

fn folded<'a>(act: Act, norm: &[&'a Tensor]) -> Folded<'a> {
    Folded { norm: act.scaled.then(|| (norm[0], norm[1])), relu: act.relu }
}

/// Kernel, step, margin and distance of the taps, as the kernels take them.
fn window(w: &Tensor, stride: Pair, pad: Pair, dilation: Pair) -> [i64; 8] {
    let size = w.size();
    let ([sh, sw], [ph, pw], [dh, dw]) = (two(stride), two(pad), two(dilation));
    [size[2], size[3], sh, sw, ph, pw, dh, dw]
}

impl Frame<'_> {
    pub fn fused(&self, fused: &Fused, step: &Step) -> Result<Results, TchError> {
        let x: SmallVec<[&Tensor; 6]> = step.operands.iter().map(|v| self.get(*v)).collect();
        match fused {
            Fused::Stats { eps, momentum, affine, track } => {
                let affine = affine.then(|| (x[1], x[2]));
                let running = track.then(|| (x[x.len() - 2], x[x.len() - 1]));
                let stats = ffi::batch_norm_stats(x[0], affine, running, momentum.get(), eps.get())?;
                Ok([None].into_iter().chain(stats.map(Some)).collect())
            }
            Fused::Depthwise { stride, pad, dilation, act } => {
                let window = window(x[1], *stride, *pad, *dilation);
                Ok(smallvec![Some(ffi::depthwise(x[0], x[1], &window, folded(*act, &x[2..]))?)])
            }
            Fused::Pointwise { stride, act } => {
                Ok(smallvec![Some(ffi::pointwise(x[0], x[1], &two(*stride), folded(*act, &x[2..]))?)])
            }
            Fused::Sum { terms, relu } => {
                let mut rest = &x[..];
                let mut images: SmallVec<[(&Tensor, Option<(&Tensor, &Tensor)>); 4]> = smallvec![];
                for scaled in terms {
                    images.push((rest[0], scaled.then(|| (rest[1], rest[2]))));
                    rest = &rest[if *scaled { 3 } else { 1 }..];
                }
                Ok(smallvec![Some(ffi::affine_sum(&images, *relu)?)])
            }
        }
    }

    /// Derivatives of fused kernels.
    pub fn fused_grad(&self, grad: &Grad, x: &[&Tensor]) -> Result<Results, TchError> {
        Ok(match grad {
            Grad::Stats { affine } => {
                let weight = affine.then(|| x[4]);
                let [gw, gb, factors] = ffi::batch_norm_reduce(x[0], x[1], weight, (x[2], x[3]))?;
                smallvec![Some(factors), Some(gw), Some(gb)]
            }
            Grad::Normalised => smallvec![Some(ffi::batch_norm_apply(x[0], x[1], x[2])?)],
            Grad::Depthwise { stride, pad, dilation, act, want } => {
                let window = window(x[2], *stride, *pad, *dilation);
                let act = folded(*act, &x[3..]);
                ffi::depthwise_backward(x[0], x[1], x[2], &window, act, [want.x, want.w])?.into_iter().collect()
            }
            Grad::Pointwise { stride, act, norm, want } => {
                let through = norm.then(|| (x[1], x[2]));
                let at = if *norm { 3 } else { 1 };
                let act = folded(*act, &x[at + 2..]);
                let want = [want.x, want.w];
                ffi::pointwise_backward(x[0], through, x[at], x[at + 1], &two(*stride), act, want)?
                    .into_iter()
                    .collect()
            }
            _ => unreachable!("invariant: the caller has matched"),
        })
    }
}
