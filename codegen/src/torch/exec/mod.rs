//! The executor: a plan's steps, one after another, on tensors.

mod fused;
mod grad;
mod mix;
mod prim;
mod select;

pub use select::{Pick, Selection};

use super::{Device, Params, ffi};
use crate::init::stream;
use crate::plan::{Kernel, Plan, Source, Step};
use ir::prim::Var;
use ir::{DType, TensorType};
use smallvec::SmallVec;
use std::sync::Arc;
use tch::{Kind, TchError, Tensor};

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// Libtorch refuses a step.
    #[error("node `{node}` ({kernel}): {source}")]
    Step {
        /// Path of the node.
        node: String,
        /// The kernel.
        kernel: String,
        /// What libtorch says.
        source: TchError,
    },
    /// Libtorch refuses something else.
    #[error(transparent)]
    Torch(#[from] TchError),
    /// An input that the plan does not take.
    #[error("input {place} is {found:?}, the graph takes {expected}")]
    Input {
        /// Which input, from 0.
        place: usize,
        /// What it takes.
        expected: TensorType,
        /// What it got.
        found: Vec<i64>,
    },
    /// A wrong number of inputs.
    #[error("the graph takes {expected} inputs, got {found}")]
    Inputs {
        /// How many it takes.
        expected: usize,
        /// How many it got.
        found: usize,
    },
    /// Weights of another graph.
    #[error("{0}")]
    Weights(String),
    /// A value that the selection of paths skips was asked for.
    #[error("{0} was not computed: the selected paths skip it")]
    Absent(String),
    /// A selection that does not fit the plan.
    #[error("site `{site}` has {arms} arms; the selection asks for {asked}")]
    Selection {
        /// Path of the site.
        site: String,
        /// How many arms it has.
        arms: usize,
        /// What was asked for.
        asked: String,
    },
}

/// How images lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Layout {
    /// Channel by channel.
    Contiguous,
    /// Pixel by pixel: what convolutions on the CPU and on tensor cores like.
    #[default]
    ChannelsLast,
}

/// Runs one plan.
#[derive(Clone, Debug)]
pub struct Executor {
    plan: Arc<Plan>,
    device: Device,
    kind: Kind,
    layout: Layout,
}

/// What a run needs besides weights and inputs.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Seed of what is random; the same seed gives the same masks.
    pub seed: u64,
    /// Number of the run under that seed, the training step.
    pub step: u64,
    /// Factor of the probability of drop path, which DARTS raises from epoch to epoch.
    pub drop_path: f64,
    /// Which paths of a supernet are taken; all of them unless told.
    pub selection: Option<&'a Selection>,
}

impl Default for Run<'_> {
    fn default() -> Self {
        Self { seed: 0, step: 0, drop_path: 1.0, selection: None }
    }
}

/// What a run leaves. Gradients of weights lie in the parameters' buffer.
#[derive(Debug)]
pub struct Outcome {
    /// The plan's outputs.
    pub outputs: Vec<Tensor>,
    /// Gradients of the inputs that the plan computes.
    pub input_grads: Vec<Option<Tensor>>,
    /// Further gradients that the plan computes.
    pub value_grads: Vec<Option<Tensor>>,
    /// Gradients of the arms' weights by site.
    pub site_grads: Vec<Option<Tensor>>,
}

/// A tensor per value, while a run lasts.
pub(super) type Values = Vec<Option<Tensor>>;

/// The state of one run.
pub(super) struct Frame<'a> {
    pub exec: &'a Executor,
    pub run: &'a Run<'a>,
    /// The batch size.
    pub batch: i64,
    pub values: Values,
    /// Whether libtorch records the run: then nothing is overwritten.
    recorded: bool,
}

