//! Cells, their canonical numbering, their notation and their number.

use proptest::prelude::*;

use super::*;

fn cell(text: &str) -> CellSpec {
    text.parse().expect("a cell")
}

/// All cells, also unconnected and overfull ones.
fn any_cell() -> impl Strategy<Value = CellSpec> {
    (2..=MAX_VERTICES, any::<u32>(), any::<u32>(), prop::array::uniform5(0..3u8)).prop_map(|(n, a, b, digits)| {
        // Of the two draws' union and intersection one is dense and one sparse.
        let adj = (if a & 1 == 0 { a | b } else { a & b }) & ((1 << pairs(n)) - 1);
        let ops: Vec<Op101> = digits[..n - 2].iter().filter_map(|&d| Op101::from_digit(d)).collect();
        CellSpec::new(n, adj, &ops).expect("within the limits")
    })
}

/// The same cell under a topological order drawn by `keys`.
fn renumbered(cell: &CellSpec, keys: &[u8; MAX_VERTICES]) -> CellSpec {
    let n = cell.n();
    let mut order = Vec::new();
    while order.len() < n - 2 {
        let next = (1..n - 1)
            .filter(|v| !order.contains(v))
            .filter(|v| cell.edges().all(|(x, y)| y != *v || x == 0 || order.contains(&x)))
            .min_by_key(|&v| (keys[v], v))
            .expect("acyclic");
        order.push(next);
    }
    cell.renumber(&order).expect("a topological order")
}

/// Smallest packed number over all orders of the interior that are topological.
fn code_by_brute_force(cell: &CellSpec) -> u64 {
    let mut orders: Vec<Vec<u8>> = vec![vec![]];
    for _ in 1..cell.n() - 1 {
        let mut longer = Vec::new();
        for order in &orders {
            for v in (1..cell.n() as u8 - 1).filter(|v| !order.contains(v)) {
                longer.push([order.as_slice(), &[v]].concat());
            }
        }
        orders = longer;
    }
    orders
        .into_iter()
        .map(|order| {
            let mut keys = [0; MAX_VERTICES];
            for (rank, &v) in order.iter().enumerate() {
                keys[v as usize] = rank as u8;
            }
            renumbered(cell, &keys).packed()
        })
        .min()
        .expect("at least one order")
}

