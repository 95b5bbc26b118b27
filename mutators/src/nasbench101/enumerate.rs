//! All cells of the benchmark.

use super::{CellSpec, MAX_EDGES, MAX_INTERIOR, MAX_VERTICES, Op101, pairs};

/// Every valid, pruned cell of exactly `n` vertices, one canonical representative for each
/// isomorphism class, by ascending code. 423,624 over `n` from 2 to 7; empty for another `n`.
///
/// Graphs are made unique before operations are put on them: each labelled cell is isomorphic
/// to one on its graph's representative, so labelling the representatives alone suffices.
pub fn unique_cells(n: usize) -> Vec<CellSpec> {
    if !(2..=MAX_VERTICES).contains(&n) {
        return Vec::new();
    }
    let plain = [Op101::default(); MAX_INTERIOR];
    let graphs = (0..1u32 << pairs(n))
        .filter(|adj| adj.count_ones() <= MAX_EDGES)
        .map(|adj| CellSpec { n: n as u8, adj, ops: plain })
        .filter(CellSpec::is_pruned);
    let labellings = Op101::ALL.len().pow(n as u32 - 2);
    let codes = unique_codes(graphs)
        .into_iter()
        .flat_map(|code| (0..labellings).map(move |labelling| (code, labelling)))
        .filter_map(|(code, labelling)| {
            let mut cell = CellSpec::from_packed(code)?;
            let mut rest = labelling;
            for op in &mut cell.ops[..n - 2] {
                *op = Op101::ALL[rest % Op101::ALL.len()];
                rest /= Op101::ALL.len();
            }
            Some(cell)
        });
    unique_codes(codes).into_iter().filter_map(CellSpec::from_packed).collect()
}

/// The codes of `cells`, sorted and without repetitions.
fn unique_codes(cells: impl Iterator<Item = CellSpec>) -> Vec<u64> {
    let mut codes: Vec<u64> = cells.map(|cell| cell.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}