impl Executor {
    /// An executor for a plan.
    #[must_use]
    pub fn new(plan: Arc<Plan>, device: Device, kind: Kind, layout: Layout) -> Self {
        Self { plan, device, kind, layout }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// The precision of floating-point values.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Runs the plan. Gradients of weights overwrite those in `params`; a weight that no taken path uses gets zeros, and so does
    /// what is left of a greater one.
    ///
    /// # Errors
    /// If the inputs do not fit, or libtorch refuses a step; the error names the node.
    pub fn run(&self, params: &mut Params, inputs: &[Tensor], run: &Run<'_>) -> Result<Outcome, ExecError> {
        let _guard = tch::no_grad_guard();
        let skips = !self.plan.sites.is_empty() || params.is_partial();
        if skips && self.plan.weight_grads.iter().any(Option::is_some) {
            params.zero_grad()?;
        }
        let active = match run.selection {
            Some(selection) => Some(selection.active(&self.plan)?),
            None => None,
        };
        let mut frame = self.frame(params, inputs, run)?;
        for (i, step) in self.plan.steps.iter().enumerate() {
            let idle = active.as_ref().is_some_and(|a| i < self.plan.forward && !a[i]);
            if !idle && frame.has_operands(step) {
                let results = frame.step(i, step).map_err(|source| ExecError::Step {
                    node: step.node.to_string(),
                    kernel: step.kernel.to_string(),
                    source,
                })?;
                step.results().zip(results).for_each(|(v, t)| frame.values[v.index()] = t);
                for (v, w) in &self.plan.stores[i] {
                    if let Some(t) = &frame.values[v.index()] {
                        let grad = params.grad_of(*w as usize).expect("invariant: a learned weight has a gradient");
                        grad.shallow_clone().f_copy_(t)?;
                    }
                }
            }
            for v in &self.plan.frees[i] {
                frame.values[v.index()] = None;
            }
        }
        frame.outcome()
    }

    /// Runs the forward pass so that libtorch records it, and returns the outputs: for derivatives of derivatives. The
    /// inputs and weights that require gradients are the caller's.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn differentiable(
        &self,
        weights: &[Tensor],
        inputs: &[Tensor],
        run: &Run<'_>,
    ) -> Result<Vec<Tensor>, ExecError> {
        let mut frame = self.frame_of(|w| weights[w].shallow_clone(), inputs, run)?;
        frame.recorded = true;
        for (i, step) in self.plan.steps[..self.plan.forward].iter().enumerate() {
            let results = frame.step(i, step).map_err(|source| ExecError::Step {
                node: step.node.to_string(),
                kernel: step.kernel.to_string(),
                source,
            })?;
            step.results().zip(results).for_each(|(v, t)| frame.values[v.index()] = t);
        }
        Ok(frame.outcome()?.outputs)
    }

    fn frame<'a>(&'a self, params: &Params, inputs: &[Tensor], run: &'a Run<'a>) -> Result<Frame<'a>, ExecError> {
        self.frame_of(|w| params.get(w).shallow_clone(), inputs, run)
    }

    fn frame_of<'a>(
        &'a self,
        weight: impl Fn(usize) -> Tensor,
        inputs: &[Tensor],
        run: &'a Run<'a>,
    ) -> Result<Frame<'a>, ExecError> {
        let batch = self.check_inputs(inputs)?;
        let mut values: Values = Vec::with_capacity(self.plan.values.len());
        for value in &self.plan.values {
            values.push(match value.source {
                Source::Input(i) => Some(self.place(&inputs[i as usize], &value.ty)?),
                Source::Weight(w) => Some(weight(w as usize)),
                Source::Step(_) => None,
            });
        }
        Ok(Frame { exec: self, run, batch, values, recorded: false })
    }

    /// Checks shapes and returns the batch size.
    fn check_inputs(&self, inputs: &[Tensor]) -> Result<i64, ExecError> {
        if inputs.len() != self.plan.inputs.len() {
            return Err(ExecError::Inputs { expected: self.plan.inputs.len(), found: inputs.len() });
        }
        let mut batch = None;
        for (place, (t, v)) in inputs.iter().zip(&self.plan.inputs).enumerate() {
            let (ty, size) = (self.plan.type_of(*v), t.size());
            let fits = |(d, s): (&ir::Dim, &i64)| match d.known() {
                Some(n) => i64::from(n) == *s,
                None => {
                    let factor = d.per_example() as i64;
                    s % factor == 0 && *batch.get_or_insert(s / factor) == s / factor
                }
            };
            if size.len() != ty.rank() || !ty.shape.iter().zip(&size).all(fits) {
                return Err(ExecError::Input { place, expected: ty.clone(), found: size });
            }
        }
        Ok(batch.unwrap_or(1))
    }

    /// The input where and as the run needs it.
    fn place(&self, t: &Tensor, ty: &TensorType) -> Result<Tensor, ExecError> {
        let t = t.f_to_device(self.device.into())?.f_to_kind(self.kind_of(ty.dtype))?;
        if ty.rank() == 4 && self.layout == Layout::ChannelsLast && !t.requires_grad() {
            return Ok(ffi::channels_last(&t)?);
        }
        Ok(t)
    }

    /// The element type of a value: floating-point ones have the run's precision.
    pub(super) fn kind_of(&self, dtype: DType) -> Kind {
        match dtype {
            d if d.is_float() => self.kind,
            DType::I32 => Kind::Int,
            DType::U8 => Kind::Uint8,
            DType::Bool => Kind::Bool,
            _ => Kind::Int64,
        }
    }
}

