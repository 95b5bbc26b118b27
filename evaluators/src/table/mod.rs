//! Benchmark tables, embedded in the binary.
//!
//! Invariants:
//! - a table's bytes are hashed (SHA-256) before anything else is done with them, and its rows
//!   are counted, so what is loaded is the table the project was tested with, or an error;
//! - a table is loaded once for each process, on first use, and never changes;
//! - a value is the decimal number that stands in the file, correctly rounded: nothing is
//!   averaged, filled in or recomputed. Accuracies are in percent in every table.
//!
//! | table | rows | what |
//! |---|---|---|
//! | [`Nasbench201`] | 15,625 | every NAS-Bench-201 cell: accuracies, times, params, FLOPs |
//! | [`Latencies`] | 15,625 | their measured latency on 27 devices |
//! | [`NaslibParams`] | 3,312 | their parameters as another implementation counts them |
//! | [`Nasbench101`] | 423,624 | every NAS-Bench-101 cell: test accuracy at 108 epochs, params |
//! | [`Nasbench101Pool`] | 20,001 | a part of them, with validation accuracies at 4 to 108 epochs |
//!
//! Licences and origins: `data/SOURCES.md`, and the fields of each [`TableFile`].

mod error;
mod file;
mod latency;
mod names;
mod nasbench101;
mod nasbench201;
mod naslib;
mod rows;

pub(crate) use names::unknown;

pub use error::TableError;
pub use file::TableFile;
pub use latency::{DeviceId, LATENCIES, Latencies};
pub use nasbench101::pool::{NASBENCH101_POOL, Nasbench101Pool, PoolEpochs, PoolId};
pub use nasbench101::{CellId, NASBENCH101, Nasbench101};
pub use nasbench201::column::{Accuracy, Column, Dataset, Epochs, Part, Split, Trial};
pub use nasbench201::{ARCHITECTURES, ArchId, NASBENCH201, Nasbench201, OPS, Values, arch_string};
pub use naslib::{NASLIB_PARAMS, NaslibParams, ParamsRecord};

/// Every embedded table file.
pub static FILES: [&TableFile; 5] = [&NASBENCH201, &LATENCIES, &NASLIB_PARAMS, &NASBENCH101, &NASBENCH101_POOL];

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: &str = include_str!("../../data/SOURCES.md");

    #[test]
    fn sources_name_every_file_its_rows_and_its_checksum() {
        for file in FILES {
            let line = SOURCES.lines().find(|line| line.contains(file.file));
            let line = line.unwrap_or_else(|| panic!("SOURCES.md lacks {}", file.file));
            assert!(line.contains(file.sha256), "{line}");
            assert!(line.replace(',', "").contains(&file.rows.to_string()), "{line}");
        }
    }

    #[test]
    fn names_differ_and_the_binary_stays_small() {
        let names: std::collections::HashSet<&str> = FILES.iter().map(|file| file.name).collect();
        assert_eq!(names.len(), FILES.len());
        assert!(FILES.iter().map(|file| file.bytes.len()).sum::<usize>() < 10_000_000);
    }

    #[test]
    fn every_file_verifies() {
        for file in FILES {
            file.verify().expect(file.name);
        }
    }

    #[test]
    fn a_table_is_not_taken_for_another() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let latencies = path.join(LATENCIES.file);
        assert!(Latencies::from_path(&latencies).is_ok());
        assert!(LATENCIES.verify_path(&latencies).is_ok());
        assert!(NASBENCH101.verify_path(&latencies).is_err());
        assert!(NaslibParams::from_path(&path.join(NASLIB_PARAMS.file)).is_ok());
        let error = Nasbench201::from_path(&latencies).expect_err("another table").to_string();
        assert!(error.starts_with("table `nasbench201`: ") && error.contains(NASBENCH201.sha256), "{error}");
        assert_eq!(error.lines().count(), 1);
        let error = Nasbench101::from_path(&path).expect_err("a folder");
        assert!(matches!(error, TableError::Read { .. }), "{error}");
    }
}
