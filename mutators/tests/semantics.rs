//! What the choice primitives mean, line by line: decisions, choices, repeats and cells.

use ir::graph::{Callee, Reduce};
use ir::{Convention, DType, Decision, Dim, Domain, Expr, GraphBuilder, Module, TensorType, Value};
use mutators::cells::{self, Cell, Concat};
use mutators::{MutateError, Sample, Size, Space};
use std::collections::HashSet;

fn space(text: &str) -> Space {
    let module: Module = text.parse().unwrap_or_else(|e| panic!("{e}"));
    Space::new(module).unwrap_or_else(|e| panic!("{e}"))
}

/// A space of decisions that no graph uses.
fn decisions(lines: &str) -> Space {
    space(&format!(
        "module @m {{\n  entry @main\n{lines}\n  graph @main(%x: f32[N, 3, 8, 8]) {{\n    return %x\n  }}\n}}"
    ))
}

fn all(space: &Space) -> Vec<Sample> {
    space.enumerate(2).expect("static").map(|s| s.expect("legal")).collect()
}

fn output(space: &Space, sample: &Sample) -> TensorType {
    let program = space.program(sample).unwrap_or_else(|e| panic!("`{sample}`: {e}"));
    let main = program.main();
    main.types[main.outputs[0] as usize].clone()
}

fn distinct_networks(space: &Space) -> usize {
    all(space).iter().map(|s| space.program(s).expect("a network").hash()).collect::<HashSet<_>>().len()
}

