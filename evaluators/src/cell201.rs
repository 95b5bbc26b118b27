//! The architecture of a NAS-Bench-201 sample.

use crate::error::EvaluateError;
use crate::evaluator::Candidate;
use crate::layout::Layouts;
use crate::table::{ArchId, Dataset, Nasbench201, OPS};
use ir::decision::Pick;
use ir::{Convention, Name, Value};
use mutators::{Sample, Schema, Space};

/// The space whose samples are its architectures.
const SPACE: &str = "nasbench201";
/// What it scores, for messages.
const SCORES: &str = "space `nasbench201` with its 16 channels and 5 cells";
/// The edges in the order of a table code's digits.
const EDGES: [&str; 6] = ["e01", "e02", "e12", "e03", "e13", "e23"];

/// Where a schema keeps the six edges, and what each of their ranks adds to the table's code.
#[derive(Debug)]
struct Layout {
    slots: [usize; 6],
    parts: [[u16; OPS.len()]; 6],
}

impl Layout {
    /// `None` if the schema has not these six decisions, or another value than the five operations.
    fn of(schema: &Schema) -> Option<Self> {
        let mut layout = Layout { slots: [0; 6], parts: [[0; OPS.len()]; 6] };
        let mut weight = 5u16.pow(5);
        for (k, edge) in EDGES.iter().enumerate() {
            let at = schema.find(edge)?;
            let slot = &schema.slots()[at];
            if slot.size != Some(OPS.len() as u64) {
                return None;
            }
            layout.slots[k] = at;
            for (rank, part) in layout.parts[k].iter_mut().enumerate() {
                let value = slot.domain.value(Pick::index(rank as u64))?.to_string();
                *part = weight * OPS.iter().position(|op| *op == value)? as u16;
            }
            weight /= 5;
        }
        (schema.slots().len() == EDGES.len()).then_some(layout)
    }

    /// The code of picks; `None` for a pick that is none of the five.
    #[inline]
    fn code(&self, picks: &[Pick]) -> Option<u16> {
        let mut code = 0;
        for (slot, parts) in self.slots.iter().zip(&self.parts) {
            code += parts.get(picks.get(*slot)?.rank() as usize)?;
        }
        Some(code)
    }
}

/// Finds architectures.
#[derive(Debug)]
pub(crate) struct Cells201 {
    table: &'static Nasbench201,
    layouts: Layouts<Layout>,
}

impl Cells201 {
    pub fn new(table: &'static Nasbench201) -> Self {
        Self { table, layouts: Layouts::new() }
    }

    /// Whether samples of this space are the benchmark's networks: the decisions must be its six, and one network must
    /// have the table's counts for one of the datasets.
    pub fn accepts(&self, evaluator: &str, space: &Space) -> Result<(), EvaluateError> {
        if let Some(schema) = space.schema() {
            if self.layouts.get(schema).is_some() {
                return Ok(());
            }
            if space.name() == SPACE
                && let Some(layout) = Layout::of(schema)
                && self.counts_agree(&layout, space)?
            {
                self.layouts.remember(schema, layout);
                return Ok(());
            }
        }
        let (evaluator, space) = (evaluator.to_owned(), space.name().to_owned());
        Err(EvaluateError::Space { evaluator, scores: SCORES, space })
    }

    fn counts_agree(&self, layout: &Layout, space: &Space) -> Result<bool, EvaluateError> {
        // All convolutions: such a network shows the number of cells, their widths and the images' size.
        let pairs = EDGES.map(|edge| (Name::new(edge), Value::label(OPS[3])));
        let sample = space.bind(&Sample::from_pairs(pairs)?)?;
        let Some(arch) = layout.code(sample.picks()).and_then(|code| self.table.find_code(code)) else {
            return Ok(false);
        };
        let cost = space.program(&sample)?.cost(Convention::Nasbench);
        let counts = |d: &Dataset| (self.table.params(*d, arch), self.table.flops(*d, arch));
        Ok(Dataset::ALL.iter().any(|d| counts(d) == (cost.params, cost.macs)))
    }

    /// The candidate's architecture.
    #[inline]
    pub fn find(&self, evaluator: &str, candidate: &Candidate<'_>) -> Result<ArchId, EvaluateError> {
        let sample = candidate.sample();
        let code = self.layouts.get(sample.schema()).and_then(|layout| layout.code(sample.picks()));
        match code.and_then(|code| self.table.find_code(code)) {
            Some(arch) => Ok(arch),
            None => self.find_by_labels(evaluator, candidate),
        }
    }

    /// The same for a schema not met before, or a sample that was made without one.
    #[cold]
    fn find_by_labels(&self, evaluator: &str, candidate: &Candidate<'_>) -> Result<ArchId, EvaluateError> {
        let space = candidate.space();
        self.accepts(evaluator, space)?;
        let bound = space.bind(candidate.sample())?;
        let code = Layout::of(bound.schema()).and_then(|layout| layout.code(bound.picks()));
        code.and_then(|code| self.table.find_code(code)).ok_or_else(|| EvaluateError::Absent {
            evaluator: evaluator.to_owned(),
            what: format!("architecture {}", candidate.sample()),
        })
    }
}
