//! Crossing reduction: the order of the vertices within their layers.
//!
//! Sweeps down and up the layers sort each layer by the median position of its neighbours in
//! the layer before (Eades and Wormald), then neighbours are exchanged while that removes
//! crossings. The best order seen is kept.

use super::proper::{Proper, Role};

/// Sweeps without gain before a start is given up, and sweeps in all.
const PATIENCE: usize = 4;
const SWEEPS: usize = 24;

/// The work of all sweeps of a start, in vertices: a graph with a crowd of dummies gets fewer
/// sweeps, and one start.
const WORK: usize = 400_000;

/// Starts in all: two from walks, the others shuffled. Small graphs are those that are looked
/// at closely, and there the sweeps are cheap.
const STARTS: usize = 24;
const SHUFFLE_LIMIT: usize = 300;

/// Beyond this many vertices the exchanges are left out: the medians do most of the work, and
/// a picture this large is read at a distance.
const EXCHANGE_LIMIT: usize = 6000;

pub(super) fn reduce_crossings(graph: &mut Proper) {
    if graph.layers.len() < 2 {
        return;
    }
    let mut best: Option<(usize, Vec<Vec<usize>>)> = None;
    let mut shuffle = Shuffle(1);
    for start in 0..STARTS {
        let from_top = start % 2 == 0;
        if start >= 2 {
            if graph.vertices.len() > SHUFFLE_LIMIT {
                break;
            }
            shuffle.layers(&mut graph.layers);
        } else {
            walk_order(graph, from_top);
        }
        improve(graph, from_top, &mut best);
        if matches!(best, Some((0, _))) || graph.vertices.len() > WORK / SWEEPS {
            break;
        }
    }
    if let Some((_, layers)) = best {
        graph.layers = layers;
    }
    prefer_input_order(graph);
}

/// Mirrors the whole drawing if that brings more nodes into the order of the input. It does not
/// change the crossings.
fn prefer_input_order(graph: &mut Proper) {
    let mut agreement = 0i64;
    for layer in &graph.layers {
        let nodes: Vec<usize> = layer.iter().copied().filter(|&v| graph.vertices[v].role == Role::Node).collect();
        for pair in nodes.windows(2) {
            agreement += if pair[0] < pair[1] { 1 } else { -1 };
        }
    }
    if agreement < 0 {
        for layer in &mut graph.layers {
            layer.reverse();
        }
    }
}

/// A fixed sequence of pseudo-random numbers (a linear congruential generator with Knuth's
/// constants), so that the drawing is a function of the graph.
struct Shuffle(u64);

impl Shuffle {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn layers(&mut self, layers: &mut [Vec<usize>]) {
        for layer in layers {
            for k in (1..layer.len()).rev() {
                layer.swap(k, self.below(k + 1));
            }
        }
    }
}

fn improve(graph: &mut Proper, from_top: bool, best: &mut Option<(usize, Vec<Vec<usize>>)>) {
    let mut idle = 0;
    let mut own_best = usize::MAX;
    let sweeps = (WORK / graph.vertices.len().max(1)).clamp(2, SWEEPS);
    for sweep in 0..sweeps {
        let crossings = crossings(graph);
        if best.as_ref().is_none_or(|(least, _)| crossings < *least) {
            *best = Some((crossings, graph.layers.clone()));
        }
        if crossings < own_best {
            own_best = crossings;
            idle = 0;
        } else {
            idle += 1;
        }
        if crossings == 0 || idle > PATIENCE {
            return;
        }
        let down = (sweep % 2 == 0) == from_top;
        sort_by_medians(graph, down, sweep % 4 >= 2);
        if graph.vertices.len() <= EXCHANGE_LIMIT {
            exchange(graph);
        }
    }
}

/// A start: the vertices in the order that a depth-first walk meets them.
fn walk_order(graph: &mut Proper, from_top: bool) {
    let mut seen = vec![false; graph.vertices.len()];
    let mut layers = vec![Vec::new(); graph.layers.len()];
    let mut ranks: Vec<usize> = (0..graph.layers.len()).collect();
    if !from_top {
        ranks.reverse();
    }
    for rank in ranks {
        let mut roots = graph.layers[rank].clone();
        roots.sort_unstable();
        for root in roots {
            let mut stack = vec![root];
            while let Some(vertex) = stack.pop() {
                if std::mem::replace(&mut seen[vertex], true) {
                    continue;
                }
                layers[graph.vertices[vertex].rank].push(vertex);
                let next = if from_top { &graph.down } else { &graph.up };
                stack.extend(next[vertex].iter().rev().filter(|&&v| !seen[v]));
            }
        }
    }
    graph.layers = layers;
}

