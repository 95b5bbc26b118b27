//! The colours of the kinds, for light and for dark paper.

use super::{NodeKind, measure, page};

/// The colours of one kind, as CSS colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ink {
    pub fill: &'static str,
    pub line: &'static str,
    pub text: &'static str,
}

/// The colours of everything that has no kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paper {
    pub ground: &'static str,
    pub frame: &'static str,
    pub edge: &'static str,
    pub text: &'static str,
    pub muted: &'static str,
}

pub(super) const LIGHT: Paper =
    Paper { ground: "#ffffff", frame: "#d5dae1", edge: "#5d6775", text: "#1c222b", muted: "#5b6573" };

pub(super) const DARK: Paper =
    Paper { ground: "#14181f", frame: "#353d49", edge: "#98a3b3", text: "#e8ecf1", muted: "#a3adba" };

const fn ink(fill: &'static str, line: &'static str, text: &'static str) -> Ink {
    Ink { fill, line, text }
}

/// The colours of a kind on light paper.
pub(super) const fn light(kind: NodeKind) -> Ink {
    match kind {
        NodeKind::Input | NodeKind::Output => ink("#e8ebf0", "#4a5565", "#1c222b"),
        NodeKind::Tensor => ink("#ffffff", "#4a5565", "#1c222b"),
        NodeKind::Conv => ink("#dfebfb", "#2f6fbe", "#123a6b"),
        NodeKind::Linear => ink("#e8e4fb", "#6652c4", "#372886"),
        NodeKind::Norm => ink("#d9f1ed", "#1f8577", "#0d4a42"),
        NodeKind::Activation => ink("#fdeecb", "#b87c0a", "#6b4700"),
        NodeKind::Pool => ink("#fbe2df", "#c04a3f", "#74231b"),
        NodeKind::Merge => ink("#dde3ec", "#56657b", "#26313f"),
        NodeKind::Shape => ink("#efeae2", "#8a7a60", "#4a3f2d"),
        NodeKind::Call => ink("#e3f1da", "#55882f", "#2e5113"),
        NodeKind::Choice => ink("#fae1f1", "#b23a92", "#6c1a56"),
        NodeKind::Other => ink("#f2f4f7", "#7e8998", "#333c48"),
    }
}

/// The colours of a kind on dark paper.
pub(super) const fn dark(kind: NodeKind) -> Ink {
    match kind {
        NodeKind::Input | NodeKind::Output => ink("#2c3440", "#a3aebd", "#eef1f5"),
        NodeKind::Tensor => ink("#14181f", "#a3aebd", "#eef1f5"),
        NodeKind::Conv => ink("#17304f", "#6aa5ee", "#d6e7fc"),
        NodeKind::Linear => ink("#2b2553", "#9c8cf0", "#e3defc"),
        NodeKind::Norm => ink("#113a35", "#4fbfae", "#d2f2ec"),
        NodeKind::Activation => ink("#44330d", "#dba536", "#fcecc6"),
        NodeKind::Pool => ink("#4a201c", "#e8857b", "#fbdfdc"),
        NodeKind::Merge => ink("#2b3543", "#93a3b9", "#e2e8f0"),
        NodeKind::Shape => ink("#3a3426", "#bdaa8a", "#efe8dc"),
        NodeKind::Call => ink("#243a17", "#8cc264", "#e2f2d7"),
        NodeKind::Choice => ink("#46193a", "#e07fc4", "#fbdff2"),
        NodeKind::Other => ink("#262d37", "#8b96a6", "#dce1e8"),
    }
}

/// The CSS class of a kind.
pub(super) const fn class(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Input | NodeKind::Output => "k-io",
        NodeKind::Tensor => "k-tensor",
        NodeKind::Conv => "k-conv",
        NodeKind::Linear => "k-linear",
        NodeKind::Norm => "k-norm",
        NodeKind::Activation => "k-act",
        NodeKind::Pool => "k-pool",
        NodeKind::Merge => "k-merge",
        NodeKind::Shape => "k-shape",
        NodeKind::Call => "k-call",
        NodeKind::Choice => "k-choice",
        NodeKind::Other => "k-other",
    }
}

/// A style sheet with the classes that the drawing uses. Plain colours come first, so that a
/// converter that knows neither media queries nor variables still gets the light drawing.
pub(super) fn style(kinds: &[NodeKind]) -> String {
    let mut css = format!(".lanista text{{font-family:{};text-anchor:middle}}", super::text::FONT_STACK);
    css.push_str(".lanista .left{text-anchor:start}");
    for (class, size, weight) in [
        ("heading", page::HEADING_SIZE, 700),
        ("subtitle", page::SUBTITLE_SIZE, 400),
        ("panel", page::PANEL_SIZE, 700),
        ("title", measure::TITLE_SIZE, 700),
        ("detail", measure::DETAIL_SIZE, 400),
        ("label", measure::LABEL_SIZE, 400),
        ("type", measure::TYPE_SIZE, 400),
    ] {
        css.push_str(&format!(".lanista .{class}{{font-size:{size}px;font-weight:{weight}}}"));
    }
    css.push_str(".lanista .frame{fill:none;stroke-width:1}");
    css.push_str(".lanista .edge{fill:none;stroke-width:1.4}");
    css.push_str(".lanista .dashed{stroke-dasharray:4 3.5}");
    css.push_str(".lanista .shape{stroke-width:1.3}.lanista .bar{fill:none;stroke-width:1.1}");
    css.push_str(".lanista .open{stroke-dasharray:5 3}");
    css.push('\n');
    css.push_str(&colours(kinds, LIGHT, light));
    css.push_str("\n@media (prefers-color-scheme:dark){");
    css.push_str(&colours(kinds, DARK, dark));
    css.push('}');
    css
}

fn colours(kinds: &[NodeKind], paper: Paper, ink: fn(NodeKind) -> Ink) -> String {
    let Paper { ground, frame, edge, text, muted } = paper;
    let mut css = format!(
        ".lanista .ground{{fill:{ground}}}.lanista .frame{{stroke:{frame}}}\
         .lanista .edge{{stroke:{edge}}}.lanista .head{{fill:{edge}}}\
         .lanista text{{fill:{text}}}.lanista .muted{{fill:{muted}}}"
    );
    let mut written = Vec::new();
    for &kind in kinds {
        let class = class(kind);
        if written.contains(&class) {
            continue;
        }
        written.push(class);
        let Ink { fill, line, text } = ink(kind);
        css.push_str(&format!(
            ".lanista .{class} .shape{{fill:{fill};stroke:{line}}}.lanista .{class} .bar{{stroke:{line}}}\
             .lanista .{class} text{{fill:{text}}}\
             .lanista .{class} .edge{{stroke:{line}}}.lanista .{class} .head{{fill:{line}}}"
        ));
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("two hex digits");
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The thresholds of WCAG 2: 7 for text at the enhanced level, 3 for lines and outlines.
    #[test]
    fn texts_and_lines_are_legible() {
        for kind in NodeKind::ALL {
            for (paper, ink) in [(LIGHT, light(kind)), (DARK, dark(kind))] {
                assert!(contrast(ink.fill, ink.text) >= 7.0, "{kind:?} text");
                assert!(contrast(paper.ground, ink.line) >= 3.0, "{kind:?} line");
            }
        }
        for paper in [LIGHT, DARK] {
            assert!(contrast(paper.ground, paper.text) >= 7.0);
            assert!(contrast(paper.ground, paper.muted) >= 4.5);
            assert!(contrast(paper.ground, paper.edge) >= 4.5);
        }
    }
}
