//! What the proxies share: a classifier lowered, its layers, and a plan that is ready to run.

use super::ZeroCostError;
use codegen::init::{Scheme, initialise_by};
use codegen::torch::{Device, Executor, Layout, Params, Run};
use codegen::{Kernel, Lowering, Plan, Source};
use ir::prim::{Axes, Emit, Fold, Mode, Prim, Var};
use ir::value::Real;
use ir::{DType, Program, TensorType};
use std::sync::Arc;
use tch::Kind;

/// The sizes of an image classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classifier {
    /// Channels, height and width of an image.
    pub image: [u32; 3],
    /// Number of classes.
    pub classes: u32,
}

impl Classifier {
    /// Those of a network that takes `f32[N, C, H, W]` and gives `f32[N, classes]` first.
    ///
    /// # Errors
    /// If it is no image classifier.
    pub fn of(program: &Program) -> Result<Self, ZeroCostError> {
        let main = program.main();
        let refuse = |what: String| Err(ZeroCostError::NoClassifier(what));
        let known = |ty: &TensorType| -> Option<Vec<u32>> {
            let (batch, rest) = ty.shape.split_first()?;
            let whole = batch.is_batch() && batch.per_example() == 1 && ty.dtype.is_float();
            rest.iter().map(|d| d.known()).collect::<Option<Vec<u32>>>().filter(|_| whole)
        };
        let [input] = main.inputs[..] else {
            return refuse(format!("takes {} inputs", main.inputs.len()));
        };
        let taken = &main.types[input as usize];
        let Some([c, h, w]) = known(taken).and_then(|sizes| <[u32; 3]>::try_from(sizes).ok()) else {
            return refuse(format!("takes {taken}"));
        };
        let Some(first) = main.outputs.first().map(|v| &main.types[*v as usize]) else {
            return refuse("gives nothing".to_owned());
        };
        match known(first).as_deref() {
            Some([classes]) if *classes > 0 => Ok(Self { image: [c, h, w], classes: *classes }),
            _ => refuse(format!("gives {first}")),
        }
    }

    /// The sizes of a batch of images.
    #[must_use]
    pub fn sizes(&self, n: usize) -> [i64; 4] {
        let [c, h, w] = self.image.map(i64::from);
        [n as i64, c, h, w]
    }
}

/// A convolution or linear layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    /// The number of its weight.
    pub weight: usize,
    /// Its result.
    pub out: Var,
    /// The axis of the result that holds its channels.
    pub axis: i64,
}

/// A network on its way to a plan.
#[derive(Debug)]
pub(super) struct Network {
    pub lowering: Lowering,
    pub logits: Var,
}

impl Network {
    /// Lowers a classifier in training mode.
    pub fn of(program: &Program) -> Result<Self, ZeroCostError> {
        let lowering = Lowering::of(program, Mode::Train)?;
        if let Some(site) = lowering.plan().sites.first() {
            let (sites, first) = (lowering.plan().sites.len(), site.path.to_string());
            return Err(ZeroCostError::Open { sites, first });
        }
        let logits = *lowering.outputs().first().expect("invariant: a classifier has an output");
        Ok(Self { lowering, logits })
    }

    /// Its convolutions and linear layers. A weight that several calls share makes a layer of each.
    pub fn layers(&self) -> Vec<Layer> {
        let plan = self.lowering.plan();
        let layer = |step: &codegen::Step| {
            let rank = plan.type_of(step.first).rank() as i64;
            let axis = match &step.kernel {
                Kernel::Prim(Prim::Conv2d { .. }) => 1,
                Kernel::Prim(Prim::Linear) => rank - 1,
                _ => return None,
            };
            match plan.values[step.operands[1].index()].source {
                Source::Weight(w) => Some(Layer { weight: w as usize, out: step.first, axis }),
                _ => None,
            }
        };
        plan.steps.iter().filter_map(layer).collect()
    }

    /// The weights of its convolutions and linear layers, each once.
    pub fn matrices(&self) -> Vec<usize> {
        let mut weights: Vec<usize> = self.layers().iter().map(|l| l.weight).collect();
        weights.sort_unstable();
        weights.dedup();
        weights
    }

    /// The cross-entropy with labels, which become the second input.
    pub fn cross_entropy(&mut self) -> Result<Var, ZeroCostError> {
        let n = self.lowering.type_of(self.logits).shape[0];
        let labels = self.lowering.input(TensorType::new(DType::I64, [n]));
        let loss = Prim::CrossEntropy { smoothing: Real::new(0.0) };
        Ok(self.lowering.prim(loss, &[self.logits, labels])?)
    }

    /// The sum of all logits.
    pub fn sum(&mut self) -> Result<Var, ZeroCostError> {
        let axes: Axes = (0..2).collect();
        Ok(self.lowering.prim(Prim::Reduce { fold: Fold::Sum, axes, keep: false }, &[self.logits])?)
    }
}

/// A plan with its weights.
#[derive(Debug)]
pub(super) struct Ready {
    pub exec: Executor,
    pub params: Params,
}

impl Ready {
    pub fn new(plan: Plan, scheme: Scheme, seed: u64, kind: Kind) -> Result<Self, ZeroCostError> {
        let weights = initialise_by(&plan, scheme, seed);
        let params = Params::new(&plan, &weights, Device::Cpu, kind)?;
        let exec = Executor::new(Arc::new(plan), Device::Cpu, kind, Layout::ChannelsLast);
        Ok(Self { exec, params })
    }
}

/// A run in which no path is dropped: the networks are scored as they stand.
pub(super) fn run(seed: u64) -> Run<'static> {
    Run { seed, drop_path: 0.0, ..Run::default() }
}
