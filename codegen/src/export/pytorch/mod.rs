//! PyTorch source: a file that needs nothing but torch.
//!
//! * One class per instance of a graph, so that a cell stays a class, used as often as the network calls it. Instances
//!   that come to the same code share a class.
//! * The keys of `state_dict()` are the paths of our weights. Where Python or PyTorch refuses a name, the file's `RENAMED`
//!   says which key stands for which path, and its `load` follows it.
//! * An op that PyTorch has a module for is that module; any other op, also a downstream crate's own, is printed
//!   primitive by primitive.
//! * A module in training mode drops at random and takes the batch's statistics; what a run may vary besides (a factor
//!   of drop path's probability) is as written in the graph.

mod attributes;
mod class;
mod expr;
mod layers;
mod names;
mod record;

pub use names::MODULE;

use super::taken::Taken;
use super::{ExportError, decided};
use class::{Class, children, class, weight_name};
use ir::program::{Action, Instance, InstanceId};
use ir::{Convention, Program};
use names::camel;
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt::Write;

const LOAD: &str = include_str!("load.py");

/// The class of the network.
const NETWORK: &str = "Network";

/// The source of a network as Python. `title` says in the file's first line what it is.
///
/// ```
/// let module: ir::Module = "module @m {
///   entry @main
///   graph @main(%x: f32[N, 3, 8, 8]) {
///     %v = conv2d %x {out=4, k=3, pad=1}
///     %r = relu %v
///     return %r
///   }
/// }".parse()?;
/// let program = ir::Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run()?;
/// let source = codegen::export::pytorch::source(&program, "a small network")?;
/// assert!(source.contains("self.v = nn.Conv2d(3, 4, 3, padding=1)"));
/// assert!(source.contains("r = F.relu(v)"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If decisions are open, or an op has no lowering.
pub fn source(program: &Program, title: &str) -> Result<String, ExportError> {
    decided(program)?;
    let used: Vec<InstanceId> = used(program);
    let mut names = vec![String::new(); program.instances.len()];
    let mut taken = Taken::new(&[NETWORK, "F", "RENAMED"]);
    let mut classes: Vec<(String, Class, &Instance, Vec<String>)> = Vec::new();
    let mut known: FxHashMap<(&str, &[i64], Class), usize> = FxHashMap::default();
    for id in used.iter().copied() {
        let instance = &program.instances[id];
        let body = class(instance, &names)?;
        let key = (instance.graph.name().as_str(), &instance.args[..], body.clone());
        let signature = signature(instance);
        if let Some(at) = known.get(&key).copied().filter(|_| id != program.entry) {
            names[id] = classes[at].0.clone();
            if !classes[at].3.contains(&signature) {
                classes[at].3.push(signature);
            }
            continue;
        }
        names[id] = if id == program.entry { NETWORK.to_owned() } else { taken.take(&class_name(program, &used, id)) };
        known.insert(key, classes.len());
        classes.push((names[id].clone(), body, instance, vec![signature]));
    }
    let keys = keys(program)?;
    let mut out = header(program, title);
    if classes.iter().any(|(_, c, ..)| c.forward.iter().any(|l| l.contains("drop_path("))) {
        write!(out, "\n\n{}", layers::DROP_PATH).expect(WRITES);
    }
    for (name, body, instance, signatures) in &classes {
        write!(out, "\n\n{}", render(name, body, instance, signatures)).expect(WRITES);
    }
    write!(out, "\n\n# Keys of `state_dict()` that stand for a weight of another path.\nRENAMED = {{").expect(WRITES);
    for (path, key) in keys.iter().filter(|(path, key)| path != key) {
        write!(out, "\n    {}: {},", quoted(path), quoted(key)).expect(WRITES);
    }
    let renamed = keys.iter().any(|(path, key)| path != key);
    write!(out, "{}}}\n\n\n{LOAD}", if renamed { "\n" } else { "" }).expect(WRITES);
    Ok(out)
}

const WRITES: &str = "invariant: writing to a string cannot fail";

/// The key in the file's `state_dict()` of each weight, by the weight's path, in the order of the network.
///
/// # Errors
/// If two weights have one path.
pub fn keys(program: &Program) -> Result<Vec<(String, String)>, ExportError> {
    let mut out = Vec::new();
    walk(program, program.entry, "", "", &mut out);
    let mut seen = FxHashSet::default();
    match out.iter().find(|(path, _)| !seen.insert(path)) {
        Some((path, _)) => Err(ExportError::Path(path.clone())),
        None => Ok(out),
    }
}

