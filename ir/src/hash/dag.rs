//! Canonical hashing of labelled acyclic graphs.
//!
//! Nodes are coloured by what feeds them (a sweep forward) and by what uses them (a sweep back), until no sweep tells
//! more nodes apart: colour refinement (Weisfeiler and Leman 1968) in the order of the data flow. Equal colours are
//! harmless where the equally coloured nodes lie in parallel copies that can be swapped; where they do not, nodes are
//! set apart one at a time (individualisation and refinement, McKay 1981), the smallest outcome counts.
//!
//! Isomorphic graphs always get equal hashes if among equally coloured nodes with equal outcomes any may be taken, which
//! holds for every graph but contrived strongly regular ones.
//!
//! Of parallel parts that are alike only one is tried: see [`super::parts`]. Work is bounded by counting the nodes that are
//! coloured. Where the bound is met, what is not told apart stays so: isomorphic graphs still get equal hashes, but graphs
//! that differ only there may too.

use super::parts::Parts;
use super::stable::{GraphHash, StableHasher, avalanche, fold};
use petgraph::unionfind::UnionFind;
use rustc_hash::FxHashSet;
use std::borrow::Cow;

/// Nodes that are coloured before what is not told apart stays so; some seconds.
const MAX_WORK: u64 = 1 << 29;

/// A colour: two independent 64-bit lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Colour(pub u64, pub u64);

impl Colour {
    /// The colour of a hash.
    #[must_use]
    pub fn of(h: &StableHasher) -> Self {
        let h = h.finish().0;
        Self((h >> 64) as u64, h as u64)
    }

    fn mix(self, x: u64) -> Self {
        let y = x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
        Self(
            fold(self.0 ^ y, 0xa076_1d64_78bd_642f).wrapping_add(y.rotate_left(32)),
            fold(self.1 ^ y.rotate_left(17), 0xe703_7ed1_a0b4_28db).wrapping_add(y),
        )
    }

    fn with(self, other: Self) -> Self {
        let a = self.mix(other.0);
        Self(a.0, a.1 ^ avalanche(other.1 ^ self.1.rotate_left(31)))
    }

    /// The sum of colours is that of a multiset.
    fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0), self.1.wrapping_add(other.1))
    }
}

/// A labelled acyclic graph, nodes numbered operands first.
#[derive(Clone, Debug, Default)]
pub struct Dag {
    labels: Vec<Colour>,
    commutative: Vec<bool>,
    /// Where each node's operands start in `edges`; one more than there are nodes.
    start: Vec<u32>,
    /// Operands: node and output number.
    edges: Vec<(u32, u8)>,
    outputs: Vec<(u32, u8)>,
}

