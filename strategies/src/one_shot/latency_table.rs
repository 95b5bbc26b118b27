//! The expected latency of an architecture from a table of whole architectures.
//!
//! A measured latency is no sum over operations: what runs side by side or is fused does not add up. The expectation over
//! independent decisions is the sum over all samples, `sum(p(s) latency(s))`, which a table of a benchmark's size allows,
//! and its derivative in one probability leaves that one out of each product.

use super::OneShotError;
use super::choice::Choice;
use evaluators::{Candidate, EvaluateError, Evaluator, Latency, Query};
use mutators::{Size, Space};

/// The greatest space that is summed over.
const MOST: u128 = 1 << 17;

/// Milliseconds of every sample, above the least, with the arm of each choice.
#[derive(Debug)]
pub(super) struct LatencyTable {
    rows: Vec<(f64, Vec<u32>)>,
}

impl LatencyTable {
    /// On a device of the table, such as `raspi4`.
    pub fn new(space: &Space, choices: &[Choice], device: &str) -> Result<Self, OneShotError> {
        let refuse = |why: String| OneShotError::Table { space: space.name().to_owned(), why };
        let latency = Latency::new(device).map_err(|e| refuse(e.to_string()))?;
        latency.accepts(space).map_err(|e| refuse(e.to_string()))?;
        if !matches!(space.size(), Size::Exactly(n) if n <= MOST) {
            return Err(refuse(format!("it has {} samples, and at most {MOST} are summed over", space.size())));
        }
        let mut rows = Vec::new();
        for sample in space.enumerate(0)? {
            let sample = sample?;
            let value = latency.evaluate(&Candidate::new(space, &sample, Query::default()));
            let value = value.map_err(|e: EvaluateError| refuse(e.to_string()))?.values[0];
            let arms = choices.iter().map(|c| c.taken(&sample).filter(|a| a.len() == 1).map(|a| a[0]));
            let arms = arms.collect::<Option<Vec<u32>>>();
            rows.push((value, arms.ok_or_else(|| refuse(format!("`{sample}` leaves a decision open")))?));
        }
        let least = rows.iter().map(|(v, _)| *v).fold(f64::INFINITY, f64::min);
        rows.iter_mut().for_each(|(v, _)| *v -= least);
        Ok(Self { rows })
    }

    /// The expectation, in milliseconds above the least.
    pub fn expected(&self, p: &[Vec<f64>]) -> f64 {
        let share = |arms: &[u32]| arms.iter().zip(p).map(|(a, p)| p[*a as usize]).product::<f64>();
        self.rows.iter().map(|(value, arms)| value * share(arms)).sum()
    }

    /// Its derivative in each probability.
    pub fn gradient(&self, p: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut grads: Vec<Vec<f64>> = p.iter().map(|p| vec![0.0; p.len()]).collect();
        let n = p.len();
        // Products of what stands behind each decision.
        let mut behind = vec![1.0; n + 1];
        for (value, arms) in &self.rows {
            for i in (0..n).rev() {
                behind[i] = behind[i + 1] * p[i][arms[i] as usize];
            }
            let mut before = *value;
            for i in 0..n {
                grads[i][arms[i] as usize] += before * behind[i + 1];
                before *= p[i][arms[i] as usize];
            }
        }
        grads
    }
}
