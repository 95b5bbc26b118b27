//! A graph as a cell picture: a node is a tensor, an edge an operation.
//!
//! A graph is a cell if its nodes are inputs, merges (sums, means and concatenations, decided or not) and operations on
//! one tensor that feed one merge each, at least two of them. Everything else is drawn with boxes.

use super::view::{Act, Item, View};
use super::words;
use crate::decision::Domain;
use crate::draw::{Direction, NodeKind, Sketch, SketchEdge, SketchNode};
use crate::expr::DecisionRef;
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
    let outputs: Vec<usize> = view.outputs.iter().map(|v| places.get(&v.node).copied()).collect::<Option<_>>()?;
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
        // Its user is a tensor, as all operands of operations are.
        let used = users.get(&i).copied().unwrap_or(0) + outputs.iter().filter(|o| **o == i).count();
        if used != 1 || !is_tensor(&view.items[places[&operand.node]]) {
            return None;
        }
    }
    let merges = view.items.iter().filter(|i| is_tensor(i) && !matches!(i.act, Act::Input)).count();
    if operations < 2 || merges == 0 {
        return None;
    }
    Some(draw(view, &places, &users, &outputs))
}

fn is_tensor(item: &Item) -> bool {
    match &item.act {
        Act::Input | Act::Select(..) | Act::Merge(_) => true,
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
    let mut sketch = Sketch::new(&view.heading, Direction::LeftRight);
    sketch.graph = view.graph.to_string();
    let mut drawn: FxHashMap<usize, usize> = FxHashMap::default();
    for (i, item) in view.items.iter().enumerate().filter(|(_, item)| is_tensor(item)) {
        let kind = match item.act {
            Act::Input => NodeKind::Input,
            _ if outputs.contains(&i) && !users.contains_key(&i) => NodeKind::Output,
            _ => NodeKind::Tensor,
        };
        let id = match &item.act {
            Act::Select(decision, _) => format!("%{}: {decision}", item.name),
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
    // An output that others use, an input, or what an operation makes, is still to be marked as one.
    for output in outputs {
        let mark = |sketch: &mut Sketch| sketch.node(SketchNode::new("return", "out", NodeKind::Output));
        match drawn.get(output) {
            Some(node) if sketch.nodes[*node].kind == NodeKind::Output => {}
            Some(node) => {
                let to = mark(&mut sketch);
                sketch.edge(SketchEdge::new(*node, to));
            }
            None => {
                let operation = &view.items[*output];
                let to = mark(&mut sketch);
                sketch.edge(edge(view, operation, SketchEdge::new(drawn[&places[&operation.operands[0].node]], to)));
            }
        }
    }
    sketch.note = note(view);
    sketch
}

fn edge(view: &View<'_>, item: &Item, edge: SketchEdge) -> SketchEdge {
    match &item.act {
        Act::Op(op) => {
            let label = item.chosen.as_ref().map_or_else(|| words::operation(op), ToString::to_string);
            let edge = edge.with_op(&label, NodeKind::of_op(&label));
            if op.name() == "zero" { edge.dashed() } else { edge }
        }
        Act::Call(callee) => {
            let label = item.chosen.as_ref().map_or_else(|| words::called(view.module, callee), ToString::to_string);
            let kind = match NodeKind::of_op(&label) {
                // A name that says nothing is still a graph with a panel of its own.
                NodeKind::Other if label != "skip_connect" => NodeKind::Call,
                kind => kind,
            };
            edge.with_op(label, kind)
        }
        Act::Repeat(depth, _, callee) => {
            edge.with_op(format!("{} × {depth}", words::called(view.module, callee)), NodeKind::Call)
        }
        Act::Choice(decision, _) => edge.with_op(decision.to_string(), NodeKind::Choice).dashed(),
        Act::Nothing => edge.with_op("none", NodeKind::Other).dashed(),
        Act::Steps(steps) => edge.with_op(format!("{} × {}", steps.title, steps.times), NodeKind::Call),
        Act::Input | Act::Select(..) | Act::Merge(_) => edge,
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
    let mut note = view.note.clone();
    if let [list] = &lists[..] {
        let mut lines = words::bars(list.iter().copied(), NOTE_WIDTH);
        lines[0].insert_str(0, "each edge one of ");
        note.extend(lines);
    }
    let selects = view.items.iter().filter_map(|i| match &i.act {
        Act::Select(decision, _) => view.module.decision(&decision.label).map(|d| (d, i.operands.len())),
        _ => None,
    });
    // How many of its edges a node keeps, if that is the same for all that choose.
    let kept: Vec<Option<u32>> = selects
        .map(|(d, operands)| match &d.domain {
            Domain::Subset { min, max, .. } => (min == max).then_some(*min),
            other => (operands > 1 && other.size().is_some()).then_some(1),
        })
        .collect();
    if let [Some(k), rest @ ..] = &kept[..]
        && rest.iter().all(|other| *other == Some(*k))
    {
        note.push(format!("a node that chooses keeps {k} of its edges"));
    }
    let open: Vec<&DecisionRef> = view.items.iter().flat_map(|i| i.act.open()).collect();
    note.extend(words::domains(view.module, &open, NOTE_WIDTH));
    note
}
