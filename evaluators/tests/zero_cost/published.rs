//! Published scores of NAS-Bench-201 networks on CIFAR-10, and the networks they are of.

use evaluators::table::{ARCHITECTURES, Accuracy, ArchId, Column, Dataset, Epochs, Nasbench201, Split, Trial};
use flate2::read::GzDecoder;
use ir::Program;
use mutators::{Space, draw};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::path::Path;

/// The packed scores: `evaluators/data/SOURCES.md` says whose they are.
pub struct Published {
    columns: Vec<String>,
    /// By architecture; NaN where there is none.
    rows: Vec<Vec<f64>>,
}

impl Published {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/nasbench201_zero_cost.csv.gz");
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut reader = csv::Reader::from_reader(GzDecoder::new(bytes.as_slice()));
        let columns = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let rows: Vec<Vec<f64>> = reader
            .records()
            .map(|record| record.expect("a row").iter().map(|field| field.parse().unwrap_or(f64::NAN)).collect())
            .collect();
        assert!(rows.len() == ARCHITECTURES && rows.iter().enumerate().all(|(i, row)| row[0] == i as f64));
        Self { columns, rows }
    }

    /// A score of an architecture, NaN if there is none.
    pub fn get(&self, column: &str, arch: usize) -> f64 {
        let at = self.columns.iter().position(|c| c == column).unwrap_or_else(|| panic!("no column {column}"));
        self.rows[arch][at]
    }

    /// Different architectures that have a score in a column, drawn by seed.
    pub fn draw(&self, column: &str, count: usize, seed: u64) -> Vec<usize> {
        let mut all: Vec<usize> = (0..ARCHITECTURES).filter(|i| !self.get(column, *i).is_nan()).collect();
        draw::shuffle(&mut ChaCha8Rng::seed_from_u64(seed), &mut all);
        all.truncate(count);
        all
    }
}

/// The network of an architecture in a space of NAS-Bench-201 cells.
pub fn network(space: &Space, arch: usize) -> Program {
    let table = Nasbench201::embedded().expect("the table");
    let text = table.arch(ArchId::new(arch).expect("an architecture"));
    space.program(&space.parse_genotype(&text).expect("a genotype")).expect("a network")
}

/// Whether a path leads from a cell's input to its output. The edges are 0-1, 0-2, 1-2, 0-3, 1-3, 2-3; op 0 is none.
pub fn is_connected(arch: usize) -> bool {
    let table = Nasbench201::embedded().expect("the table");
    let [e01, e02, e12, e03, e13, e23] = table.ops(ArchId::new(arch).expect("an architecture")).map(|op| op != 0);
    let one = e01;
    let two = e02 || (one && e12);
    e03 || (one && e13) || (two && e23)
}

/// Test accuracy on CIFAR-10 after 200 epochs, and parameters, of some architectures.
pub fn accuracy_and_params(archs: &[usize]) -> [Vec<f64>; 2] {
    let table = Nasbench201::embedded().expect("the table");
    let dataset = Dataset::Cifar10;
    let column = Accuracy { dataset, epochs: Epochs::E200, split: Split::Test, trial: Trial::Mean };
    let column = table.column(Column::Accuracy(column)).expect("the column");
    let ids = || archs.iter().map(|i| ArchId::new(*i).expect("an architecture"));
    let accuracy = ids().map(|a| column.get(a).expect("an accuracy")).collect();
    [accuracy, ids().map(|a| table.params(dataset, a) as f64).collect()]
}
