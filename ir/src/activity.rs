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
use crate::program::{chosen_inputs, is_label};
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

/// The guard of each decision that the module's graphs reach, by label, in order of first use.
#[must_use]
pub fn guards(module: &Module) -> Vec<(Name, Guard)> {
    let mut walk =
        Walk { module, found: Vec::new(), place: FxHashMap::default(), seen: FxHashSet::default(), depth: 0 };
    for c in &module.constraints {
        walk.mention(c, &Params::default(), &Vec::new());
    }
    if let Some(entry) = module.graph(&module.entry) {
        walk.graph(entry, &[], &Vec::new());
    }
    walk.found
}

#[derive(Default)]
struct Params<'a> {
    names: &'a [Name],
    args: &'a [i64],
    index: Option<(&'a Name, i64)>,
}

impl Env for Params<'_> {
    fn param(&self, name: &str) -> Option<i64> {
        match self.index {
            Some((n, v)) if n == name => Some(v),
            _ => self.names.iter().position(|p| p == name).and_then(|i| self.args.get(i)).copied(),
        }
    }

    /// Arguments that depend on a decision are followed at its default: only families' indices matter here.
    fn decision(&self, _: &str, _: Option<i64>) -> Option<Value> {
        Some(Value::Int(0))
    }
}

type Path = Vec<Literal>;

struct Walk<'a> {
    module: &'a Module,
    found: Vec<(Name, Guard)>,
    place: FxHashMap<Name, usize>,
    /// Graph, arguments and path that were walked already.
    seen: FxHashSet<(Name, SmallVec<[i64; 3]>, Path)>,
    depth: usize,
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
        }
    }

    fn refer(&mut self, d: &DecisionRef, params: &Params<'_>, path: &Path) -> Option<Name> {
        let (label, index) = d.resolve(params).ok()?;
        let name = Name::new(member_name(&label, index));
        self.used(name.clone(), path);
        Some(name)
    }

    fn mention(&mut self, x: &Expr, params: &Params<'_>, path: &Path) {
        for d in x.decisions() {
            self.refer(d, params, path);
        }
    }

    fn graph(&mut self, graph: &Arc<Graph>, args: &[i64], path: &Path) {
        if self.depth > 64 || !self.seen.insert((graph.name.clone(), args.into(), path.clone())) {
            return;
        }
        self.depth += 1;
        let params = Params { names: &graph.params, args, index: None };
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
        let args: Option<SmallVec<[i64; 3]>> = callee.args.iter().map(|a| a.eval_int(params).ok()).collect();
        if let (Some(args), Some(graph)) = (args, self.module.graph(&callee.graph)) {
            let graph = graph.clone();
            self.graph(&graph, &args, path);
        }
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
            Body::Select { decision, .. } => {
                self.refer(decision, params, path);
            }
            Body::Choice { decision, candidates } => {
                let Some(name) = self.refer(decision, params, path) else { return };
                let domain = self.module.decision(&decision.label).map(|d| &d.domain);
                for (label, candidate) in candidates {
                    let mut inner = path.clone();
                    if let Some(literal) = domain.and_then(|d| literal(&name, d, |v| is_label(v, label))) {
                        extend(&mut inner, literal);
                    }
                    match candidate {
                        Candidate::Op(op) => self.template(op, params, &inner),
                        Candidate::Call(callee) => self.call(callee, params, &inner),
                    }
                }
            }
            Body::Repeat { depth, index, callee } => {
                self.mention(depth, params, path);
                let deepest = self.depths(depth, params);
                for i in 0..deepest.as_ref().map_or(1, |d| d.greatest) {
                    let inner = Params { index: index.as_ref().map(|n| (n, i)), ..*params };
                    let mut here = path.clone();
                    if let Some(l) = deepest.as_ref().and_then(|d| d.beyond(i)) {
                        extend(&mut here, l);
                    }
                    self.call(callee, &inner, &here);
                    if index.is_none() {
                        break;
                    }
                }
            }
        }
    }

    /// The depths of a repeat by the value of the one decision that it names.
    fn depths(&self, depth: &Expr, params: &Params<'_>) -> Option<Depths> {
        let decisions = depth.decisions();
        let Some(d) = decisions.first() else {
            return Some(Depths {
                greatest: depth.eval_int(params).ok()?.clamp(0, 4096),
                of: None,
                by_rank: Vec::new(),
            });
        };
        let (label, index) = d.resolve(params).ok()?;
        let domain = &self.module.decision(&label)?.domain;
        let size = domain.size().filter(|n| *n <= MAX_RANKS)?;
        let by_rank: Vec<i64> = (0..size)
            .filter_map(|r| {
                let value = domain.value(Pick::index(r))?;
                let literal = depth.rewrite(&|e| match e {
                    Expr::Decision(other) if other == *d => Some(Expr::literal(value.clone())),
                    _ => None,
                });
                literal.eval_int(params).ok()
            })
            .collect();
        let greatest = by_rank.iter().copied().max()?.clamp(0, 4096);
        let of = (decisions.len() == 1).then(|| Name::new(member_name(&label, index)));
        Some(Depths { greatest, of, by_rank })
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
                    let picked = |v: &Value| chosen_inputs(v, n).is_ok_and(|c| c.contains(&slot));
                    let name = decision.resolve(params).map(|(l, x)| Name::new(member_name(&l, x)));
                    let domain = module.decision(&decision.label).map(|d| &d.domain);
                    name.ok().zip(domain).and_then(|(name, domain)| literal(&name, domain, picked))
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
