//! Random modules and samples: nested calls with parameters, choices, selects, repeats, families, widths that flow.
//!
//! Most of them verify; some have a fault under some samples, which is wanted.

use ir::decision::{Decision, Pick};
use ir::eval::member_name;
use ir::program::Decide;
use ir::{Module, Value};
use std::collections::HashMap;
use std::fmt::Write;

/// A small random stream (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// What a callee does with the channels of its input.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Keeps,
    /// Makes as many as its first argument says.
    Sets,
}

struct Callable {
    name: String,
    shape: Shape,
    /// Takes a second argument, from 0 to 2, that indexes a family.
    indexed: bool,
    outputs: usize,
    inputs: usize,
}

/// A value of a graph under construction: its name and its channels as text; values of equal text have equal types.
#[derive(Clone)]
struct Typed {
    name: String,
    channels: String,
}

struct Writer<'a> {
    random: &'a mut Random,
    callables: &'a [Callable],
    body: String,
    values: Vec<Typed>,
    count: usize,
    /// The graph's parameters.
    params: &'a [&'a str],
    fresh: usize,
}

const OPS: [&str; 3] = ["?op0", "?op1", "?op2"];

/// The text of a random module.
pub fn text(random: &mut Random) -> String {
    let mut callables: Vec<Callable> = Vec::new();
    let mut graphs = String::new();
    for level in 0..random.below(4) {
        let shape = if random.one_in(2) { Shape::Keeps } else { Shape::Sets };
        let indexed = random.one_in(3);
        let outputs = if random.one_in(5) { 2 } else { 1 };
        let inputs = if random.one_in(4) { 2 } else { 1 };
        let name = format!("g{level}");
        let params: &[&str] = if indexed { &["c", "i"] } else { &["c"] };
        let mut w = Writer {
            random,
            callables: &callables,
            body: String::new(),
            values: vec![Typed { name: "x".into(), channels: "x".into() }],
            count: 0,
            params,
            fresh: 0,
        };
        if inputs == 2 {
            w.values.push(Typed { name: "z".into(), channels: "z".into() });
        }
        let steps = 1 + w.random.below(5);
        (0..steps).for_each(|_| w.step());
        let last = match shape {
            Shape::Keeps => w.of_class("x"),
            Shape::Sets => {
                let from = w.any();
                w.push(&format!("conv2d %{from} {{out=c, k=3, pad=1, bias=false}}"), "c")
            }
        };
        let second = if outputs == 2 { format!(", %{}", w.of_class("x")) } else { String::new() };
        let second_input = if inputs == 2 { ", %z" } else { "" };
        let list = params.join(", ");
        let body = w.body;
        write!(graphs, "  graph @{name}<{list}>(%x{second_input}) {{\n{body}    return %{last}{second}\n  }}\n")
            .expect("a string can be written");
        callables.push(Callable { name, shape, indexed, outputs, inputs });
    }
    let mut w = Writer {
        random,
        callables: &callables,
        body: String::new(),
        values: vec![Typed { name: "x".into(), channels: "x".into() }],
        count: 0,
        params: &[],
        fresh: 0,
    };
    let steps = 2 + w.random.below(7);
    (0..steps).for_each(|_| w.step());
    let last = w.any();
    let head = if w.random.one_in(2) {
        format!("    %p = global_avg_pool %{last}\n    %f = flatten %p\n    %y = linear %f {{out=10}}\n    return %y\n")
    } else {
        format!("    return %{last}\n")
    };
    let body = w.body;
    format!(
        "module @m {{
  entry @main
  decision ?op0 in [a, b, c]
  decision ?op1 in [a, b, c] default b
  decision ?op2 in [a, b, c]
  decision ?w0 in [4, 8]
  decision ?w1 in 2..=6 step 2
  decision ?k in [1, 3, 5]
  decision ?d in 0..=3 default 1
  decision ?e in [0, 1]
  decision ?two in 2 of 3
  decision ?some in any of 3
  decision ?one in [0, 1, 2]
  decision ?f[0..3] in [a, b, c]
  decision ?fw[0..3] in [4, 6]
  decision ?p in real 0.0..=0.5
{graphs}  graph @main(%x: f32[N, 4, 6, 6]) {{
{body}{head}  }}
}}"
    )
}

