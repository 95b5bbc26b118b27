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
use super::interrupt;
use super::output::Outputs;
use super::source::Source;
use super::watch::Watch;
use codegen::array::Weights;
use codegen::checkpoint::{Checkpoint, CheckpointError};
use codegen::torch::Device;
use evaluators::train::{Dataset, Epoch, Measured, Recipe, SavedRun, Score, TrainError, Trainer};
use folder::Folder;
use mutators::Options;
use shown::Shown;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::Path;
use std::time::Instant;
use trained::Trained;

/// What holds where neither the recipe nor a flag says anything.
#[derive(Clone, Copy, Debug)]
struct Defaults {
    /// The flag that names the recipe.
    flag: &'static str,
    threads: usize,
    device: Device,
}

impl Defaults {
    /// All cores of this machine; of a run that goes on, what it was started with.
    fn of(run: Option<&Folder>) -> Result<Self, Failure> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let here = Self { flag: "--recipe", threads, device: Device::Cpu };
        let Some(folder) = run else { return Ok(here) };
        let saved = SavedRun::read(&folder.checkpoint())?;
        Ok(Self {
            flag: here.flag,
            threads: saved.setting("threads").and_then(|n| n.parse().ok()).unwrap_or(here.threads),
            device: saved.setting("device").and_then(|d| d.parse().ok()).unwrap_or(here.device),
        })
    }
}

/// Trains a network.
pub fn train(args: &TrainArgs) -> Result<(), Failure> {
    let run = match (&args.out, args.resume) {
        (None, true) => return Err(Failure::usage("--resume needs --out, the folder of the run that goes on")),
        (Some(path), true) => Some(Folder::of_run(path)?),
        (_, false) => None,
    };
    if let Some(out) = &args.out {
        let (checkpoint, flag) = (Folder::replaced(out).checkpoint(), if args.resume { "" } else { " and --resume" });
        interrupt::advise(move || match checkpoint.is_file() {
            true => format!("go on with the same command{flag}"),
            false => "no checkpoint was kept yet; start again".to_owned(),
        });
    }
    train_from(args, Defaults::of(run.as_ref())?, None)
}

/// Trains a network that begins with given weights, or with weights that are drawn.
fn train_from(args: &TrainArgs, defaults: Defaults, weights: Option<&Weights>) -> Result<(), Failure> {
    let recipe = recipe(args, defaults)?;
    let source = Source::load(&args.target)?;
    let sample = source.select(&args.selection)?;
    if sample.is_none() && !source.is_decided() {
        return Err(Failure::usage(format!(
            "{} has open decisions; say which network with --sample, --genotype or --random",
            args.target
        )));
    }
    let mut folder = match &args.out {
        None => None,
        Some(path) if args.resume => {
            let mut folder = Folder::of_run(path)?;
            folder.take()?;
            Some(folder)
        }
        Some(path) => Some(Folder::fresh("--out", path, "go on with --resume, or name another folder")?),
    };
    let mut outputs = Outputs::default();
    source.register(&mut outputs)?;
    if let Some(out) = &args.out {
        Folder::register(&mut outputs, "--out", out)?;
    }
    let watch = Watch::new(&mut outputs, args.logdir.as_deref())?;
    let sample = match sample {
        Some(sample) => sample,
        None => source.space.default_sample()?,
    };
    let program = source.program(Some(&sample))?;
    let dataset = Dataset::open(&args.data, args.data_dir.as_deref(), recipe.device)?;
    let mut trainer = Trainer::new(&program, &dataset, &recipe).map_err(|e| source.unfit(e))?;
    if let Some(weights) = weights {
        trainer.inherit(weights)?;
    }
    if let Some(folder) = &mut folder {
        if args.resume {
            let checkpoint = folder.checkpoint();
            trainer.resume(&checkpoint).map_err(|e| other_run(&checkpoint, e))?;
        } else {
            folder.make()?;
        }
    }
    let mut course = Course { watch, is_text: trainer.network().is_text() };
    trainer.history().iter().for_each(|epoch| course.epoch(epoch));
    run(&mut trainer, folder.as_ref(), args, &mut course)?;
    let test = test(&mut trainer)?;
    course.test(recipe.epochs, &test);
    let named = (!sample.picks().is_empty()).then(|| sample.to_string());
    let trained = Trained::of(&trainer, &args.target, named, &args.data, test);
    if let Some(folder) = &folder {
        let network = source.module(Some(&sample))?.to_string();
        save(&mut trainer, folder, &mut outputs, &network, &trained);
    }
    let kept = folder.as_ref().filter(|_| outputs.is_sound());
    outputs.print(&report(&trained, kept));
    outputs.attempt(course.watch.map_or(Ok(()), Watch::finish));
    outputs.end()
}

