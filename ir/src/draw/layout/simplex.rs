//! Network simplex for the layering problem: integer ranks that keep every arc at least its
//! least length and make the weighted sum of all lengths smallest.
//!
//! The method keeps a spanning tree of tight arcs. A tree arc of negative cut value can be
//! exchanged for another arc at a gain; when none is left, the ranks are optimal.

/// A constraint `rank[head] - rank[tail] >= least`, with a price per unit of length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arc {
    pub tail: usize,
    pub head: usize,
    pub least: i64,
    pub weight: i64,
}

/// Optimal ranks of a connected acyclic graph, starting from feasible ones. The number of
/// exchanges is bounded, since degenerate exchanges could cycle; the ranks are feasible
/// whenever it stops.
pub(super) fn solve(arcs: &[Arc], ranks: Vec<i64>) -> Vec<i64> {
    if ranks.len() < 2 {
        return ranks;
    }
    let mut state = State::new(arcs, ranks);
    state.span();
    state.root();
    state.cut();
    for _ in 0..4 * state.ranks.len() + 64 {
        let Some(leaving) = state.leaving() else {
            break;
        };
        let Some(entering) = state.entering(leaving) else {
            break;
        };
        state.exchange(leaving, entering);
    }
    state.ranks
}

struct State<'a> {
    arcs: &'a [Arc],
    ranks: Vec<i64>,
    /// The arcs at each vertex.
    at: Vec<Vec<usize>>,
    in_tree: Vec<bool>,
    /// The tree arc towards the root; the root has none.
    up: Vec<Option<usize>>,
    /// The tree's vertices, parents before children.
    preorder: Vec<usize>,
    /// A vertex's position in `preorder`, and the end of its subtree there.
    first: Vec<usize>,
    end: Vec<usize>,
    cuts: Vec<i64>,
}

impl<'a> State<'a> {
    fn new(arcs: &'a [Arc], ranks: Vec<i64>) -> Self {
        let n = ranks.len();
        let mut at = vec![Vec::new(); n];
        for (index, arc) in arcs.iter().enumerate() {
            at[arc.tail].push(index);
            at[arc.head].push(index);
        }
        Self {
            arcs,
            ranks,
            at,
            in_tree: vec![false; arcs.len()],
            up: vec![None; n],
            preorder: Vec::with_capacity(n),
            first: vec![0; n],
            end: vec![0; n],
            cuts: vec![0; arcs.len()],
        }
    }

    fn slack(&self, arc: usize) -> i64 {
        let Arc { tail, head, least, .. } = self.arcs[arc];
        self.ranks[head] - self.ranks[tail] - least
    }

    fn other(&self, arc: usize, vertex: usize) -> usize {
        self.arcs[arc].tail + self.arcs[arc].head - vertex
    }

    /// Grows a spanning tree of tight arcs from vertex 0, moving the tree as a whole towards
    /// the nearest vertex whenever no tight arc leaves it.
    fn span(&mut self) {
        let mut reached = vec![false; self.ranks.len()];
        reached[0] = true;
        let mut tree = vec![0];
        let mut next = 0;
        loop {
            while next < tree.len() {
                let vertex = tree[next];
                next += 1;
                for k in 0..self.at[vertex].len() {
                    let arc = self.at[vertex][k];
                    let other = self.other(arc, vertex);
                    if !reached[other] && self.slack(arc) == 0 {
                        reached[other] = true;
                        self.in_tree[arc] = true;
                        tree.push(other);
                    }
                }
            }
            let nearest = (0..self.arcs.len())
                .filter(|&arc| reached[self.arcs[arc].tail] != reached[self.arcs[arc].head])
                .min_by_key(|&arc| self.slack(arc));
            let Some(arc) = nearest else { return };
            let slack = self.slack(arc);
            let shift = if reached[self.arcs[arc].tail] { slack } else { -slack };
            for &vertex in &tree {
                self.ranks[vertex] += shift;
            }
            // The arc is tight now: look again from its end within the tree.
            let inner = if reached[self.arcs[arc].tail] { self.arcs[arc].tail } else { self.arcs[arc].head };
            let outer = self.other(arc, inner);
            reached[outer] = true;
            self.in_tree[arc] = true;
            tree.push(outer);
        }
    }

