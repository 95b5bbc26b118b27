//! `demo-oneshot`: a DARTS search on the embedded digits; what it found is drawn, and trained from scratch.

use super::super::args::DemoOneshotArgs;
use super::super::failure::Failure;
use super::super::one_shot::line;
use super::super::output::{self, Outputs};
use super::demo::{DATA, from_scratch, short};
use super::folder::Folder;
use codegen::torch::Device;
use evaluators::train::{Dataset, Preset, Recipe};
use strategies::one_shot::{Epoch, build};

/// A larger rate than the paper's: the search is hundreds of steps long, not thousands.
const STRATEGY: &str = "darts:order=1,arch_lr=0.01,warmup=3";

/// Searches, draws the cell, derives the network and trains it.
pub fn demo(args: &DemoOneshotArgs) -> Result<(), Failure> {
    let mut folder = Folder::replaced(&args.output);
    let mut outputs = Outputs::default();
    Folder::register(&mut outputs, "--output", &args.output)?;
    folder.make()?;
    let space = mutators::spaces::build(&format!("nasbench201:image=1x8x8,channels={},cells=1", args.channels))?;
    let strategy = build(STRATEGY).map_err(Failure::usage)?;
    let recipe = Recipe { epochs: args.epochs, seed: args.seed, ..Recipe::preset(Preset::DartsSearch) };
    let dataset = Dataset::open(DATA, None, Device::Cpu)?;
    output::print(&format!(
        "{} on {DATA}, {} epochs, seed {}: the cell as it forms\n\n",
        strategy.identity(),
        args.epochs,
        args.seed
    ))?;
    let mut printed = Ok(());
    let mut report = |epoch: &Epoch| {
        if !args.quiet && printed.is_ok() {
            printed = output::print(&format!("{}\n", line(&space, epoch, false)));
        }
    };
    let found =
        strategy.search(&space, &dataset, &recipe, None, &mut report).map_err(super::super::one_shot::refuse)?;
    outputs.attempt(printed);
    let drawing = space.drawing(&found.sample).map(|drawing| drawing.to_svg());
    outputs.put(&args.output.join("cell.svg"), drawing.map_err(Failure::from));
    let genotype = space.genotype(&found.sample).unwrap_or_else(|| found.sample.to_string());
    outputs.print(&format!("\nFound {genotype}\nNow trained from scratch on {DATA}\n\n"));
    let recipe = Recipe { epochs: args.retrain, seed: args.seed, ..short() };
    let (_, trained) = from_scratch(&space, &found.sample, &recipe, (&folder, &mut outputs), args.quiet)?;
    outputs.print(&format!("{}\n{}\n", trained.plot(), trained.table()));
    if outputs.is_sound() {
        outputs.print(&format!(
            "In {}: cell.svg, weights.safetensors, network.lir, history.json, history.csv and curve.svg\n",
            folder.shown()
        ));
    }
    outputs.end()
}
