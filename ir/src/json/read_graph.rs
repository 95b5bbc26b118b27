//! From a graph's document to the graph.

use super::JsonError;
use super::doc::{AttrsDoc, CandidateDoc, GraphDoc, NodeDoc};
use super::place::Place;
use super::read::{Read, expr, identifier, items, misspelled, name, spelled, tall, too_many};
use crate::builder::{GraphBuilder, GraphError};
use crate::expr::{BinOp, DecisionRef, Wrapped};
use crate::graph::{Body, Callee, Candidate, Graph, Reduce, Val};
use crate::op::{OpError, OpRegistry, OpTemplate};
use crate::text::{MAX_ITEMS, MAX_PARAMS, make_template, parse_val};
use crate::ty::TensorType;
use crate::value::Name;
use rustc_hash::FxHashSet;
use serde_json::Value as Json;

pub(super) fn graph(doc: &GraphDoc, place: Place<'_>, registry: &OpRegistry) -> Read<Graph> {
    let at = place.field("params");
    if doc.params.len() > MAX_PARAMS {
        return too_many(doc.params.len(), MAX_PARAMS, "parameters", at);
    }
    for (i, param) in doc.params.iter().enumerate() {
        identifier(param, at.item(i))?;
    }
    let mut builder = GraphBuilder::new(name(doc.name.clone(), place.field("name"))?, &doc.params);
    let at = place.field("inputs");
    for (i, input) in doc.inputs.iter().enumerate() {
        let at = at.item(i);
        let declared = match &input.ty {
            Some(text) => Some(vec![spelled::<TensorType>(text, at.field("type"))?]),
            None => None,
        };
        let name = name(input.name.clone(), at.field("name"))?;
        builder.declared(name, Body::Input, [] as [Val; 0], declared);
    }
    let at = place.field("nodes");
    let mut operands = Vec::with_capacity(doc.nodes.len());
    for (i, node) in doc.nodes.iter().enumerate() {
        let at = at.item(i);
        let inputs = values(&node.inputs, at.field("inputs"))?;
        let declared = match &node.ty {
            Some(types) => Some(declared(types, at.field("type"))?),
            None => None,
        };
        let body = body(node, at, &doc.params, registry)?;
        let val = builder.declared(name(node.name.clone(), at.field("name"))?, body, &inputs, declared);
        if let Some(weights) = &node.weights {
            builder.tie(&val, name(weights.clone(), at.field("weights"))?);
        }
        operands.push(inputs);
    }
    let outputs = values(&doc.outputs, place.field("outputs"))?;
    for val in &outputs {
        builder.output(val);
    }
    builder.finish().map_err(|e| misbuilt(&e, place, doc, &operands, &outputs))
}

fn values(texts: &[String], place: Place<'_>) -> Read<Vec<Val>> {
    let read = |(i, text): (usize, &String)| parse_val(text).map_err(|e| misspelled(text, &e, place.item(i)));
    texts.iter().enumerate().map(read).collect()
}

fn declared(types: &[String], place: Place<'_>) -> Read<Vec<TensorType>> {
    if types.is_empty() || types.len() > 256 {
        return place.fail(format!("found {} types, expected 1 to 256", types.len()));
    }
    types.iter().enumerate().map(|(i, text)| spelled(text, place.item(i))).collect()
}

/// The builder's error at the place in the document that causes it.
fn misbuilt(error: &GraphError, place: Place<'_>, doc: &GraphDoc, operands: &[Vec<Val>], outputs: &[Val]) -> JsonError {
    let (inputs, nodes) = (place.field("inputs"), place.field("nodes"));
    let names = doc.inputs.iter().map(|n| &n.name).chain(doc.nodes.iter().map(|n| &n.name));
    let nth = |name: &str, n: usize| names.clone().enumerate().filter(|(_, x)| *x == name).nth(n).map(|(i, _)| i);
    let at_node = |i: usize| match i.checked_sub(doc.inputs.len()) {
        Some(i) => nodes.item(i).error(error),
        None => inputs.item(i).error(error),
    };
    let found = match error {
        GraphError::DuplicateNode { node, .. } => nth(node, 1).map(at_node),
        GraphError::Undefined { val, .. } => match error.node() {
            None => outputs.iter().position(|v| v == val).map(|i| place.field("outputs").item(i).error(error)),
            Some(user) => nth(user, 0).and_then(|i| {
                let i = i.checked_sub(doc.inputs.len())?;
                let slot = operands[i].iter().position(|v| v == val)?;
                Some(nodes.item(i).field("inputs").item(slot).error(error))
            }),
        },
        GraphError::NoOutput { .. } => Some(place.field("outputs").error(error)),
        GraphError::DuplicateParam { .. } => Some(place.field("params").error(error)),
        GraphError::Cycle { .. } | GraphError::TooManyOperands { .. } => {
            error.node().and_then(|n| nth(n, 0)).map(at_node)
        }
    };
    found.unwrap_or_else(|| place.error(error))
}