impl Dag {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self { start: vec![0], ..Self::default() }
    }

    /// An empty graph with room for some nodes.
    #[must_use]
    pub fn with_capacity(nodes: usize) -> Self {
        let mut start = Vec::with_capacity(nodes + 1);
        start.push(0);
        Self {
            labels: Vec::with_capacity(nodes),
            commutative: Vec::with_capacity(nodes),
            start,
            edges: Vec::with_capacity(2 * nodes),
            outputs: Vec::new(),
        }
    }

    /// Empties it, keeping the memory.
    pub fn clear(&mut self) {
        self.labels.clear();
        self.commutative.clear();
        self.start.clear();
        self.start.push(0);
        self.edges.clear();
        self.outputs.clear();
    }

    /// Adds a node and returns its number. Operands are numbers of earlier nodes with their output; their order does
    /// not matter if `commutative`.
    pub fn push(&mut self, label: Colour, commutative: bool, operands: impl IntoIterator<Item = (u32, u8)>) -> u32 {
        let id = self.labels.len() as u32;
        self.labels.push(label);
        self.commutative.push(commutative);
        self.edges.extend(operands);
        self.start.push(self.edges.len() as u32);
        id
    }

    /// Declares the next output.
    pub fn output(&mut self, node: u32, out: u8) {
        self.outputs.push((node, out));
    }

    fn operands(&self, i: usize) -> &[(u32, u8)] {
        &self.edges[self.start[i] as usize..self.start[i + 1] as usize]
    }

    /// Whether an output needs it, for each node.
    pub(super) fn needed(&self) -> Vec<bool> {
        let n = self.labels.len();
        let mut needed = vec![false; n];
        self.outputs.iter().for_each(|(o, _)| needed[*o as usize] = true);
        for i in (0..n).rev() {
            if needed[i] {
                self.operands(i).iter().for_each(|(o, _)| needed[*o as usize] = true);
            }
        }
        needed
    }

    /// Drops nodes that no output needs, except those below `keep` (the inputs).
    fn live(&self, keep: u32) -> Cow<'_, Self> {
        let n = self.labels.len();
        let needed = self.needed();
        if needed.iter().skip(keep as usize).all(|x| *x) {
            return Cow::Borrowed(self);
        }
        let mut out = Self::new();
        let mut number = vec![0; n];
        for i in (0..n).filter(|i| needed[*i] || (*i as u32) < keep) {
            let operands = self.operands(i).iter().map(|(o, k)| (number[*o as usize], *k));
            number[i] = out.push(self.labels[i], self.commutative[i], operands);
        }
        out.outputs = self.outputs.iter().map(|(o, k)| (number[*o as usize], *k)).collect();
        Cow::Owned(out)
    }

    /// The canonical hash; the first `inputs` nodes are inputs, which count even where unused.
    #[must_use]
    pub fn hash(&self, inputs: u32) -> GraphHash {
        self.live(inputs).told_apart(true, &mut MAX_WORK.clone())
    }

    /// The hash of a graph that has no dead nodes, by so much work at most; `parted` if parallel parts may be compared.
    pub(super) fn told_apart(&self, parted: bool, left: &mut u64) -> GraphHash {
        let mut colours = self.labels.clone();
        let mut classes = self.refine(&mut colours, left);
        let mut parts: Option<Parts> = None;
        while classes < colours.len() {
            let Some(tie) = self.entangled(&colours) else { break };
            if parted && parts.is_none() && tie.spans_parts() {
                parts = Some(Parts::of(self, &colours, &tie.part, left));
            }
            let tried = match &parts {
                Some(parts) => parts.representatives(&tie.class),
                None => tie.class,
            };
            let mut best: Option<(Colour, usize, usize, Vec<Colour>)> = None;
            for v in tried {
                let mut tried = colours.clone();
                tried[v] = tried[v].mix(1);
                let count = self.refine(&mut tried, left);
                let summary = self.summary(&tried);
                if *left == 0 {
                    break;
                }
                if best.as_ref().is_none_or(|(least, ..)| summary < *least) {
                    best = Some((summary, v, count, tried));
                }
            }
            let Some((_, v, count, tried)) = best.filter(|_| *left > 0) else { break };
            (classes, colours) = (count, tried);
            parts.iter_mut().for_each(|p| p.touch(v));
        }
        let Colour(a, b) = self.summary(&colours);
        GraphHash(u128::from(avalanche(a ^ b.rotate_left(32))) << 64 | u128::from(avalanche(b)))
    }

    /// The graph of some nodes, labelled by their colours; whatever else feeds them is one node. The nodes ascend.
    pub(super) fn induced(&self, nodes: &[usize], colours: &[Colour]) -> Self {
        let mut out = Self::with_capacity(nodes.len() + 1);
        let outside = out.push(Colour::default(), false, []);
        for i in nodes {
            let inner = |o: u32| nodes.binary_search(&(o as usize)).map_or(outside, |at| at as u32 + 1);
            let mut operands: Vec<(u32, u8)> = self.operands(*i).iter().map(|(o, k)| (inner(*o), *k)).collect();
            if self.commutative[*i] {
                operands.sort_unstable();
            }
            // Colours do not tell two nodes that take both of two values from two that take one of them twice.
            let mut times: Vec<usize> = operands.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
            times.sort_unstable();
            let label = times.iter().fold(colours[*i], |c, n| c.mix(*n as u64));
            out.push(label, self.commutative[*i], operands);
        }
        out
    }

    /// Sweeps until the number of classes stays; returns it.
    fn refine(&self, colours: &mut [Colour], left: &mut u64) -> usize {
        let mut scratch = FxHashSet::with_capacity_and_hasher(colours.len(), Default::default());
        let mut classes = 0;
        loop {
            *left = left.saturating_sub(2 * colours.len() as u64);
            self.forward(colours);
            self.backward(colours);
            let now = distinct(colours, &mut scratch);
            if now <= classes || now == colours.len() {
                return now;
            }
            classes = now;
        }
    }

    fn forward(&self, colours: &mut [Colour]) {
        for i in 0..colours.len() {
            let mut c = colours[i].mix(2);
            if self.commutative[i] {
                let sum = self
                    .operands(i)
                    .iter()
                    .fold(Colour::default(), |sum, (o, k)| sum.plus(colours[*o as usize].mix(3 + u64::from(*k))));
                c = c.with(sum);
            } else {
                for (o, k) in self.operands(i) {
                    c = c.with(colours[*o as usize].mix(3 + u64::from(*k)));
                }
            }
            colours[i] = c;
        }
    }

    fn backward(&self, colours: &mut [Colour]) {
        let mut used = vec![Colour::default(); colours.len()];
        for (place, (o, k)) in self.outputs.iter().enumerate() {
            let c = Colour(0x6f75_7470, 0x7574).mix(place as u64).mix(u64::from(*k));
            used[*o as usize] = used[*o as usize].plus(c);
        }
        for i in (0..colours.len()).rev() {
            let c = colours[i].with(used[i].mix(5));
            colours[i] = c;
            for (slot, (o, k)) in self.operands(i).iter().enumerate() {
                let slot = if self.commutative[i] { 0 } else { 1 + slot as u64 };
                let use_ = c.mix(slot << 8 | u64::from(*k));
                used[*o as usize] = used[*o as usize].plus(use_);
            }
        }
    }

    fn summary(&self, colours: &[Colour]) -> Colour {
        let nodes = colours.iter().fold(Colour::default(), |sum, c| sum.plus(c.mix(7)));
        let mut all = nodes.mix(colours.len() as u64);
        for (o, k) in &self.outputs {
            all = all.with(colours[*o as usize].mix(u64::from(*k)));
        }
        all
    }

    /// The smallest class (then least colour) of equally coloured nodes that lie in one copy of what is parallel: whose
    /// members cannot simply be swapped. `None` if there is none.
    fn entangled(&self, colours: &[Colour]) -> Option<Tie> {
        let n = colours.len();
        let mut by_colour: Vec<usize> = (0..n).collect();
        by_colour.sort_unstable_by_key(|i| colours[*i]);
        let mut class = vec![usize::MAX; n];
        let mut size = Vec::new();
        for run in by_colour.chunk_by(|a, b| colours[*a] == colours[*b]).filter(|r| r.len() > 1) {
            run.iter().for_each(|i| class[*i] = size.len());
            size.push(run.len());
        }
        // Links between tied nodes, by (class of operand, class of user, slot, output).
        let mut links: Vec<((usize, usize, usize, u8), usize, usize)> = Vec::new();
        for i in (0..n).filter(|i| class[*i] != usize::MAX) {
            for (slot, (o, k)) in self.operands(i).iter().enumerate() {
                let o = *o as usize;
                if class[o] != usize::MAX {
                    let slot = if self.commutative[i] { 0 } else { 1 + slot };
                    links.push(((class[o], class[i], slot, *k), o, i));
                }
            }
        }
        links.sort_unstable();
        let mut parts = UnionFind::new(n);
        for group in links.chunk_by(|a, b| a.0 == b.0) {
            let (a, b, ..) = group[0].0;
            // Everything linked to everything, equally often: members may be permuted freely.
            let pairs = size[a] * size[b];
            let times = group.len() / pairs.max(1);
            let complete = group.len() % pairs == 0
                && group.chunk_by(|x, y| (x.1, x.2) == (y.1, y.2)).all(|same| same.len() == times);
            if !complete {
                for (_, o, i) in group {
                    parts.union(*o, *i);
                }
            }
        }
        let part: Vec<Option<usize>> = (0..n).map(|i| (class[i] != usize::MAX).then(|| parts.find_mut(i))).collect();
        let mut tied: Vec<(usize, usize)> = (0..n).filter_map(|i| Some((part[i]?, class[i]))).collect();
        tied.sort_unstable();
        let worst = tied.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0].1).min_by_key(|c| (size[*c], *c))?;
        Some(Tie { class: (0..n).filter(|i| class[*i] == worst).collect(), part })
    }
}

