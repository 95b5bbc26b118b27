//! Resolving a module: every decision made, every choice, select and repeat replaced by plain nodes.
//!
//! Graphs stay shared and parametric where they can. Only a graph that indexes a decision family by a parameter is
//! specialised, once per list of arguments. What no output needs any more is dropped.

use crate::builder::{GraphBuilder, GraphError};
use crate::eval::{Env, EvalError};
use crate::expr::{DecisionRef, Expr};
use crate::fault::What;
use crate::graph::{Body, Callee, Candidate, Graph, Node, Val};
use crate::module::Module;
use crate::op::OpError;
use crate::program::{
    Decide, MAX_DEPTH, MAX_NODES, Need, Slots, Uses, chosen_inputs, is_label, kept_inputs, reduce_op,
};
use crate::text::literal_in;
use crate::value::{Name, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cell::Cell;

/// Why a module cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// An expression without a value.
    #[error("@{graph}: %{node}: {source}")]
    Eval {
        /// The graph.
        graph: Name,
        /// The node.
        node: Name,
        /// Why.
        source: EvalError,
    },
    /// An attribute of the wrong kind.
    #[error("@{graph}: %{node}: {source}")]
    Op {
        /// The graph.
        graph: Name,
        /// The node.
        node: Name,
        /// Why.
        source: OpError,
    },
    /// A value that is no candidate, a choice of inputs that does not fit, a depth out of range, an unknown graph.
    #[error("@{graph}: %{node}: {text}")]
    Value {
        /// The graph.
        graph: Name,
        /// The node.
        node: Name,
        /// What is wrong.
        text: String,
    },
    /// The plain nodes make no graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Module {
    /// The module with every decision made, and without what no output needs. One without decisions only loses the graphs
    /// that its entry does not reach; its graphs are shared.
    ///
    /// # Errors
    /// If a decision has no value, or one that does not fit its use.
    pub fn resolve(&self, decide: &dyn Decide) -> Result<Self, ResolveError> {
        if self.decisions.is_empty() && self.constraints.is_empty() {
            let reached = self.reached();
            let mut plain = self.clone();
            plain.graphs.retain(|g| reached.contains(&g.name));
            return Ok(plain);
        }
        let mut run = Resolver {
            module: self,
            decide,
            special: specialised(self),
            done: FxHashMap::default(),
            names: self.graphs.iter().map(|g| g.name.clone()).collect(),
            nodes: 0,
            out: Self::new(&self.name, &self.entry),
        };
        if let Some(entry) = self.graph(&self.entry) {
            run.graph(entry, &[])?;
        }
        // Callees were finished before their callers; keep the order of the source, copies after their originals.
        let place = |name: &Name| self.graphs.iter().position(|g| g.name == *name);
        let origin: FxHashMap<Name, usize> =
            run.done.iter().filter_map(|((from, _), to)| Some((to.clone(), place(from)?))).collect();
        run.out.graphs.sort_by_key(|g| (origin.get(&g.name).copied(), g.name.clone()));
        Ok(run.out)
    }
}

/// The graphs that must be copied per list of arguments: those that index a family by a parameter or a loop variable,
/// and those that call one.
pub(crate) fn specialised(module: &Module) -> FxHashSet<Name> {
    let mut out = FxHashSet::default();
    let indexes = |g: &Graph| {
        let found = Cell::new(false);
        let mark = |x: bool| found.set(found.get() | x);
        for n in g.nodes() {
            let look = |d: &DecisionRef| {
                mark(d.index.as_ref().is_some_and(|i| i.constant(&[]).and_then(|v| v.as_int()).is_none()));
            };
            if let Body::Choice { decision, .. } | Body::Select { decision, .. } = &n.body {
                look(decision);
            }
            crate::verify::each_expr(&n.body, &mut |x| x.decisions().into_iter().for_each(look));
        }
        found.get()
    };
    out.extend(module.graphs.iter().filter(|g| indexes(g)).map(|g| g.name.clone()));
    loop {
        let before = out.len();
        for g in &module.graphs {
            if g.nodes().any(|n| n.body.callees().iter().any(|c| out.contains(&c.graph))) {
                out.insert(g.name.clone());
            }
        }
        if out.len() == before {
            return out;
        }
    }
}

