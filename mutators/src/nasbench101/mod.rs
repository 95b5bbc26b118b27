//! The NAS-Bench-101 cell (Ying et al., 2019): a small labelled graph, as pure data.
//!
//! Invariants of a [`CellSpec`]:
//! - 2 to 7 vertices; vertex 0 is the input, vertex `n - 1` the output;
//! - an edge `x -> y` has `x < y`, so the numbering is a topological order;
//! - bits of `adj` at or above `n (n - 1) / 2`, and ops beyond the interior, are zero, so that
//!   derived equality and hashing compare the cells and nothing else.
//!
//! What is *not* an invariant: a cell may be unconnected, hold vertices on no path from input
//! to output, or have too many edges. [`CellSpec::prune`] and [`CellSpec::is_valid`] decide that
//! the way the benchmark does: by the pruned cell.

mod canonical;
mod edit;
mod enumerate;
mod error;
mod notation;

use std::fmt;

pub use enumerate::unique_cells;
pub use error::CellError;

/// Most vertices a cell may have, input and output included.
pub const MAX_VERTICES: usize = 7;
/// Most edges a pruned cell may have.
pub const MAX_EDGES: u32 = 9;
/// Most interior vertices, the ones that carry an operation.
pub const MAX_INTERIOR: usize = MAX_VERTICES - 2;

/// The operation of an interior vertex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op101 {
    /// `conv3x3-bn-relu`: 3x3 convolution, batch norm, ReLU.
    #[default]
    Conv3x3,
    /// `conv1x1-bn-relu`: 1x1 convolution, batch norm, ReLU.
    Conv1x1,
    /// `maxpool3x3`: 3x3 max pooling at stride 1.
    MaxPool3x3,
}

impl Op101 {
    /// Every operation, in the order of its digit.
    pub const ALL: [Op101; 3] = [Op101::Conv3x3, Op101::Conv1x1, Op101::MaxPool3x3];

    /// The benchmark's own name.
    pub const fn name(self) -> &'static str {
        match self {
            Op101::Conv3x3 => "conv3x3-bn-relu",
            Op101::Conv1x1 => "conv1x1-bn-relu",
            Op101::MaxPool3x3 => "maxpool3x3",
        }
    }

    /// The digit that stands for the operation in the tables: 0, 1 or 2.
    pub const fn digit(self) -> u8 {
        self as u8
    }

    /// The operation of a table digit.
    pub const fn from_digit(digit: u8) -> Option<Op101> {
        match digit {
            0 => Some(Op101::Conv3x3),
            1 => Some(Op101::Conv1x1),
            2 => Some(Op101::MaxPool3x3),
            _ => None,
        }
    }

    /// The operation of a benchmark name such as `maxpool3x3`.
    pub fn from_name(name: &str) -> Option<Op101> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }
}

impl fmt::Display for Op101 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A cell: a directed acyclic graph whose interior vertices carry an [`Op101`].
///
/// ```
/// use mutators::nasbench101::CellSpec;
///
/// let cell: CellSpec = "[[0,1,1],[0,0,1],[0,0,0]] [input,conv3x3-bn-relu,output]".parse()?;
/// assert_eq!(cell.n(), 3);
/// assert!(cell.is_valid());
/// assert_eq!(cell.channels(128, 256), [128, 256, 256]);
/// # Ok::<(), mutators::nasbench101::CellError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellSpec {
    n: u8,
    adj: u32,
    ops: [Op101; MAX_INTERIOR],
}

/// Number of possible edges among `n` vertices, which is the number of bits `adj` uses.
const fn pairs(n: usize) -> usize {
    n * (n - 1) / 2
}

/// Where the incoming edges of vertex `y` start in `adj`.
const fn column_start(y: usize) -> usize {
    y * y.saturating_sub(1) / 2
}

impl CellSpec {
    /// A cell of `n` vertices. Bit `x + y (y - 1) / 2` of `adj` is the edge `x -> y`; `ops` are
    /// those of vertices `1..n - 1`.
    ///
    /// # Errors
    /// When `n` is not 2 to 7, `adj` has a bit of a vertex that isn't there, or `ops` has not
    /// exactly `n - 2` entries.
    #[inline]
    pub fn new(n: usize, adj: u32, ops: &[Op101]) -> Result<CellSpec, CellError> {
        if !(2..=MAX_VERTICES).contains(&n) {
            return Err(CellError::Vertices { found: n });
        }
        if adj >> pairs(n) != 0 {
            return Err(CellError::Edges { adj, n });
        }
        if ops.len() != n - 2 {
            return Err(CellError::Ops { found: ops.len(), expected: n - 2 });
        }
        let mut prefix = [Op101::default(); MAX_INTERIOR];
        prefix[..ops.len()].copy_from_slice(ops);
        Ok(CellSpec { n: n as u8, adj, ops: prefix })
    }

    /// Number of vertices, input and output included.
    pub const fn n(&self) -> usize {
        self.n as usize
    }

    /// The edges as bits: `x + y (y - 1) / 2` for `x -> y`.
    pub const fn adj(&self) -> u32 {
        self.adj
    }

