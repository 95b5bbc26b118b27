//! Folding: a long chain is set in columns, like text, so that it fits a page.
//!
//! A drawing may be cut between two layers that a single edge joins. That edge leaves the foot
//! of one column, rises between the columns, and enters the head of the next. A drawing from
//! left to right is folded into rows in the same way, with the axes exchanged.

use super::proper::Proper;
use super::{Layout, Point, Rect, Size};

/// A drawing is folded if it is longer than this, and longer than so many times its width.
const LONGEST: f64 = 1400.0;
const SLENDER: f64 = 2.5;
/// It stays whole if folding leaves more than this part of its length: an end of two nodes needs no column of its own.
const WORTH: f64 = 0.8;
/// Width by height that columns aim at, and height by width that rows aim at.
pub(super) const OF_COLUMNS: f64 = 1.45;
pub(super) const OF_ROWS: f64 = 1.0 / OF_COLUMNS;
/// The room between columns, and above and below them, for the joining edges.
const GUTTER: f64 = 52.0;
const HEADROOM: f64 = 30.0;
const LEDGE: f64 = 19.0;
const RADIUS: f64 = 9.0;
/// The least distance of a joining edge from the first layer of the column that it enters.
const CLEARANCE: f64 = 10.0;

/// Exchanges x and y everywhere.
pub(super) fn transpose(layout: &mut Layout) {
    let turn = |p: &mut Point| (p.x, p.y) = (p.y, p.x);
    layout.size = Size { w: layout.size.h, h: layout.size.w };
    for rect in layout.nodes.iter_mut().chain(layout.labels.iter_mut().flatten()) {
        *rect = Rect { x: rect.y, y: rect.x, w: rect.h, h: rect.w };
    }
    for route in layout.routes.iter_mut().flatten() {
        turn(&mut route.start);
        route.pieces.iter_mut().flatten().for_each(turn);
        route.arrow.iter_mut().for_each(turn);
    }
}

/// Folds a drawing that flows down, if it is long and slender and can be cut.
pub(super) fn fold(layout: &mut Layout, graph: &Proper, aspect: f64) {
    if layout.size.h < LONGEST || layout.size.h < SLENDER * layout.size.w {
        return;
    }
    let layers = layer_extents(layout, graph);
    let cuts = cuts(layout, graph);
    let whole = layout.size;
    let mut best = (WORTH * whole.h, Vec::new());
    for count in 2..=cuts.len() + 1 {
        let chosen = divide(&layers, &cuts, count);
        let columns = columns(layout, graph, &layers, &chosen);
        let w = columns.iter().map(|column| column.right - column.left + GUTTER).sum::<f64>();
        let h = columns.iter().map(|column| column.bottom - column.top).fold(0.0, f64::max);
        let extent = h.max(w / aspect);
        if extent < best.0 {
            best = (extent, chosen);
        } else if w / aspect > h {
            break;
        }
    }
    let (_, chosen) = best;
    if chosen.is_empty() {
        return;
    }
    let columns = columns(layout, graph, &layers, &chosen);
    set(layout, graph, &columns);
}

/// A place to cut: after this layer, through this chain.
#[derive(Clone, Copy, Debug)]
struct Cut {
    after: usize,
    chain: usize,
}

/// A column: its layers, its bounds before it is moved, and the chain that leads to the next.
struct Column {
    layers: std::ops::RangeInclusive<usize>,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    onward: Option<usize>,
}

/// The upper and lower ends of every layer.
fn layer_extents(layout: &Layout, graph: &Proper) -> Vec<(f64, f64)> {
    let mut extents = vec![(f64::INFINITY, f64::NEG_INFINITY); graph.layers.len()];
    let mut cover = |rank: usize, rect: &Rect| {
        let extent = &mut extents[rank];
        *extent = (extent.0.min(rect.y), extent.1.max(rect.y + rect.h));
    };
    for (rect, &rank) in layout.nodes.iter().zip(&layout.ranks) {
        cover(rank, rect);
    }
    for chain in &graph.chains {
        if let (Some(vertex), Some(rect)) = (chain.label, &layout.labels[chain.edge]) {
            cover(graph.vertices[vertex].rank, rect);
        }
    }
    extents
}

