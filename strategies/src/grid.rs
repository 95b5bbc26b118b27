//! `grid`: every sample once, in nested-loop order.

use crate::error::StrategyError;
use crate::strategy::{Next, Strategy};
use crate::trial::{Objective, Trial};
use mutators::{Cursor, MutateError, Options, Space};
use rand::Rng;

/// Grid search: nested loops over the decisions, the last one fastest, heaviest values first.
#[derive(Clone, Debug)]
pub struct Grid {
    identity: String,
    granularity: u32,
    cursor: Option<Cursor>,
    found: u64,
}

impl Grid {
    /// A grid with the quantiles `k / 2^granularity` of real intervals, ends excluded.
    #[must_use]
    pub fn new(granularity: u32) -> Self {
        Self { identity: format!("grid:granularity={granularity}"), granularity, cursor: None, found: 0 }
    }

    pub(crate) fn build(options: &mut Options) -> Result<Box<dyn Strategy>, StrategyError> {
        Ok(Box::new(Self::new(options.take_in("granularity", 2, 1, 20)?)))
    }
}

impl Strategy for Grid {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn ask(&mut self, space: &Space, _: &mut dyn Rng, _want: usize) -> Result<Next, StrategyError> {
        let cursor = match &mut self.cursor {
            Some(cursor) => cursor,
            none => none.insert(space.cursor(self.granularity)?),
        };
        match cursor.next(space) {
            Some(Ok(sample)) => {
                self.found += 1;
                Ok(Next::run(sample))
            }
            // What was found stands.
            Some(Err(e @ MutateError::Sparse { .. })) => Ok(Next::Done(e.to_string())),
            Some(Err(e)) => Err(e.into()),
            None => Ok(Next::Done(format!("all {} samples of the grid were tried", self.found))),
        }
    }

    fn tell(&mut self, _: &Trial, _: &Objective) {}
}
