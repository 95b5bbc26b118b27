//! The verifier. It checks, and collects every violation of, these invariants:
//!
//! 1. Graph names are unique; the entry exists, has no parameters, and its inputs have types.
//! 2. Decision labels are unique; domains, weights, defaults and family sizes make sense.
//! 3. Every call names a graph that exists, with as many arguments as it has parameters; no graph reaches itself.
//! 4. Every decision that is used is declared; a family is used with an index, and only a family.
//! 5. A choice's candidates are exactly its decision's values; a select's decision picks among its operands.
//! 6. Constraints are boolean.
//! 7. Every instantiation that the entry reaches has types: under the default of every decision, and under each value
//!    of each decision in turn (at most [`MAX_VALUES`] per decision, spread over its domain), unless a constraint
//!    forbids it. Nodes that nothing uses must have types too, though no program contains them.
//! 8. A block that a repeat may call zero times keeps the type of its first operand.
//! 9. Nodes of a graph whose weights have one name are equal: ops whose weights have equal shapes, or calls, choices and
//!    repeats that make the same of equal types.
//!
//! What a graph is in itself (unique node names, gapless operands, no cycle) is kept by construction; see [`crate::graph`].

use crate::decision::{Decision, Pick};
use crate::eval::member_name;
use crate::expr::{DecisionRef, Expr};
use crate::fault::{Fault, Faults, What};
use crate::graph::{Body, Candidate, Graph};
use crate::module::Module;
use crate::program::{Decide, Decided, Elaboration, Program, chosen_inputs, is_label, unknown_graph};
use crate::value::{Name, Value};

/// Values of one decision that are tried in turn.
pub const MAX_VALUES: u64 = 64;

/// Checks a module; returns its program under the defaults.
///
/// # Errors
/// Every violated invariant.
pub fn verify(module: &Module) -> Result<Program, Faults> {
    let mut faults = structural(module);
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let defaults = |label: &str, index: Option<i64>| default_of(module, label, index);
    for c in &module.constraints {
        if let Err(e) = c.eval_bool(&Decided(&defaults)) {
            faults.push(What::Declaration(format!("constraint {c}: {e}")).into_fault());
        }
    }
    let plain = Elaboration::new(module, &defaults);
    let program = match plain.everything().run_all() {
        // Once more without what no output needs.
        Ok((_, true)) => plain.run(),
        other => other.map(|(program, _)| program),
    };
    if let Err(Faults(more)) = &program {
        faults.extend(more.iter().cloned());
    }
    alternatives(module, &mut |under, decide| {
        if let Err(Faults(more)) = Elaboration::new(module, decide).everything().run_all() {
            for mut fault in more {
                if faults.iter().any(|f| f.what == fault.what && f.node == fault.node && f.graph == fault.graph) {
                    continue;
                }
                fault.under = Some(under.to_owned());
                faults.push(fault);
            }
        }
    });
    match program {
        Ok(program) if faults.is_empty() => Ok(program),
        _ => Err(Faults(faults)),
    }
}

/// What is wrong before any type is inferred: invariants 1 to 5.
pub(crate) fn structural(module: &Module) -> Vec<Fault> {
    let mut faults = declarations(module);
    for graph in &module.graphs {
        structure(module, graph, &mut faults);
    }
    recursion(module, &mut faults);
    faults
}

/// The members of a family by index, or the one decision.
fn members(d: &Decision) -> impl Iterator<Item = Option<i64>> + use<> {
    let n = d.family;
    (0..n.unwrap_or(1)).map(move |i| n.map(|_| i64::from(i)))
}

/// The default of a declared decision.
#[must_use]
pub fn default_of(module: &Module, label: &str, index: Option<i64>) -> Option<Value> {
    let d = module.decision(label)?;
    d.domain.value(d.default).filter(|_| d.has(index))
}