fn value(space: &Space, expr: &str, sample: &str) -> Value {
    let sample = space.bind(&sample.parse().expect("a sample")).unwrap_or_else(|e| panic!("{e}"));
    expr.parse::<Expr>().expect("an expression").eval(&sample).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn line_01_arithmetic_and_nested_loop_order() {
    let s = decisions("  decision ?a in [2, 12]\n  decision ?b in [3, 13]\n  decision ?c in [5, 15]");
    assert_eq!(value(&s, "?a + ?b + 3 * ?c", "a=2,b=3,c=5"), Value::Int(20));
    let order: Vec<String> = all(&s).iter().map(ToString::to_string).collect();
    assert_eq!(order.len(), 8);
    assert_eq!(order[..3], ["a=2,b=3,c=5", "a=2,b=3,c=15", "a=2,b=13,c=5"]);
}

#[test]
fn line_02_python_arithmetic() {
    let s = decisions("  decision ?a in [17]");
    assert_eq!(value(&s, "(abs(-?a * 3) % 11) ** 5", "a=17"), Value::Int(7i64.pow(5)));
    assert_eq!(value(&s, "round(5 / 2)", "a=17"), Value::Int(2));
    assert_eq!(value(&s, "round(7 / 2)", "a=17"), Value::Int(4));
}

#[test]
fn line_03_make_divisible() {
    let s = decisions("  decision ?w in [16, 24, 32, 40, 61, 96]\n  decision ?d in [3, 4, 8, 16, 32]");
    let plain = |v: i64, d: i64| {
        let rounded = d.max((v as f64 + d as f64 / 2.0) as i64 / d * d);
        if (rounded as f64) < 0.9 * v as f64 { rounded + d } else { rounded }
    };
    let samples = all(&s);
    assert_eq!(samples.len(), 30);
    let expr: Expr = "make_divisible(?w, ?d)".parse().expect("an expression");
    for sample in samples {
        let int = |label| sample.get(label).and_then(|v| v.as_int()).expect("a number");
        assert_eq!(expr.eval(&sample), Ok(Value::Int(plain(int("w"), int("d")))), "{sample}");
    }
}

#[test]
fn line_04_weights_order_the_grid() {
    let s = decisions("  decision ?a in [1, 2, 3] weights [0.2, 0.1, 0.7]\n  decision ?b in [x, y] weights [0.4, 0.6]");
    let order: Vec<String> = all(&s).iter().map(ToString::to_string).collect();
    assert_eq!(order, ["a=3,b=y", "a=3,b=x", "a=1,b=y", "a=1,b=x", "a=2,b=y", "a=2,b=x"]);
    assert_eq!(s.default_sample().expect("defaults").to_string(), "a=3,b=y");
    let given = decisions("  decision ?a in [1, 2, 3] default 2 weights [0.2, 0.1, 0.7]");
    assert_eq!(given.default_sample().expect("defaults").to_string(), "a=2");
}

#[test]
fn line_05_subsets() {
    assert_eq!(all(&decisions("  decision ?a in any of [1, 2, 3]")).len(), 8);
    let two = decisions("  decision ?a in 2 of [1, 2, 3]");
    assert_eq!(all(&two).len(), 3);
    let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(1);
    for _ in 0..100 {
        let sample = two.sample(&mut rng).expect("a sample");
        assert!(matches!(sample.get("a"), Some(Value::List(items)) if items.len() == 2), "{sample}");
    }
    let err = two.bind(&"a=[1]".parse().expect("syntax")).expect_err("too few").to_string();
    assert_eq!(err, "`a=[1]`: the value is not in 2 of [1, 2, 3]");
}

#[test]
fn line_06_constraints() {
    let free = "  decision ?a in [1, 2, 3]\n  decision ?b in [1, 2, 3, 4]\n  decision ?c in [1, 2]";
    assert_eq!(all(&decisions(free)).len(), 24);
    let odd = decisions(&format!("{free}\n  constraint (?a + ?b + ?c) % 2 == 1"));
    assert_eq!((all(&odd).len(), odd.size()), (12, Size::Exactly(12)));
    let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(1);
    for _ in 0..100 {
        let sample = odd.sample(&mut rng).expect("a sample");
        odd.check(&sample).expect("legal");
        odd.check(&odd.edit(&sample, &mut rng).expect("an edit")).expect("legal");
    }
    // What can be decided is refused at once, what cannot when it is drawn or enumerated.
    let text =
        "module @m { entry @main decision ?a in [1, 2] constraint ?a > 2 graph @main(%x: f32[N, 3]) { return %x } }";
    let err = Space::new(text.parse().expect("a module")).expect_err("no sample").to_string();
    assert_eq!(err, "no values of ?a fulfil the constraints `?a > 2`; loosen one");
    let never = decisions(NEEDLE);
    let err = never.sample(&mut rng).expect_err("none").to_string();
    assert_eq!(err, "no sample of space `m` fulfils its constraints after 10000 tries; loosen a constraint");
    let mut samples = never.enumerate(0).expect("static");
    let err = samples.next().expect("an error").expect_err("none").to_string();
    assert_eq!(err, "no sample of space `m` fulfils its constraints after 1048576 tries; loosen a constraint");
    assert!(samples.next().is_none());
}

/// No nested loop finds in reasonable time that there is none.
const NEEDLE: &str = "  decision ?a in 1..=100000\n  decision ?b in 1..=100000\n  decision ?c in [1, 2]\n  \
                      constraint ?a * ?a == 2 * ?b * ?b";

#[test]
fn an_enumeration_asks_a_constraint_as_soon_as_it_can() {
    // All but the first value of `a` are refused before a loop over the others begins.
    let family = "  decision ?a in 1..=1000\n  decision ?f[0..40] in [p, q]\n  constraint ?a == 1000";
    let first = decisions(family).enumerate(0).expect("static").next().expect("one").expect("legal");
    assert_eq!(first.get("a"), Some(Value::Int(1000)));
    // The order is that of nested loops, whatever is refused.
    let free = "  decision ?a in 1..=7\n  decision ?b in [3, 1, 2] weights [0.2, 0.5, 0.3]\n  decision ?c in any of 3";
    let constraints = ["?b < ?a", "len(?c) != ?b", "?a % 2 == 1 or contains(?c, 0)"];
    let space = decisions(&format!("{free}\n  constraint {}", constraints.join("\n  constraint ")));
    let fulfils = |s: &Sample| constraints.iter().all(|c| c.parse::<Expr>().expect("one").eval_bool(s) == Ok(true));
    let expected: Vec<String> = all(&decisions(free)).iter().filter(|s| fulfils(s)).map(ToString::to_string).collect();
    let found: Vec<String> = all(&space).iter().map(ToString::to_string).collect();
    assert!(found.len() > 20 && found.len() < 100, "{}", found.len());
    assert_eq!(found, expected);
    // After the last sample nothing but refusals: what was found stands, and the end says why.
    let few = decisions("  decision ?a in 1..=4000\n  decision ?b in 1..=4000\n  constraint ?a * ?b == 2");
    let mut samples = few.enumerate(0).expect("static");
    assert_eq!(samples.by_ref().take(2).filter(Result::is_ok).count(), 2);
    let err = samples.next().expect("an error").expect_err("none").to_string();
    assert!(err.starts_with("space `m`: after 2 samples, 1048576 assignments in a row break its constraints"), "{err}");
}

#[test]
fn no_list_is_made_of_a_domain() {
    let space =
        decisions("  decision ?a in 1..=9000000000000000000\n  decision ?s in any of 60\n  decision ?c in [p, q]");
    let samples: Vec<Sample> = space.enumerate(0).expect("static").take(3).map(|s| s.expect("legal")).collect();
    assert_eq!(samples[2].to_string(), "a=1,s=[0],c=p");
    let neighbours = space.neighbours(&samples[2]).expect("static");
    assert_eq!(neighbours.len(), 9_000_000_000_000_000_000 - 1 + (1 << 60) - 1 + 1);
    let get = |n: u64| neighbours.get(&space, n).expect("legal").map(|s| s.to_string());
    assert_eq!(get(0).as_deref(), Some("a=2,s=[0],c=p"));
    assert_eq!(get(9_000_000_000_000_000_000 - 1).as_deref(), Some("a=1,s=[],c=p"));
    assert_eq!(get(9_000_000_000_000_000_000).as_deref(), Some("a=1,s=[1],c=p"));
    assert_eq!(get(neighbours.len() - 1).as_deref(), Some("a=1,s=[0],c=q"));
    assert_eq!(get(neighbours.len()), None);
    assert_eq!(space.size(), Size::Exactly(2 * 9_000_000_000_000_000_000 * (1 << 60)));
}

#[test]
fn a_record_of_a_static_space_is_a_sample_of_it() {
    // The graphs ask for `b` first, and for `c` only where a constraint does.
    let text = "module @m {
  entry @main
  decision ?a in [1, 2]
  decision ?b in [p, q]
  decision ?c in [0, 1, 2]
  decision ?f[0..2] in [relu, gelu]
  constraint ?c < 5
  graph @main(%x: f32[N, 3]) {
    %y = choice ?b (%x) {p: linear {out=?a}, q: relu}
    %z = choice ?f[1] (%y) {relu: relu, gelu: gelu}
    %r = choice ?f[0] (%z) {relu: relu, gelu: gelu}
    return %r
  }
}";
    let space = space(text);
    let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(3);
    let mut inactive = 0;
    for _ in 0..50 {
        let (recorded, module) = space.record(&mut mutators::chooser::Random::new(&mut rng)).expect("a record");
        let bound = space.bind(&recorded.to_string().parse().expect("a sample")).expect("it is one");
        assert_eq!((&recorded, recorded.to_string()), (&bound, bound.to_string()));
        assert!(std::sync::Arc::ptr_eq(recorded.schema(), space.schema().expect("static")));
        assert_eq!(space.module(&recorded).expect("a network"), module);
        inactive += usize::from(recorded.get("a").is_none());
    }
    assert!(inactive > 10 && inactive < 40, "{inactive}");
}

