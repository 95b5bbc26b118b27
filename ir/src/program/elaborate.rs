//! The elaborator: from a module and decisions to a program, collecting every fault.

use super::{Action, Decide, Instance, InstanceId, Program, Step, ValueId};
use crate::eval::{Env, member_name};
use crate::expr::{DecisionRef, Expr};
use crate::fault::{Fault, Faults, What, list};
use crate::graph::{Body, Callee, Candidate, Graph, Reduce};
use crate::module::Module;
use crate::op::{Add, Concat, Identity, Op, Pair, Types, Zero};
use crate::ty::TensorType;
use crate::value::{Name, Value};
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// Nodes in all instances together, beyond which an input is taken for a mistake.
const MAX_STEPS: usize = 1 << 20;
const MAX_DEPTH: i64 = 4096;

type Args = SmallVec<[i64; 3]>;
type TypeList = SmallVec<[TensorType; 2]>;

/// How a module is elaborated.
#[derive(Clone, Copy)]
pub struct Elaboration<'a> {
    module: &'a Module,
    decide: &'a dyn Decide,
    open: bool,
}

struct Scope<'a> {
    params: &'a [Name],
    args: &'a [i64],
    /// The loop variable of a repeat.
    index: Option<(&'a Name, i64)>,
    run: &'a Elaboration<'a>,
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
        self.run.decide.value(label, index).or_else(|| {
            let domain = &self.run.module.decision(label).filter(|_| self.run.open)?.domain;
            let values = (0..domain.size()?.min(1 << 16)).filter_map(|i| domain.value(crate::Pick::index(i)));
            values.filter(|v| v.as_f64().is_some()).max_by(|a, b| a.as_f64().partial_cmp(&b.as_f64()).expect("finite"))
        })
    }
}

struct Elaborator<'a> {
    run: &'a Elaboration<'a>,
    instances: Vec<Instance>,
    memo: FxHashMap<(Name, Args, TypeList), Option<InstanceId>>,
    stack: Vec<Name>,
    faults: Vec<Fault>,
    steps: usize,
}

impl<'a> Elaboration<'a> {
    /// Elaborates with every decision made by `decide`; one without a value is a fault.
    #[must_use]
    pub fn new(module: &'a Module, decide: &'a dyn Decide) -> Self {
        Self { module, decide, open: false }
    }

    /// Elaborates the supernet: choices, selects and repeats without a value stay open, and numbers without one are the
    /// greatest of their domains.
    #[must_use]
    pub fn supernet(module: &'a Module, decide: &'a dyn Decide) -> Self {
        Self { module, decide, open: true }
    }