/// Visits each value of each decision but its default, the others at theirs, unless a constraint forbids it.
pub(crate) fn alternatives(module: &Module, visit: &mut dyn FnMut(&str, &dyn Decide)) {
    for d in &module.decisions {
        let picks: Vec<Pick> = match d.domain.size() {
            Some(n) => {
                let tried = n.min(MAX_VALUES);
                (0..tried).map(|i| Pick::index(if tried < 2 { 0 } else { i * (n - 1) / (tried - 1) })).collect()
            }
            None => [0.0, 0.5, 1.0].into_iter().filter_map(|q| d.domain.quantile(q)).collect(),
        };
        for member in members(d) {
            for pick in picks.iter().filter(|p| **p != d.default) {
                let Some(value) = d.domain.value(*pick) else { continue };
                let decide = |label: &str, index: Option<i64>| {
                    let here = label == d.label && index == member;
                    if here { Some(value.clone()) } else { default_of(module, label, index) }
                };
                let forbidden = |c: &Expr| c.eval_bool(&Decided(&decide)) == Ok(false);
                if !module.constraints.iter().any(forbidden) {
                    visit(&format!("?{} = {value}", member_name(&d.label, member)), &decide);
                }
            }
        }
    }
}

fn declarations(module: &Module) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut declare = |text: String| faults.push(What::Declaration(text).into_fault());
    for (i, graph) in module.graphs.iter().enumerate() {
        if module.graphs[..i].iter().any(|g| g.name == graph.name) {
            declare(format!("the graph `@{}` is defined twice; rename one of the two", graph.name));
        }
    }
    for (i, d) in module.decisions.iter().enumerate() {
        if let Some(first) = module.decisions[..i].iter().find(|e| e.label == d.label) {
            declare(format!("`{first}` and `{d}` declare one label; a label is one decision, so rename one of them"));
        }
        if let Err(e) = d.domain.validate() {
            declare(format!("decision ?{}: {e}", d.label));
        } else if d.domain.value(d.default).is_none() {
            declare(format!("decision ?{}: its default is not in its domain {}", d.label, d.domain));
        }
        if d.family == Some(0) {
            declare(format!("decision ?{}: a family needs at least one member", d.label));
        }
        if let Some(w) = &d.weights
            && let Ok(Err(e)) = Decision::new("w", d.domain.clone()).map(|d| d.weighted(w.clone()))
        {
            declare(format!("decision ?{}: {e}", d.label));
        }
    }
    match module.graph(&module.entry) {
        None => {
            faults.push(unknown_graph(module, &module.entry).into_fault());
        }
        Some(entry) if !entry.params.is_empty() => {
            let text = format!("the entry `@{}` has parameters; only graphs that are called may have some", entry.name);
            faults.push(What::Declaration(text).into_fault());
        }
        Some(_) => {}
    }
    faults
}

fn structure(module: &Module, graph: &Graph, faults: &mut Vec<Fault>) {
    for &i in &graph.order {
        let node = &graph.net[i];
        let mut push = |what: What| {
            faults.push(Fault {
                graph: Some(graph.name.clone()),
                args: Vec::new(),
                node: Some(node.name.clone()),
                op: Some(node.body.title()),
                under: None,
                what,
            });
        };
        for callee in node.body.callees() {
            match module.graph(&callee.graph) {
                None => push(unknown_graph(module, &callee.graph)),
                Some(g) if g.params.len() != callee.args.len() => push(What::CallArity {
                    graph: g.name.clone(),
                    of: "parameters",
                    expected: g.params.len(),
                    found: callee.args.len(),
                }),
                Some(_) => {}
            }
        }
        each_expr(&node.body, &mut |x| {
            x.walk(&mut |part| {
                if let Expr::Decision(d) = part
                    && let Err(text) = reference(module, d)
                {
                    push(What::Decision(text));
                }
            });
        });
        match &node.body {
            Body::Choice { decision, candidates } => {
                let labels: Vec<&Name> = candidates.iter().map(|(n, _)| n).collect();
                check(reference(module, decision).and_then(|d| choice(d, &labels)), &mut push);
            }
            Body::Select { decision, .. } => {
                let operands = graph.ports(i).len();
                check(reference(module, decision).and_then(|d| select(d, operands)), &mut push);
            }
            _ => {}
        }
    }
}

fn check(result: Result<(), String>, push: &mut dyn FnMut(What)) {
    if let Err(text) = result {
        push(What::Decision(text));
    }
}