proptest! {
    #[test]
    fn mutants_are_distinct_valid_and_near(cell in any_cell(), keys in any::<[u8; MAX_VERTICES]>()) {
        let own = cell.prune();
        let mutants = cell.mutants();
        prop_assert_eq!(&renumbered(&cell, &keys).mutants(), &mutants);
        prop_assert!(mutants.windows(2).all(|w| w[0] < w[1]));
        for code in mutants {
            let own = own.expect("a cell with mutants is connected");
            let mutant = CellSpec::from_packed(code).expect("a code");
            prop_assert!(code != own.code() && mutant.is_valid() && mutant.is_pruned());
            let (n, edges) = (own.n() - mutant.n(), own.edge_count().abs_diff(mutant.edge_count()));
            prop_assert!(matches!((n, edges), (0, 0 | 1) | (1, 2)), "{own} to {mutant}");
            // Where no vertex falls away there is a way back, unless an edge too many was taken away.
            if n == 0 && own.edge_count() <= MAX_EDGES {
                prop_assert!(mutant.mutants().contains(&own.code()), "{mutant} to {own}");
            }
        }
    }

    #[test]
    fn code_ignores_the_numbering(cell in any_cell(), keys in any::<[u8; MAX_VERTICES]>()) {
        let other = renumbered(&cell, &keys);
        prop_assert_eq!(cell.code(), other.code());
        prop_assert_eq!(cell.canonical(), other.canonical());
    }

    #[test]
    fn code_is_the_smallest_of_all_numberings(cell in any_cell()) {
        prop_assert_eq!(cell.code(), code_by_brute_force(&cell));
    }

    #[test]
    fn canonical_is_a_fixed_point(cell in any_cell()) {
        let canonical = cell.canonical();
        prop_assert_eq!(canonical.canonical(), canonical);
        prop_assert_eq!(canonical.packed(), cell.code());
        prop_assert_eq!(cell.renumber(&cell.canonical_order()), Some(canonical));
        prop_assert_eq!(canonical.edge_count(), cell.edge_count());
        prop_assert_eq!(canonical.is_valid(), cell.is_valid());
    }

    #[test]
    fn packed_round_trip(cell in any_cell()) {
        prop_assert_eq!(CellSpec::from_packed(cell.packed()), Some(cell));
    }

    #[test]
    fn from_packed_takes_only_packed_numbers(number in 0..1u64 << 36) {
        if let Some(cell) = CellSpec::from_packed(number) {
            prop_assert_eq!(cell.packed(), number);
        }
    }

    #[test]
    fn notation_round_trip(cell in any_cell()) {
        let text = cell.to_string();
        prop_assert_eq!(text.parse(), Ok(cell));
        let json = text.replace(',', " , ").replace("] [", "], [").replace("input", "\"input\"");
        prop_assert_eq!(json.parse(), Ok(cell));
    }

    #[test]
    fn reading_never_panics(text in "[\\[\\]01, inputoc3x-]{0,40}|\\PC{0,30}") {
        let _ = text.parse::<CellSpec>();
    }

    #[test]
    fn pruning_is_idempotent_and_keeps_validity(cell in any_cell()) {
        if let Some(pruned) = cell.prune() {
            prop_assert!(pruned.is_pruned());
            prop_assert_eq!(pruned.prune(), Some(pruned));
            prop_assert_eq!(pruned.is_valid(), cell.is_valid());
        } else {
            prop_assert!(!cell.is_valid());
        }
    }

    #[test]
    fn concatenated_channels_fill_the_output(cell in any_cell(), output in 7..600u32) {
        if let Some(cell) = cell.prune() {
            let channels = cell.channels(64, output);
            let last = cell.n() - 1;
            let total: u32 = (1..last).filter(|&v| cell.has_edge(v, last)).map(|v| channels[v]).sum();
            prop_assert!(cell.n() == 2 || total == output);
            prop_assert!(channels.iter().all(|&c| c > 0));
        }
    }
}

#[test]
fn unique_cells_have_the_published_numbers() {
    let counts: Vec<usize> = (2..=7).map(|n| unique_cells(n).len()).collect();
    assert_eq!(counts, [1, 6, 84, 2_441, 62_010, 359_082]);
    assert_eq!(counts.iter().sum::<usize>(), 423_624);
    assert!(unique_cells(1).is_empty() && unique_cells(8).is_empty());
}

#[test]
fn unique_cells_are_valid_canonical_and_sorted() {
    for n in 2..=6 {
        let cells = unique_cells(n);
        assert!(cells.iter().all(|c| c.is_valid() && c.is_pruned() && c.packed() == c.code()));
        assert!(cells.windows(2).all(|w| w[0].packed() < w[1].packed()));
    }
}

#[test]
fn isomorphic_cells_share_a_code_and_others_do_not() {
    let a = cell("[[0,1,1,0],[0,0,0,1],[0,0,0,1],[0,0,0,0]] [input,conv1x1-bn-relu,maxpool3x3,output]");
    let b = cell("[[0,1,1,0],[0,0,0,1],[0,0,0,1],[0,0,0,0]] [input,maxpool3x3,conv1x1-bn-relu,output]");
    let c = cell("[[0,1,1,0],[0,0,0,1],[0,0,0,1],[0,0,0,0]] [input,maxpool3x3,conv3x3-bn-relu,output]");
    let d = cell("[[0,1,0,0],[0,0,1,0],[0,0,0,1],[0,0,0,0]] [input,maxpool3x3,conv1x1-bn-relu,output]");
    assert_ne!(a, b);
    assert_eq!(a.code(), b.code());
    assert_ne!(a.code(), c.code());
    assert_ne!(a.code(), d.code());
}

