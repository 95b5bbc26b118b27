//! Literal values: what an attribute, a candidate of a decision or an expression comes to.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A name of the text form: a graph, a node, a parameter, a label. Cheap to clone.
pub type Name = SmolStr;

/// A finite `f64` with total equality and hashing (by bits, with `-0.0` folded into `0.0`).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(from = "f64")]
pub struct Real(f64);

impl Real {
    /// Wraps a float; `-0.0` becomes `0.0`, so that equal numbers have equal hashes.
    #[must_use]
    pub fn new(x: f64) -> Self {
        Self(if x == 0.0 { 0.0 } else { x })
    }

    /// The number itself.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        Self::new(self.0).0.to_bits() == Self::new(other.0).0.to_bits()
    }
}

impl Eq for Real {}

impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Self::new(self.0).0.to_bits().hash(state);
    }
}

impl From<f64> for Real {
    fn from(x: f64) -> Self {
        Self::new(x)
    }
}

impl fmt::Display for Real {
    /// Always distinguishable from an integer: `2.0`, `0.001`, `1e-5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A literal value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A real number.
    Real(Real),
    /// A label such as `nor_conv_3x3`.
    Str(Name),
    /// A list, such as the chosen subset of an input choice.
    List(Vec<Value>),
}

impl Value {
    /// A label.
    pub fn label(text: impl AsRef<str>) -> Self {
        Self::Str(Name::new(text))
    }

    /// The integer, also of a real number without a fraction.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            Self::Real(r) if r.get().fract() == 0.0 && r.get().abs() < 9.0e15 => Some(r.get() as i64),
            _ => None,
        }
    }

    /// The number as a float.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(i) => Some(*i as f64),
            Self::Real(r) => Some(r.get()),
            _ => None,
        }
    }

    /// What kind of value this is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Real(_) => "real number",
            Self::Str(_) => "label",
            Self::List(_) => "list",
        }
    }
}

/// Whether a text is a bare identifier of the text form.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !matches!(text, "true" | "false" | "and" | "or" | "not" | "of" | "any" | "real")
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Real(r) => write!(f, "{r}"),
            Self::Str(s) if is_identifier(s) => f.write_str(s),
            Self::Str(s) => write_quoted(f, s),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
        }
    }
}

/// A name after its sigil, `%relu`; quoted if it has other characters than the text form's names.
pub(crate) struct Sigil<'a>(pub(crate) char, pub(crate) &'a str);

impl fmt::Display for Sigil<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let plain = crate::text::is_path(self.1) && (self.0 != '?' || !self.1.contains('/'));
        if plain { f.write_str(self.1) } else { write_quoted(f, self.1) }
    }
}

/// Writes a string between double quotes, with `\"`, `\\`, `\n`, `\r` and `\t` escaped, and other hidden characters as
/// `\u{1b}`.
pub(crate) fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            c if crate::text::is_hidden(c) => crate::text::write_escaped(f, c)?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Self::Int(i)
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Self::Real(Real::new(x))
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::label(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_the_text_form_spells() {
        assert_eq!(Value::from(3).to_string(), "3");
        assert_eq!(Value::from(2.0).to_string(), "2.0");
        assert_eq!(Value::from("skip_connect").to_string(), "skip_connect");
        assert_eq!(Value::from("3x3 \"conv\"").to_string(), "\"3x3 \\\"conv\\\"\"");
        assert_eq!(Value::List(vec![1.into(), 2.into()]).to_string(), "[1, 2]");
    }

    #[test]
    fn zero_has_one_hash() {
        assert_eq!(Real::new(-0.0), Real::new(0.0));
        assert_eq!(Value::from(2.0).as_int(), Some(2));
        assert_eq!(Value::from(2.5).as_int(), None);
    }
}
