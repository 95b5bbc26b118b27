//! Primitives: the vocabulary that ops are lowered to, and that a backend runs, differentiates or prints.
//!
//! * A primitive names one computation of known shapes. It knows no attribute of the text form, no mode and no default:
//!   all that is decided when an op [emits](crate::op::OpDef::emit) it.
//! * Axes are counted from 0, and whatever depends on the batch size stays symbolic in the types.
//! * Two primitives that are equal and take the same values compute the same, but for those that are
//!   [random](Prim::is_random) or [update](Prim::updates) a buffer.

mod emit;
mod infer;

pub use emit::{Emit, EmitError, Mode, Var, Vars};

use crate::op::Pair;
use crate::ty::{Dim, Shape, TensorType};
use crate::value::Real;
use smallvec::SmallVec;
use std::fmt;

/// A function of one number, applied to each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `x Phi(x)`
    Gelu,
    /// `x Phi(x)`, with `Phi` approximated by a tanh.
    GeluTanh,
    /// `x / (1 + exp(-x))`
    Silu,
    /// `x relu6(x + 3) / 6`
    Hardswish,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// Exponential.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// Absolute value.
    Abs,
}

impl Unary {
    /// Every function.
    pub const ALL: [Self; 12] = [
        Self::Relu,
        Self::Relu6,
        Self::Gelu,
        Self::GeluTanh,
        Self::Silu,
        Self::Hardswish,
        Self::Sigmoid,
        Self::Tanh,
        Self::Exp,
        Self::Log,
        Self::Sqrt,
        Self::Abs,
    ];
}

/// A function of two numbers, applied to elements that broadcasting pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
}

/// How axes are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
}

/// A sliding window over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Size.
    pub k: Pair,
    /// Step.
    pub stride: Pair,
    /// Margin at each side.
    pub pad: Pair,
    /// Whether a last, partial window counts.
    pub ceil: bool,
}

/// What is dropped together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Drop {
    /// Each element by itself: dropout.
    Element,
    /// All of an example: drop path. A run may scale its probability.
    Path,
}

/// Axes of a tensor, counted from 0.
pub type Axes = SmallVec<[u32; 4]>;

/// A primitive. Unless its description says otherwise it takes one value and gives one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Prim {
    /// A function of each element.
    Unary(Unary),
    /// A function of each pair of elements; takes two values.
    Binary(Binary),
    /// `x * mul + add`
    Affine {
        /// The factor.
        mul: Real,
        /// The summand.
        add: Real,
    },
    /// Convolution of `[N, C, H, W]` by `[O, C / groups, kh, kw]`; takes input, kernel and perhaps a bias `[O]`.
    Conv2d {
        /// Step of the window.
        stride: Pair,
        /// Zeros at each side.
        pad: Pair,
        /// Distance of the taps.
        dilation: Pair,
        /// Groups of channels.
        groups: u32,
    },
    /// `x W^T + b`; takes `[..., I]`, `[O, I]` and perhaps `[O]`.
    Linear,
    /// Matrix product of two values, in the semantics of PyTorch's `matmul`.
    Matmul,
    /// Rows of a table; takes `[V, E]` and indices `i64[...]`, gives `[..., E]`.
    Embedding,
    /// Batch normalisation of `[N, C, ...]`. Takes the input; if `affine`, scale and shift; if `track`, the running mean
    /// and variance. Gives the result and, for the backward pass, mean and inverse deviation of the batch, `[C]`.
    BatchNorm {
        /// Added to the variance.
        eps: Real,
        /// Weight of the batch in the running statistics.
        momentum: Real,
        /// Whether the batch's statistics are used (and the running ones updated), or the running ones.
        batch: bool,
        /// Whether scale and shift are given.
        affine: bool,
        /// Whether running statistics are given.
        track: bool,
    },
    /// Layer normalisation over the last axes; takes input and perhaps scale and shift. Gives the result, and mean and
    /// inverse deviation for the backward pass.
    LayerNorm {
        /// Number of axes.
        trailing: u32,
        /// Added to the variance.
        eps: Real,
    },
    /// Group normalisation of `[N, C, ...]`; takes input and perhaps scale and shift. Gives the result, and mean and
    /// inverse deviation, `[N, groups]`, for the backward pass.
    GroupNorm {
        /// Number of groups.
        groups: u32,
        /// Added to the variance.
        eps: Real,
    },
    /// `exp(x) / sum(exp(x))` along an axis, or its logarithm.
    Softmax {
        /// The axis.
        axis: u32,
        /// Whether the logarithm is taken.
        log: bool,
    },
    /// The maximum of each window; gives it and, for the backward pass, its place (`i64`).
    MaxPool(Window),
    /// The mean of each window.
    AvgPool {
        /// The window.
        window: Window,
        /// Whether the margin counts among the elements divided by.
        count_include_pad: bool,
    },
    /// The mean over a grid of so many windows.
    AdaptiveAvgPool {
        /// Height and width of the grid.
        out: Pair,
    },
    /// Axes folded.
    Reduce {
        /// How.
        fold: Fold,
        /// Which.
        axes: Axes,
        /// Whether they stay, with size 1.
        keep: bool,
    },
    /// One or more values joined.
    Concat {
        /// Along which axis.
        axis: u32,
    },
    /// Indices `start`, `start + step`, ... of an axis.
    Slice {
        /// The axis.
        axis: u32,
        /// The first index.
        start: u32,
        /// Number of indices.
        len: u32,
        /// Their distance.
        step: u32,
    },
    /// A margin of one value around an image.
    Pad {
        /// Rows above, columns to the left.
        before: Pair,
        /// Rows below, columns to the right.
        after: Pair,
        /// What fills it.
        value: Real,
    },
    /// The same elements in another shape.
    Reshape {
        /// The shape.
        shape: Shape,
    },
    /// Axes in another order: axis `i` of the result is `perm[i]` of the input.
    Permute {
        /// The order.
        perm: Axes,
    },
    /// A tensor of one value; takes none.
    Full {
        /// Its type.
        ty: TensorType,
        /// What fills it.
        value: Real,
    },
    /// A random tensor of 0, with probability `p`, and `1 / (1 - p)`; takes none.
    Mask {
        /// What is dropped together.
        drop: Drop,
        /// Its type.
        ty: TensorType,
        /// The probability.
        p: Real,
    },
    /// Mean over the batch of `-sum_c q_c log softmax(x)_c`, with `q` one at the target but for `smoothing`, which is
    /// spread evenly; takes logits `[N, C]` and targets `i64[N]`, gives a scalar and the log-softmax.
    CrossEntropy {
        /// Share of the target distribution that is spread over all classes (Szegedy et al. 2016).
        smoothing: Real,
    },
}

