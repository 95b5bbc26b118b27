//! Speed of drawings: a large graph with long edges, and a dense one.

use criterion::{Criterion, criterion_group, criterion_main};
use ir::draw::{Direction, Drawing, NodeKind, Sketch, SketchEdge, SketchNode};
use std::hint::black_box;

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

/// Every node reads every node before it: as many edges as there can be.
fn dense(nodes: usize) -> Drawing {
    let mut sketch = Sketch::new("dense", Direction::TopDown);
    for k in 0..nodes {
        sketch.node(SketchNode::new(format!("%{k}"), "concat", NodeKind::Merge));
        for from in 0..k {
            sketch.edge(SketchEdge::new(from, k));
        }
    }
    Drawing::new("dense").with_sketch(sketch)
}

fn drawings(c: &mut Criterion) {
    let mut group = c.benchmark_group("to_svg");
    group.sample_size(10);
    let (large, dense) = (large(400), dense(400));
    group.bench_function("400 nodes with long edges", |b| b.iter(|| black_box(large.to_svg().len())));
    group.bench_function("400 nodes, each reading all before it", |b| b.iter(|| black_box(dense.to_svg().len())));
    group.finish();
}

criterion_group!(benches, drawings);
criterion_main!(benches);
