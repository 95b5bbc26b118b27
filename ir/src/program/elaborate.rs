//! The elaborator: from a module and decisions to a program, collecting every fault.

use super::body::Trouble;
use super::need::{Need, Slots, Uses};
use super::select::kept_inputs;
use super::{Action, Decide, Instance, InstanceId, Program, Step, ValueId};
use crate::eval::Env;
use crate::expr::{DecisionRef, Expr};
use crate::fault::{Fault, Faults, What, list};
use crate::graph::{Body, Graph, Node};
use crate::module::Module;
use crate::ty::TensorType;
use crate::value::{Name, Value};
use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::{SmallVec, smallvec};
use std::cell::Cell;
use std::sync::Arc;

/// Most nodes of a network whose calls are written out, every candidate of an open choice and every call of a repeat
/// counted: hashing, flattening, lowering and export write them out. A call counts as a node too.
pub(crate) const MAX_NODES: u64 = 1 << 20;
/// Most calls that stand inside one another.
pub(crate) const MAX_CALLS: usize = 64;

pub(super) type Args = SmallVec<[i64; 3]>;
type TypeList = SmallVec<[TensorType; 2]>;

/// How a module is elaborated.
#[derive(Clone, Copy)]
pub struct Elaboration<'a> {
    pub(super) module: &'a Module,
    pub(super) decide: &'a dyn Decide,
    pub(super) open: bool,
    pub(super) everything: bool,
    /// Where the nodes that were looked at are added up.
    meter: Option<&'a Cell<u64>>,
}

/// Where a node's expressions find their values.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    params: &'a [Name],
    args: &'a [i64],
    /// The loop variable of a repeat.
    index: Option<(&'a Name, i64)>,
    run: &'a Elaboration<'a>,
}

impl<'a> Scope<'a> {
    /// The scope of the arguments of a repeat's call `i`.
    pub fn repetition(&self, index: Option<&'a Name>, i: u32) -> Self {
        Self { index: index.map(|n| (n, i64::from(i))), ..*self }
    }
}

impl Env for Scope<'_> {
    fn param(&self, name: &str) -> Option<i64> {
        if let Some((index, value)) = self.index
            && index == name
        {
            return Some(value);
        }
        self.params.iter().position(|p| p == name).and_then(|i| self.args.get(i)).copied()
    }

    /// In an open elaboration a number that nobody chose is the greatest of its domain: a supernet holds the widest.
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let widest = || self.run.module.decision(label).filter(|_| self.run.open)?.domain.greatest();
        self.run.decide.value(label, index).or_else(widest)
    }
}

impl Uses for Scope<'_> {
    fn selected(&self, decision: &DecisionRef, operands: usize) -> Option<Slots> {
        let (label, index) = decision.resolve(self).ok()?;
        kept_inputs(&self.run.decide.value(&label, index)?, operands).ok()
    }

    fn depth(&self, depth: &Expr) -> Option<i64> {
        for d in depth.decisions() {
            let (label, index) = d.resolve(self).ok()?;
            self.run.decide.value(&label, index)?;
        }
        depth.eval_int(self).ok()
    }
}

pub(super) struct Elaborator<'a> {
    pub run: &'a Elaboration<'a>,
    pub instances: Vec<Instance>,
    memo: FxHashMap<(Name, Args, TypeList), Option<InstanceId>>,
    stack: Vec<Name>,
    faults: Vec<Fault>,
    /// Nodes of each instance with its calls written out.
    written: Vec<u64>,
    /// Nodes that were looked at.
    steps: u64,
    /// Whether something was elaborated that no output needs.
    pub loose: bool,
}

impl<'a> Elaboration<'a> {
    /// Elaborates with every decision made by `decide`; one without a value is a fault.
    #[must_use]
    pub fn new(module: &'a Module, decide: &'a dyn Decide) -> Self {
        Self { module, decide, open: false, everything: false, meter: None }
    }

    /// Elaborates the supernet: choices, selects and repeats without a value stay open, and numbers without one are the
    /// greatest of their domains.
    #[must_use]
    pub fn supernet(module: &'a Module, decide: &'a dyn Decide) -> Self {
        Self { module, decide, open: true, everything: false, meter: None }
    }

    /// Also elaborates nodes that nothing uses, and the block of a repeat of depth 0: for a verifier.
    #[must_use]
    pub(crate) fn everything(mut self) -> Self {
        self.everything = true;
        self
    }

