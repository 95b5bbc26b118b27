//! The drawings of the golden files: the field's cells, and the shapes that strain a layout.

use ir::draw::{Direction, Drawing, NodeKind, Sketch, SketchEdge, SketchNode};
use ir::{Module, Value};

/// Every sample, by the name of its files.
pub fn all() -> Vec<(&'static str, Drawing)> {
    vec![
        ("darts_v2_normal", darts_v2_normal()),
        ("darts_v2_topdown", darts_v2_topdown()),
        ("darts_supernet", darts_supernet()),
        ("nasbench201_cell", nasbench201_cell()),
        ("nasbench101_cell", nasbench101_cell()),
        ("residual_chain", residual_chain()),
        ("two_panels", two_panels()),
        ("typed_edges", typed_edges()),
        ("odd_input", odd_input()),
        ("folded_rows", folded_rows()),
        ("module_blocks", Drawing::of(&parse(BLOCKS))),
        ("module_darts_v2", Drawing::of(&parse(include_str!("../golden/spaces/darts_v2.lir")))),
        ("module_nasbench201", Drawing::of(&parse(NASBENCH201))),
        ("module_nasbench201_decided", Drawing::decided(&parse(NASBENCH201), &nasbench201_sample)),
        ("module_nasbench201_network", Drawing::of(&parse(include_str!("../golden/spaces/nasbench201_network.lir")))),
        ("module_cell", Drawing::decided(&parse(NASBENCH201), &nasbench201_sample).only("cell").expect("a cell")),
    ]
}

const NASBENCH201: &str = include_str!("../golden/spaces/nasbench201.lir");

/// Every kind of node, parameters, several outputs, types that change.
const BLOCKS: &str = "module @blocks {
  entry @main

  decision ?op in [conv, pool, skip_connect]
  decision ?depth in 1..=3
  decision ?two in 2 of 3

  graph @block<c, k>(%x) {
    %v = choice ?op (%x) {conv: conv2d {out=c, k=k, pad=k // 2}, pool: max_pool {k=3, stride=1, pad=1}, skip_connect: identity}
    %n = batch_norm %v
    %y = relu %n
    return %y
  }

  graph @main(%image: f32[N, 3, 32, 32]) {
    %stem = conv2d %image {out=32, k=3, stride=2, pad=1}
    %halves = split %stem
    %a = repeat ?depth @block<16, 3>(%halves)
    %b = repeat 2 @block<16, 5>(%halves.1)
    %d = dropout %halves.1 {p=0.1}
    %s = select ?two (%a, %b, %d) {reduce=concat}
    %g = global_avg_pool %s
    %f = flatten %g
    %logits = linear %f {out=10}
    return %logits, %f
  }
}";

fn parse(text: &str) -> Module {
    text.parse().expect("a module")
}

fn nasbench201_sample(label: &str, _: Option<i64>) -> Option<Value> {
    let op = match label {
        "e01" | "e23" => "nor_conv_3x3",
        "e02" => "nor_conv_1x1",
        "e12" => "avg_pool_3x3",
        "e03" => "skip_connect",
        _ => "none",
    };
    Some(Value::label(op))
}

fn op(sketch: &mut Sketch, from: usize, to: usize, name: &str) {
    let mut edge = SketchEdge::new(from, to).with_op(name, NodeKind::of_op(name));
    if name == "none" {
        edge = edge.dashed();
    }
    sketch.edge(edge);
}

/// The tensors of a DARTS cell: two inputs, four nodes, and their concatenation.
fn darts_nodes(sketch: &mut Sketch) {
    for name in ["c_{k-2}", "c_{k-1}"] {
        sketch.node(SketchNode::new(name, name, NodeKind::Input));
    }
    for node in 0..4 {
        let name = node.to_string();
        sketch.node(SketchNode::new(&name, &name, NodeKind::Tensor));
    }
    sketch.node(SketchNode::new("concat", "c_{k}", NodeKind::Output));
}

fn darts_cell(name: &str, direction: Direction) -> Sketch {
    let mut sketch = Sketch::new(name, direction);
    darts_nodes(&mut sketch);
    for (k, (name, from)) in [
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1),
        ("skip_connect", 0),
        ("skip_connect", 0),
        ("dil_conv_3x3", 2),
    ]
    .into_iter()
    .enumerate()
    {
        op(&mut sketch, from, 2 + k / 2, name);
    }
    for node in 2..6 {
        sketch.edge(SketchEdge::new(node, 6));
    }
    sketch
}

fn darts_v2_normal() -> Drawing {
    Drawing::new("DARTS_V2")
        .with_subtitle("normal cell, as published")
        .with_sketch(darts_cell("normal", Direction::LeftRight))
}

