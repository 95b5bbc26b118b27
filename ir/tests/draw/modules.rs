//! Drawings of modules: what is decided, what is open, and what recurs.

use ir::draw::{Drawing, NodeKind, Sketch};
use ir::{Module, Value};

/// Stages whose depth, expansion and width are decisions, some by a parameter's index.
const STAGES: &str = "module @stages {
  entry @main
  decision ?depth[0..2] in 1..=4
  decision ?expand[0..2] in [3, 6]
  decision ?width in [16, 24, 32]
  decision ?stride in [1, 2]
  decision ?skip in any of 2

  graph @block<i, c>(%x) {
    %up = conv2d %x {out=c * ?expand[i], k=1}
    %down = conv2d %up {out=c, k=1}
    %y = add %down, %x
    return %y
  }

  graph @stage<i, c>(%x) {
    %wide = conv2d %x {out=c, k=3, pad=1}
    %y = repeat ?depth[i] @block<i, c>(%wide)
    return %y
  }

  graph @main(%image: f32[N, 3, 32, 32]) {
    %s0 = @stage<0, ?width>(%image)
    %s1 = @stage<1, ?width * 2>(%s0)
    %less = max_pool %s1 {k=?stride}
    %two = concat %less, %less
    %chosen = select ?skip (%two, %two) {reduce=sum}
    %sum = add %two, %chosen
    %r = relu %sum
    return %r
  }
}";

fn decide(label: &str, index: Option<i64>) -> Option<Value> {
    Some(match (label, index) {
        ("depth", Some(0)) => Value::Int(3),
        ("depth", _) => Value::Int(1),
        ("expand", Some(0)) => Value::Int(6),
        ("expand", _) => Value::Int(3),
        ("width", _) => Value::Int(24),
        ("stride", _) => Value::Int(2),
        _ => Value::List(Vec::new()),
    })
}

fn parse(text: &str) -> Module {
    let module: Module = text.parse().expect("a module");
    ir::verify(&module).expect("is sound");
    module
}

/// All that is written in a panel.
fn texts(sketch: &Sketch) -> Vec<String> {
    let nodes = sketch.nodes.iter().flat_map(|n| std::iter::once(&n.title).chain(&n.detail));
    let edges = sketch.edges.iter().filter_map(|e| e.label.as_ref());
    std::iter::once(&sketch.name).chain(&sketch.note).chain(nodes).chain(edges).cloned().collect()
}

fn all(drawing: &Drawing) -> Vec<String> {
    drawing.sketches.iter().flat_map(texts).collect()
}

fn has(texts: &[String], text: &str) {
    assert!(texts.iter().any(|t| t == text), "{text} is missing: {texts:#?}");
}

#[test]
fn what_is_decided_is_a_number() {
    let drawing = Drawing::decided(&parse(STAGES), &decide);
    let all = all(&drawing);
    assert!(all.iter().all(|t| !t.contains('?')), "{all:#?}");
    for text in ["i=0, c=24", "i=1, c=48", "stage<i=1, c=48>", "block × 3", "→ 144, 1x1", "[N, 96, 16, 16]"] {
        has(&all, text);
    }
    assert!(drawing.sketches.iter().flat_map(|s| &s.nodes).all(|n| !n.open));
    // A depth of one is a call, and a select of nothing adds nothing.
    let main = &drawing.sketches[0];
    assert!(all.iter().all(|t| t != "block × 1"), "{all:#?}");
    assert!(main.nodes.iter().all(|n| n.title != "add" && n.title != "zero"), "{:#?}", texts(main));
    assert_eq!(drawing.graphs(), ["main", "block", "stage"]);
}

