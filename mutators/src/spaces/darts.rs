//! `darts`: the cell space of DARTS (Liu, Simonyan and Yang 2019) for CIFAR-10.
//!
//! A cell has two inputs and four nodes; a node sums two operations, each on another of the inputs and earlier nodes;
//! the cell returns its nodes side by side. Reduction cells stand at one and two thirds of the depth. The same space
//! serves two networks: the one that is retrained (`network=derived`: affine batch norm, drop path, auxiliary head) and
//! the one that is searched (`network=search`: batch norm without scale, also after pooling, and the operation `none`).

use super::genotype;
use super::image::{self, Image};
use crate::error::MutateError;
use crate::options::Options;
use crate::space::Space;
use ir::expr::DecisionRef;
use ir::graph::{Candidate, Reduce};
use ir::{Decision, Domain, GraphBuilder, Module, Name, Value};
use std::fmt::Write;
use std::sync::Arc;

/// The operations of the paper, `none` excepted.
pub(super) const OPS: [&str; 7] =
    ["max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"];

/// The nodes of a cell, numbered after its two inputs.
pub(super) const NODES: std::ops::Range<usize> = 2..6;

struct Config {
    channels: u32,
    layers: u32,
    image: Image,
    classes: u32,
    auxiliary: bool,
    drop_path: f64,
    search: bool,
}

/// Builds the space. Options: `network` (derived, search), `channels`, `layers`, `image`, `classes`, `auxiliary` (which
/// needs images of 32 pixels at least), `drop_path`.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let search = options.take_one("network", "derived", &["derived", "search"])? == "search";
    let (image, classes) = image::take(&mut options, Image::colour(32), 10)?;
    let config = Config {
        channels: options.take_in("channels", if search { 16 } else { 36 }, 1, 1024)?,
        layers: options.take_in("layers", if search { 8 } else { 20 }, 3, 100)?,
        image,
        classes,
        auxiliary: options.take("auxiliary", !search)?,
        drop_path: options.take_in("drop_path", if search { 0.0 } else { 0.2 }, 0.0, 0.99)?,
        search,
    };
    options.finish()?;
    let mut module: Module = text(&config).parse()?;
    for (cell, stride) in [("normal", 1), ("reduce", 2)] {
        install(&mut module, cell, stride, &config)?;
    }
    Ok(Space::new(module)?.notated(Arc::new(genotype::Darts)))
}

