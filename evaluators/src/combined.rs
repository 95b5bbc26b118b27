//! `a+b`: several evaluators as one, for searches with more than one objective.

use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Evaluation, Evaluator, Fidelities, Metric, Query, Standing, Values};
use mutators::Space;

/// The metrics of several evaluators, one after the other; the first evaluator's first metric is the objective.
///
/// A query costs what all of them cost. Its fidelity is the first evaluator's; the others score at their own.
///
/// ```
/// use evaluators::Evaluator;
///
/// let both = evaluators::build("nasbench201:epochs=12+latency:device=raspi4")?;
/// assert_eq!(both.search_metrics().len(), 2);
/// # Ok::<(), evaluators::EvaluateError>(())
/// ```
#[derive(Debug)]
pub struct Combined {
    identity: String,
    parts: Vec<Box<dyn Evaluator>>,
    search: Vec<Metric>,
    report: Vec<Metric>,
}

impl Combined {
    /// Combines evaluators.
    #[must_use]
    pub fn new(first: Box<dyn Evaluator>, others: Vec<Box<dyn Evaluator>>) -> Self {
        let mut parts = vec![first];
        parts.extend(others);
        let identities: Vec<&str> = parts.iter().map(|p| p.identity()).collect();
        Self {
            identity: identities.join("+"),
            search: parts.iter().flat_map(|p| p.search_metrics().iter().cloned()).collect(),
            report: parts.iter().flat_map(|p| p.report_metrics().iter().cloned()).collect(),
            parts,
        }
    }
}

impl Evaluator for Combined {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn data_digest(&self) -> Result<Option<String>, EvaluateError> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend(part.data_digest()?);
        }
        Ok((!all.is_empty()).then(|| all.join("+")))
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.search
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        let mut all = Evaluation { values: Values::new(), seconds: 0.0 };
        let whole = Candidate::new(candidate.space(), candidate.sample(), Query { fidelity: None, ..candidate.query });
        for (i, part) in self.parts.iter().enumerate() {
            let one = part.evaluate(if i == 0 || candidate.query.fidelity.is_none() { candidate } else { &whole })?;
            all.values.extend(one.values);
            all.seconds += one.seconds;
        }
        Ok(all)
    }

    fn report_metrics(&self) -> &[Metric] {
        &self.report
    }

    fn report(&self, candidate: &Candidate<'_>) -> Result<Values, EvaluateError> {
        let mut all = Values::new();
        for part in &self.parts {
            all.extend(part.report(candidate)?);
        }
        Ok(all)
    }

    fn standing(&self, candidate: &Candidate<'_>) -> Result<Vec<Standing>, EvaluateError> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend(part.standing(candidate)?);
        }
        Ok(all)
    }

    fn is_exclusive(&self) -> bool {
        self.parts.iter().any(|p| p.is_exclusive())
    }

    fn fidelities(&self) -> Fidelities {
        self.parts.first().map_or(Fidelities::Single, |p| p.fidelities())
    }

    /// Those of the parts, each with its part's name: a caveat speaks of one of them.
    fn caveats(&self) -> Vec<String> {
        let mut all = Vec::new();
        for part in &self.parts {
            let name = part.identity().split(':').next().unwrap_or_default();
            for caveat in part.caveats() {
                let named = format!("{name}: {caveat}");
                if !all.contains(&named) {
                    all.push(named);
                }
            }
        }
        all
    }

    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        self.parts.iter().try_for_each(|p| p.accepts(space))
    }

    fn restrict(&self, space: Space) -> Space {
        self.parts.iter().fold(space, |space, part| part.restrict(space))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ir::Convention;

    /// What one part says of itself does not read as if it were said of all.
    #[test]
    fn caveats_name_their_part() {
        let both = crate::build("latency+nasbench201+latency:device=raspi4").expect("evaluators");
        let space = mutators::spaces::build("nasbench201").expect("a space");
        let sample = space.default_sample().expect("a sample");
        let scored = both.evaluate(&Candidate::new(&space, &sample, Query::default())).expect("a score");
        assert!(scored.seconds > 1.0);
        let caveats = both.caveats();
        let latency: Vec<&String> = caveats.iter().filter(|c| c.starts_with("latency: ")).collect();
        assert_eq!(latency, ["latency: latencies were measured once; looking one up costs no simulated time"]);
        assert!(
            caveats.len() > 3 && caveats.iter().all(|c| c.starts_with("latency: ") || c.starts_with("nasbench201: "))
        );
        assert!(!caveats.iter().any(|c| c.contains("0 seconds")), "{caveats:?}");
        let cost = crate::Cost::new(crate::Counted::Params, Convention::Nasbench, crate::Direction::Minimize);
        assert!(Combined::new(Box::new(cost), vec![]).caveats().is_empty());
    }
}
