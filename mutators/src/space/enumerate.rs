//! Enumerating a space in nested-loop order, the last decision fastest.
//!
//! Nothing is listed: a place in the enumeration is a number per decision. A constraint is evaluated as soon as the loops
//! have set what it looks at, so that what it refuses is not looped over further.

use super::Space;
use crate::error::MutateError;
use crate::sample::Sample;
use crate::schema::Schema;
use ir::decision::{Grid, Pick};
use ir::eval::Env;
use ir::{Expr, Value};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Refusals by constraints and rules in a row after which an enumeration is given up.
pub const MAX_REFUSED: u32 = 1 << 20;

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
    grids: Vec<Grid>,
    /// Position in its grid of each active slot.
    at: Vec<u64>,
    picks: Vec<Pick>,
    /// The constraints, by number, that can be evaluated once a place in guard order is set, and not before.
    due: FxHashMap<usize, Vec<usize>>,
    state: State,
    found: u64,
    /// Refusals since the last sample.
    refused: u32,
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
    /// The last one is an error if [`MAX_REFUSED`] assignments in a row are refused, or if all are.
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
        let grids: Vec<Grid> = schema.slots().iter().map(grid).collect();
        let n = grids.len();
        let (at, picks) = (vec![0; n], vec![Pick::INACTIVE; n]);
        let mut due: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        if !self.constraints.is_empty() {
            let mut place = vec![0; n];
            schema.guard_order().iter().enumerate().for_each(|(at, i)| place[*i] = at);
            for (number, constraint) in self.constraints.iter().enumerate() {
                // One that looks at nothing is the last check's.
                if let Some(last) = reads(constraint, &schema).into_iter().map(|i| place[i]).max() {
                    due.entry(last).or_default().push(number);
                }
            }
        }
        Ok(Cursor { schema, grids, at, picks, due, state: State::Fresh, found: 0, refused: 0, member: 0 })
    }
}

/// The slots that a constraint may look at.
fn reads(constraint: &Expr, schema: &Schema) -> Vec<usize> {
    let mut reads = Vec::new();
    for d in constraint.decisions() {
        match d.index.as_ref().map(|i| i.constant(&[]).and_then(|v| v.as_int())) {
            // Any member of the family.
            Some(None) => reads.extend((0..).map_while(|i| schema.position(&d.label, Some(i)))),
            Some(member) => reads.extend(schema.position(&d.label, member)),
            None => reads.extend(schema.position(&d.label, None)),
        }
    }
    reads
}

/// The decisions that the loops have set so far.
struct Partial<'a>(&'a Schema, &'a [Pick]);

impl Env for Partial<'_> {
    fn param(&self, _: &str) -> Option<i64> {
        None
    }
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let i = self.0.position(label, index)?;
        self.0.value(i, self.1[i])
    }
}

impl Cursor {
    /// The next legal sample of the space that the cursor was made for.
    pub fn next(&mut self, space: &Space) -> Option<Result<Sample, MutateError>> {
        while let Some(sample) = self.following(space) {
            let legal = sample.and_then(|sample| Ok((space.is_legal(&sample)?, sample)));
            match legal {
                Ok((true, sample)) => {
                    self.found += 1;
                    self.refused = 0;
                    return Some(Ok(sample));
                }
                Ok((false, _)) => self.refuse(),
                Err(e) => return Some(Err(e)),
            }
        }
        // A space whose last assignments are refused has ended; one of which all are has no sample.
        if self.refused == 0 || (self.refused < MAX_REFUSED && self.found > 0) {
            return None;
        }
        let (space, tries, found) = (space.name().to_owned(), std::mem::take(&mut self.refused), self.found);
        Some(Err(match found {
            0 => MutateError::NoLegalSample { space, tries },
            _ => MutateError::Sparse { space, tries, found },
        }))
    }

    /// The next sample that no constraint has refused yet: of a pool the next member's.
    fn following(&mut self, space: &Space) -> Option<Result<Sample, MutateError>> {
        match space.pool() {
            Some(pool) if self.member == pool.members() || self.state == State::Done => None,
            Some(pool) => {
                self.member += 1;
                Some(space.of_member(&**pool, self.member - 1))
            }
            None => self.step(space).then(|| Ok(Sample::new(self.schema.clone(), self.picks.as_slice().into()))),
        }
    }

    fn refuse(&mut self) {
        self.refused += 1;
        if self.refused == MAX_REFUSED {
            self.state = State::Done;
        }
    }

    /// Whether no constraint refuses what is set up to a place; one without a value is left to the last check.
    fn admits(&self, space: &Space, place: usize) -> bool {
        let env = Partial(&self.schema, &self.picks);
        let refuses = |c: &usize| space.constraints[*c].eval_bool(&env) == Ok(false);
        !self.due.get(&place).is_some_and(|due| due.iter().any(refuses))
    }

    /// Goes to the next assignment; `false` after the last.
    fn step(&mut self, space: &Space) -> bool {
        let n = self.grids.len();
        // Slots before this place in guard order are set; either the next ones start anew, or the one before goes on.
        let (mut place, mut anew) = match self.state {
            State::Done => return false,
            State::Fresh => (0, true),
            State::Running => (n, false),
        };
        self.state = State::Running;
        while self.state == State::Running {
            if anew && place == n {
                return true;
            }
            if !anew && place == 0 {
                self.state = State::Done;
                break;
            }
            place -= usize::from(!anew);
            let i = self.schema.guard_order()[place];
            if anew {
                self.at[i] = 0;
                let active = self.schema.is_active(i, &self.picks);
                self.picks[i] = if active { self.grids[i].get(0).unwrap_or(Pick::INACTIVE) } else { Pick::INACTIVE };
            } else if self.picks[i].is_active() && self.at[i] + 1 < self.grids[i].len() {
                self.at[i] += 1;
                self.picks[i] = self.grids[i].get(self.at[i]).unwrap_or(Pick::INACTIVE);
            } else {
                continue;
            }
            anew = self.admits(space, place);
            place += 1;
            if !anew {
                self.refuse();
            }
        }
        false
    }
}

impl Iterator for Samples<'_> {
    type Item = Result<Sample, MutateError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.cursor.next(self.space)
    }
}
