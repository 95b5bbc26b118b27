//! What holds for the drawing of any graph.

use ir::draw::layout::{Layout, Point, Rect, Route, lay_out};
use ir::draw::{Direction, Drawing, NodeKind, Sketch, SketchEdge, SketchNode};
use proptest::prelude::*;

use super::samples;

/// Text with everything that could break a markup or a measure.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,14}",
        Just("c_{k-1}".to_owned()),
        Just("<&>\"'\\]]>\u{0}".to_owned()),
        Just("a title that is a good deal longer than any box should be wide".to_owned()),
        Just(String::new()),
    ]
}

fn edge(nodes: usize) -> impl Strategy<Value = SketchEdge> {
    let label = prop_oneof![
        3 => Just(None),
        2 => text().prop_map(Some),
        1 => Just(Some("two\nlines".to_owned())),
    ];
    let kind = proptest::option::of(proptest::sample::select(NodeKind::ALL.to_vec()));
    ((0..nodes, 0..nodes), label, kind, any::<bool>()).prop_map(|((a, b), label, kind, dashed)| {
        let mut edge = SketchEdge::new(a.min(b), a.max(b));
        edge.label = label;
        edge.kind = kind;
        edge.dashed = dashed;
        edge
    })
}

/// Acyclic sketches with loops and parallel edges, either of operators or of tensors.
fn sketch() -> impl Strategy<Value = Sketch> {
    let node = (text(), proptest::collection::vec(text(), 0..3), proptest::sample::select(NodeKind::ALL.to_vec()));
    let direction = prop_oneof![Just(Direction::TopDown), Just(Direction::LeftRight)];
    (proptest::collection::vec(node, 0..24), direction, any::<bool>()).prop_flat_map(|(nodes, direction, cell)| {
        let count = nodes.len();
        let edges = proptest::collection::vec(edge(count.max(1)), 0..=2 * count);
        (Just(nodes), Just(direction), Just(cell), edges).prop_map(|(nodes, direction, cell, edges)| {
            let mut sketch = Sketch::new("random", direction);
            for (k, (title, detail, kind)) in nodes.into_iter().enumerate() {
                let mut node = SketchNode::new(format!("%{k}"), title, kind);
                if cell {
                    node = SketchNode::new(format!("%{k}"), k.to_string(), NodeKind::Tensor);
                } else {
                    node.detail = detail;
                }
                sketch.node(node);
            }
            sketch.edges = edges;
            sketch
        })
    })
}

/// Long chains with short skips, which are folded into columns or rows.
fn chain() -> impl Strategy<Value = Sketch> {
    let step = (1usize..=4, any::<bool>(), proptest::bool::weighted(0.3));
    let direction = prop_oneof![Just(Direction::TopDown), Just(Direction::LeftRight)];
    (proptest::collection::vec(step, 30..90), direction).prop_map(|(steps, direction)| {
        let mut sketch = Sketch::new("chain", direction);
        for (k, (back, skips, labelled)) in steps.into_iter().enumerate() {
            let kind = NodeKind::ALL[3 + k % 8];
            sketch.node(SketchNode::new(format!("%{k}"), kind.name(), kind).with_detail("16 → 32"));
            let mut edge = |from: usize| {
                let mut edge = SketchEdge::new(from, k);
                if labelled {
                    edge = edge.with_label("[N, 16, 32, 32]");
                }
                sketch.edge(edge);
            };
            if k > 0 {
                edge(k - 1);
            }
            if k > 4 && back > 1 && skips {
                edge(k - back);
            }
        }
        sketch
    })
}

fn points(route: &Route) -> Vec<Point> {
    let mut points = vec![route.start];
    points.extend(route.pieces.iter().flatten().copied());
    points.extend(route.arrow);
    points
}

/// Points along the curve, from its Bézier pieces, and the arrow's tip.
fn samples_of(route: &Route) -> Vec<Point> {
    const STEPS: usize = 24;
    let mut at = route.start;
    let mut points = Vec::new();
    for [a, b, end] in &route.pieces {
        for step in 0..=STEPS {
            let t = step as f64 / STEPS as f64;
            let s = 1.0 - t;
            let mix = |p: f64, q: f64, r: f64, w: f64| {
                s * s * s * p + 3.0 * s * s * t * q + 3.0 * s * t * t * r + t * t * t * w
            };
            points.push(Point { x: mix(at.x, a.x, b.x, end.x), y: mix(at.y, a.y, b.y, end.y) });
        }
        at = *end;
    }
    points.push(route.arrow[0]);
    points
}

fn within(point: Point, layout: &Layout) -> bool {
    const EDGE: f64 = 1e-6;
    point.x >= -EDGE && point.y >= -EDGE && point.x <= layout.size.w + EDGE && point.y <= layout.size.h + EDGE
}

fn inside(point: Point, rect: &Rect) -> bool {
    point.x > rect.x && point.y > rect.y && point.x < rect.x + rect.w && point.y < rect.y + rect.h
}

