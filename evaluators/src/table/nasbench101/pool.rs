//! The part of NAS-Bench-101 whose validation accuracies are public in plain form.

use std::path::Path;
use std::sync::OnceLock;

use mutators::nasbench101::CellSpec;

use super::super::TableError;
use super::super::file::table_file;
use super::super::names::named;
use super::super::rows::Rows;
use super::graphs::Graphs;
use super::near::Near;

const HEADER: &str = "n,adj,ops,order,params,val_acc_4,val_acc_12,val_acc_36,val_acc_108,train_time_108_s,test_acc";

table_file! {
    /// NAS-Bench-101, the first 20,001 cells by the benchmark's hash.
    NASBENCH101_POOL = {
        "nasbench101-pool",
        "nasbench101_pool.csv.gz",
        20_001,
        "76211590e3dfdf6adecb19aa9f3f71b58159a66b7e86bee88ad9a67864857ab3",
        "Apache-2.0 (the data, by NAS-Bench-101)",
        "tiga1231/nasbench-vis, blob 02802542c2d3; test accuracy and params as in the full table",
    }
}

named! {
    /// Length of a training. The four are separate trainings with their own learning-rate
    /// schedules, not points of one curve.
    "number of epochs" PoolEpochs {
        /// 4 epochs.
        E4 = "4",
        /// 12 epochs.
        E12 = "12",
        /// 36 epochs.
        E36 = "36",
        /// 108 epochs, the benchmark's full training.
        E108 = "108",
    }
}

impl PoolEpochs {
    /// The number.
    pub const fn count(self) -> u32 {
        match self {
            PoolEpochs::E4 => 4,
            PoolEpochs::E12 => 12,
            PoolEpochs::E36 => 36,
            PoolEpochs::E108 => 108,
        }
    }
}

/// A row of [`Nasbench101Pool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolId(u32);

impl PoolId {
    /// Number of the row.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// 20,001 cells with validation accuracies, for searches that choose from a pool.
#[derive(Debug)]
pub struct Nasbench101Pool {
    graphs: Graphs,
    /// Made when it is first asked for.
    near: OnceLock<Near>,
    params: Vec<u32>,
    /// In the order of `PoolEpochs::ALL`.
    validation: [Vec<f64>; 4],
    train_seconds: Vec<f64>,
    test_accuracy: Vec<f64>,
}

impl Nasbench101Pool {
    /// The embedded table, loaded on first use.
    ///
    /// # Errors
    /// When the embedded bytes are not the table's.
    pub fn embedded() -> Result<&'static Nasbench101Pool, TableError> {
        static TABLE: OnceLock<Result<Nasbench101Pool, TableError>> = OnceLock::new();
        TABLE.get_or_init(|| NASBENCH101_POOL.load(Self::read)).as_ref().map_err(Clone::clone)
    }

    /// The table from a file of the same bytes.
    ///
    /// # Errors
    /// When the file can't be read or has another checksum.
    pub fn from_path(path: &Path) -> Result<Nasbench101Pool, TableError> {
        NASBENCH101_POOL.load_path(path, Self::read)
    }

    fn read(rows: &mut Rows<'_>) -> Result<Self, TableError> {
        rows.expect_header(HEADER)?;
        let mut table = Nasbench101Pool {
            graphs: Graphs::with_capacity(NASBENCH101_POOL.rows),
            near: OnceLock::new(),
            params: Vec::with_capacity(NASBENCH101_POOL.rows),
            validation: [const { Vec::new() }; 4],
            train_seconds: Vec::with_capacity(NASBENCH101_POOL.rows),
            test_accuracy: Vec::with_capacity(NASBENCH101_POOL.rows),
        };
        while rows.advance()? {
            table.graphs.read(rows)?;
            table.params.push(rows.natural()?);
            for column in &mut table.validation {
                column.push(rows.percent()?);
            }
            table.train_seconds.push(rows.decimal()?);
            table.test_accuracy.push(rows.percent()?);
        }
        Ok(table)
    }

    /// The row of a cell, which may be unpruned and numbered in any way; `None` when the cell is
    /// not in the pool.
    pub fn find(&self, cell: &CellSpec) -> Option<PoolId> {
        self.graphs.find_cell(cell).map(PoolId)
    }

    /// The row of a pruned cell's [`code`](CellSpec::code).
    pub fn find_code(&self, code: u64) -> Option<PoolId> {
        self.graphs.find(code).map(PoolId)
    }

    /// Every row, by ascending code.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = PoolId> + Clone + use<> {
        (0..self.graphs.len() as u32).map(PoolId)
    }

    /// The rows near a row, ascending: those of which a mutation of the benchmark gives the same cell as one of the row's,
    /// or that are one mutation away. In the mean there are 10 of them. The seven rows that have none have the nearest by
    /// two mutations of theirs.
    ///
    /// A row's [mutants](CellSpec::mutants) alone would not do: of 17 in the mean less than one is in the pool.
    pub fn neighbours(&self, id: PoolId) -> Vec<PoolId> {
        let near = self.near.get_or_init(|| Near::new(&self.graphs));
        near.of(&self.graphs, id.0).into_iter().map(PoolId).collect()
    }

    /// The row of that number.
    pub fn id(&self, index: usize) -> Option<PoolId> {
        let row = u32::try_from(index).ok()?;
        (index < self.graphs.len()).then_some(PoolId(row))
    }

    /// The row's cell as the benchmark numbers its vertices; see
    /// [`Nasbench101::cell`](super::Nasbench101::cell).
    pub fn cell(&self, id: PoolId) -> CellSpec {
        self.graphs.cell(id.0)
    }

    /// Canonical code of the row's cell.
    pub fn code(&self, id: PoolId) -> u64 {
        self.graphs.code(id.0)
    }

    /// Trainable parameters of the network on CIFAR-10.
    pub fn params(&self, id: PoolId) -> u32 {
        self.params[id.index()]
    }

    /// Validation accuracy in percent of one training of that many epochs.
    pub fn validation_accuracy(&self, epochs: PoolEpochs, id: PoolId) -> f64 {
        self.validation[epochs as usize][id.index()]
    }

    /// Seconds that the training of 108 epochs took. Shorter trainings have no time here.
    pub fn train_seconds(&self, id: PoolId) -> f64 {
        self.train_seconds[id.index()]
    }

    /// Test accuracy in percent after 108 epochs, mean of three trainings: for reports.
    pub fn test_accuracy(&self, id: PoolId) -> f64 {
        self.test_accuracy[id.index()]
    }
}