fn walk(program: &Program, id: InstanceId, path: &str, prefix: &str, out: &mut Vec<(String, String)>) {
    let instance = &program.instances[id];
    let names = children(instance);
    for step in &instance.steps {
        let node = instance.weights_name(step);
        let Some(child) = names.of.get(node).filter(|_| step.tied.is_none()) else { continue };
        let (path, prefix) = (format!("{path}{}.", node.replace('/', ".")), format!("{prefix}{child}."));
        match &step.action {
            Action::Op(op) => {
                let mut taken = Taken::default();
                for spec in op.weights(&instance.types_of(&step.operands)) {
                    let name = taken.take(&weight_name(&spec));
                    out.push((format!("{path}{}", spec.name), format!("{prefix}{name}")));
                }
            }
            Action::Call(callee) => walk(program, *callee, &path, &prefix, out),
            Action::Chain(calls) => {
                for (i, callee) in calls.iter().enumerate() {
                    walk(program, *callee, &format!("{path}{i}."), &format!("{prefix}{i}."), out);
                }
            }
            Action::Input | Action::Choice(..) | Action::Select(..) | Action::Repeat { .. } => {}
        }
    }
}

/// The instances that the network uses, callees first.
fn used(program: &Program) -> Vec<InstanceId> {
    let counts = program.multiplicities();
    (0..counts.len()).filter(|id| counts[*id] > 0).collect()
}

/// `ReluConvBn`, or `ReluConvBn_16_1_1` if the graph is used with other arguments too.
fn class_name(program: &Program, used: &[InstanceId], id: InstanceId) -> String {
    let instance = &program.instances[id];
    let others = used.iter().map(|i| &program.instances[*i]).filter(|i| i.graph.name() == instance.graph.name());
    let mut name = camel(instance.graph.name());
    if others.into_iter().any(|o| o.args != instance.args) {
        for arg in &instance.args {
            write!(name, "_{}{}", if *arg < 0 { "m" } else { "" }, arg.unsigned_abs()).expect(WRITES);
        }
    }
    name
}

/// `f32[N, 3, 32, 32] -> f32[N, 10]`
fn signature(instance: &Instance) -> String {
    let list =
        |values: &[u32]| instance.types_of(values).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("{} -> {}", list(&instance.inputs), list(&instance.outputs))
}

fn header(program: &Program, title: &str) -> String {
    let cost = |c| program.cost(c);
    let costs: Vec<String> = Convention::ALL.iter().map(|c| format!("{} ({c})", cost(*c).macs)).collect();
    format!(
        "\"\"\"{}\n\n{}\nParameters: {}. Multiply-accumulates for one example: {}.\nHash: {}\n\nWritten by lanista {}; \
         needs torch only. `load(\"weights.safetensors\")` makes the network with its weights.\n\"\"\"\n\nimport json\n\
         import struct\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n",
        documented(title),
        signature(program.main()),
        cost(Convention::Nasbench).params,
        costs.join(", "),
        program.hash(),
        env!("CARGO_PKG_VERSION"),
    )
}

fn render(name: &str, class: &Class, instance: &Instance, signatures: &[String]) -> String {
    let mut of = instance.graph.name().to_string();
    let params = instance.graph.params().iter().zip(&instance.args).map(|(p, a)| format!("{p}={a}"));
    let params: Vec<String> = params.collect();
    if !params.is_empty() {
        write!(of, "<{}>", params.join(", ")).expect(WRITES);
    }
    let mut out = format!("class {name}(nn.Module):\n    \"\"\"{}: {}", documented(&of), signatures[0]);
    for more in &signatures[1..] {
        write!(out, "\n    and {more}").expect(WRITES);
    }
    out.push_str("\"\"\"\n");
    if !class.init.is_empty() {
        out.push_str("\n    def __init__(self):\n        super().__init__()\n");
        class.init.iter().for_each(|line| writeln!(out, "        {line}").expect(WRITES));
    }
    let inputs: String = class.inputs.iter().map(|i| format!(", {i}")).collect();
    write!(out, "\n    def forward(self{inputs}):\n").expect(WRITES);
    class.forward.iter().for_each(|line| writeln!(out, "        {line}").expect(WRITES));
    out
}

/// A text that may stand in a docstring.
fn documented(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect::<String>().replace('\\', "\\\\").replace('"', "'")
}

/// A Python string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => write!(out, "\\x{:02x}", c as u32).expect(WRITES),
            c => out.push(c),
        }
    }
    out + "\""
}
