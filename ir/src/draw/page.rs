//! The page: a heading, the panels in columns, and a legend where one helps.

use super::layout::{self, Layout, Point, Rect, Size};
use super::measure;
use super::text::{self, Weight};
use super::{Drawing, NodeKind};

pub(super) const HEADING_SIZE: f64 = 19.0;
pub(super) const SUBTITLE_SIZE: f64 = 13.0;
pub(super) const PANEL_SIZE: f64 = 14.0;

/// The distances of the base lines of a heading, and of a panel's.
pub(super) const HEADING_LINE: f64 = 24.0;
pub(super) const PANEL_LINE: f64 = 18.0;
/// A heading is set in lines as wide as the drawing, but not narrower than this.
const HEADING_LEAST: f64 = 460.0;
/// The same for a panel's.
const PANEL_LEAST: f64 = 240.0;

const MARGIN: f64 = 22.0;
/// Between panels, and between the border of a panel and what it holds.
const GUTTER: f64 = 18.0;
const PADDING: f64 = 20.0;
/// The height of a panel's heading.
const PANEL_HEAD: f64 = 26.0;
/// The distance of the base lines of a panel's note, and its font size.
pub(super) const NOTE_LINE: f64 = 15.0;
pub(super) const NOTE_SIZE: f64 = 11.0;
/// Width by height that the columns aim at.
const ASPECT: f64 = 1.45;
/// A legend is drawn from this many kinds on: the titles in the boxes explain a few colours.
const LEGEND_FROM: usize = 4;
const LEGEND_ROW: f64 = 22.0;
pub(super) const SWATCH: f64 = 12.0;

/// A sketch on the page.
pub(super) struct Panel {
    pub layout: Layout,
    /// Where the layout's corner lies on the page.
    pub origin: Point,
    /// The border, if there are several panels.
    pub frame: Option<Rect>,
    /// The left end of the heading's first base line, if there is a heading, and its lines.
    pub heading: Option<Point>,
    pub lines: Vec<String>,
    /// The left end of the base line of the note's first line.
    pub note: Point,
}

/// A legend's entry: the kind, and the upper left corner of its swatch.
pub(super) struct Entry {
    /// None for what is open, whatever its kind.
    pub kind: Option<NodeKind>,
    pub at: Point,
}

/// Where everything lies.
pub(super) struct Page {
    pub size: Size,
    pub heading: Option<Point>,
    pub title: Vec<String>,
    pub subtitle: Option<Point>,
    /// One per sketch, in the drawing's order.
    pub panels: Vec<Panel>,
    pub legend: Vec<Entry>,
}

pub(super) fn set(drawing: &Drawing) -> Page {
    let framed = drawing.sketches.len() > 1;
    let layouts: Vec<Layout> = drawing.sketches.iter().map(layout::lay_out).collect();
    let has_heading = |index: usize| {
        let name = &drawing.sketches[index].name;
        !name.is_empty() && (framed || *name != drawing.title)
    };
    let lines: Vec<Vec<String>> = drawing
        .sketches
        .iter()
        .zip(&layouts)
        .map(|(sketch, layout)| {
            let most = layout.size.w.max(PANEL_LEAST);
            text::wrap(&sketch.name, PANEL_SIZE, Weight::Bold, most)
        })
        .collect();
    let note = |index: usize| drawing.sketches[index].note.len() as f64 * NOTE_LINE;
    let rest = |index: usize| (lines[index].len() - 1) as f64 * PANEL_LINE;
    let head = |index: usize| note(index) + if has_heading(index) { PANEL_HEAD + rest(index) } else { 0.0 };
    let padding = if framed { PADDING } else { 0.0 };
    let outer: Vec<Size> = layouts
        .iter()
        .enumerate()
        .map(|(index, layout)| {
            let name = lines[index].iter().map(|l| text::width(l, PANEL_SIZE, Weight::Bold)).fold(0.0, f64::max);
            let name = if has_heading(index) { name } else { 0.0 };
            let note = drawing.sketches[index].note.iter().map(|l| text::width(l, NOTE_SIZE, Weight::Regular));
            let widest = note.fold(layout.size.w.max(name), f64::max);
            Size { w: widest + 2.0 * padding, h: layout.size.h + head(index) + 2.0 * padding }
        })
        .collect();
    let (frames, area) = columns(&outer);

    let subtitle = drawing.subtitle.as_deref().unwrap_or_default();
    let subtitle_width = text::width(subtitle, SUBTITLE_SIZE, Weight::Regular);
    let most = area.w.max(subtitle_width).max(HEADING_LEAST);
    let title = text::wrap(&drawing.title, HEADING_SIZE, Weight::Bold, most);
    let heading_width = title.iter().map(|l| text::width(l, HEADING_SIZE, Weight::Bold)).fold(0.0, f64::max);
    let mut y = MARGIN;
    let heading = (!drawing.title.is_empty()).then(|| {
        let first = y + HEADING_SIZE - 3.0;
        y = first + (title.len() - 1) as f64 * HEADING_LINE + 3.0;
        Point { x: MARGIN, y: first }
    });
    let subtitle_at = (!subtitle.is_empty()).then(|| {
        y += SUBTITLE_SIZE + 7.0;
        Point { x: MARGIN, y: y - 3.0 }
    });
    if y > MARGIN {
        y += 14.0;
    }
    let inner = area.w.max(heading_width).max(subtitle_width);
    // A narrow drawing stands in the middle below a wide heading.
    let left = MARGIN + (inner - area.w) / 2.0;

    let panels = layouts
        .into_iter()
        .zip(&frames)
        .enumerate()
        .map(|(index, (layout, frame))| {
            let (x, top) = (left + frame.x, y + frame.y);
            let origin = Point { x: x + (frame.w - layout.size.w) / 2.0, y: top + padding + head(index) };
            let first =
                Point { x: if framed { x + 16.0 } else { MARGIN }, y: top + padding + if framed { 5.0 } else { 9.0 } };
            let heading = has_heading(index).then_some(first);
            let below = if has_heading(index) { NOTE_LINE + 2.0 + rest(index) } else { 0.0 };
            let note = Point { x: first.x, y: first.y + below };
            let frame = framed.then_some(Rect { x, y: top, w: frame.w, h: frame.h });
            Panel { layout, origin, frame, heading, lines: lines[index].clone(), note }
        })
        .collect();
    y += area.h;

    let legend = legend(drawing, inner, &mut y);
    Page {
        size: Size { w: inner + 2.0 * MARGIN, h: y + MARGIN },
        heading,
        title,
        subtitle: subtitle_at,
        panels,
        legend,
    }
}