/// What is written down for `--logdir`, if that is given.
struct Course {
    watch: Option<Watch>,
    is_text: bool,
}

impl Course {
    fn epoch(&mut self, epoch: &Epoch) {
        if let Some(watch) = &mut self.watch {
            watch.trained(epoch, self.is_text);
        }
    }

    fn test(&mut self, epochs: u32, score: &Score) {
        if let Some(watch) = &mut self.watch {
            watch.tested(epochs, score, self.is_text);
        }
    }
}

/// A checkpoint that is not of this run. The number of threads is of the run, as sums are rounded by it.
fn other_run(checkpoint: &Path, e: TrainError) -> Failure {
    let shown = checkpoint.display();
    match e {
        TrainError::OtherRun { field, stored, given, .. } if field == "threads" => Failure::usage(format!(
            "{shown}: is of a run with {stored} threads, not {given}, which would give other weights, as sums are rounded \
             by their number; leave --threads out, and it goes on with {stored}"
        )),
        TrainError::Checkpoint(e @ CheckpointError::OtherGraph(_)) => {
            Failure::usage(format!("{shown}: {e}; resume with the network that it was started with"))
        }
        e => e.into(),
    }
}

/// Trains to the end, and keeps a checkpoint on the way.
fn run(trainer: &mut Trainer, folder: Option<&Folder>, args: &TrainArgs, course: &mut Course) -> Result<(), Failure> {
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
        // Kept first, so that what is shown is not lost.
        if let Some(epoch) = &step.closed {
            course.epoch(epoch);
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
fn test(trainer: &mut Trainer) -> Result<Score, Failure> {
    let score = trainer.evaluate(Measured::Test).map_err(broken)?;
    score.ok_or_else(|| Failure::search("the training failed: the data set has no test images"))
}

/// The recipe that the flags describe: all training images, and the defaults, unless they say otherwise.
fn recipe(args: &TrainArgs, defaults: Defaults) -> Result<Recipe, Failure> {
    let (name, settings) = args.recipe.split_once(':').unwrap_or((&args.recipe, ""));
    let Defaults { flag, threads, device } = defaults;
    let mut text = format!("{flag}:recipe={name}");
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
    let adjust = |r: &mut Recipe| (r.valid, r.threads, r.device) = (0, threads, device);
    let recipe = Recipe::take_with(&mut options, adjust).map_err(Failure::usage)?;
    options.finish().map_err(Failure::usage)?;
    Ok(Recipe { seed: args.seed, ..recipe })
}

/// Writes what the run leaves, whatever of it cannot be written.
fn save(trainer: &mut Trainer, folder: &Folder, outputs: &mut Outputs, network: &str, trained: &Trained) {
    let metadata = BTreeMap::from([
        ("format".to_owned(), "lanista.weights".to_owned()),
        ("graph".to_owned(), trainer.network().hash.to_string()),
    ]);
    let weights = trainer.weights().map_err(broken).map(|arrays| Checkpoint { arrays, metadata }.to_bytes());
    outputs.put(&folder.weights(), weights);
    folder.write(outputs, network, trained);
}

fn report(trained: &Trained, folder: Option<&Folder>) -> String {
    let mut out = format!("{}\n{}", trained.plot(), trained.table());
    if let Some(folder) = folder {
        out += &format!("\nWeights, network, history and curves are in {}\n", folder.shown());
    }
    out
}
