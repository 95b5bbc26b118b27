//! A store that lives as long as the process.

use super::{End, Record, Store, Stored, StudyIdentity};
use crate::error::StoreError;
use crate::trial::Trial;

/// Keeps trials in memory: for pausing and resuming within one process, and for tests.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    study: Option<StudyIdentity>,
    trials: Vec<(Trial, f64)>,
    end: Option<End>,
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The trials that it holds.
    pub fn trials(&self) -> impl ExactSizeIterator<Item = &Trial> {
        self.trials.iter().map(|(t, _)| t)
    }

    /// The store as it was after the first `n` trials.
    #[must_use]
    pub fn cut(&self, n: usize) -> Self {
        Self { study: self.study.clone(), trials: self.trials[..n.min(self.trials.len())].to_vec(), end: None }
    }
}

impl Store for Memory {
    fn open(&mut self, study: &StudyIdentity) -> Result<Stored, StoreError> {
        let known = self.study.get_or_insert_with(|| study.clone());
        if let Some((field, stored, given)) = known.difference(study) {
            return Err(StoreError::OtherStudy { place: "memory".into(), field, stored, given });
        }
        let record = |(t, wall): &(Trial, f64)| Record {
            sample: t.sample.to_string(),
            parent: t.parent.map(|p| p.0),
            fidelity: t.fidelity,
            reports: t.reports.clone(),
            outcome: t.outcome.clone(),
            wall: *wall,
        };
        Ok(Stored { records: self.trials.iter().map(record).collect(), end: self.end.clone() })
    }

    fn push(&mut self, trial: &Trial, wall: f64) -> Result<(), StoreError> {
        self.trials.push((trial.clone(), wall));
        Ok(())
    }

    fn finish(&mut self, end: &End) -> Result<(), StoreError> {
        self.end = Some(end.clone());
        Ok(())
    }

    fn place(&self, _: u64) -> String {
        "memory".into()
    }
}
