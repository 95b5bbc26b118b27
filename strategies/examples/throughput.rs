//! Measures how many trials per second the experiment loop makes, through the public traits and with the history kept.
//!
//! `cargo run --release -p lanista-strategies --example throughput [STRATEGY ..]`

use evaluators::{Candidate, EvaluateError, Evaluator, Function, Metric};
use mutators::Space;
use rayon::prelude::*;
use std::fmt::Write as _;
use std::time::Instant;
use strategies::{Experiment, Memory};

const TRIALS: u64 = 1_000_000;

/// Six decisions of five values, as in a NAS-Bench-201 cell.
fn space() -> Result<Space, Box<dyn std::error::Error>> {
    let mut text = String::from("module @cell {\n  entry @main\n");
    (0..6).try_for_each(|i| writeln!(text, "  decision ?e{i} in [1, 2, 3, 4, 5]"))?;
    text.push_str(
        "  graph @main(%x: f32[N, 8]) {\n    %y = linear %x {out=?e0+?e1+?e2+?e3+?e4+?e5}\n    return %y\n  }\n}",
    );
    Ok(Space::new(text.parse()?)?)
}

fn score(candidate: &Candidate<'_>) -> Result<f64, EvaluateError> {
    Ok(candidate.sample().picks().iter().zip(1u64..).map(|(p, k)| (p.rank() * k % 7) as f64).sum())
}

/// Nanoseconds that this thread was on a processor, which other processes do not disturb; 0 where nobody counts them.
fn on_processor() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let space = space()?;
    let function = Function::new("score", Metric::maximize("score", ""), score);
    let evaluator: &dyn Evaluator = &function;
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        names = ["regularized-evolution:population=100,sample=25", "regularized-evolution:population=10,sample=3"]
            .map(String::from)
            .into();
        names.extend(["random:replace=true".into(), "random".into(), "local-search".into()]);
    }
    for name in names {
        for stored in [false, true] {
            let mut memory = Memory::new();
            let (started, before) = (Instant::now(), on_processor());
            let mut experiment = Experiment::new(&space, strategies::build(&name)?, evaluator).trials(TRIALS);
            if stored {
                experiment = experiment.store(&mut memory);
            }
            let study = experiment.run()?;
            let seconds = started.elapsed().as_secs_f64();
            let n = study.trials.len();
            let (rate, busy) = (n as f64 / seconds, (on_processor() - before) as f64 / n as f64);
            let store = if stored { ", memory store" } else { "" };
            eprintln!("{name}{store}: {n} trials, {rate:.0} per second, {busy:.0} ns of one processor each");
        }
        let started = Instant::now();
        let best: Result<Vec<f64>, String> = (0..500u64)
            .into_par_iter()
            .map(|seed| {
                let strategy = strategies::build(&name).map_err(|e| e.to_string())?;
                let study = Experiment::new(&space, strategy, evaluator).trials(1_000).seed(seed).run();
                let study = study.map_err(|e| e.to_string())?;
                Ok(study.incumbent().and_then(|t| t.value(&study.objective)).unwrap_or(f64::NAN))
            })
            .collect();
        let best = best?;
        let mean = best.iter().sum::<f64>() / best.len() as f64;
        let (seconds, threads) = (started.elapsed().as_secs_f64(), rayon::current_num_threads());
        eprintln!("{name}: 500 seeds x 1,000 trials in {seconds:.2} s on {threads} threads, mean best {mean:.2}");
    }
    Ok(())
}
