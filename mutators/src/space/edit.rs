//! Editing samples: one decision at a time.

use super::{MAX_TRIES, Space};
use crate::chooser::EditOne;
use crate::draw;
use crate::error::MutateError;
use crate::sample::Sample;
use ir::decision::Pick;
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

    /// All legal samples that differ in one decision, in the order of decisions and values; a decision that the edit
    /// wakes gets its default. A real interval contributes its quartiles. In a pool they are the neighbours, in its order.
    ///
    /// # Errors
    /// If the space is dynamic.
    pub fn neighbours(&self, sample: &Sample) -> Result<Vec<Sample>, MutateError> {
        let schema = self.static_schema("walked neighbour by neighbour")?;
        if let Some(pool) = self.pool() {
            return self.members_near(&**pool, sample);
        }
        let mut out = Vec::new();
        for (i, slot) in schema.slots().iter().enumerate().filter(|(i, _)| sample.picks()[*i].is_active()) {
            for pick in slot.domain.grid(2).into_iter().filter(|p| *p != sample.picks()[i]) {
                let mut edited: Box<[Pick]> = sample.picks().into();
                edited[i] = pick;
                schema.settle(&mut edited, &mut |s| s.default);
                let edited = Sample::new(schema.clone(), edited);
                if self.is_legal(&edited)? {
                    out.push(edited);
                }
            }
        }
        Ok(out)
    }
}
