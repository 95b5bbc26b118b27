//! Programs: a module with its decisions made and all types inferred, ready to be counted, hashed or compiled.
//!
//! * Each distinct instantiation (graph, arguments, input types) is elaborated once and shared by its calls.
//! * A decided choice is its candidate, a decided select the chosen operands' sum, mean or concatenation, a decided
//!   repeat a chain of calls; what is left open stays a choice, select or repeat: the supernet.
//! * Steps of an instance whose weights have one name do the same; all but the first say that their weights are there.
//! * What no output needs is left out: a node without users, and under a decided select what only feeds the operands
//!   that it does not keep. An operand of a call counts as needed, whether the callee uses it or not.
//! * Written out, with every call in its place, a program has at most a million nodes (`MAX_NODES`): what writes it out
//!   (hashing, flattening, lowering, export) needs no bound of its own.
//! * Values are numbered densely inside an instance; operands come before users.

mod body;
mod elaborate;
mod flatten;
mod need;
mod replace;
mod select;

pub(crate) use body::MAX_DEPTH;
pub(crate) use elaborate::unknown_graph;
pub(crate) use need::{Need, Slots, Uses};
pub(crate) use select::{chosen_inputs, is_label, kept_inputs, reduce_op};

pub(crate) use elaborate::{MAX_CALLS, MAX_NODES};

pub use elaborate::Elaboration;
pub use flatten::FlattenError;
pub use replace::ReplaceError;

use crate::eval::Env;
use crate::graph::{Graph, Reduce};
use crate::op::Op;
use crate::ty::TensorType;
use crate::value::{Name, Value};
use petgraph::stable_graph::NodeIndex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// The number of an instance in [`Program::instances`].
pub type InstanceId = usize;

/// A value of an instance.
pub type ValueId = u32;

/// An elaborated module.
#[derive(Clone, Debug)]
pub struct Program {
    /// The instances, callees before callers.
    pub instances: Vec<Instance>,
    /// The network.
    pub entry: InstanceId,
}

/// One instantiation of a graph.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The graph.
    pub graph: Arc<Graph>,
    /// Its arguments.
    pub args: SmallVec<[i64; 3]>,
    /// The nodes, operands first.
    pub steps: Vec<Step>,
    /// The type of each value.
    pub types: Vec<TensorType>,
    /// The inputs' values.
    pub inputs: SmallVec<[ValueId; 2]>,
    /// The outputs' values.
    pub outputs: SmallVec<[ValueId; 1]>,
}

/// One node of an instance.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) node: NodeIndex,
    /// What it does.
    pub action: Action,
    /// Its operands.
    pub operands: SmallVec<[ValueId; 2]>,
    /// Its first value; a node's values are numbered in a row.
    pub first: ValueId,
    /// Number of its values.
    pub outs: u32,
    /// The earlier step of the instance that has the same weights, the first such.
    pub tied: Option<usize>,
}

/// What a node does, once elaborated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// An input of the graph.
    Input,
    /// An op.
    Op(Op),
    /// A call.
    Call(InstanceId),
    /// Calls in a row: each but the first takes its predecessor's output in place of the first operand.
    Chain(Vec<InstanceId>),
    /// An open layer choice: its decision's label and the candidates.
    Choice(Name, Vec<(Name, Action)>),
    /// An open input choice: its decision's label.
    Select(Name, Reduce),
    /// An open repeat: after how many of the calls in a row it may end.
    Repeat {
        /// Its decision's label.
        label: Name,
        /// The possible depths, ascending.
        depths: Vec<u32>,
        /// The calls up to the greatest depth.
        calls: Vec<InstanceId>,
    },
}

impl Action {
    /// Whether there are weights under its node's name, on operands of these types; a call is taken to have some.
    #[must_use]
    pub fn has_weights(&self, x: &[&TensorType]) -> bool {
        match self {
            Self::Op(op) => !op.weights(x).is_empty(),
            Self::Input | Self::Select(..) => false,
            Self::Chain(calls) => !calls.is_empty(),
            Self::Call(_) | Self::Choice(..) | Self::Repeat { .. } => true,
        }
    }
}

