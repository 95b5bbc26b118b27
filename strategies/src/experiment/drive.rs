//! The loop itself.

use super::workers::{Settled, Workers};
use super::{Candidate, Crossing, End, Experiment, ExperimentError, Instant, Objective, Progress, Query, Report};
use super::{StopReason, Stored, StrategyError, Streams, Study, StudyIdentity, Trial};
use crate::error::StoreError;
use crate::strategy::{Next, Proposal};
use crate::trial::TrialId;

/// Successful trials without a simulated second, after which a budget of simulated time alone counts as endless.
const TIMELESS: u64 = 1_000;

/// A running study.
pub(super) struct Drive<'a> {
    study: Experiment<'a>,
    objective: Objective,
    stored: Stored,
    /// Number of trials that were stored before this run.
    replays: u64,
    streams: Streams,
    trials: Vec<Trial>,
    /// Number of trials that were asked for.
    asked: u64,
    /// Number of times that the next trial was asked for in vain.
    waits: u32,
    incumbent: Option<usize>,
    best: f64,
    simulated: f64,
    /// Wall-clock seconds of earlier runs.
    earlier: f64,
    started: Instant,
    /// Whether anyone wants to know the time of each trial.
    timed: bool,
}

impl<'a> Drive<'a> {
    pub(super) fn new(study: Experiment<'a>, objective: Objective, stored: Stored) -> Self {
        let last = stored.records.back().map_or(0.0, |r| r.wall);
        let expected = study.trials.unwrap_or(0).max(stored.records.len() as u64).min(1 << 20);
        Self {
            objective,
            replays: stored.records.len() as u64,
            streams: Streams::new(study.seed),
            trials: Vec::with_capacity(expected as usize),
            asked: 0,
            waits: 0,
            incumbent: None,
            best: f64::NEG_INFINITY,
            simulated: 0.0,
            earlier: stored.end.as_ref().map_or(last, |e| e.wall),
            started: Instant::now(),
            timed: study.store.is_some() || study.progress.is_some(),
            stored,
            study,
        }
    }

    fn told(&self) -> u64 {
        self.trials.len() as u64
    }

    fn running(&self) -> usize {
        (self.asked - self.told()) as usize
    }

    fn wall(&self) -> f64 {
        self.earlier + self.started.elapsed().as_secs_f64()
    }

    pub(super) fn run(&mut self, workers: &mut impl Workers) -> Result<StopReason, ExperimentError> {
        let mut stop = None;
        loop {
            while stop.is_none() && self.running() < self.study.jobs {
                stop = self.spent();
                if stop.is_some() {
                    break;
                }
                match self.ask() {
                    Ok(Next::Run(proposals)) => proposals.into_iter().try_for_each(|p| self.start(p, workers))?,
                    Ok(Next::Wait) => break,
                    Ok(Next::Done(reason)) => stop = Some(StopReason::Exhausted { reason }),
                    Err(e) if self.asked == 0 => return Err(e.into()),
                    Err(e) => stop = Some(StopReason::Failed { reason: e.to_string() }),
                }
            }
            let strategy = &mut self.study.strategy;
            let Some(settled) = workers.take(&mut |trial, r| strategy.report(trial, r.step, r.value)) else {
                return Ok(stop.unwrap_or(StopReason::Trials));
            };
            if let Some(stop) = self.settle(settled)? {
                return Ok(stop);
            }
        }
    }

    /// The reason to start no other trial.
    fn spent(&self) -> Option<StopReason> {
        if let Some(end) = self.stored.end.as_ref().filter(|_| self.asked >= self.replays) {
            return Some(end.stop.clone());
        }
        if self.study.trials.is_some_and(|n| self.asked >= n) {
            return Some(StopReason::Trials);
        }
        if self.asked < self.replays {
            return None;
        }
        self.study.wall.filter(|w| self.wall() >= w.as_secs_f64()).map(|_| StopReason::WallTime)
    }