fn reference<'a>(module: &'a Module, d: &DecisionRef) -> Result<&'a Decision, String> {
    let Some(declared) = module.decision(&d.label) else {
        let near = crate::text::nearest(&d.label, module.decisions.iter().map(|d| d.label.as_str()));
        let hint = near.map(|n| format!("; did you mean `?{n}`?")).unwrap_or_default();
        return Err(format!("the decision `?{}` is not declared{hint}", d.label));
    };
    match (declared.family, &d.index) {
        (Some(n), None) => Err(format!("`?{0}` is a family of {n}; use one member, as in `?{0}[i]`", d.label)),
        (None, Some(_)) => Err(format!("`?{0}` is no family; write `?{0}` without an index", d.label)),
        _ => Ok(declared),
    }
}

fn choice(d: &Decision, labels: &[&Name]) -> Result<(), String> {
    let crate::Domain::Categorical(values) = &d.domain else {
        return Err(format!("a choice needs a categorical decision, but ?{} is in {}", d.label, d.domain));
    };
    if let Some(v) = values.iter().find(|v| labels.iter().all(|l| !is_label(v, l))) {
        return Err(format!("has no candidate for the value `{v}` of ?{}", d.label));
    }
    match labels.iter().find(|l| values.iter().all(|v| !is_label(v, l))) {
        Some(l) => Err(format!("the candidate `{l}` is no value of ?{}, which is in {}", d.label, d.domain)),
        None => Ok(()),
    }
}

fn select(d: &Decision, operands: usize) -> Result<(), String> {
    let values = match &d.domain {
        crate::Domain::Subset { of, .. } => of.clone(),
        crate::Domain::Real { .. } => {
            return Err(format!("a select needs a subset decision, but ?{} is in {}", d.label, d.domain));
        }
        other => (0..other.size().unwrap_or(0).min(MAX_VALUES)).filter_map(|i| other.value(Pick::index(i))).collect(),
    };
    values.iter().try_for_each(|v| chosen_inputs(v, operands).map(|_| ())).map_err(|e| format!("?{}: {e}", d.label))
}

/// Every expression of a body.
pub(crate) fn each_expr(body: &Body, visit: &mut dyn FnMut(&Expr)) {
    let template = |op: &crate::OpTemplate, visit: &mut dyn FnMut(&Expr)| {
        if let crate::OpTemplate::Open { attrs, .. } = op {
            attrs.iter().for_each(|(_, x)| visit(x));
        }
    };
    match body {
        Body::Input => {}
        Body::Op(op) => template(op, visit),
        Body::Call(callee) => callee.args.iter().for_each(visit),
        Body::Select { decision, .. } => {
            if let Some(index) = &decision.index {
                visit(index);
            }
        }
        Body::Choice { decision, candidates } => {
            if let Some(index) = &decision.index {
                visit(index);
            }
            for (_, c) in candidates {
                match c {
                    Candidate::Op(op) => template(op, visit),
                    Candidate::Call(callee) => callee.args.iter().for_each(&mut *visit),
                }
            }
        }
        Body::Repeat { depth, callee, .. } => {
            visit(depth);
            callee.args.iter().for_each(visit);
        }
    }
}

/// Reports graphs that reach themselves, each circle once.
fn recursion(module: &Module, faults: &mut Vec<Fault>) {
    fn visit(module: &Module, at: usize, state: &mut [u8], stack: &mut Vec<usize>, faults: &mut Vec<Fault>) {
        state[at] = 1;
        stack.push(at);
        let graph = &module.graphs[at];
        for &i in &graph.order {
            for callee in graph.net[i].body.callees() {
                let Some(next) = module.graphs.iter().position(|g| g.name == callee.graph) else { continue };
                match state[next] {
                    0 => visit(module, next, state, stack, faults),
                    1 => {
                        let start = stack.iter().position(|s| *s == next).unwrap_or(0);
                        let mut circle: Vec<Name> =
                            stack[start..].iter().map(|s| module.graphs[*s].name.clone()).collect();
                        circle.push(module.graphs[next].name.clone());
                        let what = What::Recursion(circle);
                        if faults.iter().all(|f| f.what != what) {
                            faults.push(what.into_fault());
                        }
                    }
                    _ => {}
                }
            }
        }
        stack.pop();
        state[at] = 2;
    }
    let mut state = vec![0; module.graphs.len()];
    for at in 0..module.graphs.len() {
        if state[at] == 0 {
            visit(module, at, &mut state, &mut Vec::new(), faults);
        }
    }
}
