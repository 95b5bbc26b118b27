//! Kernels: primitives, their derivatives, and what joins the arms of an open choice.

use ir::TensorType;
use ir::op::Pair;
use ir::prim::{Axes, Fold, Prim, Unary, Var, Window};
use ir::value::Real;
use smallvec::SmallVec;

/// Which derivatives of a kernel with input, weight and bias are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// With respect to the input.
    pub x: bool,
    /// With respect to the weight or scale.
    pub w: bool,
    /// With respect to the bias or shift.
    pub b: bool,
}

/// What a step computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// A primitive.
    Prim(Prim),
    /// The arms of a site, joined as the run says: a weighted sum, one of them, or some concatenated. Operands that the
    /// run does not use may be absent; where it uses none, the sum is zero.
    Mix(u32),
    /// The sum of those operands that are present.
    Sum,
    /// Several primitives in one, for the CPU; see [`Lowering::fuse`](crate::Lowering::fuse).
    Fused(Fused),
    /// A derivative. The gradient of the result comes first among the operands.
    Grad(Grad),
}

/// What a fused kernel does to its input before it reads it: `relu(scale * x + shift)`, each part optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Act {
    /// Whether scale and shift, `[C]`, come among the operands.
    pub scaled: bool,
    /// Whether the negative becomes zero.
    pub relu: bool,
}

/// Several primitives in one. Images are `[N, C, H, W]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fused {
    /// The statistics of a batch norm. Takes the input; if `affine`, weight and bias; if `track`, the running mean and
    /// variance, which it updates. Gives the batch norm's result, which is never computed and only stands for its
    /// gradient; then mean and inverse deviation of the batch, and the `scale` and `shift` that make up the batch norm.
    Stats {
        /// Added to the variance.
        eps: Real,
        /// Weight of the batch in the running statistics.
        momentum: Real,
        /// Whether weight and bias are given.
        affine: bool,
        /// Whether running statistics are given.
        track: bool,
    },
    /// A depthwise convolution of an activation. Takes input, kernel `[C, 1, kh, kw]`, perhaps scale and shift.
    Depthwise {
        /// Step of the window.
        stride: Pair,
        /// Zeros at each side.
        pad: Pair,
        /// Distance of the taps.
        dilation: Pair,
        /// The activation.
        act: Act,
    },
    /// A 1x1 convolution of an activation. Takes input, kernel `[O, C, 1, 1]`, perhaps scale and shift.
    Pointwise {
        /// Step of the window.
        stride: Pair,
        /// The activation.
        act: Act,
    },
    /// The sum of images, each scaled and shifted or not, perhaps rectified. Takes each image, followed by scale and shift
    /// if its flag is set.
    Sum {
        /// Which images are scaled.
        terms: SmallVec<[bool; 4]>,
        /// Whether the sum is rectified.
        relu: bool,
    },
}

/// The first result of [`Fused::Stats`], given its scale.
pub(crate) fn normalised(scale: Var) -> Var {
    Var(scale.0 - 3)
}

