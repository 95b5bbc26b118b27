//! Choosers: where a mutator's choices come from. Mutators are pure; all state lives here.

use crate::draw;
use crate::error::MutateError;
use crate::sample::Sample;
use crate::schema::Schema;
use ir::decision::{Domain, Pick};
use ir::program::Decide;
use ir::{Name, Value};
use rand::Rng;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Answers a mutator's questions.
pub trait Chooser {
    /// Chooses a value of a domain for a decision. The same key is the same decision: it gets the same answer.
    ///
    /// # Errors
    /// If there is no answer: a replayed sample lacks the decision, or has a value outside the domain.
    fn choose(&mut self, key: &str, domain: &Domain) -> Result<Value, MutateError>;
}

/// Answers with the value of a sample.
#[derive(Debug)]
pub struct Replay<'a> {
    sample: &'a Sample,
}

impl<'a> Replay<'a> {
    /// Replays a sample.
    #[must_use]
    pub fn new(sample: &'a Sample) -> Self {
        Self { sample }
    }
}

impl Chooser for Replay<'_> {
    fn choose(&mut self, key: &str, domain: &Domain) -> Result<Value, MutateError> {
        let value = match self.sample.schema().find(key) {
            Some(i) => self.sample.schema().value(i, self.sample.picks()[i]),
            None => None,
        };
        let value =
            value.ok_or_else(|| MutateError::MissingDecision { label: key.into(), domain: domain.to_string() })?;
        if domain.pick(&value).is_none() {
            let (label, value, domain) = (key.to_owned(), value.to_string(), domain.to_string());
            return Err(MutateError::OutsideDomain { label, value, domain });
        }
        Ok(value)
    }
}

/// Answers with defaults: the first value, or the middle of an interval.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults;

impl Chooser for Defaults {
    fn choose(&mut self, key: &str, domain: &Domain) -> Result<Value, MutateError> {
        let pick = domain.quantile(0.5).unwrap_or(Pick::index(0));
        domain.value(pick).ok_or_else(|| MutateError::MissingDecision { label: key.into(), domain: domain.to_string() })
    }
}

/// Answers at random, uniformly.
pub struct Random<'a> {
    rng: &'a mut dyn Rng,
}

impl<'a> Random<'a> {
    /// Draws from a stream.
    pub fn new(rng: &'a mut dyn Rng) -> Self {
        Self { rng }
    }
}

impl Chooser for Random<'_> {
    fn choose(&mut self, key: &str, domain: &Domain) -> Result<Value, MutateError> {
        let pick = draw::pick(self.rng, domain, None);
        domain.value(pick).ok_or_else(|| MutateError::MissingDecision { label: key.into(), domain: domain.to_string() })
    }
}

/// Passes questions on and records the answers; a question asked again gets the recorded answer.
pub struct Record<'a> {
    inner: &'a mut dyn Chooser,
    record: Vec<(Name, Arc<Domain>, Pick)>,
    place: FxHashMap<Name, usize>,
}

impl<'a> Record<'a> {
    /// Records what `inner` answers.
    pub fn new(inner: &'a mut dyn Chooser) -> Self {
        Self { inner, record: Vec::new(), place: FxHashMap::default() }
    }

    /// The sample that was recorded.
    #[must_use]
    pub fn finish(self) -> Sample {
        let picks = self.record.iter().map(|(_, _, p)| *p).collect();
        let schema = Schema::recorded(self.record.into_iter().map(|(l, d, _)| (l, d)).collect());
        Sample::new(Arc::new(schema), picks)
    }
}

impl Chooser for Record<'_> {
    fn choose(&mut self, key: &str, domain: &Domain) -> Result<Value, MutateError> {
        if let Some((_, known, pick)) = self.place.get(key).map(|at| &self.record[*at]) {
            let value = known.value(*pick).filter(|v| domain.pick(v).is_some());
            return value.ok_or_else(|| MutateError::Mutator {
                mutator: key.to_owned(),
                reason: format!("asks for `{key}` in {domain} after asking for it in {known}; a label is one decision"),
            });
        }
        let value = self.inner.choose(key, domain)?;
        let Some(pick) = domain.pick(&value) else {
            let (label, value, domain) = (key.to_owned(), value.to_string(), domain.to_string());
            return Err(MutateError::OutsideDomain { label, value, domain });
        };
        self.place.insert(Name::new(key), self.record.len());
        self.record.push((Name::new(key), Arc::new(domain.clone()), pick));
        Ok(value)
    }
}

/// Answers as a sample does, except for one decision, which gets another value; what the sample lacks is drawn.
pub struct EditOne<'a> {
    sample: &'a Sample,
    edited: Name,
    rng: &'a mut dyn Rng,
}

impl<'a> EditOne<'a> {
    /// Edits the decision of that label.
    pub fn new(sample: &'a Sample, edited: impl AsRef<str>, rng: &'a mut dyn Rng) -> Self {
        Self { sample, edited: Name::new(edited), rng }
    }
}

impl Chooser for EditOne<'_> {
    fn choose(&mut self, key: &str, domain: &Domain) -> Result<Value, MutateError> {
        let old = self.sample.get(key).and_then(|v| domain.pick(&v));
        let pick = match old {
            Some(old) if self.edited == key => draw::other(self.rng, domain, old).unwrap_or(old),
            Some(old) => old,
            None => draw::pick(self.rng, domain, None),
        };
        domain.value(pick).ok_or_else(|| MutateError::MissingDecision { label: key.into(), domain: domain.to_string() })
    }
}

/// Answers along one path of the tree of all choices; [`Enumerate::advance`] goes to the next, the last choice fastest.
#[derive(Clone, Debug, Default)]
pub struct Enumerate {
    /// Rank and size of each choice on the path.
    path: Vec<(Name, u64, u64)>,
    at: usize,
}

impl Enumerate {
    /// Starts with the first value everywhere.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes to the next path; `false` after the last.
    pub fn advance(&mut self) -> bool {
        self.path.truncate(self.at);
        self.at = 0;
        while let Some((_, rank, size)) = self.path.last_mut() {
            if *rank + 1 < *size {
                *rank += 1;
                return true;
            }
            self.path.pop();
        }
        false
    }
}

impl Chooser for Enumerate {
    fn choose(&mut self, key: &str, domain: &Domain) -> Result<Value, MutateError> {
        let missing = || MutateError::MissingDecision { label: key.into(), domain: domain.to_string() };
        if let Some((_, rank, _)) = self.path[..self.at].iter().find(|(k, _, _)| k == key) {
            return domain.value(Pick::index(*rank)).ok_or_else(missing);
        }
        let size = domain.size().ok_or_else(missing)?;
        if self.at == self.path.len() {
            self.path.push((Name::new(key), 0, size));
        }
        let (_, rank, _) = self.path[self.at];
        self.at += 1;
        domain.value(Pick::index(rank)).ok_or_else(missing)
    }
}

/// Decides a module's open decisions by asking a chooser, only for those that matter.
pub(crate) struct Asking<'a> {
    pub module: &'a ir::Module,
    pub chooser: std::cell::RefCell<&'a mut dyn Chooser>,
    pub error: std::cell::RefCell<Option<MutateError>>,
}

impl Decide for Asking<'_> {
    fn value(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let domain = &self.module.decision(label)?.domain;
        match self.chooser.borrow_mut().choose(&ir::eval::member_name(label, index), domain) {
            Ok(v) => Some(v),
            Err(e) => {
                self.error.borrow_mut().get_or_insert(e);
                None
            }
        }
    }
}