/// The one of the fields that say what a node is; the fields of the others must be absent.
fn only(
    place: Place<'_>,
    present: &[(&'static str, bool, &'static [&'static str])],
    extra: &[(&str, bool)],
) -> Read<()> {
    let names = || present.iter().map(|(n, ..)| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    let mut of_kind = present.iter().filter(|(_, there, _)| *there);
    let (Some((kind, _, fields)), second) = (of_kind.next(), of_kind.next()) else {
        return place.fail(format!("found none of the fields {}, expected one of them", names()));
    };
    if let Some((other, ..)) = second {
        return place.fail(format!("found both `{kind}` and `{other}`, expected only one of {}", names()));
    }
    match extra.iter().find(|(name, there)| *there && !fields.contains(name)) {
        Some((name, _)) => place.fail(format!("found the field `{name}`, which does not belong to a `{kind}`")),
        None => Ok(()),
    }
}

fn required<T>(field: Option<T>, name: &str, place: Place<'_>) -> Read<T> {
    field.map_or_else(|| place.fail(format!("found no field `{name}`, expected one")), Ok)
}

fn body(node: &NodeDoc, place: Place<'_>, params: &[Name], registry: &OpRegistry) -> Read<Body> {
    let kinds: [(&str, bool, &[&str]); 5] = [
        ("op", node.op.is_some(), &["attrs"]),
        ("call", node.call.is_some(), &["args"]),
        ("choice", node.choice.is_some(), &["candidates"]),
        ("select", node.select.is_some(), &["reduce"]),
        ("repeat", node.repeat.is_some(), &["index", "block", "args"]),
    ];
    let extra = [
        ("attrs", node.attrs.is_some()),
        ("args", node.args.is_some()),
        ("candidates", node.candidates.is_some()),
        ("reduce", node.reduce.is_some()),
        ("index", node.index.is_some()),
        ("block", node.block.is_some()),
    ];
    only(place, &kinds, &extra)?;
    if let Some(op) = &node.op {
        return template(op, node.attrs.as_ref(), place, params, registry).map(Body::Op);
    }
    if let Some(graph) = &node.call {
        return callee(graph, node.args.as_deref(), place.field("call"), place).map(Body::Call);
    }
    if let Some(choice) = &node.choice {
        let decision: DecisionRef = spelled(choice, place.field("choice"))?;
        let docs = required(node.candidates.as_deref(), "candidates", place)?;
        let candidates = candidates(docs, place.field("candidates"), params, registry)?;
        return Ok(Body::Choice { decision, candidates });
    }
    if let Some(select) = &node.select {
        let decision: DecisionRef = spelled(select, place.field("select"))?;
        let word = node.reduce.as_deref().unwrap_or(Reduce::Sum.as_str());
        return match Reduce::ALL.into_iter().find(|r| r.as_str() == word) {
            Some(reduce) => Ok(Body::Select { decision, reduce }),
            None => place.field("reduce").fail(format!("found `{word}`, expected sum, mean or concat")),
        };
    }
    let depth = expr(required(node.repeat.as_ref(), "repeat", place)?, place.field("repeat"))?;
    let index = match &node.index {
        Some(index) => Some(identifier(index, place.field("index"))?),
        None => None,
    };
    let block = required(node.block.as_ref(), "block", place)?;
    Ok(Body::Repeat { depth, index, callee: callee(block, node.args.as_deref(), place.field("block"), place)? })
}

fn candidates(
    docs: &[CandidateDoc],
    place: Place<'_>,
    params: &[Name],
    registry: &OpRegistry,
) -> Read<Vec<(Name, Candidate)>> {
    if docs.len() > MAX_ITEMS {
        return too_many(docs.len(), MAX_ITEMS, "candidates", place);
    }
    let mut seen = FxHashSet::default();
    let mut out = Vec::with_capacity(docs.len());
    for (i, doc) in docs.iter().enumerate() {
        let place = place.item(i);
        if !seen.insert(&doc.label) {
            let label = &doc.label;
            return place.fail(format!("found a second candidate labelled `{label}`, expected a label once"));
        }
        let kinds: [(&str, bool, &[&str]); 2] =
            [("op", doc.op.is_some(), &["attrs"]), ("call", doc.call.is_some(), &["args"])];
        only(place, &kinds, &[("attrs", doc.attrs.is_some()), ("args", doc.args.is_some())])?;
        let candidate = match (&doc.op, &doc.call) {
            (Some(op), _) => Candidate::Op(template(op, doc.attrs.as_ref(), place, params, registry)?),
            (None, call) => {
                let graph = required(call.as_ref(), "call", place)?;
                Candidate::Call(callee(graph, doc.args.as_deref(), place.field("call"), place)?)
            }
        };
        out.push((doc.label.clone(), candidate));
    }
    Ok(out)
}

fn callee(graph: &Name, args: Option<&[Json]>, graph_at: Place<'_>, place: Place<'_>) -> Read<Callee> {
    let graph = name(graph.clone(), graph_at)?;
    let at = place.field("args");
    let args = items(args.unwrap_or_default(), at, 0, |x, at, _| {
        let arg = expr(x, at)?;
        // The text form puts a weak operator into parentheses here, which are one more level.
        if Wrapped(&arg, BinOp::Add.precedence()).is_needed() {
            tall(x, at, 1)?;
        }
        Ok(arg)
    })?;
    Ok(Callee::new(graph, args))
}

fn template(
    op: &str,
    attrs: Option<&AttrsDoc>,
    place: Place<'_>,
    params: &[Name],
    registry: &OpRegistry,
) -> Read<OpTemplate> {
    let kind = registry.kind(op).map_err(|e| place.field("op").error(e))?;
    let at = place.field("attrs");
    let mut exprs = Vec::new();
    for (name, x) in attrs.map(|a| a.0.as_slice()).unwrap_or_default() {
        exprs.push((name.clone(), expr(x, at.field(name))?));
    }
    make_template(kind, exprs, params).map_err(|e| {
        use OpError::{Attr, Eval, UnknownAttr};
        match &e {
            UnknownAttr { attr, .. } | Attr { attr, .. } | Eval { attr, .. } => at.field(attr).error(&e),
            _ => place.error(&e),
        }
    })
}
