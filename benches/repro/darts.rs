//! (b) What first-order DARTS finds on NAS-Bench-201 over time: with `none` and without, and with a cure at the same budget.
//!
//! Liu, Simonyan and Yang 2019; Zela et al. 2020, "Understanding and Robustifying Differentiable Architecture Search".

use crate::stats::{median, rounded};
use crate::supernet::{Size, Truth, networks, prepare, space};
use crate::{Args, Fallible};
use serde_json::{Value, json};
use strategies::one_shot::{self, Epoch};

/// A variant: its name, whether the space has `none`, and the strategy.
const VARIANTS: [(&str, bool, &str); 3] = [
    ("darts, with none", true, "darts:order=1"),
    ("darts, without none", false, "darts:order=1"),
    // Random smoothing of what the weights see: Chen and Hsieh 2020; by a radius that grows from 0, not from the authors' 0.03.
    ("sdarts, without none", false, "sdarts:order=1,radius_start=0"),
];

pub fn record(args: &Args, size: Size, seed: u64) -> Fallible<Value> {
    let train = size.evaluator(args, 2, "")?;
    let (dataset, recipe) = prepare(&train, seed)?;
    let truth = Truth::load()?;
    let mut record = json!({"seed": seed, "variants": []});
    let variants = record["variants"].as_array_mut().expect("invariant: made as one");
    for (name, none, strategy) in VARIANTS {
        let space = space(size, &dataset, none)?;
        let mut epochs: Vec<Epoch> = Vec::new();
        let mut report = |e: &Epoch| {
            eprintln!("{name}, seed {seed}, epoch {}: {:.2} %, {:.1} s", e.epoch, e.valid_accuracy, e.seconds);
            epochs.push(e.clone());
        };
        let found = one_shot::build(strategy)?.search(&space, &dataset, &recipe, None, &mut report)?;
        let accuracies: Vec<f64> = epochs.iter().map(|e| truth.accuracy(&e.sample)).collect::<Fallible<_>>()?;
        let free: Vec<f64> = epochs.iter().filter_map(|e| e.free_share).collect();
        let entropy: Vec<f64> = epochs.iter().filter_map(|e| e.entropy).collect();
        let valid: Vec<f64> = epochs.iter().map(|e| e.valid_accuracy).collect();
        variants.push(json!({
            "name": name, "strategy": strategy, "cell": space.genotype(&found.sample),
            "table": rounded(&accuracies, 2), "free_share": rounded(&free, 3), "entropy": rounded(&entropy, 4),
            "supernet": rounded(&valid, 2),
        }));
    }
    Ok(record)
}

pub fn table(records: &[Value]) -> Fallible<String> {
    let truth = Truth::load()?;
    let all = truth.all()?;
    let whole = mutators::spaces::build("nasbench201")?;
    let random: Vec<f64> = networks(&whole, 10)?.iter().map(|s| truth.accuracy(s)).collect::<Fallible<_>>()?;
    let better_than = |x: f64| 100.0 * all.iter().filter(|a| **a < x).count() as f64 / all.len() as f64;
    let percentile = |x: f64| format!("{x:.2} ({:.0} %)", better_than(x));
    let mut out = format!(
        "Test accuracy on CIFAR-10 by the table of the strongest cell after a quarter, half and all of the epochs, the \
         share of cells that are worse, and the share of its operations without weights\nmedian of 10 random cells: {}; \
         best cell: {:.2}\n\n{:<30}{:>18}{:>18}{:>18}{:>10}  cell\n",
        percentile(median(&random)),
        all.iter().copied().fold(0.0, f64::max),
        "",
        "a quarter",
        "half",
        "all",
        "free"
    );
    for (i, (name, ..)) in VARIANTS.iter().enumerate() {
        for record in records {
            let variant = &record["variants"][i];
            let (accuracies, free) =
                (crate::stats::numbers(&variant["table"]), crate::stats::numbers(&variant["free_share"]));
            let n = accuracies.len();
            if n == 0 || free.len() != n {
                return Err(format!("the log of seed {} has no epochs of `{name}`", record["seed"]).into());
            }
            let at = |share: usize| percentile(accuracies[(n / share).max(1) - 1]);
            out += &format!(
                "{:<30}{:>18}{:>18}{:>18}{:>9.0}%  {}\n",
                format!("{name}, seed {}", record["seed"]),
                at(4),
                at(2),
                at(1),
                100.0 * free[n - 1],
                variant["cell"].as_str().unwrap_or_default()
            );
        }
    }
    Ok(out)
}
