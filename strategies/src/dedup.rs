//! `dedup=true`: never evaluates an equal network twice.

use crate::error::StrategyError;
use crate::strategy::{Next, Proposal, Strategy, Verdict};
use crate::trial::{Objective, Outcome, Reported, Trial, TrialId};
use crate::unseen::SampleMap;
use ir::GraphHash;
use mutators::{Sample, Space};
use rand::Rng;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Proposals in a row that are known already, after which the strategy counts as exhausted.
const GIVE_UP_AFTER: u32 = 10_000;

/// A strategy of which no two trials are equal networks at one fidelity.
///
/// Equal are networks with one canonical hash, which leaves dead nodes and names out. A proposal that is known is not
/// tried: the inner strategy is told what is known, in the order of its proposals, and asked again. A failed network
/// is known to fail. A sample that makes no network is passed on.
///
/// Off unless asked for: a table may hold different scores for equal networks.
#[derive(Debug)]
pub struct Dedup<S> {
    identity: String,
    inner: S,
    hashes: SampleMap<GraphHash>,
    known: FxHashMap<Key, Fate>,
    /// The keys of the trials that are running, in order.
    running: VecDeque<Key>,
    /// The inner proposals that were not told yet, in order.
    line: VecDeque<Entry>,
    /// The inner proposals told so far.
    told: u64,
    /// The trial that each inner proposal became, or that it equals.
    trials: Vec<TrialId>,
    /// The inner proposal that each trial came from.
    origins: Vec<u64>,
    objective: Option<Objective>,
    repeats: u32,
}

/// What makes two proposals equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Network(GraphHash, Option<u32>),
    /// No network, so like nothing else.
    Trial(TrialId),
}

#[derive(Debug)]
struct Fate {
    trial: TrialId,
    /// `None` while it runs.
    outcome: Option<(Outcome, Vec<Reported>)>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    proposal: Proposal,
}

impl<S: Strategy> Dedup<S> {
    /// Wraps a strategy.
    #[must_use]
    pub fn new(inner: S) -> Self {
        let identity = inner.identity();
        let comma = if identity.contains(':') { "," } else { ":" };
        Self {
            identity: format!("{identity}{comma}dedup=true"),
            inner,
            hashes: SampleMap::default(),
            known: FxHashMap::default(),
            running: VecDeque::new(),
            line: VecDeque::new(),
            told: 0,
            trials: Vec::new(),
            origins: Vec::new(),
            objective: None,
            repeats: 0,
        }
    }

    fn hash(&mut self, space: &Space, sample: &Sample) -> Option<GraphHash> {
        if let Some(hash) = self.hashes.get(space, sample) {
            return Some(*hash);
        }
        let hash = space.program(sample).ok()?.hash();
        self.hashes.insert(space, sample, hash);
        Some(hash)
    }

    /// Puts an inner proposal in line; returns it if it is new, with its parent as a trial.
    fn enter(&mut self, proposal: Proposal, space: &Space) -> Option<Proposal> {
        let next = TrialId(self.origins.len() as u64);
        let key = match self.hash(space, &proposal.sample) {
            Some(hash) => Key::Network(hash, proposal.fidelity),
            None => Key::Trial(next),
        };
        let origin = self.trials.len() as u64;
        let mut fresh = None;
        let fate = self.known.entry(key).or_insert_with(|| {
            fresh = Some(proposal.clone());
            Fate { trial: next, outcome: None }
        });
        self.trials.push(fate.trial);
        self.line.push_back(Entry { key, proposal });
        let mut fresh = fresh?;
        self.running.push_back(key);
        self.origins.push(origin);
        fresh.parent = fresh.parent.and_then(|p| self.trials.get(usize::try_from(p.0).ok()?).copied());
        Some(fresh)
    }

    /// Tells the inner strategy what is known of its earliest proposals.
    fn flush(&mut self) {
        let Some(objective) = &self.objective else { return };
        while let Some(entry) = self.line.front() {
            let Some((outcome, reports)) = self.known.get(&entry.key).and_then(|f| f.outcome.clone()) else { return };
            let Some(Entry { proposal: Proposal { sample, fidelity, parent }, .. }) = self.line.pop_front() else {
                return;
            };
            self.inner.tell(&Trial { id: TrialId(self.told), sample, parent, fidelity, reports, outcome }, objective);
            self.told += 1;
        }
    }
}

impl<S: Strategy> Strategy for Dedup<S> {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, _want: usize) -> Result<Next, StrategyError> {
        while self.repeats < GIVE_UP_AFTER {
            let proposals = match self.inner.ask(space, rng, 1)? {
                Next::Run(proposals) => proposals,
                other => return Ok(other),
            };
            let fresh: Vec<Proposal> = proposals.into_iter().filter_map(|p| self.enter(p, space)).collect();
            if !fresh.is_empty() {
                self.repeats = 0;
                return Ok(Next::Run(fresh));
            }
            self.repeats += 1;
            self.flush();
            // Told in order, what is known may have to wait for what is not.
            if !self.line.is_empty() {
                return Ok(Next::Wait);
            }
        }
        Ok(Next::Done(format!("{GIVE_UP_AFTER} proposals in a row were networks that had been tried")))
    }

    fn report(&mut self, trial: TrialId, step: u64, value: f64) -> Verdict {
        match usize::try_from(trial.0).ok().and_then(|i| self.origins.get(i)) {
            Some(origin) => self.inner.report(TrialId(*origin), step, value),
            None => Verdict::Continue,
        }
    }

    fn tell(&mut self, trial: &Trial, objective: &Objective) {
        if self.objective.is_none() {
            self.objective = Some(objective.clone());
        }
        if let Some(fate) = self.running.pop_front().and_then(|key| self.known.get_mut(&key)) {
            fate.outcome = Some((trial.outcome.clone(), trial.reports.clone()));
        }
        self.flush();
    }
}
