//! Attributes of ops: their Rust types, and the way to and from literal values.

use super::OpError;
use crate::hash::StableHasher;
use crate::ty::DType;
use crate::value::{Name, Real, Value};
use std::fmt::Debug;
use std::hash::Hash;

/// An attribute that an op declares.
#[derive(Clone, Copy, Debug)]
pub struct AttrSpec {
    /// Its name.
    pub name: &'static str,
    /// Whether it has no default.
    pub required: bool,
}

impl AttrSpec {
    /// Rejects attributes that the op does not declare.
    ///
    /// # Errors
    /// If one is unknown; the message names the nearest.
    pub fn check_names(op: &str, specs: &[Self], attrs: &[(Name, Value)]) -> Result<(), OpError> {
        for (name, _) in attrs {
            if specs.iter().all(|s| s.name != name) {
                return Err(Self::unknown(op, specs, name));
            }
        }
        Ok(())
    }

    /// The error for an attribute that the op does not declare.
    pub(crate) fn unknown(op: &str, specs: &[Self], name: &str) -> OpError {
        let known: Vec<&str> = specs.iter().map(|s| s.name).collect();
        OpError::UnknownAttr {
            op: op.to_owned(),
            attr: name.to_owned(),
            nearest: crate::text::nearest(name, known.iter().copied()),
            known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        }
    }

    /// Reads one attribute, if it is there.
    ///
    /// # Errors
    /// If its value is of the wrong kind.
    pub fn read<T: AttrType>(attrs: &[(Name, Value)], name: &str) -> Result<Option<T>, OpError> {
        let Some((_, value)) = attrs.iter().find(|(n, _)| n == name) else { return Ok(None) };
        T::from_value(value).map(Some).ok_or_else(|| OpError::Attr {
            attr: name.to_owned(),
            expected: format!("expects {}", T::EXPECTED),
            found: value.to_string(),
        })
    }
}

/// An op's attribute struct, as [`op!`](crate::op!) makes it.
pub trait Attrs: Clone + Debug + Eq + Hash {
    /// Name in the text form.
    const NAME: &'static str;
    /// The attributes in order.
    const ATTRS: &'static [AttrSpec];

    /// Builds the op from literal attributes.
    ///
    /// # Errors
    /// If one is unknown, absent without a default, or of the wrong kind.
    fn from_attrs(attrs: &[(Name, Value)]) -> Result<Self, OpError>;

    /// The attributes that differ from their defaults.
    fn attrs(&self) -> Vec<(&'static str, Value)>;

    /// Feeds every attribute to a stable hash.
    fn feed(&self, h: &mut StableHasher);
}

/// A Rust type that an attribute may have.
pub trait AttrType: Sized {
    /// What it accepts, for messages: `a positive integer`.
    const EXPECTED: &'static str;
    /// Reads a literal.
    fn from_value(value: &Value) -> Option<Self>;
    /// The literal.
    fn to_value(&self) -> Value;
    /// Feeds a stable hash.
    fn feed(&self, h: &mut StableHasher);
}

impl AttrType for u32 {
    const EXPECTED: &'static str = "a whole number from 0 to 4294967295";
    fn from_value(value: &Value) -> Option<Self> {
        value.as_int().and_then(|i| i.try_into().ok())
    }
    fn to_value(&self) -> Value {
        Value::Int(i64::from(*self))
    }
    fn feed(&self, h: &mut StableHasher) {
        h.word(u64::from(*self));
    }
}

impl AttrType for i64 {
    const EXPECTED: &'static str = "an integer";
    fn from_value(value: &Value) -> Option<Self> {
        value.as_int()
    }
    fn to_value(&self) -> Value {
        Value::Int(*self)
    }
    fn feed(&self, h: &mut StableHasher) {
        h.word(*self as u64);
    }
}

impl AttrType for bool {
    const EXPECTED: &'static str = "true or false (or 1 or 0)";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(*b),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
    fn feed(&self, h: &mut StableHasher) {
        h.word(u64::from(*self));
    }
}

impl AttrType for Real {
    const EXPECTED: &'static str = "a number";
    fn from_value(value: &Value) -> Option<Self> {
        value.as_f64().map(Self::new)
    }
    fn to_value(&self) -> Value {
        Value::Real(*self)
    }
    fn feed(&self, h: &mut StableHasher) {
        h.word(Self::new(self.get()).get().to_bits());
    }
}

impl AttrType for Name {
    const EXPECTED: &'static str = "a label";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Str(s) => Some(s.clone()),
            _ => None,
        }
    }
    fn to_value(&self) -> Value {
        Value::Str(self.clone())
    }
    fn feed(&self, h: &mut StableHasher) {
        h.text(self);
    }
}

impl AttrType for DType {
    const EXPECTED: &'static str = "an element type (f16, bf16, f32, f64, i32, i64, u8, bool)";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Str(s) => Self::from_name(s),
            _ => None,
        }
    }
    fn to_value(&self) -> Value {
        Value::label(self.as_str())
    }
    fn feed(&self, h: &mut StableHasher) {
        h.text(self.as_str());
    }
}

impl<T: AttrType> AttrType for Vec<T> {
    const EXPECTED: &'static str = "a list such as [1, 2]";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::List(items) => items.iter().map(T::from_value).collect(),
            _ => None,
        }
    }
    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }
    fn feed(&self, h: &mut StableHasher) {
        h.word(self.len() as u64);
        self.iter().for_each(|x| x.feed(h));
    }
}

impl<T: AttrType> AttrType for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn from_value(value: &Value) -> Option<Self> {
        T::from_value(value).map(Some)
    }
    /// The empty list where there is none; it is never printed, as `None` is the default wherever it is used.
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::List(Vec::new()), T::to_value)
    }
    fn feed(&self, h: &mut StableHasher) {
        h.word(u64::from(self.is_some()));
        if let Some(x) = self {
            x.feed(h);
        }
    }
}

/// A number per spatial axis, height first: `3`, or `[1, 7]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    /// Along the height.
    pub h: u32,
    /// Along the width.
    pub w: u32,
}

impl Pair {
    /// The same number for both axes.
    #[must_use]
    pub const fn both(x: u32) -> Self {
        Self { h: x, w: x }
    }

    /// The product of the two.
    #[must_use]
    pub fn area(self) -> u64 {
        u64::from(self.h) * u64::from(self.w)
    }
}

impl AttrType for Pair {
    const EXPECTED: &'static str = "a whole number, or a list of two, [height, width]";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::List(items) if items.len() == 2 => {
                Some(Self { h: u32::from_value(&items[0])?, w: u32::from_value(&items[1])? })
            }
            v => u32::from_value(v).map(Self::both),
        }
    }
    fn to_value(&self) -> Value {
        if self.h == self.w { self.h.to_value() } else { Value::List(vec![self.h.to_value(), self.w.to_value()]) }
    }
    fn feed(&self, h: &mut StableHasher) {
        h.word(u64::from(self.h) << 32 | u64::from(self.w));
    }
}
