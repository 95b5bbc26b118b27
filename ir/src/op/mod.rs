//! Operators: what a node of a graph computes.
//!
//! * One op, one file: attributes, shape rule, weights and cost stand together.
//! * An op stores nothing that its inputs tell (no `in_channels`), so that a change of width re-infers what follows.
//! * The `ops!` list below is the table of built-in ops; a downstream crate's own op is an [`Op::Custom`], equal and
//!   hashed by its name and the canonical text of its attributes.

mod attr;
mod count;
mod custom;
mod registry;
mod shape;
mod template;
#[cfg(test)]
mod testing;

pub use attr::{AttrSpec, AttrType, Attrs, Pair};
pub use custom::{CustomFactory, CustomHandle, CustomOp, Opaque};
pub use registry::{OpKind, OpRegistry};
pub use shape::{broadcast, conv_out, pool_out};
pub use template::OpTemplate;

use crate::cost::Convention;
use crate::hash::StableHasher;
use crate::prim::{Emit, EmitError, Var, Vars};
use crate::ty::TensorType;
use crate::value::{Name, Value};
use smallvec::SmallVec;
use std::fmt;

/// Output types of an op; one for nearly all.
pub type Types = SmallVec<[TensorType; 1]>;

/// Weights of an op; a few at most.
pub type Weights = SmallVec<[WeightSpec; 2]>;

/// Number of inputs that an op takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Exactly this many.
    Exactly(usize),
    /// This many or more.
    AtLeast(usize),
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(1) => f.write_str("1 input"),
            Self::Exactly(n) => write!(f, "{n} inputs"),
            Self::AtLeast(1) => f.write_str("1 or more inputs"),
            Self::AtLeast(n) => write!(f, "{n} or more inputs"),
        }
    }
}

/// Why an op cannot be made, or cannot take its inputs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// No op of that name.
    #[error("no op is called `{name}`{}; `lanista ops` lists them", crate::text::did_you_mean(.nearest.as_deref()))]
    Unknown {
        /// The name.
        name: String,
        /// The most similar op's name.
        nearest: Option<String>,
    },
    /// No attribute of that name.
    #[error("`{op}` has no attribute `{attr}`{}; it has: {known}", crate::text::did_you_mean(.nearest.as_deref()))]
    UnknownAttr {
        /// The op.
        op: String,
        /// The attribute.
        attr: String,
        /// The most similar attribute's name.
        nearest: Option<String>,
        /// What there is.
        known: String,
    },
    /// An attribute that has no default is absent.
    #[error("`{op}` needs the attribute `{attr}`")]
    MissingAttr {
        /// The op.
        op: String,
        /// The attribute.
        attr: String,
    },
    /// An attribute's value is no good.
    #[error("attribute `{attr}` {expected}, not `{found}`")]
    Attr {
        /// The attribute.
        attr: String,
        /// What it should be: `expects a positive integer`.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A wrong number of inputs.
    #[error("expects {expected}, got {found}")]
    Arity {
        /// What it takes.
        expected: Arity,
        /// What it got.
        found: usize,
    },
    /// Inputs that the op cannot take.
    #[error("{0}")]
    Shape(String),
    /// An attribute's expression has no value.
    #[error("attribute `{attr}`: {source}")]
    Eval {
        /// The attribute.
        attr: String,
        /// Why.
        source: crate::eval::EvalError,
    },
}

/// A weight's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Learned by gradient descent; counted as a parameter.
    Parameter,
    /// Kept beside the parameters (running statistics); not counted.
    Buffer,
}

/// How a weight starts, in the conventions of PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All zeros.
    Zeros,
    /// All ones.
    Ones,
    /// Uniform in `+-bound`, with `bound = sqrt(1 / fan_in)`.
    FanInUniform {
        /// Number of inputs that one output sees.
        fan_in: u64,
    },
}

/// A weight of an op: its name, role, shape and initialisation.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSpec {
    /// Name under the node's path, `weight` or `running_mean`.
    pub name: &'static str,
    /// Learned or not.
    pub role: Role,
    /// Shape.
    pub shape: SmallVec<[u32; 4]>,
    /// How it starts.
    pub init: Init,
}

impl WeightSpec {
    /// A learned parameter.
    pub fn parameter(name: &'static str, shape: impl IntoIterator<Item = u32>, init: Init) -> Self {
        Self { name, role: Role::Parameter, shape: shape.into_iter().collect(), init }
    }

    /// A buffer.
    pub fn buffer(name: &'static str, shape: impl IntoIterator<Item = u32>, init: Init) -> Self {
        Self { name, role: Role::Buffer, shape: shape.into_iter().collect(), init }
    }

