//! Plans: a network as one straight list of kernels over numbered values.
//!
//! * Values are numbered in the order in which they come to be: inputs and weights when they are first named, then each
//!   step's results. A step's operands have smaller numbers than its results.
//! * There is no control flow. An open choice is a [`Kernel::Mix`] over its candidates' results; which candidates a run
//!   uses is the run's business, and what only feeds the others is skipped. So each candidate is a region: the steps
//!   that reach an output through it alone.
//! * A gradient is a value like any other. Where a path was skipped, its gradients are absent, and a sum of gradients
//!   passes over what is absent.
//! * A value's memory is given up at its last use: [`Plan::frees`].

mod fuse;
mod kernel;
mod lower;
mod memory;
mod passes;
mod print;

pub(crate) use kernel::normalised;
pub use kernel::{Act, Fused, Grad, Kernel, Wanted};
pub use lower::{Lowering, MAX_WEIGHT_BYTES, PlanError};
pub use memory::Memory;

use ir::op::WeightSpec;
use ir::prim::{Prim, Var};
use ir::{Name, TensorType};
use smallvec::SmallVec;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The input of that number.
    Input(u32),
    /// The weight of that number.
    Weight(u32),
    /// The step of that number.
    Step(u32),
}

/// A value.
#[derive(Clone, Debug)]
pub struct Value {
    /// Its type.
    pub ty: TensorType,
    /// Where it comes from.
    pub source: Source,
}

/// A kernel with its operands and results.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is computed.
    pub kernel: Kernel,
    /// From what.
    pub operands: SmallVec<[Var; 3]>,
    /// The first result; further ones follow in number.
    pub first: Var,
    /// Number of results.
    pub outs: u32,
    /// The node that it came from, as a path; the backward pass keeps its forward node's.
    pub node: Name,
}

impl Step {
    /// Whether a result is never computed and only stands for its gradient.
    pub(crate) fn stands_for_gradient(&self, v: Var) -> bool {
        v == self.first && self.kernel.gives_nothing_first()
    }

    /// The results.
    pub fn results(&self) -> impl Iterator<Item = Var> + use<> {
        (self.first.0..self.first.0 + self.outs).map(Var)
    }
}

/// A weight of the network.
#[derive(Clone, Debug)]
pub struct Weight {
    /// Path of its node and its name there, joined by dots: `stage1.cell0.conv.weight`.
    pub path: Name,
    /// Shape, role and initialisation.
    pub spec: WeightSpec,
    /// Its value.
    pub var: Var,
}

/// What was left open at a [`Kernel::Mix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// A layer choice: one arm per candidate.
    Choice,
    /// An input choice: one arm per operand.
    Select(ir::Reduce),
    /// A repeat: one arm per depth.
    Repeat,
}

/// A place where a decision is open.
#[derive(Clone, Debug)]
pub struct Site {
    /// Path under which its arms have their weights: the node's, or one that it shares with others.
    pub path: Name,
    /// The decision's label; calls of one cell share it.
    pub label: Name,
    /// What is open.
    pub kind: SiteKind,
    /// What each arm is: the candidate, the operand's place, the depth.
    pub arms: Vec<Name>,
    /// The arm of each operand of the site's step, ascending. A candidate of zeros is no operand: it adds nothing, has no
    /// gradient, and is never made.
    pub joined: Vec<u32>,
    /// The gradient of the arms' weights, `[arms]`, if the plan computes it.
    pub grad: Option<Var>,
}

/// A network, perhaps with its backward pass, in the order of execution.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Every value.
    pub values: Vec<Value>,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Which of them belong to the forward pass: the first so many.
    pub forward: usize,
    /// The inputs.
    pub inputs: Vec<Var>,
    /// The results that are asked for.
    pub outputs: Vec<Var>,
    /// The weights, in the order of the network.
    pub weights: Vec<Weight>,
    /// The gradient of each weight, if the plan computes it.
    pub weight_grads: Vec<Option<Var>>,
    /// The gradient of each input, if the plan computes it.
    pub input_grads: Vec<Option<Var>>,
    /// Further gradients, in the order of [`Wrt::values`](crate::Wrt).
    pub value_grads: Vec<Option<Var>>,
    /// The open decisions.
    pub sites: Vec<Site>,
    /// What is no longer needed after each step.
    pub frees: Vec<SmallVec<[Var; 2]>>,
    /// The gradients that each step completes, and of which weights: what is to be copied before it is overwritten.
    pub stores: Vec<SmallVec<[(Var, u32); 1]>>,
    /// Whether a step may write its result over its first operand.
    pub in_place: Vec<bool>,
}

impl Plan {
    /// A plan of weights alone, by path: what holds those of many plans.
    #[must_use]
    pub fn of_weights(weights: impl IntoIterator<Item = (Name, WeightSpec)>) -> Self {
        let mut plan = Self::default();
        for (i, (path, spec)) in weights.into_iter().enumerate() {
            let ty = TensorType::new(ir::DType::F32, spec.shape.iter().map(|d| (*d).into()));
            plan.values.push(Value { ty, source: Source::Weight(i as u32) });
            plan.weights.push(Weight { path, spec, var: Var(i as u32) });
            plan.weight_grads.push(None);
        }
        plan
    }

    /// The type of a value.
    #[must_use]
    pub fn type_of(&self, v: Var) -> &TensorType {
        &self.values[v.index()].ty
    }

    /// Everything that a run computes for its own sake: outputs and gradients.
    pub fn wanted(&self) -> impl Iterator<Item = Var> + '_ {
        self.kept().chain(self.weight_grads.iter().filter_map(|g| *g))
    }

    /// What a run must leave in memory: all that is wanted, but for the gradients of weights, which it copies.
    pub fn kept(&self) -> impl Iterator<Item = Var> + '_ {
        let grads = self.input_grads.iter().chain(&self.value_grads).filter_map(|g| *g);
        self.outputs.iter().copied().chain(grads).chain(self.sites.iter().filter_map(|s| s.grad))
    }

    /// Whether a value is zeros in every run.
    pub(crate) fn is_zero(&self, v: Var) -> bool {
        let Source::Step(s) = self.values[v.index()].source else { return false };
        matches!(&self.steps[s as usize].kernel, Kernel::Prim(Prim::Full { value, .. }) if value.get() == 0.0)
    }
}
