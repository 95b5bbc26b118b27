//! Coordinates across the flow, after Brandes and Köpf.
//!
//! Vertices are aligned with their median neighbours into blocks that share one coordinate, in
//! four ways: towards the layer before or after, and from the left or from the right. Each way
//! is compacted, and a vertex gets the mean of the two middle of its four coordinates. Chains
//! of dummies are never bent by other edges, so long edges run straight.

use rustc_hash::FxHashSet as HashSet;

use super::Spacing;
use super::proper::{Proper, Role};

pub(super) fn assign(graph: &Proper, spacing: &Spacing) -> Vec<f64> {
    let n = graph.vertices.len();
    if n == 0 {
        return Vec::new();
    }
    let positions = graph.positions();
    let barred = conflicts(graph, &positions);
    let mut ways = Vec::with_capacity(4);
    for from_before in [true, false] {
        for from_left in [true, false] {
            let view = View::new(graph, &positions, from_before, from_left);
            let blocks = view.align(&barred);
            let mut cross = view.compact(&blocks, spacing);
            if !from_left {
                cross.iter_mut().for_each(|x| *x = -*x);
            }
            ways.push((from_left, cross));
        }
    }
    align_ways(graph, &mut ways);
    (0..n)
        .map(|v| {
            let mut at: Vec<f64> = ways.iter().map(|(_, cross)| cross[v]).collect();
            at.sort_by(f64::total_cmp);
            f64::midpoint(at[1], at[2])
        })
        .collect()
}

/// Shifts the four ways onto the narrowest: those from the left by their left ends, those from
/// the right by their right ends.
fn align_ways(graph: &Proper, ways: &mut [(bool, Vec<f64>)]) {
    let bounds = |cross: &[f64]| {
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for (v, &x) in cross.iter().enumerate() {
            let half = graph.vertices[v].cross / 2.0;
            range = (range.0.min(x - half), range.1.max(x + half));
        }
        range
    };
    let ranges: Vec<(f64, f64)> = ways.iter().map(|(_, cross)| bounds(cross)).collect();
    let narrowest = ranges
        .iter()
        .copied()
        .min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))
        .expect("invariant: there are four ways");
    for ((from_left, cross), range) in ways.iter_mut().zip(ranges) {
        let shift = if *from_left { narrowest.0 - range.0 } else { narrowest.1 - range.1 };
        cross.iter_mut().for_each(|x| *x += shift);
    }
}

/// How much an edge of the proper graph insists on being straight: pieces between dummies most,
/// so that long edges do not bend; then the spine.
fn insistence(graph: &Proper, upper: usize, lower: usize) -> u8 {
    let is_dummy = |v: usize| graph.vertices[v].role != Role::Node;
    if is_dummy(upper) && is_dummy(lower) { 2 } else { u8::from(graph.spine_down[upper] == Some(lower)) }
}

/// The edges that may not be straightened, as pairs of upper and lower vertex: those that cross
/// an edge that insists more.
fn conflicts(graph: &Proper, positions: &[usize]) -> HashSet<(usize, usize)> {
    let mut barred = HashSet::default();
    for rank in 1..graph.layers.len() {
        let lower = &graph.layers[rank];
        for level in [1, 2] {
            // For each lower position, the extent of the insisting edges' upper ends to the
            // left of it and to the right of it.
            let reach: Vec<(usize, usize)> = lower
                .iter()
                .map(|&v| {
                    graph.up[v]
                        .iter()
                        .filter(|&&u| insistence(graph, u, v) >= level)
                        .map(|&u| positions[u])
                        .fold((usize::MAX, 0), |(low, high), at| (low.min(at), high.max(at + 1)))
                })
                .collect();
            let mut right_of = vec![usize::MAX; lower.len()];
            for k in (1..lower.len()).rev() {
                right_of[k - 1] = right_of[k].min(reach[k].0);
            }
            let mut left_of = 0;
            for (k, &w) in lower.iter().enumerate() {
                for &u in &graph.up[w] {
                    let crosses = positions[u] + 1 < left_of || positions[u] > right_of[k];
                    if crosses && insistence(graph, u, w) < level {
                        barred.insert((u, w));
                    }
                }
                left_of = left_of.max(reach[k].1);
            }
        }
    }
    barred
}

