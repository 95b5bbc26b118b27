//! What a search found, for people and as JSON. The fields of the JSON are documented in `docs/json.md`.

use super::failure::Failure;
use super::grid::{Align, Grid, measured, seconds, thousands};
use super::list::pretty;
use super::protocol::published;
use evaluators::{Direction, Evaluator, Metric};
use ir::{Convention, GraphHash};
use mutators::Space;
use serde::Serialize;
use std::collections::HashMap;
use strategies::{Ledger, Outcome, StopReason, Study, StudyIdentity};

/// Version of the JSON form: it grows when a field changes its meaning or goes away, not when one is added.
const VERSION: u32 = 1;

/// The result of a search.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    schema: &'static str,
    version: u32,
    lanista: &'static str,
    study: StudyIdentity,
    objective: Described,
    stop: Stop,
    incumbent: Option<Incumbent>,
    trajectory: Vec<Step>,
    ledger: Ledger,
    failures: Vec<Failed>,
}

/// Trials that failed for one reason.
#[derive(Clone, Debug, Serialize)]
struct Failed {
    reason: String,
    count: u64,
    first_trial: u64,
}

/// A metric.
#[derive(Clone, Debug, Serialize)]
struct Described {
    name: String,
    unit: &'static str,
    direction: &'static str,
}

/// Why the search stopped.
#[derive(Clone, Debug, Serialize)]
struct Stop {
    reason: &'static str,
    text: String,
}

/// The best network by the objective.
#[derive(Clone, Debug, Serialize)]
struct Incumbent {
    trial: u64,
    sample: String,
    genotype: Option<String>,
    hash: GraphHash,
    fidelity: Option<u32>,
    search: Vec<Value>,
    report: Vec<Value>,
    params: u64,
    macs: u64,
    convention: &'static str,
}

/// A metric's value.
#[derive(Clone, Debug, Serialize)]
struct Value {
    #[serde(flatten)]
    metric: Described,
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regret: Option<f64>,
}

/// A trial that was better than all before it.
#[derive(Clone, Debug, Serialize)]
struct Step {
    trial: u64,
    value: f64,
    simulated_seconds: f64,
}

impl From<&Metric> for Described {
    fn from(m: &Metric) -> Self {
        let direction = match m.direction {
            Direction::Maximize => "maximize",
            Direction::Minimize => "minimize",
        };
        Self { name: m.name.to_string(), unit: m.unit, direction }
    }
}

impl Found {
    /// Gathers the result of a study; `convention` is how the incumbent's operations are counted.
    pub fn of(
        study: &Study,
        space: &Space,
        evaluator: &dyn Evaluator,
        convention: Convention,
    ) -> Result<Self, Failure> {
        let metrics = evaluator.search_metrics();
        let objective = metrics.get(study.objective.metric).map_or_else(
            || Described { name: study.objective.name.to_string(), unit: "", direction: "maximize" },
            Described::from,
        );
        Ok(Self {
            schema: "lanista.search",
            version: VERSION,
            lanista: env!("CARGO_PKG_VERSION"),
            study: study.identity.clone(),
            objective,
            stop: Stop { reason: reason(&study.stop), text: study.stop.to_string() },
            incumbent: incumbent(study, space, evaluator, convention)?,
            trajectory: trajectory(study),
            ledger: study.ledger(space),
            failures: failures(study),
        })
    }

    /// The first failed trial, with its reason.
    pub fn first_failure(&self) -> Option<String> {
        let first = self.failures.iter().min_by_key(|f| f.first_trial)?;
        Some(format!("trial {}: {}", first.first_trial, first.reason))
    }

    /// The result as JSON.
    pub fn json(&self) -> Result<String, Failure> {
        pretty(self)
    }

    /// The result for people.
    pub fn text(&self) -> String {
        let tables = [Some(self.head()), self.best(), self.metrics(), Some(self.ledger())];
        let texts: Vec<String> = tables.into_iter().flatten().map(|t| t.to_string()).collect();
        texts.join("\n")
    }

    /// What was run.
    pub fn head(&self) -> Grid {
        let s = &self.study;
        let mut grid = Grid::words(2);
        grid.row(["space", &s.space]);
        grid.row(["strategy", &s.strategy]);
        grid.row(["evaluator", &s.evaluator]);
        let jobs = if s.jobs == 1 { "1 job".to_owned() } else { format!("{} jobs", s.jobs) };
        grid.row(["seed".to_owned(), format!("{}, {jobs}", s.seed)]);
        grid
    }

    /// Which network it is.
    pub fn best(&self) -> Option<Grid> {
        let best = self.incumbent.as_ref()?;
        let mut grid = Grid::words(2);
        grid.row(["best".to_owned(), format!("trial {}", best.trial)]);
        grid.row(["sample", &best.sample]);
        if let Some(genotype) = &best.genotype {
            grid.row(["genotype", genotype]);
        }
        grid.row(["hash".to_owned(), best.hash.to_string()]);
        Some(grid)
    }

    /// How good it is, and how large.
    pub fn metrics(&self) -> Option<Grid> {
        self.incumbent.as_ref().map(Incumbent::table)
    }