/// Everything that a layout promises, for an acyclic sketch.
fn check(sketch: &Sketch) -> Result<(), TestCaseError> {
    let layout = lay_out(sketch);
    prop_assert_eq!(&layout, &lay_out(sketch), "the layout is deterministic");
    let rects: Vec<&Rect> = layout.nodes.iter().chain(layout.labels.iter().flatten()).collect();
    for (k, rect) in rects.iter().enumerate() {
        for corner in [(rect.x, rect.y), (rect.x + rect.w, rect.y + rect.h)] {
            let corner = Point { x: corner.0, y: corner.1 };
            prop_assert!(within(corner, &layout), "{:?} lies on the page", rect);
        }
        for other in &rects[..k] {
            prop_assert!(!rect.overlaps(other), "{:?} and {:?} overlap", rect, other);
        }
    }
    for (index, edge) in sketch.edges.iter().enumerate() {
        prop_assert_eq!(layout.routes[index].is_some(), sketch.draws_edge(index));
        let Some(route) = &layout.routes[index] else {
            continue;
        };
        prop_assert!(layout.ranks[edge.from] < layout.ranks[edge.to], "edges go forward");
        let has_text = edge.label.as_ref().is_some_and(|label| !label.trim().is_empty());
        prop_assert_eq!(layout.labels[index].is_some(), has_text, "labels are drawn");
        for point in points(route) {
            prop_assert!(within(point, &layout), "{:?} of edge {} lies on the page", point, index);
        }
        for point in samples_of(route) {
            for (node, rect) in layout.nodes.iter().enumerate() {
                let own = node == edge.from || node == edge.to;
                prop_assert!(own || !inside(point, rect), "edge {} runs through node {}", index, node);
            }
            for (other, rect) in layout.labels.iter().enumerate() {
                let foreign = other != index && rect.is_some_and(|rect| inside(point, &rect));
                prop_assert!(!foreign, "edge {} runs through the label of {}", index, other);
            }
        }
    }
    Ok(())
}

/// That every tag of an XML text is closed in order, and no attribute is left open.
fn check_markup(xml: &str) -> Result<(), TestCaseError> {
    let mut open = Vec::new();
    for part in xml.split('<').skip(1) {
        let (tag, rest) = part.split_once('>').expect("a tag ends");
        prop_assert!(!rest.contains('>'), "text is escaped: {}", rest);
        prop_assert_eq!(tag.matches('"').count() % 2, 0, "attributes are quoted: {}", tag);
        prop_assert!(!tag.contains("NaN") && !tag.contains("inf"), "numbers are finite: {}", tag);
        if let Some(name) = tag.strip_prefix('/') {
            prop_assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap_or_default());
        }
    }
    prop_assert!(open.is_empty(), "{:?} stay open", open);
    prop_assert!(!xml.chars().any(|c| c < ' ' && c != '\n'), "no control characters");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn layouts_keep_their_promises(sketch in sketch()) {
        check(&sketch)?;
    }

    #[test]
    fn folded_layouts_keep_their_promises(sketch in chain()) {
        check(&sketch)?;
    }

    #[test]
    fn documents_are_well_formed(first in sketch(), second in sketch(), title in text()) {
        let drawing = Drawing::new(title).with_subtitle("two").with_sketch(first).with_sketch(second);
        let svg = drawing.to_svg();
        check_markup(&svg)?;
        prop_assert_eq!(svg, drawing.clone().to_svg());
        let dot = drawing.to_dot();
        prop_assert_eq!(dot.matches("subgraph").count(), 2);
        prop_assert!(!dot.contains('\0'));
    }

    /// Edges in any direction: whatever the cycles, something is drawn, and nothing overlaps.
    #[test]
    fn cycles_are_drawn(sketch in sketch(), turned in proptest::collection::vec(any::<bool>(), 48)) {
        let mut sketch = sketch;
        for (edge, turn) in sketch.edges.iter_mut().zip(turned) {
            if turn {
                std::mem::swap(&mut edge.from, &mut edge.to);
            }
        }
        let layout = lay_out(&sketch);
        let rects: Vec<&Rect> = layout.nodes.iter().chain(layout.labels.iter().flatten()).collect();
        for (k, rect) in rects.iter().enumerate() {
            prop_assert!(rects[..k].iter().all(|other| !rect.overlaps(other)));
        }
        for route in layout.routes.iter().flatten() {
            prop_assert!(points(route).into_iter().all(|point| within(point, &layout)));
        }
    }
}

#[test]
fn samples_keep_the_promises() {
    for (name, drawing) in samples::all() {
        let acyclic = name != "odd_input";
        for sketch in drawing.sketches.iter().filter(|_| acyclic) {
            if let Err(error) = check(sketch) {
                panic!("{name}, {}: {error}", sketch.name);
            }
        }
        if let Err(error) = check_markup(&drawing.to_svg()) {
            panic!("{name}: {error}");
        }
    }
}

/// A chain without skips can be cut anywhere, so its drawing fits a page.
#[test]
fn a_long_chain_is_folded() {
    for direction in [Direction::TopDown, Direction::LeftRight] {
        let mut sketch = Sketch::new("chain", direction);
        for k in 0..60 {
            sketch.node(SketchNode::new(format!("%{k}"), "relu", NodeKind::Activation));
            if k > 0 {
                sketch.edge(SketchEdge::new(k - 1, k));
            }
        }
        let size = lay_out(&sketch).size;
        let (long, short) = (size.w.max(size.h), size.w.min(size.h));
        assert!(long < 1400.0 && long < 2.5 * short, "{direction:?}: {size:?}");
    }
}

/// The four nodes of a NAS-Bench-201 cell lie in a row, and no two edges cross.
#[test]
fn the_nodes_of_a_complete_cell_lie_in_a_row() {
    let (_, drawing) = samples::all().remove(3);
    let layout = lay_out(&drawing.sketches[0]);
    let middle = layout.nodes[0].center().y;
    assert!(layout.nodes.iter().all(|node| (node.center().y - middle).abs() < 0.01));
    let above = |edge: usize| layout.labels[edge].expect("labelled").center().y < middle - 1.0;
    // 0 -> 2 and 1 -> 3 interleave, so they bypass the row on different sides.
    assert_ne!(above(1), above(4));
}