/// The graph as one of the four ways sees it: with the layers reversed, and mirrored.
struct View<'a> {
    graph: &'a Proper,
    layers: Vec<Vec<usize>>,
    positions: Vec<usize>,
    neighbours: &'a [Vec<usize>],
    /// Each vertex's neighbour on its spine among `neighbours`, and on the other side.
    spine: &'a [Option<usize>],
    spine_back: &'a [Option<usize>],
    from_before: bool,
}

impl<'a> View<'a> {
    fn new(graph: &'a Proper, positions: &[usize], from_before: bool, from_left: bool) -> Self {
        let mut layers = graph.layers.clone();
        let mut positions = positions.to_vec();
        if !from_before {
            layers.reverse();
        }
        if !from_left {
            for layer in &mut layers {
                layer.reverse();
                for (position, &v) in layer.iter().enumerate() {
                    positions[v] = position;
                }
            }
        }
        let (neighbours, spine, spine_back) = if from_before {
            (&graph.up, &graph.spine_up, &graph.spine_down)
        } else {
            (&graph.down, &graph.spine_down, &graph.spine_up)
        };
        Self { graph, layers, positions, neighbours, spine, spine_back, from_before }
    }

    /// The block of each vertex, as the vertex that leads it.
    fn align(&self, barred: &HashSet<(usize, usize)>) -> Vec<usize> {
        let n = self.graph.vertices.len();
        let mut root: Vec<usize> = (0..n).collect();
        // A vertex that has been joined from the next layer may not be joined again.
        let mut joined = vec![false; n];
        for layer in &self.layers {
            let mut least = 0;
            for &v in layer {
                let mut near = self.neighbours[v].clone();
                near.sort_by_key(|&u| self.positions[u]);
                near.dedup();
                if near.is_empty() {
                    continue;
                }
                let medians = (near.len() - 1) / 2..near.len() / 2 + 1;
                let candidates = match &self.spine[v] {
                    Some(u) => std::slice::from_ref(u),
                    None => &near[medians],
                };
                for &u in candidates {
                    let pair = if self.from_before { (u, v) } else { (v, u) };
                    let fits = root[v] == v
                        && !joined[u]
                        && self.spine_back[u].is_none_or(|spine| spine == v)
                        && self.positions[u] >= least
                        && !barred.contains(&pair);
                    if fits {
                        root[v] = root[u];
                        joined[u] = true;
                        least = self.positions[u] + 1;
                    }
                }
            }
        }
        root
    }

    /// Coordinates of the blocks: first each as far left as the order allows, then each as far
    /// right as its right neighbours allow, which closes the gaps that the first pass leaves.
    fn compact(&self, root: &[usize], spacing: &Spacing) -> Vec<f64> {
        let n = root.len();
        let mut after: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
        let mut missing = vec![0usize; n];
        for layer in &self.layers {
            for pair in layer.windows(2) {
                let apart = self.apart(pair[0], pair[1], spacing);
                after[root[pair[0]]].push((root[pair[1]], apart));
                missing[root[pair[1]]] += 1;
            }
        }
        let mut sorted: Vec<usize> = (0..n).filter(|&v| root[v] == v && missing[v] == 0).collect();
        let mut x = vec![0.0_f64; n];
        let mut next = 0;
        while next < sorted.len() {
            let block = sorted[next];
            next += 1;
            for &(other, apart) in &after[block] {
                x[other] = x[other].max(x[block] + apart);
                missing[other] -= 1;
                if missing[other] == 0 {
                    sorted.push(other);
                }
            }
        }
        for &block in sorted.iter().rev() {
            let room = after[block].iter().map(|&(other, apart)| x[other] - apart).fold(f64::INFINITY, f64::min);
            if room.is_finite() {
                x[block] = x[block].max(room);
            }
        }
        (0..n).map(|v| x[root[v]]).collect()
    }

    /// The least distance between the middles of two neighbours in a layer.
    fn apart(&self, left: usize, right: usize, spacing: &Spacing) -> f64 {
        let (a, b) = (&self.graph.vertices[left], &self.graph.vertices[right]);
        let gap = match (a.role, b.role) {
            (Role::Node, Role::Node) => spacing.node,
            (Role::Label, _) | (_, Role::Label) => spacing.label,
            _ => spacing.bend,
        };
        f64::midpoint(a.cross, b.cross) + gap
    }
}
