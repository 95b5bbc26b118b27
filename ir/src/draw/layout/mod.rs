//! The layered layout of one sketch, after Sugiyama, Tagawa and Toda (1981).
//!
//! The stages, each in a file of its own:
//!
//! 1. `rank` turns the edges that close a cycle and assigns layers by network simplex
//!    (Gansner, Koutsofios, North and Vo, 1993);
//! 2. `proper` cuts long edges into chains of dummy vertices, one of them as large as the label; plain edges from one
//!    node share theirs;
//! 3. `order` reduces crossings by median sweeps and exchanges of neighbours;
//! 4. `place` assigns coordinates across the layers (Brandes and Köpf, 2001);
//! 5. `route` draws each edge as a smooth curve within the room that its chain has reserved;
//! 6. `fold` sets a long chain in columns, so that it fits a page.
//!
//! The stages speak of two axes, whatever the direction of the sketch: *flow*, along which
//! layers follow each other, and *cross*, along which the vertices of a layer lie.
//!
//! Invariants of a [`Layout`]:
//!
//! - every coordinate is finite and lies within `size`;
//! - no two rectangles of `nodes` and `labels` overlap;
//! - `ranks[from] < ranks[to]` for every drawn edge, unless it closes a cycle.

mod curve;
mod fold;
mod order;
mod place;
mod ports;
mod proper;
mod rank;
mod route;
mod simplex;

pub use super::measure::{Outline, Size};

use super::{Direction, Sketch, measure};

/// A point on the page; y grows downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// A rectangle with sides along the axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// The left side.
    pub x: f64,
    /// The upper side.
    pub y: f64,
    /// The extent to the right.
    pub w: f64,
    /// The extent down.
    pub h: f64,
}

impl Rect {
    /// The point in the middle.
    #[must_use]
    pub fn center(&self) -> Point {
        Point { x: self.x + self.w / 2.0, y: self.y + self.h / 2.0 }
    }

    /// Whether the two rectangles share more than a border.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let apart = self.x + self.w <= other.x
            || other.x + other.w <= self.x
            || self.y + self.h <= other.y
            || other.y + other.h <= self.y;
        !apart
    }
}

/// The curve of an edge: cubic Bézier pieces, then an arrowhead.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Where the curve leaves its node, or the curve of another edge from that node.
    pub start: Point,
    /// For each piece, two control points and its end.
    pub pieces: Vec<[Point; 3]>,
    /// The tip and the two other corners of the arrowhead; the curve ends at its base.
    pub arrow: [Point; 3],
}

/// Where everything of a sketch lies, on a page of its own with its corner at zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The extent of the drawing.
    pub size: Size,
    /// The bounds of each node.
    pub nodes: Vec<Rect>,
    /// The outline of each node.
    pub outlines: Vec<Outline>,
    /// The layer of each node.
    pub ranks: Vec<usize>,
    /// The bounds of each edge's label, for edges that have one and are drawn.
    pub labels: Vec<Option<Rect>>,
    /// The curve of each edge that is drawn.
    pub routes: Vec<Option<Route>>,
}

/// Distances between neighbours of a layer, and between layers, in user units.
struct Spacing {
    node: f64,
    label: f64,
    bend: f64,
    layer: f64,
    label_layer: f64,
}

const SPACING: Spacing = Spacing { node: 30.0, label: 12.0, bend: 14.0, layer: 32.0, label_layer: 24.0 };

/// Lays out a sketch.
#[must_use]
pub fn lay_out(sketch: &Sketch) -> Layout {
    let ranking = rank::assign(sketch);
    let sizes = measure::nodes(sketch, Some(&ranking.ranks));
    let axes = Axes(sketch.direction);
    let mut graph = proper::build(sketch, &sizes, &ranking, axes);
    order::reduce_crossings(&mut graph);
    let cross = place::assign(&graph, &SPACING);
    let flow = bands(&graph, &cross, &SPACING, sketch.direction);
    let routes = route::draw(sketch.edges.len(), &sizes, &graph, &cross, &flow, axes);
    let mut layout = assemble(sketch, &sizes, &ranking, &graph, &cross, &flow, routes, axes);
    match sketch.direction {
        Direction::TopDown => fold::fold(&mut layout, &graph, fold::OF_COLUMNS),
        Direction::LeftRight => {
            fold::transpose(&mut layout);
            fold::fold(&mut layout, &graph, fold::OF_ROWS);
            fold::transpose(&mut layout);
        }
    }
    layout
}

/// The stretch of the flow axis that a layer occupies.
#[derive(Clone, Copy, Debug)]
struct Band {
    start: f64,
    end: f64,
}

impl Band {
    fn middle(self) -> f64 {
        f64::midpoint(self.start, self.end)
    }
}

