//! The proper layered graph: every edge joins neighbouring layers.
//!
//! Vertices `0..nodes` are the sketch's nodes, in order; the dummies follow. A long edge is a
//! chain of vertices, one per layer. One dummy of an edge with a label is as large as the
//! label; the others are points.

use super::super::NodeKind;
use super::rank::Ranking;
use super::{Axes, Outline, Size, Sketch, measure};

/// What a vertex stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Node,
    Label,
    Bend,
}

/// A vertex of the proper graph.
#[derive(Clone, Debug)]
pub(super) struct Vertex {
    pub rank: usize,
    pub role: Role,
    /// The extent across the flow.
    pub cross: f64,
    /// The extent along the flow.
    pub flow: f64,
}

/// An edge of the sketch as a chain of vertices, one per layer in the order of the layers.
pub(super) struct Chain {
    pub edge: usize,
    pub vertices: Vec<usize>,
    /// The vertex that holds the label.
    pub label: Option<usize>,
    /// Whether the arrow points at the first vertex, because the edge closes a cycle.
    pub against: bool,
}

/// The proper layered graph.
pub(super) struct Proper {
    pub vertices: Vec<Vertex>,
    pub chains: Vec<Chain>,
    /// The vertices of each layer, in their order across the flow.
    pub layers: Vec<Vec<usize>>,
    /// The neighbours in the layer before; one entry per edge, so parallel edges count.
    pub up: Vec<Vec<usize>>,
    /// The neighbours in the layer after.
    pub down: Vec<Vec<usize>>,
    /// The neighbour before that continues the vertex's spine, and the one after.
    pub spine_up: Vec<Option<usize>>,
    pub spine_down: Vec<Option<usize>>,
}

pub(super) fn build(sketch: &Sketch, sizes: &[(Outline, Size)], ranking: &Ranking, axes: Axes) -> Proper {
    let depth = ranking.ranks.iter().max().map_or(0, |last| last + 1);
    let mut graph = Proper {
        vertices: Vec::new(),
        chains: Vec::new(),
        layers: vec![Vec::new(); depth],
        up: Vec::new(),
        down: Vec::new(),
        spine_up: Vec::new(),
        spine_down: Vec::new(),
    };
    let spine = spine(sketch, ranking);
    for (node, (_, size)) in sizes.iter().enumerate() {
        let (cross, flow) = axes.split(*size);
        graph.add(ranking.ranks[node], Role::Node, cross, flow);
    }
    // Labels are dealt out to the layers short edges first: those have the least choice.
    let mut edges: Vec<usize> = (0..sketch.edges.len()).filter(|&index| sketch.draws_edge(index)).collect();
    let span = |index: usize| {
        let edge = &sketch.edges[index];
        ranking.ranks[edge.to].abs_diff(ranking.ranks[edge.from])
    };
    edges.sort_by_key(|&index| span(index));
    let mut load = vec![0.0; depth];
    for index in edges {
        let edge = &sketch.edges[index];
        let against = ranking.against[index];
        let (from, to) = if against { (edge.to, edge.from) } else { (edge.from, edge.to) };
        let (first, last) = (ranking.ranks[from], ranking.ranks[to]);
        let size = measure::label(edge).map(|size| axes.split(size));
        let label_rank = size.map(|(cross, _)| {
            let rank = label_rank(first, last, &load);
            load[rank] += cross + super::SPACING.label;
            rank
        });
        let mut chain = Chain { edge: index, vertices: vec![from], label: None, against };
        for rank in first + 1..last {
            let vertex = match size {
                Some((cross, flow)) if label_rank == Some(rank) => {
                    let vertex = graph.add(rank, Role::Label, cross, flow);
                    chain.label = Some(vertex);
                    vertex
                }
                _ => graph.add(rank, Role::Bend, 0.0, 0.0),
            };
            chain.vertices.push(vertex);
        }
        chain.vertices.push(to);
        for pair in chain.vertices.windows(2) {
            graph.down[pair[0]].push(pair[1]);
            graph.up[pair[1]].push(pair[0]);
            if spine[index] {
                graph.spine_down[pair[0]] = Some(pair[1]);
                graph.spine_up[pair[1]] = Some(pair[0]);
            }
        }
        graph.chains.push(chain);
    }
    graph.chains.sort_by_key(|chain| chain.edge);
    graph
}

/// The layer for a label: near the middle of its edge, but rather in a layer with room.
fn label_rank(first: usize, last: usize, load: &[f64]) -> usize {
    const PER_LAYER: f64 = 24.0;
    let middle = (first + last) as f64 / 2.0;
    let cost = |rank: usize| PER_LAYER * (rank as f64 - middle).abs() + load[rank];
    (first + 1..last)
        .min_by(|&a, &b| cost(a).total_cmp(&cost(b)))
        .expect("invariant: an edge with a label spans two layers")
}

/// For each edge, whether it is the one shortest edge at both its ends. Such edges form paths,
/// the spines of the drawing: the main branch of a residual block, the row of nodes of a cell.
/// They are drawn straight, and what bypasses them goes around. The output of a cell joins
/// all its nodes alike, so it has no spine.
fn spine(sketch: &Sketch, ranking: &Ranking) -> Vec<bool> {
    // The shortest length at each side of each node, and how many edges have it.
    let mut shortest = vec![[(usize::MAX, 0); 2]; sketch.nodes.len()];
    let ends = |index: usize| {
        let edge = &sketch.edges[index];
        let length = ranking.ranks[edge.from].abs_diff(ranking.ranks[edge.to]);
        let side = usize::from(ranking.against[index]);
        (length, [(edge.from, side), (edge.to, 1 - side)])
    };
    let drawn: Vec<usize> = (0..sketch.edges.len()).filter(|&index| sketch.draws_edge(index)).collect();
    for &index in &drawn {
        let (length, ends) = ends(index);
        for (node, side) in ends {
            let (least, count) = &mut shortest[node][side];
            match length.cmp(least) {
                std::cmp::Ordering::Less => (*least, *count) = (length, 1),
                std::cmp::Ordering::Equal => *count += 1,
                std::cmp::Ordering::Greater => {}
            }
        }
    }
    let is_cell = sketch.is_cell();
    let mut spine = vec![false; sketch.edges.len()];
    for index in drawn {
        let (length, ends) = ends(index);
        let alone = ends.iter().all(|&(node, side)| shortest[node][side] == (length, 1));
        let joins = is_cell
            && sketch.nodes[sketch.edges[index].to].kind == NodeKind::Output
            && sketch.edges[index].label.is_none();
        spine[index] = alone && !joins;
    }
    spine
}

impl Proper {
    fn add(&mut self, rank: usize, role: Role, cross: f64, flow: f64) -> usize {
        let vertex = self.vertices.len();
        self.vertices.push(Vertex { rank, role, cross, flow });
        self.layers[rank].push(vertex);
        self.up.push(Vec::new());
        self.down.push(Vec::new());
        self.spine_up.push(None);
        self.spine_down.push(None);
        vertex
    }

    /// The position of every vertex within its layer.
    pub(super) fn positions(&self) -> Vec<usize> {
        let mut positions = vec![0; self.vertices.len()];
        for layer in &self.layers {
            for (position, &vertex) in layer.iter().enumerate() {
                positions[vertex] = position;
            }
        }
        positions
    }
}
