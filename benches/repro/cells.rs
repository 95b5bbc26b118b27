//! (d) DARTS' cells against random ones: both are trained anew under one budget.
//!
//! Liu, Simonyan and Yang 2019; Li and Talwalkar 2019, "Random Search and Reproducibility for Neural Architecture Search".

use crate::stats::{moments, numbers, rounded};
use crate::supernet::{Size, prepare};
use crate::{Args, Fallible};
use codegen::init::stream;
use evaluators::train::Train;
use evaluators::{Candidate, Evaluator, Query};
use mutators::{Sample, Space};
use serde_json::{Value, json};
use strategies::one_shot::{self, Epoch};

/// Random genotypes beside the one that was found.
const RANDOM: usize = 5;

pub fn record(args: &Args, size: Size, seed: u64) -> Fallible<Value> {
    let train = size.evaluator(args, 2, "")?;
    let (dataset, recipe) = prepare(&train, seed)?;
    let data = dataset.data().images()?;
    let [c, h, w] = data.shape();
    let (Size { channels, cells, epochs, batch, .. }, images) = (size, size.words());
    let shape = format!("channels={channels},layers={cells},image={c}x{h}x{w},classes={}", data.classes.len());
    let space = mutators::spaces::build(&format!("darts:network=search,{shape}"))?;
    let mut report = |e: &Epoch| {
        eprintln!("seed {seed}, epoch {}: {:.2} % on what is held out, {:.1} s", e.epoch, e.valid_accuracy, e.seconds);
    };
    let found = one_shot::build("darts:order=1")?.search(&space, &dataset, &recipe, None, &mut report)?;

    let derived = mutators::spaces::build(&format!("darts:{shape},auxiliary=false,drop_path=0"))?;
    // The report trains on all the images, and tells the test accuracy.
    let budget = format!(
        "train:data={},epochs={epochs},batch={batch},images={images},lr=0.025,seed={seed},threads={},device={}",
        args.data, args.threads, args.device
    );
    let budget = Train::build(budget.parse()?)?;
    let score = |space: &Space, sample: &Sample| -> Fallible<f64> {
        let accuracy = budget.report(&Candidate::new(space, sample, Query::default()))?[0];
        eprintln!("seed {seed}: {accuracy:.2} %, {sample}");
        Ok(accuracy)
    };
    let genotype = space.genotype(&found.sample).ok_or("the space has a notation")?;
    let own = score(&derived, &derived.parse_genotype(&genotype)?)?;
    let mut rng = stream(seed, &[b"random cells"]);
    let random: Vec<f64> = (0..RANDOM).map(|_| score(&derived, &derived.sample(&mut rng)?)).collect::<Fallible<_>>()?;
    Ok(json!({"seed": seed, "genotype": genotype, "derived": rounded(&[own], 2), "random": rounded(&random, 2)}))
}

pub fn table(records: &[Value]) -> Fallible<String> {
    let mut out = format!(
        "Test accuracy after training anew, in per cent, beside {RANDOM} random genotypes under the same budget\n\n\
         {:<10}{:>10}{:>14}{:>10}{:>14}\n",
        "", "derived", "random, mean", "best", "standing"
    );
    for record in records {
        let (own, random) = (numbers(&record["derived"]), numbers(&record["random"]));
        let own = *own.first().ok_or("a record has no derived network")?;
        let best = random.iter().copied().fold(0.0, f64::max);
        let standing = 1 + random.iter().filter(|r| **r > own).count();
        out += &format!(
            "{:<10}{own:>10.2}{:>14.2}{best:>10.2}{:>14}\n",
            format!("seed {}", record["seed"]),
            moments(&random).0,
            format!("{standing} of {}", random.len() + 1)
        );
    }
    for record in records {
        out += &format!("seed {}: {}\n", record["seed"], record["genotype"].as_str().unwrap_or_default());
    }
    Ok(out)
}
