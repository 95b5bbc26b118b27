//! The ops that a parser knows: the built-in table and what a downstream crate adds.

use super::custom::OpaqueFactory;
use super::{AttrSpec, BUILTIN, CustomFactory, CustomHandle, Op, OpError};
use crate::value::{Name, Value};
use std::fmt;
use std::sync::Arc;

/// Makes an op from literal attributes.
pub(crate) type Make = fn(&[(Name, Value)]) -> Result<Op, OpError>;

/// A built-in kind of op.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub name: &'static str,
    pub summary: &'static str,
    pub attrs: &'static [AttrSpec],
    pub make: Make,
}

/// A kind of op: what a name stands for, before its attributes are known.
#[derive(Clone)]
pub struct OpKind(Kind);

#[derive(Clone)]
enum Kind {
    Builtin(&'static Builtin),
    Custom(Arc<dyn CustomFactory>),
}

impl OpKind {
    /// Name in the text form.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.0 {
            Kind::Builtin(b) => b.name,
            Kind::Custom(c) => c.name(),
        }
    }

    /// What it does, in one line.
    #[must_use]
    pub fn summary(&self) -> &str {
        match &self.0 {
            Kind::Builtin(b) => b.summary,
            Kind::Custom(c) => c.summary(),
        }
    }

    /// The attributes that it takes.
    #[must_use]
    pub fn attrs(&self) -> &[AttrSpec] {
        match &self.0 {
            Kind::Builtin(b) => b.attrs,
            Kind::Custom(c) => c.attrs(),
        }
    }

    /// Makes the op from literal attributes.
    ///
    /// # Errors
    /// If an attribute is unknown, absent or of the wrong kind.
    pub fn make(&self, attrs: &[(Name, Value)]) -> Result<Op, OpError> {
        match &self.0 {
            Kind::Builtin(b) => (b.make)(attrs),
            Kind::Custom(c) => c.make(attrs).map(|op| Op::Custom(CustomHandle::new(op))),
        }
    }
}

impl PartialEq for OpKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for OpKind {}

impl fmt::Debug for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kinds of ops by name. The default registry holds the built-in table and [`Opaque`](super::Opaque).
#[derive(Clone, Debug)]
pub struct OpRegistry {
    custom: Vec<Arc<dyn CustomFactory>>,
}

impl Default for OpRegistry {
    fn default() -> Self {
        Self { custom: vec![Arc::new(OpaqueFactory)] }
    }
}

impl OpRegistry {
    /// Adds a kind of op; one of the same name is replaced, a built-in name cannot be.
    #[must_use]
    pub fn with(mut self, factory: Arc<dyn CustomFactory>) -> Self {
        self.custom.retain(|f| f.name() != factory.name());
        self.custom.push(factory);
        self
    }

    /// The kind of that name.
    ///
    /// # Errors
    /// If there is none; the message names the nearest.
    pub fn kind(&self, name: &str) -> Result<OpKind, OpError> {
        if let Some(b) = BUILTIN.iter().find(|b| b.name == name) {
            return Ok(OpKind(Kind::Builtin(b)));
        }
        if let Some(c) = self.custom.iter().find(|c| c.name() == name) {
            return Ok(OpKind(Kind::Custom(c.clone())));
        }
        let kinds = self.kinds();
        let nearest = crate::text::nearest(name, kinds.iter().map(OpKind::name));
        Err(OpError::Unknown { name: name.to_owned(), nearest })
    }

    /// All kinds, the built-in ones first.
    #[must_use]
    pub fn kinds(&self) -> Vec<OpKind> {
        let builtin = BUILTIN.iter().map(Kind::Builtin);
        builtin.chain(self.custom.iter().cloned().map(Kind::Custom)).map(OpKind).collect()
    }
}