impl Writer<'_> {
    fn push(&mut self, line: &str, channels: &str) -> String {
        let name = self.node(line, channels);
        // Sometimes the same once more, with the same weights: on the same operands, or on what has their type.
        if self.random.one_in(6) {
            let operand = line.find('%').map(|at| line[at + 1..].split([' ', ',', ')']).next().unwrap_or_default());
            let twin = match operand.map(str::to_owned) {
                Some(x) if self.random.one_in(2) && self.values.iter().any(|v| v.name == x) => {
                    let other = self.of_class(&self.class_of(&x));
                    line.replacen(&format!("%{x}"), &format!("%{other}"), 1)
                }
                _ => line.to_owned(),
            };
            self.node(&format!("{twin} weights {name}"), channels);
        }
        name
    }

    fn node(&mut self, line: &str, channels: &str) -> String {
        let name = format!("n{}", self.count);
        self.count += 1;
        writeln!(self.body, "    %{name} = {line}").expect("a string can be written");
        self.values.push(Typed { name: name.clone(), channels: channels.into() });
        name
    }

    fn any(&mut self) -> String {
        // Later values are likelier, so that graphs grow deep.
        let n = self.values.len();
        let at = self.random.below(n).max(self.random.below(n));
        self.values[at].name.clone()
    }

    fn class_of(&self, name: &str) -> String {
        let value = self.values.iter().find(|v| v.name == name);
        value.map(|v| v.channels.clone()).expect("a value that was made")
    }

    fn of_class(&mut self, class: &str) -> String {
        let members: Vec<String> = self.values.iter().filter(|v| v.channels == class).map(|v| v.name.clone()).collect();
        let n = members.len();
        members[self.random.below(n).max(self.random.below(n))].clone()
    }

    fn fresh(&mut self) -> String {
        self.fresh += 1;
        format!("?{}", self.fresh)
    }

    fn index(&mut self) -> String {
        match self.random.below(5) {
            0 => "?one".into(),
            1 | 2 if self.params.contains(&"i") => "i".into(),
            _ => self.random.below(3).to_string(),
        }
    }

    fn width(&mut self) -> String {
        match self.random.below(6) {
            0 => "?w0".into(),
            1 => "?w1".into(),
            2 if !self.params.is_empty() => "c".into(),
            3 => format!("?fw[{}]", self.index()),
            4 => "if(?op0 == a, ?w0, 8)".into(),
            _ => "4".into(),
        }
    }

    fn kernel(&mut self) -> (String, String) {
        let ks = ["1", "3", "?k"];
        let k = *self.random.pick(&ks);
        (k.into(), format!("{k} // 2"))
    }

    fn callee(&mut self, c: &Callable, index: Option<&str>) -> (String, String) {
        let width = self.width();
        let args = match (c.indexed, index) {
            (true, Some(index)) => format!("{width}, {index} % 3"),
            (true, None) => format!("{width}, {}", self.index()),
            _ => width.clone(),
        };
        (format!("@{}<{args}>", c.name), width)
    }

    /// A candidate that keeps channels.
    fn keeping(&mut self) -> String {
        let calls: Vec<&Callable> =
            self.callables.iter().filter(|c| c.shape == Shape::Keeps && c.outputs == 1 && c.inputs == 1).collect();
        match self.random.below(7) {
            0 => "relu".into(),
            1 => "zero".into(),
            2 => "batch_norm".into(),
            3 => {
                let (k, pad) = self.kernel();
                format!("avg_pool {{k={k}, stride=1, pad={pad}}}")
            }
            4 if !calls.is_empty() => {
                let c = *self.random.pick(&calls);
                self.callee(c, None).0
            }
            5 => "dropout {p=?p}".into(),
            _ => "identity".into(),
        }
    }

    fn operation(&mut self) -> String {
        match self.random.below(5) {
            0 => format!("?f[{}]", self.index()),
            n => OPS[n % 3].into(),
        }
    }

    fn step(&mut self) {
        let x = self.any();
        let class = self.class_of(&x);
        match self.random.below(13) {
            0 | 1 => {
                let (out, (k, pad)) = (self.width(), self.kernel());
                let bias = if self.random.one_in(2) { "" } else { ", bias=false" };
                self.push(&format!("conv2d %{x} {{out={out}, k={k}, pad={pad}{bias}}}"), &out);
            }
            2 => {
                let op = self.keeping();
                let line = match op.split_once(' ') {
                    _ if op.starts_with('@') => format!("{op}(%{x})"),
                    Some((op, attrs)) => format!("{op} %{x} {attrs}"),
                    None => format!("{op} %{x}"),
                };
                self.push(&line, &class);
            }
            3 | 4 => {
                let y = self.of_class(&class);
                let op = *self.random.pick(&["add", "add", "mul", "sub", "add"]);
                self.push(&format!("{op} %{x}, %{y}"), &class);
            }
            5 | 6 => {
                let d = self.operation();
                let candidates: Vec<String> =
                    ["a", "b", "c"].iter().map(|l| format!("{l}: {}", self.keeping())).collect();
                self.push(&format!("choice {d} (%{x}) {{{}}}", candidates.join(", ")), &class);
            }
            7 => {
                // Candidates that change the channels: a type that depends on the choice.
                let d = self.operation();
                let one = self.width();
                let (two, class) = (self.width(), self.fresh());
                let line = format!(
                    "choice {d} (%{x}) {{a: conv2d {{out={one}, k=1}}, b: identity, c: conv2d {{out={two}, k=1}}}}"
                );
                self.push(&line, &class);
            }
            8 | 9 => {
                let operands: Vec<String> = (0..3).map(|_| format!("%{}", self.of_class(&class))).collect();
                let d = *self.random.pick(&["?two", "?some", "?one", "?some"]);
                let reduce = *self.random.pick(&["sum", "mean", "concat"]);
                let out = if reduce == "concat" { self.fresh() } else { class.clone() };
                self.push(&format!("select {d} ({}) {{reduce={reduce}}}", operands.join(", ")), &out);
            }
            10 => {
                let calls: Vec<&Callable> =
                    self.callables.iter().filter(|c| c.shape == Shape::Keeps && c.outputs == 1).collect();
                if calls.is_empty() {
                    return;
                }
                let c = *self.random.pick(&calls);
                let depth = *self.random.pick(&["?d", "?e", "?e + 1", "2", "?d * ?e"]);
                let callee = self.callee(c, Some("j")).0;
                let second = if c.inputs == 2 { format!(", %{}", self.any()) } else { String::new() };
                self.push(&format!("repeat {depth} as j {callee}(%{x}{second})"), &class);
            }
            11 => {
                if self.callables.is_empty() {
                    return;
                }
                let c = self.random.pick(self.callables);
                let (callee, width) = self.callee(c, None);
                let out = if c.shape == Shape::Keeps { class.clone() } else { width };
                let second = if c.inputs == 2 { format!(", %{}", self.any()) } else { String::new() };
                let name = self.push(&format!("{callee}(%{x}{second})"), &out);
                if c.outputs == 2 {
                    self.values.push(Typed { name: format!("{name}.1"), channels: class });
                }
            }
            _ => {
                let piece = self.fresh();
                let name = self.push(&format!("split %{x}"), &piece);
                self.values.push(Typed { name: format!("{name}.1"), channels: piece });
            }
        }
    }
}

