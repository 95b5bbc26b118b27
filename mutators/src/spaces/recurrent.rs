//! `recurrent`: the recurrent cell space of DARTS (Liu, Simonyan and Yang 2019) for language models, after ENAS (Pham et
//! al. 2018).
//!
//! A cell takes a word and the state before. Its eight nodes each take one earlier node (the first is made of the two
//! inputs) and one of four activations, in a highway connection: `s + c (f(h) - s)` with `[c, h] = W s` and a sigmoid on
//! `c`. The new state is the mean of the nodes. The matrix of a node is the same whichever node it takes, and every step
//! in time has the same weights. Words are embedded by the table that is also the matrix of the last layer, so that a
//! word is as wide as the state.
//!
//! The searched network (`network=search`) normalises the first state and every node without scale, and has the operation
//! `none` where a node takes one of several. It does so by a batch's own statistics, in evaluation too: the authors keep one
//! set of running statistics for all nodes and steps, which is none of theirs. The state starts at zero with every
//! sequence; the authors carry it on, and drop out words, states and weights, which is no part of the space.

use super::genotype::fields;
use crate::error::MutateError;
use crate::options::Options;
use crate::sample::Sample;
use crate::space::{Genotype, Space};
use ir::{Module, Name, Value};
use std::fmt::Write;
use std::sync::Arc;

/// The activations of the paper, `none` excepted.
const OPS: [&str; 4] = ["tanh", "relu", "sigmoid", "identity"];

/// The nodes of a cell, numbered after the state that its inputs make, 0.
const NODES: std::ops::Range<usize> = 1..9;

struct Config {
    vocab: u32,
    hidden: u32,
    steps: u32,
    search: bool,
}

/// Builds the space. Options: `network` (derived, search), `vocab`, the number of words, `hidden`, the width of words and
/// state, `steps` in time. The networks take `i64[N, steps]` and give `f32[N, steps, vocab]`.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let search = options.take_one("network", "derived", &["derived", "search"])? == "search";
    let config = Config {
        vocab: options.take_in("vocab", 10_000, 2, 10_000_000)?,
        hidden: options.take_in("hidden", if search { 300 } else { 850 }, 1, 65_536)?,
        steps: options.take_in("steps", 35, 1, 1024)?,
        search,
    };
    options.finish()?;
    let module: Module = text(&config).parse()?;
    Ok(Space::new(module)?.notated(Arc::new(Recurrent)))
}

fn text(c: &Config) -> String {
    let (decisions, cell, network) = (decisions(c), cell(c), network(c));
    let mut highways = String::new();
    for op in OPS {
        write!(
            highways,
            "
  graph @{op}(%s, %gate, %h) {{
    %f = {op} %h
    %change = sub %f, %s
    %gated = mul %gate, %change
    %y = add %s, %gated
    return %y
  }}"
        )
        .expect("invariant: writing to a string cannot fail");
    }
    if c.search {
        highways.push_str("\n  graph @none(%s, %gate, %h) {\n    %y = zero %s\n    return %y\n  }");
    }
    let Config { vocab, hidden, steps, .. } = c;
    format!(
        "module @recurrent {{
  entry @main{decisions}{highways}
  graph @cell<h>(%x, %before) {{{cell}
  }}
  graph @main(%words: i64[N, {steps}]) {{
    %table = parameter {{shape=[{vocab}, {hidden}], fan_in={hidden}}}
    %embedded = embedding %table, %words{network}
    %turned = transpose %table {{perm=[1, 0]}}
    %product = matmul %states, %turned
    %bias = parameter {{shape=[{vocab}]}}
    %logits = add %product, %bias
    return %logits
  }}
}}"
    )
}

/// The operations on the edges of a node. Where there is one edge alone, `none` would scale it, which a batch norm undoes.
fn candidates(c: &Config, node: usize, write: impl Fn(&str) -> String) -> String {
    let none = (c.search && node > 1).then_some("none");
    none.into_iter().chain(OPS).map(write).collect::<Vec<_>>().join(", ")
}

/// Per node what it takes, and the activation on each of the nodes that it may take.
fn decisions(c: &Config) -> String {
    let mut text = String::new();
    for node in NODES {
        let ops = candidates(c, node, str::to_owned);
        // The first node has no choice.
        if node > 1 {
            let earlier: Vec<String> = (0..node).map(|i| i.to_string()).collect();
            write!(text, "\n  decision ?in_{node} in [{}] group node_{node}", earlier.join(", "))
                .expect("invariant: writing to a string cannot fail");
        }
        for from in 0..node {
            write!(text, "\n  decision ?op_{node}_{from} in [{ops}] group node_{node}")
                .expect("invariant: writing to a string cannot fail");
        }
    }
    text
}