    fn ask(&mut self) -> Result<Next, StrategyError> {
        let free = self.study.jobs - self.running();
        let left = self.study.trials.map_or(u64::MAX, |n| n - self.asked);
        let want = usize::try_from(left).map_or(free, |left| free.min(left));
        let stream = self.streams.of(self.asked, self.waits);
        let next = self.study.strategy.ask(self.study.space, stream, want)?;
        self.waits = if next == Next::Wait { self.waits.wrapping_add(1) } else { 0 };
        let strategy = || self.study.strategy.identity().to_owned();
        match &next {
            Next::Run(proposals) if proposals.is_empty() || proposals.len() > want => {
                Err(StrategyError::Proposals { strategy: strategy(), found: proposals.len(), want })
            }
            Next::Wait if self.running() == 0 => Err(StrategyError::Stalled { strategy: strategy() }),
            _ => Ok(next),
        }
    }

    /// Starts a trial, or takes its outcome from the store.
    fn start(&mut self, proposal: Proposal, workers: &mut impl Workers) -> Result<(), ExperimentError> {
        let number = self.asked;
        self.asked += 1;
        let Some(record) = self.stored.records.pop_front() else {
            workers.submit(number, proposal);
            return Ok(());
        };
        let sample = proposal.sample.to_string();
        if record.sample != sample
            || record.parent != proposal.parent.map(|p| p.0)
            || record.fidelity != proposal.fidelity
        {
            let place = self.study.store.as_ref().map(|s| s.place(number)).unwrap_or_default();
            let show = |sample: &str, parent: Option<u64>, fidelity: Option<u32>| {
                let parent = parent.map(|p| format!(" from trial {p}")).unwrap_or_default();
                let fidelity = fidelity.map(|f| format!(" at fidelity {f}")).unwrap_or_default();
                format!("`{sample}`{parent}{fidelity}")
            };
            return Err(StoreError::Diverged {
                place,
                trial: number,
                stored: show(&record.sample, record.parent, record.fidelity),
                proposed: show(&sample, proposal.parent.map(|p| p.0), proposal.fidelity),
            }
            .into());
        }
        workers.settled(number, Settled { proposal, reports: record.reports, outcome: record.outcome });
        Ok(())
    }

    /// Counts, keeps and tells a finished trial; returns the reason to stop here and now.
    fn settle(&mut self, settled: Settled) -> Result<Option<StopReason>, ExperimentError> {
        let Settled { proposal: Proposal { sample, fidelity, parent }, reports, outcome } = settled;
        let trial = Trial { id: TrialId(self.told()), sample, parent, fidelity, reports, outcome };
        let simulated = self.simulated + trial.outcome.seconds();
        let spent = self.study.simulated.is_some_and(|budget| simulated >= budget);
        let crosses = self.study.simulated.is_some_and(|budget| simulated > budget);
        if crosses && self.study.crossing == Crossing::Discarded {
            return Ok(Some(StopReason::SimulatedTime));
        }
        self.simulated = simulated;
        let replayed = trial.id.0 < self.replays;
        let wall = if self.timed { self.wall() } else { 0.0 };
        if let Some(store) = self.study.store.as_mut().filter(|_| !replayed) {
            store.push(&trial, wall)?;
        }
        self.study.strategy.tell(&trial, &self.objective);
        // Strictly better only, so that the earliest among equals stays.
        if let Some(score) = trial.score(&self.objective).filter(|s| *s > self.best || self.incumbent.is_none()) {
            (self.best, self.incumbent) = (score, Some(self.trials.len()));
        }
        self.trials.push(trial);
        if self.study.progress.is_some() {
            self.call_back(wall, replayed);
        }
        if spent {
            return Ok(Some(StopReason::SimulatedTime));
        }
        Ok(self.endless())
    }

