//! `enas-micro`: the cell space of ENAS (Pham et al. 2018), with normal and reduction cells.
//!
//! A cell has two inputs and five nodes; a node sums two operations, each on one of the inputs and earlier nodes. The
//! weights of an operation belong to its place and to the input that it is on, as in the authors' code. In a reduction
//! cell what stands on an input has stride 2.
//!
//! The paper lays those nodes side by side that no other node uses. A cell here lays all of its nodes, projected to the
//! cell's width by ReLU, 1x1 convolution and batch norm: how many there are must not depend on a decision, or the
//! projection would have no fixed shape in a supernet.

use super::enas;
use super::image::{self, Image};
use crate::error::MutateError;
use crate::options::Options;
use crate::sample::Sample;
use crate::space::{Genotype, Space};
use ir::expr::DecisionRef;
use ir::graph::{Candidate, Reduce};
use ir::{Decision, Domain, GraphBuilder, Module, Name, Value};
use std::fmt::Write;
use std::sync::Arc;

/// The operations in the order of the authors' numbers.
const OPS: [&str; 5] = ["sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "identity"];

/// The cell kinds in the order of an arc, with the stride of what stands on their inputs.
const CELLS: [(&str, u32); 2] = [("normal", 1), ("reduce", 2)];

/// The nodes of a cell, numbered after its two inputs, and the operations of a node.
const NODES: std::ops::Range<usize> = 2..7;
const SLOTS: std::ops::Range<usize> = 0..2;

/// Builds the space. Options: `channels` of the first cells, `layers` besides the two reduction cells, `image`, `classes`.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let (image, classes) = image::take_small(&mut options, Image::colour(32), 10)?;
    let channels = options.take_in("channels", 20u32, 2, 1024)?;
    let layers = options.take_in("layers", 6u32, 3, 100)?;
    options.finish()?;
    let mut module: Module = text(channels, layers, image, classes).parse()?;
    module.name = Name::new_static("enas-micro");
    for (cell, stride) in CELLS {
        install(&mut module, cell, stride)?;
    }
    Ok(Space::new(module)?.notated(Arc::new(Arcs)))
}

fn text(channels: u32, layers: u32, image: Image, classes: u32) -> String {
    let (stem, main, input) = (3 * channels, network(channels, layers), image.ty());
    let reduction = enas::FACTORIZED_REDUCTION;
    format!(
        "module @enas_micro {{
  entry @main
  graph @relu_conv_bn<c>(%x) {{
    %r = relu %x
    %v = conv2d %r {{out=c, k=1, bias=false}}
    %y = batch_norm %v
    return %y
  }}{reduction}
  graph @relu_reduction<c>(%x) {{
    %r = relu %x
    %y = @factorized_reduction<c>(%r)
    return %y
  }}
  graph @half_sep_conv<c, k, s>(%x) {{
    %r = relu %x
    %deep = conv2d %r {{out=c, k=k, stride=s, pad=k // 2, groups=c, bias=false}}
    %point = conv2d %deep {{out=c, k=1, bias=false}}
    %y = batch_norm %point
    return %y
  }}
  graph @sep_conv<c, k, s>(%x) {{
    %a = @half_sep_conv<c, k, s>(%x)
    %y = @half_sep_conv<c, k, 1>(%a)
    return %y
  }}
  graph @main(%x: {input}) {{
    %conv = conv2d %x {{out={stem}, k=3, pad=1, bias=false}}
    %stem = batch_norm %conv{main}
    %last = relu %cell{end}
    %pool = global_avg_pool %last
    %flat = flatten %pool
    %logits = linear %flat {{out={classes}, bias=false}}
    return %logits
  }}
}}",
        end = layers + 1
    )
}

/// The stack of cells, as text of the entry graph: the reduction cells stand after one and two thirds of the others.
fn network(channels: u32, layers: u32) -> String {
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        write!(text, "\n    {args}").expect("invariant: writing to a string cannot fail");
    };
    let (mut before, mut last) = ("%stem".to_owned(), "%stem".to_owned());
    let (mut width, mut reduced) = (channels, false);
    for i in 0..layers + 2 {
        let reduction = i == layers / 3 || i == 2 * (layers / 3) + 1;
        if reduction {
            width *= 2;
        }
        let enter = if reduced { "relu_reduction" } else { "relu_conv_bn" };
        line(format_args!("%in{i}_0 = @{enter}<{width}>({before})"));
        line(format_args!("%in{i}_1 = @relu_conv_bn<{width}>({last})"));
        let (cell, _) = CELLS[usize::from(reduction)];
        line(format_args!("%cell{i} = @{cell}<{width}>(%in{i}_0, %in{i}_1)"));
        before = std::mem::replace(&mut last, format!("%cell{i}"));
        reduced = reduction;
    }
    text
}

