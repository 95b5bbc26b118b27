//! Networks, plans and comparisons for the tests.

use codegen::array::Weights;
use codegen::init::{initialise, stream, unit};
use codegen::torch::{Device, Executor, Layout, Params, Runtime};
use codegen::{Lowering, Plan, Wrt};
use ir::prim::{Emit, Fold, Mode, Prim, Var};
use ir::{Elaboration, Module, Program, TensorType};
use std::sync::Arc;
use tch::{Kind, Tensor};

/// The program of a module without open decisions.
pub fn program(text: &str) -> Program {
    let module: Module = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
    Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// Adds `sum(y * noise)` over all floating-point outputs, so that each element counts differently; the noise is an input.
pub fn weighted_sum(plan: &mut Lowering) -> (Var, Vec<TensorType>) {
    let floating = |y: &Var| plan.type_of(*y).dtype.is_float();
    let outputs: Vec<Var> = plan.outputs().iter().copied().filter(floating).collect();
    let mut total = None;
    let mut types = Vec::new();
    for y in outputs {
        let ty = plan.type_of(y).clone();
        let noise = plan.input(ty.clone());
        let product = plan.prim(Prim::Binary(ir::prim::Binary::Mul), &[y, noise]).expect("same types");
        let axes = (0..ty.rank() as u32).collect();
        let sum = plan.prim(Prim::Reduce { fold: Fold::Sum, axes, keep: false }, &[product]).expect("any type");
        total = Some(match total {
            None => sum,
            Some(t) => plan.prim(Prim::ADD, &[t, sum]).expect("scalars"),
        });
        types.push(ty);
    }
    (total.expect("an output"), types)
}

/// A plan with `sum(y * noise)` and the gradients of weights and inputs.
pub fn training_plan(program: &Program, mode: Mode) -> Plan {
    let mut plan = Lowering::of(program, mode).expect("lowers");
    let (loss, _) = weighted_sum(&mut plan);
    let outputs: Vec<Var> = [loss].into_iter().chain(plan.outputs().iter().copied()).collect();
    plan.set_outputs(outputs);
    let wrt = Wrt { weights: true, inputs: true, ..Wrt::default() };
    plan.differentiate(loss, &wrt).expect("a scalar").finish()
}

/// The same plan with the CPU's fused kernels.
pub fn fused_plan(program: &Program, mode: Mode) -> Plan {
    let mut plan = Lowering::of(program, mode).expect("lowers");
    let (loss, _) = weighted_sum(&mut plan);
    let outputs: Vec<Var> = [loss].into_iter().chain(plan.outputs().iter().copied()).collect();
    plan.set_outputs(outputs);
    let plan = plan.fuse();
    let loss = plan.outputs()[0];
    let wrt = Wrt { weights: true, inputs: true, ..Wrt::default() };
    plan.differentiate(loss, &wrt).expect("a scalar").finish()
}

/// Uniform numbers in `low..high`, seeded.
pub fn noise(ty: &TensorType, batch: i64, seed: u64, (low, high): (f32, f32)) -> Tensor {
    let sizes: Vec<i64> =
        ty.shape.iter().map(|d| d.per_example() as i64 * if d.is_batch() { batch } else { 1 }).collect();
    let mut rng = stream(seed, &[b"noise"]);
    let n = sizes.iter().product::<i64>();
    let values: Vec<f32> = (0..n).map(|_| low + (high - low) * unit(&mut rng)).collect();
    Tensor::from_slice(&values).view(&sizes[..])
}

/// Random inputs for a plan.
pub fn inputs(plan: &Plan, batch: i64, seed: u64) -> Vec<Tensor> {
    let each = plan.inputs.iter().enumerate();
    each.map(|(i, v)| noise(plan.type_of(*v), batch, seed + i as u64, (-1.0, 1.0))).collect()
}

/// An executor and its weights, seeded.
pub fn executor(plan: Plan, kind: Kind, layout: Layout) -> (Executor, Params) {
    let weights = initialise(&plan, 1);
    executor_of(plan, &weights, kind, layout)
}

/// An executor and given weights.
pub fn executor_of(plan: Plan, weights: &Weights, kind: Kind, layout: Layout) -> (Executor, Params) {
    let device = start();
    let params = Params::new(&plan, weights, device, kind).expect("its own weights");
    (Executor::new(Arc::new(plan), device, kind, layout), params)
}

/// Starts libtorch for `LANISTA_TEST_DEVICE`, or the CPU; see `benches/gpu.sh`.
pub fn start() -> Device {
    let device = std::env::var("LANISTA_TEST_DEVICE").map_or(Device::Cpu, |d| d.parse().expect("a device"));
    // Tests run side by side: one thread each is faster than all for all.
    Runtime::init(device, Some(1)).expect("the device is there");
    device
}

/// What is true of tensors of one kind, as the gradients of a loss are, in double precision.
///
/// What is zero but for rounding (the gradient of a bias before a batch norm) has no digits to compare: it counts as zero
/// if it is beside the greatest number of its kind, and then ours must be zero by the same measure.
pub struct Truth {
    greatest: f64,
}

impl Truth {
    /// Of so many true ones.
    pub fn of<'a>(truth: impl IntoIterator<Item = &'a Tensor>) -> Self {
        Self { greatest: truth.into_iter().map(greatest).fold(0.0, f64::max) }
    }

    /// How ours differs from the true one, unless it agrees.
    pub fn fault(&self, ours: &Tensor, truth: &Tensor, tolerance: f64) -> Option<String> {
        let zero = 1e-12 * self.greatest;
        if greatest(truth) <= zero {
            let ours = greatest(ours);
            return (ours.is_nan() || ours > zero).then(|| format!("is {ours:e} where it is zero"));
        }
        let gap = distance(ours, truth);
        (gap.is_nan() || gap >= tolerance).then(|| format!("differs by {gap:e}"))
    }
}

fn greatest(t: &Tensor) -> f64 {
    if t.numel() == 0 { 0.0 } else { t.abs().max().double_value(&[]) }
}

/// `max |a - b| / max |b|`
pub fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    if a.numel() == 0 {
        return 0.0;
    }
    let scale = b.abs().max().double_value(&[]);
    let gap = (a - b).abs().max().double_value(&[]);
    if gap == 0.0 { 0.0 } else { gap / scale }
}
