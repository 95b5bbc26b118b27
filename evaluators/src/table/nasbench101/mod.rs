//! The NAS-Bench-101 tables (Ying et al., 2019).

mod graphs;
mod near;
pub(super) mod pool;

use std::path::Path;
use std::sync::OnceLock;

use mutators::nasbench101::CellSpec;

use self::graphs::Graphs;
use super::TableError;
use super::file::table_file;
use super::rows::Rows;

const HEADER: &str = "n,adj,ops,order,params,test_acc";

table_file! {
    /// NAS-Bench-101, all 423,624 cells: params and test accuracy.
    NASBENCH101 = {
        "nasbench101",
        "nasbench101.csv.gz",
        423_624,
        "a399d0846babfbf7e371c16cb1d6f64fc4621776aef2ec53ee8a9fe1ee574bb9",
        "MIT; NAS-Bench-101 itself is Apache-2.0",
        "FreeREA@9c2a726 cached_metrics/nasbench101; graphs re-enumerated",
    }
}

/// A row of [`Nasbench101`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellId(u32);

impl CellId {
    /// Number of the row.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every cell of the benchmark, with its parameters and its test accuracy at 108 epochs.
///
/// There is no validation accuracy: a search on this table sees test accuracies, an oracle, and
/// must say so. [`Nasbench101Pool`](super::Nasbench101Pool) has validation accuracies.
///
/// ```
/// use evaluators::table::Nasbench101;
///
/// let table = Nasbench101::embedded()?;
/// let cell = "[[0,1,0],[0,0,1],[0,0,0]] [input,conv3x3-bn-relu,output]".parse().expect("a cell");
/// let id = table.find(&cell).expect("every valid cell is in the table");
/// assert!(table.test_accuracy(id) > 90.0);
/// # Ok::<(), evaluators::table::TableError>(())
/// ```
#[derive(Debug)]
pub struct Nasbench101 {
    graphs: Graphs,
    params: Vec<u32>,
    test_accuracy: Vec<f64>,
}

impl Nasbench101 {
    /// The embedded table, loaded on first use.
    ///
    /// # Errors
    /// When the embedded bytes are not the table's.
    pub fn embedded() -> Result<&'static Nasbench101, TableError> {
        static TABLE: OnceLock<Result<Nasbench101, TableError>> = OnceLock::new();
        TABLE.get_or_init(|| NASBENCH101.load(Self::read)).as_ref().map_err(Clone::clone)
    }

    /// The table from a file of the same bytes.
    ///
    /// # Errors
    /// When the file can't be read or has another checksum.
    pub fn from_path(path: &Path) -> Result<Nasbench101, TableError> {
        NASBENCH101.load_path(path, Self::read)
    }

    fn read(rows: &mut Rows<'_>) -> Result<Self, TableError> {
        rows.expect_header(HEADER)?;
        let mut table = Nasbench101 {
            graphs: Graphs::with_capacity(NASBENCH101.rows),
            params: Vec::with_capacity(NASBENCH101.rows),
            test_accuracy: Vec::with_capacity(NASBENCH101.rows),
        };
        while rows.advance()? {
            table.graphs.read(rows)?;
            table.params.push(rows.natural()?);
            table.test_accuracy.push(rows.percent()?);
        }
        Ok(table)
    }

    /// The row of a cell, which may be unpruned and numbered in any way; `None` when the cell is
    /// not in the space: unconnected, or with more than nine edges.
    pub fn find(&self, cell: &CellSpec) -> Option<CellId> {
        self.graphs.find_cell(cell).map(CellId)
    }

    /// The row of a pruned cell's [`code`](CellSpec::code).
    pub fn find_code(&self, code: u64) -> Option<CellId> {
        self.graphs.find(code).map(CellId)
    }

    /// Every row, by ascending code.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = CellId> + Clone + use<> {
        (0..self.graphs.len() as u32).map(CellId)
    }

    /// The row's cell as the benchmark numbers its vertices. The network built from this
    /// numbering has the table's params; from another it may have others, since the numbering
    /// decides which vertices take the remainder of a channel split.
    pub fn cell(&self, id: CellId) -> CellSpec {
        self.graphs.cell(id.0)
    }

    /// Canonical code of the row's cell.
    pub fn code(&self, id: CellId) -> u64 {
        self.graphs.code(id.0)
    }

    /// Trainable parameters of the network on CIFAR-10.
    pub fn params(&self, id: CellId) -> u32 {
        self.params[id.index()]
    }

    /// Test accuracy in percent after 108 epochs on CIFAR-10, mean of three trainings: an oracle.
    pub fn test_accuracy(&self, id: CellId) -> f64 {
        self.test_accuracy[id.index()]
    }

    /// The best test accuracy, and the first row that has it.
    pub fn best(&self) -> Option<(CellId, f64)> {
        self.ids().map(|id| (id, self.test_accuracy(id))).reduce(|best, next| if next.1 > best.1 { next } else { best })
    }
}

#[cfg(test)]
mod tests;
