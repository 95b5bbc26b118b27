//! Graphviz DOT text of a drawing: a cluster per panel, in the colours of the SVG.

use super::measure::{self, Outline};
use super::text::{self, Script};
use super::{Direction, Drawing, NodeKind, Sketch, SketchEdge, SketchNode, palette};

pub(super) fn render(drawing: &Drawing) -> String {
    let mut out = String::from("digraph {\n");
    // One graph has one direction; the entry graph decides.
    let direction = drawing.sketches.first().map(|sketch| sketch.direction);
    let rankdir = match direction {
        Some(Direction::LeftRight) => "LR",
        Some(Direction::TopDown) | None => "TB",
    };
    let mut heading = drawing.title.clone();
    if let Some(subtitle) = &drawing.subtitle {
        heading = format!("{heading}\n{subtitle}");
    }
    let heading = quote(&heading);
    out.push_str(&format!(
        "  graph [rankdir={rankdir}, label={heading}, labelloc=t, labeljust=l, fontname=\"Helvetica\", fontsize=16];\n"
    ));
    out.push_str("  node [fontname=\"Helvetica\", fontsize=11, penwidth=1.2];\n");
    out.push_str(&format!(
        "  edge [fontname=\"Helvetica\", fontsize=10, color=\"{}\", arrowsize=0.7];\n",
        palette::LIGHT.edge
    ));
    for (index, sketch) in drawing.sketches.iter().enumerate() {
        cluster(&mut out, index, sketch);
    }
    out.push_str("}\n");
    out
}

fn cluster(out: &mut String, index: usize, sketch: &Sketch) {
    out.push_str(&format!(
        "  subgraph cluster_{index} {{\n    graph [label={}, fontsize=13, style=rounded, color=\"{}\"];\n",
        quote(&std::iter::once(&sketch.name).chain(&sketch.note).cloned().collect::<Vec<_>>().join("\n")),
        palette::LIGHT.frame
    ));
    let outlines = measure::nodes(sketch, None);
    for (k, (node, (outline, _))) in sketch.nodes.iter().zip(outlines).enumerate() {
        out.push_str(&format!("    s{index}n{k} [{}];\n", node_attributes(node, outline)));
    }
    for (k, edge) in sketch.edges.iter().enumerate() {
        if sketch.draws_edge(k) {
            let attributes = edge_attributes(edge);
            let list = if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
            out.push_str(&format!("    s{index}n{} -> s{index}n{}{list};\n", edge.from, edge.to));
        }
    }
    out.push_str("  }\n");
}

fn node_attributes(node: &SketchNode, outline: Outline) -> String {
    let ink = palette::light(node.kind);
    let lines: Vec<&str> = std::iter::once(&node.title).chain(&node.detail).map(String::as_str).collect();
    let (shape, mut style) = match outline {
        Outline::Circle => ("circle", "filled".to_owned()),
        Outline::Box | Outline::Pill => ("box", "filled,rounded".to_owned()),
    };
    if node.open {
        style.push_str(",dashed");
    }
    let peripheries = if node.kind == NodeKind::Call { ", peripheries=2" } else { "" };
    format!(
        "label={}, tooltip={}, shape={shape}, style=\"{style}\"{peripheries}, fillcolor=\"{}\", color=\"{}\", fontcolor=\"{}\"",
        label(&lines),
        quote(&node.id),
        ink.fill,
        ink.line,
        ink.text
    )
}

fn edge_attributes(edge: &SketchEdge) -> Vec<String> {
    let mut attributes = Vec::new();
    if let Some(text) = edge.label.as_deref().filter(|text| !text.trim().is_empty()) {
        attributes.push(format!("label={}", label(&text.lines().collect::<Vec<_>>())));
    }
    if let Some(kind) = edge.kind {
        let ink = palette::light(kind);
        attributes.push(format!("color=\"{}\", fontcolor=\"{}\"", ink.line, ink.text));
    }
    if edge.dashed {
        attributes.push("style=dashed".to_owned());
    }
    attributes
}

/// A label of several lines: a quoted string, or where a line has subscripts, the HTML-like
/// form that can set them.
fn label(lines: &[&str]) -> String {
    let plain = lines.iter().all(|line| text::runs(line).iter().all(|run| run.script == Script::Normal));
    if plain {
        return quote(&lines.join("\n"));
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            text::runs(line)
                .iter()
                .map(|run| {
                    let text = text::escape_xml(&run.text);
                    match run.script {
                        Script::Normal => text,
                        Script::Sub => format!("<SUB>{text}</SUB>"),
                        Script::Super => format!("<SUP>{text}</SUP>"),
                    }
                })
                .collect()
        })
        .collect();
    format!("<{}>", lines.join("<BR/>"))
}

/// A quoted string. A backslash starts an escape in labels, so it is doubled.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if crate::text::is_hidden(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{label, quote};

    #[test]
    fn strings_cannot_break_out() {
        assert_eq!(quote("a\"]; b\\\n"), "\"a\\\"]; b\\\\\\n\"");
        assert_eq!(label(&["c_{k-1}", "<b>"]), "<c<SUB>k\u{2212}1</SUB><BR/>&lt;b&gt;>");
    }
}
