//! `train`: one network, trained on a data set.

mod curve;
mod demo;
mod demo_oneshot;
mod folder;
mod retrain;
mod shown;
mod trained;

pub use demo::demo;
pub use demo_oneshot::demo as demo_oneshot;
pub use retrain::Retrain;

use super::args::TrainArgs;
use super::failure::Failure;
use super::output;
use super::source::Source;
use codegen::array::Weights;
use codegen::checkpoint::Checkpoint;
use evaluators::train::{Dataset, Measured, Recipe, TrainError, Trainer};
use folder::Folder;
use mutators::Options;
use shown::Shown;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::time::Instant;
use trained::Trained;

/// Trains a network.
pub fn train(args: &TrainArgs) -> Result<(), Failure> {
    train_from(args, None)
}

/// Trains a network that begins with given weights, or with weights that are drawn.
fn train_from(args: &TrainArgs, weights: Option<&Weights>) -> Result<(), Failure> {
    let recipe = recipe(args)?;
    let source = Source::load(&args.target)?;
    let sample = source.select(&args.selection)?;
    if sample.is_none() && !source.is_decided() {
        return Err(Failure::usage(format!(
            "{} has open decisions; say which network with --sample, --genotype or --random",
            args.target
        )));
    }
    let folder = match (&args.out, args.resume) {
        (None, true) => return Err(Failure::usage("--resume needs --out, the folder of the run that goes on")),
        (None, false) => None,
        (Some(path), false) => Some(Folder::fresh(path)?),
        (Some(path), true) => Some(Folder::of_run(path)?),
    };
    let sample = match sample {
        Some(sample) => sample,
        None => source.space.default_sample()?,
    };
    let program = source.program(Some(&sample))?;
    let dataset = Dataset::open(&args.data, args.data_dir.as_deref(), recipe.device)?;
    let mut trainer = Trainer::new(&program, &dataset, &recipe)?;
    if let Some(weights) = weights {
        trainer.inherit(weights)?;
    }
    if let Some(folder) = &folder {
        if args.resume {
            trainer.resume(&folder.checkpoint())?;
        } else {
            folder.make()?;
        }
    }
    run(&mut trainer, folder.as_ref(), args)?;
    let test = test(&mut trainer)?;
    let named = (!sample.picks().is_empty()).then(|| sample.to_string());
    let trained = Trained::of(&trainer, &args.target, named, &args.data, test);
    if let Some(folder) = &folder {
        save(&mut trainer, folder, &source.module(Some(&sample))?.to_string(), &trained)?;
    }
    output::print(&report(&trained, folder.as_ref()))
}

/// Trains to the end, and keeps a checkpoint on the way.
fn run(trainer: &mut Trainer, folder: Option<&Folder>, args: &TrainArgs) -> Result<(), Failure> {
    let mut shown = Shown::new(args.quiet);
    let mut saved = Instant::now();
    while !trainer.is_done() {
        let step = trainer.step();
        if step.is_err() {
            shown.finish();
        }
        let step = step.map_err(broken)?;
        shown.tell(trainer, &step);
        let due = step.closed.is_some() || saved.elapsed().as_secs_f64() >= args.save_every;
        if let Some(folder) = folder.filter(|_| due) {
            trainer.save(&folder.checkpoint()).map_err(broken)?;
            saved = Instant::now();
        }
    }
    shown.finish();
    Ok(())
}

/// A run that ended early.
fn broken(e: impl Into<TrainError>) -> Failure {
    Failure::search(format!("the training failed: {}", e.into()))
}

/// The accuracy on the test images.
fn test(trainer: &mut Trainer) -> Result<evaluators::train::Score, Failure> {
    let score = trainer.evaluate(Measured::Test).map_err(broken)?;
    score.ok_or_else(|| Failure::search("the training failed: the data set has no test images"))
}

/// The recipe that the flags describe: all training images, and all cores, unless they say otherwise.
fn recipe(args: &TrainArgs) -> Result<Recipe, Failure> {
    let (name, settings) = args.recipe.split_once(':').unwrap_or((&args.recipe, ""));
    let mut text = format!("--recipe:recipe={name}");
    let flags = [
        ("epochs", args.epochs.map(|n| n.to_string())),
        ("batch", args.batch.map(|n| n.to_string())),
        ("lr", args.lr.map(|x| x.to_string())),
        ("valid", args.valid.clone()),
        ("threads", args.threads.map(|n| n.to_string())),
        ("device", args.device.clone()),
    ];
    let flags = flags.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?)));
    for setting in std::iter::once(settings.to_owned()).chain(flags).filter(|s| !s.is_empty()) {
        text += &format!(",{setting}");
    }
    let mut options: Options = text.parse().map_err(Failure::usage)?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let recipe = Recipe::take_with(&mut options, |r| (r.valid, r.threads) = (0, cores)).map_err(Failure::usage)?;
    options.finish().map_err(Failure::usage)?;
    Ok(Recipe { seed: args.seed, ..recipe })
}

/// Writes what the run leaves.
fn save(trainer: &mut Trainer, folder: &Folder, network: &str, trained: &Trained) -> Result<(), Failure> {
    let metadata = BTreeMap::from([
        ("format".to_owned(), "lanista.weights".to_owned()),
        ("graph".to_owned(), trainer.network().hash.to_string()),
    ]);
    let arrays = trainer.weights().map_err(broken)?;
    Checkpoint { arrays, metadata }.save(&folder.weights()).map_err(Failure::search)?;
    folder.write(network, &trained.json()?, &trained.csv(), &trained.drawing())
}

fn report(trained: &Trained, folder: Option<&Folder>) -> String {
    let mut out = format!("{}\n{}", trained.plot(), trained.table());
    if let Some(folder) = folder {
        out += &format!("\nWeights, network, history and curves are in {}\n", folder.shown());
    }
    out
}