struct Resolver<'a> {
    module: &'a Module,
    decide: &'a dyn Decide,
    special: FxHashSet<Name>,
    /// From graph and arguments (none where it stays parametric) to its resolved name.
    done: FxHashMap<(Name, SmallVec<[i64; 3]>), Name>,
    names: FxHashSet<Name>,
    /// Nodes that were written so far.
    nodes: u64,
    out: Module,
}

/// What is known while a graph is resolved.
struct Known<'a> {
    decide: &'a dyn Decide,
    /// The parameters that stay.
    params: &'a [Name],
    /// Parameters that are replaced by numbers: all of a specialised graph, and a loop variable.
    values: Vec<(Name, i64)>,
    graph: &'a Name,
    node: &'a Name,
}

impl Env for Known<'_> {
    fn param(&self, name: &str) -> Option<i64> {
        self.values.iter().rev().find(|(n, _)| n == name).map(|(_, v)| *v)
    }
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        self.decide.value(label, index)
    }
}

impl Known<'_> {
    fn eval_error(&self, source: EvalError) -> ResolveError {
        ResolveError::Eval { graph: self.graph.clone(), node: self.node.clone(), source }
    }

    fn wrong(&self, text: impl Into<String>) -> ResolveError {
        ResolveError::Value { graph: self.graph.clone(), node: self.node.clone(), text: text.into() }
    }

    fn value(&self, d: &DecisionRef) -> Result<Value, ResolveError> {
        Expr::Decision(d.clone()).eval(self).map_err(|e| self.eval_error(e))
    }

    /// The expression with decisions and replaced parameters substituted, and folded if nothing else is left.
    fn substitute(&self, x: &Expr) -> Result<Expr, ResolveError> {
        for d in x.decisions() {
            self.value(d)?;
        }
        Ok(x.rewrite(&|e| self.literal(e)).folded(self.params))
    }

    fn literal(&self, e: &Expr) -> Option<Expr> {
        match e {
            Expr::Decision(_) => e.eval(self).ok().map(|v| literal_in(&v, self.params)),
            Expr::Ident(name) => self.param(name).map(Expr::int),
            _ => None,
        }
    }
}

impl Uses for Known<'_> {
    fn selected(&self, decision: &DecisionRef, operands: usize) -> Option<Slots> {
        kept_inputs(&Expr::Decision(decision.clone()).eval(self).ok()?, operands).ok()
    }

    fn depth(&self, depth: &Expr) -> Option<i64> {
        depth.eval_int(self).ok()
    }
}