impl Frame<'_> {
    fn has_operands(&self, step: &Step) -> bool {
        let present = |v: &Var| self.values[v.index()].is_some();
        match &step.kernel {
            // A site that is reached has the arms that it takes, or is zero.
            Kernel::Mix(_) | Kernel::Grad(crate::Grad::Weights { .. }) => true,
            Kernel::Sum => step.operands.iter().any(present),
            _ => step.operands.iter().all(present),
        }
    }

    pub fn get(&self, v: Var) -> &Tensor {
        self.values[v.index()].as_ref().expect("invariant: operands are present")
    }

    /// The sizes of a type for this batch.
    pub fn sizes(&self, ty: &TensorType) -> SmallVec<[i64; 4]> {
        ty.shape.iter().map(|d| d.per_example() as i64 * if d.is_batch() { self.batch } else { 1 }).collect()
    }

    /// Whether values of a type lie channels-last.
    fn is_channels_last(&self, ty: &TensorType) -> bool {
        ty.rank() == 4 && self.exec.layout == Layout::ChannelsLast
    }

    /// A constant, an image in the run's layout.
    pub fn filled(&self, ty: &TensorType, value: f64) -> Result<Tensor, TchError> {
        let (sizes, options) = (self.sizes(ty), (self.exec.kind_of(ty.dtype), self.exec.device.into()));
        match sizes[..] {
            [n, c, h, w] if self.is_channels_last(ty) => {
                Tensor::f_full([n, h, w, c], value, options)?.f_permute([0, 3, 1, 2])
            }
            _ => Tensor::f_full(&sizes[..], value, options),
        }
    }

    /// An image that was made otherwise, in the run's layout.
    fn laid(&self, ty: &TensorType, t: Tensor) -> Result<Tensor, TchError> {
        // The bridge's functions are not recorded.
        if self.is_channels_last(ty) && !self.recorded { ffi::channels_last(&t) } else { Ok(t) }
    }

    fn step(&mut self, i: usize, step: &Step) -> Result<SmallVec<[Option<Tensor>; 3]>, TchError> {
        if self.exec.plan.in_place[i]
            && !self.recorded
            && self.shape_stays(step)
            && let Some(t) = self.overwrite(step)?
        {
            return Ok([Some(t)].into_iter().collect());
        }
        match &step.kernel {
            Kernel::Prim(prim) => self.prim(prim, i, step),
            Kernel::Mix(site) => self.mix(*site, step),
            Kernel::Sum => self.sum(step),
            Kernel::Fused(fused) => self.fused(fused, step),
            Kernel::Grad(grad) => self.grad(grad, step),
        }
    }

    fn shape_stays(&self, step: &Step) -> bool {
        let sizes = self.sizes(self.exec.plan.type_of(step.first));
        self.values[step.operands[0].index()].as_ref().is_some_and(|t| t.size()[..] == sizes[..])
    }

    fn sum(&self, step: &Step) -> Result<SmallVec<[Option<Tensor>; 3]>, TchError> {
        let mut present = step.operands.iter().filter_map(|v| self.values[v.index()].as_ref());
        let first = present.next().expect("invariant: one operand at least is present");
        let total = match present.next() {
            Some(second) => first.f_add(second)?,
            None => first.shallow_clone(),
        };
        Ok([Some(total)].into_iter().collect())
    }

    fn outcome(mut self) -> Result<Outcome, ExecError> {
        let plan = self.exec.plan.clone();
        let of = |values: &Values, v: &Option<Var>| -> Option<Tensor> {
            v.and_then(|v| values[v.index()].as_ref().map(Tensor::shallow_clone))
        };
        let input_grads = plan.input_grads.iter().map(|v| of(&self.values, v)).collect();
        let value_grads = plan.value_grads.iter().map(|v| of(&self.values, v)).collect();
        let site_grads = plan.sites.iter().map(|s| of(&self.values, &s.grad)).collect();
        let outputs = plan.outputs.iter().map(|v| {
            let t = self.values[v.index()].as_ref().map(Tensor::shallow_clone);
            t.ok_or_else(|| ExecError::Absent(v.to_string()))
        });
        let outputs = outputs.collect::<Result<_, _>>()?;
        self.values.clear();
        Ok(Outcome { outputs, input_grads, value_grads, site_grads })
    }

    /// A mask's random stream: of the run's seed and number, and of the step's place in the plan.
    pub fn mask_stream(&self, step: usize) -> rand_chacha::ChaCha8Rng {
        stream(self.run.seed, &[b"mask", &self.run.step.to_le_bytes(), &(step as u64).to_le_bytes()])
    }
}
