//! What is wrong with a module before any type is inferred: invariants 1 to 5 of the verifier.

use super::MAX_VALUES;
use crate::decision::{Decision, Pick};
use crate::expr::{DecisionRef, Expr};
use crate::fault::{Fault, What};
use crate::graph::{Body, Candidate, Graph};
use crate::module::Module;
use crate::program::{MAX_CALLS, chosen_inputs, is_label, unknown_graph};
use crate::value::Name;
use rustc_hash::{FxHashMap, FxHashSet};

/// What a module declares, by name: the first of each, where one name is declared twice.
struct Index<'m> {
    decisions: FxHashMap<&'m str, &'m Decision>,
    graphs: FxHashMap<&'m str, usize>,
}

impl<'m> Index<'m> {
    fn of(module: &'m Module) -> Self {
        let mut index = Self { decisions: FxHashMap::default(), graphs: FxHashMap::default() };
        for d in &module.decisions {
            index.decisions.entry(d.label.as_str()).or_insert(d);
        }
        for (i, g) in module.graphs.iter().enumerate() {
            index.graphs.entry(g.name.as_str()).or_insert(i);
        }
        index
    }
}

/// What is wrong before any type is inferred: invariants 1 to 5.
pub(crate) fn structural(module: &Module) -> Vec<Fault> {
    let index = Index::of(module);
    let mut faults = declarations(module, &index);
    for graph in &module.graphs {
        structure(module, &index, graph, &mut faults);
    }
    recursion(module, &index, &mut faults);
    faults
}

fn declarations(module: &Module, index: &Index<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut declare = |text: String| faults.push(What::Declaration(text).into_fault());
    for (i, graph) in module.graphs.iter().enumerate() {
        if index.graphs.get(graph.name.as_str()) != Some(&i) {
            declare(format!("the graph `@{}` is defined twice; rename one of the two", graph.name));
        }
    }
    for d in &module.decisions {
        if let Some(first) = index.decisions.get(d.label.as_str()).filter(|e| !std::ptr::eq(**e, d)) {
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

fn structure(module: &Module, index: &Index<'_>, graph: &Graph, faults: &mut Vec<Fault>) {
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
            match index.graphs.get(callee.graph.as_str()).map(|i| &module.graphs[*i]) {
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
                    && let Err(text) = reference(module, index, d)
                {
                    push(What::Decision(text));
                }
            });
        });
        match &node.body {
            Body::Choice { decision, candidates } => {
                let labels: Vec<&Name> = candidates.iter().map(|(n, _)| n).collect();
                check(reference(module, index, decision).and_then(|d| choice(d, &labels)), &mut push);
            }
            Body::Select { decision, .. } => {
                let operands = graph.ports(i).len();
                check(reference(module, index, decision).and_then(|d| select(d, operands)), &mut push);
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

fn reference<'a>(module: &'a Module, index: &Index<'a>, d: &DecisionRef) -> Result<&'a Decision, String> {
    let Some(declared) = index.decisions.get(d.label.as_str()) else {
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

/// Reports graphs that reach themselves, each circle once, and those whose calls nest too deep.
fn recursion(module: &Module, index: &Index<'_>, faults: &mut Vec<Fault>) {
    // The graphs that a graph calls, each once.
    let calls: Vec<Vec<usize>> = module
        .graphs
        .iter()
        .map(|g| {
            let mut seen = FxHashSet::default();
            let callees = g.order.iter().flat_map(|i| g.net[*i].body.callees());
            callees.filter_map(|c| index.graphs.get(c.graph.as_str()).copied()).filter(|c| seen.insert(*c)).collect()
        })
        .collect();
    // How many calls stand below one another in a graph, itself included; nothing while it is open.
    let mut height: Vec<Option<usize>> = vec![None; calls.len()];
    let mut open = vec![false; calls.len()];
    for start in 0..calls.len() {
        let mut stack: Vec<(usize, usize)> = vec![(start, 0)];
        if height[start].is_some() {
            continue;
        }
        open[start] = true;
        while let Some((at, next)) = stack.last_mut() {
            let at = *at;
            let Some(callee) = calls[at].get(*next).copied() else {
                let below = calls[at].iter().filter_map(|c| height[*c]).max().unwrap_or(0);
                height[at] = Some(below + 1);
                open[at] = false;
                stack.pop();
                // The first that is too high speaks for those that call it.
                if below + 1 == MAX_CALLS + 1 {
                    let mut fault = What::TooDeep { limit: MAX_CALLS }.into_fault();
                    fault.graph = Some(module.graphs[at].name.clone());
                    faults.push(fault);
                }
                continue;
            };
            *next += 1;
            if open[callee] {
                let from = stack.iter().position(|(s, _)| *s == callee).unwrap_or(0);
                let mut circle: Vec<Name> = stack[from..].iter().map(|(s, _)| module.graphs[*s].name.clone()).collect();
                circle.push(module.graphs[callee].name.clone());
                let what = What::Recursion(circle);
                if faults.iter().all(|f| f.what != what) {
                    faults.push(what.into_fault());
                }
            } else if height[callee].is_none() {
                open[callee] = true;
                stack.push((callee, 0));
            }
        }
    }
}
