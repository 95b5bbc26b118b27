//! `nasbench201`: the cell space of NAS-Bench-201 (Dong and Yang 2020), in its full network.
//!
//! A cell has four nodes and six edges; each edge carries one of five operations and a node sums its edges. The network
//! stacks three stages of five cells with 16, 32 and 64 channels, joined by residual blocks of stride 2.

use super::image::{self, Image};
use crate::cells::NasBench201Cell;
use crate::error::MutateError;
use crate::options::Options;
use crate::sample::Sample;
use crate::space::{Genotype, Space};
use ir::{Name, Value};
use std::sync::Arc;

/// The operations in the order of the benchmark's digits.
pub const OPS: [&str; 5] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];

/// Images and number of classes of a dataset of the benchmark, unless the options say otherwise.
pub(super) fn dataset(options: &mut Options) -> Result<(Image, u32), MutateError> {
    let name = options.take_one("dataset", "cifar10", &["cifar10", "cifar100", "imagenet16-120"])?;
    let (side, classes) = match name {
        "cifar100" => (32, 100),
        "imagenet16-120" => (16, 120),
        _ => (32, 10),
    };
    image::take_small(options, Image::colour(side), classes)
}

/// Graphs that the networks of NAS-Bench-201 and NATS-Bench share.
pub(super) const BLOCKS: &str = "
  graph @relu_conv_bn<c, k, s>(%x) {
    %r = relu %x
    %v = conv2d %r {out=c, k=k, stride=s, pad=k // 2, bias=false}
    %y = batch_norm %v
    return %y
  }
  graph @reduction<c>(%x) {
    %a = @relu_conv_bn<c, 3, 2>(%x)
    %b = @relu_conv_bn<c, 3, 1>(%a)
    %p = avg_pool %x {k=2, stride=2}
    %v = conv2d %p {out=c, k=1, bias=false}
    %y = add %v, %b
    return %y
  }";

/// Builds the space. Options: `dataset` (cifar10, cifar100, imagenet16-120), `channels` of the first stage, `cells` per
/// stage; `image` and `classes`, if they are not the dataset's; `none=false` without the operation `none`, as some searches
/// leave it out.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let (image, classes) = dataset(&mut options)?;
    let channels = options.take_in("channels", 16u32, 1, 1024)?;
    let cells = options.take_in("cells", 5u32, 1, 64)?;
    let none = options.take("none", true)?;
    options.finish()?;
    let (c2, c3, input) = (2 * channels, 4 * channels, image.ty());
    let text = format!(
        "module @nasbench201 {{
  entry @main{BLOCKS}
  graph @main(%x: {input}) {{
    %conv = conv2d %x {{out={channels}, k=3, pad=1, bias=false}}
    %stem = batch_norm %conv
    %stage1 = repeat {cells} @cell<{channels}>(%stem)
    %reduction1 = @reduction<{c2}>(%stage1)
    %stage2 = repeat {cells} @cell<{c2}>(%reduction1)
    %reduction2 = @reduction<{c3}>(%stage2)
    %stage3 = repeat {cells} @cell<{c3}>(%reduction2)
    %norm = batch_norm %stage3
    %last = relu %norm
    %pool = global_avg_pool %last
    %flat = flatten %pool
    %logits = linear %flat {{out={classes}}}
    return %logits
  }}
}}"
    );
    let mut module: ir::Module = text.parse()?;
    cell(none).install(&mut module)?;
    Ok(Space::new(module)?.notated(Arc::new(ArchString)))
}

fn cell(none: bool) -> NasBench201Cell {
    let cell = NasBench201Cell::new("cell", ["c"]).nodes(4);
    let cell = if none { cell.candidate(OPS[0], "zero") } else { cell };
    cell.candidate(OPS[1], "identity")
        .candidate(OPS[2], "@relu_conv_bn<c, 1, 1>")
        .candidate(OPS[3], "@relu_conv_bn<c, 3, 1>")
        .candidate(OPS[4], "avg_pool {k=3, stride=1, pad=1, count_include_pad=false}")
}

/// The benchmark's notation: `|nor_conv_3x3~0|+|skip_connect~0|none~1|+|..~0|..~1|..~2|`.
#[derive(Debug)]
struct ArchString;

impl Genotype for ArchString {
    fn write(&self, sample: &Sample) -> String {
        arch_string(|from, to| sample.get(&format!("e{from}{to}")).map(|v| v.to_string()).unwrap_or_default())
    }

    fn read(&self, text: &str) -> Result<Vec<(Name, Value)>, String> {
        read_arch_string(text)
    }
}

/// Writes an arch string from the operation of each edge.
pub(super) fn arch_string(op: impl Fn(usize, usize) -> String) -> String {
    let node = |to: usize| -> String {
        let edges: Vec<String> = (0..to).map(|from| format!("{}~{from}", op(from, to))).collect();
        format!("|{}|", edges.join("|"))
    };
    (1..4).map(node).collect::<Vec<_>>().join("+")
}

/// Reads an arch string as decisions.
pub(super) fn read_arch_string(text: &str) -> Result<Vec<(Name, Value)>, String> {
    let shape = "write three nodes, |op~0|+|op~0|op~1|+|op~0|op~1|op~2|";
    let nodes: Vec<&str> = text.trim().split('+').collect();
    if nodes.len() != 3 {
        let s = if nodes.len() == 1 { "" } else { "s" };
        return Err(format!("it has {} node{s}; {shape}", nodes.len()));
    }
    let mut pairs = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let to = i + 1;
        let inner = node.trim().strip_prefix('|').and_then(|n| n.strip_suffix('|'));
        let edges: Vec<&str> =
            inner.ok_or_else(|| format!("`{node}` has no bars around it; {shape}"))?.split('|').collect();
        if edges.len() != to {
            return Err(format!("node {to} has {} edges instead of {to}; {shape}", edges.len()));
        }
        for (from, edge) in edges.iter().enumerate() {
            let (op, source) = edge.split_once('~').ok_or_else(|| format!("`{edge}` has no `~`; {shape}"))?;
            if source.trim() != from.to_string() {
                return Err(format!("edge `{edge}` of node {to} should come from {from}; {shape}"));
            }
            let op = op.trim();
            super::known_operation(op, &OPS)?;
            pairs.push((Name::new(format!("e{from}{to}")), Value::label(op)));
        }
    }
    Ok(pairs)
}