#[test]
fn line_07_a_label_is_one_decision() {
    let mut m = Module::new("m", "main");
    cells::value_choice(&mut m, "w", &[8.into(), 16.into()]).expect("new");
    cells::value_choice(&mut m, "w", &[8.into(), 16.into()]).expect("the same again");
    let err = cells::value_choice(&mut m, "w", &[8.into(), 32.into()]).expect_err("differs").to_string();
    assert!(err.contains("`decision ?w in [8, 16]` and `decision ?w in [8, 32]`"), "{err}");
}

#[test]
fn line_08_quantiles() {
    let s = decisions("  decision ?r in real 0.0..=1.0");
    let xs: Vec<String> = all(&s).iter().map(ToString::to_string).collect();
    assert_eq!(xs, ["r=0.25", "r=0.5", "r=0.75"]);
    assert_eq!(s.size(), Size::Unbounded);
}

const NESTED: &str = "module @m {
  entry @main
  decision ?outer in [inner, plain]
  decision ?width in [8, 16, 24]
  graph @inner(%x) {
    %y = conv2d %x {out=?width, k=3, pad=1}
    %z = conv2d %y {out=4, k=1}
    return %z
  }
  graph @main(%x: f32[N, 3, 8, 8]) {
    %y = choice ?outer (%x) {inner: @inner, plain: conv2d {out=4, k=1}}
    return %y
  }
}";

