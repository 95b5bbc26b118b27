//! `cost`: what a network costs, counted on its graph. Knows every space.

use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Direction, Evaluation, Evaluator, Metric};
use ir::{Convention, Name};
use mutators::Options;
use smallvec::smallvec;

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// Learned parameters.
    Params,
    /// Operations for one example, by the convention.
    #[default]
    Macs,
}

/// Parameters or operations of a candidate.
///
/// ```
/// use evaluators::{Candidate, Cost, Counted, Direction, Evaluator, Query};
/// use ir::Convention;
///
/// let params = Cost::new(Counted::Params, Convention::Nasbench, Direction::Minimize);
/// let space = mutators::spaces::build("toy")?;
/// let sample = space.default_sample()?;
/// let found = params.evaluate(&Candidate::new(&space, &sample, Query::default()))?;
/// assert_eq!(found.values[0], space.program(&sample)?.cost(Convention::Nasbench).params as f64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Cost {
    identity: String,
    counted: Counted,
    convention: Convention,
    metric: [Metric; 1],
}

impl Cost {
    pub(crate) const HELP: &str = "metric=macs|params, convention=nasbench|thop|ptflops, direction=minimize|maximize";

    /// Counts by a convention.
    #[must_use]
    pub fn new(counted: Counted, convention: Convention, direction: Direction) -> Self {
        let (word, name) = match counted {
            Counted::Params => ("params", "params".to_owned()),
            Counted::Macs => ("macs", format!("MACs, {convention}")),
        };
        let way = match direction {
            Direction::Minimize => "minimize",
            Direction::Maximize => "maximize",
        };
        Self {
            identity: format!("cost:metric={word},convention={convention},direction={way}"),
            counted,
            convention,
            metric: [Metric { name: Name::new(name), unit: "", direction }],
        }
    }

    pub(crate) fn build(mut options: Options) -> Result<Self, EvaluateError> {
        let counted = match options.take_one("metric", "macs", &["params", "macs"])? {
            "params" => Counted::Params,
            _ => Counted::Macs,
        };
        let convention = options.take_one("convention", "nasbench", &Convention::ALL.map(Convention::as_str))?;
        let convention = Convention::ALL.into_iter().find(|c| c.as_str() == convention).unwrap_or_default();
        let direction = match options.take_one("direction", "minimize", &["minimize", "maximize"])? {
            "maximize" => Direction::Maximize,
            _ => Direction::Minimize,
        };
        options.finish()?;
        Ok(Self::new(counted, convention, direction))
    }
}

impl Evaluator for Cost {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.metric
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        candidate.query.at_its_own(&self.identity)?;
        let cost = candidate.program()?.cost(self.convention);
        let value = match self.counted {
            Counted::Params => cost.params,
            Counted::Macs => cost.macs,
        };
        Ok(Evaluation { values: smallvec![value as f64], seconds: 0.0 })
    }
}
