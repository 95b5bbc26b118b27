//! `nasbench101`: test accuracies of the NAS-Bench-101 table (Ying et al., 2019), an oracle.

use crate::cell101::{Cells101, absent};
use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Evaluation, Evaluator, Metric, Standing, Values};
use crate::ranking::Ranking;
use crate::table::{CellId, Nasbench101};
use mutators::{Options, Space};
use smallvec::smallvec;
use std::sync::OnceLock;

/// Mean test accuracy of every cell at 108 epochs, to search on and to report.
///
/// ```
/// use evaluators::{Candidate, Evaluator, Nasbench101Evaluator, Query};
///
/// let evaluator = Nasbench101Evaluator::new()?;
/// let space = mutators::spaces::build("nasbench101")?;
/// let chain = space.parse_genotype("[[0,1,0],[0,0,1],[0,0,0]] [input,conv3x3-bn-relu,output]")?;
/// let scored = evaluator.evaluate(&Candidate::new(&space, &chain, Query::default()))?;
/// assert!(scored.values[0] > 90.0);
/// assert!(evaluator.caveats()[0].starts_with("oracle"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Nasbench101Evaluator {
    table: &'static Nasbench101,
    cells: Cells101,
    metric: [Metric; 1],
    ranking: OnceLock<Ranking>,
}

impl Nasbench101Evaluator {
    const NAME: &str = "nasbench101";

    /// Loads the table.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub fn new() -> Result<Self, EvaluateError> {
        Ok(Self {
            table: Nasbench101::embedded()?,
            cells: Cells101::new(),
            metric: [Metric::maximize("cifar10 test accuracy, 108 epochs", "%")],
            ranking: OnceLock::new(),
        })
    }

    pub(crate) fn build(options: Options) -> Result<Self, EvaluateError> {
        options.finish()?;
        Self::new()
    }

    /// The table's row of a candidate.
    ///
    /// # Errors
    /// If it has none.
    pub fn cell(&self, candidate: &Candidate<'_>) -> Result<CellId, EvaluateError> {
        let cell = self.cells.cell(Self::NAME, candidate)?;
        self.table.find(&cell).ok_or_else(|| absent(Self::NAME, candidate.sample()))
    }
}

impl Evaluator for Nasbench101Evaluator {
    fn identity(&self) -> &str {
        Self::NAME
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.metric
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        candidate.query.at_its_own(Self::NAME)?;
        Ok(Evaluation { values: self.report(candidate)?, seconds: 0.0 })
    }

    fn report_metrics(&self) -> &[Metric] {
        &self.metric
    }

    fn report(&self, candidate: &Candidate<'_>) -> Result<Values, EvaluateError> {
        Ok(smallvec![self.table.test_accuracy(self.cell(candidate)?)])
    }

    fn standing(&self, candidate: &Candidate<'_>) -> Result<Vec<Standing>, EvaluateError> {
        let accuracy = self.table.test_accuracy(self.cell(candidate)?);
        let all = || self.table.ids().map(|id| self.table.test_accuracy(id));
        let ranking = self.ranking.get_or_init(|| Ranking::new(&self.metric[0], all()));
        Ok(vec![ranking.standing(accuracy)])
    }

    fn caveats(&self) -> Vec<String> {
        vec![
            "oracle: the search sees the mean test accuracy that is reported; the table has no validation accuracy \
             (nasbench101-pool has, for 20,001 cells)"
                .to_owned(),
            "the table has no training times: looking an accuracy up costs no simulated time".to_owned(),
        ]
    }

    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        self.cells.accepts(Self::NAME, space)
    }
}
