//! What can go wrong with a table.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a table can't be loaded, or a question to it has no answer.
///
/// Cheap to clone: a failed load of a process-wide table is reported to everyone who asks.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TableError {
    /// The file can't be read.
    #[error("table `{table}`: can't read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// Name of the table.
        table: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// The bytes are not those of the table.
    #[error(
        "table `{table}`: {origin} has SHA-256 {found}, expected {expected}: it is damaged or another version; restore it, or leave the path out to use the embedded table"
    )]
    Checksum {
        /// Name of the table.
        table: &'static str,
        /// Where the bytes are from: a path, or `the embedded file`.
        origin: String,
        /// The table's checksum.
        expected: &'static str,
        /// The checksum of the bytes.
        found: String,
    },
    /// The bytes are not a gzip stream.
    #[error("table `{table}`: can't inflate the file: {source}; rebuild it with the example `pack_tables`")]
    Inflate {
        /// Name of the table.
        table: &'static str,
        /// What the decoder says.
        source: Arc<io::Error>,
    },
    /// Rows are missing, or too many.
    #[error("table `{table}`: {found} rows, expected {expected}; rebuild the file with the example `pack_tables`")]
    Rows {
        /// Name of the table.
        table: &'static str,
        /// Rows the table has.
        expected: usize,
        /// Rows found.
        found: usize,
    },
    /// A field can't be read.
    #[error(
        "table `{table}`, line {line}, field {field}: expected {expected}, found `{found}`; rebuild the file with the example `pack_tables`"
    )]
    Field {
        /// Name of the table.
        table: &'static str,
        /// Line, from 1; the header is line 1.
        line: usize,
        /// Field in the line, from 1.
        field: usize,
        /// What was expected.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// The table has no such column.
    #[error("table `{table}` has no {wanted}: {remedy}")]
    NoColumn {
        /// Name of the table.
        table: &'static str,
        /// What was asked for.
        wanted: String,
        /// What there is.
        remedy: &'static str,
    },
    /// A name that means nothing here.
    #[error(
        "unknown {what} `{found}`{}; known: {known}",
        nearest.as_deref().map_or(String::new(), |name| format!(", did you mean `{name}`?"))
    )]
    UnknownName {
        /// What is named: `dataset`, `device`.
        what: &'static str,
        /// The name.
        found: String,
        /// The known name that is most like it, if one is.
        nearest: Option<String>,
        /// All known names.
        known: String,
    },
}
