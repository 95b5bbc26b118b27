//! (c) Whether ENAS' controller draws better architectures than chance, with the shared weights frozen; and the same
//! controller with the table as its reward.
//!
//! Pham et al. 2018; Dong and Yang 2020 for the protocol of the second part, and its 93.85 +- 0.37 % of REINFORCE.

use crate::stats::{bootstrap, moments, numbers, rounded};
use crate::supernet::{Size, Truth, prepare, space};
use crate::{Args, Fallible};
use codegen::init::stream;
use mutators::Sample;
use serde_json::{Value, json};
use strategies::one_shot::{Enas, Epoch, OneShot, Supernet, build, draw};
use strategies::{Crossing, Experiment};

/// Architectures from each side.
const NETWORKS: usize = 100;
const RECALIBRATE: usize = 5;
/// Studies of the second part, all of them with each record's seed.
const STUDIES: u64 = 100;
/// Simulated seconds of a study.
const BUDGET: f64 = 12_000.0;

pub fn record(args: &Args, size: Size, seed: u64) -> Fallible<Value> {
    let train = size.evaluator(args, 5, "")?;
    let (dataset, recipe) = prepare(&train, seed)?;
    let space = space(size, &dataset, true)?;
    let OneShot::Enas(enas) = build("enas")? else { unreachable!("a strategy's name builds that strategy") };
    let mut net = Supernet::new(Enas::NAME, &space, &dataset, &recipe)?;
    let mut report =
        |e: &Epoch| eprintln!("seed {seed}, epoch {}: loss {:.3}, {:.1} s", e.epoch, e.train_loss, e.seconds);
    let (controller, _) = enas.train(&mut net, None, &mut report)?;
    let truth = Truth::load()?;
    let mut rng = stream(seed, &[b"drawn"]);
    let drawn: Vec<Sample> = (0..NETWORKS).map(|_| Ok(draw(&net, &controller, &mut rng)?)).collect::<Fallible<_>>()?;
    let mut rng = stream(seed, &[b"uniform"]);
    let uniform: Vec<Sample> = (0..NETWORKS).map(|_| Ok(space.sample(&mut rng)?)).collect::<Fallible<_>>()?;
    let mut record = json!({"seed": seed, "studies": rounded(&studies(seed)?, 2)});
    for (name, samples) in [("controller", drawn), ("uniform", uniform)] {
        let mut held_out = Vec::new();
        for sample in &samples {
            let path = net.path(sample);
            held_out.push(net.measure_recalibrated(&path, RECALIBRATE)?.accuracy);
        }
        let table: Vec<f64> = samples.iter().map(|s| truth.accuracy(s)).collect::<Fallible<_>>()?;
        record[name] = json!({"held_out": rounded(&held_out, 3), "table": rounded(&table, 2)});
    }
    Ok(record)
}

/// What the controller finds with the table as its reward: test accuracy of the incumbent of each study.
fn studies(seed: u64) -> Fallible<Vec<f64>> {
    let space = mutators::spaces::build("nasbench201")?;
    let table = evaluators::build("nasbench201:dataset=cifar10,epochs=12,report=200")?;
    let one = |i: u64| -> Fallible<f64> {
        let study = Experiment::new(&space, strategies::build("reinforce")?, &*table)
            .simulated_time(BUDGET, Crossing::Discarded)
            .protocol("nasbench201-paper")
            .seed(seed * STUDIES + i)
            .run()?;
        Ok(study.report.ok_or("no trial succeeded")?.values[0])
    };
    (0..STUDIES).map(one).collect()
}

pub fn table(records: &[Value]) -> Fallible<String> {
    let mut out = format!(
        "{NETWORKS} architectures of the controller and as many uniform ones: mean accuracy on what is held out, by the \
         frozen supernet with statistics over {RECALIBRATE} batches per path, and on CIFAR-10 by the table\n\n\
         {:<10}{:>12}{:>12}{:>12}{:>20}{:>12}\n",
        "", "controller", "uniform", "gain", "controller, table", "uniform"
    );
    let mut gains = Vec::new();
    for record in records {
        let mean = |side: &str, what: &str| moments(&numbers(&record[side][what])).0;
        let (a, b) = (mean("controller", "held_out"), mean("uniform", "held_out"));
        gains.push(a - b);
        out += &format!(
            "{:<10}{a:>12.2}{b:>12.2}{:>+12.2}{:>20.2}{:>12.2}\n",
            format!("seed {}", record["seed"]),
            a - b,
            mean("controller", "table"),
            mean("uniform", "table")
        );
    }
    let of = |picked: &[usize]| Some(moments(&picked.iter().map(|i| gains[*i]).collect::<Vec<_>>()).0);
    if let Some((low, high)) = bootstrap(gains.len(), of) {
        out += &format!(
            "\nmean gain {:+.2}, 95 % bootstrap interval over seeds {low:+.2} to {high:+.2}\n",
            moments(&gains).0
        );
    }
    let studies: Vec<f64> = records.iter().flat_map(|r| numbers(&r["studies"])).collect();
    let (mean, deviation) = moments(&studies);
    out += &format!(
        "the table as reward, {} studies of {BUDGET} simulated seconds: {mean:.2} +- {deviation:.2} (published for \
         REINFORCE: 93.85 +- 0.37)\n",
        studies.len()
    );
    Ok(out)
}
