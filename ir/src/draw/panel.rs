//! The SVG of one panel: edges below, then labels, then nodes.

use super::layout::{Outline, Point, Rect, Route};
use super::measure::{DETAIL_LINE, DETAIL_SIZE, LABEL_LINE, LABEL_SIZE, TITLE_LINE, TITLE_SIZE, TYPE_SIZE};
use super::page::Panel;
use super::palette::class;
use super::svg::number;
use super::text::{elide, escape_xml, markup};
use super::{NodeKind, Sketch, SketchEdge, SketchNode, measure};

/// Writes the panel's sketch, without its frame and heading.
pub(super) fn write(out: &mut String, sketch: &Sketch, panel: &Panel) {
    let Point { x, y } = panel.origin;
    out.push_str(&format!("<g transform=\"translate({} {})\">\n", number(x), number(y)));
    let layout = &panel.layout;
    for (edge, route) in sketch.edges.iter().zip(&layout.routes) {
        if let Some(route) = route {
            curve(out, edge, route);
        }
    }
    for (edge, rect) in sketch.edges.iter().zip(&layout.labels) {
        if let Some(rect) = rect {
            label(out, edge, *rect);
        }
    }
    for ((node, rect), outline) in sketch.nodes.iter().zip(&layout.nodes).zip(&layout.outlines) {
        self::node(out, node, *rect, *outline);
    }
    out.push_str("</g>\n");
}

fn curve(out: &mut String, edge: &SketchEdge, route: &Route) {
    let mut path = format!("M{}", pair(route.start));
    for [a, b, end] in &route.pieces {
        path.push_str(&format!("C{} {} {}", pair(*a), pair(*b), pair(*end)));
    }
    let [tip, left, right] = route.arrow;
    let dashed = if edge.dashed { " dashed" } else { "" };
    let group = edge.kind.map_or("", class);
    let open = if group.is_empty() { "<g>".to_owned() } else { format!("<g class=\"{group}\">") };
    out.push_str(&format!(
        "{open}<path class=\"edge{dashed}\" d=\"{path}\"/><path class=\"head\" d=\"M{}L{}L{}Z\"/></g>\n",
        pair(tip),
        pair(left),
        pair(right)
    ));
}

fn label(out: &mut String, edge: &SketchEdge, rect: Rect) {
    let lines = measure::label_lines(edge);
    let center = rect.center();
    let size = if edge.kind.is_some() { LABEL_SIZE } else { TYPE_SIZE };
    let tooltip = match edge.label.as_deref() {
        Some(label) if label.lines().any(|line| elide(line) != line) => title(label),
        _ => String::new(),
    };
    match edge.kind {
        Some(kind) => {
            let open = if edge.dashed { " open" } else { "" };
            out.push_str(&format!("<g class=\"{}\">{tooltip}", class(kind)));
            rounded(out, &format!("shape{open}"), rect, (rect.h / 2.0).min(10.0));
        }
        None => {
            out.push_str(&format!("<g>{tooltip}"));
            rounded(out, "ground", rect, 3.0);
        }
    }
    let top = center.y - lines.len() as f64 * LABEL_LINE / 2.0;
    let class = if edge.kind.is_some() { "label" } else { "type muted" };
    for (k, line) in lines.iter().enumerate() {
        let middle = top + (k as f64 + 0.5) * LABEL_LINE;
        let at = Point { x: center.x, y: middle + 0.35 * size };
        text(out, class, at, &markup(line, size));
    }
    out.push_str("</g>\n");
}

fn node(out: &mut String, node: &SketchNode, rect: Rect, outline: Outline) {
    let open = if node.open { " open" } else { "" };
    out.push_str(&format!("<g class=\"{}\">{}", class(node.kind), title(&tooltip(node))));
    match outline {
        Outline::Circle => {
            let center = rect.center();
            out.push_str(&format!(
                "<circle class=\"shape{open}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>",
                number(center.x),
                number(center.y),
                number(rect.w / 2.0)
            ));
        }
        Outline::Pill => rounded(out, &format!("shape{open}"), rect, rect.h.min(rect.w) / 2.0),
        Outline::Box => rounded(out, &format!("shape{open}"), rect, 6.0),
    }
    if node.kind == NodeKind::Call && outline == Outline::Box {
        let (left, right) = (rect.x + 6.0, rect.x + rect.w - 6.0);
        let (top, height) = (number(rect.y), number(rect.h));
        out.push_str(&format!(
            "<path class=\"bar\" d=\"M{} {top}v{height}M{} {top}v{height}\"/>",
            number(left),
            number(right)
        ));
    }
    let center = rect.center();
    let block = TITLE_LINE + node.detail.len() as f64 * DETAIL_LINE;
    let top = center.y - block / 2.0;
    let at = |middle: f64, size: f64| Point { x: center.x, y: middle + 0.35 * size };
    text(out, "title", at(top + TITLE_LINE / 2.0, TITLE_SIZE), &markup(&elide(&node.title), TITLE_SIZE));
    for (k, line) in node.detail.iter().enumerate() {
        let middle = top + TITLE_LINE + (k as f64 + 0.5) * DETAIL_LINE;
        text(out, "detail", at(middle, DETAIL_SIZE), &markup(&elide(line), DETAIL_SIZE));
    }
    out.push_str("</g>\n");
}

/// What a pointer over the node shows: its id, and in full what the box cuts short.
fn tooltip(node: &SketchNode) -> String {
    let mut parts = vec![node.id.as_str()];
    let lines = std::iter::once(&node.title).chain(&node.detail);
    parts.extend(lines.map(String::as_str).filter(|line| elide(line) != *line));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

fn title(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("<title>{}</title>", escape_xml(text))
}

pub(super) fn rounded(out: &mut String, class: &str, rect: Rect, radius: f64) {
    out.push_str(&format!(
        "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>",
        number(rect.x),
        number(rect.y),
        number(rect.w),
        number(rect.h),
        number(radius)
    ));
}

/// A line of text; `content` is markup.
pub(super) fn text(out: &mut String, class: &str, at: Point, content: &str) {
    out.push_str(&format!("<text class=\"{class}\" x=\"{}\" y=\"{}\">{content}</text>", number(at.x), number(at.y)));
}

fn pair(point: Point) -> String {
    format!("{} {}", number(point.x), number(point.y))
}