#[test]
fn renumbering_moves_edges_and_operations() {
    let v = cell("[[0,1,0,0],[0,0,0,1],[0,0,0,1],[0,0,0,0]] [input,maxpool3x3,conv1x1-bn-relu,output]");
    let w = cell("[[0,0,1,0],[0,0,0,1],[0,0,0,1],[0,0,0,0]] [input,conv1x1-bn-relu,maxpool3x3,output]");
    assert_eq!(v.renumber(&[2, 1]), Some(w));
    assert_eq!(v.renumber(&[1, 2]), Some(v));
    for wrong in [&[1][..], &[1, 1], &[1, 3], &[0, 1], &[1, 2, 3]] {
        assert_eq!(v.renumber(wrong), None, "{wrong:?}");
    }
    let chain = cell("[[0,1,0,0],[0,0,1,0],[0,0,0,1],[0,0,0,0]] [input,maxpool3x3,maxpool3x3,output]");
    assert_eq!(chain.renumber(&[2, 1]), None);
}

#[test]
fn dead_vertices_are_pruned() {
    let loose = cell("[[0,1,0,1],[0,0,0,1],[0,0,0,1],[0,0,0,0]] [input,maxpool3x3,conv1x1-bn-relu,output]");
    let pruned = cell("[[0,1,1],[0,0,1],[0,0,0]] [input,maxpool3x3,output]");
    assert_eq!(loose.prune(), Some(pruned));
    assert_eq!(loose.edge_count(), 4);
    assert!(loose.is_valid() && !loose.is_pruned());

    let cut = CellSpec::new(3, 0b001, &[Op101::Conv1x1]).expect("a cell");
    assert_eq!(cut.prune(), None);
    assert!(!cut.is_valid());
}

#[test]
fn nine_edges_count_after_pruning() {
    let full = CellSpec::new(5, (1 << 10) - 1, &[Op101::Conv3x3; 3]).expect("a cell");
    assert_eq!(full.edge_count(), 10);
    assert!(!full.is_valid());
    // Without the edges into vertex 3, that vertex and its edge are pruned.
    let pruned = CellSpec::new(5, 0b11_1100_0111 | 1 << 9, &[Op101::Conv3x3; 3]).expect("a cell");
    assert!(pruned.is_valid());
    assert_eq!(pruned.prune().map(|c| (c.n(), c.edge_count())), Some((4, 6)));
}

#[test]
fn mutants_are_the_benchmarks_mutations() {
    let chain = "[[0,1,0,0],[0,0,1,0],[0,0,0,1],[0,0,0,0]] [input,conv3x3-bn-relu,maxpool3x3,output]";
    let ops = "[input,conv3x3-bn-relu,maxpool3x3,output]";
    let mutants = [
        // Operations.
        "[[0,1,0,0],[0,0,1,0],[0,0,0,1],[0,0,0,0]] [input,conv1x1-bn-relu,maxpool3x3,output]".to_owned(),
        "[[0,1,0,0],[0,0,1,0],[0,0,0,1],[0,0,0,0]] [input,maxpool3x3,maxpool3x3,output]".to_owned(),
        "[[0,1,0,0],[0,0,1,0],[0,0,0,1],[0,0,0,0]] [input,conv3x3-bn-relu,conv3x3-bn-relu,output]".to_owned(),
        "[[0,1,0,0],[0,0,1,0],[0,0,0,1],[0,0,0,0]] [input,conv3x3-bn-relu,conv1x1-bn-relu,output]".to_owned(),
        // Edges that are added. Without one of the three that are there, nothing connects input and output.
        format!("[[0,1,1,0],[0,0,1,0],[0,0,0,1],[0,0,0,0]] {ops}"),
        format!("[[0,1,0,1],[0,0,1,0],[0,0,0,1],[0,0,0,0]] {ops}"),
        format!("[[0,1,0,0],[0,0,1,1],[0,0,0,1],[0,0,0,0]] {ops}"),
    ];
    let mut expected = mutants.map(|text| cell(&text).code());
    expected.sort_unstable();
    assert_eq!(cell(chain).mutants(), expected);
    // A vertex between input and output may fall out, two at once do not.
    let direct = cell("[[0,1],[0,0]] [input,output]").code();
    let one = cell("[[0,1,1],[0,0,1],[0,0,0]] [input,maxpool3x3,output]");
    let two = cell(&format!("[[0,1,0,1],[0,0,1,0],[0,0,0,1],[0,0,0,0]] {ops}"));
    assert_eq!([one, two].map(|c| c.mutants().contains(&direct)), [true, false]);
}

