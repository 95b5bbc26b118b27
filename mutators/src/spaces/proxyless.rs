//! `proxyless`: the space of ProxylessNAS (Cai, Zhu and Han 2019), a backbone like MobileNetV2's (Sandler et al. 2018).
//!
//! Six stages of inverted residual blocks; each block chooses its kernel (3, 5, 7) and its expansion (3, 6). A block that
//! keeps stride and width is residual and may be left out, which also searches the depth. Images of fewer than 64 pixels
//! are halved three times instead of five: the stem and the first stage have stride 1.

use super::image::{self, Image};
use crate::error::MutateError;
use crate::options::Options;
use crate::space::Space;
use ir::eval::make_divisible;
use std::fmt::{self, Write};
use std::str::FromStr;

/// Blocks, and the stride of the first of them, per stage.
const STAGES: [(u32, u32); 6] = [(4, 2), (4, 2), (4, 2), (4, 1), (4, 2), (1, 1)];

/// The greatest width of a stage.
const MOST: u32 = 65_536;

/// The widths of the stages: `24:40:80:96:192:320`.
#[derive(Clone, Copy)]
struct Widths([u32; STAGES.len()]);

impl FromStr for Widths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let widths: Option<Vec<u32>> = text.split(':').map(|n| n.trim().parse().ok()).collect();
        let widths = widths.filter(|w| w.iter().all(|n| (1..=MOST).contains(n)));
        let widths = widths.and_then(|w| w.try_into().ok());
        widths.map(Self).ok_or_else(|| format!("write six widths, 24:40:80:96:192:320, each in 1..={MOST}"))
    }
}

impl fmt::Display for Widths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|w| w.to_string()).join(":"))
    }
}

struct Config {
    widths: Widths,
    /// What widths are multiplied by.
    width: f64,
    image: Image,
    classes: u32,
}

impl Config {
    /// A width, multiplied and rounded to a multiple of 8 as MobileNets do.
    fn scaled(&self, width: u32) -> i64 {
        make_divisible(f64::from(width) * self.width, 8, 8).expect("invariant: widths and multiplier are bounded")
    }
}

/// Builds the space. Options: `image`, `classes`, `width`, the multiplier of all widths, and the `widths` of the stages.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let (image, classes) = image::take(&mut options, Image::colour(224), 1000)?;
    let config = Config {
        widths: options.take("widths", Widths([24, 40, 80, 96, 192, 320]))?,
        width: options.take_in("width", 1.0, 0.05, 8.0)?,
        image,
        classes,
    };
    options.finish()?;
    Space::new(text(&config).parse()?)
}

fn text(c: &Config) -> String {
    let small = c.image.sides().0 < 64;
    let (stem_stride, stem, first) = (if small { 1 } else { 2 }, c.scaled(32), c.scaled(16));
    // The last convolution grows with the multiplier, but does not shrink.
    let features = if c.width > 1.0 { c.scaled(1280) } else { 1280 };
    let (mut decisions, mut blocks) = (String::new(), String::new());
    let (mut n, mut last, mut value) = (0, first, "%first".to_owned());
    for (stage, ((count, stride), width)) in STAGES.into_iter().zip(c.widths.0).enumerate() {
        let width = c.scaled(width);
        for block in 0..count {
            n += 1;
            let s = if block > 0 || (small && stage == 0) { 1 } else { stride };
            let candidates = candidates(last, width, s);
            let labels: Vec<&str> = candidates.iter().filter_map(|c| c.split(':').next()).collect();
            write!(decisions, "\n  decision ?block_{n} in [{}] group stage_{}", labels.join(", "), stage + 1)
                .expect("invariant: writing to a string cannot fail");
            write!(blocks, "\n    %block{n} = choice ?block_{n} ({value}) {{{}}}", candidates.join(", "))
                .expect("invariant: writing to a string cannot fail");
            (last, value) = (width, format!("%block{n}"));
        }
    }
    let (input, classes) = (c.image.ty(), c.classes);
    format!(
        "module @proxyless {{
  entry @main{decisions}
  graph @conv<c, k, s>(%x) {{
    %v = conv2d %x {{out=c, k=k, stride=s, pad=k // 2, bias=false}}
    %n = batch_norm %v {{eps=0.001}}
    %y = relu6 %n
    return %y
  }}
  graph @separable<from, c, k, s>(%x) {{
    %deep = conv2d %x {{out=from, k=k, stride=s, pad=k // 2, groups=from, bias=false}}
    %n = batch_norm %deep {{eps=0.001}}
    %r = relu6 %n
    %point = conv2d %r {{out=c, k=1, bias=false}}
    %y = batch_norm %point {{eps=0.001}}
    return %y
  }}
  graph @mbconv<from, c, k, e, s>(%x) {{
    %wide = @conv<from * e, 1, 1>(%x)
    %y = @separable<from * e, c, k, s>(%wide)
    return %y
  }}
  graph @residual<c, k, e>(%x) {{
    %f = @mbconv<c, c, k, e, 1>(%x)
    %y = add %x, %f
    return %y
  }}
  graph @main(%x: {input}) {{
    %stem = @conv<{stem}, 3, {stem_stride}>(%x)
    %first = @separable<{stem}, {first}, 3, 1>(%stem){blocks}
    %features = @conv<{features}, 1, 1>({value})
    %pool = global_avg_pool %features
    %flat = flatten %pool
    %logits = linear %flat {{out={classes}}}
    return %logits
  }}
}}"
    )
}

/// The candidates of a block, as text.
fn candidates(from: i64, c: i64, s: u32) -> Vec<String> {
    let residual = s == 1 && from == c;
    let mut all = Vec::new();
    for k in [3, 5, 7] {
        for e in [3, 6] {
            let graph = if residual {
                format!("@residual<{c}, {k}, {e}>")
            } else {
                format!("@mbconv<{from}, {c}, {k}, {e}, {s}>")
            };
            all.push(format!("mbconv{e}_{k}x{k}: {graph}"));
        }
    }
    if residual {
        all.push("skip: identity".to_owned());
    }
    all
}
