//! Reverse-mode differentiation: a plan gains a backward pass made of kernels.
//!
//! * Only what leads from a wanted weight, input or value to the loss is differentiated.
//! * The gradients of a value that is used several times are summed two by two, in the order in which they come to be, so
//!   that each partial sum can be written over the one before.

mod fused;
mod rules;

use crate::plan::{Fused, Grad, Kernel, Lowering, Plan, PlanError, Source, Value};
use ir::TensorType;
use ir::prim::{Emit, Prim, Var};
use ir::value::Real;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// With respect to what a plan is differentiated.
#[derive(Clone, Debug, Default)]
pub struct Wrt {
    /// Whether the learned weights, all of them.
    pub weights: bool,
    /// Whether the inputs of floating-point type.
    pub inputs: bool,
    /// Whether the weights of the arms at open sites.
    pub sites: bool,
    /// Further values.
    pub values: Vec<Var>,
}

impl Wrt {
    /// The learned weights.
    #[must_use]
    pub fn weights() -> Self {
        Self { weights: true, ..Self::default() }
    }
}

/// Differentiation at work.
pub(crate) struct Tape {
    pub(crate) at: Lowering,
    /// Whether a value leads from something wanted.
    live: Vec<bool>,
    /// The gradient of each forward value so far.
    grads: Vec<Option<Var>>,
    sites: bool,
    /// Results of convolutions whose only gradient comes through a batch norm: its gradient, and the factors to apply.
    pub(crate) folded: FxHashMap<Var, [Var; 2]>,
}

impl Lowering {
    /// Adds the backward pass of a scalar.
    ///
    /// # Errors
    /// If `loss` is no scalar.
    pub fn differentiate(mut self, loss: Var, wrt: &Wrt) -> Result<Self, PlanError> {
        let ty = self.type_of(loss).clone();
        if ty.rank() != 0 || !ty.dtype.is_float() {
            return Err(PlanError::NoScalar(ty));
        }
        let forward = self.plan.steps.len();
        self.plan.forward = forward;
        let live = self.live(wrt);
        let seed = self.prim(Prim::Full { ty, value: Real::new(1.0) }, &[])?;
        let mut grads = vec![None; live.len()];
        grads[loss.index()] = Some(seed);
        let mut tape = Tape { at: self, live, grads, sites: wrt.sites, folded: FxHashMap::default() };
        for i in (0..forward).rev() {
            tape.backward(i)?;
        }
        Ok(tape.finish(wrt))
    }

    /// Whether each value depends on something that is wanted, and can have a gradient.
    fn live(&self, wrt: &Wrt) -> Vec<bool> {
        let mut live = vec![false; self.plan.values.len()];
        for (i, Value { ty, source }) in self.plan.values.iter().enumerate() {
            let wanted = match source {
                Source::Input(_) => wrt.inputs,
                Source::Weight(w) => wrt.weights && self.is_learned(*w),
                Source::Step(s) => {
                    let step = &self.plan.steps[*s as usize];
                    let mixes = wrt.sites && matches!(step.kernel, Kernel::Mix(_));
                    // What is kept for the backward pass only has no gradient. A fused batch norm's scale and shift stand
                    // for its result, also where the image that they scale needs no gradient.
                    let stats = matches!(step.kernel, Kernel::Fused(Fused::Stats { .. }));
                    let first = step.first.index() == i || stats;
                    first && (mixes || step.operands.iter().any(|v| live[v.index()]))
                }
            };
            live[i] = ty.dtype.is_float() && (wanted || wrt.values.contains(&Var(i as u32)));
        }
        live
    }

    /// The plan, its dead steps dropped and its memory scheduled.
    #[must_use]
    pub fn finish(self) -> Plan {
        let mut plan = self.plan;
        if plan.forward == 0 {
            plan.forward = plan.steps.len();
        }
        plan.drop_dead();
        plan.schedule();
        plan
    }
}