/// The places where the drawing hangs together by one edge, and that edge goes straight to the
/// next layer from its node or from its label.
fn cuts(layout: &Layout, graph: &Proper) -> Vec<Cut> {
    // Behind each layer the number of chains, and the sum of their indices: of a single one its index.
    let mut over = vec![(0_isize, 0_isize); graph.layers.len() + 1];
    for (index, chain) in graph.chains.iter().enumerate() {
        for (vertex, sign) in [(chain.first, 1), (chain.last, -1)] {
            let place = &mut over[graph.vertices[vertex].rank];
            *place = (place.0 + sign, place.1 + sign * index as isize);
        }
    }
    let mut open = (0, 0);
    over.into_iter()
        .take(graph.layers.len())
        .enumerate()
        .filter_map(|(after, (count, sum))| {
            open = (open.0 + count, open.1 + sum);
            let (1, index) = open else { return None };
            let index = usize::try_from(index).ok()?;
            let chain = &graph.chains[index];
            let pieces = layout.routes[chain.edge].as_ref().map_or(0, |route| route.pieces.len());
            let direct = match chain.label {
                None => graph.between(chain).is_empty() && pieces == 1,
                Some(label) => graph.between(chain).len() == 1 && pieces == 3 && graph.vertices[label].rank == after,
            };
            (direct && !chain.against).then_some(Cut { after, chain: index })
        })
        .collect()
}

/// The cuts that divide the layers into at most `count` columns, the longest as short as can
/// be: by bisection on its length, with columns filled greedily.
fn divide(layers: &[(f64, f64)], cuts: &[Cut], count: usize) -> Vec<Cut> {
    let fill = |limit: f64| {
        let mut chosen: Vec<Cut> = Vec::new();
        let mut top = layers[0].0;
        let mut last: Option<Cut> = None;
        for cut in cuts.iter().copied().map(Some).chain([None]) {
            let bottom = cut.map_or(layers[layers.len() - 1].1, |cut| layers[cut.after].1);
            if bottom - top > limit
                && let Some(previous) = last
            {
                chosen.push(previous);
                top = layers[previous.after + 1].0;
            }
            last = cut;
        }
        chosen
    };
    let (mut low, mut high) = (0.0, layers[layers.len() - 1].1 - layers[0].0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if fill(middle).len() < count {
            high = middle;
        } else {
            low = middle;
        }
    }
    fill(high)
}

fn columns(layout: &Layout, graph: &Proper, layers: &[(f64, f64)], cuts: &[Cut]) -> Vec<Column> {
    let mut columns = Vec::with_capacity(cuts.len() + 1);
    let mut first = 0;
    for cut in cuts.iter().copied().map(Some).chain([None]) {
        let last = cut.map_or(layers.len() - 1, |cut| cut.after);
        columns.push(Column {
            layers: first..=last,
            left: f64::INFINITY,
            right: f64::NEG_INFINITY,
            top: layers[first].0,
            bottom: layers[last].1,
            onward: cut.map(|cut| cut.chain),
        });
        first = last + 1;
    }
    for (rect, &rank) in layout.nodes.iter().zip(&layout.ranks) {
        let column = column_of(&mut columns, rank);
        column.left = column.left.min(rect.x);
        column.right = column.right.max(rect.x + rect.w);
    }
    for chain in &graph.chains {
        let column = column_of(&mut columns, graph.vertices[chain.first].rank);
        let label = layout.labels[chain.edge].iter().flat_map(|r| [r.x, r.x + r.w]);
        let route = layout.routes[chain.edge].iter().flat_map(|route| {
            let points = route.pieces.iter().flatten().chain(&route.arrow);
            points.map(|p| p.x)
        });
        for x in label.chain(route) {
            column.left = column.left.min(x);
            column.right = column.right.max(x);
        }
    }
    columns
}