impl Prim {
    /// The plain sum of two values.
    pub const ADD: Self = Self::Binary(Binary::Add);

    /// A multiple.
    #[must_use]
    pub fn scale(mul: f64) -> Self {
        Self::Affine { mul: Real::new(mul), add: Real::new(0.0) }
    }

    /// Whether two runs differ.
    #[must_use]
    pub fn is_random(&self) -> bool {
        matches!(self, Self::Mask { .. })
    }

    /// Whether it changes its last two operands, the running statistics.
    #[must_use]
    pub fn updates(&self) -> bool {
        matches!(self, Self::BatchNorm { batch: true, track: true, .. })
    }

    /// Whether its result may share memory with its first operand.
    #[must_use]
    pub fn is_view(&self) -> bool {
        matches!(self, Self::Slice { .. } | Self::Reshape { .. } | Self::Permute { .. })
    }
}

/// `2x3`, or `2` for both.
fn pair(p: Pair) -> String {
    if p.h == p.w { p.h.to_string() } else { format!("{}x{}", p.h, p.w) }
}

struct Dims<'a>(&'a [Dim]);

impl fmt::Display for Dims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "[{}]", dims.join(", "))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k={}, stride={}, pad={}", pair(self.k), pair(self.stride), pair(self.pad))?;
        f.write_str(if self.ceil { ", ceil" } else { "" })
    }
}

impl fmt::Display for Prim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flag = |on: bool, text: &'static str| if on { text } else { "" };
        match self {
            Self::Unary(u) => f.write_str(&format!("{u:?}").to_lowercase()),
            Self::Binary(b) => f.write_str(&format!("{b:?}").to_lowercase()),
            Self::Affine { mul, add } => write!(f, "affine {{mul={mul}, add={add}}}"),
            Self::Conv2d { stride, pad, dilation, groups } => write!(
                f,
                "conv2d {{stride={}, pad={}, dilation={}, groups={groups}}}",
                pair(*stride),
                pair(*pad),
                pair(*dilation)
            ),
            Self::Linear => f.write_str("linear"),
            Self::Matmul => f.write_str("matmul"),
            Self::Embedding => f.write_str("embedding"),
            Self::BatchNorm { eps, momentum, batch, .. } => {
                write!(f, "batch_norm {{eps={eps}, momentum={momentum}{}}}", flag(*batch, ", batch"))
            }
            Self::LayerNorm { trailing, eps } => write!(f, "layer_norm {{trailing={trailing}, eps={eps}}}"),
            Self::GroupNorm { groups, eps } => write!(f, "group_norm {{groups={groups}, eps={eps}}}"),
            Self::Softmax { axis, log } => write!(f, "{}softmax {{axis={axis}}}", flag(*log, "log_")),
            Self::MaxPool(w) => write!(f, "max_pool {{{w}}}"),
            Self::AvgPool { window, count_include_pad } => {
                write!(f, "avg_pool {{{window}{}}}", flag(*count_include_pad, ", count_include_pad"))
            }
            Self::AdaptiveAvgPool { out } => write!(f, "adaptive_avg_pool {{out={}}}", pair(*out)),
            Self::Reduce { fold, axes, keep } => {
                write!(f, "{} {{axes={axes:?}{}}}", format!("{fold:?}").to_lowercase(), flag(*keep, ", keep"))
            }
            Self::Concat { axis } => write!(f, "concat {{axis={axis}}}"),
            Self::Slice { axis, start, len, step } => {
                write!(f, "slice {{axis={axis}, start={start}, len={len}, step={step}}}")
            }
            Self::Pad { before, after, value } => {
                write!(f, "pad {{before={}, after={}, value={value}}}", pair(*before), pair(*after))
            }
            Self::Reshape { shape } => write!(f, "reshape {{shape={}}}", Dims(shape)),
            Self::Permute { perm } => write!(f, "permute {{perm={perm:?}}}"),
            Self::Full { ty, value } => write!(f, "full {{{ty}, value={value}}}"),
            Self::Mask { drop, ty, p } => {
                write!(f, "mask {{{}, {ty}, p={p}}}", format!("{drop:?}").to_lowercase())
            }
            Self::CrossEntropy { smoothing } => write!(f, "cross_entropy {{smoothing={smoothing}}}"),
        }
    }
}
