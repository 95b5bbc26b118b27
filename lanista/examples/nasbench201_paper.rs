//! Random search and regularized evolution on NAS-Bench-201 over 500 seeds, beside the published figures.
//!
//! The protocol is that of Dong and Yang (2020): the search sees CIFAR-10 validation accuracy after 12 epochs, each
//! query costs 12/200 of the training time in the table, the query that crosses 12,000 simulated seconds is discarded,
//! and the test accuracy of the incumbent is reported. `cargo run --release -p lanista --example nasbench201_paper`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use lanista::prelude::*;
use lanista::strategies::Crossing;
use rayon::prelude::*;

/// Seeds of the published figures.
pub const SEEDS: u64 = 500;
const BUDGET: f64 = 12_000.0;
const RANDOM: &str = "random:replace=true";
const EVOLUTION: &str = "regularized-evolution:population=10,sample=3,replacement=true";

/// What the seeds of one strategy found.
#[derive(Clone, Debug)]
pub struct Runs {
    /// CIFAR-10 test accuracy of each seed's incumbent, in percent.
    pub accuracies: Vec<f64>,
    /// Queries of each seed.
    pub queries: Vec<f64>,
}

/// Mean and sample standard deviation.
pub fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

/// The difference of two means and the half-width of its 95 % interval. Welch's, by the normal approximation: with
/// hundreds of seeds the t distribution is the normal one to three digits.
pub fn difference(a: &[f64], b: &[f64]) -> (f64, f64) {
    let ((mean_a, sd_a), (mean_b, sd_b)) = (moments(a), moments(b));
    let error = (sd_a.powi(2) / a.len() as f64 + sd_b.powi(2) / b.len() as f64).sqrt();
    (mean_a - mean_b, 1.96 * error)
}

/// Runs a strategy with each seed, in parallel.
pub fn runs(strategy: &str, seeds: u64) -> Result<Runs, Box<dyn std::error::Error + Send + Sync>> {
    let space = spaces::build("nasbench201")?;
    let evaluator = evaluators::build("nasbench201:dataset=cifar10,epochs=12,report=200")?;
    let one = |seed: u64| -> Result<(f64, f64), Box<dyn std::error::Error + Send + Sync>> {
        let study = Experiment::new(&space, strategies::build(strategy)?, &*evaluator)
            .simulated_time(BUDGET, Crossing::Discarded)
            .protocol("nasbench201-paper")
            .seed(seed)
            .run()?;
        let report = study.report.ok_or("no trial succeeded")?;
        Ok((report.values[0], study.trials.len() as f64))
    };
    let found = (0..seeds).into_par_iter().map(one).collect::<Result<Vec<_>, _>>()?;
    let (accuracies, queries) = found.into_iter().unzip();
    Ok(Runs { accuracies, queries })
}

/// Random search and regularized evolution.
pub fn both(seeds: u64) -> Result<[Runs; 2], Box<dyn std::error::Error + Send + Sync>> {
    Ok([runs(RANDOM, seeds)?, runs(EVOLUTION, seeds)?])
}

/// Prints the table.
pub fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let [random, evolution] = both(SEEDS)?;
    println!("CIFAR-10 test accuracy on NAS-Bench-201, {SEEDS} seeds, {BUDGET} simulated seconds each\n");
    println!("                        mean     sd  queries  published");
    for (name, runs, published) in
        [("random search", &random, "93.70 +- 0.36"), ("regularized evolution", &evolution, "93.92 +- 0.30")]
    {
        let ((mean, sd), (queries, _)) = (moments(&runs.accuracies), moments(&runs.queries));
        println!("{name:<22} {mean:>5.2} {sd:>6.2} {queries:>8.1}  {published}");
    }
    let (gain, half) = difference(&evolution.accuracies, &random.accuracies);
    println!("\nevolution - random: {gain:.3}, 95 % interval {:.3} to {:.3}", gain - half, gain + half);
    Ok(())
}
