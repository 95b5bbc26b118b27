//! Types of primitives' results.

use super::Prim;
use crate::op::{OpError, Types, broadcast, conv_out, pool_out};
use crate::ty::{DType, Dim, TensorType};
use smallvec::{SmallVec, smallvec};

fn shape_error(text: impl Into<String>) -> OpError {
    OpError::Shape(text.into())
}

/// `[N, C, H, W]`
fn image(x: &TensorType) -> Result<(Dim, u32, u32, u32), OpError> {
    match &x.shape[..] {
        [n, c, h, w] => match (c.known(), h.known(), w.known()) {
            (Some(c), Some(h), Some(w)) => Ok((*n, c, h, w)),
            _ => Err(shape_error(format!("expects fixed channels and sizes, got {x}"))),
        },
        _ => Err(shape_error(format!("expects [N, C, H, W], got {x}"))),
    }
}

fn axis(axis: u32, x: &TensorType) -> Result<usize, OpError> {
    let at = axis as usize;
    if at < x.rank() { Ok(at) } else { Err(shape_error(format!("axis {axis} is not one of {x}"))) }
}

impl Prim {
    /// The types of the results for operands of these types.
    ///
    /// # Errors
    /// If the primitive cannot take them.
    pub fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        self.check_operands(x)?;
        Ok(match self {
            Self::Unary(_) | Self::Affine { .. } => smallvec![x[0].clone()],
            Self::Binary(_) => smallvec![broadcast(x)?],
            Self::Conv2d { stride, pad, dilation, groups } => {
                let (n, c, h, w) = image(x[0])?;
                let (_, out, per_group, kh, kw) = kernel(x[1])?;
                if per_group.checked_mul(*groups) != Some(c) || !out.is_multiple_of(*groups) {
                    return Err(shape_error(format!("{} does not fit a kernel {} in {groups} groups", x[0], x[1])));
                }
                let k = crate::op::Pair { h: kh, w: kw };
                let (h, w) = conv_out(x[0], (h, w), k, *stride, *pad, *dilation)?;
                smallvec![x[0].with_shape([n, out.into(), h.into(), w.into()])]
            }
            Self::Linear => {
                let (Some(last), [out, features]) = (x[0].shape.last(), &x[1].shape[..]) else {
                    return Err(shape_error(format!("linear cannot take {} and {}", x[0], x[1])));
                };
                if last != features {
                    return Err(shape_error(format!("{} does not fit a weight {}", x[0], x[1])));
                }
                let mut y = x[0].clone();
                *y.shape.last_mut().expect("invariant: it has a last axis") = *out;
                smallvec![y]
            }
            Self::Matmul => crate::op::Op::from(crate::op::Matmul {}).infer(x)?,
            Self::Embedding => crate::op::Op::from(crate::op::Embedding {}).infer(x)?,
            Self::BatchNorm { .. } => {
                let c = *x[0].shape.get(1).ok_or_else(|| shape_error(format!("expects [N, C, ...], got {}", x[0])))?;
                smallvec![x[0].clone(), x[0].with_shape([c]), x[0].with_shape([c])]
            }
            Self::LayerNorm { trailing, .. } => {
                let kept = x[0].rank().checked_sub(*trailing as usize);
                let kept = kept.ok_or_else(|| shape_error(format!("{} has too few axes", x[0])))?;
                let ones = std::iter::repeat_n(Dim::fixed(1), *trailing as usize);
                let stat = x[0].with_shape(x[0].shape[..kept].iter().copied().chain(ones));
                smallvec![x[0].clone(), stat.clone(), stat]
            }
            Self::GroupNorm { groups, .. } => {
                let n = *x[0].shape.first().ok_or_else(|| shape_error(format!("expects [N, C, ...], got {}", x[0])))?;
                let stat = x[0].with_shape([n, (*groups).into()]);
                smallvec![x[0].clone(), stat.clone(), stat]
            }
            Self::Softmax { axis: a, .. } => {
                axis(*a, x[0])?;
                smallvec![x[0].clone()]
            }
            Self::MaxPool(window) | Self::AvgPool { window, .. } => {
                let (n, c, h, w) = image(x[0])?;
                let (h, w) = pool_out(x[0], (h, w), window.k, window.stride, window.pad, window.ceil)?;
                let y = x[0].with_shape([n, c.into(), h.into(), w.into()]);
                match self {
                    Self::MaxPool(_) => smallvec![y.clone(), TensorType { dtype: DType::I64, ..y }],
                    _ => smallvec![y],
                }
            }
            Self::AdaptiveAvgPool { out } => {
                let (n, c, _, _) = image(x[0])?;
                smallvec![x[0].with_shape([n, c.into(), out.h.into(), out.w.into()])]
            }
            Self::Reduce { axes, keep, fold } => {
                for a in axes {
                    axis(*a, x[0])?;
                }
                let shape = x[0].shape.iter().enumerate().filter_map(|(i, d)| {
                    let folded = axes.contains(&(i as u32));
                    if !folded { Some(*d) } else { keep.then_some(Dim::fixed(1)) }
                });
                let whole = matches!(fold, super::Fold::Sum) && !x[0].dtype.is_float();
                let dtype = if whole { DType::I64 } else { x[0].dtype };
                smallvec![TensorType::new(dtype, shape)]
            }
            Self::Concat { axis: a } => {
                axis(*a, x[0])?;
                crate::op::Op::from(crate::op::Concat { axis: i64::from(*a) }).infer(x)?
            }
            Self::Slice { axis: a, start, len, step } => {
                let at = axis(*a, x[0])?;
                let d = x[0].shape[at];
                let last = u64::from(*start) + u64::from(*step) * u64::from(len.saturating_sub(1));
                if *len == 0 || *step == 0 || last >= d.per_example() || (d.is_batch() && *step != 1) {
                    return Err(shape_error(format!("{start} + {len} steps of {step} leave axis {a} of {}", x[0])));
                }
                let mut y = x[0].clone();
                y.shape[at] = if d.is_batch() { Dim::batches(*len) } else { Dim::fixed(*len) };
                smallvec![y]
            }
            Self::Pad { before, after, .. } => {
                let (n, c, h, w) = image(x[0])?;
                let (h, w) = (h + before.h + after.h, w + before.w + after.w);
                smallvec![x[0].with_shape([n, c.into(), h.into(), w.into()])]
            }
            Self::Reshape { shape } => {
                let y = x[0].with_shape(shape.iter().copied());
                let batches = |t: &TensorType| t.shape.iter().filter(|d| d.is_batch()).count();
                if y.numel() != x[0].numel() || batches(&y) != batches(x[0]) {
                    return Err(shape_error(format!("{} does not have the elements of {y}", x[0])));
                }
                smallvec![y]
            }
            Self::Permute { perm } => {
                let mut sorted = perm.clone();
                sorted.sort_unstable();
                if !sorted.iter().copied().eq(0..x[0].rank() as u32) {
                    return Err(shape_error(format!("{perm:?} is no order of the axes of {}", x[0])));
                }
                smallvec![x[0].with_shape(perm.iter().map(|a| x[0].shape[*a as usize]))]
            }
            Self::Full { ty, .. } | Self::Mask { ty, .. } => smallvec![ty.clone()],
            Self::CrossEntropy { .. } => match (&x[0].shape[..], &x[1].shape[..], x[1].dtype) {
                ([n, _], [m], DType::I64) if n == m => smallvec![x[0].with_shape([]), x[0].clone()],
                _ => {
                    let text = format!("cross_entropy takes [N, classes] and i64[N], got {} and {}", x[0], x[1]);
                    return Err(shape_error(text));
                }
            },
        })
    }

    fn check_operands(&self, x: &[&TensorType]) -> Result<(), OpError> {
        let expected: SmallVec<[usize; 2]> = match self {
            Self::Full { .. } | Self::Mask { .. } => smallvec![0],
            Self::Binary(_) | Self::Matmul | Self::Embedding | Self::CrossEntropy { .. } => smallvec![2],
            Self::Conv2d { .. } | Self::Linear => smallvec![2, 3],
            Self::LayerNorm { .. } | Self::GroupNorm { .. } => smallvec![1, 3],
            Self::BatchNorm { affine, track, .. } => smallvec![1 + 2 * usize::from(*affine) + 2 * usize::from(*track)],
            Self::Concat { .. } => smallvec![x.len().max(1)],
            _ => smallvec![1],
        };
        if expected.contains(&x.len()) {
            Ok(())
        } else {
            Err(shape_error(format!("expects {expected:?} operands, got {}", x.len())))
        }
    }
}

/// `[O, I, kh, kw]`
fn kernel(w: &TensorType) -> Result<(Dim, u32, u32, u32, u32), OpError> {
    let (o, i, h, k) = image(w)?;
    let out = o.known().ok_or_else(|| shape_error(format!("expects a kernel [O, I, kh, kw], got {w}")))?;
    Ok((o, out, i, h, k))
}
