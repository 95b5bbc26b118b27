//! `demo-train`: a cell that a search of NAS-Bench-201 found, trained on the embedded digits, and exported.

use super::super::args::DemoTrainArgs;
use super::super::demo::search;
use super::super::failure::Failure;
use super::super::output::{self, Outputs};
use super::folder::Folder;
use super::shown::Shown;
use super::trained::Trained;
use super::{broken, save, test};
use codegen::export::{ExportError, onnx, pytorch};
use codegen::torch::Device;
use evaluators::train::{Dataset, Recipe, Trainer};
use mutators::{Sample, Space};

/// What the digits are called.
pub(super) const DATA: &str = "digits";

/// How a demo trains: augmented by shifts of one pixel, a quarter held out.
pub(super) fn short() -> Recipe {
    Recipe { valid: 4, crop: 1, ..Recipe::default() }
}

/// Trains the network of a sample on the digits, and keeps what it leaves in a folder.
pub(super) fn from_scratch(
    space: &Space,
    sample: &Sample,
    recipe: &Recipe,
    (folder, outputs): (&Folder, &mut Outputs),
    quiet: bool,
) -> Result<(Trainer, Trained), Failure> {
    let program = space.program(sample)?;
    let dataset = Dataset::open(DATA, None, Device::Cpu)?;
    let mut trainer = Trainer::new(&program, &dataset, recipe)?;
    let mut shown = Shown::new(quiet);
    while !trainer.is_done() {
        let step = trainer.step().map_err(broken)?;
        shown.tell(&trainer, &step);
    }
    shown.finish();
    let score = test(&mut trainer)?;
    let trained = Trained::of(&trainer, space.identity(), Some(sample.to_string()), DATA, score);
    save(&mut trainer, folder, outputs, &space.module(sample)?.to_string(), &trained);
    Ok((trainer, trained))
}

/// Searches, trains, shows the curve, and exports.
pub fn demo(args: &DemoTrainArgs) -> Result<(), Failure> {
    let mut folder = Folder::replaced(&args.output);
    let mut outputs = Outputs::default();
    Folder::register(&mut outputs, "--output", &args.output)?;
    folder.make()?;
    let (space, study) = search(args.trials, args.seed)?;
    let Some(best) = study.incumbent() else { return Err(Failure::search("no trial succeeded")) };
    let genotype = space.genotype(&best.sample).unwrap_or_else(|| best.sample.to_string());
    let table = study.report.as_ref().and_then(|r| r.values.first());
    let table = table.map(|v| format!(", {v:.2} % on CIFAR-10 by the table")).unwrap_or_default();
    output::print(&format!(
        "Regularized evolution over NAS-Bench-201, {} trials, seed {}: found{table}\n  {genotype}\n\
         Now trained on {DATA}, as a network of {} channels and one cell a stage\n\n",
        args.trials, args.seed, args.channels
    ))?;

    let small = format!("nasbench201:image=1x8x8,channels={},cells=1", args.channels);
    let space = mutators::spaces::build(&small)?;
    let sample = space.parse_genotype(&genotype)?;
    let recipe = Recipe { epochs: args.epochs, seed: args.seed, ..short() };
    let (mut trainer, trained) = from_scratch(&space, &sample, &recipe, (&folder, &mut outputs), args.quiet)?;
    let program = space.program(&sample)?;
    let title = format!("{small} {genotype}");
    let weights = trainer.weights().map_err(broken)?;
    let refuse = |e: ExportError| Failure::search(format!("the export failed: {e}"));
    outputs.put(&args.output.join("network.py"), pytorch::source(&program, &title).map_err(refuse));
    outputs.put(&args.output.join("network.onnx"), onnx::model(&program, &weights, &title).map_err(refuse));
    outputs.print(&format!("{}\n{}\n", trained.plot(), trained.table()));
    if outputs.is_sound() {
        outputs.print(&format!(
            "In {}: weights.safetensors and network.py for PyTorch, network.onnx with its weights, network.lir,\n\
             history.json, history.csv and curve.svg\n",
            folder.shown()
        ));
    }
    outputs.end()
}
