//! The canonical hash: what it does not see, and what it sees.

use crate::random::{Random, Sample};
use crate::resolve::each;
use ir::graph::Body;
use ir::{Elaboration, Graph, GraphBuilder, GraphHash, Module, Name, OpTemplate, Val, Value};
use std::cell::Cell;
use std::collections::HashMap;

fn flat(module: &Module, sample: &Sample) -> Option<Module> {
    Elaboration::new(module, sample).run().ok().map(|p| p.flat_module("flat").expect("decided"))
}

fn hash(module: &Module) -> GraphHash {
    ir::verify(module).unwrap_or_else(|e| panic!("{e}\n{module}")).hash()
}

/// The graph with other names, nodes added in another order, and the operands of commutative ops turned.
pub fn disguised(graph: &Graph, random: &mut Random) -> Graph {
    let mut names: HashMap<Name, Name> = HashMap::new();
    for (i, n) in graph.nodes().enumerate() {
        names.insert(n.name.clone(), Name::new(format!("r{}_{i}", random.below(1000))));
    }
    let mut nodes: Vec<_> = graph.nodes().collect();
    let inputs = graph.inputs().len();
    // The inputs' order matters, all else may be shuffled.
    nodes.sort_by_key(|n| n.body != Body::Input);
    for i in (inputs + 1..nodes.len()).rev() {
        nodes.swap(i, inputs + random.below(i - inputs + 1));
    }
    let renamed = |v: &Val| Val { node: names[&v.node].clone(), out: v.out };
    let mut b = GraphBuilder::new("disguised", [] as [&str; 0]);
    for n in nodes {
        let mut operands: Vec<Val> = graph.operands(&n.name).iter().map(renamed).collect();
        if matches!(&n.body, Body::Op(OpTemplate::Fixed(op)) if op.is_commutative()) {
            let by = random.below(operands.len().max(1));
            operands.rotate_left(by);
        }
        let val = b.declared(&names[&n.name], n.body.clone(), operands, n.declared.clone());
        b.tie(&val, names.get(n.weights_name()).unwrap_or_else(|| n.weights_name()));
    }
    graph.outputs().for_each(|v| b.output(renamed(&v)));
    b.finish().expect("the same graph")
}

#[test]
fn names_order_and_turned_sums_do_not_matter() {
    each(|module, sample, random| {
        let Some(flat) = flat(module, sample) else { return };
        let graph = disguised(flat.graph(&flat.entry).expect("an entry"), random);
        let mut other = Module::new("other", "disguised");
        other.set_graph(graph);
        assert_eq!(hash(&flat), hash(&other), "{flat}\n{other}");
    });
}

#[test]
fn attributes_matter() {
    let tried = Cell::new(0);
    each(|module, sample, random| {
        let Some(flat) = flat(module, sample) else { return };
        let graph = flat.graph(&flat.entry).expect("an entry");
        // Only what reaches an output counts.
        let mut needed: Vec<Name> = graph.outputs().map(|v| v.node).collect();
        let mut at = 0;
        while at < needed.len() {
            for v in graph.operands(&needed[at]) {
                if !needed.contains(&v.node) {
                    needed.push(v.node);
                }
            }
            at += 1;
        }
        let name = random.pick(&needed).clone();
        let Body::Op(OpTemplate::Fixed(op)) = &graph.node(&name).expect("there").body else { return };
        let text = op.to_string();
        let other = match op.name() {
            "conv2d" if text.contains("bias=false") => text.replace(", bias=false", ""),
            "conv2d" => text.replace('}', ", bias=false}"),
            "batch_norm" => "batch_norm {momentum=0.5}".to_owned(),
            "relu" => "gelu".to_owned(),
            "zero" => "relu".to_owned(),
            "dropout" => "dropout {p=0.75}".to_owned(),
            "avg_pool" => text.replace('}', ", count_include_pad=false}"),
            "add" if text == "add" && graph.operands(&name).len() > 1 => "mul".to_owned(),
            "mul" => "sub".to_owned(),
            _ => return,
        };
        let mut patch = ir::Patch::new("change");
        let body = Body::Op(OpTemplate::parse(&other, &[]).expect("an op"));
        patch.replace(graph.name(), &name, body);
        let Ok(changed) = patch.apply(&flat) else { return };
        tried.set(tried.get() + 1);
        assert_ne!(hash(&flat), hash(&changed), "%{name}\n{flat}\n{changed}");
    });
    assert!(tried.get() > 500, "{}", tried.get());
}

