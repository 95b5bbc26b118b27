//! One training step of the DARTS_V2 network on Lanista's backend: the twin of `benches/peers/darts_step.py`, whose
//! arguments it takes and whose JSON it prints.
#![expect(clippy::print_stdout, reason = "the result is what it prints")]

use benches::images;
use clap::Parser;
use codegen::init::initialise;
use codegen::torch::{Device, Executor, Layout, Optimizer, Params, Run, Runtime, Sgd, clip_grad_norm};
use codegen::{Lowering, Wrt};
use ir::prim::{Emit, Mode, Prim};
use ir::value::Real;
use ir::{DType, Dim, TensorType};
use std::sync::Arc;
use std::time::Instant;
use tch::Kind;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Args {
    /// Threads of libtorch's kernels.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Images of a step.
    #[arg(long, default_value_t = 32)]
    batch: i64,
    /// Width of the first cells.
    #[arg(long, default_value_t = 16)]
    channels: u32,
    /// Number of cells.
    #[arg(long, default_value_t = 8)]
    cells: u32,
    /// Steps before the measurement.
    #[arg(long, default_value_t = 3)]
    warmup: usize,
    /// Measured steps.
    #[arg(long, default_value_t = 20)]
    steps: usize,
    /// Of weights and images.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where it runs: cpu or cuda.
    #[arg(long, default_value = "cpu")]
    device: Device,
    /// Without fused kernels.
    #[arg(long)]
    plain: bool,
}

fn main() -> Fallible<()> {
    let args = Args::parse();
    let runtime = Runtime::init(args.device, Some(args.threads))?;
    let plan = Arc::new(plan(&args)?);
    let learned = |w: &&codegen::Weight| w.spec.role == ir::op::Role::Parameter;
    let params_count: u64 = plan.weights.iter().filter(learned).map(|w| w.spec.numel()).sum();
    let mut params = Params::new(&plan, &initialise(&plan, args.seed), args.device, Kind::Float)?;
    let exec = Executor::new(plan.clone(), args.device, Kind::Float, Layout::ChannelsLast);
    let mut sgd = Sgd::new(0.9, false, 3e-4);

    let base = status_bytes("VmRSS")?;
    reset_peak()?;
    let inputs = images(args.seed, args.batch)?;
    let (mut times, mut losses, mut first) = (Vec::new(), Vec::new(), None);
    for i in 0..args.warmup + args.steps {
        let begin = Instant::now();
        let run = Run { step: i as u64, ..Run::default() };
        let outcome = exec.run(&mut params, &inputs, &run)?;
        clip_grad_norm(&mut params, 5.0)?;
        sgd.step(&mut params, 0.025)?;
        losses.push(outcome.outputs[0].f_double_value(&[])?);
        if i >= args.warmup {
            times.push(begin.elapsed().as_secs_f64() * 1e3);
        }
        if first.is_none() {
            first = Some(seconds_since_start()?);
        }
    }
    let peak = status_bytes("VmHWM")? - base;
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((share * times.len() as f64) as usize).min(times.len() - 1)];
    println!(
        "{{\"framework\": \"lanista\", \"version\": \"{}\", \"layout\": \"auto\", \"threads\": {}, \"batch\": {}, \
         \"channels\": {}, \"cells\": {}, \"params\": {params_count}, \"warmup\": {}, \"steps\": {}, \
         \"median_ms\": {:.3}, \"min_ms\": {:.3}, \"p90_ms\": {:.3}, \"start_to_first_step_s\": {:.3}, \
         \"base_bytes\": {base}, \"peak_bytes\": {peak}, \"losses\": {losses:?}}}",
        env!("CARGO_PKG_VERSION"),
        runtime.threads(),
        args.batch,
        args.channels,
        args.cells,
        args.warmup,
        args.steps,
        at(0.5),
        at(0.0),
        at(0.9),
        first.unwrap_or(0.0),
    );
    Ok(())
}

/// Forward, cross-entropy, backward.
fn plan(args: &Args) -> Fallible<codegen::Plan> {
    let text = format!("darts:channels={},layers={},auxiliary=false,drop_path=0", args.channels, args.cells);
    let space = mutators::spaces::build(&text)?;
    let sample = space.parse_genotype("DARTS_V2")?;
    let program = space.program(&sample)?;
    let mut lowering = Lowering::of(&program, Mode::Train)?;
    let logits = lowering.outputs()[0];
    let targets = lowering.input(TensorType::new(DType::I64, [Dim::BATCH]));
    let loss = lowering.prim(Prim::CrossEntropy { smoothing: Real::new(0.0) }, &[logits, targets])?;
    lowering.set_outputs([loss]);
    if args.device == Device::Cpu && !args.plain {
        lowering = lowering.fuse();
    }
    let loss = lowering.outputs()[0];
    Ok(lowering.differentiate(loss, &Wrt::weights())?.finish())
}

fn status_bytes(field: &str) -> Fallible<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|l| l.starts_with(field)).ok_or("/proc/self/status lacks a field")?;
    Ok(line.split_whitespace().nth(1).ok_or("a field without a number")?.parse::<u64>()? * 1024)
}

/// The peak starts again from what is resident now (proc(5): 5 written to clear_refs).
fn reset_peak() -> Fallible<()> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

/// From the start of the process (field 22 of its stat, in ticks of 1/100 s) until now.
fn seconds_since_start() -> Fallible<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/self/stat is odd")?;
    let started: f64 = fields.split_whitespace().nth(19).ok_or("/proc/self/stat is short")?.parse()?;
    let uptime: f64 = std::fs::read_to_string("/proc/uptime")?.split_whitespace().next().ok_or("no uptime")?.parse()?;
    Ok(uptime - started / 100.0)
}
