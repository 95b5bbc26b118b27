//! `darts`: the cell space of DARTS (Liu, Simonyan and Yang 2019) for CIFAR-10 and ImageNet.
//!
//! A cell has two inputs and four nodes; a node sums two operations, each on another of the inputs and earlier nodes;
//! the cell returns its nodes side by side. Reduction cells stand at one and two thirds of the depth. The same space
//! serves two networks: the one that is retrained (`network=derived`: affine batch norm, drop path, auxiliary head) and
//! the one that is searched (`network=search`: batch norm without scale, also after pooling, and the operation `none`).
//!
//! Either has two forms, which the size of the images tells apart. For CIFAR-10 the stem is a convolution that keeps the
//! size. For ImageNet it is three of stride 2, the cells of the first take what two of them leave, halved, beside what the
//! third leaves, and the auxiliary head pools by stride 2 and does not normalise what it ends with.

use super::genotype;
use super::image::{self, Image, SMALL};
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

/// Which of the authors' two networks the cells are stacked to.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Cifar,
    ImageNet,
}

/// Side from which images are ImageNet's.
const LARGE: u32 = 128;

impl Form {
    /// The form for images of a size.
    fn of(image: Image) -> Result<Self, String> {
        let (least, greatest) = image.sides();
        let (form, multiple) = match (least, greatest) {
            (_, ..=SMALL) => (Self::Cifar, 4),
            (LARGE.., _) => (Self::ImageNet, 32),
            _ => {
                return Err(format!(
                    "is for neither of its networks: CIFAR's takes sides of up to {SMALL} pixels, ImageNet's from {LARGE}; \
                     resize the images"
                ));
            }
        };
        if least % multiple == 0 && greatest % multiple == 0 {
            return Ok(form);
        }
        Err(format!("cannot be halved as often as its network does; the sides must be multiples of {multiple}"))
    }

    /// The least side of images that the auxiliary head can pool.
    fn least_with_head(self) -> u32 {
        match self {
            Self::Cifar => 32,
            Self::ImageNet => 224,
        }
    }
}

struct Config {
    form: Form,
    channels: u32,
    layers: u32,
    image: Image,
    classes: u32,
    auxiliary: bool,
    drop_path: f64,
    search: bool,
}

/// Builds the space. Options: `network` (derived, search), `channels`, `layers`, `image`, `classes`, `auxiliary` (which
/// needs images of 32 pixels at least, in ImageNet's form of 224), `drop_path`. Defaults are the form's.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let search = options.take_one("network", "derived", &["derived", "search"])? == "search";
    let image = options.take("image", Image::colour(32))?;
    let form = Form::of(image).map_err(|reason| options.refuse("image", &image.to_string(), reason))?;
    let (channels, layers, drop_path, classes) = match (search, form) {
        (true, Form::Cifar) => (16, 8, 0.0, 10),
        (true, Form::ImageNet) => (16, 8, 0.0, 1000),
        (false, Form::Cifar) => (36, 20, 0.2, 10),
        (false, Form::ImageNet) => (48, 14, 0.0, 1000),
    };
    let config = Config {
        form,
        channels: options.take_in("channels", channels, 1, 1024)?,
        layers: options.take_in("layers", layers, 3, 100)?,
        image,
        classes: image::classes(&mut options, classes)?,
        auxiliary: options.take("auxiliary", !search)?,
        drop_path: options.take_in("drop_path", drop_path, 0.0, 0.99)?,
        search,
    };
    if config.auxiliary && image.sides().0 < form.least_with_head() {
        let reason =
            format!("is too small for the auxiliary head, which needs {}; add auxiliary=false", form.least_with_head());
        return Err(options.refuse("image", &image.to_string(), reason).into());
    }
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
    let (stem, main, input) = (stem(c), network(c), c.image.ty());
    let auxiliary = if c.auxiliary { auxiliary_head(c) } else { String::new() };
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
  graph @main(%x: {input}) {{{stem}{main}
  }}
}}"
    )
}

/// What is before the cells, as text of the entry graph.
fn stem(c: &Config) -> String {
    match c.form {
        Form::Cifar => {
            let out = 3 * c.channels;
            format!("\n    %conv = conv2d %x {{out={out}, k=3, pad=1, bias=false}}\n    %stem = batch_norm %conv")
        }
        Form::ImageNet => {
            // The searched network's is PC-DARTS' (Xu et al. 2020): its authors search on ImageNet, DARTS' do not.
            let out = if c.search { 3 * c.channels } else { c.channels };
            format!(
                "
    %conv0 = conv2d %x {{out={}, k=3, stride=2, pad=1, bias=false}}
    %norm0 = batch_norm %conv0
    %relu0 = relu %norm0
    %conv1 = conv2d %relu0 {{out={out}, k=3, stride=2, pad=1, bias=false}}
    %stem0 = batch_norm %conv1
    %relu1 = relu %stem0
    %conv2 = conv2d %relu1 {{out={out}, k=3, stride=2, pad=1, bias=false}}
    %stem1 = batch_norm %conv2",
                (out / 2).max(1)
            )
        }
    }
}

fn auxiliary_head(c: &Config) -> String {
    let (classes, stride, last) = match c.form {
        Form::Cifar => (c.classes, 3, "%n2 = batch_norm %v2\n    %r3 = relu %n2"),
        Form::ImageNet => (c.classes, 2, "%r3 = relu %v2"),
    };
    format!(
        "
  graph @auxiliary(%x) {{
    %r1 = relu %x
    %p = avg_pool %r1 {{k=5, stride={stride}, count_include_pad=false}}
    %v1 = conv2d %p {{out=128, k=1, bias=false}}
    %n1 = batch_norm %v1
    %r2 = relu %n1
    %v2 = conv2d %r2 {{out=768, k=2, bias=false}}
    {last}
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
    let (mut before, mut last, mut reduced) = match c.form {
        Form::Cifar => ("%stem".to_owned(), "%stem".to_owned(), false),
        Form::ImageNet => ("%stem0".to_owned(), "%stem1".to_owned(), true),
    };
    let (mut width, mut auxiliary) = (c.channels, String::new());
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
