//! One step of the weights of supernets, all candidates mixed in equal shares: a line of JSON per space.
//!
//! The spaces take turns, step by step, so that what else the machine does befalls all of them; by default
//! NAS-Bench-201's space without and with the operation `none`.
#![expect(clippy::print_stdout, reason = "the result is what it prints")]

use benches::images;
use clap::Parser;
use codegen::init::initialise;
use codegen::torch::{Device, Executor, Layout, Optimizer, Params, Pick, Run, Runtime, Selection, Sgd, clip_grad_norm};
use codegen::{Lowering, Plan, Wrt};
use ir::prim::{Emit, Mode, Prim};
use ir::value::Real;
use ir::{DType, Dim, Elaboration, TensorType};
use std::sync::Arc;
use std::time::Instant;
use tch::{Kind, Tensor};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Args {
    /// The spaces, of networks for ten classes of 3x32x32 images.
    #[arg(default_values = ["nasbench201:none=false", "nasbench201"])]
    spaces: Vec<String>,
    /// Threads of libtorch's kernels.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Images of a step.
    #[arg(long, default_value_t = 16)]
    batch: i64,
    /// Steps before the measurement.
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Measured steps.
    #[arg(long, default_value_t = 15)]
    steps: usize,
    /// Of weights and images.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where it runs: cpu or cuda.
    #[arg(long, default_value = "cpu")]
    device: Device,
    /// Also the gradients of the architecture.
    #[arg(long)]
    both: bool,
}

/// A supernet in training.
struct Supernet {
    space: String,
    exec: Executor,
    params: Params,
    selection: Selection,
    sgd: Sgd,
    times: Vec<f64>,
    loss: f64,
}

impl Supernet {
    fn new(space: &str, args: &Args) -> Fallible<Self> {
        let plan = Arc::new(plan(space, args)?);
        let params = Params::new(&plan, &initialise(&plan, args.seed), args.device, Kind::Float)?;
        let equal = |arms: usize| {
            let weights = Tensor::f_full([arms as i64], 1.0 / arms as f64, (Kind::Float, args.device.into()))?;
            Ok::<_, tch::TchError>(Pick::mixture(weights))
        };
        let sites = plan.sites.iter().map(|s| equal(s.arms.len())).collect::<Result<_, _>>()?;
        let exec = Executor::new(plan, args.device, Kind::Float, Layout::ChannelsLast);
        let (selection, sgd) = (Selection { sites }, Sgd::new(0.9, false, 3e-4));
        Ok(Self { space: space.to_owned(), exec, params, selection, sgd, times: Vec::new(), loss: 0.0 })
    }

    fn step(&mut self, inputs: &[Tensor], number: usize) -> Fallible<()> {
        let begin = Instant::now();
        let run = Run { step: number as u64, selection: Some(&self.selection), ..Run::default() };
        let outcome = self.exec.run(&mut self.params, inputs, &run)?;
        clip_grad_norm(&mut self.params, 5.0)?;
        self.sgd.step(&mut self.params, 0.025)?;
        self.loss = outcome.outputs[0].f_double_value(&[])?;
        self.times.push(begin.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    fn report(&mut self, args: &Args) -> serde_json::Value {
        self.times.drain(..args.warmup);
        self.times.sort_by(f64::total_cmp);
        let plan = self.exec.plan();
        let at = |share: f64| self.times[((share * self.times.len() as f64) as usize).min(self.times.len() - 1)];
        serde_json::json!({
            "space": self.space, "threads": args.threads, "batch": args.batch, "both": args.both, "steps": args.steps,
            "sites": plan.sites.len(), "kernels": plan.steps.len(), "median_ms": at(0.5), "min_ms": at(0.0),
            "p90_ms": at(0.9), "loss": self.loss,
        })
    }
}

fn main() -> Fallible<()> {
    let args = Args::parse();
    Runtime::init(args.device, Some(args.threads))?;
    let mut nets: Vec<Supernet> = args.spaces.iter().map(|s| Supernet::new(s, &args)).collect::<Result<_, _>>()?;
    let inputs = images(args.seed, args.batch)?;
    for i in 0..args.warmup + args.steps.max(1) {
        for net in &mut nets {
            net.step(&inputs, i)?;
        }
    }
    nets.iter_mut().for_each(|net| println!("{}", net.report(&args)));
    Ok(())
}

/// Forward, cross-entropy, backward.
fn plan(space: &str, args: &Args) -> Fallible<Plan> {
    let space = mutators::spaces::build(space)?;
    let open = Elaboration::supernet(space.base(), &|_: &str, _: Option<i64>| None).run()?;
    let mut lowering = Lowering::of(&open, Mode::Train)?;
    let logits = lowering.outputs()[0];
    let targets = lowering.input(TensorType::new(DType::I64, [Dim::BATCH]));
    let loss = lowering.prim(Prim::CrossEntropy { smoothing: Real::new(0.0) }, &[logits, targets])?;
    lowering.set_outputs([loss]);
    if args.device == Device::Cpu {
        lowering = lowering.fuse();
    }
    let loss = lowering.outputs()[0];
    let wrt = Wrt { weights: true, sites: args.both, ..Wrt::default() };
    Ok(lowering.differentiate(loss, &wrt)?.finish())
}
