//! Layers: which way each edge points, and the layer of each node.
//!
//! Inputs are held in the first layer and outputs in the last; an edge with a label spans at
//! least two layers, so that there is a layer between its ends to put the label in.

use super::super::{NodeKind, Sketch};
use super::simplex::{self, Arc};

/// The outcome of the stage.
pub(super) struct Ranking {
    /// The layer of each node, from zero.
    pub ranks: Vec<usize>,
    /// For each edge, whether it runs against the flow because it closes a cycle.
    pub against: Vec<bool>,
}

/// The price that keeps an input or an output at its end, beyond any number of edges.
const PIN: i64 = 1 << 20;

pub(super) fn assign(sketch: &Sketch) -> Ranking {
    let n = sketch.nodes.len();
    let against = edges_against(sketch);
    let mut arcs = Vec::with_capacity(sketch.edges.len() + 2 * n);
    let (mut has_in, mut has_out) = (vec![false; n], vec![false; n]);
    for (index, edge) in sketch.edges.iter().enumerate() {
        if !sketch.draws_edge(index) {
            continue;
        }
        let (tail, head) = if against[index] { (edge.to, edge.from) } else { (edge.from, edge.to) };
        has_out[tail] = true;
        has_in[head] = true;
        let least = if super::measure::label(edge).is_some() { 2 } else { 1 };
        arcs.push(Arc { tail, head, least, weight: 1 });
    }
    // A source before everything and a sink after it connect the graph and hold the pins.
    let (source, sink) = (n, n + 1);
    for (node, sketched) in sketch.nodes.iter().enumerate() {
        let pin = |kind| if sketched.kind == kind { PIN } else { 0 };
        if !has_in[node] || sketched.kind == NodeKind::Input {
            let weight = pin(NodeKind::Input);
            arcs.push(Arc { tail: source, head: node, least: 0, weight });
        }
        if !has_out[node] || sketched.kind == NodeKind::Output {
            let weight = pin(NodeKind::Output);
            arcs.push(Arc { tail: node, head: sink, least: 0, weight });
        }
    }
    arcs.push(Arc { tail: source, head: sink, least: 0, weight: 0 });
    let ranks = simplex::solve(&arcs, longest_paths(n + 2, &arcs));
    let first = ranks[..n].iter().copied().min().unwrap_or(0);
    Ranking {
        ranks: ranks[..n]
            .iter()
            .map(|&rank| usize::try_from(rank - first).expect("invariant: the first rank is least"))
            .collect(),
        against,
    }
}

/// For each edge, whether a depth-first walk finds it to close a cycle.
fn edges_against(sketch: &Sketch) -> Vec<bool> {
    let mut out = vec![Vec::new(); sketch.nodes.len()];
    for (index, edge) in sketch.edges.iter().enumerate() {
        if sketch.draws_edge(index) {
            out[edge.from].push(index);
        }
    }
    let mut against = vec![false; sketch.edges.len()];
    let mut seen = vec![false; sketch.nodes.len()];
    let mut on_path = vec![false; sketch.nodes.len()];
    for root in 0..sketch.nodes.len() {
        if seen[root] {
            continue;
        }
        let mut stack = vec![(root, 0)];
        seen[root] = true;
        on_path[root] = true;
        while let Some((node, next)) = stack.last_mut() {
            let Some(&edge) = out[*node].get(*next) else {
                on_path[*node] = false;
                stack.pop();
                continue;
            };
            *next += 1;
            let to = sketch.edges[edge].to;
            if on_path[to] {
                against[edge] = true;
            } else if !seen[to] {
                seen[to] = true;
                on_path[to] = true;
                stack.push((to, 0));
            }
        }
    }
    against
}

/// Feasible ranks: for each vertex the length of the longest path that ends there.
fn longest_paths(n: usize, arcs: &[Arc]) -> Vec<i64> {
    let mut out = vec![Vec::new(); n];
    let mut missing = vec![0; n];
    for arc in arcs {
        out[arc.tail].push(arc);
        missing[arc.head] += 1;
    }
    let mut ranks = vec![0; n];
    let mut ready: Vec<usize> = (0..n).filter(|&v| missing[v] == 0).collect();
    while let Some(vertex) = ready.pop() {
        for arc in &out[vertex] {
            ranks[arc.head] = ranks[arc.head].max(ranks[vertex] + arc.least);
            missing[arc.head] -= 1;
            if missing[arc.head] == 0 {
                ready.push(arc.head);
            }
        }
    }
    ranks
}