/// A random module, parsed.
pub fn module(seed: u64) -> Module {
    let text = text(&mut Random(seed));
    text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// A value for each decision and member.
#[derive(Clone, Debug)]
pub struct Sample(pub HashMap<String, (Pick, Value)>);

impl Sample {
    /// Draws one.
    pub fn draw(module: &Module, random: &mut Random) -> Self {
        let mut values = HashMap::new();
        for d in &module.decisions {
            for label in members(d) {
                let pick = match d.domain.size() {
                    Some(n) => Pick::index(random.next() % n),
                    None => d.domain.quantile(random.below(101) as f64 / 100.0).expect("an interval"),
                };
                values.insert(label, (pick, d.domain.value(pick).expect("in range")));
            }
        }
        Self(values)
    }

    /// Draws another value for one decision.
    pub fn redraw(&mut self, module: &Module, label: &str, random: &mut Random) {
        let family = label.split_once('[').map_or(label, |(family, _)| family);
        let d = module.decision(family).expect("a declared decision");
        let pick = match d.domain.size() {
            Some(n) => Pick::index(random.next() % n),
            None => d.domain.quantile(random.below(101) as f64 / 100.0).expect("an interval"),
        };
        self.0.insert(label.into(), (pick, d.domain.value(pick).expect("in range")));
    }
}

/// The labels of a decision's members, or its own.
pub fn members(d: &Decision) -> Vec<String> {
    match d.family {
        None => vec![d.label.to_string()],
        Some(n) => (0..i64::from(n)).map(|i| member_name(&d.label, Some(i))).collect(),
    }
}

impl Decide for Sample {
    fn value(&self, label: &str, index: Option<i64>) -> Option<Value> {
        self.0.get(&member_name(label, index)).map(|(_, v)| v.clone())
    }
}