/// The number of crossings of the whole graph.
fn crossings(graph: &Proper) -> usize {
    let positions = graph.positions();
    (1..graph.layers.len()).map(|rank| crossings_before(graph, &positions, rank)).sum()
}

/// The crossings between a layer and the one before it: the inversions among the edges' upper
/// ends, counted with a binary indexed tree (Barth, Jünger and Mutzel).
fn crossings_before(graph: &Proper, positions: &[usize], rank: usize) -> usize {
    let width = graph.layers[rank - 1].len();
    let mut tree = vec![0usize; width + 1];
    let mut total = 0;
    let mut entered = 0;
    let mut ends = Vec::new();
    for &vertex in &graph.layers[rank] {
        ends.clear();
        ends.extend(graph.up[vertex].iter().map(|&v| positions[v]));
        for &end in &ends {
            let mut at_most = 0;
            let mut k = end + 1;
            while k > 0 {
                at_most += tree[k];
                k &= k - 1;
            }
            total += entered - at_most;
        }
        for &end in &ends {
            let mut k = end + 1;
            while k <= width {
                tree[k] += 1;
                k += k & k.wrapping_neg();
            }
        }
        entered += ends.len();
    }
    total
}

/// Sorts every layer by the medians of its neighbours in the layer swept before. A vertex
/// without such neighbours keeps its place. `flip` reverses ties, to leave a local optimum.
fn sort_by_medians(graph: &mut Proper, down: bool, flip: bool) {
    let mut positions = graph.positions();
    let depth = graph.layers.len();
    for step in 1..depth {
        let rank = if down { step } else { depth - 1 - step };
        let neighbours = if down { &graph.up } else { &graph.down };
        let layer = &graph.layers[rank];
        let mut keyed: Vec<(f64, usize)> =
            layer.iter().filter_map(|&v| median(&neighbours[v], &positions).map(|key| (key, v))).collect();
        if flip {
            keyed.reverse();
        }
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut sorted = keyed.into_iter().map(|(_, v)| v);
        let layer: Vec<usize> = layer
            .iter()
            .map(|&v| if neighbours[v].is_empty() { v } else { sorted.next().expect("invariant: one key per vertex") })
            .collect();
        for (position, &vertex) in layer.iter().enumerate() {
            positions[vertex] = position;
        }
        graph.layers[rank] = layer;
    }
}

/// The weighted median of Gansner et al.: between the two middle positions, nearer to the side
/// where the others lie closer together.
fn median(neighbours: &[usize], positions: &[usize]) -> Option<f64> {
    let mut at: Vec<usize> = neighbours.iter().map(|&v| positions[v]).collect();
    at.sort_unstable();
    let middle = at.len() / 2;
    match at.len() {
        0 => None,
        1 => Some(at[0] as f64),
        2 => Some((at[0] + at[1]) as f64 / 2.0),
        n if n % 2 == 1 => Some(at[middle] as f64),
        n => {
            let left = (at[middle - 1] - at[0]) as f64;
            let right = (at[n - 1] - at[middle]) as f64;
            if left + right == 0.0 {
                return Some((at[middle - 1] + at[middle]) as f64 / 2.0);
            }
            let weighted = at[middle - 1] as f64 * right + at[middle] as f64 * left;
            Some(weighted / (left + right))
        }
    }
}

/// Exchanges neighbours within layers while an exchange removes crossings.
fn exchange(graph: &mut Proper) {
    let mut positions = graph.positions();
    let mut dirty = vec![true; graph.layers.len()];
    // Every exchange removes a crossing, so this ends; the bound keeps it short.
    for _ in 0..16 {
        let mut changed = false;
        for rank in 0..graph.layers.len() {
            if !std::mem::take(&mut dirty[rank]) {
                continue;
            }
            for k in 1..graph.layers[rank].len() {
                let (left, right) = (graph.layers[rank][k - 1], graph.layers[rank][k]);
                let kept = pair_crossings(graph, &positions, left, right);
                let swapped = pair_crossings(graph, &positions, right, left);
                if swapped < kept {
                    graph.layers[rank].swap(k - 1, k);
                    positions.swap(left, right);
                    changed = true;
                    let near = rank.saturating_sub(1)..(rank + 2).min(dirty.len());
                    dirty[near].fill(true);
                }
            }
        }
        if !changed {
            return;
        }
    }
}

/// The crossings between the edges of two neighbours of a layer, `left` before `right`.
fn pair_crossings(graph: &Proper, positions: &[usize], left: usize, right: usize) -> usize {
    [&graph.up, &graph.down]
        .iter()
        .map(|neighbours| {
            let inversions = |&v: &usize| neighbours[right].iter().filter(|&&w| positions[w] < positions[v]).count();
            neighbours[left].iter().map(inversions).sum::<usize>()
        })
        .sum()
}
