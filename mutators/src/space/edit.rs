//! Editing samples: one decision at a time.

use super::{MAX_TRIES, Space};
use crate::chooser::EditOne;
use crate::draw;
use crate::error::MutateError;
use crate::sample::Sample;
use ir::decision::{Grid, Pick};
use rand::Rng;

impl Space {
    /// A legal sample that differs from `sample` in one decision: a group is drawn, then an active decision of the
    /// group, then another of its values. Decisions that the edit wakes are drawn anew, those that it puts to sleep drop.
    /// In a pool it is a neighbour, uniformly.
    ///
    /// # Errors
    /// If there is no other legal sample within [`MAX_TRIES`] draws, or a mutator fails.
    pub fn edit(&self, sample: &Sample, rng: &mut dyn Rng) -> Result<Sample, MutateError> {
        if let Some(pool) = self.pool() {
            let mut near = self.members_near(&**pool, sample)?;
            if near.is_empty() {
                return Err(MutateError::NoLegalSample { space: self.name().to_owned(), tries: 1 });
            }
            return Ok(near.swap_remove(draw::below(rng, near.len() as u64) as usize));
        }
        for _ in 0..MAX_TRIES {
            let edited = if self.is_dynamic() { self.edit_record(sample, rng)? } else { self.edit_picks(sample, rng) };
            match edited {
                Some(edited) if self.is_legal(&edited)? => return Ok(edited),
                Some(_) => {}
                None => break,
            }
        }
        Err(MutateError::NoLegalSample { space: self.name().to_owned(), tries: MAX_TRIES })
    }

    fn edit_picks(&self, sample: &Sample, rng: &mut dyn Rng) -> Option<Sample> {
        let schema = sample.schema();
        let picks = sample.picks();
        let free = |i: &usize| picks[*i].is_active() && schema.slots()[*i].size != Some(1);
        let groups = schema.groups();
        let count = |g: &Vec<usize>| g.iter().filter(|i| free(i)).count();
        let slot = if schema.is_conditional() {
            let open = groups.iter().filter(|g| count(g) > 0).count();
            let group = groups.iter().filter(|g| count(g) > 0).nth(draw::below(rng, open.max(1) as u64) as usize)?;
            *group.iter().filter(|i| free(i)).nth(draw::below(rng, count(group) as u64) as usize)?
        } else {
            // Without conditions nearly every decision is free, so the first draw nearly always stands.
            let any = groups.iter().flatten().any(&free);
            any.then(|| {
                loop {
                    let group = &groups[draw::below(rng, groups.len() as u64) as usize];
                    let slot = group[draw::below(rng, group.len() as u64) as usize];
                    if free(&slot) {
                        break slot;
                    }
                }
            })?
        };
        let mut edited: Box<[Pick]> = picks.into();
        edited[slot] = draw::other(rng, &schema.slots()[slot].domain, picks[slot])?;
        schema.settle(&mut edited, &mut |s| draw::pick(rng, &s.domain, s.weights.as_deref()));
        Some(Sample::new(schema.clone(), edited))
    }

    fn edit_record(&self, sample: &Sample, rng: &mut dyn Rng) -> Result<Option<Sample>, MutateError> {
        let slots = sample.schema().slots();
        let free: Vec<usize> = (0..slots.len()).filter(|i| slots[*i].size != Some(1)).collect();
        if free.is_empty() {
            return Ok(None);
        }
        let label = slots[free[draw::below(rng, free.len() as u64) as usize]].label.clone();
        self.record(&mut EditOne::new(sample, label, rng)).map(|(edited, _)| Some(edited))
    }

    /// The samples that differ in one decision, in the order of decisions and values; a decision that the edit wakes gets
    /// its default. A real interval contributes its quartiles. In a pool they are the neighbours, in its order.
    ///
    /// # Errors
    /// If the space is dynamic.
    pub fn neighbours(&self, sample: &Sample) -> Result<Neighbours, MutateError> {
        let schema = self.static_schema("walked neighbour by neighbour")?;
        if let Some(pool) = self.pool() {
            let members = self.members_near(&**pool, sample)?;
            let len = members.len() as u64;
            return Ok(Neighbours { sample: sample.clone(), kind: Kind::Members(members), len });
        }
        let mut slots = Vec::new();
        let mut len = 0u64;
        for (i, slot) in schema.slots().iter().enumerate().filter(|(i, _)| sample.picks()[*i].is_active()) {
            let grid = slot.domain.grid(2);
            let own = match slot.size {
                Some(_) => Some(sample.picks()[i].rank()),
                None => grid.iter().position(|p| p == sample.picks()[i]).map(|i| i as u64),
            };
            let others = grid.len() - u64::from(own.is_some());
            if others > 0 {
                slots.push((len, i, grid, own));
                len = len.saturating_add(others);
            }
        }
        Ok(Neighbours { sample: sample.clone(), kind: Kind::Edits(slots), len })
    }
}

/// The samples that are near one, by number: one that differs in a single decision is not made before it is asked for.
#[derive(Clone, Debug)]
pub struct Neighbours {
    sample: Sample,
    kind: Kind,
    len: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Of each decision that has other values: the number of the first, the decision, its values, and which is its own.
    Edits(Vec<(u64, usize, Grid, Option<u64>)>),
    /// Those of a pool.
    Members(Vec<Sample>),
}

impl Neighbours {
    /// How many there are, those that the space forbids among them.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The neighbour of that number; `None` if the space forbids it, or there are not so many.
    ///
    /// # Errors
    /// If a constraint has no value.
    pub fn get(&self, space: &Space, number: u64) -> Result<Option<Sample>, MutateError> {
        if number >= self.len {
            return Ok(None);
        }
        let slots = match &self.kind {
            Kind::Edits(slots) => slots,
            Kind::Members(members) => return Ok(usize::try_from(number).ok().and_then(|at| members.get(at)).cloned()),
        };
        let (first, slot, grid, own) = &slots[slots.partition_point(|(first, ..)| *first <= number) - 1];
        let place = number - first;
        let Some(pick) = grid.get(if own.is_some_and(|own| place >= own) { place + 1 } else { place }) else {
            return Ok(None);
        };
        let schema = self.sample.schema();
        let mut edited: Box<[Pick]> = self.sample.picks().into();
        edited[*slot] = pick;
        schema.settle(&mut edited, &mut |s| s.default);
        let edited = Sample::new(schema.clone(), edited);
        Ok(space.is_legal(&edited)?.then_some(edited))
    }

    /// Those that the space allows, in order.
    pub fn legal<'a>(&'a self, space: &'a Space) -> impl Iterator<Item = Result<Sample, MutateError>> + 'a {
        (0..self.len).filter_map(|number| self.get(space, number).transpose())
    }
}
