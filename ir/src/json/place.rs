//! Places in a document, `graphs[0].nodes[3].attrs.k`, spelled only when there is an error.

use super::JsonError;
use std::fmt;

/// A place, as a list that grows at its end.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// The whole document.
    Root,
    /// A field of an object.
    Field(&'a Place<'a>, &'a str),
    /// An item of a list.
    Item(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    pub(super) fn field(&'a self, name: &'a str) -> Self {
        Self::Field(self, name)
    }

    pub(super) fn item(&'a self, i: usize) -> Self {
        Self::Item(self, i)
    }

    pub(super) fn error(&self, message: impl fmt::Display) -> JsonError {
        JsonError { place: self.to_string(), message: message.to_string() }
    }

    pub(super) fn fail<T>(&self, message: impl fmt::Display) -> Result<T, JsonError> {
        Err(self.error(message))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the document"),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, i) => write!(f, "{parent}[{i}]"),
        }
    }
}
