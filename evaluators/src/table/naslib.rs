//! Parameters of NAS-Bench-201 networks as NASLib counted them: an implementation that shares
//! nothing with the benchmark's formulas, to check counts against.

use std::path::Path;
use std::sync::OnceLock;

use super::file::table_file;
use super::rows::Rows;
use super::{ArchId, Dataset, TableError};

const HEADER: &str = "index,dataset,params_m";

table_file! {
    /// Parameters by NASLib: 1,104 architectures on three datasets.
    NASLIB_PARAMS = {
        "nasbench201-naslib-params",
        "nasbench201_naslib_params.csv.gz",
        3_312,
        "a75a05fc795a83393c98726ec4295b9c651a80158c705f0a65588169efe365e1",
        "Apache-2.0",
        "automl/NASLib, branch zerocost",
    }
}

/// One count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamsRecord {
    /// Of this architecture,
    pub arch: ArchId,
    /// for this dataset (never `cifar10-valid`):
    pub dataset: Dataset,
    /// parameters.
    pub params: u64,
}

/// The table.
#[derive(Debug)]
pub struct NaslibParams {
    records: Vec<ParamsRecord>,
}

impl NaslibParams {
    /// The embedded table, loaded on first use.
    ///
    /// # Errors
    /// When the embedded bytes are not the table's.
    pub fn embedded() -> Result<&'static NaslibParams, TableError> {
        static TABLE: OnceLock<Result<NaslibParams, TableError>> = OnceLock::new();
        TABLE.get_or_init(|| NASLIB_PARAMS.load(Self::read)).as_ref().map_err(Clone::clone)
    }

    /// The table from a file of the same bytes.
    ///
    /// # Errors
    /// When the file can't be read or has another checksum.
    pub fn from_path(path: &Path) -> Result<NaslibParams, TableError> {
        NASLIB_PARAMS.load_path(path, Self::read)
    }

    fn read(rows: &mut Rows<'_>) -> Result<Self, TableError> {
        rows.expect_header(HEADER)?;
        let mut records = Vec::with_capacity(NASLIB_PARAMS.rows);
        while rows.advance()? {
            let index = rows.natural()? as usize;
            let arch =
                ArchId::new(index).ok_or_else(|| rows.wrong("an index below 15,625", index.to_string().as_bytes()))?;
            let name = rows.field()?;
            let dataset = Dataset::ALL
                .iter()
                .copied()
                .find(|dataset| dataset.name().as_bytes() == name)
                .ok_or_else(|| rows.wrong("a dataset", name))?;
            let params = (rows.decimal()? * 1e6).round() as u64;
            records.push(ParamsRecord { arch, dataset, params });
        }
        Ok(NaslibParams { records })
    }

    /// Every count, by architecture, then by dataset.
    pub fn records(&self) -> &[ParamsRecord] {
        &self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Nasbench201;

    #[test]
    fn the_benchmark_agrees() {
        let table = Nasbench201::embedded().expect("the embedded table");
        let records = NaslibParams::embedded().expect("the embedded table").records();
        assert_eq!(records.len(), 3_312);
        for record in records {
            assert_eq!(table.params(record.dataset, record.arch), record.params, "{record:?}");
        }
        assert!(records.windows(2).all(|w| (w[0].arch, w[0].dataset) < (w[1].arch, w[1].dataset)));
    }
}
