//! Parts of a graph that lie parallel.
//!
//! The nodes that are coloured like others fall into parts: links between two parts are such that every node of one colour
//! is linked to every node of another equally often, and all other links lead to nodes of a colour of their own. So if two
//! parts are isomorphic, colours kept, the graph has an automorphism that swaps them and moves nothing else. It stays one
//! whatever is set apart outside of the two, and setting a node apart in one of them comes to the same as its image in the
//! other: only the nodes of one part need to be tried.

use super::dag::{Colour, Dag};
use super::stable::GraphHash;
use rustc_hash::FxHashMap;

/// The parts of a graph, and which of them are alike.
#[derive(Debug)]
pub(super) struct Parts {
    /// The part of each node that is coloured like another.
    of: Vec<Option<usize>>,
    /// The kind of each part; alike parts in which nothing was set apart have one.
    kind: Vec<usize>,
    kinds: usize,
}

impl Parts {
    /// Compares the parts of a coloured graph, which are given by one of their nodes.
    pub fn of(dag: &Dag, colours: &[Colour], part: &[Option<usize>], left: &mut u64) -> Self {
        let mut number: FxHashMap<usize, usize> = FxHashMap::default();
        let mut nodes: Vec<Vec<usize>> = Vec::new();
        let mut of = vec![None; part.len()];
        for (i, root) in part.iter().enumerate() {
            let Some(root) = root else { continue };
            let at = *number.entry(*root).or_insert_with(|| {
                nodes.push(Vec::new());
                nodes.len() - 1
            });
            nodes[at].push(i);
            of[i] = Some(at);
        }
        let mut known: FxHashMap<GraphHash, usize> = FxHashMap::default();
        let mut kind = Vec::with_capacity(nodes.len());
        for nodes in &nodes {
            let next = known.len();
            kind.push(*known.entry(dag.induced(nodes, colours).told_apart(false, left)).or_insert(next));
        }
        Self { of, kind, kinds: known.len() }
    }

    /// Those of some nodes that lie in the first part of each kind.
    pub fn representatives(&self, nodes: &[usize]) -> Vec<usize> {
        let mut first: FxHashMap<usize, usize> = FxHashMap::default();
        let mut speaks =
            |v: &usize| self.of[*v].is_none_or(|part| *first.entry(self.kind[part]).or_insert(part) == part);
        nodes.iter().copied().filter(|v| speaks(v)).collect()
    }

    /// Notes that a node was set apart: its part is like no other now.
    pub fn touch(&mut self, node: usize) {
        if let Some(part) = self.of[node] {
            self.kind[part] = self.kinds;
            self.kinds += 1;
        }
    }
}
