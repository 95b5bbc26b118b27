//! Regularized evolution against random search on cells of NAS-Bench-201 that are trained on the digits, seed by seed.
//!
//! Every cell that the searches meet is trained once, from one seed: later queries of the same network are read from a
//! cache that all searches share, and so is the report. So a difference between the strategies is one of what they
//! chose to try, and the whole comparison ends in minutes. Both strategies see the same scores.
//!
//! ```text
//! cargo run --release --features torch -p lanista --example digits_search -- [SEEDS] [TRIALS]
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use lanista::evaluators::{EvaluateError, Evaluation, Evaluator, Metric, Values};
use lanista::ir::GraphHash;
use lanista::prelude::*;
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

const SPACE: &str = "nasbench201:image=1x8x8,channels=4,cells=1";
const EVALUATOR: &str = "train:data=digits,epochs=3,seed=0";
const STRATEGIES: [&str; 2] = ["random", "regularized-evolution:population=10,sample=3"];

/// An evaluator that scores no network twice.
#[derive(Debug)]
struct Cached {
    inner: Box<dyn Evaluator>,
    scores: Mutex<HashMap<GraphHash, Evaluation>>,
    reports: Mutex<HashMap<GraphHash, Values>>,
}

impl Cached {
    fn new(inner: Box<dyn Evaluator>) -> Self {
        Self { inner, scores: Mutex::default(), reports: Mutex::default() }
    }

    fn trained(&self) -> usize {
        self.scores.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// What is known under a key, or is made now.
fn once<T: Clone>(
    known: &Mutex<HashMap<GraphHash, T>>,
    key: GraphHash,
    make: impl FnOnce() -> Result<T, EvaluateError>,
) -> Result<T, EvaluateError> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = known.get(&key) {
        return Ok(value.clone());
    }
    let value = make()?;
    known.insert(key, value.clone());
    Ok(value)
}

impl Evaluator for Cached {
    fn identity(&self) -> &str {
        self.inner.identity()
    }

    fn data_digest(&self) -> Result<Option<String>, EvaluateError> {
        self.inner.data_digest()
    }

    fn search_metrics(&self) -> &[Metric] {
        self.inner.search_metrics()
    }

    fn evaluate(&self, c: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        once(&self.scores, c.program()?.hash(), || self.inner.evaluate(c))
    }

    fn report_metrics(&self) -> &[Metric] {
        self.inner.report_metrics()
    }

    fn report(&self, c: &Candidate<'_>) -> Result<Values, EvaluateError> {
        once(&self.reports, c.program()?.hash(), || self.inner.report(c))
    }

    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        self.inner.accepts(space)
    }
}

/// Validation and test accuracy of what a search found.
fn found(space: &Space, evaluator: &Cached, strategy: &str, seed: u64, trials: u64) -> Result<[f64; 2], String> {
    let strategy = strategies::build(strategy).map_err(|e| e.to_string())?;
    let study =
        Experiment::new(space, strategy, evaluator).trials(trials).seed(seed).run().map_err(|e| e.to_string())?;
    let valid = study.incumbent().and_then(|t| t.value(&study.objective)).ok_or("no trial succeeded")?;
    let test = study.report.as_ref().and_then(|r| r.values.first()).ok_or("no report")?;
    Ok([valid, *test])
}

/// Mean, and half the width of its 95 % interval by Student's t.
fn interval(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, quantile(values.len().saturating_sub(1)) * (variance / n).sqrt())
}

/// The 97.5 % quantile of Student's t, by Hill's expansion around the normal (Abramowitz and Stegun 26.7.5); exact to
/// 0.01 from 4 degrees of freedom.
fn quantile(degrees: usize) -> f64 {
    let (z, v) = (1.959_964_f64, degrees.max(1) as f64);
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
    ];
    z + terms.iter().enumerate().map(|(i, t)| t / v.powi(i as i32 + 1)).sum::<f64>()
}

/// Compares the strategies over so many seeds and trials. Returns for each seed what each strategy found: validation and
/// test accuracy.
pub fn compare(seeds: u64, trials: u64) -> Result<Vec<[[f64; 2]; 2]>, Box<dyn Error>> {
    let space = spaces::build(SPACE)?;
    let evaluator = Cached::new(evaluators::build(EVALUATOR)?);
    let mut pairs: Vec<[[f64; 2]; 2]> = Vec::new();
    for seed in 0..seeds {
        let [a, b] = STRATEGIES.map(|strategy| found(&space, &evaluator, strategy, seed, trials));
        pairs.push([a?, b?]);
    }
    println!(
        "{SPACE}\n{EVALUATOR}\n{trials} trials a search, {seeds} seeds each of {} and {}",
        STRATEGIES[0], STRATEGIES[1]
    );
    let queries = 2 * seeds * trials;
    println!(
        "{} networks were trained for {queries} queries; the others were read from the cache",
        evaluator.trained()
    );
    for (k, what) in ["validation", "test"].into_iter().enumerate() {
        let column = |s: usize| -> Vec<f64> { pairs.iter().map(|p| p[s][k]).collect() };
        let difference: Vec<f64> = pairs.iter().map(|p| p[1][k] - p[0][k]).collect();
        let ((random, _), (evolution, _)) = (interval(&column(0)), interval(&column(1)));
        let (mean, half) = interval(&difference);
        println!(
            "{what:<10}  random {random:.2} %, evolution {evolution:.2} %, difference {mean:+.2} points, 95 % interval {:+.2} to {:+.2}",
            mean - half,
            mean + half
        );
    }
    Ok(pairs)
}

#[allow(dead_code, reason = "the tests run `compare`")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<u64>());
    let seeds = args.next().transpose()?.unwrap_or(20);
    let trials = args.next().transpose()?.unwrap_or(30);
    compare(seeds, trials).map(drop)
}