/// The blocks and the network. The cells are added as graphs with choices.
fn text(c: &Config) -> String {
    let affine = if c.search { "{affine=false}" } else { "" };
    // Drop path follows every operation but the identity.
    let (drop, out) = if c.drop_path > 0.0 {
        (format!("%d = drop_path %y {{p={:?}}}", c.drop_path), "%d")
    } else {
        (String::new(), "%y")
    };
    // In the searched network a pooling is normalised, so that its scale is that of the others.
    let pool = |op: &str, pad: &str| {
        if c.search {
            format!("%p = {op} %x {{k=3, stride=s, pad=1{pad}}}\n    %y = batch_norm %p {affine}")
        } else {
            format!("%y = {op} %x {{k=3, stride=s, pad=1{pad}}}")
        }
    };
    let (max, avg) = (pool("max_pool", ""), pool("avg_pool", ", count_include_pad=false"));
    let (stem, main, input) = (3 * c.channels, network(c), c.image.ty());
    let auxiliary = if c.auxiliary { auxiliary_head(c.classes) } else { String::new() };
    format!(
        "module @darts {{
  entry @main
  graph @relu_conv_bn<c>(%x) {{
    %r = relu %x
    %v = conv2d %r {{out=c, k=1, bias=false}}
    %y = batch_norm %v {affine}
    return %y
  }}
  graph @factorized_reduce<c>(%x) {{
    %r = relu %x
    %even = conv2d %r {{out=c // 2, k=1, stride=2, bias=false}}
    %rows = slice %r {{axis=2, start=1}}
    %shifted = slice %rows {{axis=3, start=1}}
    %odd = conv2d %shifted {{out=c - c // 2, k=1, stride=2, bias=false}}
    %both = concat %even, %odd
    %y = batch_norm %both {affine}
    return %y
  }}
  graph @skip_connect<c>(%x) {{
    %y = @factorized_reduce<c>(%x)
    {drop}
    return {out}
  }}
  graph @max_pool<s>(%x) {{
    {max}
    {drop}
    return {out}
  }}
  graph @avg_pool<s>(%x) {{
    {avg}
    {drop}
    return {out}
  }}
  graph @half_sep_conv<c, k, s>(%x) {{
    %r = relu %x
    %deep = conv2d %r {{out=c, k=k, stride=s, pad=k // 2, groups=c, bias=false}}
    %point = conv2d %deep {{out=c, k=1, bias=false}}
    %y = batch_norm %point {affine}
    return %y
  }}
  graph @sep_conv<c, k, s>(%x) {{
    %a = @half_sep_conv<c, k, s>(%x)
    %y = @half_sep_conv<c, k, 1>(%a)
    {drop}
    return {out}
  }}
  graph @dil_conv<c, k, s>(%x) {{
    %r = relu %x
    %deep = conv2d %r {{out=c, k=k, stride=s, pad=k - 1, dilation=2, groups=c, bias=false}}
    %point = conv2d %deep {{out=c, k=1, bias=false}}
    %y = batch_norm %point {affine}
    {drop}
    return {out}
  }}{auxiliary}
  graph @main(%x: {input}) {{
    %conv = conv2d %x {{out={stem}, k=3, pad=1, bias=false}}
    %stem = batch_norm %conv{main}
  }}
}}"
    )
}

fn auxiliary_head(classes: u32) -> String {
    format!(
        "
  graph @auxiliary(%x) {{
    %r1 = relu %x
    %p = avg_pool %r1 {{k=5, stride=3, count_include_pad=false}}
    %v1 = conv2d %p {{out=128, k=1, bias=false}}
    %n1 = batch_norm %v1
    %r2 = relu %n1
    %v2 = conv2d %r2 {{out=768, k=2, bias=false}}
    %n2 = batch_norm %v2
    %r3 = relu %n2
    %flat = flatten %r3
    %logits = linear %flat {{out={classes}}}
    return %logits
  }}"
    )
}

/// The stack of cells, as text of the entry graph.
fn network(c: &Config) -> String {
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        write!(text, "\n    {args}").expect("invariant: writing to a string cannot fail");
    };
    let (mut before, mut last) = ("%stem".to_owned(), "%stem".to_owned());
    let (mut width, mut reduced, mut auxiliary) = (c.channels, false, String::new());
    for i in 0..c.layers {
        let reduction = i == c.layers / 3 || i == 2 * c.layers / 3;
        if reduction {
            width *= 2;
        }
        let enter = if reduced { "factorized_reduce" } else { "relu_conv_bn" };
        line(format_args!("%in{i}_0 = @{enter}<{width}>({before})"));
        line(format_args!("%in{i}_1 = @relu_conv_bn<{width}>({last})"));
        let cell = if reduction { "reduce" } else { "normal" };
        line(format_args!("%cell{i} = @{cell}<{width}>(%in{i}_0, %in{i}_1)"));
        before = std::mem::replace(&mut last, format!("%cell{i}"));
        reduced = reduction;
        if c.auxiliary && i == 2 * c.layers / 3 {
            line(format_args!("%auxiliary = @auxiliary(%cell{i})"));
            auxiliary = ", %auxiliary".to_owned();
        }
    }
    line(format_args!("%pool = global_avg_pool {last}"));
    line(format_args!("%flat = flatten %pool"));
    line(format_args!("%logits = linear %flat {{out={}}}", c.classes));
    line(format_args!("return %logits{auxiliary}"));
    text
}

/// The candidates of an edge of stride `s`.
fn candidates(c: &Config, s: u32, params: &[Name]) -> Result<Vec<(Name, Candidate)>, MutateError> {
    let mut out = Vec::new();
    if c.search {
        out.push(("none", format!("zero {{stride={s}}}")));
    }
    out.push((OPS[0], format!("@max_pool<{s}>")));
    out.push((OPS[1], format!("@avg_pool<{s}>")));
    out.push((OPS[2], if s == 1 { "identity".to_owned() } else { "@skip_connect<c>".to_owned() }));
    for (op, block, k) in
        [(OPS[3], "sep_conv", 3), (OPS[4], "sep_conv", 5), (OPS[5], "dil_conv", 3), (OPS[6], "dil_conv", 5)]
    {
        out.push((op, format!("@{block}<c, {k}, {s}>")));
    }
    out.into_iter().map(|(label, text)| Ok((Name::new(label), crate::cells::candidate(&text, params)?))).collect()
}

/// Defines the graph of a cell kind: every edge a layer choice, every node a choice of two of its edges.
fn install(module: &mut Module, cell: &str, input_stride: u32, c: &Config) -> Result<(), MutateError> {
    let mut b = GraphBuilder::new(cell, ["c"]);
    let mut values = vec![b.input("n0"), b.input("n1")];
    for node in NODES {
        let group = format!("{cell}_{node}");
        let two = Domain::Subset { of: Domain::first(node), min: 2, max: 2 };
        let inputs = format!("{cell}_in_{node}");
        module.declare(Decision::new(&inputs, two)?.grouped(&group))?;
        let mut edges = Vec::with_capacity(node);
        for (from, x) in values.iter().enumerate() {
            let candidates = candidates(c, if from < 2 { input_stride } else { 1 }, b.params())?;
            let domain = Domain::Categorical(candidates.iter().map(|(n, _)| Value::label(n)).collect());
            let op = format!("{cell}_op_{node}_{from}");
            module.declare(Decision::new(&op, domain)?.grouped(&group))?;
            edges.push(b.choice(format!("e{from}_{node}"), DecisionRef::new(&op), candidates, [x]));
        }
        values.push(b.select(format!("n{node}"), DecisionRef::new(&inputs), Reduce::Sum, &edges));
    }
    let out = b.op("out", "concat", &values[2..])?;
    b.output(out);
    module.set_graph(b.finish()?);
    Ok(())
}
