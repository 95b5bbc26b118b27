//! The proper layered graph: every edge joins neighbouring layers.
//!
//! Vertices `0..nodes` are the sketch's nodes, in order; the dummies follow. A long edge is a
//! chain of vertices, one per layer. One dummy of an edge with a label is as large as the
//! label; the others are points. Plain edges that carry one value from a node to several far ones
//! share their dummies, a *trunk*: so a graph of `n` nodes in `l` layers has at most `n * l` of
//! them, however many edges it has.

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

/// The dummies of plain edges from one node, one per layer.
pub(super) struct Trunk {
    pub dummies: Vec<usize>,
    /// The edge that is drawn along all of it; the others branch off.
    pub bearer: usize,
}

/// The dummies between the ends of a chain.
enum Between {
    Own(Vec<usize>),
    /// The first so many of a trunk.
    Shared(usize, usize),
}

/// An edge of the sketch as a chain of vertices, one per layer in the order of the layers.
pub(super) struct Chain {
    pub edge: usize,
    pub first: usize,
    pub last: usize,
    between: Between,
    /// The vertex that holds the label.
    pub label: Option<usize>,
    /// Whether the arrow points at the first vertex, because the edge closes a cycle.
    pub against: bool,
}

/// The proper layered graph.
pub(super) struct Proper {
    pub vertices: Vec<Vertex>,
    pub chains: Vec<Chain>,
    pub trunks: Vec<Trunk>,
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
        trunks: Vec::new(),
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
    let mut trunk_of: Vec<Option<usize>> = vec![None; sizes.len()];
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
        let mut chain =
            Chain { edge: index, first: from, last: to, between: Between::Own(Vec::new()), label: None, against };
        if measure::is_plain(edge) && !against && last > first + 1 {
            let count = last - first - 1;
            let trunk = *trunk_of[from].get_or_insert_with(|| {
                graph.trunks.push(Trunk { dummies: Vec::new(), bearer: index });
                graph.trunks.len() - 1
            });
            let mut end = graph.trunks[trunk].dummies.last().copied().unwrap_or(from);
            for rank in first + 1 + graph.trunks[trunk].dummies.len()..last {
                let vertex = graph.add(rank, Role::Bend, 0.0, 0.0);
                graph.join(end, vertex);
                graph.trunks[trunk].dummies.push(vertex);
                graph.trunks[trunk].bearer = index;
                end = vertex;
            }
            graph.join(graph.trunks[trunk].dummies[count - 1], to);
            chain.between = Between::Shared(trunk, count);
        } else {
            let mut own = Vec::new();
            for rank in first + 1..last {
                let vertex = match size {
                    Some((cross, flow)) if label_rank == Some(rank) => {
                        let vertex = graph.add(rank, Role::Label, cross, flow);
                        chain.label = Some(vertex);
                        vertex
                    }
                    _ => graph.add(rank, Role::Bend, 0.0, 0.0),
                };
                graph.join(own.last().copied().unwrap_or(from), vertex);
                own.push(vertex);
            }
            graph.join(own.last().copied().unwrap_or(from), to);
            chain.between = Between::Own(own);
        }
        if spine[index] {
            let vertices = graph.vertices_of(&chain);
            for pair in vertices.windows(2) {
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

    fn join(&mut self, upper: usize, lower: usize) {
        self.down[upper].push(lower);
        self.up[lower].push(upper);
    }

    /// The dummies between the ends of a chain.
    pub(super) fn between<'a>(&'a self, chain: &'a Chain) -> &'a [usize] {
        match &chain.between {
            Between::Own(dummies) => dummies,
            Between::Shared(trunk, count) => &self.trunks[*trunk].dummies[..*count],
        }
    }

    /// All vertices of a chain.
    pub(super) fn vertices_of(&self, chain: &Chain) -> Vec<usize> {
        let between = self.between(chain).iter().copied();
        std::iter::once(chain.first).chain(between).chain([chain.last]).collect()
    }

    /// The edge along whose trunk this one goes before it branches off.
    pub(super) fn bearer(&self, chain: &Chain) -> Option<usize> {
        match chain.between {
            Between::Shared(trunk, _) => Some(self.trunks[trunk].bearer).filter(|bearer| *bearer != chain.edge),
            Between::Own(_) => None,
        }
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

#[cfg(test)]
mod tests {
    use super::super::{Axes, Direction, rank};
    use super::*;
    use crate::draw::{SketchEdge, SketchNode};

    /// A sketch in which every node reads all before it.
    fn dense(n: usize) -> Sketch {
        let mut sketch = Sketch::new("dense", Direction::TopDown);
        for k in 0..n {
            sketch.node(SketchNode::new(format!("%{k}"), "add", NodeKind::Merge));
            (0..k).for_each(|from| {
                sketch.edge(SketchEdge::new(from, k));
            });
        }
        sketch
    }

    /// The vertices, and the steps of joining them: twice the nodes make four times as many, not eight.
    #[test]
    fn dummies_are_bounded_by_nodes_and_layers() {
        let size = |n: usize| {
            let sketch = dense(n);
            let ranking = rank::assign(&sketch);
            let sizes = measure::nodes(&sketch, Some(&ranking.ranks));
            let graph = build(&sketch, &sizes, &ranking, Axes(sketch.direction));
            assert_eq!(graph.layers.len(), n);
            assert!(graph.vertices.len() <= n * n, "{} vertices of {n} nodes", graph.vertices.len());
            (graph.vertices.len(), graph.down.iter().map(Vec::len).sum::<usize>())
        };
        let (small, large) = (size(40), size(80));
        assert!(large.0 <= 5 * small.0 && large.1 <= 5 * small.1, "{small:?} {large:?}");
    }
}
