//! The shapes and sizes of nodes and labels, from their text.

use super::text::{self, Weight};
use super::{NodeKind, Sketch, SketchEdge};

/// Font sizes, in user units.
pub(super) const TITLE_SIZE: f64 = 13.0;
pub(super) const DETAIL_SIZE: f64 = 11.0;
pub(super) const LABEL_SIZE: f64 = 11.0;
pub(super) const TYPE_SIZE: f64 = 10.0;

/// The distance between two base lines.
pub(super) const TITLE_LINE: f64 = 17.0;
pub(super) const DETAIL_LINE: f64 = 14.0;
pub(super) const LABEL_LINE: f64 = 14.0;

/// The smallest distance between two arrowheads on one side of a node.
pub(super) const PORT_GAP: f64 = 9.0;

/// The outline of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outline {
    /// A rectangle with rounded corners: an operation.
    Box,
    /// A rectangle with half circles as its ends: an input, an output, a long tensor name.
    Pill,
    /// A circle: a tensor of a cell picture.
    Circle,
}

/// A width and a height, in user units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// The extent along x.
    pub w: f64,
    /// The extent along y.
    pub h: f64,
}

/// The outline and size of every node of a sketch. With the layers of the nodes, plain edges of a node that go far leave it
/// at one place.
pub(super) fn nodes(sketch: &Sketch, ranks: Option<&[usize]>) -> Vec<(Outline, Size)> {
    let is_cell = sketch.is_cell();
    let (mut fan_in, mut fan_out) = (vec![0; sketch.nodes.len()], vec![0; sketch.nodes.len()]);
    let mut leaves = vec![false; sketch.nodes.len()];
    for (index, edge) in sketch.edges.iter().enumerate() {
        if sketch.draws_edge(index) {
            let is_far = ranks.is_some_and(|ranks| ranks[edge.to] > ranks[edge.from] + 1);
            if !(is_far && is_plain(edge) && std::mem::replace(&mut leaves[edge.from], true)) {
                fan_out[edge.from] += 1;
            }
            fan_in[edge.to] += 1;
        }
    }
    let measured = (0..sketch.nodes.len()).map(|node| measure(sketch, node, is_cell, fan_in[node].max(fan_out[node])));
    equalize(sketch, measured.collect())
}

fn measure(sketch: &Sketch, index: usize, is_cell: bool, fan: usize) -> (Outline, Size) {
    let node = &sketch.nodes[index];
    let title = text::width(&text::elide(&node.title), TITLE_SIZE, Weight::Bold);
    let detail = node
        .detail
        .iter()
        .map(|line| text::width(&text::elide(line), DETAIL_SIZE, Weight::Regular))
        .fold(0.0, f64::max);
    let ends = matches!(node.kind, NodeKind::Input | NodeKind::Output);
    let lines = node.detail.len() as f64 * DETAIL_LINE;
    // The arrows of a node share the middle part of its side; the side must hold them.
    let side = fan.saturating_sub(1) as f64 * PORT_GAP;
    if node.kind == NodeKind::Tensor || (is_cell && ends) {
        let radius = (title / 2.0 + 7.0).max(17.0).max(side / 1.76);
        if radius <= 24.0 && node.detail.is_empty() {
            let d = (2.0 * radius).ceil();
            return (Outline::Circle, Size { w: d, h: d });
        }
    }
    let round = ends || node.kind == NodeKind::Tensor;
    let (mut w, mut h) = if round {
        (title.max(detail) + 30.0, TITLE_LINE + lines + 13.0)
    } else {
        (title.max(detail) + 24.0, TITLE_LINE + lines + 13.0)
    };
    if node.kind == NodeKind::Call {
        // Room for the two bars that mark a call.
        w += 12.0;
    }
    match sketch.direction {
        super::Direction::TopDown => w = w.max(side + 28.0),
        super::Direction::LeftRight => h = h.max(side + 20.0),
    }
    w = w.max(52.0);
    let outline = if round { Outline::Pill } else { Outline::Box };
    (outline, Size { w: w.ceil(), h: h.ceil() })
}

/// Gives all circles of a sketch one radius, as the field's figures do, and boxes of nearly
/// equal width the same width, so that a column of them has straight sides.
fn equalize(sketch: &Sketch, mut sizes: Vec<(Outline, Size)>) -> Vec<(Outline, Size)> {
    const STEP: f64 = 24.0;
    let widest =
        sizes.iter().filter(|(outline, _)| *outline == Outline::Circle).map(|(_, size)| size.w).fold(0.0, f64::max);
    for (index, (outline, size)) in sizes.iter_mut().enumerate() {
        match outline {
            Outline::Circle => *size = Size { w: widest, h: widest },
            Outline::Box if sketch.nodes[index].kind != NodeKind::Merge => {
                size.w = (size.w / STEP).ceil() * STEP;
            }
            _ => {}
        }
    }
    sizes
}

/// The lines of an edge's label as they are drawn; none if it has no label.
pub(super) fn label_lines(edge: &SketchEdge) -> Vec<String> {
    let label = edge.label.as_deref().unwrap_or_default().trim();
    if label.is_empty() {
        return Vec::new();
    }
    label.lines().map(text::elide).collect()
}

/// Whether an edge looks like any other that carries the same value.
pub(super) fn is_plain(edge: &SketchEdge) -> bool {
    edge.kind.is_none() && !edge.dashed && label(edge).is_none()
}

/// The size of an edge's label, or `None` if it has none.
pub(super) fn label(edge: &SketchEdge) -> Option<Size> {
    let lines = label_lines(edge);
    if lines.is_empty() {
        return None;
    }
    let (font, side, base) = if edge.kind.is_some() { (LABEL_SIZE, 9.0, 6.0) } else { (TYPE_SIZE, 4.0, 1.0) };
    let widest = lines.iter().map(|line| text::width(line, font, Weight::Regular)).fold(0.0, f64::max);
    Some(Size { w: (widest + 2.0 * side).ceil(), h: lines.len() as f64 * LABEL_LINE + base })
}