fn column_of(columns: &mut [Column], rank: usize) -> &mut Column {
    let at = columns.partition_point(|column| *column.layers.end() < rank);
    &mut columns[at]
}

/// Moves every column to its place and draws the edges between them.
fn set(layout: &mut Layout, graph: &Proper, columns: &[Column]) {
    let mut x = 0.0;
    let mut shifts = Vec::with_capacity(columns.len());
    let mut height = 0.0_f64;
    for column in columns {
        shifts.push((x - column.left, HEADROOM - column.top));
        x += column.right - column.left + GUTTER;
        height = height.max(HEADROOM + column.bottom - column.top + LEDGE);
    }
    let of = |rank: usize| columns.partition_point(|column| *column.layers.end() < rank);
    for (rect, &rank) in layout.nodes.iter_mut().zip(&layout.ranks) {
        let (dx, dy) = shifts[of(rank)];
        rect.x += dx;
        rect.y += dy;
    }
    for (index, chain) in graph.chains.iter().enumerate() {
        let column = of(graph.vertices[chain.first].rank);
        let (dx, dy) = shifts[column];
        if let Some(rect) = &mut layout.labels[chain.edge] {
            rect.x += dx;
            rect.y += dy;
        }
        let Some(route) = &mut layout.routes[chain.edge] else {
            continue;
        };
        let shift = |p: &mut Point, (dx, dy): (f64, f64)| {
            p.x += dx;
            p.y += dy;
        };
        shift(&mut route.start, (dx, dy));
        if columns[column].onward == Some(index) {
            let foot = columns[column].bottom + dy + LEDGE;
            let middle = columns[column].right + dx + GUTTER / 2.0;
            for p in &mut route.arrow {
                shift(p, shifts[column + 1]);
            }
            // An edge enters a box or a circle from above here, whatever its slope was.
            let tip = route.arrow[0];
            let base = Point { x: tip.x, y: tip.y - 8.0 };
            route.arrow[1] = Point { x: tip.x - 3.4, ..base };
            route.arrow[2] = Point { x: tip.x + 3.4, ..base };
            route.pieces.pop();
            route.pieces.iter_mut().flatten().for_each(|p| shift(p, (dx, dy)));
            let from = route.pieces.last().map_or(route.start, |piece| piece[2]);
            // It comes in above the whole layer: others there may be taller than what it enters.
            let head = (base.y - 2.0 * RADIUS - 2.0).min(HEADROOM - CLEARANCE);
            let corners = [
                Point { x: from.x, y: foot },
                Point { x: middle, y: foot },
                Point { x: middle, y: head },
                Point { x: base.x, y: head },
            ];
            route.pieces.extend(rounded(from, &corners, base));
        } else {
            let points = route.pieces.iter_mut().flatten().chain(&mut route.arrow);
            points.for_each(|p| shift(p, (dx, dy)));
        }
    }
    layout.size = Size { w: x - GUTTER, h: height };
}

/// A path along the axes from `from` through the corners to `to`, its corners rounded.
fn rounded(from: Point, corners: &[Point], to: Point) -> Vec<[Point; 3]> {
    // The control points of a quarter circle lie this far along from its ends.
    const CIRCLE: f64 = 0.5523;
    let towards = |a: Point, b: Point, distance: f64| {
        let length = super::length(b.x - a.x, b.y - a.y).max(0.01);
        let part = (distance / length).min(0.5);
        Point { x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part }
    };
    let mut pieces = Vec::with_capacity(2 * corners.len() + 1);
    let mut at = from;
    for (k, &corner) in corners.iter().enumerate() {
        let next = corners.get(k + 1).copied().unwrap_or(to);
        let before = if k == 0 { from } else { corners[k - 1] };
        let (enter, leave) = (towards(corner, before, RADIUS), towards(corner, next, RADIUS));
        pieces.push([at, enter, enter]);
        let inner = RADIUS * (1.0 - CIRCLE);
        pieces.push([towards(corner, before, inner), towards(corner, next, inner), leave]);
        at = leave;
    }
    pieces.push([at, to, to]);
    pieces
}
