//! A training run here and in PyTorch eager, seed by seed, from the same first weights, in the same order: the first
//! losses, the test accuracies and their means, and the times. PyTorch runs what `Trainer::hand_over` writes.
#![expect(clippy::print_stdout, reason = "the result is what it prints")]

use clap::Parser;
use codegen::torch::Device;
use evaluators::train::{Dataset, Measured, Recipe, Trainer};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Args {
    /// A network without open decisions.
    #[arg(long, default_value = "lanista/examples/fashion_cnn.lir")]
    network: PathBuf,
    /// The data set.
    #[arg(long, default_value = "fashion-mnist")]
    data: String,
    /// A folder with data sets.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Settings of the recipe.
    #[arg(long, default_value = "epochs=5,batch=128,valid=none,threads=2")]
    recipe: String,
    /// Number of seeds.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// A Python with torch.
    #[arg(long, default_value = ".venv/bin/python")]
    python: PathBuf,
}

/// Losses that are compared step by step.
const FIRST: usize = 20;

fn main() -> Fallible<()> {
    let args = Args::parse();
    let module: ir::Module = std::fs::read_to_string(&args.network)?.parse()?;
    let program = ir::verify(&module)?;
    let mut options: mutators::Options = format!("--recipe:{}", args.recipe).parse()?;
    let recipe = Recipe::take(&mut options)?;
    options.finish()?;
    let dataset = Dataset::open(&args.data, args.data_dir.as_deref(), Device::Cpu)?;
    println!("{} on {}, {recipe}", args.network.display(), args.data);
    println!("seed  greatest gap of the first {FIRST} losses  test % here, PyTorch  seconds here, PyTorch");
    let (mut ours, mut theirs) = (0.0, 0.0);
    for seed in 0..args.seeds {
        let recipe = Recipe { seed, ..recipe.clone() };
        let mut trainer = Trainer::new(&program, &dataset, &recipe)?;
        let folder = std::env::temp_dir().join(format!("lanista-peer-{}-{seed}", std::process::id()));
        std::fs::create_dir(&folder)?;
        trainer.hand_over(&program, &folder)?;
        let started = Instant::now();
        let mut losses = Vec::new();
        while !trainer.is_done() {
            losses.extend(trainer.step()?.loss);
        }
        let accuracy = trainer.evaluate(Measured::Test)?.ok_or("the data set has no test images")?.accuracy;
        let took = started.elapsed().as_secs_f64();
        let peer = peer(&args.python, &folder);
        std::fs::remove_dir_all(&folder)?;
        let peer = peer?;
        let gaps = losses.iter().zip(&peer.losses).take(FIRST).map(|(a, b)| (a - b).abs());
        let gap = gaps.fold(0.0, f64::max);
        println!("{seed:>4}  {gap:.1e}  {accuracy:.2}, {:.2}  {took:.1}, {:.1}", peer.accuracy, peer.seconds);
        ours += accuracy / args.seeds as f64;
        theirs += peer.accuracy / args.seeds as f64;
    }
    println!(
        "means over {} seeds: {ours:.2} here, {theirs:.2} in PyTorch, difference {:+.2}",
        args.seeds,
        ours - theirs
    );
    Ok(())
}

/// What PyTorch came to.
struct Peer {
    losses: Vec<f64>,
    accuracy: f64,
    seconds: f64,
}

fn peer(python: &Path, folder: &Path) -> Fallible<Peer> {
    let started = Instant::now();
    let output = Command::new(python).arg(folder.join("train.py")).arg(folder).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let seconds = started.elapsed().as_secs_f64();
    let value: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let losses = value["losses"].as_array().ok_or("no losses")?.iter().filter_map(serde_json::Value::as_f64).collect();
    Ok(Peer { losses, accuracy: value["accuracy"].as_f64().ok_or("no accuracy")?, seconds })
}
