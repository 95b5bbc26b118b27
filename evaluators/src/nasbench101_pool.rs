//! `nasbench101-pool`: validation accuracies of 20,001 NAS-Bench-101 cells (Ying et al., 2019).

use crate::cell101::Cells101;
use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Evaluation, Evaluator, Fidelities, Metric, Standing, Values};
use crate::ranking::Ranking;
use crate::table::{Nasbench101Pool, PoolEpochs, PoolId};
use ir::{Name, Value};
use mutators::cells::{cell_of, pairs_of};
use mutators::{Options, Pool, Sample, Space};
use smallvec::smallvec;
use std::sync::{Arc, OnceLock};

/// Validation accuracy of one training; mean test accuracy at 108 epochs as the report.
///
/// Nineteen of twenty cells of the space are outside the pool. They fail with [`EvaluateError::Absent`], so a search
/// should be on the space that [`Evaluator::restrict`] narrows to the pool. There a sample is a graph: each is drawn as
/// often as the others, and an edit leads to one of its [neighbours](Nasbench101Pool::neighbours).
///
/// ```
/// use evaluators::table::PoolEpochs;
/// use evaluators::{Candidate, Evaluator, Nasbench101PoolEvaluator, Query};
/// use rand_chacha::ChaCha8Rng;
/// use rand_chacha::rand_core::SeedableRng;
///
/// let evaluator = Nasbench101PoolEvaluator::new(PoolEpochs::E36)?;
/// let pool = evaluator.restrict(mutators::spaces::build("nasbench101")?);
/// let sample = pool.sample(&mut ChaCha8Rng::seed_from_u64(0))?;
/// let scored = evaluator.evaluate(&Candidate::new(&pool, &sample, Query::default()))?;
/// assert!(scored.seconds > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Nasbench101PoolEvaluator {
    identity: String,
    epochs: PoolEpochs,
    table: &'static Nasbench101Pool,
    cells: Cells101,
    search: [Metric; 1],
    report: [Metric; 1],
    ranking: OnceLock<Ranking>,
}

impl Nasbench101PoolEvaluator {
    pub(crate) const HELP: &str = "epochs=108|4|12|36";

    /// With the validation accuracy after that many epochs; queries may ask for fewer.
    ///
    /// # Errors
    /// If the table cannot be loaded.
    pub fn new(epochs: PoolEpochs) -> Result<Self, EvaluateError> {
        Ok(Self {
            identity: format!("nasbench101-pool:epochs={epochs}"),
            epochs,
            table: Nasbench101Pool::embedded()?,
            cells: Cells101::new(),
            search: [Metric::maximize(format!("cifar10 validation accuracy, {epochs} epochs"), "%")],
            report: [Metric::maximize("cifar10 test accuracy, 108 epochs", "%")],
            ranking: OnceLock::new(),
        })
    }

    pub(crate) fn build(mut options: Options) -> Result<Self, EvaluateError> {
        let names: Vec<&str> = PoolEpochs::ALL.iter().map(|e| e.name()).collect();
        let epochs = options.take_one("epochs", "108", &names)?;
        options.finish()?;
        Self::new(epochs.parse()?)
    }

    /// The table's row of a candidate.
    ///
    /// # Errors
    /// If it is outside the pool.
    pub fn cell(&self, candidate: &Candidate<'_>) -> Result<PoolId, EvaluateError> {
        let cell = self.cells.cell(&self.identity, candidate)?;
        self.table.find(&cell).ok_or_else(|| EvaluateError::Absent {
            evaluator: "nasbench101-pool".to_owned(),
            what: match cell.prune() {
                Some(cell) => format!("cell {cell}: it is not among the pool's 20,001; draw from the pool"),
                None => format!("cell of {}: its input and output are unconnected", candidate.sample()),
            },
        })
    }

    /// The lengths of training up to the evaluator's own.
    fn levels(&self) -> impl Iterator<Item = PoolEpochs> {
        PoolEpochs::ALL.iter().copied().filter(|e| *e <= self.epochs)
    }

    fn level(&self, fidelity: Option<u32>) -> Result<PoolEpochs, EvaluateError> {
        let Some(epochs) = fidelity else { return Ok(self.epochs) };
        self.levels().find(|e| e.count() == epochs).ok_or_else(|| EvaluateError::Fidelity {
            evaluator: self.identity.clone(),
            epochs,
            known: self.levels().map(PoolEpochs::name).collect::<Vec<_>>().join(", "),
        })
    }
}

impl Evaluator for Nasbench101PoolEvaluator {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.search
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        let id = self.cell(candidate)?;
        let epochs = self.level(candidate.query.fidelity)?;
        Ok(Evaluation {
            values: smallvec![self.table.validation_accuracy(epochs, id)],
            seconds: self.table.train_seconds(id) * f64::from(epochs.count()) / 108.0,
        })
    }

    fn report_metrics(&self) -> &[Metric] {
        &self.report
    }

    fn report(&self, candidate: &Candidate<'_>) -> Result<Values, EvaluateError> {
        Ok(smallvec![self.table.test_accuracy(self.cell(candidate)?)])
    }

    fn standing(&self, candidate: &Candidate<'_>) -> Result<Vec<Standing>, EvaluateError> {
        let accuracy = self.table.test_accuracy(self.cell(candidate)?);
        let all = || self.table.ids().map(|id| self.table.test_accuracy(id));
        let ranking = self.ranking.get_or_init(|| Ranking::new(&self.report[0], all()));
        Ok(vec![ranking.standing(accuracy)])
    }

    fn fidelities(&self) -> Fidelities {
        match self.levels().map(PoolEpochs::count).collect::<Vec<_>>() {
            levels if levels.len() == 1 => Fidelities::Single,
            levels => Fidelities::SeparateRuns(levels),
        }
    }

    fn caveats(&self) -> Vec<String> {
        vec![
            "pool: 20,001 of the 423,624 cells have validation accuracies; rank and regret are among them".to_owned(),
            "the pool is searched by its graphs: each is as likely to be drawn, and an edit leads to another that one \
             mutation of each has in common; results compare with others on this pool only"
                .to_owned(),
            "validation accuracy is of one training, reported test accuracy the mean of three".to_owned(),
            "simulated seconds of fewer than 108 epochs are that share of the time of 108: the table has no other times"
                .to_owned(),
        ]
    }

    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        self.cells.accepts(&self.identity, space)
    }

    fn restrict(&self, space: Space) -> Space {
        space.pooled(Arc::new(Rows(self.table)))
    }
}

/// The table's rows, each a graph.
#[derive(Debug)]
struct Rows(&'static Nasbench101Pool);

impl Rows {
    fn row(&self, member: u64) -> PoolId {
        self.0.id(member as usize).expect("invariant: members are numbered as rows are")
    }
}

impl Pool for Rows {
    fn describe(&self) -> &str {
        "the cell is one of the pool of 20,001"
    }

    fn members(&self) -> u64 {
        self.0.ids().len() as u64
    }

    fn member(&self, sample: &Sample) -> Option<u64> {
        Some(self.0.find(&cell_of(sample)?)?.index() as u64)
    }

    fn pairs(&self, member: u64) -> Vec<(Name, Value)> {
        pairs_of(&self.0.cell(self.row(member)))
    }

    fn neighbours(&self, member: u64) -> Vec<u64> {
        self.0.neighbours(self.row(member)).into_iter().map(|near| near.index() as u64).collect()
    }
}
