//! Which decisions play a part: a decision inside a candidate that was not chosen is inactive.
//!
//! A decision's guard is a disjunction of conjunctions of literals "decision d takes one of these values", one
//! conjunction for each place that uses it. It is read off the graphs without elaborating them: from the entry down
//! through calls, with one more literal for each candidate, selected operand and repetition on the way.

use crate::decision::{Domain, Pick};
use crate::eval::{Env, member_name};
use crate::expr::{DecisionRef, Expr};
use crate::graph::{Body, Callee, Candidate, Graph};
use crate::module::Module;
use crate::program::{MAX_CALLS, MAX_DEPTH, MAX_NODES, is_label, kept_inputs};
use crate::resolve::specialised;
use crate::value::{Name, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::sync::Arc;

/// A condition on one decision: its pick is one of these ranks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Literal {
    /// The decision by label, `op[3]` for a family's member.
    pub decision: Name,
    /// The ranks that fulfil it, ascending.
    pub ranks: Vec<u64>,
}

/// When a decision plays a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Whatever else is chosen.
    Always,
    /// If all literals of one of these conjunctions hold; never, if there is none.
    AnyOf(Vec<Vec<Literal>>),
}

/// Guards beyond this many conjunctions are given up: the decision counts as always active.
const MAX_CONJUNCTIONS: usize = 256;
const MAX_RANKS: u64 = 4096;
/// Arguments and indices that take more values together than this are given up: all members of families are active.
const MAX_CASES: u64 = 4096;

/// The guard of each decision that the module's graphs reach, by label, in order of first use.
#[must_use]
pub fn guards(module: &Module) -> Vec<(Name, Guard)> {
    let mut walk = Walk {
        module,
        indexing: specialised(module),
        found: Vec::new(),
        place: FxHashMap::default(),
        seen: FxHashSet::default(),
        depth: 0,
        given_up: false,
        nodes: 0,
    };
    for c in &module.constraints {
        walk.mention(c, &Params::default(), &Vec::new());
    }
    if let Some(entry) = module.graph(&module.entry) {
        walk.graph(entry, &[], &Vec::new());
    }
    if walk.nodes > MAX_NODES {
        // What was not walked may use any decision anywhere.
        walk.found.iter_mut().for_each(|(_, guard)| *guard = Guard::Always);
        walk.given_up = true;
    }
    if walk.given_up {
        for d in &module.decisions {
            for i in 0..d.family.unwrap_or(0) {
                walk.used(Name::new(member_name(&d.label, Some(i64::from(i)))), &Vec::new());
            }
        }
    }
    walk.found
}

#[derive(Clone, Copy, Default)]
struct Params<'a> {
    names: &'a [Name],
    args: &'a [i64],
    index: Option<(&'a Name, i64)>,
    /// The decisions that a family's index depends on, in the case at hand.
    case: &'a [(Name, Value)],
}

impl Env for Params<'_> {
    fn param(&self, name: &str) -> Option<i64> {
        match self.index {
            Some((n, v)) if n == name => Some(v),
            _ => self.names.iter().position(|p| p == name).and_then(|i| self.args.get(i)).copied(),
        }
    }

    /// Only families' indices matter here; for them each value of a decision is a case, all else is followed at 0.
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let name = member_name(label, index);
        let known = self.case.iter().find(|(n, _)| *n == name);
        Some(known.map_or(Value::Int(0), |(_, v)| v.clone()))
    }
}

type Path = Vec<Literal>;

struct Walk<'a> {
    module: &'a Module,
    /// The graphs that index families by their parameters, and those that call one.
    indexing: FxHashSet<Name>,
    found: Vec<(Name, Guard)>,
    place: FxHashMap<Name, usize>,
    /// Graph, arguments and path that were walked already.
    seen: FxHashSet<(Name, SmallVec<[i64; 3]>, Path)>,
    depth: usize,
    given_up: bool,
    /// Nodes that were walked; beyond [`MAX_NODES`] the rest is given up.
    nodes: u64,
}

