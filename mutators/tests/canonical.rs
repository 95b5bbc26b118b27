//! The canonical hash against the published number of unique NAS-Bench-101 cells.

use ir::hash::{Colour, Dag, GraphHash, StableHasher};
use std::collections::HashSet;

fn label(text: &str) -> Colour {
    let mut h = StableHasher::new(0);
    h.text(text);
    Colour::of(&h)
}

/// Hashes a cell: bit `x + y (y - 1) / 2` of `adj` is the edge `x -> y`, `ops` the labels of the interior.
fn hash(dag: &mut Dag, n: usize, adj: u32, ops: &[Colour]) -> GraphHash {
    let (input, output) = (label("input"), label("output"));
    dag.clear();
    for y in 0..n {
        let operands = (0..y).filter(|x| adj >> (x + y * y.saturating_sub(1) / 2) & 1 == 1).map(|x| (x as u32, 0));
        let label = if y == 0 {
            input
        } else if y == n - 1 {
            output
        } else {
            ops[y - 1]
        };
        dag.push(label, true, operands);
    }
    dag.output(n as u32 - 1, 0);
    dag.hash(1)
}

/// Whether every vertex lies on a path from input to output: has an edge in, and an edge out.
fn connected(n: usize, adj: u32) -> bool {
    let edge = |x: usize, y: usize| adj >> (x + y * (y - 1) / 2) & 1 == 1;
    (1..n).all(|y| (0..y).any(|x| edge(x, y))) && (0..n - 1).all(|x| (x + 1..n).any(|y| edge(x, y)))
}

#[test]
fn enumerates_the_unique_cells_of_nasbench101() {
    let start = std::time::Instant::now();
    let ops = [label("conv3x3-bn-relu"), label("conv1x1-bn-relu"), label("maxpool3x3")];
    let mut dag = Dag::new();
    let mut counts = Vec::new();
    for n in 2..=7 {
        // One matrix per class of matrices: the labels are put on only those.
        let blank = vec![label("any"); n];
        let mut seen = HashSet::new();
        let matrices: Vec<u32> = (0..1u32 << (n * (n - 1) / 2))
            .filter(|adj| adj.count_ones() <= 9 && connected(n, *adj) && seen.insert(hash(&mut dag, n, *adj, &blank)))
            .collect();
        let mut unique = HashSet::new();
        for adj in matrices {
            for code in 0..3usize.pow(n as u32 - 2) {
                let ops: Vec<Colour> = (0..n as u32 - 2).map(|v| ops[code / 3usize.pow(v) % 3]).collect();
                unique.insert(hash(&mut dag, n, adj, &ops));
            }
        }
        counts.push(unique.len());
    }
    eprintln!("{} cells enumerated in {:.2} s", counts.iter().sum::<usize>(), start.elapsed().as_secs_f64());
    assert_eq!(counts, [1, 6, 84, 2_441, 62_010, 359_082]);
}
