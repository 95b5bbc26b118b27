//! A training run here and in PyTorch eager, seed by seed, from the same first weights, in the same order: the first
//! losses, the test accuracies and their means, and the times. PyTorch runs what `Trainer::hand_over` writes.
//!
//! Training amplifies rounding: at a high learning rate PyTorch's own losses in single precision leave those in double
//! precision by a tenth within ten steps. So the losses are compared under a recipe of their own, with a small rate, and
//! PyTorch's distance from itself stands beside.
#![expect(clippy::print_stdout, reason = "the result is what it prints")]

use clap::Parser;
use codegen::torch::Device;
use evaluators::train::{Dataset, Measured, Recipe, Trainer};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

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
    /// Settings of the recipe under which the first losses are compared.
    #[arg(long, default_value = "epochs=1,batch=128,valid=none,threads=2,lr=0.0005")]
    losses: String,
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
    let (recipe, losses) = (recipe(&args.recipe)?, recipe(&args.losses)?);
    let dataset = Dataset::open(&args.data, args.data_dir.as_deref(), Device::Cpu)?;
    println!("{} on {}, {recipe}", args.network.display(), args.data);
    println!("the first {FIRST} losses with {}", args.losses);
    println!("seed  greatest gap of losses, PyTorch's to its float64  test % here, PyTorch  seconds here, PyTorch");
    let (mut ours, mut theirs) = (0.0, 0.0);
    for seed in 0..args.seeds {
        let mut handed = Handed::new(&program, &dataset, &Recipe { seed, ..losses.clone() })?;
        let here = handed.losses(FIRST)?;
        let first = FIRST.to_string();
        let there = handed.peer(&args.python, &[&first])?.losses;
        let exact = handed.peer(&args.python, &[&first, "float64"])?.losses;
        let (gap, own) = (greatest_gap(&here, &there), greatest_gap(&there, &exact));

        let mut handed = Handed::new(&program, &dataset, &Recipe { seed, ..recipe.clone() })?;
        let started = Instant::now();
        let accuracy = handed.accuracy()?;
        let took = started.elapsed().as_secs_f64();
        let peer = handed.peer(&args.python, &[])?;
        let other = peer.accuracy.ok_or("no accuracy")?;
        println!("{seed:>4}  {gap:.1e}, {own:.1e}  {accuracy:.2}, {other:.2}  {took:.1}, {:.1}", peer.seconds);
        ours += accuracy / args.seeds as f64;
        theirs += other / args.seeds as f64;
    }
    println!(
        "means over {} seeds: {ours:.2} here, {theirs:.2} in PyTorch, difference {:+.2}",
        args.seeds,
        ours - theirs
    );
    Ok(())
}

fn recipe(settings: &str) -> Fallible<Recipe> {
    let mut options: mutators::Options = format!("--recipe:{settings}").parse()?;
    let recipe = Recipe::take(&mut options)?;
    options.finish()?;
    Ok(recipe)
}

fn greatest_gap(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// A run at its start, and a folder from which PyTorch starts the same.
struct Handed {
    trainer: Trainer,
    folder: TempDir,
}

/// What PyTorch came to.
#[derive(Deserialize)]
struct Peer {
    losses: Vec<f64>,
    accuracy: Option<f64>,
    #[serde(skip)]
    seconds: f64,
}

impl Handed {
    fn new(program: &ir::Program, dataset: &Dataset, recipe: &Recipe) -> Fallible<Self> {
        let mut trainer = Trainer::new(program, dataset, recipe)?;
        let folder = tempfile::tempdir()?;
        trainer.hand_over(program, folder.path())?;
        Ok(Self { trainer, folder })
    }

    /// The losses of the first steps.
    fn losses(&mut self, steps: usize) -> Fallible<Vec<f64>> {
        (0..steps).map(|_| self.trainer.step()?.loss.ok_or_else(|| "no loss".into())).collect()
    }

    /// Test accuracy after all epochs.
    fn accuracy(&mut self) -> Fallible<f64> {
        while !self.trainer.is_done() {
            self.trainer.epoch()?;
        }
        Ok(self.trainer.evaluate(Measured::Test)?.ok_or("the data set has no test images")?.accuracy)
    }

    fn peer(&self, python: &Path, arguments: &[&str]) -> Fallible<Peer> {
        let started = Instant::now();
        let folder = self.folder.path();
        let output = Command::new(python).arg(folder.join("train.py")).arg(folder).args(arguments).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let peer: Peer = serde_json::from_slice(&output.stdout)?;
        Ok(Peer { seconds: started.elapsed().as_secs_f64(), ..peer })
    }
}
