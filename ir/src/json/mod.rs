//! The JSON form: the same modules as the text form, for tools that would rather not parse `.lir`.
//!
//! ```json
//! {
//!   "module": "example",
//!   "entry": "main",
//!   "decisions": [
//!     {"label": "op", "domain": ["conv", "skip"], "default": "skip"},
//!     {"label": "depth", "domain": "1..=4"}
//!   ],
//!   "constraints": ["?depth < 4 or ?op == skip"],
//!   "graphs": [
//!     {
//!       "name": "block",
//!       "params": ["c"],
//!       "inputs": [{"name": "x"}],
//!       "nodes": [
//!         {"name": "y", "op": "conv2d", "attrs": {"out": "c", "k": 3, "pad": 1}, "inputs": ["%x"]}
//!       ],
//!       "outputs": ["%y"]
//!     },
//!     {
//!       "name": "main",
//!       "inputs": [{"name": "image", "type": "f32[N, 3, 32, 32]"}],
//!       "nodes": [
//!         {
//!           "name": "stem",
//!           "choice": "?op",
//!           "candidates": [
//!             {"label": "conv", "op": "conv2d", "attrs": {"out": 3, "k": 1}},
//!             {"label": "skip", "op": "relu"}
//!           ],
//!           "inputs": ["%image"]
//!         },
//!         {"name": "body", "repeat": "?depth", "index": "i", "block": "block", "args": ["16 * (i + 1)"], "inputs": ["%stem"]},
//!         {"name": "again", "call": "block", "args": [16], "inputs": ["%body"], "type": ["f32[N, 16, 32, 32]"]},
//!         {"name": "any", "select": "?in", "reduce": "mean", "inputs": ["%body", "%again"]}
//!       ],
//!       "outputs": ["%any"]
//!     }
//!   ]
//! }
//! ```
//!
//! * An expression is a number, `true`, `false`, a list of expressions, or a string in the text form's syntax; a label
//!   that is no identifier is therefore quoted twice, `"\"3x3\""`.
//! * Names stand without a sigil, references to values (`%x.1`) and decisions (`?op[i]`) with theirs.
//! * A domain is a list of literal values, or a string in the text form's syntax. A default is a literal value.
//! * A node has exactly one of `op`, `call`, `choice`, `select` and `repeat`; any may name its `weights`. Unknown fields are errors.

mod doc;
mod place;
mod read;
mod read_graph;
mod write;

use crate::module::Module;
use crate::op::OpRegistry;
use crate::text::{MARK, MAX_TEXT};
use doc::ModuleDoc;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A malformed JSON document: where, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct JsonError {
    /// A path such as `graphs[0].nodes[3]`, or `line 2 column 7` where the document has not the expected form.
    pub place: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl Module {
    /// Reads the JSON form; a byte order mark before it is passed over.
    ///
    /// # Errors
    /// If the document is malformed, uses an op that the registry lacks, or its nodes do not make a graph.
    pub fn from_json(text: &str, registry: &OpRegistry) -> Result<Self, JsonError> {
        if text.len() > MAX_TEXT {
            let message = format!("found {} bytes, expected at most {MAX_TEXT}", text.len());
            return Err(JsonError { place: "the document".into(), message });
        }
        let text = text.strip_prefix(MARK).unwrap_or(text);
        let doc: ModuleDoc = serde_json::from_str(text).map_err(|e| {
            let place = format!("line {} column {}", e.line(), e.column());
            let message = e.to_string();
            let message = message.strip_suffix(&format!(" at {place}")).unwrap_or(&message).to_owned();
            JsonError { place, message }
        })?;
        read::module(doc, registry)
    }

    /// Writes the JSON form, indented.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("invariant: a document has string keys only");
        text.push('\n');
        text
    }
}

impl Serialize for Module {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write::module(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Module {
    /// Reads a module with the ops of the default registry; [`Module::from_json`] takes another.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let doc = ModuleDoc::deserialize(deserializer)?;
        read::module(doc, &OpRegistry::default()).map_err(serde::de::Error::custom)
    }
}