impl Instance {
    /// The name of a step's weights in the instance: its node's, unless that is tied to others.
    #[must_use]
    pub fn weights_name(&self, step: &Step) -> &Name {
        self.graph.petgraph()[step.node].weights_name()
    }

    /// The name of a step's node.
    #[must_use]
    pub fn name(&self, step: &Step) -> &Name {
        &self.graph.petgraph()[step.node].name
    }

    /// The types of some values.
    #[must_use]
    pub fn types_of(&self, values: &[ValueId]) -> SmallVec<[&TensorType; 4]> {
        values.iter().map(|v| &self.types[*v as usize]).collect()
    }

    /// The types of a step's outputs.
    #[must_use]
    pub fn results(&self, step: &Step) -> &[TensorType] {
        &self.types[step.first as usize..(step.first + step.outs) as usize]
    }
}

impl Program {
    /// The network's instance.
    #[must_use]
    pub fn main(&self) -> &Instance {
        &self.instances[self.entry]
    }

    /// How often each instance occurs when all calls are written out; every candidate of an open choice counts.
    /// Saturates instead of overflowing.
    #[must_use]
    pub fn multiplicities(&self) -> Vec<u64> {
        self.count(|_| true)
    }

    /// How often each instance occurs with weights of its own.
    #[must_use]
    pub fn weight_multiplicities(&self) -> Vec<u64> {
        self.count(|step| step.tied.is_none())
    }

    fn count(&self, counts_too: impl Fn(&Step) -> bool) -> Vec<u64> {
        fn add(counts: &mut [u64], action: &Action, times: u64) {
            match action {
                Action::Call(i) => counts[*i] = counts[*i].saturating_add(times),
                Action::Chain(calls) | Action::Repeat { calls, .. } => {
                    calls.iter().for_each(|i| counts[*i] = counts[*i].saturating_add(times));
                }
                Action::Choice(_, candidates) => candidates.iter().for_each(|(_, c)| add(counts, c, times)),
                Action::Input | Action::Op(_) | Action::Select(..) => {}
            }
        }
        let mut counts = vec![0; self.instances.len()];
        counts[self.entry] = 1;
        for i in (0..self.instances.len()).rev() {
            let times = counts[i];
            let steps = self.instances[i].steps.iter().filter(|s| counts_too(s));
            steps.for_each(|s| add(&mut counts, &s.action, times));
        }
        counts
    }
}

impl Program {
    /// The output types of a graph's nodes, if they are the same in each of its instantiations, or in each of those with
    /// these arguments.
    pub(crate) fn types_of_graph(&self, graph: &str, args: Option<&[i64]>) -> FxHashMap<Name, Option<Vec<TensorType>>> {
        let mut found: FxHashMap<Name, Option<Vec<TensorType>>> = FxHashMap::default();
        let meant = |i: &&Instance| i.graph.name() == graph && args.is_none_or(|args| i.args[..] == *args);
        for instance in self.instances.iter().filter(meant) {
            for step in &instance.steps {
                let types = instance.results(step);
                found
                    .entry(instance.name(step).clone())
                    .and_modify(|known| *known = known.take().filter(|k| k[..] == *types))
                    .or_insert_with(|| Some(types.to_vec()));
            }
        }
        found
    }
}

/// The decisions of a module as far as they are made: what the elaborator asks.
pub trait Decide {
    /// The value of a decision or a family's member; `None` leaves a choice, select or repeat open.
    fn value(&self, label: &str, index: Option<i64>) -> Option<Value>;
}

impl<F: Fn(&str, Option<i64>) -> Option<Value>> Decide for F {
    fn value(&self, label: &str, index: Option<i64>) -> Option<Value> {
        self(label, index)
    }
}

/// Decisions as an expression outside of any graph sees them.
pub(crate) struct Decided<'a>(pub &'a dyn Decide);

impl Env for Decided<'_> {
    fn param(&self, _: &str) -> Option<i64> {
        None
    }
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        self.0.value(label, index)
    }
}
