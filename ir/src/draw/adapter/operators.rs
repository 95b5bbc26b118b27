//! A graph as boxes: a node is an operation, an edge a tensor.

use super::steps::Steps;
use super::view::{Act, Item, View};
use super::words;
use crate::decision::Domain;
use crate::draw::{Direction, NodeKind, Sketch, SketchEdge, SketchNode};
use crate::expr::DecisionRef;
use crate::graph::{Reduce, Val};
use crate::value::Name;
use rustc_hash::{FxHashMap, FxHashSet};

/// Candidates that a choice's box names, in lines of this width.
const CANDIDATE_LINES: usize = 8;
const CANDIDATE_WIDTH: usize = 26;
/// The width of the lines that say what open numbers may be.
const NOTE_WIDTH: usize = 44;

pub(super) fn sketch(view: &View<'_>) -> Sketch {
    let mut sketch = Sketch::new(&view.heading, Direction::TopDown);
    sketch.graph = view.graph.to_string();
    sketch.note = note(view);
    let places = view.places();
    for item in &view.items {
        sketch.node(node(view, item));
    }
    let mut labels = Labels::new(view);
    for (to, item) in view.items.iter().enumerate() {
        for (val, role) in item.operands.iter().zip(&item.roles) {
            let Some(from) = places.get(&val.node) else { continue };
            let mut edge = SketchEdge::new(*from, to);
            edge.label = match (role, labels.of(val)) {
                (Some(role), Some(label)) => Some(format!("{role}\n{label}")),
                (role, label) => role.clone().or(label),
            };
            sketch.edge(edge);
        }
    }
    let several = view.outputs.len() > 1;
    for (k, val) in view.outputs.iter().enumerate() {
        let Some(from) = places.get(&val.node) else { continue };
        let title = match view.titles.get(k) {
            Some(title) => title.clone(),
            None if several => format!("output {k}"),
            None => "output".to_owned(),
        };
        let mut node = SketchNode::new(format!("return {val}"), title, NodeKind::Output);
        let ty = view.items[*from].types.as_ref().and_then(|t| t.get(usize::from(val.out)));
        if let Some(ty) = ty {
            node = node.with_detail(ty);
        }
        let to = sketch.node(node);
        let mut edge = SketchEdge::new(*from, to);
        edge.label = labels.output_of(val);
        sketch.edge(edge);
    }
    sketch
}

fn node(view: &View<'_>, item: &Item) -> SketchNode {
    let id = format!("%{}", item.name);
    let mut detail: Vec<String> = Vec::new();
    let (title, kind) = match &item.act {
        Act::Input => {
            detail.extend(item.types.iter().flatten().cloned());
            (item.name.to_string(), NodeKind::Input)
        }
        Act::Op(op) => {
            let kind = NodeKind::of_op(op.name());
            match (&item.chosen, words::attributes(op)) {
                // The label says what it is; the op, if it says more, stands below.
                (Some(label), _) => {
                    if label != op.name() {
                        detail.push(op.name().to_owned());
                    }
                    (label.to_string(), kind)
                }
                (None, attributes) => {
                    detail.extend(attributes);
                    (op.name().to_owned(), kind)
                }
            }
        }
        Act::Call(callee) => {
            let arguments = words::arguments(view.module, callee);
            if let Some(label) = &item.chosen {
                let arguments = arguments.map(|a| format!(" {a}")).unwrap_or_default();
                detail.push(format!("{}{arguments}", callee.graph));
                (label.to_string(), NodeKind::Call)
            } else {
                detail.extend(arguments);
                (callee.graph.to_string(), NodeKind::Call)
            }
        }
        Act::Repeat(depth, index, callee) => {
            detail.extend(words::arguments(view.module, callee));
            detail.extend(index.as_ref().map(|i| words::numbers(i, depth)));
            (format!("{} × {depth}", callee.graph), NodeKind::Call)
        }
        Act::Steps(steps) => {
            detail.extend(steps.detail.iter().cloned());
            (format!("{} × {}", steps.title, steps.times), NodeKind::Call)
        }
        Act::Choice(decision, candidates) => {
            let mut lines = words::bars(candidates.iter().map(|(label, _)| label), CANDIDATE_WIDTH);
            if lines.len() > CANDIDATE_LINES {
                lines.truncate(CANDIDATE_LINES - 1);
                lines.push(format!("… {} candidates in all", candidates.len()));
            }
            detail.extend(lines);
            (decision.to_string(), NodeKind::Choice)
        }
        Act::Select(decision, reduce) => {
            let domain = view.module.decision(&decision.label).map(|d| &d.domain);
            detail.push(match domain {
                Some(Domain::Subset { .. }) | None => {
                    let which = domain.map(|d| format!("{d} inputs, ")).unwrap_or_default();
                    format!("{which}{}", reduce.as_str())
                }
                Some(_) => format!("one of {} inputs", item.operands.len()),
            });
            (decision.to_string(), NodeKind::Choice)
        }
        Act::Merge(reduce) => (merged(*reduce).to_owned(), NodeKind::Merge),
        Act::Nothing => {
            detail.push("no input is chosen".to_owned());
            ("zero".to_owned(), NodeKind::Other)
        }
    };
    let open = !item.act.open().is_empty();
    SketchNode { id, title, detail, kind, open: open || kind == NodeKind::Choice }
}

