//! How much memory a run takes.

use super::{Plan, Source};
use ir::{DType, TensorType};

/// Bytes of a run by what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Parameters and buffers.
    pub weights: u64,
    /// Gradients of the parameters.
    pub gradients: u64,
    /// Inputs, and the greatest sum of values that live at a time.
    pub activations: u64,
}

impl Memory {
    /// All of it.
    #[must_use]
    pub fn total(self) -> u64 {
        self.weights + self.gradients + self.activations
    }
}

fn width(dtype: DType, double: bool) -> u64 {
    match dtype {
        DType::Bool | DType::U8 => 1,
        DType::F16 | DType::BF16 => 2,
        DType::F32 if double => 8,
        DType::F32 | DType::I32 => 4,
        DType::F64 | DType::I64 => 8,
    }
}

fn bytes(ty: &TensorType, batch: u64, double: bool) -> u64 {
    let batches = ty.shape.iter().filter(|d| d.is_batch()).count() as u32;
    ty.numel().saturating_mul(batch.saturating_pow(batches)).saturating_mul(width(ty.dtype, double))
}

impl Plan {
    /// The planned peak for a batch of so many examples, in single or `double` precision. Every arm of every open site
    /// counts. What libtorch's kernels take for themselves while they run is not in it.
    #[must_use]
    pub fn memory(&self, batch: u64, double: bool) -> Memory {
        let size = |v: usize| {
            let value = &self.values[v];
            match value.source {
                Source::Step(s) if self.steps[s as usize].stands_for_gradient(ir::prim::Var(v as u32)) => 0,
                _ => bytes(&value.ty, batch, double),
            }
        };
        let of = |vars: &mut dyn Iterator<Item = ir::prim::Var>| vars.map(|v| size(v.index())).sum::<u64>();
        let weights = of(&mut self.weights.iter().map(|w| w.var));
        let gradients = of(&mut self.weight_grads.iter().filter_map(|g| *g));
        let mut now = of(&mut self.inputs.iter().copied());
        let mut peak = now;
        for (i, step) in self.steps.iter().enumerate() {
            let views = step.kernel.views(step.operands.len(), !self.sites.is_empty()) > 0;
            let fresh = |v: ir::prim::Var| if views || self.in_place[i] { 0 } else { size(v.index()) };
            now += step.results().map(fresh).sum::<u64>();
            peak = peak.max(now);
            for v in &self.frees[i] {
                // The memory of a view, or of what was written over, is given up with its source.
                let owns = match self.values[v.index()].source {
                    Source::Step(s) => {
                        let step = &self.steps[s as usize];
                        step.kernel.views(step.operands.len(), !self.sites.is_empty()) == 0
                    }
                    _ => true,
                };
                let overwritten = self.in_place[i] && step.operands[0] == *v;
                if owns && !overwritten {
                    now = now.saturating_sub(size(v.index()));
                }
            }
        }
        Memory { weights, gradients, activations: peak }
    }
}
