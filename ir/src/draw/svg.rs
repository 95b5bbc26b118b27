//! The SVG document: style, heading, panels and legend.

use super::layout::Point;
use super::page::{self, Page};
use super::text::{escape_xml, markup};
use super::{Drawing, NodeKind, palette, panel};

pub(super) fn render(drawing: &Drawing) -> String {
    let page = page::set(drawing);
    let (w, h) = (number(page.size.w), number(page.size.h));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lanista\" role=\"img\" \
         width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\">\n"
    );
    out.push_str(&format!(
        "<title>{}</title>\n<desc>{}</desc>\n<style>\n{}\n</style>\n",
        escape_xml(&drawing.title),
        escape_xml(&description(drawing)),
        palette::style(&kinds(drawing))
    ));
    out.push_str(&format!("<rect class=\"ground\" width=\"{w}\" height=\"{h}\"/>\n"));
    headings(&mut out, drawing, &page);
    for (sketch, placed) in drawing.sketches.iter().zip(&page.panels) {
        if let Some(frame) = placed.frame {
            panel::rounded(&mut out, "frame", frame, 10.0);
            out.push('\n');
        }
        if let Some(at) = placed.heading {
            let class = if placed.frame.is_some() { "panel left" } else { "panel left muted" };
            lines(&mut out, class, at, &placed.lines, page::PANEL_SIZE, page::PANEL_LINE);
        }
        lines(&mut out, "detail left muted", placed.note, &sketch.note, page::NOTE_SIZE, page::NOTE_LINE);
        panel::write(&mut out, sketch, placed);
    }
    legend(&mut out, &page);
    out.push_str("</svg>\n");
    out
}

/// A number as SVG has it: to a hundredth, without trailing zeros or a negative zero.
pub(super) fn number(value: f64) -> String {
    let hundredths = (value * 100.0).round();
    if hundredths == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{:.2}", hundredths / 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Lines of text below each other, from the left end of the first base line on.
fn lines(out: &mut String, class: &str, first: Point, lines: &[String], size: f64, distance: f64) {
    for (k, line) in lines.iter().enumerate() {
        let at = Point { x: first.x, y: first.y + k as f64 * distance };
        panel::text(out, class, at, &markup(line, size));
        out.push('\n');
    }
}

fn headings(out: &mut String, drawing: &Drawing, page: &Page) {
    if let Some(at) = page.heading {
        lines(out, "heading left", at, &page.title, page::HEADING_SIZE, page::HEADING_LINE);
    }
    if let (Some(at), Some(subtitle)) = (page.subtitle, &drawing.subtitle) {
        let subtitle = markup(subtitle, page::SUBTITLE_SIZE);
        panel::text(out, "subtitle left muted", at, &subtitle);
        out.push('\n');
    }
}

fn legend(out: &mut String, page: &Page) {
    for entry in &page.legend {
        let Point { x, y } = entry.at;
        let open = if matches!(entry.kind, Some(NodeKind::Choice) | None) { " open" } else { "" };
        out.push_str(&format!(
            "<g class=\"{}\"><rect class=\"shape{open}\" x=\"{}\" y=\"{}\" width=\"{s}\" height=\"{s}\" rx=\"3\"/></g>",
            palette::class(entry.kind.unwrap_or(NodeKind::Tensor)),
            number(x),
            number(y),
            s = number(page::SWATCH)
        ));
        let at = Point { x: x + page::SWATCH + 6.0, y: y + 10.0 };
        panel::text(out, "label left muted", at, page::entry_name(entry.kind));
        out.push('\n');
    }
}

/// The kinds that the drawing uses, in a fixed order.
fn kinds(drawing: &Drawing) -> Vec<NodeKind> {
    let used = |kind: NodeKind| {
        drawing.sketches.iter().any(|sketch| {
            sketch.nodes.iter().any(|node| node.kind == kind) || sketch.edges.iter().any(|edge| edge.kind == Some(kind))
        })
    };
    // The legend's swatch for what is open is a tensor's.
    let open = drawing.sketches.iter().any(|sketch| sketch.nodes.iter().any(|node| node.open));
    NodeKind::ALL.into_iter().filter(|&kind| used(kind) || (open && kind == NodeKind::Tensor)).collect()
}

/// What a screen reader says after the title.
fn description(drawing: &Drawing) -> String {
    let count = |n: usize, one: &str| {
        if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
    };
    let panels: Vec<String> = drawing
        .sketches
        .iter()
        .map(|sketch| {
            let drawn = (0..sketch.edges.len()).filter(|&k| sketch.draws_edge(k)).count();
            format!("{}: {}, {}", sketch.name, count(sketch.nodes.len(), "node"), count(drawn, "edge"))
        })
        .collect();
    let mut parts: Vec<String> = drawing.subtitle.iter().cloned().collect();
    parts.extend(panels);
    parts.join(". ")
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(0.0, "0"), (-0.001, "0"), (12.0, "12"), (1.504, "1.5"), (-3.456, "-3.46")] {
            assert_eq!(number(value), text);
        }
    }
}
