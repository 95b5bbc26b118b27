//! Edges as curves through the room that their chains have reserved.
//!
//! A vertex's *window* is the stretch of its layer, across the flow, that is its own: up to the
//! nodes and labels beside it, and halfway to the dummies. An edge that passes every layer of
//! its chain within the window there runs through no node and no foreign label, and meets other
//! edges only where the order of the layers makes them cross. So each edge starts as one smooth
//! curve from port to port, through its own label, and gets knots only where it leaves a window.

pub(super) use super::curve::Path;

use super::curve::{Curve, Knot};
use super::ports::{self, Ends, Port};
use super::proper::{Chain, Proper, Role};
use super::{Axes, Band, Outline, Size};

/// The distance kept from nodes and labels, and from the border with a dummy's window.
const CLEARANCE: f64 = 7.0;
const BORDER: f64 = 3.0;

/// The curve of every chain, by the index of its edge.
pub(super) fn draw(
    edges: usize,
    sizes: &[(Outline, Size)],
    graph: &Proper,
    cross: &[f64],
    bands: &[Band],
    axes: Axes,
) -> Vec<Option<Path>> {
    let ends = ports::place(sizes, graph, cross, bands, axes);
    let windows = Windows::new(graph, cross);
    let mut paths = vec![None; edges];
    for (chain, ends) in graph.chains.iter().zip(&ends) {
        if graph.bearer(chain).is_none() {
            paths[chain.edge] = Some(route(chain, *ends, graph, cross, bands, &windows));
        }
    }
    for (chain, ends) in graph.chains.iter().zip(&ends) {
        let bearer = graph.bearer(chain).and_then(|bearer| paths[bearer].as_ref());
        if let Some(bearer) = bearer {
            paths[chain.edge] = Some(branch(chain, ends.1, bearer, graph, bands, &windows));
        }
    }
    paths
}

/// The windows of the vertices, as (low, high).
struct Windows {
    /// Bounded by all neighbours: for the vertices that an edge passes.
    passing: Vec<(f64, f64)>,
    /// Bounded by nodes and labels only: for the vertices where an edge ends. Within their
    /// layers it may cross what it crosses beside them anyway.
    ending: Vec<(f64, f64)>,
}

impl Windows {
    fn new(graph: &Proper, cross: &[f64]) -> Self {
        let open = (f64::NEG_INFINITY, f64::INFINITY);
        let mut passing = vec![open; cross.len()];
        let mut ending = vec![open; cross.len()];
        for layer in &graph.layers {
            for pair in layer.windows(2) {
                let (left, right) = (pair[0], pair[1]);
                let (a, b) = (&graph.vertices[left], &graph.vertices[right]);
                let left_end = cross[left] + a.cross / 2.0;
                let right_end = cross[right] - b.cross / 2.0;
                let middle = f64::midpoint(left_end, right_end);
                let left_bound = left_end + CLEARANCE;
                let right_bound = right_end - CLEARANCE;
                let (a_bends, b_bends) = (a.role == Role::Bend, b.role == Role::Bend);
                passing[left].1 = if b_bends { middle - BORDER } else { right_bound };
                passing[right].0 = if a_bends { middle + BORDER } else { left_bound };
                ending[right].0 = if a_bends { ending[left].0 } else { left_bound };
            }
            for pair in layer.windows(2).rev() {
                let (left, right) = (pair[0], pair[1]);
                let b = &graph.vertices[right];
                ending[left].1 =
                    if b.role == Role::Bend { ending[right].1 } else { cross[right] - b.cross / 2.0 - CLEARANCE };
            }
        }
        Self { passing, ending }
    }

    fn of(&self, chain: &Chain, vertex: usize) -> (f64, f64) {
        if [chain.first, chain.last].contains(&vertex) { self.ending[vertex] } else { self.passing[vertex] }
    }
}

/// The knots where an edge enters and leaves its label. It passes through the middle, a little
/// tilted if it goes to one side all the way, but never out at the label's long side.
fn through_label(label: usize, first: Knot, last: Knot, graph: &Proper, cross: &[f64], bands: &[Band]) -> [Knot; 2] {
    const TILT: f64 = 0.3;
    let vertex = &graph.vertices[label];
    let (middle, half) = (bands[vertex.rank].middle(), vertex.flow / 2.0);
    let slope = |a: f64, b: f64, flow: f64| (b - a) / flow.max(1.0);
    let before = slope(first.cross, cross[label], middle - first.flow);
    let after = slope(cross[label], last.cross, last.flow - middle);
    let tilt = if before * after <= 0.0 {
        0.0
    } else {
        let most = TILT * vertex.cross.min(vertex.flow);
        (before.signum() * before.abs().min(after.abs()) * half).clamp(-most, most)
    };
    [Knot { flow: middle - half, cross: cross[label] - tilt }, Knot { flow: middle + half, cross: cross[label] + tilt }]
}

