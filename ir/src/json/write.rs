//! From a module to its document.

use super::doc::{AttrsDoc, CandidateDoc, DecisionDoc, GraphDoc, InputDoc, ModuleDoc, NodeDoc};
use crate::decision::{Decision, Domain};
use crate::expr::Expr;
use crate::graph::{Body, Callee, Candidate, Graph, Node};
use crate::module::Module;
use crate::op::OpTemplate;
use crate::text::literal_in;
use crate::value::{Name, Value};
use serde_json::Value as Json;

pub(super) fn module(module: &Module) -> ModuleDoc {
    ModuleDoc {
        module: module.name.clone(),
        entry: module.entry.clone(),
        decisions: module.decisions.iter().map(decision).collect(),
        constraints: module.constraints.iter().map(expr).collect(),
        graphs: module.graphs.iter().map(|g| graph(g)).collect(),
    }
}

fn decision(d: &Decision) -> DecisionDoc {
    let domain = match &d.domain {
        Domain::Categorical(values) => Json::Array(values.iter().map(literal).collect()),
        other => Json::String(other.to_string()),
    };
    let implied = Decision::new(&d.label, d.domain.clone()).and_then(|plain| match &d.weights {
        Some(weights) => plain.weighted(weights.clone()),
        None => Ok(plain),
    });
    let stated = implied.is_ok_and(|i| i.default != d.default);
    DecisionDoc {
        label: d.label.clone(),
        family: d.family,
        domain,
        default: if stated { d.domain.value(d.default).as_ref().map(literal) } else { None },
        weights: d.weights.clone(),
        group: d.group.clone(),
    }
}

/// A literal value; strings are plain.
fn literal(value: &Value) -> Json {
    match value {
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) => Json::from(*i),
        Value::Real(r) => Json::from(r.get()),
        Value::Str(s) => Json::String(s.to_string()),
        Value::List(items) => Json::Array(items.iter().map(literal).collect()),
    }
}

/// An expression; strings are in the text form's syntax.
fn expr(x: &Expr) -> Json {
    match x {
        Expr::Lit(Value::Bool(b)) => Json::Bool(*b),
        Expr::Lit(Value::Int(i)) => Json::from(*i),
        Expr::Lit(Value::Real(r)) => Json::from(r.get()),
        Expr::List(items) => Json::Array(items.iter().map(expr).collect()),
        other => Json::String(other.to_string()),
    }
}

fn graph(g: &Graph) -> GraphDoc {
    let input = |node: &Node| InputDoc {
        name: node.name.clone(),
        ty: node.declared.as_deref().and_then(<[_]>::first).map(ToString::to_string),
    };
    let inner = g.order.iter().filter(|i| g.net[**i].body != Body::Input);
    let nodes = inner.map(|i| {
        let node = &g.net[*i];
        let inputs = g.ports(*i).iter().map(|p| g.val(*p).to_string()).collect();
        let ty = node.declared.as_ref().filter(|types| !types.is_empty());
        let ty = ty.map(|types| types.iter().map(ToString::to_string).collect());
        NodeDoc { name: node.name.clone(), inputs, weights: node.weights.clone(), ty, ..body(&node.body, &g.params) }
    });
    GraphDoc {
        name: g.name.clone(),
        params: g.params.clone(),
        inputs: g.inputs().map(input).collect(),
        nodes: nodes.collect(),
        outputs: g.outputs().map(|v| v.to_string()).collect(),
    }
}

fn body(body: &Body, params: &[Name]) -> NodeDoc {
    match body {
        Body::Input => NodeDoc::default(),
        Body::Op(op) => NodeDoc { op: Some(op.name().to_owned()), attrs: attrs(op, params), ..NodeDoc::default() },
        Body::Call(callee) => NodeDoc { call: Some(callee.graph.clone()), args: args(callee), ..NodeDoc::default() },
        Body::Choice { decision, candidates } => NodeDoc {
            choice: Some(decision.to_string()),
            candidates: Some(candidates.iter().map(|(label, c)| candidate(label, c, params)).collect()),
            ..NodeDoc::default()
        },
        Body::Select { decision, reduce } => NodeDoc {
            select: Some(decision.to_string()),
            reduce: Some(reduce.as_str().to_owned()),
            ..NodeDoc::default()
        },
        Body::Repeat { depth, index, callee } => NodeDoc {
            repeat: Some(expr(depth)),
            index: index.clone(),
            block: Some(callee.graph.clone()),
            args: args(callee),
            ..NodeDoc::default()
        },
    }
}

fn candidate(label: &Name, candidate: &Candidate, params: &[Name]) -> CandidateDoc {
    let label = label.clone();
    match candidate {
        Candidate::Op(op) => {
            CandidateDoc { label, op: Some(op.name().to_owned()), attrs: attrs(op, params), ..CandidateDoc::default() }
        }
        Candidate::Call(callee) => {
            CandidateDoc { label, call: Some(callee.graph.clone()), args: args(callee), ..CandidateDoc::default() }
        }
    }
}

fn attrs(op: &OpTemplate, params: &[Name]) -> Option<AttrsDoc> {
    let attrs: Vec<(Name, Json)> = match op {
        OpTemplate::Fixed(op) => op.attrs().into_iter().map(|(n, v)| (n, expr(&literal_in(&v, params)))).collect(),
        OpTemplate::Open { attrs, .. } => attrs.iter().map(|(n, x)| (n.clone(), expr(x))).collect(),
    };
    (!attrs.is_empty()).then_some(AttrsDoc(attrs))
}

fn args(callee: &Callee) -> Option<Vec<Json>> {
    (!callee.args.is_empty()).then(|| callee.args.iter().map(expr).collect())
}