#[test]
fn line_10_nested_choices_are_conditional() {
    let s = space(NESTED);
    let samples: Vec<String> = all(&s).iter().map(ToString::to_string).collect();
    assert_eq!(samples, ["outer=inner,width=8", "outer=inner,width=16", "outer=inner,width=24", "outer=plain"]);
    assert_eq!(s.size(), Size::Exactly(4));
    assert_eq!(distinct_networks(&s), 4);
    // An inactive decision that is given all the same is left out.
    let bound = s.bind(&"outer=plain,width=16".parse().expect("syntax")).expect("fits");
    assert_eq!(bound.to_string(), "outer=plain");
    let err = s.bind(&"outer=inner".parse().expect("syntax")).expect_err("incomplete").to_string();
    assert_eq!(err, "the sample leaves out `width`; add `width=..` with a value of [8, 16, 24]");
}

#[test]
fn line_11_choices_of_layers_with_value_choices() {
    let s = space(
        "module @m {
  entry @main
  decision ?layer in [a, b]
  decision ?wa in [10, 20]
  decision ?wb in [30, 40]
  graph @main(%x: f32[N, 3, 8, 8]) {
    %y = choice ?layer (%x) {a: conv2d {out=?wa, k=1}, b: conv2d {out=?wb, k=3, pad=1}}
    return %y
  }
}",
    );
    let schema = s.schema().expect("static");
    assert_eq!(schema.slots().len(), 3);
    assert_eq!(schema.slots().iter().filter_map(|s| s.size).product::<u64>(), 8);
    assert_eq!((all(&s).len(), s.size(), distinct_networks(&s)), (4, Size::Exactly(4), 4));
}

#[test]
fn line_12_input_choice() {
    let build = |reduce| {
        let mut m = Module::new("m", "main");
        let mut b = GraphBuilder::new("main", [] as [&str; 0]);
        let x = b.input_of("x", TensorType::image(3, 8, 8));
        let y = b.op("y", "relu", [&x]).expect("an op");
        let z = cells::input_choice(&mut m, &mut b, "z", "in", (2, 2), reduce, [&x, &y]).expect("fits");
        b.output(z);
        m.set_graph(b.finish().expect("a graph"));
        Space::new(m).expect("a space")
    };
    for (reduce, channels) in [(Reduce::Concat, 6), (Reduce::Sum, 3), (Reduce::Mean, 3)] {
        let s = build(reduce);
        assert_eq!(output(&s, &s.default_sample().expect("defaults")), TensorType::image(channels, 8, 8));
    }
    let any = space(
        "module @m {
  entry @main
  decision ?in in any of 2
  graph @main(%x: f32[N, 3, 8, 8]) {
    %y = relu %x
    %z = select ?in (%x, %y) {reduce=sum}
    return %z
  }
}",
    );
    assert_eq!(all(&any).len(), 4);
}

/// `+1` per call: a block that adds a constant.
fn plus_one(depth: &str, decision: &str) -> Space {
    space(&format!(
        "module @m {{
  entry @main
  {decision}
  graph @plus_one(%x) {{
    %one = constant {{shape=[1], value=1.0}}
    %y = add %x, %one
    return %y
  }}
  graph @main(%x: f32[N, 1]) {{
    %y = repeat {depth} @plus_one(%x)
    return %y
  }}
}}"
    ))
}

/// The output of a network of additions on an input of zero: the number of calls.
fn calls(space: &Space, sample: &Sample) -> usize {
    let flat = space.program(sample).expect("a network").flatten().expect("plain");
    flat.nodes().filter(|n| n.name.ends_with("/y")).count()
}

