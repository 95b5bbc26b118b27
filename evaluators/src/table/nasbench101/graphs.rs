//! The rows' cells: the columns `n,adj,ops,order` that both tables begin with.
//!
//! Invariants:
//! - `n,adj,ops` is the canonical numbering of a pruned cell, and rows ascend by its code, so a
//!   cell is found by bisection and loading needs no canonicalisation;
//! - `order` is empty where the canonical numbering gives every vertex the channels that the
//!   benchmark gave it. Elsewhere its digits are the canonical interior vertices in the order of
//!   the benchmark's numbering. Only with that numbering has the network the table's params:
//!   the remainder of a channel split goes to the first vertices, whichever they are.

use mutators::nasbench101::{CellSpec, MAX_INTERIOR, Op101};

use super::super::TableError;
use super::super::rows::Rows;

#[derive(Debug)]
pub(super) struct Graphs {
    /// Code of each row's cell, ascending.
    codes: Vec<u64>,
    /// Row and packed benchmark numbering, for the rows with an order, ascending.
    renumbered: Vec<(u32, u64)>,
}

impl Graphs {
    pub fn with_capacity(rows: usize) -> Self {
        Graphs { codes: Vec::with_capacity(rows), renumbered: Vec::new() }
    }

    /// Reads the four columns of the next row.
    pub fn read(&mut self, rows: &mut Rows<'_>) -> Result<(), TableError> {
        let n = rows.natural()? as usize;
        let adj = rows.natural()?;
        let digits = rows.field()?;
        let mut ops = [Op101::default(); MAX_INTERIOR];
        let cell = ops.get_mut(..digits.len()).and_then(|ops| {
            for (op, digit) in ops.iter_mut().zip(digits) {
                *op = Op101::from_digit(digit.wrapping_sub(b'0'))?;
            }
            CellSpec::new(n, adj, ops).ok()
        });
        let cell = cell.ok_or_else(|| rows.wrong("the operations of a cell", digits))?;
        let code = cell.packed();
        if self.codes.last().is_some_and(|last| *last >= code) {
            return Err(rows.wrong("a cell with a greater code than the last", digits));
        }
        let order = rows.field()?;
        if !order.is_empty() {
            let mut vertices = [0; MAX_INTERIOR];
            let own = vertices.get_mut(..order.len()).and_then(|vertices| {
                for (vertex, digit) in vertices.iter_mut().zip(order) {
                    *vertex = usize::from(digit.wrapping_sub(b'0'));
                }
                cell.renumber(vertices)
            });
            let own = own.ok_or_else(|| rows.wrong("a topological order of the interior", order))?;
            self.renumbered.push((self.codes.len() as u32, own.packed()));
        }
        self.codes.push(code);
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Row of the cell with this code.
    pub fn find(&self, code: u64) -> Option<u32> {
        self.codes.binary_search(&code).ok().map(|row| row as u32)
    }

    /// Row of a cell that may be unpruned and numbered in any way.
    pub fn find_cell(&self, cell: &CellSpec) -> Option<u32> {
        self.find(cell.prune()?.code())
    }

    /// Code of a row's cell.
    pub fn code(&self, row: u32) -> u64 {
        self.codes[row as usize]
    }

    /// A row's cell as the benchmark numbers it.
    pub fn cell(&self, row: u32) -> CellSpec {
        let packed = match self.renumbered.binary_search_by_key(&row, |(row, _)| *row) {
            Ok(place) => self.renumbered[place].1,
            Err(_) => self.code(row),
        };
        CellSpec::from_packed(packed).expect("invariant: packed numbers are made from cells")
    }
}
