//! Ops that a downstream crate brings itself.

use super::{Arity, AttrSpec, OpError, Types, WeightSpec};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Var, Vars};
use crate::ty::TensorType;
use crate::value::{Name, Value};
use smallvec::SmallVec;
use std::fmt::{self, Debug, Write};
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// An op that is not in the table. See [`Opaque`] for one, and [`OpRegistry`](super::OpRegistry) to make it parse.
pub trait CustomOp: Debug + Send + Sync {
    /// Name in the text form.
    fn name(&self) -> &str;
    /// The attributes, in a fixed order.
    fn attrs(&self) -> Vec<(Name, Value)>;
    /// Number of inputs.
    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }
    /// Whether the order of inputs does not matter.
    fn is_commutative(&self) -> bool {
        false
    }
    /// Types of the outputs.
    ///
    /// # Errors
    /// If the op cannot take such inputs.
    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError>;
    /// The weights for accepted inputs.
    fn weights(&self, _x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
        SmallVec::new()
    }
    /// Operations for one example by a counting convention.
    fn macs(&self, _convention: Convention, _x: &[&TensorType], _y: &[TensorType]) -> u64 {
        0
    }
    /// Says in primitives what the op computes; without it, a graph that uses the op cannot be trained or exported.
    ///
    /// # Errors
    /// If the op has no lowering, or a primitive refuses its operands.
    fn emit(&self, _e: &mut dyn Emit, _x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Err(EmitError::NoLowering(self.name().to_owned()))
    }
}

/// Makes a custom op from literal attributes.
pub trait CustomFactory: Debug + Send + Sync {
    /// Name in the text form.
    fn name(&self) -> &str;
    /// One line for lists of ops.
    fn summary(&self) -> &str;
    /// The attributes that it takes.
    fn attrs(&self) -> &[AttrSpec];
    /// Makes the op.
    ///
    /// # Errors
    /// If an attribute is absent or of the wrong kind.
    fn make(&self, attrs: &[(Name, Value)]) -> Result<Arc<dyn CustomOp>, OpError>;
}

/// A custom op with the canonical text of its attributes, by which it is compared and hashed.
#[derive(Clone)]
pub struct CustomHandle {
    op: Arc<dyn CustomOp>,
    text: Arc<str>,
}

impl CustomHandle {
    /// Wraps an op.
    #[must_use]
    pub fn new(op: Arc<dyn CustomOp>) -> Self {
        let mut text = String::new();
        for (name, value) in op.attrs() {
            write!(text, "{name}={value};").expect("invariant: writing to a string cannot fail");
        }
        Self { op, text: text.into() }
    }

    /// The canonical text of the attributes.
    #[must_use]
    pub fn attr_text(&self) -> &str {
        &self.text
    }
}

impl Deref for CustomHandle {
    type Target = dyn CustomOp;
    fn deref(&self) -> &Self::Target {
        &*self.op
    }
}

impl PartialEq for CustomHandle {
    fn eq(&self, other: &Self) -> bool {
        self.op.name() == other.op.name() && self.text == other.text
    }
}

impl Eq for CustomHandle {}

impl Hash for CustomHandle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.op.name().hash(state);
        self.text.hash(state);
    }
}

impl Debug for CustomHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.op.fmt(f)
    }
}

/// A named op without a meaning here, `custom {name=my_op}`: it keeps its first input's type and counts no weights.
///
/// It lets a graph that uses an unknown operation be read, edited, hashed, drawn and written back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// What it stands for.
    pub op: Name,
    /// Whether its inputs commute.
    pub commutative: bool,
}

impl CustomOp for Opaque {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn attrs(&self) -> Vec<(Name, Value)> {
        let mut out = vec![(Name::new_static("name"), Value::Str(self.op.clone()))];
        if self.commutative {
            out.push((Name::new_static("commutative"), Value::Bool(true)));
        }
        out
    }

    fn arity(&self) -> Arity {
        Arity::AtLeast(1)
    }

    fn is_commutative(&self) -> bool {
        self.commutative
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok([x[0].clone()].into_iter().collect())
    }
}

/// Makes [`Opaque`] ops; in every registry.
#[derive(Debug)]
pub(super) struct OpaqueFactory;

impl CustomFactory for OpaqueFactory {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn summary(&self) -> &'static str {
        "a named op without a meaning here; keeps its first input's type"
    }

    fn attrs(&self) -> &[AttrSpec] {
        &[AttrSpec { name: "name", required: true }, AttrSpec { name: "commutative", required: false }]
    }

    fn make(&self, attrs: &[(Name, Value)]) -> Result<Arc<dyn CustomOp>, OpError> {
        AttrSpec::check_names("custom", self.attrs(), attrs)?;
        let op = AttrSpec::read(attrs, "name")?
            .ok_or_else(|| OpError::MissingAttr { op: "custom".into(), attr: "name".into() })?;
        Ok(Arc::new(Opaque { op, commutative: AttrSpec::read(attrs, "commutative")?.unwrap_or(false) }))
    }
}