impl Tape {
    pub(crate) fn is_live(&self, v: Var) -> bool {
        self.live.get(v.index()).copied().unwrap_or(false)
    }

    pub(crate) fn type_of(&self, v: Var) -> TensorType {
        self.at.type_of(v).clone()
    }

    pub(crate) fn emit(&mut self, kernel: Kernel, operands: &[Var], ty: TensorType) -> Var {
        self.at.step(kernel, operands, [ty])
    }

    pub(crate) fn grad(&mut self, grad: Grad, operands: &[Var], ty: TensorType) -> Var {
        self.emit(Kernel::Grad(grad), operands, ty)
    }

    /// Adds to the gradient of a forward value, if it is wanted.
    pub(crate) fn add(&mut self, v: Var, g: Var) {
        if !self.is_live(v) {
            return;
        }
        self.grads[v.index()] = Some(match self.grads[v.index()] {
            None => g,
            Some(sum) => {
                let ty = self.type_of(v);
                self.emit(Kernel::Sum, &[sum, g], ty)
            }
        });
    }

    /// Adds to the gradient of a value that broadcasting may have stretched.
    pub(crate) fn add_to_shape(&mut self, v: Var, g: Var) {
        if !self.is_live(v) {
            return;
        }
        let (want, have) = (self.type_of(v), self.type_of(g));
        let g = if want.shape == have.shape { g } else { self.grad(Grad::SumTo { x: want.clone() }, &[g], want) };
        self.add(v, g);
    }

    fn backward(&mut self, i: usize) -> Result<(), PlanError> {
        let step = self.at.plan.steps[i].clone();
        self.at.node = step.node.clone();
        if let Kernel::Fused(fused) = &step.kernel {
            let g = self.grads[step.first.index()];
            self.fused_rule(fused, &step, g);
            return Ok(());
        }
        let Some(g) = self.grads[step.first.index()] else { return Ok(()) };
        match &step.kernel {
            Kernel::Prim(prim) => self.rule(prim, &step, g),
            Kernel::Mix(site) => {
                self.mix(*site, &step.operands, g);
                Ok(())
            }
            Kernel::Sum | Kernel::Grad(_) | Kernel::Fused(_) => {
                unreachable!("invariant: the forward pass holds no gradients")
            }
        }
    }

    fn mix(&mut self, site: u32, arms: &[Var], g: Var) {
        let mut weights: SmallVec<[Var; 8]> = SmallVec::new();
        let joined = self.at.plan.sites[site as usize].joined.clone();
        for (arm, x) in joined.into_iter().zip(arms) {
            if self.is_live(*x) {
                let ty = self.type_of(*x);
                let gx = self.grad(Grad::Arm { site, arm }, &[g], ty);
                self.add(*x, gx);
            }
            if self.sites {
                let scalar = self.type_of(g).with_shape([]);
                weights.push(self.grad(Grad::ArmWeight { site, arm }, &[g, *x], scalar));
            }
        }
        if self.sites {
            let arms = self.at.plan.sites[site as usize].arms.len() as u32;
            let ty = self.type_of(g).with_shape([arms.into()]);
            let row = self.grad(Grad::Weights { site }, &weights, ty.clone());
            let slot = self.at.plan.sites[site as usize].grad;
            let sum = slot.map_or(row, |known| self.emit(Kernel::Sum, &[known, row], ty));
            self.at.plan.sites[site as usize].grad = Some(sum);
        }
    }

    fn finish(mut self, wrt: &Wrt) -> Lowering {
        let plan = &mut self.at.plan;
        let of = |v: Var| self.grads.get(v.index()).copied().flatten();
        if wrt.weights {
            plan.weight_grads = plan.weights.iter().map(|w| of(w.var)).collect();
        }
        if wrt.inputs {
            plan.input_grads = plan.inputs.iter().map(|v| of(*v)).collect();
        }
        plan.value_grads = wrt.values.iter().map(|v| of(*v)).collect();
        self.at
    }
}