/// The bands of the layers. The gap between two layers grows with the way that the edges
/// between them go sideways, so that no curve becomes steep.
fn bands(graph: &proper::Proper, cross: &[f64], spacing: &Spacing, direction: Direction) -> Vec<Band> {
    // Boxes are wide, so edges go further sideways where the flow is down.
    let slope = match direction {
        Direction::TopDown => 0.13,
        Direction::LeftRight => 0.24,
    };
    const WIDEST: f64 = 84.0;
    let mut bands = Vec::with_capacity(graph.layers.len());
    let mut start = 0.0;
    for layer in &graph.layers {
        let deepest = layer.iter().map(|&v| graph.vertices[v].flow).fold(0.0, f64::max);
        let end = start + deepest;
        bands.push(Band { start, end });
        let mut gap = spacing.label_layer;
        for &v in layer {
            for &w in &graph.down[v] {
                let bare = [v, w].iter().all(|&u| graph.vertices[u].role != proper::Role::Label);
                let least = if bare { spacing.layer } else { spacing.label_layer };
                let sideways = (cross[v] - cross[w]).abs();
                gap = gap.max((least + slope * sideways).min(WIDEST));
            }
        }
        start = end + gap;
    }
    bands
}

/// The length of a vector. `f64::hypot` may differ in the last digit from one platform to the
/// next; a square root may not.
fn length(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}

/// The translation between the axes of the page and those of the layout.
#[derive(Clone, Copy)]
struct Axes(Direction);

impl Axes {
    /// The extents across and along the flow.
    fn split(self, size: Size) -> (f64, f64) {
        match self.0 {
            Direction::TopDown => (size.w, size.h),
            Direction::LeftRight => (size.h, size.w),
        }
    }

    fn point(self, cross: f64, flow: f64) -> Point {
        match self.0 {
            Direction::TopDown => Point { x: cross, y: flow },
            Direction::LeftRight => Point { x: flow, y: cross },
        }
    }
}

#[allow(clippy::too_many_arguments)] // The results of all the stages meet here, once.
fn assemble(
    sketch: &Sketch,
    sizes: &[(Outline, Size)],
    ranking: &rank::Ranking,
    graph: &proper::Proper,
    cross: &[f64],
    flow: &[Band],
    mut routes: Vec<Option<route::Path>>,
    axes: Axes,
) -> Layout {
    let rect = |vertex: usize, size: Size| {
        let center = axes.point(cross[vertex], flow[graph.vertices[vertex].rank].middle());
        Rect { x: center.x - size.w / 2.0, y: center.y - size.h / 2.0, w: size.w, h: size.h }
    };
    let mut nodes: Vec<Rect> = (0..sketch.nodes.len()).map(|node| rect(node, sizes[node].1)).collect();
    let mut labels = vec![None; sketch.edges.len()];
    for chain in &graph.chains {
        if let (Some(vertex), Some(size)) = (chain.label, measure::label(&sketch.edges[chain.edge])) {
            labels[chain.edge] = Some(rect(vertex, size));
        }
    }
    let mut routes: Vec<Option<Route>> =
        routes.iter_mut().map(|path| path.take().map(|path| path.to_route(axes))).collect();

    // Move everything to the corner: only what is drawn counts, not the dummies.
    let (mut low, mut high) =
        (Point { x: f64::INFINITY, y: f64::INFINITY }, Point { x: f64::NEG_INFINITY, y: f64::NEG_INFINITY });
    let mut cover = |p: Point| {
        low = Point { x: low.x.min(p.x), y: low.y.min(p.y) };
        high = Point { x: high.x.max(p.x), y: high.y.max(p.y) };
    };
    for r in nodes.iter().chain(labels.iter().flatten()) {
        cover(Point { x: r.x, y: r.y });
        cover(Point { x: r.x + r.w, y: r.y + r.h });
    }
    for route in routes.iter().flatten() {
        cover(route.start);
        route.pieces.iter().flatten().for_each(|&p| cover(p));
        route.arrow.iter().for_each(|&p| cover(p));
    }
    if nodes.is_empty() {
        (low, high) = (Point { x: 0.0, y: 0.0 }, Point { x: 0.0, y: 0.0 });
    }
    for r in nodes.iter_mut().chain(labels.iter_mut().flatten()) {
        r.x -= low.x;
        r.y -= low.y;
    }
    for route in routes.iter_mut().flatten() {
        let points = std::iter::once(&mut route.start).chain(route.pieces.iter_mut().flatten()).chain(&mut route.arrow);
        for p in points {
            p.x -= low.x;
            p.y -= low.y;
        }
    }
    Layout {
        size: Size { w: high.x - low.x, h: high.y - low.y },
        nodes,
        outlines: sizes.iter().map(|(outline, _)| *outline).collect(),
        ranks: ranking.ranks.clone(),
        labels,
        routes,
    }
}