/// A derivative: the gradient of a primitive's operands for that of its result, `g`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Grad {
    /// Takes `g` and what [`Grad::saves_result`] says: the result, or else the operand.
    Unary(Unary),
    /// Takes `g`, input and kernel; gives three gradients, those that are wanted.
    Conv2d {
        /// Step of the window.
        stride: Pair,
        /// Zeros at each side.
        pad: Pair,
        /// Distance of the taps.
        dilation: Pair,
        /// Groups of channels.
        groups: u32,
        /// Which are wanted.
        want: Wanted,
    },
    /// Takes `g`, input and weight; gives three gradients, those that are wanted.
    Linear {
        /// Which are wanted.
        want: Wanted,
    },
    /// Takes `g`, input, the batch's mean and inverse deviation; then scale if `affine`, then running mean and variance if
    /// `track`. Gives three gradients, those that are wanted.
    BatchNorm {
        /// Added to the variance.
        eps: Real,
        /// Whether the batch's statistics were used.
        batch: bool,
        /// Whether there is a scale.
        affine: bool,
        /// Whether there are running statistics.
        track: bool,
        /// Which are wanted.
        want: Wanted,
    },
    /// Takes `g`, input, mean, inverse deviation, and perhaps scale and shift; gives three gradients.
    LayerNorm {
        /// Number of axes.
        trailing: u32,
        /// Which are wanted.
        want: Wanted,
    },
    /// Takes `g`, input, mean, inverse deviation, and perhaps scale and shift; gives three gradients.
    GroupNorm {
        /// Number of groups.
        groups: u32,
        /// Which are wanted.
        want: Wanted,
    },
    /// Takes `g` and the result.
    Softmax {
        /// The axis.
        axis: u32,
        /// Whether the result is a logarithm.
        log: bool,
    },
    /// Takes `g` and the places of the maxima; gives a gradient of type `x`.
    MaxPool {
        /// The window.
        window: Window,
        /// The input's type.
        x: TensorType,
    },
    /// Takes `g`; gives a gradient of type `x`.
    AvgPool {
        /// The window.
        window: Window,
        /// Whether the margin counts.
        count_include_pad: bool,
        /// The input's type.
        x: TensorType,
    },
    /// Takes `g`; gives a gradient of type `x`.
    AdaptiveAvgPool {
        /// The input's type.
        x: TensorType,
    },
    /// Takes `g`; spreads it over the folded axes, each element by itself in memory.
    Reduce {
        /// How they were folded.
        fold: Fold,
        /// Which.
        axes: Axes,
        /// The input's type.
        x: TensorType,
    },
    /// Takes `g`; sets it into zeros of type `x`.
    Slice {
        /// The axis.
        axis: u32,
        /// The first index.
        start: u32,
        /// Distance of the indices.
        step: u32,
        /// The input's type.
        x: TensorType,
    },
    /// Takes a gradient; sums the axes that broadcasting stretched, to type `x`.
    SumTo {
        /// The operand's type.
        x: TensorType,
    },
    /// Takes `g`, the log-softmax and the targets.
    CrossEntropy {
        /// The smoothing.
        smoothing: Real,
    },
    /// Takes `g` of a site's result; gives that of one arm, absent if the run does not use it.
    Arm {
        /// The site.
        site: u32,
        /// The arm.
        arm: u32,
    },
    /// Takes `g` of a site's result and an arm; gives the gradient of the arm's weight, a scalar.
    ArmWeight {
        /// The site.
        site: u32,
        /// The arm.
        arm: u32,
    },
    /// Takes the gradients of the arms' weights; gives them in a row, zero where absent.
    Weights {
        /// The site.
        site: u32,
    },
    /// What a batch norm's gradient needs of all pixels. Takes `g`, the input, mean, inverse deviation, and the weight if
    /// `affine`. Gives factors `[3, C]`, and the gradients of weight and bias.
    Stats {
        /// Whether there is a weight.
        affine: bool,
    },
    /// The gradient of a batch norm's input. Takes `g`, the input and the factors of [`Grad::Stats`].
    Normalised,
    /// Takes `g`, input, kernel, perhaps scale and shift. Gives the gradients of the activation before its ReLU and of the
    /// kernel, those that are wanted.
    Depthwise {
        /// Step of the window.
        stride: Pair,
        /// Zeros at each side.
        pad: Pair,
        /// Distance of the taps.
        dilation: Pair,
        /// The activation.
        act: Act,
        /// Which are wanted.
        want: Wanted,
    },
    /// Takes `g`; if `norm`, the convolution's result and the factors of [`Grad::Stats`] (then `g` is the gradient of the
    /// batch norm that follows); input, kernel, perhaps scale and shift. Gives what [`Grad::Depthwise`] gives.
    Pointwise {
        /// Step of the window.
        stride: Pair,
        /// The activation.
        act: Act,
        /// Whether a batch norm follows.
        norm: bool,
        /// Which are wanted.
        want: Wanted,
    },
    /// A primitive without a rule of its own: takes `g` and its operands, runs it once more under libtorch's autograd, and
    /// gives a gradient for each operand that is wanted.
    Autograd {
        /// The primitive.
        prim: Prim,
        /// Which of the operands.
        want: [bool; 3],
    },
}

impl Grad {
    /// Whether the derivative of a function is taken from its result, not from its operand.
    #[must_use]
    pub fn saves_result(f: Unary) -> bool {
        matches!(f, Unary::Relu | Unary::Sigmoid | Unary::Tanh | Unary::Exp | Unary::Sqrt)
    }
}

impl Kernel {
    /// Whether a result is absent if the operand of that place is.
    #[must_use]
    pub fn needs(&self, _operand: usize) -> bool {
        !matches!(self, Self::Sum | Self::Mix(_) | Self::Grad(Grad::Weights { .. }))
    }

    /// Whether its results may be put in place of those of an equal kernel on equal operands.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        match self {
            Self::Prim(p) => !p.is_random() && !p.updates(),
            Self::Mix(_) | Self::Grad(Grad::Arm { .. } | Grad::ArmWeight { .. } | Grad::Weights { .. }) => false,
            Self::Fused(f) => !matches!(f, Fused::Stats { track: true, .. }),
            Self::Sum | Self::Grad(_) => true,
        }
    }

    /// Whether its first result only stands for its gradient and is never computed.
    #[must_use]
    pub fn gives_nothing_first(&self) -> bool {
        matches!(self, Self::Fused(Fused::Stats { .. }))
    }

    /// Which operands' memory its first result may share: so many from the first. `skips` says whether a run may leave
    /// operands absent, so that a sum of two becomes one of them.
    #[must_use]
    pub fn views(&self, operands: usize, skips: bool) -> usize {
        match self {
            Self::Prim(p) if p.is_view() => 1,
            Self::Prim(Prim::Concat { .. }) if operands == 1 => 1,
            Self::Mix(_) => operands,
            Self::Sum if skips => operands,
            Self::Grad(Grad::Arm { .. } | Grad::SumTo { .. }) => 1,
            _ => 0,
        }
    }

    /// Whether its result can be written over its first operand, which has the same type.
    #[must_use]
    pub fn can_overwrite(&self) -> bool {
        matches!(
            self,
            Self::Prim(Prim::Unary(Unary::Relu | Unary::Relu6) | Prim::Affine { .. } | Prim::Binary(_))
                | Self::Sum
                | Self::Grad(Grad::Unary(Unary::Relu))
        )
    }
}
