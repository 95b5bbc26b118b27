//! Mutations of a cell, as Ying et al. (2019) have them: an edge flipped, or an operation changed.

use super::{CellSpec, Op101, column_start, pairs};

impl CellSpec {
    /// The codes of the cells that one mutation of this cell gives, ascending: an edge between two of its vertices set or
    /// cleared, or the operation of an interior vertex changed. What is invalid is left out, and so is the cell itself. An
    /// edge may be set either way between vertices that no path joins, so isomorphic cells have the same mutants.
    ///
    /// The cell is pruned first. Clearing an edge may take one vertex away, which had that edge and one other; where more
    /// would fall away the mutant has little of the cell left, and is none. No mutation adds a vertex.
    pub fn mutants(&self) -> Vec<u64> {
        let Some(cell) = self.prune() else { return Vec::new() };
        let own = cell.code();
        let mut codes = Vec::new();
        let mut meet = |mutant: CellSpec| {
            let Some(mutant) = mutant.prune().filter(CellSpec::is_valid) else { return };
            let fell = (cell.n() - mutant.n(), cell.edge_count().saturating_sub(mutant.edge_count()));
            if fell.0 == 0 || fell == (1, 2) {
                codes.extend(Some(mutant.code()).filter(|code| *code != own));
            }
        };
        for bit in 0..pairs(cell.n()) {
            let mut mutant = cell;
            mutant.adj ^= 1 << bit;
            meet(mutant);
        }
        for (x, y) in (2..cell.n() - 1).flat_map(|y| (1..y).map(move |x| (x, y))) {
            if let Some(mutant) = cell.with_edge_back(x, y) {
                meet(mutant);
            }
        }
        for v in 0..cell.ops().len() {
            for op in Op101::ALL.into_iter().filter(|op| *op != cell.ops[v]) {
                let mut mutant = cell;
                mutant.ops[v] = op;
                meet(mutant);
            }
        }
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// The cell with the edge `y -> x` of interior vertices `x < y`, numbered anew; `None` where a path leads from `x` to `y`.
    fn with_edge_back(&self, x: usize, y: usize) -> Option<CellSpec> {
        let mut before = 1u32 << y;
        for v in (1..=y).rev() {
            if before >> v & 1 == 1 {
                before |= self.predecessors(v);
            }
        }
        if before >> x & 1 == 1 {
            return None;
        }
        let (first, last): (Vec<usize>, Vec<usize>) = (1..self.n() - 1).partition(|v| before >> v & 1 == 1);
        let order = [first, last].concat();
        let place = |v: usize| order.iter().position(|o| *o == v).map(|i| i + 1);
        let mut cell = self.renumber(&order)?;
        cell.adj |= 1 << (column_start(place(x)?) + place(y)?);
        Some(cell)
    }
}