impl Walk<'_> {
    fn used(&mut self, label: Name, path: &Path) {
        let at = *self.place.entry(label.clone()).or_insert_with(|| {
            self.found.push((label, Guard::AnyOf(Vec::new())));
            self.found.len() - 1
        });
        let guard = &mut self.found[at].1;
        let Guard::AnyOf(any) = guard else { return };
        if path.is_empty() || any.len() >= MAX_CONJUNCTIONS {
            *guard = Guard::Always;
        } else if any.iter().any(|known| known.iter().all(|l| path.contains(l))) {
            // A weaker condition is there already.
        } else {
            any.retain(|known| !path.iter().all(|l| known.contains(l)));
            any.push(path.clone());
            self.merge(at);
        }
    }

    /// Joins conjunctions that differ in one decision's ranks; a literal that allows all ranks falls away.
    fn merge(&mut self, at: usize) {
        let module = self.module;
        let Guard::AnyOf(any) = &mut self.found[at].1 else { return };
        while let Some(mut new) = any.pop() {
            let partner = any.iter().position(|known| {
                known.len() == new.len()
                    && known.iter().zip(&new).all(|(a, b)| a.decision == b.decision)
                    && known.iter().zip(&new).filter(|(a, b)| a != b).count() == 1
            });
            let Some(partner) = partner else {
                any.push(new);
                return;
            };
            let known = any.swap_remove(partner);
            for (a, b) in known.iter().zip(&mut new) {
                b.ranks.extend(&a.ranks);
                b.ranks.sort_unstable();
                b.ranks.dedup();
            }
            new.retain(|l| {
                let label = l.decision.rsplit_once('[').map_or(l.decision.as_str(), |(label, _)| label);
                let domain = module.decision(&l.decision).or_else(|| module.decision(label)).map(|d| &d.domain);
                domain.and_then(Domain::size) != Some(l.ranks.len() as u64)
            });
            if new.is_empty() {
                self.found[at].1 = Guard::Always;
                return;
            }
            any.push(new);
        }
    }

    /// Visits every case of the decisions that some expressions name, with the literals that it adds to the path.
    fn each_case(
        &mut self,
        exprs: &[&Expr],
        params: &Params<'_>,
        path: &Path,
        visit: &mut dyn FnMut(&mut Self, &Params<'_>, &Path),
    ) {
        let mut open: Vec<(Name, &Domain, u64)> = Vec::new();
        let mut count: u64 = 1;
        for d in exprs.iter().flat_map(|x| x.decisions()) {
            let nested = d.index.as_ref().is_some_and(|i| !i.decisions().is_empty());
            let domain = self.module.decision(&d.label).map(|d| &d.domain);
            let size = domain.and_then(Domain::size).filter(|_| !nested);
            let (Ok((label, index)), Some(domain), Some(size)) = (d.resolve(params), domain, size) else {
                self.given_up = true;
                continue;
            };
            let name = Name::new(member_name(&label, index));
            if open.iter().all(|(n, ..)| *n != name) && params.case.iter().all(|(n, _)| *n != name) {
                open.push((name, domain, size));
                count = count.saturating_mul(size);
            }
        }
        if count > MAX_CASES {
            self.given_up = true;
            open.clear();
            count = 1;
        }
        for number in 0..count {
            let (mut rest, mut here, mut case) = (number, path.clone(), params.case.to_vec());
            for (name, domain, size) in &open {
                let rank = rest % size;
                rest /= size;
                let Some(value) = domain.value(Pick::index(rank)) else { continue };
                case.push((name.clone(), value));
                if *size > 1 {
                    extend(&mut here, Literal { decision: name.clone(), ranks: vec![rank] });
                }
            }
            // A path that contradicts itself is never taken.
            if here.iter().all(|l| !l.ranks.is_empty()) {
                visit(self, &Params { case: &case, ..*params }, &here);
            }
        }
    }

    /// Notes the use of a decision, and visits each member that it may stand for.
    fn refer(
        &mut self,
        d: &DecisionRef,
        params: &Params<'_>,
        path: &Path,
        visit: &mut dyn FnMut(&mut Self, Name, &Params<'_>, &Path),
    ) {
        let index: Vec<&Expr> = d.index.as_deref().into_iter().collect();
        index.iter().for_each(|x| self.mention(x, params, path));
        self.each_case(&index, params, path, &mut |walk, params, path| {
            if let Ok((label, index)) = d.resolve(params) {
                let name = Name::new(member_name(&label, index));
                walk.used(name.clone(), path);
                visit(walk, name, params, path);
            }
        });
    }

    fn mention(&mut self, x: &Expr, params: &Params<'_>, path: &Path) {
        for d in x.decisions() {
            self.refer(d, params, path, &mut |_, _, _, _| {});
        }
    }

    fn graph(&mut self, graph: &Arc<Graph>, args: &[i64], path: &Path) {
        self.nodes += graph.order.len() as u64 + 1;
        if self.depth > MAX_CALLS
            || self.nodes > MAX_NODES
            || !self.seen.insert((graph.name.clone(), args.into(), path.clone()))
        {
            return;
        }
        self.depth += 1;
        let params = Params { names: &graph.params, args, ..Params::default() };
        let conditions = usage(self.module, graph, &params);
        for &i in &graph.order {
            let Some(condition) = &conditions[i.index()] else { continue };
            let mut here = path.clone();
            for literal in condition {
                extend(&mut here, literal.clone());
            }
            self.body(&graph.net[i].body, &params, &here);
        }
        self.depth -= 1;
    }

    fn call(&mut self, callee: &Callee, params: &Params<'_>, path: &Path) {
        callee.args.iter().for_each(|a| self.mention(a, params, path));
        let Some(graph) = self.module.graph(&callee.graph) else { return };
        // Only where arguments find their way into an index does it matter which values they take.
        let decisive: Vec<&Expr> =
            if self.indexing.contains(&graph.name) { callee.args.iter().collect() } else { Vec::new() };
        self.each_case(&decisive, params, path, &mut |walk, params, path| {
            let args: Option<SmallVec<[i64; 3]>> = callee.args.iter().map(|a| a.eval_int(params).ok()).collect();
            // An argument that has no value at 0 is no index.
            let args = args.unwrap_or_else(|| smallvec::smallvec![0; graph.params.len()]);
            walk.graph(graph, &args, path);
        });
    }

    fn template(&mut self, op: &crate::OpTemplate, params: &Params<'_>, path: &Path) {
        if let crate::OpTemplate::Open { attrs, .. } = op {
            attrs.iter().for_each(|(_, x)| self.mention(x, params, path));
        }
    }

    fn body(&mut self, body: &Body, params: &Params<'_>, path: &Path) {
        match body {
            Body::Input => {}
            Body::Op(op) => self.template(op, params, path),
            Body::Call(callee) => self.call(callee, params, path),
            Body::Select { decision, .. } => self.refer(decision, params, path, &mut |_, _, _, _| {}),
            Body::Choice { decision, candidates } => {
                let domain = self.module.decision(&decision.label).map(|d| &d.domain);
                self.refer(decision, params, path, &mut |walk, name, params, path| {
                    for (label, candidate) in candidates {
                        let mut inner = path.clone();
                        if let Some(literal) = domain.and_then(|d| literal(&name, d, |v| is_label(v, label))) {
                            extend(&mut inner, literal);
                        }
                        if inner.iter().any(|l| l.ranks.is_empty()) {
                            continue;
                        }
                        match candidate {
                            Candidate::Op(op) => walk.template(op, params, &inner),
                            Candidate::Call(callee) => walk.call(callee, params, &inner),
                        }
                    }
                });
            }
            Body::Repeat { depth, index, callee } => {
                self.mention(depth, params, path);
                let depths = self.depths(depth, params);
                for i in 0..depths.greatest {
                    let inner = Params { index: index.as_ref().map(|n| (n, i)), ..*params };
                    let mut here = path.clone();
                    if let Some(l) = depths.beyond(i) {
                        extend(&mut here, l);
                    }
                    if here.iter().all(|l| !l.ranks.is_empty()) {
                        self.call(callee, &inner, &here);
                    }
                    if index.is_none() {
                        break;
                    }
                }
            }
        }
    }

    /// The greatest depth of a repeat, and its depths by the value of the decision that it names, if that is one.
    fn depths(&mut self, depth: &Expr, params: &Params<'_>) -> Depths {
        let mut greatest: Option<i64> = None;
        let mut by_rank: Vec<i64> = Vec::new();
        let mut of: Vec<Name> = Vec::new();
        let known = params.case.len();
        let before = std::mem::take(&mut self.given_up);
        self.each_case(&[depth], params, &Vec::new(), &mut |_, params, _| {
            of = params.case[known..].iter().map(|(n, _)| n.clone()).collect();
            let value = depth.eval_int(params).unwrap_or(0);
            by_rank.push(value);
            greatest = greatest.max(Some(value));
        });
        let unknown = std::mem::replace(&mut self.given_up, before);
        let greatest = greatest.filter(|_| !unknown).unwrap_or_else(|| {
            // As deep as it takes to meet every member of every family.
            i64::from(self.module.decisions.iter().filter_map(|d| d.family).max().unwrap_or(1))
        });
        let of = if of.len() == 1 && !unknown { of.pop() } else { None };
        Depths { greatest: greatest.clamp(0, MAX_DEPTH), of, by_rank }
    }
}

struct Depths {
    greatest: i64,
    of: Option<Name>,
    by_rank: Vec<i64>,
}

impl Depths {
    /// The condition under which call `i` is made, unless it always is.
    fn beyond(&self, i: i64) -> Option<Literal> {
        let decision = self.of.clone()?;
        let ranks: Vec<u64> = (0..self.by_rank.len()).filter(|r| self.by_rank[*r] > i).map(|r| r as u64).collect();
        (ranks.len() < self.by_rank.len()).then_some(Literal { decision, ranks })
    }
}

/// The ranks of a domain whose values pass a test, as a literal; `None` if all or too many do.
fn literal(name: &Name, domain: &Domain, test: impl Fn(&Value) -> bool) -> Option<Literal> {
    let size = domain.size().filter(|n| *n <= MAX_RANKS)?;
    let ranks: Vec<u64> = (0..size).filter(|r| domain.value(Pick::index(*r)).is_some_and(|v| test(&v))).collect();
    ((ranks.len() as u64) < size).then(|| Literal { decision: name.clone(), ranks })
}

/// Adds a literal to a conjunction; two on one decision become their intersection.
fn extend(path: &mut Path, literal: Literal) {
    match path.iter_mut().find(|l| l.decision == literal.decision) {
        Some(known) => known.ranks.retain(|r| literal.ranks.contains(r)),
        None => path.push(literal),
    }
    path.sort();
}

/// For each node, the condition under which some output needs it: `None` if nothing uses it. A node that feeds only
/// selects is needed if one of them selects it; a node with any other use is needed whenever the graph is called.
fn usage(module: &Module, graph: &Graph, params: &Params<'_>) -> Vec<Option<Vec<Literal>>> {
    let bound = graph.order.iter().map(|i| i.index() + 1).max().unwrap_or(0);
    let mut out: Vec<Option<Vec<Literal>>> = vec![None; bound];
    for port in &graph.outputs {
        out[port.node.index()] = Some(Vec::new());
    }
    for &i in graph.order.iter().rev() {
        let Some(own) = out[i.index()].clone() else { continue };
        let ports = graph.ports(i);
        for (slot, port) in ports.iter().enumerate() {
            let condition = match &graph.net[i].body {
                Body::Select { decision, .. } => {
                    let n = ports.len();
                    let picked = |v: &Value| kept_inputs(v, n).is_ok_and(|c| c.contains(&slot));
                    let plain = decision.index.as_ref().is_none_or(|i| i.decisions().is_empty());
                    let name = decision.resolve(params).map(|(l, x)| Name::new(member_name(&l, x)));
                    let domain = module.decision(&decision.label).map(|d| &d.domain);
                    name.ok().filter(|_| plain).zip(domain).and_then(|(name, domain)| literal(&name, domain, picked))
                }
                _ => None,
            };
            let mut via = own.clone();
            if let Some(l) = condition {
                extend(&mut via, l);
            }
            let place = &mut out[port.node.index()];
            // Two uses under different conditions: keep what they share, a weaker condition than either.
            *place = Some(match place.take() {
                None => via,
                Some(known) => known.into_iter().filter(|l| via.contains(l)).collect(),
            });
        }
    }
    out
}