/// The longest stretch of dummies at one place across, if it has several, as the two knots at
/// its ends: first without the end layers, last with both.
fn straight_runs(chain: &Chain, graph: &Proper, cross: &[f64], bands: &[Band]) -> Vec<[Knot; 2]> {
    const SAME: f64 = 1.0;
    let dummies = graph.between(chain);
    let mut longest = 0..0;
    let mut start = 0;
    for k in 0..dummies.len() {
        if (cross[dummies[k]] - cross[dummies[start]]).abs() > SAME {
            start = k;
        }
        if k + 1 - start > longest.len() {
            longest = start..k + 1;
        }
    }
    let longest_len = longest.len();
    let [first, .., last] = &dummies[longest] else {
        return Vec::new();
    };
    let (head, tail) = (bands[graph.vertices[*first].rank], bands[graph.vertices[*last].rank]);
    let run = |from: f64, to: f64| [from, to].map(|flow| Knot { flow, cross: cross[*first] });
    let mut runs = Vec::with_capacity(4);
    if longest_len > 2 {
        runs.push(run(head.end, tail.start));
        runs.push(run(head.end, tail.end));
        runs.push(run(head.start, tail.start));
    }
    runs.push(run(head.start, tail.end));
    runs
}

/// Gives the curve knots until it passes every layer within its window; returns at how many
/// layers that took knots. Each turn fixes the layer that is missed by most, so the loop ends
/// after one turn per layer; most edges need none.
fn keep_to_windows(
    curve: &mut Curve,
    chain: &Chain,
    vertices: &[usize],
    graph: &Proper,
    bands: &[Band],
    windows: &Windows,
) -> usize {
    const TOLERANCE: f64 = 0.01;
    let (start, end) = (curve.knots[0].flow, curve.knots[curve.knots.len() - 1].flow);
    let mut pending: Vec<usize> = vertices.to_vec();
    loop {
        let miss = |vertex: usize| {
            let band = bands[graph.vertices[vertex].rank];
            let (low, high) = windows.of(chain, vertex);
            [band.start, band.end]
                .into_iter()
                .map(|flow| curve.at(flow.clamp(start, end)))
                .map(|at| (low - at).max(at - high))
                .fold(f64::NEG_INFINITY, f64::max)
        };
        let worst = pending
            .iter()
            .enumerate()
            .map(|(k, &vertex)| (k, miss(vertex)))
            .filter(|&(_, miss)| miss > TOLERANCE)
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((k, _)) = worst else {
            return vertices.len() - pending.len();
        };
        let vertex = pending.swap_remove(k);
        let band = bands[graph.vertices[vertex].rank];
        let (low, high) = windows.of(chain, vertex);
        for flow in [band.start, band.end] {
            if flow > start && flow < end {
                let cross = curve.at(flow).max(low).min(high);
                curve.insert(Knot { flow, cross });
            }
        }
    }
}

fn route(chain: &Chain, (first, last): Ends, graph: &Proper, cross: &[f64], bands: &[Band], windows: &Windows) -> Path {
    let mut knots = vec![first.at, last.at];
    if let Some(label) = chain.label {
        knots.splice(1..1, through_label(label, first.at, last.at, graph, cross, bands));
    }
    let slopes = (first.slope, last.slope);
    let vertices = graph.vertices_of(chain);
    let mut curve = Curve::new(knots.clone(), slopes);
    let forced = keep_to_windows(&mut curve, chain, &vertices, graph, bands, windows);
    let long = vertices.len() > 4;
    if forced > 1 || (forced == 1 && long) {
        // Pushed about by the layers, the curve would wobble: go straight past them, from as
        // late and to as early as the windows allow.
        for run in straight_runs(chain, graph, cross, bands) {
            curve = Curve::new(knots.clone(), slopes);
            for knot in run {
                curve.insert(knot);
            }
            if keep_to_windows(&mut curve, chain, &vertices, graph, bands, windows) == 0 {
                break;
            }
        }
    }
    let arrow = curve.cut_arrow(chain.against);
    Path { curve, arrow }
}

/// An edge from where it leaves the trunk that it shares, behind the last of its dummies.
fn branch(chain: &Chain, last: Port, bearer: &Path, graph: &Proper, bands: &[Band], windows: &Windows) -> Path {
    let dummies = graph.between(chain);
    let rank = graph.vertices[dummies[dummies.len() - 1]].rank;
    let start = bands[rank].end;
    let first = Knot { flow: start, cross: bearer.curve.at(start) };
    let mut curve = Curve::new(vec![first, last.at], (0.0, last.slope));
    keep_to_windows(&mut curve, chain, &[chain.last], graph, bands, windows);
    let arrow = curve.cut_arrow(false);
    Path { curve, arrow }
}