/// The nodes of a cell, as text.
fn cell(c: &Config) -> String {
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        write!(text, "\n    {args}").expect("invariant: writing to a string cannot fail");
    };
    let normalised = |node: usize| format!("%s{node} = batch_norm %raw{node} {{affine=false, track=false}}");
    let raw = if c.search { "raw" } else { "s" };
    line(format_args!("%both = concat %x, %before"));
    line(format_args!("%product = linear %both {{out=2 * h, bias=false}} weights w0"));
    line(format_args!("%parts = split %product"));
    line(format_args!("%gate = sigmoid %parts"));
    line(format_args!("%new = tanh %parts.1"));
    line(format_args!("%change = sub %new, %before"));
    line(format_args!("%gated = mul %gate, %change"));
    line(format_args!("%{raw}0 = add %before, %gated"));
    if c.search {
        line(format_args!("{}", normalised(0)));
    }
    for node in NODES {
        for from in 0..node {
            let at = format!("{node}_{from}");
            let candidates = candidates(c, node, |op| format!("{op}: @{op}"));
            line(format_args!("%product{at} = linear %s{from} {{out=2 * h, bias=false}} weights w{node}"));
            line(format_args!("%parts{at} = split %product{at}"));
            line(format_args!("%gate{at} = sigmoid %parts{at}"));
            line(format_args!("%e{at} = choice ?op_{at} (%s{from}, %gate{at}, %parts{at}.1) {{{candidates}}}"));
        }
        let edges: Vec<String> = (0..node).map(|from| format!("%e{node}_{from}")).collect();
        if node == 1 {
            line(format_args!("%{raw}1 = identity %e1_0"));
        } else {
            line(format_args!("%{raw}{node} = select ?in_{node} ({}) {{reduce=sum}}", edges.join(", ")));
        }
        if c.search {
            line(format_args!("{}", normalised(node)));
        }
    }
    let nodes: Vec<String> = NODES.map(|node| format!("%s{node}")).collect();
    line(format_args!("%state = add {} {{mean=true}}", nodes.join(", ")));
    line(format_args!("return %state"));
    text
}

/// The steps in time, as text of the entry graph: calls of the cell that share their weights.
fn network(c: &Config) -> String {
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        write!(text, "\n    {args}").expect("invariant: writing to a string cannot fail");
    };
    let hidden = c.hidden;
    for t in 0..c.steps {
        line(format_args!("%word{t} = slice %embedded {{axis=1, start={t}, end={}}}", t + 1));
        line(format_args!("%x{t} = flatten %word{t}"));
        let before = if t == 0 { "start".to_owned() } else { format!("state{}", t - 1) };
        if t == 0 {
            line(format_args!("%start = zero %x0"));
        }
        line(format_args!("%state{t} = @cell<{hidden}>(%x{t}, %{before}) weights cell"));
        line(format_args!("%column{t} = reshape %state{t} {{shape=[0, 1, {hidden}]}}"));
    }
    let columns: Vec<String> = (0..c.steps).map(|t| format!("%column{t}")).collect();
    line(format_args!("%states = concat {}", columns.join(", ")));
    text
}

/// The notation of the DARTS code base, a Python named tuple.
#[derive(Debug)]
struct Recurrent;

const SHAPE: &str = "write Genotype(recurrent=[('tanh', 0), ..], concat=range(1, 9)) with eight pairs, one per node";

/// The cells that the authors published, by name: of the first- and the second-order search.
const PUBLISHED: [(&str, &str); 2] = [
    (
        "DARTS_V1",
        "Genotype(recurrent=[('relu', 0), ('relu', 1), ('tanh', 2), ('relu', 3), ('relu', 4), ('identity', 1), \
    ('relu', 5), ('relu', 1)], concat=range(1, 9))",
    ),
    (
        "DARTS_V2",
        "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), ('sigmoid', 5), \
    ('tanh', 3), ('relu', 5)], concat=range(1, 9))",
    ),
];

impl Genotype for Recurrent {
    fn write(&self, sample: &Sample) -> String {
        let pair = |node: usize| {
            let from = sample.get(&format!("in_{node}")).and_then(|v| v.as_int()).unwrap_or(0);
            let op = sample.get(&format!("op_{node}_{from}")).map(|v| v.to_string()).unwrap_or_default();
            format!("('{op}', {from})")
        };
        format!("Genotype(recurrent=[{}], concat=range(1, 9))", NODES.map(pair).collect::<Vec<_>>().join(", "))
    }

    fn read(&self, text: &str) -> Result<Vec<(Name, Value)>, String> {
        let text = text.trim();
        let text = PUBLISHED.iter().find(|(name, _)| *name == text).map_or(text, |(_, published)| *published);
        let mut out = Vec::new();
        fields(text, SHAPE, &["recurrent"], |s, field| match field {
            "recurrent" => pairs(&s.pairs()?, &mut out),
            "concat" => s.concat(field, NODES),
            other => Err(format!("`{other}` is no part of a genotype; {SHAPE}")),
        })?;
        Ok(out)
    }
}

/// The decisions of a cell from its pairs of activation and node.
fn pairs(pairs: &[(String, usize)], out: &mut Vec<(Name, Value)>) -> Result<(), String> {
    if pairs.len() != NODES.len() {
        return Err(format!("`recurrent` has {} pairs; {SHAPE}", pairs.len()));
    }
    for (node, (op, from)) in NODES.zip(pairs) {
        if *from >= node {
            return Err(format!("node {node} cannot take node {from}; it takes one below {node}"));
        }
        if op != "none" {
            super::known_operation(op, &OPS)?;
        }
        if node > 1 {
            out.push((Name::new(format!("in_{node}")), Value::Int(*from as i64)));
        }
        out.push((Name::new(format!("op_{node}_{from}")), Value::label(op)));
    }
    Ok(())
}
