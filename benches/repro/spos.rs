//! (a) How well a single-path supernet ranks the networks of NAS-Bench-201, over the course of its training.
//!
//! Guo et al. 2020, "Single Path One-Shot"; Yu et al. 2020, "Evaluating the Search Phase of Neural Architecture Search".

use crate::stats::{bootstrap, numbers, rounded};
use crate::supernet::{Size, Truth, networks, prepare, space};
use crate::{Args, Fallible};
use evaluators::kendall;
use evaluators::zero_cost::{Classifier, Proxy, random_batch, score};
use mutators::{Sample, Space};
use serde_json::{Value, json};
use strategies::one_shot::{Epoch, OneShotError, Supernet, train_watched};

/// Networks that are ranked.
const NETWORKS: usize = 200;
/// Points of the training at which they are.
const POINTS: u32 = 6;
/// Batches over which a path's statistics are taken before it is measured.
const RECALIBRATE: usize = 5;
/// The better ones are ranked by themselves, too: from this accuracy, in per cent.
const GOOD: f64 = 90.0;

pub fn record(args: &Args, size: Size, seed: u64) -> Fallible<Value> {
    let train = size.evaluator(args, 10, "")?;
    let (dataset, recipe) = prepare(&train, seed)?;
    let space = space(size, &dataset, true)?;
    let samples = networks(&space, NETWORKS)?;
    let mut net = Supernet::new("spos", &space, &dataset, &recipe)?;
    let mut points = Vec::new();
    let mut look = |net: &mut Supernet, epoch: u32| -> Result<(), OneShotError> {
        // The first epochs tell most: the points halve what is left.
        let asked = (0..POINTS).map(|i| (recipe.epochs >> i).max(1));
        if !asked.into_iter().any(|e| e == epoch) {
            return Ok(());
        }
        let mut scores = Vec::with_capacity(samples.len());
        for sample in &samples {
            let path = net.path(sample);
            scores.push(net.measure_recalibrated(&path, RECALIBRATE)?.accuracy);
        }
        eprintln!("seed {seed}, epoch {epoch}: {} networks measured", scores.len());
        points.push(json!({"epoch": epoch, "accuracy": rounded(&scores, 3)}));
        Ok(())
    };
    let mut report =
        |e: &Epoch| eprintln!("seed {seed}, epoch {}: loss {:.3}, {:.1} s", e.epoch, e.train_loss, e.seconds);
    train_watched(&mut net, &mut report, &mut look)?;
    let steps = net.loaders.weights.batches() * recipe.epochs as usize;
    let truth = Truth::load()?;
    let truth: Vec<f64> = samples.iter().map(|s| truth.accuracy(s)).collect::<Fallible<_>>()?;
    let mut record = json!({"seed": seed, "steps": steps, "truth": truth, "points": points});
    for (name, scores) in costs(&space, &samples)? {
        record[name] = json!(rounded(&scores, 4));
    }
    Ok(record)
}

/// Scores that need no training.
fn costs(space: &Space, samples: &[Sample]) -> Fallible<[(&'static str, Vec<f64>); 3]> {
    let (mut params, mut macs, mut synflow) = (Vec::new(), Vec::new(), Vec::new());
    for sample in samples {
        let program = space.program(sample)?;
        let cost = program.cost(ir::Convention::Nasbench);
        params.push(cost.params as f64);
        macs.push(cost.macs as f64);
        let batch = random_batch(&Classifier::of(&program)?, 16, 0)?;
        // Its logarithm has the same order, and digits that fit a log.
        synflow.push(score(&program, &[Proxy::Synflow], &batch, 0)?[0].max(1e-300).log10());
    }
    Ok([("params", params), ("MACs", macs), ("synflow", synflow)])
}

pub fn table(records: &[Value]) -> Fallible<String> {
    let first = records.first().ok_or("there is no record")?;
    let truth = numbers(&first["truth"]);
    let good: Vec<usize> = (0..truth.len()).filter(|i| truth[*i] > GOOD).collect();
    let mut out = format!(
        "Kendall's tau-b with the table's test accuracy on CIFAR-10, 95 % bootstrap interval over the networks; \
         statistics of batch norm over {RECALIBRATE} batches per path; {} steps\n\n{:<22}{:>26}{:>30}\n",
        first["steps"],
        "ranked by",
        format!("all {}", truth.len()),
        format!("{} above {GOOD} %", good.len())
    );
    let mut row = |name: &str, scores: &[f64]| {
        let all: Vec<usize> = (0..truth.len()).collect();
        let cells = [&all, &good].map(|of| {
            let tau = |picked: &[usize]| {
                let only = |x: &[f64]| picked.iter().map(|i| x[of[*i]]).collect::<Vec<f64>>();
                kendall(&only(scores), &only(&truth))
            };
            let own: Vec<usize> = (0..of.len()).collect();
            match (tau(&own), bootstrap(of.len(), tau)) {
                (Some(tau), Some((low, high))) => format!("{tau:.3} [{low:.3}, {high:.3}]"),
                _ => "none".to_owned(),
            }
        });
        out += &format!("{name:<22}{:>26}{:>30}\n", cells[0], cells[1]);
    };
    for record in records {
        for point in record["points"].as_array().into_iter().flatten() {
            let name = format!("seed {}, epoch {}", record["seed"], point["epoch"]);
            row(&name, &numbers(&point["accuracy"]));
        }
    }
    for name in ["params", "MACs", "synflow"] {
        row(name, &numbers(&first[name]));
    }
    Ok(out)
}
