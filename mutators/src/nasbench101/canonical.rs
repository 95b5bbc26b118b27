//! One representative, and one number, for each isomorphism class of cells.
//!
//! A numbering's *packed* number is `n`, then for each interior vertex its operation (2 bits)
//! and incoming edges (`y` bits), then the output's incoming edges, the first vertex in the
//! highest bits. The canonical numbering is the topological one with the smallest packed number,
//! and that number is the cell's code.
//!
//! The smallest number is the lexicographically smallest sequence of vertices, and every prefix
//! of a topological order can be completed, so it is found vertex by vertex: only the smallest
//! of the placeable vertices can come next. The search branches on ties alone, and not on ties
//! between twins (same operation, predecessors and successors), whose exchange changes nothing.

use super::{CellSpec, MAX_INTERIOR, MAX_VERTICES, Op101, column_start};

/// Bits a packed number has below its `n`.
const fn bits(n: usize) -> usize {
    bits_from(1, n)
}

/// Bits of vertices `from..n` in a packed number.
const fn bits_from(from: usize, n: usize) -> usize {
    let mut total = n - 1;
    let mut y = from;
    while y < n - 1 {
        total += 2 + y;
        y += 1;
    }
    total
}

impl CellSpec {
    /// The numbering of exactly this cell as one number, at most 34 bits. Cells with fewer
    /// vertices have smaller numbers.
    #[inline]
    pub const fn packed(&self) -> u64 {
        let n = self.n();
        let mut packed = n as u64;
        let mut y = 1;
        while y < n {
            if y < n - 1 {
                packed = packed << 2 | self.ops[y - 1].digit() as u64;
            }
            packed = packed << y | self.predecessors(y) as u64;
            y += 1;
        }
        packed
    }

    /// The cell of a [`packed`](Self::packed) number; `None` when no cell has that number.
    pub fn from_packed(packed: u64) -> Option<CellSpec> {
        let n = (2..=MAX_VERTICES).find(|&n| packed >> bits(n) == n as u64)?;
        let mut cell = CellSpec { n: n as u8, adj: 0, ops: [Op101::default(); MAX_INTERIOR] };
        let mut rest = packed;
        for y in (1..n).rev() {
            cell.adj |= ((rest & ((1 << y) - 1)) as u32) << column_start(y);
            rest >>= y;
            if y < n - 1 {
                cell.ops[y - 1] = Op101::from_digit((rest & 3) as u8)?;
                rest >>= 2;
            }
        }
        Some(cell)
    }

    /// The canonical numbering of the cell: equal for two cells exactly when they are
    /// isomorphic, input, output and operations kept. Vertices on no path count as well: call
    /// [`prune`](Self::prune) first to compare what the cells compute.
    ///
    /// The numbering may change the [`channels`](Self::channels) of a vertex.
    #[must_use]
    pub fn canonical(&self) -> CellSpec {
        Self::from_packed(self.code()).expect("invariant: a code is the packed number of a renumbering")
    }

    /// The packed number of the [`canonical`](Self::canonical) numbering.
    pub fn code(&self) -> u64 {
        Search::run(self).best
    }

    /// The interior vertices of this cell in the order that the canonical numbering gives them:
    /// `cell.renumber(&cell.canonical_order())` is `cell.canonical()`.
    pub fn canonical_order(&self) -> Vec<usize> {
        let position = Search::run(self).best_position;
        let mut order: Vec<usize> = (1..self.n() - 1).collect();
        order.sort_by_key(|&v| position[v]);
        order
    }

    /// The same cell with its interior vertices in another `order`. `None` unless `order` names
    /// each of `1..n - 1` once, and is topological.
    pub fn renumber(&self, order: &[usize]) -> Option<CellSpec> {
        let n = self.n();
        if order.len() != n - 2 {
            return None;
        }
        let mut place = [0; MAX_VERTICES];
        place[n - 1] = n - 1;
        let mut cell = CellSpec { adj: 0, ..*self };
        for (i, &v) in order.iter().enumerate() {
            cell.ops[i] = self.op(v)?;
            if place[v] != 0 {
                return None;
            }
            place[v] = i + 1;
        }
        for (x, y) in self.edges() {
            let (x, y) = (place[x], place[y]);
            if x >= y {
                return None;
            }
            cell.adj |= 1 << (column_start(y) + x);
        }
        Some(cell)
    }
}

/// State of the search for the smallest numbering.
struct Search<'a> {
    cell: &'a CellSpec,
    successors: [u32; MAX_VERTICES],
    /// Where each placed vertex stands in the new numbering.
    position: [u8; MAX_VERTICES],
    best: u64,
    best_position: [u8; MAX_VERTICES],
}

impl<'a> Search<'a> {
    /// Searches all numberings of `cell`.
    fn run(cell: &'a CellSpec) -> Self {
        let mut search = Search {
            cell,
            successors: cell.successors(),
            position: [0; MAX_VERTICES],
            best: u64::MAX,
            best_position: [0; MAX_VERTICES],
        };
        search.place(1, 1, u64::from(cell.n));
        search
    }

    /// Renames a set of placed vertices.
    fn renamed(&self, mut set: u32) -> u32 {
        let mut out = 0;
        while set != 0 {
            out |= 1 << self.position[set.trailing_zeros() as usize];
            set &= set - 1;
        }
        out
    }

    /// Fills position `at` onwards, given the set of `placed` vertices and the number so far.
    fn place(&mut self, at: usize, placed: u32, prefix: u64) {
        let n = self.cell.n();
        if at == n - 1 {
            let column = self.renamed(self.cell.predecessors(at));
            let number = prefix << at | u64::from(column);
            if number < self.best {
                self.best = number;
                self.best_position = self.position;
            }
            return;
        }
        let mut smallest = u32::MAX;
        let mut tied = 0u32;
        for v in (1..n - 1).filter(|v| placed >> v & 1 == 0) {
            let predecessors = self.cell.predecessors(v);
            if predecessors & !placed != 0 {
                continue;
            }
            let op = u32::from(self.cell.ops[v - 1].digit());
            let key = op << at | self.renamed(predecessors);
            if key < smallest {
                smallest = key;
                tied = 1 << v;
            } else if key == smallest && !self.has_twin(v, tied) {
                tied |= 1 << v;
            }
        }
        let prefix = prefix << (2 + at) | u64::from(smallest);
        if self.best >> bits_from(at + 1, n) < prefix {
            return;
        }
        while tied != 0 {
            let v = tied.trailing_zeros() as usize;
            tied &= tied - 1;
            self.position[v] = at as u8;
            self.place(at + 1, placed | 1 << v, prefix);
        }
    }

    /// Whether one of `others`, which have the key of `v`, is interchangeable with it.
    /// Equal keys already mean equal operations and predecessors.
    fn has_twin(&self, v: usize, others: u32) -> bool {
        (1..v).any(|u| others >> u & 1 == 1 && self.successors[u] == self.successors[v])
    }
}