#[test]
fn line_13_repeat() {
    let s = plus_one("?d", "decision ?d in 3..=5");
    assert_eq!(all(&s).iter().map(|x| calls(&s, x)).collect::<Vec<_>>(), [3, 4, 5]);
    let zero = plus_one("?d", "decision ?d in 0..=1");
    assert_eq!(all(&zero).iter().map(|x| calls(&zero, x)).collect::<Vec<_>>(), [0, 1]);
    let shifted = plus_one("?d + 1", "decision ?d in [0, 2, 4]");
    assert_eq!(all(&shifted).iter().map(|x| calls(&shifted, x)).collect::<Vec<_>>(), [1, 3, 5]);
    let changing = "module @m {
  entry @main
  decision ?d in 0..=1
  graph @wider(%x) {
    %y = conv2d %x {out=8, k=1}
    return %y
  }
  graph @main(%x: f32[N, 3, 8, 8]) {
    %y = repeat ?d @wider(%x)
    return %y
  }
}";
    let module: Module = changing.parse().expect("syntax");
    let err = Space::new(module).expect_err("changes the shape").to_string();
    assert!(err.contains("a repeat of depth 0 needs a block that keeps its type"), "{err}");
}

#[test]
fn line_14_shared_and_own_decisions() {
    let shared = space(
        "module @m {
  entry @main
  decision ?op in [a, b]
  graph @block(%x) {
    %y = choice ?op (%x) {a: relu, b: sigmoid}
    return %y
  }
  graph @main(%x: f32[N, 3, 8, 8]) {
    %y = repeat 3 @block(%x)
    return %y
  }
}",
    );
    assert_eq!(all(&shared).len(), 2);
    let mut m = Module::new("m", "main");
    let of = |n: &str| Value::label(n);
    m.declare(Decision::new("op", Domain::Categorical(vec![of("a"), of("b")])).expect("a domain").family(3))
        .expect("new");
    let block = "graph @block<i>(%x) {\n  %y = choice ?op[i] (%x) {a: relu, b: sigmoid}\n  return %y\n}";
    m.set_graph(block.parse::<ir::Graph>().expect("a graph"));
    let mut b = GraphBuilder::new("main", [] as [&str; 0]);
    let x = b.input_of("x", TensorType::image(3, 8, 8));
    let callee = Callee::new("block", [Expr::ident("i")]);
    let y = cells::repeat(&mut m, &mut b, "y", "depth", (1, 3), Some("i"), callee, [&x]).expect("fits");
    b.output(y);
    m.set_graph(b.finish().expect("a graph"));
    let own = Space::new(m).expect("a space");
    // 2 networks of depth 1, 4 of depth 2, 8 of depth 3: what lies beyond the depth is inactive.
    assert_eq!((all(&own).len(), own.size(), distinct_networks(&own)), (14, Size::Exactly(14), 14));
}

/// A cell of four nodes of width 16 in a network.
fn cell_space(concat: Concat) -> Space {
    let mut m: Module = "module @m {
  entry @main
  graph @cell<c>(%n0, %n1) {
    %y = add %n0, %n1
    return %y
  }
  graph @main(%x: f32[N, 16, 8, 8]) {
    %y = @cell<16>(%x, %x)
    return %y
  }
}"
    .parse()
    .expect("syntax");
    let cell = Cell::new("cell", ["c"])
        .concat(concat)
        .candidate("conv", "conv2d {out=c, k=3, pad=1}")
        .candidate("skip", "identity");
    cell.install(&mut m).expect("installs");
    let space = Space::new(m).expect("a space");
    match cell.mutator() {
        Some(mutator) => space.with(std::sync::Arc::new(mutator)).expect("a mutator"),
        None => space,
    }
}

