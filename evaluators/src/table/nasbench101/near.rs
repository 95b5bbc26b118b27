//! Which rows of a part of the benchmark are near each other.
//!
//! A row reaches its cell and that cell's mutants. Rows that reach a common cell, in the part or outside of it, are near
//! each other. So nearness goes both ways, and does not depend on how cells are numbered.

use mutators::nasbench101::CellSpec;

use super::graphs::Graphs;

/// What the rows reach.
#[derive(Debug)]
pub(super) struct Near {
    /// A code that is reached and a row that reaches it, ascending.
    reached: Vec<(u64, u32)>,
}

impl Near {
    /// Mutates every row.
    pub fn new(graphs: &Graphs) -> Self {
        let rows = 0..graphs.len() as u32;
        let mut reached: Vec<(u64, u32)> =
            rows.flat_map(|row| reach(graphs.code(row)).into_iter().map(move |code| (code, row))).collect();
        reached.sort_unstable();
        Self { reached }
    }

    /// The rows near a row, ascending. If there are none, those that reach what two mutations of the row give, and so on.
    pub fn of(&self, graphs: &Graphs, row: u32) -> Vec<u32> {
        let mut codes = reach(graphs.code(row));
        loop {
            let mut rows: Vec<u32> = codes.iter().flat_map(|code| self.reaching(*code)).filter(|r| *r != row).collect();
            if !rows.is_empty() {
                rows.sort_unstable();
                rows.dedup();
                return rows;
            }
            let mut further: Vec<u64> = codes.iter().flat_map(|code| reach(*code)).collect();
            further.sort_unstable();
            further.dedup();
            if further.len() == codes.len() {
                return rows;
            }
            codes = further;
        }
    }

    fn reaching(&self, code: u64) -> impl Iterator<Item = u32> {
        let start = self.reached.partition_point(|(c, _)| *c < code);
        self.reached[start..].iter().take_while(move |(c, _)| *c == code).map(|(_, row)| *row)
    }
}

/// A cell's code and its mutants'.
fn reach(code: u64) -> Vec<u64> {
    let cell = CellSpec::from_packed(code).expect("invariant: codes are packed cells");
    let mut codes = cell.mutants();
    codes.push(code);
    codes
}