/// Sets the panels in columns, each into the column that is shortest so far, with the number
/// of columns whose outline comes closest to the aspect. All panels of a column are as wide as
/// the widest.
fn columns(outer: &[Size]) -> (Vec<Rect>, Size) {
    let mut best: Option<(f64, Vec<Rect>, Size)> = None;
    for count in 1..=outer.len() {
        let mut heights = vec![0.0_f64; count];
        let mut widths = vec![0.0_f64; count];
        let mut column_of = Vec::with_capacity(outer.len());
        let mut tops = Vec::with_capacity(outer.len());
        for size in outer {
            let column = (0..count).min_by(|&a, &b| heights[a].total_cmp(&heights[b])).unwrap_or(0);
            let gap = if heights[column] > 0.0 { GUTTER } else { 0.0 };
            tops.push(heights[column] + gap);
            heights[column] += gap + size.h;
            widths[column] = widths[column].max(size.w);
            column_of.push(column);
        }
        let lefts: Vec<f64> = (0..count).map(|column| widths[..column].iter().map(|w| w + GUTTER).sum()).collect();
        let frames = (0..outer.len())
            .map(|k| Rect { x: lefts[column_of[k]], y: tops[k], w: widths[column_of[k]], h: outer[k].h })
            .collect();
        let area = Size {
            w: widths.iter().sum::<f64>() + GUTTER * (count - 1) as f64,
            h: heights.iter().copied().fold(0.0, f64::max),
        };
        let extent = (area.w / ASPECT).max(area.h);
        if best.as_ref().is_none_or(|(least, _, _)| extent < *least) {
            best = Some((extent, frames, area));
        }
    }
    best.map_or((Vec::new(), Size { w: 0.0, h: 0.0 }), |(_, frames, area)| (frames, area))
}

/// The entries of the legend, in rows that are `inner` wide; moves `y` below them.
fn legend(drawing: &Drawing, inner: f64, y: &mut f64) -> Vec<Entry> {
    let boxes: Vec<NodeKind> = drawing
        .sketches
        .iter()
        .filter(|sketch| !sketch.is_cell())
        .flat_map(|sketch| sketch.nodes.iter().map(|node| node.kind))
        .collect();
    let kinds: Vec<NodeKind> = NodeKind::ALL
        .into_iter()
        .filter(|kind| {
            let plain = matches!(kind, NodeKind::Input | NodeKind::Output | NodeKind::Tensor | NodeKind::Other);
            !plain && boxes.contains(kind)
        })
        .collect();
    let is_open = |node: &super::SketchNode| node.open && node.kind != NodeKind::Choice;
    let open = drawing.sketches.iter().any(|sketch| sketch.nodes.iter().any(is_open));
    if kinds.len() < LEGEND_FROM && !open {
        return Vec::new();
    }
    // A dashed outline is what has to be explained, however few colours there are.
    let shown = if kinds.len() < LEGEND_FROM { Vec::new() } else { kinds };
    let kinds = shown.into_iter().map(Some).chain(open.then_some(None));
    *y += 18.0;
    let mut x = 0.0;
    let mut entries = Vec::new();
    for kind in kinds {
        let width = SWATCH + 6.0 + text::width(entry_name(kind), measure::LABEL_SIZE, Weight::Regular);
        if x > 0.0 && x + width > inner {
            x = 0.0;
            *y += LEGEND_ROW;
        }
        entries.push(Entry { kind, at: Point { x: MARGIN + x, y: *y } });
        x += width + 18.0;
    }
    *y += SWATCH;
    entries
}

/// The word for an entry of the legend.
pub(super) fn entry_name(kind: Option<NodeKind>) -> &'static str {
    kind.map_or("open", NodeKind::name)
}
