//! `nasbench101`: the cell space of NAS-Bench-101 (Ying et al. 2019), in its full network.
//!
//! A cell is a graph of at most 7 vertices and 9 edges with three interior operations; 423,624 of them are unique. The
//! network stacks three times three cells with 128, 256 and 512 channels, with a max pooling of stride 2 between.

use super::image::{self, Image};
use crate::cells::{LEGAL, NasBench101Cell, cell_of, pairs_of};
use crate::error::MutateError;
use crate::nasbench101::CellSpec;
use crate::options::Options;
use crate::sample::Sample;
use crate::space::{Genotype, Rule, Space};
use ir::{Name, Value};
use std::sync::Arc;

/// Builds the space. Options: `channels` of the first stack, `cells` per stack, `image`, `classes`.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let channels = options.take_in("channels", 128u32, 1, 4096)?;
    let cells = options.take_in("cells", 3u32, 1, 64)?;
    let (image, classes) = image::take_small(&mut options, Image::colour(32), 10)?;
    options.finish()?;
    let (c2, c3, input) = (2 * channels, 4 * channels, image.ty());
    let text = format!(
        "module @nasbench101 {{
  entry @main
  graph @conv_bn_relu<c, k>(%x) {{
    %v = conv2d %x {{out=c, k=k, pad=k // 2, bias=false}}
    %n = batch_norm %v
    %y = relu %n
    return %y
  }}
  graph @cell<c>(%in) {{
    %project_out = @conv_bn_relu<c, 1>(%in)
    return %project_out
  }}
  graph @main(%x: {input}) {{
    %stem = @conv_bn_relu<{channels}, 3>(%x)
    %stack1 = repeat {cells} @cell<{channels}>(%stem)
    %down1 = max_pool %stack1 {{k=2}}
    %stack2 = repeat {cells} @cell<{c2}>(%down1)
    %down2 = max_pool %stack2 {{k=2}}
    %stack3 = repeat {cells} @cell<{c3}>(%down2)
    %pool = global_avg_pool %stack3
    %flat = flatten %pool
    %logits = linear %flat {{out={classes}}}
    return %logits
  }}
}}"
    );
    let space = Space::new(text.parse()?)?.with(Arc::new(NasBench101Cell::new("cell")))?;
    Ok(space.ruled(Arc::new(Legal)).notated(Arc::new(Matrix)))
}

#[derive(Debug)]
struct Legal;

impl Rule for Legal {
    fn describe(&self) -> &str {
        LEGAL
    }

    fn admits(&self, sample: &Sample) -> bool {
        cell_of(sample).is_some_and(|c| c.is_valid())
    }
}

/// The benchmark's notation: an upper triangular matrix with operations, pruned as it is read.
#[derive(Debug)]
struct Matrix;

impl Genotype for Matrix {
    fn write(&self, sample: &Sample) -> String {
        match cell_of(sample).and_then(|c| c.prune()) {
            Some(cell) => cell.to_string(),
            None => "unconnected".to_owned(),
        }
    }

    fn read(&self, text: &str) -> Result<Vec<(Name, Value)>, String> {
        let cell: CellSpec = text.parse().map_err(|e: crate::nasbench101::CellError| e.to_string())?;
        Ok(pairs_of(&cell))
    }
}