impl Resolver<'_> {
    fn graph(&mut self, graph: &Graph, args: &[i64]) -> Result<Name, ResolveError> {
        let special = self.special.contains(&graph.name) && !graph.params.is_empty();
        let key = (graph.name.clone(), if special { args.into() } else { SmallVec::new() });
        if let Some(name) = self.done.get(&key) {
            return Ok(name.clone());
        }
        let name = if special { self.fresh(&graph.name, args) } else { graph.name.clone() };
        self.done.insert(key, name.clone());
        let params: &[Name] = if special { &[] } else { &graph.params };
        let values: Vec<(Name, i64)> =
            if special { graph.params.iter().cloned().zip(args.iter().copied()).collect() } else { Vec::new() };
        let mut plan = Plan { nodes: Vec::new(), alias: FxHashMap::default() };
        let known_at = |node| Known { decide: self.decide, params, values: values.clone(), graph: &graph.name, node };
        let need = Need::of(graph, &known_at(&graph.name), false);
        for &i in graph.order.iter().filter(|i| need.contains(graph, **i)) {
            let node = &graph.net[i];
            let known = known_at(&node.name);
            self.write(1, &known)?;
            let operands: Vec<Val> = graph.ports(i).iter().map(|p| plan.find(graph.val(*p))).collect();
            match &node.body {
                Body::Select { decision, reduce } => {
                    let value = known.value(decision)?;
                    let chosen = chosen_inputs(&value, operands.len()).map_err(|t| known.wrong(t))?;
                    let op = reduce_op(*reduce, chosen.len()).map_err(|t| known.wrong(t))?;
                    if let [one] = chosen[..] {
                        plan.alias.insert(node.name.clone(), operands[one].clone());
                        continue;
                    }
                    let kept = kept_inputs(&value, operands.len()).map_err(|t| known.wrong(t))?;
                    let kept = kept.into_iter().map(|i| operands[i].clone()).collect();
                    plan.push(node, Body::Op(op.into()), kept);
                }
                Body::Repeat { depth, index, callee } => {
                    let Some(first) = operands.first() else {
                        return Err(known.wrong("a repeat needs at least one operand"));
                    };
                    match self.repeat(depth, index.as_ref(), callee, &known)? {
                        Repeated::Kept(body) => plan.push(node, body, operands),
                        Repeated::Calls(calls) => {
                            let mut last = first.clone();
                            for (j, call) in calls.into_iter().enumerate() {
                                let name = Name::new(format!("{}/{j}", node.name));
                                let mut x = operands.clone();
                                x[0] = last;
                                let weights = node.weights.as_ref().map(|w| Name::new(format!("{w}/{j}")));
                                let call = Node { name: name.clone(), body: Body::Call(call), declared: None, weights };
                                plan.nodes.push((call, x));
                                last = Val { node: name, out: 0 };
                            }
                            plan.alias.insert(node.name.clone(), last);
                        }
                    }
                }
                body => {
                    let body = self.plain(body, &known)?;
                    plan.push(node, body, operands);
                }
            }
        }
        let outputs: Vec<Val> = graph.outputs().map(|v| plan.find(v)).collect();
        let resolved = plan.finish(&name, params, outputs)?;
        // Its name is new.
        self.out.graphs.push(resolved.into());
        Ok(name)
    }

    /// Counts nodes that are written: copies per list of arguments may be as many as all calls written out.
    fn write(&mut self, nodes: u64, known: &Known<'_>) -> Result<(), ResolveError> {
        self.nodes += nodes;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        Err(known.wrong(What::TooLarge { count: self.nodes, limit: MAX_NODES }.to_string()))
    }

    /// A repeat stays one, unless its calls differ in more than arguments, or there are none.
    fn repeat(
        &mut self,
        depth: &Expr,
        index: Option<&Name>,
        callee: &Callee,
        known: &Known<'_>,
    ) -> Result<Repeated, ResolveError> {
        let depth = known.substitute(depth)?;
        let number = depth.constant(known.params).and_then(|v| v.as_int());
        if depth.constant(known.params).is_some() && !number.is_some_and(|d| (0..=MAX_DEPTH).contains(&d)) {
            let text = format!("a repeat's depth is a whole number from 0 to {MAX_DEPTH}, not {depth}");
            return Err(known.wrong(text));
        }
        let unrolled = self.special.contains(&callee.graph);
        match number {
            Some(0) => Ok(Repeated::Calls(Vec::new())),
            Some(depth) if unrolled => {
                self.write(depth as u64, known)?;
                let call = |j: i64| {
                    let values = known.values.iter().cloned().chain(index.map(|n| (n.clone(), j))).collect();
                    self.callee(callee, &Known { values, ..*known })
                };
                Ok(Repeated::Calls((0..depth).map(call).collect::<Result<_, _>>()?))
            }
            _ => {
                // Inside the arguments the number of the call is one more parameter, and hides one of its name.
                let params: Vec<Name> = known.params.iter().chain(index).cloned().collect();
                let values = known.values.iter().filter(|(n, _)| Some(n) != index).cloned().collect();
                let callee = self.callee(callee, &Known { values, params: &params, ..*known })?;
                Ok(Repeated::Kept(Body::Repeat { depth, index: index.cloned(), callee }))
            }
        }
    }

    /// A name for the copy of a graph for some arguments.
    fn fresh(&mut self, graph: &Name, args: &[i64]) -> Name {
        let mut name = args.iter().fold(graph.to_string(), |n, a| format!("{n}_{a}").replace('-', "m"));
        while self.names.contains(name.as_str()) {
            name.push('_');
        }
        let name = Name::new(name);
        self.names.insert(name.clone());
        name
    }

    fn callee(&mut self, callee: &Callee, known: &Known<'_>) -> Result<Callee, ResolveError> {
        let args = callee.args.iter().map(|a| known.substitute(a)).collect::<Result<SmallVec<[Expr; 3]>, _>>()?;
        let module = self.module;
        let Some(graph) = module.graph(&callee.graph) else {
            return Err(known.wrong(crate::program::unknown_graph(module, &callee.graph).to_string()));
        };
        if !self.special.contains(&graph.name) || graph.params.is_empty() {
            self.graph(graph, &[])?;
            return Ok(Callee { graph: callee.graph.clone(), args });
        }
        let numbers = args.iter().map(|a| a.eval_int(known)).collect::<Result<Vec<_>, _>>();
        let name = self.graph(graph, &numbers.map_err(|e| known.eval_error(e))?)?;
        Ok(Callee { graph: name, args: SmallVec::new() })
    }

    fn candidate(&mut self, c: &Candidate, known: &Known<'_>) -> Result<Body, ResolveError> {
        match c {
            Candidate::Call(callee) => Ok(Body::Call(self.callee(callee, known)?)),
            Candidate::Op(op) => {
                for (_, x) in &op.attrs() {
                    known.substitute(x)?;
                }
                let op = op.rewrite(known.params, &|e| known.literal(e)).map_err(|source| ResolveError::Op {
                    graph: known.graph.clone(),
                    node: known.node.clone(),
                    source,
                })?;
                Ok(Body::Op(op))
            }
        }
    }

    fn plain(&mut self, body: &Body, known: &Known<'_>) -> Result<Body, ResolveError> {
        match body {
            Body::Op(op @ crate::OpTemplate::Fixed(_)) => Ok(Body::Op(op.clone())),
            Body::Op(op) => self.candidate(&Candidate::Op(op.clone()), known),
            Body::Call(callee) => Ok(Body::Call(self.callee(callee, known)?)),
            Body::Choice { decision, candidates } => {
                let value = known.value(decision)?;
                let chosen = candidates.iter().find(|(name, _)| is_label(&value, name));
                let (_, chosen) = chosen.ok_or_else(|| {
                    let names: Vec<&str> = candidates.iter().map(|(n, _)| n.as_str()).collect();
                    known.wrong(format!("{decision} = {value} is no candidate; there are {}", names.join(", ")))
                })?;
                self.candidate(chosen, known)
            }
            other => Ok(other.clone()),
        }
    }
}

