//! The cell of a NAS-Bench-101 sample.

use crate::error::EvaluateError;
use crate::evaluator::Candidate;
use crate::layout::Layouts;
use crate::table::Nasbench101;
use ir::{Convention, TensorType};
use mutators::cells::cell_of;
use mutators::nasbench101::CellSpec;
use mutators::{Sample, Space};

/// The space whose samples are the tables' cells.
const SPACE: &str = "nasbench101";
/// What the tables score, for messages.
const SCORES: &str = "space `nasbench101` with its 128 channels and 3 cells";

/// Reads cells from samples of spaces that it has accepted.
#[derive(Debug)]
pub(crate) struct Cells101 {
    accepted: Layouts<()>,
}

impl Cells101 {
    pub const fn new() -> Self {
        Self { accepted: Layouts::new() }
    }

    /// Whether samples of this space are the benchmark's networks: one of them must have the table's parameters.
    pub fn accepts(&self, evaluator: &str, space: &Space) -> Result<(), EvaluateError> {
        if let Some(schema) = space.schema() {
            if self.accepted.get(schema).is_some() {
                return Ok(());
            }
            if space.name() == SPACE && is_the_benchmarks(space)? {
                self.accepted.remember(schema, ());
                return Ok(());
            }
        }
        let (evaluator, space) = (evaluator.to_owned(), space.name().to_owned());
        Err(EvaluateError::Space { evaluator, scores: SCORES, space })
    }

    /// The candidate's cell, as sampled.
    #[inline]
    pub fn cell(&self, evaluator: &str, candidate: &Candidate<'_>) -> Result<CellSpec, EvaluateError> {
        let sample = candidate.sample();
        if self.accepted.get(sample.schema()).is_some()
            && let Some(cell) = cell_of(sample)
        {
            return Ok(cell);
        }
        self.accepts(evaluator, candidate.space())?;
        let bound = candidate.space().bind(sample)?;
        cell_of(&bound).ok_or_else(|| absent(evaluator, &bound))
    }
}

fn is_the_benchmarks(space: &Space) -> Result<bool, EvaluateError> {
    let table = Nasbench101::embedded()?;
    let sample = space.default_sample()?;
    let Some(id) = cell_of(&sample).and_then(|cell| table.find(&cell)) else { return Ok(false) };
    let program = space.program(&sample)?;
    // The count tells channels and classes, not the size of the images.
    let main = program.main();
    let images = main.inputs.iter().map(|v| &main.types[*v as usize]).eq([&TensorType::image(3, 32, 32)]);
    Ok(images && program.cost(Convention::Nasbench).params == u64::from(table.params(id)))
}

/// The error for a sample that is no cell.
#[cold]
pub(crate) fn absent(evaluator: &str, sample: &Sample) -> EvaluateError {
    EvaluateError::Absent {
        evaluator: evaluator.to_owned(),
        what: format!("cell of {sample}: its input and output must be connected, by at most 9 edges once pruned"),
    }
}