    /// What the result cost, and what its reader must know.
    pub fn ledger(&self) -> Grid {
        let l = &self.ledger;
        let mut grid = Grid::words(2);
        grid.row(["stopped", &self.stop.text]);
        let count = |n: u64, what: &str| if n > 0 { format!(", {} {what}", thousands(n)) } else { String::new() };
        let failed = count(l.failed, "failed") + &count(l.stopped, "stopped early");
        let unique = format!("{} samples, {} graphs", thousands(l.unique_samples), thousands(l.unique_graphs));
        grid.row(["queries".to_owned(), format!("{}{failed}; distinct: {unique}", thousands(l.queries))]);
        for (i, f) in self.failures.iter().take(TOLD).enumerate() {
            let trials = if f.count == 1 { "1 trial".to_owned() } else { format!("{} trials", thousands(f.count)) };
            let text = format!("{trials}, first {}: {}", f.first_trial, f.reason);
            grid.row([if i == 0 { "failed" } else { "" }, &text]);
        }
        if let others @ [_, ..] = self.failures.get(TOLD..).unwrap_or_default() {
            let trials = thousands(others.iter().map(|f| f.count).sum());
            grid.row(["".to_owned(), format!("{trials} more, for {} other reasons", others.len())]);
        }
        if l.simulated_seconds > 0.0 {
            grid.row(["simulated".to_owned(), seconds(l.simulated_seconds)]);
        }
        grid.row(["wall time".to_owned(), seconds(l.wall_seconds)]);
        let networks = if l.report_lookups == 1 { "network" } else { "networks" };
        grid.row(["look-ups".to_owned(), format!("report metrics of {} {networks}", l.report_lookups)]);
        if let Some(protocol) = &l.protocol {
            grid.row(["protocol", protocol]);
            if let Some(figures) = published(protocol) {
                grid.row(["published", figures]);
            }
        }
        for (i, caveat) in l.caveats.iter().enumerate() {
            grid.row([if i == 0 { "caveats" } else { "" }, caveat]);
        }
        grid
    }
}

impl Incumbent {
    /// Metrics with value, rank and regret.
    fn table(&self) -> Grid {
        let mut grid = Grid::new([Align::Left, Align::Right, Align::Left, Align::Left, Align::Left]);
        for (v, role) in self.search.iter().map(|v| (v, "searched")).chain(self.report.iter().map(|v| (v, "reported")))
        {
            let value = v.value.map_or("none".to_owned(), |x| measured(x, v.metric.unit));
            let rank = match (v.rank, v.of) {
                (Some(rank), Some(of)) => {
                    let top = 100.0 * rank as f64 / of.max(1) as f64;
                    format!("rank {} of {}, top {top:.2} %", thousands(rank), thousands(of))
                }
                _ => role.to_owned(),
            };
            let regret = v.regret.map_or(String::new(), |r| format!("regret {}", measured(r, v.metric.unit)));
            grid.row([v.metric.name.clone(), value, v.metric.unit.to_owned(), rank, regret]);
        }
        grid.row(["params".to_owned(), thousands(self.params)]);
        grid.row([format!("MACs ({})", self.convention), thousands(self.macs)]);
        grid
    }
}

fn reason(stop: &StopReason) -> &'static str {
    match stop {
        StopReason::Trials => "trials",
        StopReason::SimulatedTime => "simulated_time",
        StopReason::WallTime => "wall_time",
        StopReason::Exhausted { .. } => "exhausted",
        StopReason::Failed { .. } => "failed",
        _ => "other",
    }
}

fn incumbent(
    study: &Study,
    space: &Space,
    evaluator: &dyn Evaluator,
    convention: Convention,
) -> Result<Option<Incumbent>, Failure> {
    let Some(trial) = study.incumbent() else { return Ok(None) };
    let plain = |metric: &Metric, value: f64| Value {
        metric: metric.into(),
        value: value.is_finite().then_some(value),
        rank: None,
        of: None,
        regret: None,
    };
    let values = trial.outcome.values().into_iter().flatten();
    let search = evaluator.search_metrics().iter().zip(values).map(|(m, v)| plain(m, *v)).collect();
    let mut report = Vec::new();
    if let Some(looked_up) = &study.report {
        for (metric, value) in evaluator.report_metrics().iter().zip(&looked_up.values) {
            let mut value = plain(metric, *value);
            if let Some(s) = looked_up.standings.iter().find(|s| s.metric == metric.name) {
                (value.rank, value.of, value.regret) = (Some(s.rank), Some(s.of), Some(s.regret));
            }
            report.push(value);
        }
    }
    let program = space.program(&trial.sample)?;
    let cost = program.cost(convention);
    Ok(Some(Incumbent {
        trial: trial.id.0,
        sample: trial.sample.to_string(),
        genotype: space.genotype(&trial.sample),
        hash: program.hash(),
        fidelity: trial.fidelity,
        search,
        report,
        params: cost.params,
        macs: cost.macs,
        convention: convention.as_str(),
    }))
}

/// Reasons of failed trials that the result tells people; as JSON it has all.
const TOLD: usize = 6;

/// The failed trials by reason, the commonest first.
fn failures(study: &Study) -> Vec<Failed> {
    let mut found: Vec<Failed> = Vec::new();
    let mut place: HashMap<&str, usize> = HashMap::new();
    for trial in &study.trials {
        let Outcome::Failed { reason } = &trial.outcome else { continue };
        let at = *place.entry(reason).or_insert_with(|| {
            found.push(Failed { reason: reason.clone(), count: 0, first_trial: trial.id.0 });
            found.len() - 1
        });
        found[at].count += 1;
    }
    // The sort is stable: of equally common ones the earlier comes first.
    found.sort_by_key(|f| std::cmp::Reverse(f.count));
    found
}

/// The trials that were better than all before them: how the search went.
fn trajectory(study: &Study) -> Vec<Step> {
    let (mut best, mut spent, mut steps) = (None, 0.0, Vec::new());
    for trial in &study.trials {
        spent += trial.outcome.seconds();
        let (Some(score), Some(value)) = (trial.score(&study.objective), trial.value(&study.objective)) else {
            continue;
        };
        if best.is_none_or(|b| score > b) {
            best = Some(score);
            steps.push(Step { trial: trial.id.0, value, simulated_seconds: spent });
        }
    }
    steps
}
