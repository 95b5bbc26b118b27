//! A graph as a cell picture: a node is a tensor, an edge an operation.
//!
//! A graph is a cell if its nodes are inputs, merges (sums, means and concatenations, decided or not) and operations on
//! one tensor that feed one merge each, at least two of them. Everything else is drawn with boxes.

use super::operators::heading;
use super::view::{Act, Item, View};
use super::words;
use crate::draw::{Direction, NodeKind, Sketch, SketchEdge, SketchNode};
use crate::value::Name;
use rustc_hash::FxHashMap;

/// The width of the lines that name the candidates of all edges.
const NOTE_WIDTH: usize = 60;

/// The cell picture of a graph, if it is a cell.
pub(super) fn sketch(view: &View<'_>) -> Option<Sketch> {
    let places = view.places();
    let mut users: FxHashMap<usize, usize> = FxHashMap::default();
    for val in view.items.iter().flat_map(|i| &i.operands) {
        *users.entry(*places.get(&val.node)?).or_default() += 1;
    }
    let mut operations = 0;
    for (i, item) in view.items.iter().enumerate() {
        if item.operands.iter().any(|v| v.out > 0) {
            return None;
        }
        if is_tensor(item) {
            continue;
        }
        operations += 1;
        let [operand] = &item.operands[..] else { return None };
        if users.get(&i) != Some(&1) || !is_tensor(&view.items[places[&operand.node]]) {
            return None;
        }
    }
    let outputs: Vec<usize> = view.outputs.iter().map(|v| places.get(&v.node).copied()).collect::<Option<_>>()?;
    // An operation feeds one tensor, so it is no output; its user must be a tensor, as all its operands were checked.
    if operations < 2 || outputs.iter().any(|o| !is_tensor(&view.items[*o])) {
        return None;
    }
    Some(draw(view, &places, &users, &outputs))
}

fn is_tensor(item: &Item<'_>) -> bool {
    match &item.act {
        Act::Input | Act::Select(..) => true,
        Act::Op(op) => item.chosen.is_none() && matches!(op.name(), "add" | "concat"),
        _ => false,
    }
}

fn draw(
    view: &View<'_>,
    places: &FxHashMap<&Name, usize>,
    users: &FxHashMap<usize, usize>,
    outputs: &[usize],
) -> Sketch {
    let mut sketch = Sketch::new(heading(view), Direction::LeftRight);
    let mut drawn: FxHashMap<usize, usize> = FxHashMap::default();
    for (i, item) in view.items.iter().enumerate().filter(|(_, item)| is_tensor(item)) {
        let kind = match item.act {
            Act::Input => NodeKind::Input,
            _ if outputs.contains(&i) && !users.contains_key(&i) => NodeKind::Output,
            _ => NodeKind::Tensor,
        };
        let id = match &item.act {
            Act::Select(Some(decision), _) => format!("%{}: {decision}", item.name),
            _ => format!("%{}", item.name),
        };
        drawn.insert(i, sketch.node(SketchNode::new(id, item.name.as_str(), kind)));
    }
    for (i, item) in view.items.iter().enumerate().filter(|(_, item)| is_tensor(item)) {
        for val in &item.operands {
            let source = places[&val.node];
            if let Some(from) = drawn.get(&source) {
                sketch.edge(SketchEdge::new(*from, drawn[&i]));
                continue;
            }
            let operation = &view.items[source];
            let from = drawn[&places[&operation.operands[0].node]];
            sketch.edge(edge(view, operation, SketchEdge::new(from, drawn[&i])));
        }
    }
    // An output that others use, or an input, is still to be marked as one.
    for output in outputs.iter().filter(|o| sketch.nodes[drawn[o]].kind != NodeKind::Output).collect::<Vec<_>>() {
        let to = sketch.node(SketchNode::new("return", "out", NodeKind::Output));
        sketch.edge(SketchEdge::new(drawn[output], to));
    }
    sketch.note = note(view);
    sketch
}

fn edge(view: &View<'_>, item: &Item<'_>, edge: SketchEdge) -> SketchEdge {
    match &item.act {
        Act::Op(op) => {
            let label = item.chosen.map_or_else(|| words::operation(op), ToString::to_string);
            let edge = edge.with_op(&label, NodeKind::of_op(&label));
            if op.name() == "zero" { edge.dashed() } else { edge }
        }
        Act::Call(callee) => {
            let label = item.chosen.map_or_else(|| words::called(view.module, callee), ToString::to_string);
            let kind = match NodeKind::of_op(&label) {
                // A name that says nothing is still a graph with a panel of its own.
                NodeKind::Other if label != "skip_connect" => NodeKind::Call,
                kind => kind,
            };
            edge.with_op(label, kind)
        }
        Act::Repeat(depth, callee) => {
            edge.with_op(format!("{} × {depth}", words::called(view.module, callee)), NodeKind::Call)
        }
        Act::Choice(decision, _) => edge.with_op(decision.to_string(), NodeKind::Choice).dashed(),
        Act::Input | Act::Select(..) => edge,
    }
}

/// The candidates of the open choices, once if all have the same.
fn note(view: &View<'_>) -> Vec<String> {
    let mut lists: Vec<Vec<&Name>> = Vec::new();
    for item in &view.items {
        if let Act::Choice(_, candidates) = &item.act {
            let list: Vec<&Name> = candidates.iter().map(|(label, _)| label).collect();
            if !lists.contains(&list) {
                lists.push(list);
            }
        }
    }
    match &lists[..] {
        [list] => {
            let mut lines = words::bars(list.iter().copied(), NOTE_WIDTH);
            lines[0].insert_str(0, "each edge one of ");
            lines
        }
        _ => Vec::new(),
    }
}