    /// Hangs the tree from vertex 0, after `in_tree` has changed.
    fn root(&mut self) {
        self.preorder.clear();
        self.end.fill(0);
        self.up[0] = None;
        let mut stack = vec![0];
        while let Some(vertex) = stack.pop() {
            self.first[vertex] = self.preorder.len();
            self.preorder.push(vertex);
            for &arc in &self.at[vertex] {
                if self.in_tree[arc] && self.up[vertex] != Some(arc) {
                    let child = self.other(arc, vertex);
                    self.up[child] = Some(arc);
                    stack.push(child);
                }
            }
        }
        for k in (0..self.preorder.len()).rev() {
            let vertex = self.preorder[k];
            self.end[vertex] = self.end[vertex].max(k + 1);
            if let Some(arc) = self.up[vertex] {
                let parent = self.other(arc, vertex);
                self.end[parent] = self.end[parent].max(self.end[vertex]);
            }
        }
    }

    /// The cut value of every tree arc, children before parents, each from its lower vertex's
    /// other arcs: arcs that cross the cut the same way count for, the others against.
    fn cut(&mut self) {
        for k in (1..self.preorder.len()).rev() {
            let vertex = self.preorder[k];
            let Some(arc) = self.up[vertex] else { continue };
            let below_is_tail = self.arcs[arc].tail == vertex;
            let mut value = self.arcs[arc].weight;
            for &other in &self.at[vertex] {
                if other == arc {
                    continue;
                }
                let same_way = (self.arcs[other].tail == vertex) == below_is_tail;
                let sign = if same_way { 1 } else { -1 };
                value += sign * self.arcs[other].weight;
                if self.in_tree[other] {
                    value -= sign * self.cuts[other];
                }
            }
            self.cuts[arc] = value;
        }
    }

    fn leaving(&self) -> Option<usize> {
        (0..self.arcs.len()).filter(|&arc| self.in_tree[arc] && self.cuts[arc] < 0).min_by_key(|&arc| self.cuts[arc])
    }

    /// The lower end of a tree arc.
    fn below(&self, arc: usize) -> usize {
        let Arc { tail, head, .. } = self.arcs[arc];
        if self.up[tail] == Some(arc) { tail } else { head }
    }

    fn is_under(&self, vertex: usize, top: usize) -> bool {
        (self.first[top]..self.end[top]).contains(&self.first[vertex])
    }

    /// The arc of least slack that crosses the cut of `leaving` against its direction.
    fn entering(&self, leaving: usize) -> Option<usize> {
        let below = self.below(leaving);
        let below_is_tail = self.arcs[leaving].tail == below;
        (0..self.arcs.len())
            .filter(|&arc| {
                let Arc { tail, head, .. } = self.arcs[arc];
                self.is_under(head, below) == below_is_tail && self.is_under(tail, below) != below_is_tail
            })
            .min_by_key(|&arc| self.slack(arc))
    }

    fn exchange(&mut self, leaving: usize, entering: usize) {
        let below = self.below(leaving);
        let slack = self.slack(entering);
        let shift = if self.arcs[leaving].tail == below { -slack } else { slack };
        for k in self.first[below]..self.end[below] {
            self.ranks[self.preorder[k]] += shift;
        }
        self.in_tree[leaving] = false;
        self.in_tree[entering] = true;
        self.root();
        self.cut();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A short branch beside a long one must hang at whichever end is cheaper.
    #[test]
    fn finds_the_optimum_that_longest_paths_miss() {
        let arc = |tail, head, weight| Arc { tail, head, least: 1, weight };
        // 0 -> 1 -> 2 -> 3, and 4 -> 3 from a vertex that longest paths put at rank 0.
        let arcs =
            [arc(0, 1, 1), arc(1, 2, 1), arc(2, 3, 1), Arc { tail: 0, head: 4, least: 0, weight: 0 }, arc(4, 3, 1)];
        let ranks = solve(&arcs, vec![0, 1, 2, 3, 0]);
        let base = ranks[0];
        let ranks: Vec<i64> = ranks.iter().map(|r| r - base).collect();
        assert_eq!(ranks, [0, 1, 2, 3, 2]);
    }
}
