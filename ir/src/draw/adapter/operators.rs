//! A graph as boxes: a node is an operation, an edge a tensor.

use super::view::{Act, Item, View};
use super::words;
use crate::draw::{Direction, NodeKind, Sketch, SketchEdge, SketchNode};
use crate::graph::{Reduce, Val};
use crate::ty::TensorType;
use rustc_hash::{FxHashMap, FxHashSet};

/// Candidates that a choice's box names, in lines of this width.
const CANDIDATE_LINES: usize = 8;
const CANDIDATE_WIDTH: usize = 26;

pub(super) fn sketch(view: &View<'_>) -> Sketch {
    let mut sketch = Sketch::new(heading(view), Direction::TopDown);
    let places = view.places();
    for item in &view.items {
        sketch.node(node(view, item));
    }
    let mut labels = Labels::new(view);
    for (to, item) in view.items.iter().enumerate() {
        for val in &item.operands {
            let Some(from) = places.get(&val.node) else { continue };
            let mut edge = SketchEdge::new(*from, to);
            edge.label = labels.of(val);
            sketch.edge(edge);
        }
    }
    let several = view.outputs.len() > 1;
    for (k, val) in view.outputs.iter().enumerate() {
        let Some(from) = places.get(&val.node) else { continue };
        let title = if several { format!("output {k}") } else { "output".to_owned() };
        let mut node = SketchNode::new(format!("return {val}"), title, NodeKind::Output);
        let ty = view.items[*from].types.as_ref().and_then(|t| t.get(usize::from(val.out)));
        if let Some(ty) = ty {
            node = node.with_detail(words::tensor(ty));
        }
        let to = sketch.node(node);
        let mut edge = SketchEdge::new(*from, to);
        edge.label = labels.output_of(val);
        sketch.edge(edge);
    }
    sketch
}

/// `cell<c>`.
pub(super) fn heading(view: &View<'_>) -> String {
    let params = view.graph.params().join(", ");
    if params.is_empty() { view.graph.name().to_string() } else { format!("{}<{params}>", view.graph.name()) }
}

fn node(view: &View<'_>, item: &Item<'_>) -> SketchNode {
    let id = format!("%{}", item.name);
    let mut detail: Vec<String> = Vec::new();
    let (title, kind) = match &item.act {
        Act::Input => {
            detail.extend(item.types.iter().flatten().map(words::tensor));
            (item.name.to_string(), NodeKind::Input)
        }
        Act::Op(op) => {
            let kind = NodeKind::of_op(op.name());
            match (item.chosen, words::attributes(op)) {
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
            if let Some(label) = item.chosen {
                let arguments = arguments.map(|a| format!(" {a}")).unwrap_or_default();
                detail.push(format!("{}{arguments}", callee.graph));
                (label.to_string(), NodeKind::Call)
            } else {
                detail.extend(arguments);
                (callee.graph.to_string(), NodeKind::Call)
            }
        }
        Act::Repeat(depth, callee) => {
            detail.extend(words::arguments(view.module, callee));
            (format!("{} × {depth}", callee.graph), NodeKind::Call)
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
        Act::Select(Some(decision), reduce) => {
            detail.push(format!("select, {}", reduce.as_str()));
            (decision.to_string(), NodeKind::Choice)
        }
        Act::Select(None, reduce) => (merged(*reduce).to_owned(), NodeKind::Merge),
    };
    SketchNode { id, title, detail, kind }
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
    types: FxHashMap<Val, &'a TensorType>,
    /// What needs no label: inputs, whose boxes show their types, and values like what they were made of.
    plain: FxHashSet<Val>,
    /// Producers of which more than the first output is used.
    split: FxHashSet<crate::value::Name>,
    done: FxHashSet<Val>,
}

impl<'a> Labels<'a> {
    fn new(view: &'a View<'a>) -> Self {
        let mut types: FxHashMap<Val, &TensorType> = FxHashMap::default();
        let mut plain = FxHashSet::default();
        for item in &view.items {
            for (out, ty) in item.types.iter().flatten().enumerate() {
                let val = Val { node: item.name.clone(), out: out as u8 };
                let same = item.operands.first().is_some_and(|x| types.get(x) == Some(&ty));
                if same || matches!(item.act, Act::Input) {
                    plain.insert(val.clone());
                }
                types.insert(val, ty);
            }
        }
        let used = view.items.iter().flat_map(|i| &i.operands).chain(&view.outputs);
        let split = used.filter(|v| v.out > 0).map(|v| v.node.clone()).collect();
        Self { types, plain, split, done: FxHashSet::default() }
    }

    fn of(&mut self, val: &Val) -> Option<String> {
        let number = self.output_of(val);
        let ty = self.types.get(val).filter(|_| !self.plain.contains(val) && self.done.insert(val.clone()));
        match (number, ty.map(|ty| words::tensor(ty))) {
            (Some(number), Some(ty)) => Some(format!("{number}\n{ty}")),
            (number, ty) => number.or(ty),
        }
    }

    /// Which output of its producer a value is, if that matters.
    fn output_of(&self, val: &Val) -> Option<String> {
        self.split.contains(&val.node).then(|| format!(".{}", val.out))
    }
}
