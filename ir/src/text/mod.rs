//! The text form `.lir`: printed and parsed, names never indices, byte-stable.
//!
//! ```text
//! ; a comment runs to the end of its line
//! module @example {
//!   entry @main
//!
//!   decision ?op in [conv, skip] default skip
//!   decision ?depth in 1..=4
//!   constraint ?depth < 4 or ?op == skip
//!
//!   graph @block<c>(%x) {
//!     %r = relu %x
//!     %y = conv2d %r {out=c, k=3, pad=1}
//!     return %y
//!   }
//!
//!   graph @main(%image: f32[N, 3, 32, 32]) {
//!     %stem = choice ?op (%image) {conv: conv2d {out=3, k=1}, skip: relu}
//!     %body = repeat ?depth as i @block<16 * (i + 1)>(%stem)
//!     return %body
//!   }
//! }
//! ```
//!
//! * `%name` is output 0 of a node and `%name.1` output 1; nodes may be defined in any order.
//! * `%y = linear %x {out=8} weights w` has the weights of that name: those of the node `%w`, or of whatever else says so.
//! * `?name` is a decision, `?name[i]` a member of a family, `@name` a graph; a name with other characters than
//!   letters, digits, `_` (and `/` in `%` and `@` names) stands between double quotes, `%"a-b"`; what is not seen of it
//!   is escaped, so that a terminal that shows a text obeys nothing in it.
//! * In an expression a bare word is a parameter of the graph or else a label, and a quoted one is a label.
//! * What is printed parses to an equal value, and what is parsed prints as the same bytes again.

mod lexer;
mod parser;
mod printer;
mod typed;
mod visible;

pub(crate) use lexer::{MARK, is_path};
pub(crate) use parser::{Tall, make_template, parse_expr_below, parse_val};
pub use parser::{parse_module, parse_template};
pub(crate) use printer::literal_in;
pub use printer::{print_graph, print_module};
pub use typed::typed_text;
pub(crate) use visible::write_escaped;
pub use visible::{is_hidden, visible};

/// Longest text that is read, in bytes.
pub const MAX_TEXT: usize = 64 << 20;
/// Longest name, in bytes.
pub const MAX_NAME: usize = 1024;
/// Deepest nesting of brackets, calls and signs in an expression or a value.
pub const MAX_NESTING: u32 = 64;
/// Greatest height of an expression's tree: a sum may have this many terms.
pub const MAX_HEIGHT: u32 = 256;
/// Most members of a family of decisions.
pub const MAX_FAMILY: u32 = 1 << 16;
/// Most values of a list: of a domain, of weights, of candidates.
pub const MAX_ITEMS: usize = 1 << 16;
/// Most parameters of a graph.
pub const MAX_PARAMS: usize = 64;

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

/// The hint of a message at a misspelt name: `` (did you mean `relu`?)``, with a space before it, or nothing.
#[must_use]
pub fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default()
}

/// The most similar of some names, if one is similar enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let most = 1 + name.len() / 3;
    if name.len() > 64 {
        return None;
    }
    let close = known.into_iter().filter(|k| k.len().abs_diff(name.len()) <= most);
    let scored = close.map(|k| (strsim::damerau_levenshtein(name, k), k));
    let (distance, best) = scored.min_by_key(|(d, _)| *d)?;
    (distance <= most).then(|| best.to_owned())
}
