//! The text form `.lir`: printed and parsed, names never indices, byte-stable.

use crate::op::{OpRegistry, OpTemplate};
use crate::value::Name;

/// A malformed text: where, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// The most similar of some names, if one is similar enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let scored = known.into_iter().map(|k| (strsim::damerau_levenshtein(name, k), k));
    let (distance, best) = scored.min_by_key(|(d, _)| *d)?;
    (distance <= 1 + name.len() / 3).then(|| best.to_owned())
}

pub(crate) fn parse_template(_: &str, _: &[Name], _: &OpRegistry) -> Result<OpTemplate, ParseError> {
    unimplemented!("the text helper writes this")
}
