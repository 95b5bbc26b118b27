//! `enas-macro`: the macro space of ENAS (Pham et al. 2018): the operations and skip connections of a whole network.
//!
//! A layer applies one of six operations to the layer before it, and adds what it chose of all that came before that,
//! the stem included; a batch norm follows. Behind one and two thirds of the layers everything so far is halved by a
//! factorized reduction of its own. This is the network with shared weights of the authors' code, which searches: every
//! skip has the shape of the sum, so the space is a supernet too. Their code retrains another network, which lays the
//! skips side by side and projects them.

use super::enas;
use super::image::{self, Image};
use crate::error::MutateError;
use crate::options::Options;
use crate::sample::Sample;
use crate::space::{Genotype, Space};
use ir::{Name, Value};
use std::fmt::Write;
use std::sync::Arc;

/// The operations in the order of the authors' numbers.
const OPS: [&str; 6] = ["conv_3x3", "sep_conv_3x3", "conv_5x5", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3"];

struct Config {
    channels: u32,
    layers: usize,
    image: Image,
    classes: u32,
}

/// Builds the space. Options: `channels` of every layer, `layers`, `image`, `classes`.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let (image, classes) = image::take_small(&mut options, Image::colour(32), 10)?;
    let config = Config {
        channels: options.take_in("channels", 36, 2, 1024)?,
        layers: options.take_in("layers", 12, 3, 48)?,
        image,
        classes,
    };
    options.finish()?;
    let mut module: ir::Module = text(&config).parse()?;
    module.name = Name::new_static("enas-macro");
    Ok(Space::new(module)?.notated(Arc::new(Arcs { layers: config.layers })))
}

fn text(c: &Config) -> String {
    let (decisions, layers) = (decisions(c.layers), layers(c));
    let (channels, input, classes, reduction) = (c.channels, c.image.ty(), c.classes, enas::FACTORIZED_REDUCTION);
    format!(
        "module @enas_macro {{
  entry @main{decisions}
  graph @project<c>(%x) {{
    %v = conv2d %x {{out=c, k=1, bias=false}}
    %n = batch_norm %v
    %y = relu %n
    return %y
  }}
  graph @conv<c, k>(%x) {{
    %p = @project<c>(%x)
    %v = conv2d %p {{out=c, k=k, pad=k // 2, bias=false}}
    %n = batch_norm %v
    %y = relu %n
    return %y
  }}
  graph @sep_conv<c, k>(%x) {{
    %p = @project<c>(%x)
    %deep = conv2d %p {{out=c, k=k, pad=k // 2, groups=c, bias=false}}
    %point = conv2d %deep {{out=c, k=1, bias=false}}
    %n = batch_norm %point
    %y = relu %n
    return %y
  }}
  graph @avg_pool<c>(%x) {{
    %p = @project<c>(%x)
    %y = avg_pool %p {{k=3, stride=1, pad=1, count_include_pad=false}}
    return %y
  }}
  graph @max_pool<c>(%x) {{
    %p = @project<c>(%x)
    %y = max_pool %p {{k=3, stride=1, pad=1}}
    return %y
  }}{reduction}
  graph @main(%x: {input}) {{
    %conv = conv2d %x {{out={channels}, k=3, pad=1, bias=false}}
    %stem = batch_norm %conv{layers}
    %flat = flatten %pool
    %logits = linear %flat {{out={classes}, bias=false}}
    return %logits
  }}
}}"
    )
}

/// Per layer its operation and, from the second on, its skips; in the order of an arc.
fn decisions(layers: usize) -> String {
    let ops = OPS.join(", ");
    let mut text = String::new();
    for i in 0..layers {
        write!(text, "\n  decision ?op_{i} in [{ops}] group layer_{i}").expect("invariant: a string takes all");
        if i > 0 {
            write!(text, "\n  decision ?skip_{i} in any of {i} group layer_{i}")
                .expect("invariant: a string takes all");
        }
    }
    text
}

/// The layers up to the pooling, as text of the entry graph.
fn layers(c: &Config) -> String {
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        write!(text, "\n    {args}").expect("invariant: writing to a string cannot fail");
    };
    let width = c.channels;
    let mut values = vec!["%stem".to_owned()];
    for i in 0..c.layers {
        let (input, earlier) = values.split_last().expect("invariant: the stem is there");
        line(format_args!(
            "%op{i} = choice ?op_{i} ({input}) {{{}: @conv<{width}, 3>, {}: @sep_conv<{width}, 3>, \
             {}: @conv<{width}, 5>, {}: @sep_conv<{width}, 5>, {}: @avg_pool<{width}>, {}: @max_pool<{width}>}}",
            OPS[0], OPS[1], OPS[2], OPS[3], OPS[4], OPS[5],
        ));
        if i == 0 {
            values.push("%op0".to_owned());
        } else {
            line(format_args!("%skip{i} = select ?skip_{i} ({}) {{reduce=sum}}", earlier.join(", ")));
            line(format_args!("%sum{i} = add %op{i}, %skip{i}"));
            line(format_args!("%layer{i} = batch_norm %sum{i}"));
            values.push(format!("%layer{i}"));
        }
        let third = c.layers / 3;
        if i + 1 == third || i + 1 == 2 * third {
            for (from, value) in values.iter_mut().enumerate() {
                let half = format!("%half{i}_{from}");
                line(format_args!("{half} = @factorized_reduction<{width}>({value})"));
                *value = half;
            }
        }
    }
    line(format_args!("%pool = global_avg_pool {}", values.last().expect("invariant: the stem is there")));
    text
}

/// The authors' notation: per layer the number of its operation and, per earlier output, whether it is added:
/// `0  3 0  0 1 0  ..` in one line.
#[derive(Debug)]
struct Arcs {
    layers: usize,
}

impl Genotype for Arcs {
    fn write(&self, sample: &Sample) -> String {
        let mut numbers = Vec::new();
        for i in 0..self.layers {
            numbers.push(enas::number(sample.get(&format!("op_{i}")), &OPS));
            let skips = sample.get(&format!("skip_{i}"));
            let chosen = |from: usize| matches!(&skips, Some(Value::List(l)) if l.contains(&Value::Int(from as i64)));
            numbers.extend((0..i).map(|from| usize::from(chosen(from))));
        }
        enas::arc(&numbers)
    }

    fn read(&self, text: &str) -> Result<Vec<(Name, Value)>, String> {
        let numbers = enas::numbers(text)?;
        let expected = self.layers * (self.layers + 1) / 2;
        if numbers.len() != expected {
            return Err(format!(
                "it has {} numbers instead of {expected}; write for layer i, from 0, its operation and i skips of 0 or 1",
                numbers.len()
            ));
        }
        let mut pairs = Vec::new();
        let mut rest = &numbers[..];
        for i in 0..self.layers {
            let (layer, others) = rest.split_at(i + 1);
            rest = others;
            pairs.push(enas::operation(&format!("op_{i}"), layer[0], &OPS)?);
            if let Some(skip) = layer[1..].iter().find(|s| **s > 1) {
                return Err(format!("{skip} is no skip of layer {i}; write 0 or 1"));
            }
            if i > 0 {
                let chosen = layer[1..].iter().enumerate().filter(|(_, s)| **s == 1);
                let chosen = chosen.map(|(from, _)| Value::Int(from as i64)).collect();
                pairs.push((Name::new(format!("skip_{i}")), Value::List(chosen)));
            }
        }
        Ok(pairs)
    }
}