#[test]
fn channels_follow_the_benchmark() {
    // Three vertices feed the output: 128 = 43 + 43 + 42.
    let wide = cell(
        "[[0,1,1,1,0],[0,0,0,0,1],[0,0,0,0,1],[0,0,0,0,1],[0,0,0,0,0]] [input,maxpool3x3,maxpool3x3,maxpool3x3,output]",
    );
    assert_eq!(wide.channels(128, 128), [128, 43, 43, 42, 128]);
    // A vertex that doesn't feed the output takes the widest successor; the input edge adds.
    let deep = cell(
        "[[0,1,0,0,1],[0,0,1,1,0],[0,0,0,0,1],[0,0,0,0,1],[0,0,0,0,0]] [input,maxpool3x3,maxpool3x3,maxpool3x3,output]",
    );
    assert_eq!(deep.channels(3, 257), [3, 129, 129, 128, 257]);
    assert_eq!(cell("[[0,1],[0,0]] [input,output]").channels(128, 256), [128, 256]);
    let dead = CellSpec::new(3, 0b010, &[Op101::Conv1x1]).expect("a cell");
    assert_eq!(dead.channels(8, 16), [8, 0, 16]);
}

#[test]
fn notation_takes_the_fields_spellings() {
    let wanted = cell("[[0,1,1],[0,0,1],[0,0,0]] [input,conv3x3-bn-relu,output]");
    for text in [
        "[[0, 1, 1],\n [0, 0, 1],\n [0, 0, 0]]\n[\"input\", \"conv3x3-bn-relu\", \"output\"]",
        "([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ['input', 'conv3x3-bn-relu', 'output'])",
        "( [[0,1,1],[0,0,1,],[0,0,0],] , [input,conv3x3-bn-relu,output,], )",
    ] {
        assert_eq!(text.parse(), Ok(wanted), "{text}");
    }
}

#[test]
fn errors_name_place_and_remedy() {
    let message = |text: &str| text.parse::<CellSpec>().expect_err(text).to_string();
    for (text, parts) in [
        ("", ["expected `[` at character 1", "found the end"]),
        ("[[0,2],[0,0]] [input,output]", ["`0` or `1` at character 5", "found `2`"]),
        ("[[0,1],[1,0]] [input,output]", ["row 1, column 0", "topological order"]),
        ("[[0,1],[0]] [input,output]", ["row 1 of the matrix (character 8) has 1", "square"]),
        ("[[0,1]] [input,output]", ["1 rows of 2", "square"]),
        ("[[0]] [input]", ["2 to 7 vertices", "not 1"]),
        ("[[0,1],[0,0]] [output,input]", ["operation 0 (character 16)", "write `input`"]),
        ("[[0,1],[0,0]] [input,maxpool3x3]", ["operation 1", "write `output`"]),
        ("[[0,1,1],[0,0,1],[0,0,0]] [input,conv5x5,output]", ["`conv5x5`", "conv1x1-bn-relu, maxpool3x3"]),
        ("[[0,1,1],[0,0,1],[0,0,0]] [input,maxpool3x3]", ["0 interior operations", "1 interior vertices"]),
        ("[[0,1],[0,0]] ['input\",output]", ["the closing quote at character 22", "`\"`"]),
        ("[[0,1],[0,0]] [input,output] x", ["expected the end at character 30", "`x`"]),
    ] {
        let found = message(text);
        assert!(parts.iter().all(|part| found.contains(part)), "{text}: {found}");
    }
    let eight = format!("[{}] [input,output]", ["[0,0,0,0,0,0,0,1]"; 8].join(","));
    assert!(message(&eight).contains("column 7"), "{}", message(&eight));
    assert_eq!(CellSpec::new(3, 8, &[Op101::Conv1x1]), Err(CellError::Edges { adj: 8, n: 3 }));
    assert_eq!(CellSpec::new(3, 1, &[]), Err(CellError::Ops { found: 0, expected: 1 }));
    assert_eq!(CellSpec::new(9, 1, &[]), Err(CellError::Vertices { found: 9 }));
}
