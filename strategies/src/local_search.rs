//! `local-search`: hill climbing over samples that differ in one decision, with random restarts.

use crate::error::StrategyError;
use crate::strategy::{Next, Proposal, Strategy};
use crate::trial::{Objective, Trial, TrialId};
use crate::unseen::Unseen;
use ir::decision::Pick;
use mutators::{MAX_TRIES, MutateError, Neighbours, Options, Sample, Space, draw};
use rand::Rng;
use rustc_hash::FxHashMap;

/// When a climb moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Improvement {
    /// To the first neighbour that is better.
    First,
    /// To the best neighbour, when all are known.
    Best,
}

/// Local search (White, Nolen and Savani 2020): from a random sample to better neighbours until none is better, then
/// again from another. Every sample is tried at most once; what is known of a neighbour is used.
///
/// The space must be static. A real interval's neighbours are its quartiles.
#[derive(Clone, Debug)]
pub struct LocalSearch {
    identity: String,
    improvement: Improvement,
    /// Number of random samples of which the best is climbed from.
    initial: usize,
    unseen: Unseen,
    known: FxHashMap<Box<[Pick]>, (f64, TrialId)>,
    climb: Climb,
    /// Number of proposals of this climb's step that were not told yet.
    awaited: usize,
}

/// Where a climb is.
#[derive(Clone, Debug)]
struct Climb {
    /// Number of random starts still to be proposed.
    starts: usize,
    /// Where it stands; nowhere, before the best start is known.
    here: Option<Place>,
    /// The best that this step has met.
    best: Option<Place>,
    ahead: Ahead,
}

/// Neighbours up to which they are listed and shuffled; of more, each is drawn when it is its turn.
const LISTED: u64 = 1 << 16;

/// The neighbours still to look at, in random order.
#[derive(Clone, Debug)]
enum Ahead {
    /// The last one first.
    Listed(Vec<Sample>),
    Drawn(Box<Deck>),
}

/// Numbers of neighbours that are drawn one by one: Fisher and Yates' shuffle, of which only what was drawn is kept.
#[derive(Clone, Debug)]
struct Deck {
    neighbours: Neighbours,
    left: u64,
    /// The numbers that stand in other places than their own.
    moved: FxHashMap<u64, u64>,
}

impl Deck {
    /// The next neighbour; `None` if there is none left, or [`MAX_TRIES`] in a row are forbidden.
    fn draw(&mut self, space: &Space, rng: &mut dyn Rng) -> Result<Option<Sample>, MutateError> {
        for _ in 0..MAX_TRIES {
            if self.left == 0 {
                break;
            }
            let place = draw::below(rng, self.left);
            self.left -= 1;
            let number = self.moved.get(&place).copied().unwrap_or(place);
            let last = self.moved.remove(&self.left).unwrap_or(self.left);
            if place != self.left {
                self.moved.insert(place, last);
            }
            if let Some(sample) = self.neighbours.get(space, number)? {
                return Ok(Some(sample));
            }
        }
        Ok(None)
    }
}

impl Ahead {
    fn of(neighbours: Neighbours, space: &Space, rng: &mut dyn Rng) -> Result<Self, MutateError> {
        if neighbours.len() > LISTED {
            let left = neighbours.len();
            return Ok(Self::Drawn(Box::new(Deck { neighbours, left, moved: FxHashMap::default() })));
        }
        let mut ahead = neighbours.legal(space).collect::<Result<Vec<Sample>, _>>()?;
        draw::shuffle(rng, &mut ahead);
        Ok(Self::Listed(ahead))
    }

    fn next(&mut self, space: &Space, rng: &mut dyn Rng) -> Result<Option<Sample>, MutateError> {
        match self {
            Self::Listed(samples) => Ok(samples.pop()),
            Self::Drawn(deck) => deck.draw(space, rng),
        }
    }
}

#[derive(Clone, Debug)]
struct Place {
    score: f64,
    id: TrialId,
    sample: Sample,
}

