//! `export`: a network with its weights for other tools.

use super::args::{ExportArgs, ExportFormat};
use super::failure::Failure;
use super::grid::{Grid, thousands};
use super::output::Outputs;
use super::source::Source;
use codegen::array::Weights;
use codegen::checkpoint::{Checkpoint, check};
use codegen::export::{finite, onnx, pytorch};
use codegen::init::initialise;
use codegen::{Lowering, Plan};
use ir::prim::Mode;
use std::path::{Path, PathBuf};

/// What the files are called where only a folder is given.
const STEM: &str = "network";

/// Writes a network.
pub fn export(args: &ExportArgs) -> Result<(), Failure> {
    let source = Source::load(&args.target)?;
    let mut outputs = Outputs::default();
    source.register(&mut outputs)?;
    if let Some(path) = &args.weights {
        outputs.reads("--weights", path)?;
    }
    let sample = source.select(&args.selection)?;
    if sample.is_none() && !source.is_decided() {
        return Err(Failure::usage(format!(
            "{}: is a space, and one network is exported; choose it by --sample, --genotype or --random",
            args.target
        )));
    }
    let program = source.program(sample.as_ref())?;
    let title = sample.map_or_else(|| args.target.clone(), |s| format!("{} {s}", args.target));
    let refuse = |e: &dyn std::fmt::Display| Failure::usage(format!("{title}: {e}"));
    let plan = Lowering::of(&program, Mode::Eval).map_err(|e| refuse(&e))?.finish();
    let weights = weights(args, &plan)?;

    let mut grid = Grid::words(2);
    match args.format {
        ExportFormat::Pytorch => {
            let text = pytorch::source(&program, &title).map_err(|e| refuse(&e))?;
            let path = file(&args.output, "py");
            let beside = path.with_extension("safetensors");
            let code = outputs.file("--output", &*path)?;
            let target = outputs.file("--output", &*beside)?;
            let metadata =
                [("format", "lanista.weights".to_owned()), ("hash", program.hash().to_string()), ("network", title)];
            let metadata = metadata.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            outputs.write(target.as_ref(), || Ok(Checkpoint { arrays: weights, metadata }.to_bytes()));
            outputs.write(code.as_ref(), || Ok(text));
            grid.row([path.display().to_string(), "the network as PyTorch source, which needs torch only".to_owned()]);
            grid.row([beside.display().to_string(), format!("its weights, {}", origin(args, &plan))]);
        }
        ExportFormat::Onnx => {
            let model = onnx::model(&program, &weights, &title).map_err(|e| refuse(&e))?;
            let path = file(&args.output, "onnx");
            let target = outputs.file("--output", &*path)?;
            outputs.write(target.as_ref(), || Ok(model));
            let what = format!("the network in ONNX opset {}, and its weights, {}", onnx::OPSET, origin(args, &plan));
            grid.row([path.display().to_string(), what]);
        }
    }
    if outputs.is_sound() {
        outputs.print(&grid.to_string());
    }
    outputs.end()
}

/// The trained weights, or the first ones.
fn weights(args: &ExportArgs, plan: &Plan) -> Result<Weights, Failure> {
    let Some(path) = &args.weights else {
        return Ok(initialise(plan, args.seed));
    };
    let arrays = Checkpoint::load(path).map_err(|e| Failure::usage(format!("--weights {e}")))?.arrays;
    let refuse = |e: &dyn std::fmt::Display| Failure::usage(format!("--weights {}: {e}", path.display()));
    check(plan, &arrays).map_err(|e| refuse(&e))?;
    finite(&arrays).map_err(|e| refuse(&e))?;
    Ok(arrays)
}

/// `1,234 parameters from best.safetensors`
fn origin(args: &ExportArgs, plan: &Plan) -> String {
    let learned = plan.weights.iter().filter(|w| w.spec.role == ir::op::Role::Parameter);
    let params = thousands(learned.map(|w| w.spec.numel()).sum());
    match &args.weights {
        Some(path) => format!("{params} parameters from {}", path.display()),
        None => {
            format!("{params} parameters as they start from seed {}, untrained (--weights gives others)", args.seed)
        }
    }
}

/// The path itself, or in a folder the file that a network is called by.
fn file(output: &Path, extension: &str) -> PathBuf {
    let named = output.extension().is_some_and(|e| e == extension);
    if named || !output.is_dir() { output.to_owned() } else { output.join(format!("{STEM}.{extension}")) }
}
