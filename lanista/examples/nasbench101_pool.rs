//! Random search, evolution and local search on the pool of NAS-Bench-101 cells with validation accuracies, over 200 seeds.
//!
//! A search sees the validation accuracy of one training of 108 epochs; the mean test accuracy of its incumbent is
//! reported. Nobody has published figures on this pool: they compare strategies with each other, and with the pool's best.
//! `cargo run --release -p lanista --example nasbench101_pool`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use lanista::mutators::cells::cell_of;
use lanista::prelude::*;
use rayon::prelude::*;
use std::collections::HashSet;

/// Seeds of each strategy.
pub const SEEDS: u64 = 200;
/// Queries of each seed.
pub const QUERIES: u64 = 300;
/// The strategies, by their names in the hub.
pub const STRATEGIES: [&str; 3] = ["random", "regularized-evolution:population=50,sample=10", "local-search"];

/// What the seeds of one strategy found.
#[derive(Clone, Debug)]
pub struct Runs {
    /// Validation accuracy of each seed's incumbent, in percent: what it searched for.
    pub searched: Vec<f64>,
    /// Its mean test accuracy.
    pub reported: Vec<f64>,
    /// Distinct graphs among each seed's queries.
    pub graphs: Vec<f64>,
}

/// Mean and sample standard deviation.
pub fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

/// Runs a strategy with each seed, in parallel.
pub fn runs(strategy: &str, seeds: u64) -> Result<Runs, Box<dyn std::error::Error + Send + Sync>> {
    let evaluator = evaluators::build("nasbench101-pool")?;
    let space = evaluator.restrict(spaces::build("nasbench101")?);
    let one = |seed: u64| -> Result<[f64; 3], Box<dyn std::error::Error + Send + Sync>> {
        let strategy = strategies::build(strategy)?;
        let study = Experiment::new(&space, strategy, &*evaluator).trials(QUERIES).seed(seed).run()?;
        let code = |t: &Trial| Some(cell_of(&t.sample)?.prune()?.code());
        let graphs: HashSet<u64> = study.trials.iter().filter_map(code).collect();
        let best = study.incumbent().and_then(|t| t.value(&study.objective)).ok_or("no trial succeeded")?;
        let report = study.report.ok_or("no trial succeeded")?;
        Ok([best, report.values[0], graphs.len() as f64])
    };
    let found = (0..seeds).into_par_iter().map(one).collect::<Result<Vec<_>, _>>()?;
    let column = |i: usize| found.iter().map(|row| row[i]).collect();
    Ok(Runs { searched: column(0), reported: column(1), graphs: column(2) })
}

/// Prints the table.
pub fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    println!("CIFAR-10 accuracy on the pool of NAS-Bench-101, {SEEDS} seeds, {QUERIES} queries each\n");
    println!("                                                validation      test  distinct graphs");
    for strategy in STRATEGIES {
        let runs = runs(strategy, SEEDS)?;
        let [(valid, valid_sd), (test, test_sd), (graphs, _)] =
            [&runs.searched, &runs.reported, &runs.graphs].map(|values| moments(values));
        println!("{strategy:<46} {valid:.2} +- {valid_sd:.2}  {test:.2} +- {test_sd:.2}  {graphs:>6.1}");
    }
    Ok(())
}