    /// Operations of the interior vertices `1..n - 1`.
    pub fn ops(&self) -> &[Op101] {
        &self.ops[..self.n() - 2]
    }

    /// Operation of vertex `v`; `None` for input, output and what isn't there.
    pub fn op(&self, v: usize) -> Option<Op101> {
        self.ops().get(v.checked_sub(1)?).copied()
    }

    /// Whether the edge `x -> y` is there.
    pub fn has_edge(&self, x: usize, y: usize) -> bool {
        x < y && y < self.n() && self.predecessors(y) >> x & 1 == 1
    }

    /// Number of edges.
    pub const fn edge_count(&self) -> u32 {
        self.adj.count_ones()
    }

    /// The edges `(x, y)`, by target, then by source.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let cell = *self;
        (1..cell.n()).flat_map(move |y| (0..y).filter_map(move |x| cell.has_edge(x, y).then_some((x, y))))
    }

    /// Sources of the edges into `y`, as a bit set over the vertices.
    #[inline]
    const fn predecessors(&self, y: usize) -> u32 {
        (self.adj >> column_start(y)) & ((1 << y) - 1)
    }

    /// For each vertex, the targets of its edges as a bit set.
    fn successors(&self) -> [u32; MAX_VERTICES] {
        let mut out = [0; MAX_VERTICES];
        for (x, y) in self.edges() {
            out[x] |= 1 << y;
        }
        out
    }

    /// The vertices on some path from input to output, as a bit set; 0 when there is no path.
    fn live(&self) -> u32 {
        let last = self.n() - 1;
        let mut forward = 1u32;
        for y in 1..=last {
            if self.predecessors(y) & forward != 0 {
                forward |= 1 << y;
            }
        }
        if forward >> last & 1 == 0 {
            return 0;
        }
        let mut backward = 1u32 << last;
        for y in (1..=last).rev() {
            if backward >> y & 1 == 1 {
                backward |= self.predecessors(y);
            }
        }
        forward & backward
    }

    /// The cell without the vertices that lie on no path from input to output; `None` when
    /// there is no such path at all.
    pub fn prune(&self) -> Option<CellSpec> {
        let live = self.live();
        if live == 0 {
            return None;
        }
        if live.count_ones() == u32::from(self.n) {
            return Some(*self);
        }
        let mut kept = [0usize; MAX_VERTICES];
        let mut n = 0;
        for v in (0..self.n()).filter(|v| live >> v & 1 == 1) {
            kept[n] = v;
            n += 1;
        }
        let mut pruned = CellSpec { n: n as u8, adj: 0, ops: [Op101::default(); MAX_INTERIOR] };
        for y in 1..n {
            for x in 0..y {
                if self.has_edge(kept[x], kept[y]) {
                    pruned.adj |= 1 << (column_start(y) + x);
                }
            }
            if y < n - 1 {
                pruned.ops[y - 1] = self.ops[kept[y] - 1];
            }
        }
        Some(pruned)
    }

    /// Whether every vertex is on a path from input to output.
    pub fn is_pruned(&self) -> bool {
        self.live().count_ones() == u32::from(self.n)
    }

    /// Whether the benchmark takes the cell: connected, and at most nine edges once pruned.
    /// (The seven vertices are an invariant.)
    pub fn is_valid(&self) -> bool {
        self.prune().is_some_and(|cell| cell.edge_count() <= MAX_EDGES)
    }

    /// Channels of each vertex when the cell maps `input` channels to `output`: the benchmark's
    /// rule (Ying et al., 2019, and the reference implementation's `compute_vertex_channels`).
    ///
    /// The output is the concatenation of the interior vertices that feed it, so its channels
    /// are divided among them; a remainder goes one channel each to the first of them. An
    /// interior vertex that doesn't feed the output is as wide as the widest of its successors.
    ///
    /// The cell must be pruned: a vertex that reaches no output gets 0 channels. So does one
    /// that feeds the output when `output` is smaller than the number of those that do.
    ///
    /// The remainder makes the widths, and with them the network's parameters, depend on the
    /// numbering of the vertices, not on the isomorphism class alone.
    pub fn channels(&self, input: u32, output: u32) -> Vec<u32> {
        let last = self.n() - 1;
        let mut channels = vec![0; self.n()];
        channels[0] = input;
        channels[last] = output;
        let feeding = self.predecessors(last) & !1;
        if feeding != 0 {
            let share = output / feeding.count_ones();
            let mut remainder = output % feeding.count_ones();
            for v in (1..last).filter(|v| feeding >> v & 1 == 1) {
                let extra = remainder.min(1);
                channels[v] = share + extra;
                remainder -= extra;
            }
        }
        let successors = self.successors();
        for v in (1..last).rev().filter(|v| feeding >> v & 1 == 0) {
            channels[v] = (v + 1..last).filter(|w| successors[v] >> w & 1 == 1).map(|w| channels[w]).max().unwrap_or(0);
        }
        channels
    }
}

#[cfg(test)]
mod tests;
