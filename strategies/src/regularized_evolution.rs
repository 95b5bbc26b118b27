//! `regularized-evolution`: tournaments in a population in which the oldest dies.

use crate::error::StrategyError;
use crate::strategy::{Next, Proposal, Strategy};
use crate::trial::{Objective, Trial, TrialId};
use mutators::{MutateError, Options, Sample, Space, draw};
use rand::Rng;
use std::collections::VecDeque;

/// How a population evolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvolutionOptions {
    /// Number of the youngest trials that may become parents.
    pub population: usize,
    /// Number of them that compete to be the parent.
    pub sample: usize,
    /// Whether the competitors are drawn with replacement.
    pub replacement: bool,
}

impl Default for EvolutionOptions {
    /// The paper's population of 100 and tournament of 25, drawn with replacement.
    fn default() -> Self {
        Self { population: 100, sample: 25, replacement: true }
    }
}

/// Regularized (ageing) evolution (Real, Aggarwal, Huang and Le 2019): random samples until the population is full;
/// then the best of a tournament is edited in one decision, and the child takes the place of the oldest.
///
/// Failed trials never join the population. While results are awaited it goes on with those that are there.
#[derive(Clone, Debug)]
pub struct RegularizedEvolution {
    identity: String,
    options: EvolutionOptions,
    /// The living, oldest first.
    population: VecDeque<Member>,
    /// Number of proposals that were not told yet.
    awaited: usize,
    /// Places of the population, to draw from without replacement.
    places: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Member {
    score: f64,
    id: TrialId,
    sample: Sample,
}

impl RegularizedEvolution {
    /// An empty population. A tournament drawn without replacement is at most the whole population.
    #[must_use]
    pub fn new(options: EvolutionOptions) -> Self {
        let EvolutionOptions { population, sample, replacement } = options;
        Self {
            identity: format!(
                "regularized-evolution:population={population},sample={sample},replacement={replacement}"
            ),
            options,
            population: VecDeque::with_capacity(population.min(1 << 16)),
            awaited: 0,
            places: Vec::new(),
        }
    }

    pub(crate) fn build(options: &mut Options) -> Result<Box<dyn Strategy>, StrategyError> {
        let default = EvolutionOptions::default();
        let population = options.take_in("population", default.population, 1, 1_000_000)?;
        let replacement = options.take("replacement", default.replacement)?;
        let most = if replacement { 1_000_000 } else { population };
        let sample = options.take_in("sample", default.sample.min(population), 1, most)?;
        Ok(Box::new(Self::new(EvolutionOptions { population, sample, replacement })))
    }

    /// The winner of a tournament; among equals the one drawn first.
    fn parent(&mut self, rng: &mut dyn Rng) -> Option<&Member> {
        let n = self.population.len();
        let better = |a: usize, b: usize| if self.population[b].score > self.population[a].score { b } else { a };
        let winner = if self.options.replacement {
            (0..self.options.sample).map(|_| draw::below(rng, n as u64) as usize).reduce(better)
        } else {
            self.places.clear();
            self.places.extend(0..n);
            let places = &mut self.places;
            let drawn = (0..self.options.sample.min(n)).map(|k| {
                places.swap(k, k + draw::below(rng, (n - k) as u64) as usize);
                places[k]
            });
            drawn.reduce(better)
        };
        self.population.get(winner?)
    }
}

impl Strategy for RegularizedEvolution {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, _want: usize) -> Result<Next, StrategyError> {
        let filling = self.population.len() + self.awaited < self.options.population;
        let proposal = if filling || self.population.is_empty() {
            Proposal::new(space.sample(rng)?)
        } else {
            let Some(parent) = self.parent(rng) else { return Ok(Next::Wait) };
            match space.edit(&parent.sample, rng) {
                Ok(child) => Proposal::new(child).child_of(parent.id),
                Err(MutateError::NoLegalSample { .. }) => {
                    return Ok(Next::Done(format!("no legal sample differs in one decision from `{}`", parent.sample)));
                }
                Err(e) => return Err(e.into()),
            }
        };
        self.awaited += 1;
        Ok(Next::run(proposal))
    }

    fn tell(&mut self, trial: &Trial, objective: &Objective) {
        self.awaited = self.awaited.saturating_sub(1);
        let Some(score) = trial.score(objective) else { return };
        if self.population.len() >= self.options.population {
            self.population.pop_front();
        }
        self.population.push_back(Member { score, id: trial.id, sample: trial.sample.clone() });
    }
}
