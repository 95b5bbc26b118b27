//! Drawing samples that have not been seen yet.

use ir::decision::Pick;
use mutators::{MutateError, Sample, Space, draw};
use rand::Rng;
use rustc_hash::FxHashMap;

/// A map from the samples of one space. Samples of a static space share their decisions, so their picks are the key.
#[derive(Clone, Debug)]
pub(crate) struct SampleMap<T> {
    picks: FxHashMap<Box<[Pick]>, T>,
    records: FxHashMap<Sample, T>,
}

impl<T> Default for SampleMap<T> {
    fn default() -> Self {
        Self { picks: FxHashMap::default(), records: FxHashMap::default() }
    }
}

impl<T> SampleMap<T> {
    pub(crate) fn get(&self, space: &Space, sample: &Sample) -> Option<&T> {
        if space.is_dynamic() { self.records.get(sample) } else { self.picks.get(sample.picks()) }
    }

    /// Inserts a value; `false`, and nothing changes, if the sample has one.
    pub(crate) fn insert(&mut self, space: &Space, sample: &Sample, value: T) -> bool {
        if self.get(space, sample).is_some() {
            return false;
        }
        if space.is_dynamic() {
            self.records.insert(sample.clone(), value);
        } else {
            self.picks.insert(sample.picks().into(), value);
        }
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.picks.len() + self.records.len()
    }
}

/// Draws in a row that were seen before, after which the rest of the space is listed.
const LIST_AFTER: u32 = 256;
/// Spaces of up to this many raw assignments, and pools of up to this many members, are listed.
const LISTED: u128 = 1 << 20;
/// Draws in a row that were seen before, after which a space that cannot be listed counts as exhausted.
const GIVE_UP_AFTER: u32 = 10_000;

/// Draws each sample of a space at most once: by rejection, and once that gets rare, from a list of the rest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unseen {
    seen: SampleMap<()>,
    /// The samples that were unseen when the space was listed, shuffled.
    rest: Option<Vec<Sample>>,
}

impl Unseen {
    /// Marks a sample as seen; `false` if it was so already.
    pub(crate) fn mark(&mut self, space: &Space, sample: &Sample) -> bool {
        self.seen.insert(space, sample, ())
    }

    /// Draws a sample that was not seen, and marks it; `None` if there is none left.
    pub(crate) fn draw(&mut self, space: &Space, rng: &mut dyn Rng) -> Result<Option<Sample>, MutateError> {
        let mut repeats = 0;
        while self.rest.is_none() {
            let sample = space.sample(rng)?;
            if self.mark(space, &sample) {
                return Ok(Some(sample));
            }
            repeats += 1;
            if repeats == LIST_AFTER && is_listable(space) {
                let mut rest = Vec::new();
                for sample in space.enumerate(0)? {
                    let sample = sample?;
                    if self.seen.get(space, &sample).is_none() {
                        rest.push(sample);
                    }
                }
                draw::shuffle(rng, &mut rest);
                self.rest = Some(rest);
            } else if repeats == GIVE_UP_AFTER {
                return Ok(None);
            }
        }
        while let Some(sample) = self.rest.as_mut().and_then(Vec::pop) {
            if self.mark(space, &sample) {
                return Ok(Some(sample));
            }
        }
        Ok(None)
    }

    /// Why nothing is left.
    pub(crate) fn exhausted(&self, space: &Space) -> String {
        match (&self.rest, self.seen.len()) {
            (Some(_), 1) => format!("the only sample of space `{}` was tried", space.name()),
            (Some(_), n) => format!("all {n} samples of space `{}` were tried", space.name()),
            (None, n) => format!("{GIVE_UP_AFTER} draws in a row gave one of the {n} samples that were tried"),
        }
    }
}

fn is_listable(space: &Space) -> bool {
    if let Some(pool) = space.pool() {
        return u128::from(pool.members()) <= LISTED;
    }
    let sizes = space.schema().map(|s| s.slots().iter().map(|slot| slot.size.map(u128::from)));
    let raw = sizes.and_then(|mut s| s.try_fold(1u128, |n, size| n.checked_mul(size?)));
    raw.is_some_and(|n| n <= LISTED)
}