    /// Runs it.
    ///
    /// # Errors
    /// Everything that is wrong, with graph, arguments and node.
    pub fn run(&self) -> Result<Program, Faults> {
        let mut e = Elaborator {
            run: self,
            instances: Vec::new(),
            memo: FxHashMap::default(),
            stack: Vec::new(),
            faults: Vec::new(),
            steps: 0,
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
        match entry {
            Some(entry) if e.faults.is_empty() => Ok(Program { instances: e.instances, entry }),
            _ => Err(Faults(e.faults)),
        }
    }
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
    /// The instance of a graph for these arguments and input types; `None` if it is faulty.
    fn instance(&mut self, graph: &Arc<Graph>, args: Args, types: TypeList) -> Option<InstanceId> {
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
        let n = graph.len();
        self.steps += n;
        if self.steps > MAX_STEPS {
            if self.faults.is_empty() {
                self.faults.push(What::TooLarge(MAX_STEPS).into_fault());
            }
            return None;
        }
        let mut types: Vec<TensorType> = Vec::with_capacity(n);
        let mut steps: Vec<Step> = Vec::with_capacity(n);
        // The first value and number of values of each node; `None` while it is faulty.
        let bound = graph.order.iter().map(|i| i.index() + 1).max().unwrap_or(0);
        let mut values: Vec<Option<(ValueId, u32)>> = vec![None; bound];
        for &i in &graph.order {
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
            for port in graph.ports(i) {
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
                self.body(&node.body, &mut operands.clone(), &x, &scope).map(|(action, types, kept)| {
                    operands = kept;
                    (action, types)
                })
            };
            let (action, outs) = match made {
                Ok(made) => made,
                Err(Trouble::Here(what)) => {
                    self.faults.push(fault(*what));
                    continue;
                }
                Err(Trouble::Below) => continue,
            };
            if let Some(stated) = &node.declared
                && stated[..] != outs[..]
            {
                self.faults.push(fault(What::Declared { stated: list(stated), inferred: list(&outs) }));
                continue;
            }
            let first = types.len() as ValueId;
            values[i.index()] = Some((first, outs.len() as u32));
            steps.push(Step { node: i, action, operands, first, outs: outs.len() as u32 });
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
        let inputs = graph.inputs.iter().filter_map(|i| values[i.index()].map(|(first, _)| first)).collect();
        Some(Instance { graph: graph.clone(), args: args.clone(), steps, types, inputs, outputs })
    }

    /// The action of a node, its output types and the operands that it keeps.
    fn body(
        &mut self,
        body: &Body,
        operands: &mut SmallVec<[ValueId; 2]>,
        x: &[&TensorType],
        scope: &Scope<'_>,
    ) -> Result<(Action, Types, SmallVec<[ValueId; 2]>), Trouble> {
        match body {
            Body::Input => unreachable!("invariant: inputs are handled by the caller"),
            Body::Op(op) => {
                let op = op.instantiate(scope).map_err(What::Op)?;
                let types = op.infer(x).map_err(What::Op)?;
                Ok((Action::Op(op), types, std::mem::take(operands)))
            }
            Body::Call(callee) => {
                let (id, types) = self.call(callee, x, scope)?;
                Ok((Action::Call(id), types, std::mem::take(operands)))
            }
            Body::Choice { decision, candidates } => {
                let (action, types) = self.choice(decision, candidates, x, scope)?;
                Ok((action, types, std::mem::take(operands)))
            }
            Body::Select { decision, reduce } => self.select(decision, *reduce, operands, x, scope),
            Body::Repeat { depth, index, callee } => {
                let (action, types) = self.repeat(depth, index.as_ref(), callee, x, scope)?;
                Ok((action, types, std::mem::take(operands)))
            }
        }
    }

    fn call(&mut self, callee: &Callee, x: &[&TensorType], scope: &Scope<'_>) -> Result<(InstanceId, Types), Trouble> {
        let module = self.run.module;
        let graph = module.graph(&callee.graph).ok_or_else(|| unknown_graph(module, &callee.graph))?;
        let arity = |of, expected: usize, found: usize| {
            let fits = expected == found;
            let graph = graph.name.clone();
            if fits { Ok(()) } else { Err(What::CallArity { graph, of, expected, found }) }
        };
        arity("parameters", graph.params.len(), callee.args.len())?;
        arity("inputs", graph.inputs.len(), x.len())?;
        let args = callee.args.iter().map(|a| a.eval_int(scope)).collect::<Result<Args, _>>().map_err(What::Eval)?;
        let id = self.instance(graph, args, x.iter().map(|t| (*t).clone()).collect()).ok_or(Trouble::Below)?;
        let instance = &self.instances[id];
        Ok((id, instance.types_of(&instance.outputs).into_iter().cloned().collect()))
    }

    fn candidate(&mut self, c: &Candidate, x: &[&TensorType], scope: &Scope<'_>) -> Result<(Action, Types), Trouble> {
        match c {
            Candidate::Op(op) => {
                let op = op.instantiate(scope).map_err(What::Op)?;
                let types = op.infer(x).map_err(What::Op)?;
                Ok((Action::Op(op), types))
            }
            Candidate::Call(callee) => self.call(callee, x, scope).map(|(id, types)| (Action::Call(id), types)),
        }
    }

    /// The value of a node's decision; `None` if it stays open.
    fn decided(&self, decision: &DecisionRef, scope: &Scope<'_>) -> Result<(String, Option<Value>), Trouble> {
        let (label, index) = decision.resolve(scope).map_err(What::Eval)?;
        let value = self.run.decide.value(&label, index);
        let name = member_name(&label, index);
        if value.is_none() && !self.run.open {
            return Err(What::Eval(crate::eval::EvalError::OpenDecision(name)).into());
        }
        Ok((name, value))
    }

    fn choice(
        &mut self,
        decision: &DecisionRef,
        candidates: &[(Name, Candidate)],
        x: &[&TensorType],
        scope: &Scope<'_>,
    ) -> Result<(Action, Types), Trouble> {
        let (label, value) = self.decided(decision, scope)?;
        if let Some(value) = value {
            let chosen = candidates.iter().find(|(name, _)| is_label(&value, name));
            let names = || candidates.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(", ");
            let (_, chosen) =
                chosen.ok_or_else(|| What::NoCandidate { value: value.to_string(), candidates: names() })?;
            return self.candidate(chosen, x, scope);
        }
        let mut made: Vec<(Name, Action)> = Vec::with_capacity(candidates.len());
        let mut common: Option<Types> = None;
        for (name, c) in candidates {
            let (action, types) = self.candidate(c, x, scope)?;
            match &common {
                Some(first) if *first != types => {
                    return Err(Trouble::Here(Box::new(What::Unequal {
                        first: format!("`{}`", candidates[0].0),
                        first_types: list(first),
                        second: format!("`{name}`"),
                        second_types: list(&types),
                    })));
                }
                Some(_) => {}
                None => common = Some(types),
            }
            made.push((name.clone(), action));
        }
        let types = common.ok_or_else(|| What::Decision("a choice needs at least one candidate".into()))?;
        Ok((Action::Choice(label.into(), made), types))
    }

    fn select(
        &mut self,
        decision: &DecisionRef,
        reduce: Reduce,
        operands: &[ValueId],
        x: &[&TensorType],
        scope: &Scope<'_>,
    ) -> Result<(Action, Types, SmallVec<[ValueId; 2]>), Trouble> {
        let (label, value) = self.decided(decision, scope)?;
        let Some(value) = value else {
            // Open: any subset must give the same type, so all operands must have one, and concatenation is impossible
            // unless the number of chosen inputs is fixed.
            let types = self.open_select(decision, reduce, x)?;
            return Ok((Action::Select(label.into(), reduce), types, operands.into()));
        };
        let chosen = chosen_inputs(&value, x.len()).map_err(What::Decision)?;
        let op = reduce_op(reduce, chosen.len()).map_err(What::Decision)?;
        let kept = if chosen.is_empty() { vec![0] } else { chosen };
        let kept_types: SmallVec<[&TensorType; 4]> = kept.iter().map(|i| x[*i]).collect();
        let types = op.infer(&kept_types).map_err(What::Op)?;
        Ok((Action::Op(op), types, kept.into_iter().map(|i| operands[i]).collect()))
    }

    fn open_select(&self, decision: &DecisionRef, reduce: Reduce, x: &[&TensorType]) -> Result<Types, Trouble> {
        if let Some(i) = (1..x.len()).find(|i| x[*i] != x[0]) {
            return Err(Trouble::Here(Box::new(What::Unequal {
                first: "operand 0".into(),
                first_types: x[0].to_string(),
                second: format!("operand {i}"),
                second_types: x[i].to_string(),
            })));
        }
        let size = match self.run.module.decision(&decision.label).map(|d| &d.domain) {
            Some(crate::Domain::Subset { min, max, .. }) if min == max => Some(*min as usize),
            Some(crate::Domain::Subset { .. }) => None,
            _ => Some(1),
        };
        match (reduce, size) {
            (Reduce::Sum | Reduce::Mean, _) if !x.is_empty() => Ok(smallvec![x[0].clone()]),
            (Reduce::Concat, Some(k)) if k > 0 => {
                let parts: Vec<&TensorType> = std::iter::repeat_n(x[0], k).collect();
                let op = reduce_op(reduce, k).map_err(What::Decision)?;
                Ok(op.infer(&parts).map_err(What::Op)?)
            }
            _ => Err(What::Decision(format!(
                "an open `select {decision}` cannot concatenate a varying number of inputs"
            ))
            .into()),
        }
    }

    fn repeat(
        &mut self,
        depth: &Expr,
        index: Option<&Name>,
        callee: &Callee,
        x: &[&TensorType],
        scope: &Scope<'_>,
    ) -> Result<(Action, Types), Trouble> {
        let depths = self.depths(depth, scope)?;
        let deepest = *depths.last().expect("invariant: a repeat has at least one depth");
        let mut threaded: Vec<TensorType> = x.iter().map(|t| (*t).clone()).collect();
        if threaded.is_empty() {
            return Err(What::Decision("a repeat needs at least one operand".into()).into());
        }
        let mut calls = Vec::with_capacity(deepest as usize);
        let mut after = vec![threaded[0].clone()];
        // A depth of 0 still elaborates the block once, to see that it keeps the type.
        for i in 0..deepest.max(1) {
            let inner = Scope { index: index.map(|n| (n, i64::from(i))), ..*scope };
            let types: Vec<&TensorType> = threaded.iter().collect();
            let (id, mut outs) = self.call(callee, &types, &inner)?;
            if outs.len() != 1 {
                return Err(repeat_fault(depths[0], callee, &after[0], &outs));
            }
            threaded[0] = outs.swap_remove(0);
            after.push(threaded[0].clone());
            calls.push(id);
        }
        calls.truncate(deepest as usize);
        let last = &after[after.len() - 1];
        if let Some(d) = depths.iter().find(|d| after[**d as usize] != *last) {
            return Err(repeat_fault(*d, callee, &after[*d as usize], std::slice::from_ref(last)));
        }
        let types = smallvec![last.clone()];
        if depths.len() > 1 { Ok((Action::Repeat { depths, calls }, types)) } else { Ok((Action::Chain(calls), types)) }
    }

    /// The possible depths of a repeat: one if it is decided, else one per value of the single decision that it names.
    fn depths(&self, depth: &Expr, scope: &Scope<'_>) -> Result<Vec<u32>, Trouble> {
        let check = |d: i64| {
            if (0..=MAX_DEPTH).contains(&d) { Ok(d as u32) } else { Err(Trouble::from(What::Depth(d))) }
        };
        let mut open = Vec::new();
        for d in depth.decisions() {
            if let (name, None) = self.decided(d, scope)? {
                open.push((d, name));
            }
        }
        let [(decision, name)] = &open[..] else {
            if open.is_empty() {
                return Ok(vec![check(depth.eval_int(scope).map_err(What::Eval)?)?]);
            }
            return Err(What::Decision(format!(
                "an open depth may depend on one decision, but `{depth}` names several"
            ))
            .into());
        };
        let (label, _) = decision.resolve(scope).map_err(What::Eval)?;
        let domain = self.run.module.decision(&label).map(|d| &d.domain);
        let size = domain.and_then(crate::Domain::size).filter(|n| *n <= 4096);
        let (Some(domain), Some(size)) = (domain, size) else {
            return Err(
                What::Decision(format!("the depth's decision `?{name}` must have a small discrete domain")).into()
            );
        };
        let mut depths = Vec::new();
        for value in (0..size).filter_map(|i| domain.value(crate::Pick::index(i))) {
            let literal = depth.rewrite(&|e| match e {
                Expr::Decision(d) if d == *decision => Some(Expr::literal(value.clone())),
                _ => None,
            });
            depths.push(check(literal.eval_int(scope).map_err(What::Eval)?)?);
        }
        depths.sort_unstable();
        depths.dedup();
        Ok(depths)
    }
}

fn repeat_fault(depth: u32, callee: &Callee, before: &TensorType, after: &[TensorType]) -> Trouble {
    Trouble::from(What::RepeatType {
        depth: i64::from(depth),
        block: callee.graph.clone(),
        before: before.clone(),
        after: list(after),
    })
}

/// Whether a decision's value names this candidate: labels by text, numbers as they print.
pub(crate) fn is_label(value: &Value, name: &str) -> bool {
    match value {
        Value::Str(s) => s == name,
        other => other.to_string() == name,
    }
}

/// The operands that a select's value stands for.
pub(crate) fn chosen_inputs(value: &Value, operands: usize) -> Result<Vec<usize>, String> {
    let one = |v: &Value| match v.as_int() {
        Some(i) if i >= 0 && (i as usize) < operands => Ok(i as usize),
        _ => Err(format!("`{v}` is not the number of one of its {operands} operands")),
    };
    match value {
        Value::List(items) => items.iter().map(one).collect(),
        v => Ok(vec![one(v)?]),
    }
}

/// The op that reduces `k` chosen inputs to one value. A sum of nothing is zero, in the shape of the first operand.
pub(crate) fn reduce_op(reduce: Reduce, k: usize) -> Result<Op, String> {
    match (reduce, k) {
        (Reduce::Sum | Reduce::Mean, 0) => Ok(Zero { stride: Pair::both(1), out: None }.into()),
        (Reduce::Concat, 0) => Err("nothing was chosen to concatenate; let at least one input be chosen".into()),
        (_, 1) => Ok(Identity {}.into()),
        (Reduce::Sum, _) => Ok(Add { mean: false }.into()),
        (Reduce::Mean, _) => Ok(Add { mean: true }.into()),
        (Reduce::Concat, _) => Ok(Concat { axis: 1 }.into()),
    }
}

/// A fault of this node, or one below it that is recorded already.
enum Trouble {
    Here(Box<What>),
    Below,
}

impl From<What> for Trouble {
    fn from(what: What) -> Self {
        Self::Here(Box::new(what))
    }
}
