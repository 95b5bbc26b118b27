//! `natsbench-size`: the size space of NATS-Bench (Dong et al. 2021): 8 widths for each of 5 layers, 32,768 networks.
//!
//! The cell is fixed to `|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|`;
//! where its input has another width than its output, the skip is a 1x1 convolution with batch norm.

use super::nasbench201::{BLOCKS, dataset};
use crate::error::MutateError;
use crate::options::Options;
use crate::sample::Sample;
use crate::space::{Genotype, Space};
use ir::{Name, Value};
use std::sync::Arc;

const LAYERS: usize = 5;

/// Builds the space. Options: `dataset` (cifar10, cifar100, imagenet16-120); `image` and `classes`, if they are
/// not the dataset's.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let (image, classes) = dataset(&mut options)?;
    options.finish()?;
    let input = image.ty();
    let widths: String =
        (0..LAYERS).map(|i| format!("\n  decision ?c{i} in [8, 16, 24, 32, 40, 48, 56, 64] default 64")).collect();
    let text = format!(
        "module @natsbench_size {{
  entry @main{widths}{BLOCKS}
  graph @conv_bn<c>(%x) {{
    %v = conv2d %x {{out=c, k=1, bias=false}}
    %y = batch_norm %v
    return %y
  }}
  graph @cell<from, to>(%x0) {{
    %x1 = @relu_conv_bn<to, 3, 1>(%x0)
    %e02 = @relu_conv_bn<to, 3, 1>(%x0)
    %e12 = @relu_conv_bn<to, 3, 1>(%x1)
    %x2 = add %e02, %e12
    %skip = repeat if(from == to, 0, 1) @conv_bn<to>(%x0)
    %e13 = @relu_conv_bn<to, 3, 1>(%x1)
    %e23 = @relu_conv_bn<to, 3, 1>(%x2)
    %x3 = add %skip, %e13, %e23
    return %x3
  }}
  graph @main(%x: {input}) {{
    %conv = conv2d %x {{out=?c0, k=3, pad=1, bias=false}}
    %stem = batch_norm %conv
    %cell1 = @cell<?c0, ?c0>(%stem)
    %reduction1 = @reduction<?c1>(%cell1)
    %cell2 = @cell<?c1, ?c2>(%reduction1)
    %reduction2 = @reduction<?c3>(%cell2)
    %cell3 = @cell<?c3, ?c4>(%reduction2)
    %norm = batch_norm %cell3
    %last = relu %norm
    %pool = global_avg_pool %last
    %flat = flatten %pool
    %logits = linear %flat {{out={classes}}}
    return %logits
  }}
}}"
    );
    let mut module: ir::Module = text.parse()?;
    module.name = Name::new_static("natsbench-size");
    Ok(Space::new(module)?.notated(Arc::new(Widths)))
}

/// The benchmark's notation: `64:32:16:8:64`.
#[derive(Debug)]
struct Widths;

impl Genotype for Widths {
    fn write(&self, sample: &Sample) -> String {
        let width = |i| sample.get(&format!("c{i}")).map(|v| v.to_string()).unwrap_or_default();
        (0..LAYERS).map(width).collect::<Vec<_>>().join(":")
    }

    fn read(&self, text: &str) -> Result<Vec<(Name, Value)>, String> {
        let shape = "write five widths, as in 64:64:64:64:64";
        let widths: Vec<i64> = text
            .trim()
            .split(':')
            .map(|w| w.trim().parse().map_err(|_| format!("`{w}` is no width; {shape}")))
            .collect::<Result<_, String>>()?;
        if widths.len() != LAYERS {
            return Err(format!("it has {} widths; {shape}", widths.len()));
        }
        Ok(widths.into_iter().enumerate().map(|(i, w)| (Name::new(format!("c{i}")), Value::Int(w))).collect())
    }
}