enum Repeated {
    Kept(Body),
    Calls(Vec<Callee>),
}

struct Plan {
    nodes: Vec<(Node, Vec<Val>)>,
    alias: FxHashMap<Name, Val>,
}

impl Plan {
    /// A node with another body and other operands.
    fn push(&mut self, node: &Node, body: Body, operands: Vec<Val>) {
        self.nodes.push((Node { body, ..node.clone() }, operands));
    }

    fn find(&self, val: Val) -> Val {
        match self.alias.get(&val.node) {
            Some(target) => target.clone(),
            None => val,
        }
    }

    /// Builds the graph from the nodes that an output needs, and all inputs.
    fn finish(self, name: &Name, params: &[Name], outputs: Vec<Val>) -> Result<Graph, GraphError> {
        let mut needed: FxHashSet<Name> = outputs.iter().map(|v| v.node.clone()).collect();
        for (node, operands) in self.nodes.iter().rev() {
            if needed.contains(&node.name) || node.body == Body::Input {
                needed.extend(operands.iter().map(|v| v.node.clone()));
            }
        }
        let mut b = GraphBuilder::new(name, params);
        for (node, operands) in self.nodes {
            if needed.contains(&node.name) || node.body == Body::Input {
                let val = b.declared(node.name, node.body, operands, node.declared);
                if let Some(weights) = node.weights {
                    b.tie(&val, weights);
                }
            }
        }
        outputs.into_iter().for_each(|v| b.output(v));
        b.finish()
    }
}