    /// Number of elements; saturates instead of overflowing.
    #[must_use]
    pub fn numel(&self) -> u64 {
        self.shape.iter().fold(1, |n, d| n.saturating_mul(u64::from(*d)))
    }
}

/// What an op is. Implemented once per file of this folder, on the attribute struct made by [`op!`](crate::op!).
pub trait OpDef: Attrs {
    /// One line for `lanista ops`.
    const SUMMARY: &'static str;
    /// Whether the order of its inputs does not matter.
    const COMMUTATIVE: bool = false;

    /// Number of inputs.
    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    /// Types of the outputs for inputs of these types. The number of inputs has been checked against the arity.
    ///
    /// # Errors
    /// If the op cannot take such inputs; the message names the shapes.
    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError>;

    /// The weights for inputs that [`OpDef::infer`] accepts.
    fn weights(&self, _x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
        SmallVec::new()
    }

    /// Operations for one example by a counting convention, for accepted inputs `x` and their outputs `y`.
    fn macs(&self, _convention: Convention, _x: &[&TensorType], _y: &[TensorType]) -> u64 {
        0
    }

    /// Says in primitives what the op computes from accepted inputs `x` and its weights `w`, in the order of
    /// [`OpDef::weights`]; returns one value per output.
    ///
    /// # Errors
    /// If the op has no lowering, or a primitive refuses its operands.
    fn emit(&self, e: &mut dyn Emit, x: &[Var], w: &[Var]) -> Result<Vars, EmitError>;
}

/// Declares an op's attribute struct: `op! { /// doc \n Conv2d = "conv2d" { /// doc \n out: u32, k: Pair = Pair::both(3) } }`.
///
/// A default may be computed from the attributes declared before it (`stride: Pair = k`), so that leaving it out and
/// spelling it out make the same op, with the same text and hash.
#[macro_export]
macro_rules! op {
    ($(#[$doc:meta])* $name:ident = $text:literal {
        $($(#[$adoc:meta])* $attr:ident : $ty:ty $(= $default:expr)?),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name { $($(#[$adoc])* pub $attr: $ty),* }

        impl $crate::op::Attrs for $name {
            const NAME: &'static str = $text;
            const ATTRS: &'static [$crate::op::AttrSpec] = &[
                $($crate::op::AttrSpec { name: stringify!($attr), required: $crate::op!(@required $($default)?) }),*
            ];

            #[allow(unused_variables, unused_mut)]
            fn from_attrs(attrs: &[($crate::value::Name, $crate::value::Value)]) -> Result<Self, $crate::op::OpError> {
                $crate::op::AttrSpec::check_names(Self::NAME, Self::ATTRS, attrs)?;
                $(let $attr: $ty = $crate::op!(@read attrs, $text, $attr, $ty $(, $default)?);)*
                Ok(Self { $($attr),* })
            }

            #[allow(unused_mut, unused_variables)]
            fn attrs(&self) -> Vec<(&'static str, $crate::value::Value)> {
                let mut out = Vec::new();
                let Self { $($attr),* } = self.clone();
                $(if $crate::op!(@shown $attr, $ty $(, $default)?) {
                    out.push((stringify!($attr), $crate::op::AttrType::to_value(&$attr)));
                })*
                out
            }

            #[allow(unused_variables)]
            fn feed(&self, h: &mut $crate::hash::StableHasher) {
                $($crate::op::AttrType::feed(&self.$attr, h);)*
            }
        }
    };
    (@required) => { true };
    (@required $default:expr) => { false };
    (@read $attrs:ident, $op:literal, $attr:ident, $ty:ty) => {
        $crate::op::AttrSpec::read::<$ty>($attrs, stringify!($attr))?
            .ok_or_else(|| $crate::op::OpError::MissingAttr { op: $op.to_owned(), attr: stringify!($attr).to_owned() })?
    };
    (@read $attrs:ident, $op:literal, $attr:ident, $ty:ty, $default:expr) => {
        match $crate::op::AttrSpec::read::<$ty>($attrs, stringify!($attr))? { Some(v) => v, None => $default }
    };
    (@shown $attr:ident, $ty:ty) => { true };
    (@shown $attr:ident, $ty:ty, $default:expr) => { { let d: $ty = $default; $attr != d } };
}

/// Makes the table of built-in ops from `module::Struct` pairs: the enum, its dispatch and the list of kinds.
macro_rules! ops {
    ($($module:ident :: $name:ident),* $(,)?) => {
        $(mod $module; pub use $module::$name;)*

        /// An op with all its attributes known.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Op {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)*
            /// A downstream crate's own op.
            Custom(CustomHandle),
        }

        $(impl From<$name> for Op {
            fn from(op: $name) -> Self { Self::$name(op) }
        })*

        impl Op {
            /// The name in the text form.
            #[must_use]
            pub fn name(&self) -> &str {
                match self { $(Self::$name(_) => <$name as Attrs>::NAME,)* Self::Custom(op) => op.name() }
            }

            /// The attributes that differ from their defaults, in the order of declaration.
            #[must_use]
            pub fn attrs(&self) -> Vec<(Name, Value)> {
                match self {
                    $(Self::$name(op) => op.attrs().into_iter().map(|(n, v)| (Name::new_static(n), v)).collect(),)*
                    Self::Custom(op) => op.attrs(),
                }
            }

            /// Number of inputs.
            #[must_use]
            pub fn arity(&self) -> Arity {
                match self { $(Self::$name(op) => op.arity(),)* Self::Custom(op) => op.arity() }
            }

            /// Whether the order of inputs does not matter.
            #[must_use]
            pub fn is_commutative(&self) -> bool {
                match self { $(Self::$name(_) => <$name as OpDef>::COMMUTATIVE,)* Self::Custom(op) => op.is_commutative() }
            }

            /// Types of the outputs.
            ///
            /// # Errors
            /// If the op cannot take such inputs.
            pub fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
                let arity = self.arity();
                let fits = match arity { Arity::Exactly(n) => x.len() == n, Arity::AtLeast(n) => x.len() >= n };
                if !fits {
                    return Err(OpError::Arity { expected: arity, found: x.len() });
                }
                match self { $(Self::$name(op) => op.infer(x),)* Self::Custom(op) => op.infer(x) }
            }

            /// The weights for accepted inputs.
            #[must_use]
            pub fn weights(&self, x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
                match self { $(Self::$name(op) => op.weights(x),)* Self::Custom(op) => op.weights(x) }
            }

            /// Operations for one example by a counting convention.
            #[must_use]
            pub fn macs(&self, convention: Convention, x: &[&TensorType], y: &[TensorType]) -> u64 {
                match self { $(Self::$name(op) => op.macs(convention, x, y),)* Self::Custom(op) => op.macs(convention, x, y) }
            }

            /// Says in primitives what it computes from accepted inputs and its weights.
            ///
            /// # Errors
            /// If it has no lowering, or a primitive refuses its operands.
            pub fn emit(&self, e: &mut dyn Emit, x: &[Var], w: &[Var]) -> Result<Vars, EmitError> {
                match self { $(Self::$name(op) => op.emit(e, x, w),)* Self::Custom(op) => op.emit(e, x, w) }
            }

            /// Feeds name and attributes to a stable hash.
            pub fn feed(&self, h: &mut StableHasher) {
                h.text(self.name());
                match self { $(Self::$name(op) => op.feed(h),)* Self::Custom(op) => h.text(op.attr_text()) }
            }
        }

        /// The built-in kinds, in the order of the table.
        pub(crate) const BUILTIN: &[registry::Builtin] = &[$(registry::Builtin {
            name: <$name as Attrs>::NAME,
            summary: <$name as OpDef>::SUMMARY,
            attrs: <$name as Attrs>::ATTRS,
            make: |attrs| <$name as Attrs>::from_attrs(attrs).map(Op::$name),
        }),*];
    };
}

