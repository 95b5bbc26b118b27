//! `random`: samples drawn independently of each other and of all results.

use crate::error::StrategyError;
use crate::strategy::{Next, Strategy};
use crate::trial::{Objective, Trial};
use crate::unseen::Unseen;
use mutators::{Options, Space};
use rand::Rng;

/// Random search (Bergstra and Bengio 2012): each decision by its weights, else uniformly.
#[derive(Clone, Debug)]
pub struct Random {
    identity: String,
    /// The samples drawn so far, if each may be drawn only once.
    unseen: Option<Unseen>,
}

impl Random {
    /// Draws with replacement: a sample may be drawn again. Otherwise the search ends when all were drawn.
    #[must_use]
    pub fn new(replace: bool) -> Self {
        Self { identity: format!("random:replace={replace}"), unseen: (!replace).then(Unseen::default) }
    }

    pub(crate) fn build(options: &mut Options) -> Result<Box<dyn Strategy>, StrategyError> {
        Ok(Box::new(Self::new(options.take("replace", false)?)))
    }
}

impl Strategy for Random {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, _want: usize) -> Result<Next, StrategyError> {
        let Some(unseen) = &mut self.unseen else { return Ok(Next::run(space.sample(rng)?)) };
        Ok(match unseen.draw(space, rng)? {
            Some(sample) => Next::run(sample),
            None => Next::Done(unseen.exhausted(space)),
        })
    }

    fn tell(&mut self, _: &Trial, _: &Objective) {}
}