/// Equally coloured nodes that cannot simply be swapped.
struct Tie {
    class: Vec<usize>,
    /// The part in which each node lies that is coloured like another, by one of its nodes.
    part: Vec<Option<usize>>,
}

impl Tie {
    fn spans_parts(&self) -> bool {
        self.class.windows(2).any(|w| self.part[w[0]] != self.part[w[1]])
    }
}

fn distinct(colours: &[Colour], scratch: &mut FxHashSet<Colour>) -> usize {
    scratch.clear();
    scratch.extend(colours);
    scratch.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(x: u64) -> Colour {
        Colour(x, x).mix(x)
    }

    /// Six sources in a row of pairs: `pairs` says which two sources each sum takes.
    fn ring(pairs: &[(u32, u32)]) -> Dag {
        let mut d = Dag::new();
        let x = d.push(label(1), false, []);
        let sources: Vec<u32> = (0..6).map(|_| d.push(label(2), false, [(x, 0)])).collect();
        let sums: Vec<u32> = pairs
            .iter()
            .map(|(a, b)| d.push(label(3), true, [(sources[*a as usize], 0), (sources[*b as usize], 0)]))
            .collect();
        let all = d.push(label(3), true, sums.iter().map(|s| (*s, 0)));
        d.output(all, 0);
        d
    }

    #[test]
    fn tells_a_ring_of_six_from_two_of_three() {
        let six = ring(&[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)]);
        let twice_three = ring(&[(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]);
        let renamed = ring(&[(3, 0), (0, 5), (5, 1), (1, 4), (4, 2), (2, 3)]);
        assert_ne!(six.hash(1), twice_three.hash(1));
        assert_eq!(six.hash(1), renamed.hash(1));
    }

    #[test]
    fn sharing_is_not_copying() {
        let mut shared = Dag::new();
        let x = shared.push(label(1), false, []);
        let a = shared.push(label(2), false, [(x, 0)]);
        let y = shared.push(label(3), true, [(a, 0), (a, 0)]);
        shared.output(y, 0);
        let mut copied = Dag::new();
        let x = copied.push(label(1), false, []);
        let (a, b) = (copied.push(label(2), false, [(x, 0)]), copied.push(label(2), false, [(x, 0)]));
        let y = copied.push(label(3), true, [(b, 0), (a, 0)]);
        copied.output(y, 0);
        assert_ne!(shared.hash(1), copied.hash(1));
    }

    /// Random graphs of copies of a few small graphs side by side, with and without links between them.
    fn copies(random: &mut impl FnMut(usize) -> u32, kinds: usize, most: usize) -> (Dag, Vec<u32>) {
        let mut d = Dag::new();
        let x = d.push(label(1), false, []);
        // Some sources, then sums of two of them each: rings, paths and stars.
        let recipes: Vec<Vec<(u64, Vec<u32>)>> = (0..kinds)
            .map(|_| {
                let sources = 2 + random(4);
                let mut recipe: Vec<(u64, Vec<u32>)> = (0..sources).map(|_| (2, vec![0])).collect();
                recipe.extend((0..sources).map(|i| (3, vec![1 + i, 1 + (i + 1 + random(2)) % sources])));
                recipe
            })
            .collect();
        let mut ends = Vec::new();
        let mut order: Vec<usize> = (0..kinds).flat_map(|k| vec![k; 1 + random(most) as usize]).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, random(i + 1) as usize);
        }
        for kind in order {
            let start = d.push(label(9), false, [(x, 0)]);
            let mut inner = vec![start];
            for (op, operands) in &recipes[kind] {
                // Sources are of even labels, sums of odd ones.
                let operands: Vec<(u32, u8)> = operands.iter().map(|o| (inner[*o as usize], 0)).collect();
                inner.push(d.push(label(*op), op % 2 == 1, operands));
            }
            ends.extend(inner.split_off(1 + recipes[kind].len() / 2));
        }
        let y = d.push(label(3), true, ends.iter().map(|e| (*e, 0)));
        d.output(y, 0);
        (d, ends)
    }

    /// The hash by trying every node, whatever lies parallel.
    fn plainly(d: &Dag) -> GraphHash {
        d.live(1).told_apart(false, &mut u64::MAX.clone())
    }

    #[test]
    fn parallel_parts_change_no_hash() {
        let mut state = 1u64;
        let mut random = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % n as u64) as u32
        };
        let mut parted = 0;
        for round in 0..1000 {
            let (d, _) = copies(&mut random, 1 + round % 3, 6);
            assert_eq!(d.hash(1), plainly(&d), "round {round}");
            let mut colours = d.live(1).labels.clone();
            d.live(1).refine(&mut colours, &mut u64::MAX.clone());
            parted += usize::from(d.live(1).entangled(&colours).is_some_and(|t| t.spans_parts()));
        }
        assert!(parted > 50, "{parted}");
    }

    /// Rings of six and pairs of rings of three, so many, in an order.
    fn rings(order: impl Iterator<Item = bool>) -> Dag {
        let mut d = Dag::new();
        let x = d.push(label(1), false, []);
        let mut sums = Vec::new();
        for six in order {
            let sources: Vec<u32> = (0..6).map(|_| d.push(label(2), false, [(x, 0)])).collect();
            for i in 0..6 {
                let next = if six { (i + 1) % 6 } else { i / 3 * 3 + (i + 1) % 3 };
                sums.push(d.push(label(3), true, [(sources[i], 0), (sources[next], 0)]));
            }
        }
        let all = d.push(label(4), true, sums.iter().map(|s| (*s, 0)));
        d.output(all, 0);
        d
    }

    #[test]
    fn many_symmetric_parts_take_little_work() {
        let work = |d: &Dag| {
            let mut left = u64::MAX;
            let hash = d.told_apart(true, &mut left);
            (hash, u64::MAX - left)
        };
        let six = |n: usize| rings((0..n).map(|_| true));
        for n in [2, 5] {
            assert_eq!(work(&six(n)).0, plainly(&six(n)));
        }
        // Trying every node of every part takes the cube of their number.
        let (few, many) = (work(&six(24)).1, work(&six(96)).1);
        assert!(many < 20 * few, "{few} {many}");
        let turned = rings((0..12).map(|i| i % 2 == 0));
        let sorted = rings((0..12).map(|i| i < 6));
        let other = rings((0..12).map(|i| i < 7));
        assert_eq!(turned.hash(1), sorted.hash(1));
        assert_eq!(turned.hash(1), plainly(&sorted));
        assert_ne!(sorted.hash(1), other.hash(1));
    }

    #[test]
    fn beyond_the_work_that_is_allowed_isomorphic_graphs_stay_equal() {
        let coarse = |d: &Dag, mut left: u64| d.told_apart(true, &mut left);
        let whole = {
            let mut left = u64::MAX;
            rings((0..8).map(|i| i < 4)).told_apart(true, &mut left);
            u64::MAX - left
        };
        for left in [0, 1, whole / 20, whole / 3, whole / 2, whole - 1, whole, whole + 1] {
            let hashes = [0, 1, 2].map(|k| coarse(&rings((0..8).map(|i| (i + k) % 2 == 0)), left));
            assert!(hashes.iter().all(|h| *h == hashes[0]), "{left} of {whole}");
        }
    }

    #[test]
    fn dead_nodes_do_not_count() {
        let mut d = Dag::new();
        let x = d.push(label(1), false, []);
        let y = d.push(label(2), false, [(x, 0)]);
        d.output(y, 0);
        let clean = d.hash(1);
        d.push(label(3), false, [(y, 0)]);
        assert_eq!(d.hash(1), clean);
    }
}