fn darts_v2_topdown() -> Drawing {
    Drawing::new("DARTS_V2").with_sketch(darts_cell("normal", Direction::TopDown))
}

fn darts_supernet() -> Drawing {
    let mut sketch = Sketch::new("normal", Direction::LeftRight);
    darts_nodes(&mut sketch);
    for node in 2..6 {
        for from in 0..node {
            sketch.edge(
                SketchEdge::new(from, node).with_op(format!("mixed op {from},{}", node - 2), NodeKind::Choice).dashed(),
            );
        }
    }
    for node in 2..6 {
        sketch.edge(SketchEdge::new(node, 6));
    }
    Drawing::new("DARTS supernet cell").with_subtitle("14 mixed operations of 8 candidates each").with_sketch(sketch)
}

fn nasbench201_cell() -> Drawing {
    let mut sketch = Sketch::new("cell", Direction::LeftRight);
    for (node, kind) in [NodeKind::Input, NodeKind::Tensor, NodeKind::Tensor, NodeKind::Output].into_iter().enumerate()
    {
        let name = node.to_string();
        sketch.node(SketchNode::new(&name, &name, kind));
    }
    for (from, to, name) in [
        (0, 1, "nor_conv_3x3"),
        (0, 2, "nor_conv_1x1"),
        (1, 2, "avg_pool_3x3"),
        (0, 3, "skip_connect"),
        (1, 3, "none"),
        (2, 3, "nor_conv_3x3"),
    ] {
        op(&mut sketch, from, to, name);
    }
    Drawing::new("NAS-Bench-201 cell").with_subtitle("CIFAR-10 test accuracy 94.37 %").with_sketch(sketch)
}

fn nasbench101_cell() -> Drawing {
    let mut sketch = Sketch::new("cell", Direction::TopDown);
    let names =
        ["input", "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3", "conv3x3-bn-relu", "conv3x3-bn-relu", "output"];
    for (k, name) in names.into_iter().enumerate() {
        let kind = match k {
            0 => NodeKind::Input,
            6 => NodeKind::Output,
            _ => NodeKind::of_op(name),
        };
        sketch.node(SketchNode::new(format!("%{k}"), name, kind));
    }
    for (from, to) in [(0, 1), (0, 2), (0, 5), (1, 3), (1, 4), (2, 4), (3, 5), (4, 6), (5, 6)] {
        sketch.edge(SketchEdge::new(from, to));
    }
    Drawing::new("NAS-Bench-101 cell").with_sketch(sketch)
}

/// Sixty operators in residual blocks; every third block changes the number of channels.
fn residual_chain() -> Drawing {
    let mut sketch = Sketch::new("resnet", Direction::TopDown);
    let mut last = sketch.node(SketchNode::new("%0", "input", NodeKind::Input).with_detail("f32[N, 3, 32, 32]"));
    let add = |sketch: &mut Sketch, from: &[usize], name: &str, detail: &str| {
        let id = format!("%{}", sketch.nodes.len());
        let mut node = SketchNode::new(id, name, NodeKind::of_op(name));
        if !detail.is_empty() {
            node = node.with_detail(detail);
        }
        let to = sketch.node(node);
        for &from in from {
            sketch.edge(SketchEdge::new(from, to));
        }
        to
    };
    for block in 0..8 {
        let entry = last;
        let widens = block % 3 == 2;
        let stride = if widens { "3x3, stride 2" } else { "3x3" };
        let mut x = add(&mut sketch, &[entry], "conv2d", stride);
        for (name, detail) in [("batch_norm", ""), ("relu", ""), ("conv2d", "3x3"), ("batch_norm", "")] {
            x = add(&mut sketch, &[x], name, detail);
        }
        let mut skip = entry;
        if widens {
            skip = add(&mut sketch, &[entry], "conv2d", "1x1, stride 2");
            skip = add(&mut sketch, &[skip], "batch_norm", "");
        }
        x = add(&mut sketch, &[x, skip], "add", "");
        last = add(&mut sketch, &[x], "relu", "");
    }
    last = add(&mut sketch, &[last], "global_avg_pool", "");
    last = add(&mut sketch, &[last], "linear", "256 → 10");
    let output = sketch.node(SketchNode::new("%out", "output", NodeKind::Output).with_detail("f32[N, 10]"));
    sketch.edge(SketchEdge::new(last, output));
    Drawing::new("A residual network").with_sketch(sketch)
}