#[test]
fn line_15_cells_concatenate_all_or_loose_ends() {
    let whole = cell_space(Concat::All);
    assert_eq!(output(&whole, &whole.default_sample().expect("defaults")), TensorType::image(64, 8, 8));
    let loose = cell_space(Concat::LooseEnds);
    assert_eq!(output(&loose, &loose.default_sample().expect("defaults")), TensorType::image(64, 8, 8));
    let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(3);
    for _ in 0..50 {
        let sample = loose.sample(&mut rng).expect("a sample");
        let used: HashSet<i64> =
            sample.pairs().filter(|(l, _)| l.contains("_in_")).filter_map(|(_, v)| v.as_int()).collect();
        let ends = (2..6).filter(|n| !used.contains(n)).count() as u32;
        assert_eq!(output(&loose, &sample), TensorType::image(16 * ends, 8, 8), "{sample}");
    }
}

mod loose_ends {
    mutators::space_conformance!(super::cell_space(super::Concat::LooseEnds));
}

mod nested {
    mutators::space_conformance!(super::space(super::NESTED));
}

#[test]
fn line_16_benchmark_cells() {
    let nb201 = mutators::spaces::build("nasbench201").expect("builds");
    assert_eq!(nb201.schema().expect("static").slots().len(), 6);
    let nb101 = mutators::spaces::build("nasbench101").expect("builds");
    // Three vertices feed 128 channels: 43, 43 and 42 of them.
    let text = "[[0,1,1,1,0],[0,0,0,0,1],[0,0,0,0,1],[0,0,0,0,1],[0,0,0,0,0]] \
                [input,conv1x1-bn-relu,conv1x1-bn-relu,conv1x1-bn-relu,output]";
    let sample = nb101.parse_genotype(text).expect("a cell");
    let program = nb101.program(&sample).expect("a network");
    let cell = program.instances.iter().find(|i| *i.graph.name() == "cell" && i.args[..] == [128]).expect("a cell");
    let concat = cell.steps.iter().find(|s| cell.name(s) == "concat").expect("a concatenation");
    let widths: Vec<Option<u32>> = cell.types_of(&concat.operands).iter().map(|t| t.shape[1].known()).collect();
    assert_eq!(widths, [Some(43), Some(43), Some(42)]);
    let too_many = "[[0,1,1,1,1],[0,0,1,1,1],[0,0,0,1,1],[0,0,0,0,1],[0,0,0,0,0]] \
                    [input,maxpool3x3,maxpool3x3,maxpool3x3,output]";
    let err = nb101.parse_genotype(too_many).expect_err("10 edges").to_string();
    assert!(err.contains("at most 9 edges"), "{err}");
}

#[test]
fn line_17_a_supernet_cell_has_an_edge_per_pair() {
    let darts = mutators::spaces::build("darts:network=search").expect("builds");
    let labels = darts.schema().expect("static").slots().iter().filter(|s| s.label.starts_with("normal_op_")).count();
    let n = 4;
    assert_eq!(labels, n * (n + 3) / 2);
}

#[test]
fn samples_of_other_spaces_are_refused() {
    let toy = mutators::spaces::build("toy").expect("builds");
    let err = toy.bind(&"e01=none".parse().expect("syntax")).expect_err("foreign").to_string();
    assert_eq!(err, "space `toy` has no decision `e01`; its decisions are op, width, skip");
    let err = toy.bind(&"op=conv1x1,widht=8,skip=true".parse().expect("syntax")).expect_err("misspelt").to_string();
    assert!(err.contains("(did you mean `width`?)"), "{err}");
    assert!(matches!("op".parse::<Sample>(), Err(MutateError::Syntax { .. })));
    assert!(matches!("op=a,op=b".parse::<Sample>(), Err(MutateError::Twice(_))));
}

#[test]
fn numbers_flow_downstream() {
    // A width is inferred downstream: the second layer sees the first one's.
    let s = space(
        "module @m {
  entry @main
  decision ?w in [8, 32]
  graph @main(%x: f32[N, 3]) {
    %a = linear %x {out=?w}
    %b = linear %a {out=2}
    return %b
  }
}",
    );
    let params: Vec<u64> =
        all(&s).iter().map(|x| s.program(x).expect("a network").cost(Convention::Nasbench).params).collect();
    assert_eq!(params, [8 * 4 + 2 * 9, 32 * 4 + 2 * 33]);
    assert_eq!(output(&s, &all(&s)[0]), TensorType::new(DType::F32, [Dim::BATCH, 2.into()]));
}