/// The candidates of stride `s`.
fn candidates(s: u32, params: &[Name]) -> Result<Vec<(Name, Candidate)>, MutateError> {
    let identity = if s == 1 { "identity" } else { "@factorized_reduction<c>" };
    let texts = [
        format!("@sep_conv<c, 3, {s}>"),
        format!("@sep_conv<c, 5, {s}>"),
        format!("avg_pool {{k=3, stride={s}, pad=1, count_include_pad=false}}"),
        format!("max_pool {{k=3, stride={s}, pad=1}}"),
        identity.to_owned(),
    ];
    OPS.iter().zip(texts).map(|(op, text)| Ok((Name::new(op), crate::cells::candidate(&text, params)?))).collect()
}

fn input_label(cell: &str, node: usize, slot: usize) -> String {
    format!("{cell}_in_{node}_{slot}")
}

fn op_label(cell: &str, node: usize, slot: usize) -> String {
    format!("{cell}_op_{node}_{slot}")
}

/// Defines the graph of a cell kind. A node's operation is a choice on each value that it may take, all under one
/// decision, and a select takes one of them: an input of a reduction cell has another shape than a node.
fn install(module: &mut Module, cell: &str, input_stride: u32) -> Result<(), MutateError> {
    let mut b = GraphBuilder::new(cell, ["c"]);
    let mut values = vec![b.input("n0"), b.input("n1")];
    let ops = Domain::Categorical(OPS.iter().map(Value::label).collect());
    for node in NODES {
        let group = format!("{cell}_{node}");
        let mut parts = Vec::with_capacity(SLOTS.len());
        for slot in SLOTS {
            let (input, op) = (input_label(cell, node, slot), op_label(cell, node, slot));
            let domain = Domain::Categorical(Domain::first(node));
            module.declare(Decision::new(&input, domain)?.grouped(&group))?;
            module.declare(Decision::new(&op, ops.clone())?.grouped(&group))?;
            let mut places = Vec::with_capacity(node);
            for (from, x) in values.iter().enumerate() {
                let candidates = candidates(if from < 2 { input_stride } else { 1 }, b.params())?;
                places.push(b.choice(format!("op{from}_{node}_{slot}"), DecisionRef::new(&op), candidates, [x]));
            }
            parts.push(b.select(format!("in_{node}_{slot}"), DecisionRef::new(&input), Reduce::Sum, &places));
        }
        values.push(b.op(format!("n{node}"), "add", &parts)?);
    }
    let all = b.op("all", "concat", &values[2..])?;
    let project = "@relu_conv_bn<c>".parse()?;
    let out = b.node("out", ir::graph::Body::Call(project), [&all]);
    b.output(out);
    module.set_graph(b.finish()?);
    Ok(())
}

/// The authors' notation: per node the input and the operation of its first and of its second part, the normal cell
/// before the reduction cell: 40 numbers.
#[derive(Debug)]
struct Arcs;

/// Cell, node and part of each pair of numbers.
fn places() -> impl Iterator<Item = (&'static str, usize, usize)> {
    CELLS.iter().flat_map(|(cell, _)| NODES.flat_map(move |node| SLOTS.map(move |slot| (*cell, node, slot))))
}

impl Genotype for Arcs {
    fn write(&self, sample: &Sample) -> String {
        let mut numbers = Vec::new();
        for (cell, node, slot) in places() {
            let input = sample.get(&input_label(cell, node, slot)).and_then(|v| v.as_int());
            numbers.push(input.map_or(0, |i| i as usize));
            numbers.push(enas::number(sample.get(&op_label(cell, node, slot)), &OPS));
        }
        enas::arc(&numbers)
    }

    fn read(&self, text: &str) -> Result<Vec<(Name, Value)>, String> {
        let numbers = enas::numbers(text)?;
        let expected = 2 * places().count();
        if numbers.len() != expected {
            return Err(format!(
                "it has {} numbers instead of {expected}; write per node two times an input and an operation, the normal \
                 cell and then the reduction cell",
                numbers.len()
            ));
        }
        let mut pairs = Vec::new();
        for ((cell, node, slot), pair) in places().zip(numbers.chunks(2)) {
            if pair[0] >= node {
                return Err(format!(
                    "node {node} of `{cell}` cannot take input {}; it takes one below {node}",
                    pair[0]
                ));
            }
            pairs.push((Name::new(input_label(cell, node, slot)), Value::Int(pair[0] as i64)));
            pairs.push(enas::operation(&op_label(cell, node, slot), pair[1], &OPS)?);
        }
        Ok(pairs)
    }
}
