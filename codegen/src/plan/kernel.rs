//! Kernels: primitives, their derivatives, and what joins the arms of an open choice.

use ir::TensorType;
use ir::op::Pair;
use ir::prim::{Axes, Fold, Prim, Unary, Window};
use ir::value::Real;

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
    /// run does not use may be absent.
    Mix(u32),
    /// The sum of those operands that are present.
    Sum,
    /// A derivative. The gradient of the result comes first among the operands.
    Grad(Grad),
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
            Self::Sum | Self::Grad(_) => true,
        }
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
        match self {
            Self::Prim(Prim::Unary(Unary::Relu | Unary::Relu6) | Prim::Affine { .. } | Prim::Binary(_)) | Self::Sum => {
                true
            }
            Self::Grad(Grad::Unary(Unary::Relu)) => true,
            _ => false,
        }
    }
}