/// What the open numbers in a graph may be.
fn note(view: &View<'_>) -> Vec<String> {
    let open: Vec<&DecisionRef> = view.items.iter().flat_map(|i| i.act.open()).collect();
    view.note.iter().cloned().chain(words::domains(view.module, &open, NOTE_WIDTH)).collect()
}

/// What a decided select does.
fn merged(reduce: Reduce) -> &'static str {
    match reduce {
        Reduce::Sum => "add",
        Reduce::Mean => "mean",
        Reduce::Concat => "concat",
    }
}

/// The labels of edges: a value's type on its first edge, if it is not that of its producer's first operand.
struct Labels<'a> {
    types: FxHashMap<Val, &'a str>,
    /// What needs no label: inputs, whose boxes show their types, and values like what they were made of.
    plain: FxHashSet<Val>,
    /// Producers of which more than the first output is used.
    split: FxHashSet<Name>,
    /// Steps, with what their outputs are.
    steps: FxHashMap<&'a Name, &'a Steps>,
    done: FxHashSet<Val>,
}

impl<'a> Labels<'a> {
    fn new(view: &'a View<'a>) -> Self {
        let mut types: FxHashMap<Val, &str> = FxHashMap::default();
        let mut plain = FxHashSet::default();
        for item in &view.items {
            for (out, ty) in item.types.iter().flatten().enumerate() {
                let val = Val { node: item.name.clone(), out: out as u8 };
                let ty = ty.as_str();
                let same = item.operands.first().is_some_and(|x| types.get(x) == Some(&ty));
                if same || matches!(item.act, Act::Input) {
                    plain.insert(val.clone());
                }
                types.insert(val, ty);
            }
        }
        let used = view.items.iter().flat_map(|i| &i.operands).chain(&view.outputs);
        let split = used.filter(|v| v.out > 0).map(|v| v.node.clone()).collect();
        let steps = view.items.iter().filter_map(|i| match &i.act {
            Act::Steps(steps) => Some((&i.name, &**steps)),
            _ => None,
        });
        Self { types, plain, split, steps: steps.collect(), done: FxHashSet::default() }
    }

    fn of(&mut self, val: &Val) -> Option<String> {
        let number = self.output_of(val);
        let ty = self.types.get(val).filter(|_| !self.plain.contains(val) && self.done.insert(val.clone()));
        match (number, ty.map(|ty| (*ty).to_owned())) {
            (Some(number), Some(ty)) => Some(format!("{number}\n{ty}")),
            (number, ty) => number.or(ty),
        }
    }

    /// Which output of its producer a value is, if that matters.
    fn output_of(&self, val: &Val) -> Option<String> {
        match self.steps.get(&val.node) {
            Some(steps) => steps.outputs.get(usize::from(val.out)).cloned().flatten(),
            None => self.split.contains(&val.node).then(|| format!(".{}", val.out)),
        }
    }
}
