//! `function`: a closure as an evaluator.

use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Evaluation, Evaluator, Metric, Values};
use std::fmt;

/// Scores with a closure from a candidate to the objective.
pub struct Function<F> {
    name: String,
    metric: [Metric; 1],
    score: F,
}

impl<F> Function<F>
where
    F: Fn(&Candidate<'_>) -> Result<f64, EvaluateError> + Send + Sync,
{
    /// An evaluator of one metric.
    pub fn new(name: impl Into<String>, metric: Metric, score: F) -> Self {
        Self { name: name.into(), metric: [metric], score }
    }
}

impl<F> fmt::Debug for Function<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({})", self.name)
    }
}

impl<F> Evaluator for Function<F>
where
    F: Fn(&Candidate<'_>) -> Result<f64, EvaluateError> + Send + Sync,
{
    fn identity(&self) -> &str {
        &self.name
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.metric
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        candidate.query.at_its_own(&self.name)?;
        let value = (self.score)(candidate)?;
        if !value.is_finite() {
            let (evaluator, metric) = (self.name.clone(), self.metric[0].name.to_string());
            return Err(EvaluateError::NotFinite { evaluator, metric, value });
        }
        Ok(Evaluation { values: Values::from_slice(&[value]), seconds: 0.0 })
    }
}
