//! The time that a large drawing takes.

use std::time::{Duration, Instant};

use ir::draw::{Direction, Drawing, NodeKind, Sketch, SketchEdge, SketchNode};

/// Blocks of four nodes with skips over many blocks: long edges, so thousands of dummies.
fn large(nodes: usize) -> Drawing {
    let mut sketch = Sketch::new("large", Direction::TopDown);
    for k in 0..nodes {
        let kind = NodeKind::ALL[3 + k % 8];
        sketch.node(SketchNode::new(format!("%{k}"), kind.name(), kind).with_detail("3x3"));
        if k > 0 {
            sketch.edge(SketchEdge::new(k - 1, k));
        }
        if k >= 3 && k % 4 == 3 {
            sketch.edge(SketchEdge::new(k - 3, k).with_label("[N, 16, 32, 32]"));
        }
        if k >= 40 && k % 10 == 0 {
            sketch.edge(SketchEdge::new(k - 37, k));
            sketch.edge(SketchEdge::new((k * 7) % (k - 38), k));
        }
    }
    Drawing::new("large").with_sketch(sketch)
}

#[test]
fn four_hundred_nodes_take_well_under_half_a_second() {
    let drawing = large(400);
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            assert!(drawing.to_svg().len() > 10_000);
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    eprintln!("400 nodes: {best:?}");
    assert!(best < Duration::from_millis(500), "{best:?}");
}

/// Every node reads every node before it: the dummies outnumber the nodes a thousand to one.
#[test]
fn a_dense_graph_is_drawn_in_seconds() {
    let mut sketch = Sketch::new("dense", Direction::TopDown);
    for k in 0..100 {
        sketch.node(SketchNode::new(format!("%{k}"), "concat", NodeKind::Merge));
        for from in 0..k {
            sketch.edge(SketchEdge::new(from, k));
        }
    }
    let start = Instant::now();
    assert!(!Drawing::new("dense").with_sketch(sketch).to_svg().is_empty());
    eprintln!("4950 edges: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(10));
}
