//! What a check found.

use crate::table::TableFile;
use std::fmt;

/// Records that are listed when a report is printed; the report itself has all of them.
const LISTED: usize = 20;

/// A record whose number is not what the graph, or another source, says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Row of the table.
    pub index: usize,
    /// The architecture in the benchmark's own notation.
    pub arch: String,
    /// The number in the table.
    pub table: u64,
    /// The number it should be.
    pub found: u64,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What: `cifar10 params against the graph`.
    pub what: String,
    /// Records that were compared.
    pub records: usize,
    /// Those that disagree.
    pub disagree: Vec<Disagreement>,
}

/// A column, and in how many rows it has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnCount {
    /// Its name in the file.
    pub name: String,
    /// Rows with a value.
    pub values: usize,
}

/// What was checked of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The table.
    pub table: &'static str,
    /// Its file.
    pub file: &'static str,
    /// SHA-256 of the file, which was checked.
    pub sha256: &'static str,
    /// Rows, which were counted.
    pub rows: usize,
    /// Columns of numbers, where rows may lack a value.
    pub columns: Vec<ColumnCount>,
    /// What was compared.
    pub checks: Vec<Check>,
    /// Rows that the table itself marks: one trial's recorded params are wrong upstream.
    pub marked: Vec<usize>,
}

impl VerifyReport {
    pub(super) fn of(file: &TableFile) -> Self {
        Self {
            table: file.name,
            file: file.file,
            sha256: file.sha256,
            rows: file.rows,
            columns: Vec::new(),
            checks: Vec::new(),
            marked: Vec::new(),
        }
    }

    /// Whether no record disagrees.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.checks.iter().all(|c| c.disagree.is_empty())
    }
}

impl Check {
    /// Compares records of an index, the table's number and the other one; `arch` names those that disagree.
    pub(super) fn compare(
        what: impl Into<String>,
        records: impl Iterator<Item = (usize, u64, u64)>,
        arch: impl Fn(usize) -> String,
    ) -> Self {
        let mut check = Self { what: what.into(), records: 0, disagree: Vec::new() };
        for (index, table, found) in records {
            check.records += 1;
            if table != found {
                check.disagree.push(Disagreement { index, arch: arch(index), table, found });
            }
        }
        check
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {} agree", self.what, self.records - self.disagree.len(), self.records)?;
        for d in self.disagree.iter().take(LISTED) {
            write!(f, "\n  row {}, {}: {} in the table, {} found", d.index, d.arch, d.table, d.found)?;
        }
        more(f, self.disagree.len())
    }
}

fn more(f: &mut fmt::Formatter<'_>, all: usize) -> fmt::Result {
    match all.saturating_sub(LISTED) {
        0 => Ok(()),
        rest => write!(f, "\n  and {rest} more"),
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "table {} ({})", self.table, self.file)?;
        writeln!(f, "sha256 {}", self.sha256)?;
        write!(f, "rows {}", self.rows)?;
        if !self.columns.is_empty() {
            let full = self.columns.iter().filter(|c| c.values == self.rows).count();
            write!(f, "\ncolumns {}, of which {full} have a value in every row", self.columns.len())?;
            for c in self.columns.iter().filter(|c| c.values != self.rows) {
                write!(f, "\n  {}: {} values, {} missing", c.name, c.values, self.rows.saturating_sub(c.values))?;
            }
        }
        for check in &self.checks {
            write!(f, "\n{check}")?;
        }
        if !self.marked.is_empty() {
            let rows: Vec<String> = self.marked.iter().take(LISTED).map(usize::to_string).collect();
            write!(
                f,
                "\n{} rows are marked: one trial's recorded params are wrong upstream\n  rows {}",
                self.marked.len(),
                rows.join(", ")
            )?;
            more(f, self.marked.len())?;
        }
        write!(f, "\n{}", if self.agrees() { "no record disagrees" } else { "records disagree" })
    }
}