ops! {
    conv2d::Conv2d,
    linear::Linear,
    batch_norm::BatchNorm,
    layer_norm::LayerNorm,
    group_norm::GroupNorm,
    relu::Relu,
    relu6::Relu6,
    gelu::Gelu,
    silu::Silu,
    hardswish::Hardswish,
    sigmoid::Sigmoid,
    tanh::Tanh,
    softmax::Softmax,
    max_pool::MaxPool,
    avg_pool::AvgPool,
    global_avg_pool::GlobalAvgPool,
    adaptive_avg_pool::AdaptiveAvgPool,
    add::Add,
    sub::Sub,
    mul::Mul,
    div::Div,
    matmul::Matmul,
    embedding::Embedding,
    concat::Concat,
    split::Split,
    slice::Slice,
    flatten::Flatten,
    reshape::Reshape,
    transpose::Transpose,
    mean::Mean,
    sum::Sum,
    dropout::Dropout,
    drop_path::DropPath,
    constant::Constant,
    parameter::Parameter,
    identity::Identity,
    zero::Zero,
    pad::Pad,
    channel_shuffle::ChannelShuffle,
}

impl fmt::Display for Op {
    /// `conv2d {out=16, k=3, pad=1}`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let attrs = self.attrs();
        for (i, (name, value)) in attrs.iter().enumerate() {
            write!(f, "{}{name}={value}", if i == 0 { " {" } else { ", " })?;
        }
        f.write_str(if attrs.is_empty() { "" } else { "}" })
    }
}