    /// Adds the nodes that it looks at to a counter.
    #[must_use]
    pub(crate) fn metered(mut self, meter: &'a Cell<u64>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Runs it. What no output needs is left out, and its decisions are not asked for.
    ///
    /// # Errors
    /// Everything that is wrong, with graph, arguments and node.
    pub fn run(&self) -> Result<Program, Faults> {
        self.run_all().map(|(program, _)| program)
    }

    /// The program, and whether it holds something that no output needs.
    pub(crate) fn run_all(&self) -> Result<(Program, bool), Faults> {
        let mut e = Elaborator {
            run: self,
            instances: Vec::with_capacity(32),
            memo: FxHashMap::with_capacity_and_hasher(32, FxBuildHasher),
            stack: Vec::new(),
            faults: Vec::new(),
            written: Vec::with_capacity(32),
            steps: 0,
            loose: false,
        };
        let entry = match self.module.graph(&self.module.entry) {
            None => {
                e.faults.push(unknown_graph(self.module, &self.module.entry).into_fault());
                None
            }
            Some(graph) => {
                let types: Option<TypeList> =
                    graph.inputs().map(|n| n.declared.as_ref().and_then(|d| d.first()).cloned()).collect();
                match types {
                    Some(types) => e.instance(graph, Args::new(), types),
                    None => {
                        let untyped = graph.inputs().find(|n| n.declared.is_none());
                        let mut fault = What::UntypedInput.into_fault();
                        fault.graph = Some(graph.name.clone());
                        fault.node = untyped.map(|n| n.name.clone());
                        e.faults.push(fault);
                        None
                    }
                }
            }
        };
        if let Some(meter) = self.meter {
            meter.set(meter.get() + e.steps);
        }
        match entry {
            Some(entry) if e.faults.is_empty() => Ok((Program { instances: e.instances, entry }, e.loose)),
            _ => Err(Faults(e.faults)),
        }
    }
}

/// The first of the steps so far whose weights are those of this node; `holders` has it by the weights' name.
fn tied(
    graph: &Graph,
    node: &Node,
    action: &Action,
    operands: &[ValueId],
    (steps, types): (&[Step], &[TensorType]),
    holders: &mut FxHashMap<Name, usize>,
) -> Result<Option<usize>, What> {
    let of =
        |operands: &[ValueId]| operands.iter().map(|v| &types[*v as usize]).collect::<SmallVec<[&TensorType; 4]>>();
    let x = of(operands);
    if !action.has_weights(&x) {
        return Ok(None);
    }
    let name = node.weights_name();
    let at = *holders.entry(name.clone()).or_insert(steps.len());
    if at == steps.len() {
        return Ok(None);
    }
    let (first, y) = (&steps[at], of(&steps[at].operands));
    let dtype = |x: &[&TensorType]| x.first().map(|t| t.dtype);
    // Weights take their element type from the first operand, and what is called depends on all of them.
    let fits = match (action, &first.action) {
        (Action::Op(a), Action::Op(b)) => a == b && a.weights(&x) == b.weights(&y) && dtype(&x) == dtype(&y),
        (a, b) => a == b && x == y,
    };
    if fits {
        return Ok(Some(at));
    }
    let told = |x: &[&TensorType]| x.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let other = &graph.net[first.node];
    Err(What::Tied {
        weights: name.clone(),
        takes: told(&x),
        other: other.name.clone(),
        does: other.body.title(),
        other_takes: told(&y),
    })
}

impl What {
    pub(crate) fn into_fault(self) -> Fault {
        Fault { graph: None, args: Vec::new(), node: None, op: None, under: None, what: self }
    }
}

pub(crate) fn unknown_graph(module: &Module, name: &Name) -> What {
    let known = module.graphs.iter().map(|g| g.name.as_str());
    What::UnknownGraph { name: name.clone(), nearest: crate::text::nearest(name, known) }
}

impl Elaborator<'_> {
    /// Nodes of a step with its calls written out.
    fn size(&self, action: &Action) -> u64 {
        let call = |id: &InstanceId| self.written[*id].saturating_add(1);
        match action {
            Action::Input | Action::Op(_) | Action::Select(..) => 1,
            Action::Call(id) => call(id),
            Action::Chain(calls) | Action::Repeat { calls, .. } => calls.iter().map(call).fold(1, u64::saturating_add),
            Action::Choice(_, candidates) => candidates.iter().map(|(_, c)| self.size(c)).fold(1, u64::saturating_add),
        }
    }

    /// The instance of a graph for these arguments and input types; `None` if it is faulty.
    pub fn instance(&mut self, graph: &Arc<Graph>, args: Args, types: TypeList) -> Option<InstanceId> {
        let key = (graph.name.clone(), args, types);
        if let Some(done) = self.memo.get(&key) {
            return *done;
        }
        let (_, args, types) = &key;
        if let Some(start) = self.stack.iter().position(|n| *n == graph.name) {
            let mut circle = self.stack[start..].to_vec();
            circle.push(graph.name.clone());
            self.faults.push(What::Recursion(circle).into_fault());
            return None;
        }
        self.stack.push(graph.name.clone());
        let built = self.build(graph, args, types);
        self.stack.pop();
        let id = built.map(|instance| {
            self.instances.push(instance);
            self.instances.len() - 1
        });
        self.memo.insert(key, id);
        id
    }

