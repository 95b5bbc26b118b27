//! Emission: how an op says what it computes.

use super::Prim;
use crate::op::OpError;
use crate::ty::TensorType;
use smallvec::SmallVec;

/// A value of the emitter that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Var(pub u32);

impl Var {
    /// A further value of the primitive whose first value this is.
    #[must_use]
    pub fn output(self, k: u32) -> Self {
        Self(self.0 + k)
    }

    /// As an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl std::fmt::Display for Var {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// Values of an op; one for nearly all.
pub type Vars = SmallVec<[Var; 1]>;

/// What a network is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Training: statistics of the batch, dropout.
    Train,
    /// Evaluation: running statistics, nothing random.
    Eval,
}

/// Why an op has no lowering.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// A custom op that does not say what it computes.
    #[error("`{0}` has no lowering to primitives (implement `CustomOp::emit`)")]
    NoLowering(String),
    /// A primitive that cannot take its operands: an op's lowering is wrong.
    #[error("primitive `{prim}`: {source}")]
    Prim {
        /// The primitive.
        prim: String,
        /// What is wrong.
        source: OpError,
    },
}

/// A backend that takes primitives in order. Object-safe, so that a downstream crate's own op can use it.
pub trait Emit {
    /// What the network is run for.
    fn mode(&self) -> Mode;

    /// The type of a value.
    fn type_of(&self, v: Var) -> &TensorType;

    /// Adds a primitive and returns its first value; the others, if any, follow it in number.
    ///
    /// # Errors
    /// If the primitive cannot take these operands.
    fn prim(&mut self, prim: Prim, x: &[Var]) -> Result<Var, EmitError>;
}
