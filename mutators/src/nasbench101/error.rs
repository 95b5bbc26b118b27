//! What can be wrong with a cell or its notation.

use super::{MAX_VERTICES, Op101};

/// Why a NAS-Bench-101 cell can't be built or read. `at` is the character, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    /// Too few or too many vertices.
    #[error("a NAS-Bench-101 cell has 2 to {MAX_VERTICES} vertices, not {found}: add or remove rows of the matrix")]
    Vertices {
        /// Number given.
        found: usize,
    },
    /// An edge of a vertex that the cell doesn't have.
    #[error(
        "adjacency bits {adj:#x} name a vertex beyond the {n} of the cell: use bit x + y(y-1)/2 for an edge x -> y, y < {n}"
    )]
    Edges {
        /// Bits given.
        adj: u32,
        /// Vertices of the cell.
        n: usize,
    },
    /// Number of operations and of vertices don't agree.
    #[error(
        "{found} interior operations given, the matrix has {expected} interior vertices: give one for each vertex but input and output"
    )]
    Ops {
        /// Number given.
        found: usize,
        /// Number needed.
        expected: usize,
    },
    /// A row of the matrix is too short or too long.
    #[error(
        "row {row} of the matrix (character {at}) has {found} entries, the first row has {expected}: the matrix must be square"
    )]
    Row {
        /// Row, from 0.
        row: usize,
        /// Entries in it.
        found: usize,
        /// Entries it should have.
        expected: usize,
        /// Place in the text.
        at: usize,
    },
    /// The matrix has not as many rows as columns.
    #[error("the matrix has {rows} rows of {columns} entries: it must be square")]
    Square {
        /// Rows.
        rows: usize,
        /// Entries in each.
        columns: usize,
    },
    /// An entry on or below the diagonal.
    #[error(
        "row {row}, column {column} of the matrix (character {at}) is 1: edges go from a lower to a higher vertex, so only entries above the diagonal may be set; renumber the vertices in topological order"
    )]
    LowerTriangle {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// Place in the text.
        at: usize,
    },
    /// An operation that the benchmark doesn't have, or not at this place.
    #[error(
        "operation {index} (character {at}) is `{found}`: {expected}",
        expected = match expected { Some(name) => format!("write `{name}` there"), None => format!("use one of {}", Op101::ALL.map(Op101::name).join(", ")) }
    )]
    Op {
        /// Place in the list, from 0.
        index: usize,
        /// Name found.
        found: String,
        /// The only name that may stand there (`input`, `output`); `None` for any operation.
        expected: Option<&'static str>,
        /// Place in the text.
        at: usize,
    },
    /// The text has not the form of a matrix and a list.
    #[error("expected {expected} at character {at}, found {found}: write `[[0,1],[0,0]] [input,output]`")]
    Syntax {
        /// What was expected.
        expected: &'static str,
        /// What stands there.
        found: String,
        /// Place in the text.
        at: usize,
    },
}