#[test]
fn operand_order_matters_where_it_does() {
    let parse = |line: &str| {
        let text = format!(
            "module @m {{
  entry @g
  graph @g(%x: f32[N, 4]) {{
    %a = relu %x
    %b = tanh %x
    %y = {line}
    return %y
  }}
}}"
        );
        hash(&text.parse().unwrap_or_else(|e| panic!("{e}")))
    };
    assert_ne!(parse("sub %a, %b"), parse("sub %b, %a"));
    assert_eq!(parse("add %a, %b"), parse("add %b, %a"));
}

#[test]
fn identities_and_decisions_without_effect_do_not_matter() {
    let text = |body: &str| -> Module {
        let text = format!(
            "module @m {{
  entry @g
  decision ?n in 0..=2
  graph @id(%x) {{
    %y = identity %x
    return %y
  }}
  graph @g(%x: f32[N, 4]) {{
{body}
  }}
}}"
        );
        text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"))
    };
    let plain = text("    %y = relu %x\n    return %y");
    let wrapped = text("    %i = @id(%x)\n    %y = relu %i\n    %z = repeat ?n @id(%y)\n    return %z");
    for n in 0..=2 {
        let decide = |_: &str, _: Option<i64>| Some(Value::Int(n));
        let program = Elaboration::new(&wrapped, &decide).run().expect("valid");
        assert_eq!(program.hash(), hash(&plain));
    }
}

#[test]
fn shared_weights_matter() {
    let parse = |lines: [&str; 4]| {
        let text = format!(
            "module @m {{
  entry @g
  graph @g(%x: f32[N, 4]) {{
    %a = linear %x {{out=4}}{}
    %b = linear %a {{out=4}}{}
    %c = linear %b {{out=4}}{}
    %d = linear %c {{out=4}}{}
    %dead = linear %x {{out=4}} weights a
    return %d
  }}
}}",
            lines[0], lines[1], lines[2], lines[3]
        );
        hash(&text.parse().unwrap_or_else(|e| panic!("{e}")))
    };
    let none = parse([""; 4]);
    // A name that one node has alone is no tie, nor is one with what is dead.
    assert_eq!(none, parse([" weights k", "", "", ""]));
    let halves = parse(["", " weights a", "", " weights c"]);
    assert_eq!(halves, parse([" weights k", " weights k", " weights l", " weights l"]));
    let turns = parse(["", "", " weights a", " weights b"]);
    let all = parse(["", " weights a", " weights a", " weights a"]);
    let distinct = std::collections::HashSet::from([none, halves, turns, all]);
    assert_eq!(distinct.len(), 4);
}

#[test]
fn weights_of_tied_calls_are_tied() {
    let cell = "  graph @cell(%x) {
    %y = linear %x {out=4}
    %z = linear %y {out=4}
    return %z
  }";
    let parse = |body: &str, cell: &str| -> Module {
        let text = format!("module @m {{\n  entry @g\n{cell}\n  graph @g(%x: f32[N, 4]) {{\n{body}\n  }}\n}}");
        text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"))
    };
    let tied = parse("    %a = @cell(%x)\n    %b = @cell(%a) weights a\n    return %b", cell);
    let flat = parse(
        "    %a = linear %x {out=4}\n    %b = linear %a {out=4}\n    %c = linear %b {out=4} weights a\n    \
         %d = linear %c {out=4} weights b\n    return %d",
        "",
    );
    let own = parse("    %a = @cell(%x)\n    %b = @cell(%a)\n    return %b", cell);
    assert_eq!(hash(&tied), hash(&flat));
    assert_ne!(hash(&tied), hash(&own));
    let mut patch = ir::Patch::new("tie");
    patch.tie("g", "b", "a");
    let patched = patch.apply(&own).expect("equal calls");
    assert_eq!(patched, tied);
    // What a node becomes has weights of its own.
    let mut patch = ir::Patch::new("untie");
    patch.replace("g", "b", tied.graph("g").and_then(|g| g.node("b")).expect("a call").body.clone());
    assert_eq!(patch.apply(&tied).expect("equal calls"), own);
    let cost = |m: &Module| ir::verify(m).expect("verifies").cost(ir::Convention::Thop);
    assert_eq!(cost(&tied), ir::cost::Cost { params: 2 * 20, macs: 4 * 16 });
    assert_eq!(cost(&own), ir::cost::Cost { params: 4 * 20, macs: 4 * 16 });
}