fn two_panels() -> Drawing {
    let mut entry = Sketch::new("main", Direction::TopDown);
    let mut last = entry.node(SketchNode::new("%x", "input", NodeKind::Input).with_detail("f32[N, 3, 32, 32]"));
    for (name, kind, detail) in [
        ("conv2d", NodeKind::Conv, "3 → 16, 3x3"),
        ("batch_norm", NodeKind::Norm, "16"),
        ("repeat", NodeKind::Call, "cell, 5 times, 16 channels"),
        ("reduction", NodeKind::Conv, "16 → 32, stride 2"),
        ("repeat", NodeKind::Call, "cell, 5 times, 32 channels"),
        ("activation", NodeKind::Choice, "relu | gelu | silu"),
        ("global_avg_pool", NodeKind::Pool, ""),
        ("linear", NodeKind::Linear, "32 → 10"),
    ] {
        let mut node = SketchNode::new(format!("%{}", entry.nodes.len()), name, kind);
        if !detail.is_empty() {
            node = node.with_detail(detail);
        }
        let next = entry.node(node);
        entry.edge(SketchEdge::new(last, next));
        last = next;
    }
    let output = entry.node(SketchNode::new("%y", "output", NodeKind::Output).with_detail("f32[N, 10]"));
    entry.edge(SketchEdge::new(last, output));
    let mut cell = nasbench201_cell().sketches.remove(0);
    cell.name = "cell".to_owned();
    Drawing::new("A macro skeleton and its cell")
        .with_subtitle("0.32 M parameters, 41 M MACs")
        .with_sketch(entry)
        .with_sketch(cell)
        .with_sketch(darts_cell("another cell", Direction::LeftRight))
}

fn typed_edges() -> Drawing {
    let mut sketch = Sketch::new("attention", Direction::TopDown);
    let x = sketch.node(SketchNode::new("%x", "x", NodeKind::Input));
    let names = ["query", "key", "value"];
    let [q, k, v] = names.map(|name| {
        let node = SketchNode::new(format!("%{name}"), "linear", NodeKind::Linear).with_detail(name);
        let node = sketch.node(node);
        sketch.edge(SketchEdge::new(x, node).with_label("[N, 64, 128]"));
        node
    });
    let mut add = |name: &str, from: &[usize], ty: &str| {
        let node = sketch.node(SketchNode::new(format!("%{name}"), name, NodeKind::of_op(name)));
        for &from in from {
            sketch.edge(SketchEdge::new(from, node).with_label(ty));
        }
        node
    };
    let scores = add("matmul", &[q, k], "[N, 4, 64, 32]");
    let weights = add("softmax", &[scores], "[N, 4, 64, 64]");
    let mixed = add("matmul", &[weights, v], "[N, 4, 64, 64]");
    let sum = add("add", &[mixed, x], "[N, 64, 128]");
    let norm = add("layer_norm", &[sum], "[N, 64, 128]");
    let output = sketch.node(SketchNode::new("%y", "y", NodeKind::Output));
    sketch.edge(SketchEdge::new(norm, output).with_label("[N, 64, 128]"));
    Drawing::new("Attention").with_subtitle("types on the edges").with_sketch(sketch)
}

/// A chain with types on its edges, from left to right, too long for one row.
fn folded_rows() -> Drawing {
    let mut sketch = Sketch::new("", Direction::LeftRight);
    let mut channels = 16;
    for k in 0..24 {
        let name = ["conv2d", "batch_norm", "relu", "max_pool"][k % 4];
        if k % 4 == 0 {
            channels *= 2;
        }
        sketch.node(SketchNode::new(format!("%{k}"), name, NodeKind::of_op(name)));
        if k > 0 {
            sketch.edge(SketchEdge::new(k - 1, k).with_label(format!("[N, {channels}, 8, 8]")));
        }
    }
    Drawing::new("A plain network in rows").with_sketch(sketch)
}

/// What no verified graph contains, and text that no markup may break.
fn odd_input() -> Drawing {
    let mut sketch = Sketch::new("<odd> & \"quoted\"", Direction::TopDown);
    let a = sketch.node(SketchNode::new("%a", "a < b && c", NodeKind::Other).with_detail("\"quoted\" \\ back"));
    let b = sketch.node(
        SketchNode::new("%b", "b", NodeKind::Other)
            .with_detail("a line so long that it has to be cut somewhere, or the box would fill the page"),
    );
    sketch.node(SketchNode::new("%lonely", "漢字 é", NodeKind::Shape));
    sketch.edge(SketchEdge::new(a, b).with_op("first", NodeKind::Conv));
    sketch.edge(SketchEdge::new(a, b).with_op("second\nof two lines", NodeKind::Pool));
    sketch.edge(SketchEdge::new(a, b));
    sketch.edge(SketchEdge::new(a, b));
    sketch.edge(SketchEdge::new(b, a).with_label("against the flow"));
    sketch.edge(SketchEdge::new(a, a));
    sketch.edge(SketchEdge::new(a, 99));
    Drawing::new("Odd input <&>").with_sketch(sketch)
}
