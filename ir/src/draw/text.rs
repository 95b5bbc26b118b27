//! Text: its width on the page, its subscripts, and its escape into XML.
//!
//! Widths come from a table, since no font is at hand when a file is written. The table holds
//! the advance widths that Helvetica, Arial, Liberation Sans and Arimo have in common, in
//! thousandths of the font size, and [`FONT_STACK`] names those fonts; a viewer that has none
//! of them is served by the margins around every text.

/// The fonts the measures hold for.
pub(super) const FONT_STACK: &str = "Helvetica,Arial,'Liberation Sans',Arimo,sans-serif";

/// The longest text drawn on one line, in characters; the rest is in the tooltip.
const LONGEST_LINE: usize = 44;

/// The size of a subscript, as a part of the size of its text.
const SCRIPT_SIZE: f64 = 0.72;

/// The advance widths of U+0020 to U+007E, regular weight.
const REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// The advance widths of U+0020 to U+007E, bold.
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584,
];

/// The weight of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// The height of a run of text relative to its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Normal,
    Sub,
    Super,
}

/// A piece of a line at one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub script: Script,
    pub text: String,
}

/// Splits a line at its `_{..}` and `^{..}`. A hyphen inside one becomes a minus sign, because
/// scripts hold index arithmetic. A brace that never closes is ordinary text.
pub(super) fn runs(line: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut plain = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let script = if rest.starts_with("_{") {
            Script::Sub
        } else if rest.starts_with("^{") {
            Script::Super
        } else {
            Script::Normal
        };
        let close = rest.find('}').filter(|_| script != Script::Normal);
        let Some(close) = close else {
            plain.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        if !plain.is_empty() {
            runs.push(Run { script: Script::Normal, text: std::mem::take(&mut plain) });
        }
        runs.push(Run { script, text: rest[2..close].replace('-', "\u{2212}") });
        rest = &rest[close + 1..];
    }
    if !plain.is_empty() {
        runs.push(Run { script: Script::Normal, text: plain });
    }
    runs
}

/// The width of a line, scripts included, in user units for a font of `size` units.
pub(super) fn width(line: &str, size: f64, weight: Weight) -> f64 {
    runs(line)
        .iter()
        .map(|run| {
            let scale = match run.script {
                Script::Normal => 1.0,
                Script::Sub | Script::Super => SCRIPT_SIZE,
            };
            let units: f64 = run.text.chars().map(|c| advance(c, weight)).sum();
            units * scale * size / 1000.0
        })
        .sum()
}

/// The advance width of one character, in thousandths of the font size. Beyond ASCII it is a
/// guess on the wide side: East Asian and emoji characters are as wide as the font is high.
fn advance(c: char, weight: Weight) -> f64 {
    let table = match weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    };
    match u32::from(c) {
        code @ 0x20..=0x7e => f64::from(table[code as usize - 0x20]),
        0x300..=0x36f => 0.0,
        0x2190..=0x21ff | 0x2026 | 0x1100..=0x11ff | 0x2e80..=0xffff | 0x1_0000.. => 1000.0,
        _ => 620.0,
    }
}

/// The line, cut to what fits on the page, with an ellipsis for what was cut.
pub(super) fn elide(line: &str) -> String {
    if line.chars().count() <= LONGEST_LINE {
        return line.to_owned();
    }
    let mut cut: String = line.chars().take(LONGEST_LINE - 1).collect();
    cut.push('\u{2026}');
    cut
}

/// A text in lines of at most this width, in user units: broken behind spaces, commas and plus signs, behind other marks
/// where that is not enough, and within a word if nothing else helps.
pub(super) fn wrap(text: &str, size: f64, weight: Weight, most: f64) -> Vec<String> {
    fn split(text: &str, most: f64, wide: &dyn Fn(&str) -> f64, at: &[&[char]]) -> Vec<String> {
        if wide(text.trim_end()) <= most {
            return vec![text.to_owned()];
        }
        match at {
            [marks, rest @ ..] => text.split_inclusive(*marks).flat_map(|part| split(part, most, wide, rest)).collect(),
            [] => text.chars().map(String::from).collect(),
        }
    }
    let wide = |line: &str| width(line, size, weight);
    let mut lines: Vec<String> = Vec::new();
    for part in split(text, most, &wide, &[&[' ', ',', '+'], &['|', ')', ']', '_', '-', '/']]) {
        match lines.last_mut() {
            Some(line) if wide(&format!("{line}{}", part.trim_end())) <= most => line.push_str(&part),
            _ => lines.push(part),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The text as XML character data, also fit for a double-quoted attribute. Characters that XML
/// 1.0 forbids become U+FFFD, and line breaks become spaces.
pub(super) fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' | '\t' => out.push(' '),
            c if crate::text::is_hidden(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out
}

/// A line as SVG text content: escaped, with scripts as shifted `tspan` elements.
pub(super) fn markup(line: &str, size: f64) -> String {
    let mut out = String::new();
    let mut shift = 0.0;
    for run in runs(line) {
        let (height, scale) = match run.script {
            Script::Normal => (0.0, 1.0),
            Script::Sub => (0.24 * size, SCRIPT_SIZE),
            Script::Super => (-0.34 * size, SCRIPT_SIZE),
        };
        let text = escape_xml(&run.text);
        if height == 0.0 && shift == 0.0 {
            out.push_str(&text);
            continue;
        }
        let dy = super::svg::number(height - shift);
        let size = super::svg::number(size * scale);
        out.push_str(&format!(r#"<tspan dy="{dy}" font-size="{size}">{text}</tspan>"#));
        shift = height;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_found_and_bare_underscores_are_not() {
        let found = runs("c_{k-1}+batch_norm^{2}");
        let expected =
            [(Script::Normal, "c"), (Script::Sub, "k\u{2212}1"), (Script::Normal, "+batch_norm"), (Script::Super, "2")];
        assert_eq!(found.len(), expected.len());
        for (run, (script, text)) in found.iter().zip(expected) {
            assert_eq!((run.script, run.text.as_str()), (script, text));
        }
        assert_eq!(runs("x_{k").len(), 1);
    }

    #[test]
    fn markup_survives_what_xml_forbids() {
        assert_eq!(markup("a<b> & \"c\"\u{1}", 10.0), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}");
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let cut = elide(&"é".repeat(99));
        assert_eq!(cut.chars().count(), LONGEST_LINE);
        assert!(cut.ends_with('\u{2026}'));
    }

    #[test]
    fn wrapped_lines_are_narrow_and_lose_nothing() {
        for text in
            ["|a~0|+|b~0|c~1|+|nor_conv_3x3~0|skip_connect~1|d~2|", "[[0,1,0],[0,0,1]]", "one two three", "mmmmmmmmmm"]
        {
            let lines = wrap(text, 10.0, Weight::Bold, 60.0);
            assert!(lines.len() > 1 && lines.iter().all(|line| width(line, 10.0, Weight::Bold) <= 60.0), "{lines:?}");
            let bare = |text: &str| text.replace(' ', "");
            assert_eq!(bare(&lines.concat()), bare(text));
        }
        assert_eq!(wrap("|a~0|+|b~0|c~1|", 10.0, Weight::Regular, 45.0), ["|a~0|+", "|b~0|c~1|"]);
        assert_eq!(wrap("", 10.0, Weight::Bold, 60.0), [""]);
    }

    #[test]
    fn bold_is_wider() {
        let regular = width("conv2d", 12.0, Weight::Regular);
        assert!(regular > 30.0 && regular < width("conv2d", 12.0, Weight::Bold));
    }
}
