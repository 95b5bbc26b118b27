//! `toy`: a small space of 3 x 4 x 2 networks, for tests and first steps.

use super::image::{self, Image};
use crate::error::MutateError;
use crate::options::Options;
use crate::space::Space;

fn text(image: Image, classes: u32) -> String {
    let input = image.ty();
    format!(
        "module @toy {{
  entry @main
  decision ?op in [conv1x1, conv3x3, pool]
  decision ?width in [8, 16, 24, 32]
  decision ?skip in [0, 1]
  graph @conv<c, k>(%x) {{
    %v = conv2d %x {{out=c, k=k, pad=k // 2, bias=false}}
    %y = batch_norm %v
    %r = relu %y
    return %r
  }}
  graph @main(%x: {input}) {{
    %stem = @conv<?width, 3>(%x)
    %op = choice ?op (%stem) {{conv1x1: @conv<?width, 1>, conv3x3: @conv<?width, 3>, pool: avg_pool {{k=3, stride=1, pad=1}}}}
    %both = add %stem, %op
    %out = select ?skip (%op, %both) {{reduce=sum}}
    %pool = global_avg_pool %out
    %flat = flatten %pool
    %logits = linear %flat {{out={classes}}}
    return %logits
  }}
}}"
    )
}

/// Builds the space. Options: `image`, `classes`.
///
/// # Errors
/// If an option does not fit.
pub(super) fn build(mut options: Options) -> Result<Space, MutateError> {
    let (image, classes) = image::take(&mut options, Image::colour(16), 10)?;
    options.finish()?;
    Space::new(text(image, classes).parse()?)
}
