//! `regularized-evolution`: tournaments in a population in which the oldest dies.

use crate::error::StrategyError;
use crate::strategy::{Next, Proposal, Strategy};
use crate::trial::{Objective, Trial, TrialId};
use mutators::{MutateError, Options, Sample, Space, draw};
use rand::Rng;

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
    /// The living; once there are enough, a ring.
    population: Vec<Member>,
    /// The living's scores, apart, because a tournament reads many scores and one member.
    scores: Vec<f64>,
    /// Place of the oldest in a full ring.
    oldest: usize,
    /// Number of proposals that were not told yet.
    awaited: usize,
    /// Places of the population, to draw from without replacement.
    places: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Member {
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
            population: Vec::new(),
            scores: Vec::new(),
            oldest: 0,
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
        let (n, scores) = (self.scores.len(), &self.scores);
        if n == 0 {
            return None;
        }
        let draw_one = |rng: &mut dyn Rng, left: usize| draw::below(rng, left as u64) as usize;
        let (mut winner, mut best) = (0, f64::NEG_INFINITY);
        let mut compete = |place: usize| {
            if scores[place] > best {
                (winner, best) = (place, scores[place]);
            }
        };
        if self.options.replacement {
            (0..self.options.sample).for_each(|_| compete(draw_one(rng, n)));
        } else {
            self.places.clear();
            self.places.extend(0..n);
            for k in 0..self.options.sample.min(n) {
                self.places.swap(k, k + draw_one(rng, n - k));
                compete(self.places[k]);
            }
        }
        self.population.get(winner)
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
        if self.population.len() < self.options.population {
            self.scores.push(score);
            self.population.push(Member { id: trial.id, sample: trial.sample.clone() });
            return;
        }
        self.scores[self.oldest] = score;
        let dead = &mut self.population[self.oldest];
        dead.id = trial.id;
        dead.sample.clone_from(&trial.sample);
        self.oldest = (self.oldest + 1) % self.options.population;
    }
}