#[test]
fn what_is_open_is_drawn_as_open() {
    let drawing = Drawing::of(&parse(STAGES));
    let main = drawing.clone().only("main").expect("is drawn");
    let main = &main.sketches[0];
    let texts = texts(main);
    for text in [
        "i=0, c=?width",
        "[N, ?width, 32, 32]",
        "[N, ?width * 2, 32, 32]",
        "[N, ?width * 2, 16|32, 16|32]",
        "[N, ?width * 4, 16|32, 16|32]",
        "any of 2 inputs, sum",
        "?width in [16, 24, 32]",
        "?stride in [1, 2]",
    ] {
        if text.starts_with("[N, ?width * 4") {
            // No expression of the module is this; it is a multiple of one of its decisions.
            has(&texts, "[N, 4 * ?width, 16|32, 16|32]");
        } else {
            has(&texts, text);
        }
    }
    let open: Vec<&str> = main.nodes.iter().filter(|n| n.open).map(|n| n.title.as_str()).collect();
    assert_eq!(open, ["stage", "stage", "max_pool", "?skip"]);
    let block = drawing.only("block").expect("is drawn");
    has(&all(&block), "?expand[i] in [3, 6]");
}

/// Cells on the two before them, each through a graph of its own, as in DARTS.
fn cells(n: usize, extra: &str) -> Module {
    let mut text = String::from(
        "module @cells {
  entry @main
  graph @pre<c>(%x) {
    %y = conv2d %x {out=c, k=1}
    return %y
  }
  graph @cell<c>(%a, %b) {
    %y = add %a, %b
    %z = conv2d %y {out=c, k=1}
    return %z
  }
  graph @main(%x: f32[N, 3, 8, 8]) {
    %c0 = conv2d %x {out=8, k=1}
    %c1 = relu %c0
",
    );
    for k in 2..n + 2 {
        text += &format!(
            "    %p{k} = @pre<8>(%c{})\n    %q{k} = @pre<8>(%c{})\n    %c{k} = @cell<8>(%p{k}, %q{k})\n",
            k - 2,
            k - 1
        );
    }
    text += &extra.replace("LAST", &format!("%c{}", n + 1)).replace("BEFORE", &format!("%c{n}"));
    text += "  }\n}\n";
    parse(&text)
}

fn titles(sketch: &Sketch) -> Vec<&str> {
    sketch.nodes.iter().map(|n| n.title.as_str()).collect()
}

/// Edges as titles, with their labels.
fn wires(sketch: &Sketch) -> Vec<String> {
    let title = |i: usize| sketch.nodes[i].title.as_str();
    let wire = |e: &ir::draw::SketchEdge| {
        let label = e.label.as_deref().and_then(|l| l.lines().next()).filter(|l| !l.starts_with('['));
        format!("{} -{}> {}", title(e.from), label.unwrap_or_default(), title(e.to))
    };
    sketch.edges.iter().map(wire).collect()
}

#[test]
fn recurring_cells_are_drawn_once() {
    let drawing = Drawing::of(&cells(6, "    %y = add LAST, BEFORE\n    return %y\n"));
    assert_eq!(drawing.graphs(), ["main", "pre", "cell"]);
    let main = &drawing.sketches[0];
    assert_eq!(titles(main), ["x", "conv2d", "relu", "cell step × 6", "add", "output"]);
    let step = &main.nodes[3];
    assert_eq!(
        (step.kind, &step.detail[..]),
        (NodeKind::Call, &["c=8".to_owned(), "of the two before it".to_owned()][..])
    );
    let expected = [
        "x -> conv2d",
        "conv2d -> relu",
        "conv2d -h_{t-2}> cell step × 6",
        "relu -h_{t-1}> cell step × 6",
        "cell step × 6 -> add",
        "cell step × 6 -last but one> add",
        "add -> output",
    ];
    assert_eq!(wires(main), expected);
    let panel = &drawing.sketches[1];
    assert_eq!(panel.name, "cell step<c>");
    let expected = ["h_{t-2} -> pre", "h_{t-1} -> pre", "pre -> cell", "pre -> cell", "cell -> h_{t}"];
    assert_eq!(wires(panel), expected);
}

/// What a single box could not say is drawn in full.
#[test]
fn wiring_that_a_box_cannot_say_is_not_folded() {
    // A cell in the middle is read elsewhere: a run ends where that cell is its last but one.
    let drawing = Drawing::of(&cells(8, "    %y = add LAST, %c5\n    return %y\n"));
    let main = &drawing.sketches[0];
    assert_eq!(titles(main), ["x", "conv2d", "relu", "cell step × 5", "cell step × 3", "add", "output"]);
    assert!(wires(main).contains(&"cell step × 5 -last but one> add".to_owned()), "{:?}", wires(main));
    // One that is read inside of what would be a run, by no cell, keeps the cells around it apart.
    let drawing = Drawing::of(&cells(4, "    %y = add LAST, %c2\n    return %y\n"));
    assert_eq!(titles(&drawing.sketches[0]).iter().filter(|t| **t == "cell step × 3").count(), 1);
    // Two cells are no run: what is the same for all cannot be told from what came before.
    let drawing = Drawing::of(&cells(2, "    return LAST\n"));
    assert_eq!(titles(&drawing.sketches[0]).iter().filter(|t| **t == "cell").count(), 2);
    // The inputs of the first cells do not fit one row of results.
    let text = cells(4, "    return LAST\n").to_string().replace("%q2 = @pre<8>(%c1)", "%q2 = @pre<8>(%c0)");
    let titles_of = |text: &str| {
        let drawing = Drawing::of(&parse(text));
        titles(&drawing.sketches[0]).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(titles_of(&text).contains(&"cell step × 3".to_owned()), "{:?}", titles_of(&text));
}

/// An unrolled recurrent cell: attributes count up, weights are shared, and all states are read.
#[test]
fn an_unrolled_cell_is_drawn_once() {
    let mut text = String::from(
        "module @unrolled {
  entry @main
  graph @cell(%x, %h) {
    %y = add %x, %h
    %z = linear %y {out=4}
    return %z
  }
  graph @main(%words: f32[N, 5, 4], %s: f32[N, 4]) {
",
    );
    for t in 0..5 {
        let before = if t == 0 { "%s".to_owned() } else { format!("%h{}", t - 1) };
        text += &format!(
            "    %w{t} = slice %words {{axis=1, start={t}, end={}}}\n    %x{t} = flatten %w{t}\n    %h{t} = @cell(%x{t}, {before}) weights cell\n",
            t + 1
        );
    }
    text += "    %all = concat %h0, %h1, %h2, %h3, %h4\n    return %all\n  }\n}\n";
    let drawing = Drawing::of(&parse(&text));
    let main = &drawing.sketches[0];
    // The first slice begins at its default, so it is not of the same form as the others.
    assert_eq!(titles(main), ["words", "s", "slice", "flatten", "cell", "cell step × 4", "concat", "output"]);
    assert!(main.nodes[5].detail.contains(&"with one set of weights".to_owned()), "{:?}", main.nodes[5]);
    assert!(wires(main).contains(&"cell step × 4 -all 4> concat".to_owned()), "{:?}", wires(main));
    let step = &drawing.sketches[1];
    assert_eq!(titles(step), ["h_{t-1}", "words", "slice", "flatten", "cell", "h_{t}"]);
    has(&texts(step), "axis=1, start=t + 1, end=t + 2");
    has(&step.note, "t = 0 … 3");
}

/// A cell whose output goes through an operation, and whose inputs are chosen one by one, is still a cell.
#[test]
fn a_cell_is_drawn_as_one_whatever_selects_it_has() {
    let module = parse(
        "module @micro {
  entry @cell
  decision ?in_0 in [0, 1]
  decision ?in_1 in [0, 1]
  graph @cell(%a: f32[N, 8, 4, 4], %b: f32[N, 8, 4, 4]) {
    %a0 = max_pool %a {k=3, stride=1, pad=1}
    %b0 = avg_pool %b {k=3, stride=1, pad=1}
    %l = select ?in_0 (%a0, %b0) {reduce=sum}
    %a1 = conv2d %a {out=8, k=1}
    %b1 = conv2d %b {out=8, k=1}
    %r = select ?in_1 (%a1, %b1) {reduce=sum}
    %n = add %l, %r
    %out = conv2d %n {out=16, k=1}
    return %out
  }
}",
    );
    let decide = |label: &str, _: Option<i64>| Some(Value::Int(i64::from(label == "in_1")));
    let sketch = &Drawing::decided(&module, &decide).sketches[0];
    assert!(sketch.is_cell());
    assert_eq!(wires(sketch), ["a -max_pool_3x3> n", "b -conv2d_1x1> n", "n -conv2d_1x1> out"]);
    let open = &Drawing::of(&module).sketches[0];
    assert!(open.is_cell());
    has(&open.note, "a node that chooses keeps 1 of its edges");
}