    fn build(&mut self, graph: &Arc<Graph>, args: &Args, input_types: &TypeList) -> Option<Instance> {
        let before = self.faults.len();
        let scope = Scope { params: &graph.params, args, index: None, run: self.run };
        let need = Need::of(graph, &scope, self.run.everything);
        self.loose |= need.loose;
        let n = graph.len();
        self.steps += n as u64;
        if self.steps > MAX_NODES {
            // Each instance is written out at least once, but where there are faults.
            if self.faults.is_empty() {
                let mut fault = What::TooLarge { count: self.steps, limit: MAX_NODES }.into_fault();
                fault.graph = Some(graph.name.clone());
                self.faults.push(fault);
            }
            return None;
        }
        let mut written: u64 = 0;
        let mut holders = FxHashMap::default();
        let shares = graph.net.node_weights().any(|n| n.weights.is_some());
        let mut types: Vec<TensorType> = Vec::with_capacity(n);
        let mut steps: Vec<Step> = Vec::with_capacity(n);
        // The first value and number of values of each node; `None` while it is faulty.
        let bound = graph.order.iter().map(|i| i.index() + 1).max().unwrap_or(0);
        let mut values: Vec<Option<(ValueId, u32)>> = vec![None; bound];
        for &i in graph.order.iter().filter(|i| need.contains(graph, **i)) {
            let node = &graph.net[i];
            let fault = |what: What| Fault {
                graph: Some(graph.name.clone()),
                args: graph.params.iter().cloned().zip(args.iter().copied()).collect(),
                node: Some(node.name.clone()),
                op: (node.body != Body::Input).then(|| node.body.title()),
                under: None,
                what,
            };
            let mut operands: SmallVec<[ValueId; 2]> = SmallVec::new();
            let mut poisoned = false;
            let ports = graph.ports(i);
            let kept = need.kept(i);
            for slot in 0..kept.map_or(ports.len(), SmallVec::len) {
                let port = ports[kept.map_or(slot, |k| k[slot])];
                match values[port.node.index()] {
                    None => poisoned = true,
                    Some((first, outs)) if u32::from(port.out) < outs => operands.push(first + u32::from(port.out)),
                    Some((_, outs)) => {
                        poisoned = true;
                        let producer = graph.net[port.node].name.clone();
                        self.faults.push(fault(What::NoSuchOutput { producer, out: port.out, has: outs as usize }));
                    }
                }
            }
            if poisoned {
                continue;
            }
            let made = if node.body == Body::Input {
                let slot = graph.inputs.iter().position(|x| *x == i).expect("invariant: inputs lists every input");
                match input_types.get(slot) {
                    Some(ty) => Ok((Action::Input, smallvec![ty.clone()])),
                    None => continue,
                }
            } else {
                let x: SmallVec<[&TensorType; 4]> = operands.iter().map(|v| &types[*v as usize]).collect();
                self.body(&node.body, ports.len(), &x, &scope)
            };
            let (action, outs) = match made {
                Ok(made) => made,
                Err(Trouble::Here(what)) => {
                    self.faults.push(fault(*what));
                    continue;
                }
                Err(Trouble::Below) => continue,
            };
            written = written.saturating_add(self.size(&action));
            if written > MAX_NODES {
                self.faults.push(fault(What::TooLarge { count: written, limit: MAX_NODES }));
                return None;
            }
            if let Some(stated) = &node.declared
                && stated[..] != outs[..]
            {
                self.faults.push(fault(What::Declared { stated: list(stated), inferred: list(&outs) }));
                continue;
            }
            let tied = match shares {
                true => tied(graph, node, &action, &operands, (&steps, &types), &mut holders),
                false => Ok(None),
            };
            let tied = match tied {
                Ok(tied) => tied,
                Err(what) => {
                    self.faults.push(fault(what));
                    continue;
                }
            };
            let first = types.len() as ValueId;
            values[i.index()] = Some((first, outs.len() as u32));
            steps.push(Step { node: i, action, operands, first, outs: outs.len() as u32, tied });
            types.extend(outs);
        }
        let mut outputs = SmallVec::new();
        for port in &graph.outputs {
            match values[port.node.index()] {
                Some((first, outs)) if u32::from(port.out) < outs => outputs.push(first + u32::from(port.out)),
                Some((_, outs)) => {
                    let producer = graph.net[port.node].name.clone();
                    let mut f = What::NoSuchOutput { producer, out: port.out, has: outs as usize }.into_fault();
                    f.graph = Some(graph.name.clone());
                    self.faults.push(f);
                }
                None => {}
            }
        }
        if self.faults.len() > before || outputs.len() != graph.outputs.len() {
            return None;
        }
        self.written.push(written);
        let inputs = graph.inputs.iter().filter_map(|i| values[i.index()].map(|(first, _)| first)).collect();
        Some(Instance { graph: graph.clone(), args: args.clone(), steps, types, inputs, outputs })
    }
}