impl Climb {
    fn fresh(initial: usize) -> Self {
        Self { starts: initial, here: None, best: None, ahead: Ahead::Listed(Vec::new()) }
    }

    /// Whether a score is better than where the climb stands.
    fn improves(&self, score: f64) -> bool {
        self.here.as_ref().is_none_or(|h| score > h.score)
    }

    /// Takes note of a scored sample of this step.
    fn meet(&mut self, score: f64, id: TrialId, sample: &Sample) {
        if self.best.as_ref().is_none_or(|b| score > b.score) {
            self.best = Some(Place { score, id, sample: sample.clone() });
        }
    }

    /// The place to move to, if the step has found a better one.
    fn better(&mut self) -> Option<Place> {
        let score = self.best.as_ref()?.score;
        if self.improves(score) { self.best.take() } else { None }
    }
}

impl LocalSearch {
    /// A search that climbs from the best of `initial`, at least 1, random samples.
    #[must_use]
    pub fn new(improvement: Improvement, initial: usize) -> Self {
        let word = match improvement {
            Improvement::First => "first",
            Improvement::Best => "best",
        };
        let initial = initial.max(1);
        Self {
            identity: format!("local-search:improvement={word},initial={initial}"),
            improvement,
            initial,
            unseen: Unseen::default(),
            known: FxHashMap::default(),
            climb: Climb::fresh(initial),
            awaited: 0,
        }
    }

    pub(crate) fn build(options: &mut Options) -> Result<Box<dyn Strategy>, StrategyError> {
        let improvement = match options.take_one("improvement", "best", &["best", "first"])? {
            "first" => Improvement::First,
            _ => Improvement::Best,
        };
        Ok(Box::new(Self::new(improvement, options.take_in("initial", 1, 1, 1_000_000)?)))
    }

    fn move_to(&mut self, place: Place, space: &Space, rng: &mut dyn Rng) -> Result<(), StrategyError> {
        let ahead = Ahead::of(space.neighbours(&place.sample)?, space, rng)?;
        self.climb = Climb { starts: 0, here: Some(place), best: None, ahead };
        Ok(())
    }

    fn propose(&mut self, proposal: Proposal) -> Next {
        self.awaited += 1;
        Next::run(proposal)
    }
}

impl Strategy for LocalSearch {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, _want: usize) -> Result<Next, StrategyError> {
        loop {
            if self.climb.starts > 0 {
                self.climb.starts -= 1;
                match self.unseen.draw(space, rng)? {
                    Some(sample) => return Ok(self.propose(sample.into())),
                    None if self.awaited > 0 => self.climb.starts = 0,
                    None if self.climb.best.is_none() => return Ok(Next::Done(self.unseen.exhausted(space))),
                    None => self.climb.starts = 0,
                }
            }
            if self.improvement == Improvement::First
                && self.climb.here.is_some()
                && let Some(place) = self.climb.better()
            {
                self.move_to(place, space, rng)?;
            }
            if let Some(neighbour) = self.climb.ahead.next(space, rng)? {
                let here = self.climb.here.as_ref().map(|h| h.id);
                if self.unseen.mark(space, &neighbour) {
                    return Ok(self.propose(Proposal { sample: neighbour, fidelity: None, parent: here }));
                }
                if let Some((score, id)) = self.known.get(neighbour.picks()) {
                    self.climb.meet(*score, *id, &neighbour);
                }
                continue;
            }
            if self.awaited > 0 {
                return Ok(Next::Wait);
            }
            match self.climb.better() {
                Some(place) => self.move_to(place, space, rng)?,
                None => self.climb = Climb::fresh(self.initial),
            }
        }
    }

    fn tell(&mut self, trial: &Trial, objective: &Objective) {
        self.awaited = self.awaited.saturating_sub(1);
        let Some(score) = trial.score(objective) else { return };
        self.known.insert(trial.sample.picks().into(), (score, trial.id));
        self.climb.meet(score, trial.id, &trial.sample);
    }
}