    fn call_back(&mut self, wall_seconds: f64, replayed: bool) {
        let (Some(callback), Some(trial)) = (&mut self.study.progress, self.trials.last()) else { return };
        callback(&Progress {
            trial,
            incumbent: self.incumbent.and_then(|i| self.trials.get(i)),
            objective: &self.objective,
            told: self.trials.len() as u64,
            trials: self.study.trials,
            simulated_seconds: self.simulated,
            simulated_budget: self.study.simulated,
            wall_seconds,
            replayed,
        });
    }

    /// A search that only simulated time would end, on an evaluator that simulates none, would never end.
    fn endless(&self) -> Option<StopReason> {
        let only = self.study.simulated.is_some() && self.study.trials.is_none() && self.study.wall.is_none();
        (only && self.told() == TIMELESS && self.simulated == 0.0).then(|| StopReason::Failed {
            reason: format!(
                "{TIMELESS} trials took no simulated time, so its budget never ends the search; give a number of trials"
            ),
        })
    }

    pub(super) fn finish(mut self, identity: StudyIdentity, stop: StopReason) -> Result<Study, ExperimentError> {
        if self.told() < self.replays {
            let place = self.study.store.as_ref().map(|s| s.place(self.told())).unwrap_or_default();
            return Err(StoreError::TooMany {
                place,
                stored: self.replays,
                made: self.told(),
                reason: stop.to_string(),
            }
            .into());
        }
        let incumbent = self.incumbent.map(|i| i as u64);
        if let Some(end) = self.stored.end.as_ref().filter(|end| end.incumbent != incumbent) {
            let place = self.study.store.as_ref().map(|s| s.place(self.told())).unwrap_or_default();
            let shown = |trial: Option<u64>| trial.map_or("none".to_owned(), |t| format!("trial {t}"));
            return Err(
                StoreError::OtherIncumbent { place, stored: shown(end.incumbent), made: shown(incumbent) }.into()
            );
        }
        let evaluator = self.study.evaluator;
        let mut caveats = evaluator.caveats();
        let wall = self.wall();
        let report = match &self.stored.end {
            Some(end) => end.report.clone(),
            None => self.report(&mut caveats),
        };
        if stop == StopReason::WallTime {
            caveats.push("wall-clock time ended the search, so its length depends on the machine".into());
        }
        if self.incumbent.is_none() {
            caveats.push("no trial succeeded".into());
        }
        let ended = self.stored.end.is_some();
        let wall_seconds = if ended { self.earlier } else { wall };
        // A failed strategy may be mended: its study stays open.
        let open = !ended && !matches!(stop, StopReason::Failed { .. });
        let store = self.study.store.as_mut().filter(|_| open);
        let end = End { stop: stop.clone(), wall: wall_seconds, incumbent, report: report.clone() };
        // All trials are stored: a study whose end could not be is no failed one.
        let unkept = store.and_then(|store| store.finish(&end).err()).map(|e| e.to_string());
        Ok(Study {
            identity,
            objective: self.objective,
            evaluated: self.trials.len() as u64 - self.replays,
            trials: self.trials,
            stop,
            report,
            simulated_seconds: self.simulated,
            wall_seconds,
            caveats,
            unkept,
            incumbent: self.incumbent,
        })
    }

    /// Looks the report metrics up for the incumbent.
    fn report(&self, caveats: &mut Vec<String>) -> Option<Report> {
        let (space, evaluator) = (self.study.space, self.study.evaluator);
        let trial = self.trials.get(self.incumbent?)?;
        if evaluator.report_metrics().is_empty() {
            return None;
        }
        let query = Query { seed: self.study.seed, number: trial.id.0, fidelity: trial.fidelity };
        let candidate = Candidate::new(space, &trial.sample, query);
        let looked_up = evaluator
            .report(&candidate)
            .and_then(|values| Ok(Report { values, standings: evaluator.standing(&candidate)? }));
        match looked_up {
            Ok(report) => Some(report),
            Err(e) => {
                caveats.push(format!("the report metrics could not be looked up: {e}"));
                None
            }
        }
    }
}
