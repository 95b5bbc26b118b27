//! Enumerating a space in nested-loop order, the last decision fastest.

use super::Space;
use crate::error::MutateError;
use crate::sample::Sample;
use crate::schema::Schema;
use ir::decision::Pick;
use std::sync::Arc;

/// The legal samples of a space, each once: a decision that plays no part is not looped over.
#[derive(Debug)]
pub struct Samples<'a> {
    space: &'a Space,
    cursor: Cursor,
}

/// A place in the enumeration of a space, for those who cannot borrow the space in the meantime.
#[derive(Clone, Debug)]
pub struct Cursor {
    schema: Arc<Schema>,
    /// The picks of each slot in grid order.
    grids: Vec<Vec<Pick>>,
    /// Position in its grid of each active slot.
    at: Vec<usize>,
    picks: Vec<Pick>,
    state: State,
    /// The next member of a pool.
    member: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Fresh,
    Running,
    Done,
}

impl Space {
    /// Enumerates the legal samples; a real interval is gridded at `2^granularity` quantiles. A pool is listed by member.
    ///
    /// # Errors
    /// If the space is dynamic.
    pub fn enumerate(&self, granularity: u32) -> Result<Samples<'_>, MutateError> {
        Ok(Samples { space: self, cursor: self.cursor(granularity)? })
    }

    /// Where [`Space::enumerate`] starts.
    ///
    /// # Errors
    /// If the space is dynamic.
    pub fn cursor(&self, granularity: u32) -> Result<Cursor, MutateError> {
        let schema = self.static_schema("enumerated")?.clone();
        let grid = |s: &crate::schema::Slot| s.domain.weighted_grid(granularity, s.weights.as_deref());
        let grids: Vec<Vec<Pick>> = schema.slots().iter().map(grid).collect();
        let n = grids.len();
        let (at, picks) = (vec![0; n], vec![Pick::INACTIVE; n]);
        Ok(Cursor { schema, grids, at, picks, state: State::Fresh, member: 0 })
    }
}

impl Cursor {
    /// The next legal sample of the space that the cursor was made for.
    pub fn next(&mut self, space: &Space) -> Option<Result<Sample, MutateError>> {
        while let Some(sample) = self.following(space) {
            let legal = sample.and_then(|sample| Ok((space.is_legal(&sample)?, sample)));
            match legal {
                Ok((true, sample)) => return Some(Ok(sample)),
                Ok((false, _)) => {}
                Err(e) => return Some(Err(e)),
            }
        }
        None
    }

    /// The next sample, legal or not: of a pool the next member's.
    fn following(&mut self, space: &Space) -> Option<Result<Sample, MutateError>> {
        match space.pool() {
            Some(pool) if self.member == pool.members() => None,
            Some(pool) => {
                self.member += 1;
                Some(space.of_member(&**pool, self.member - 1))
            }
            None => self.step().then(|| Ok(Sample::new(self.schema.clone(), self.picks.as_slice().into()))),
        }
    }

    /// Sets the slots from a place in guard order on to their first value, or to sleep.
    fn restart(&mut self, from: usize) {
        for place in from..self.grids.len() {
            let i = self.schema.guard_order()[place];
            self.picks[i] = if self.schema.is_active(i, &self.picks) { self.grids[i][0] } else { Pick::INACTIVE };
            self.at[i] = 0;
        }
    }

    fn step(&mut self) -> bool {
        match self.state {
            State::Done => return false,
            State::Fresh => {
                self.state = State::Running;
                self.restart(0);
                return true;
            }
            State::Running => {}
        }
        for place in (0..self.grids.len()).rev() {
            let i = self.schema.guard_order()[place];
            if self.picks[i].is_active() && self.at[i] + 1 < self.grids[i].len() {
                self.at[i] += 1;
                self.picks[i] = self.grids[i][self.at[i]];
                self.restart(place + 1);
                return true;
            }
        }
        self.state = State::Done;
        false
    }
}

impl Iterator for Samples<'_> {
    type Item = Result<Sample, MutateError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.cursor.next(self.space)
    }
}
