//! What tests of gradients share: a small supernet that is smooth.

use super::Supernet;
use evaluators::data::digits;
use evaluators::train::{Dataset, Precision, Preset, Recipe};
use mutators::Space;

/// Smooth, so that a central difference says what a derivative does; half of each candidate's examples are dropped.
const DROPPED: &str = "module @dropped {
  entry @main
  decision ?left in [narrow, wide]
  decision ?right in [narrow, wide, skip]
  graph @narrow<c>(%x) {
    %v = conv2d %x {out=c, k=1}
    %t = tanh %v
    %y = drop_path %t {p=0.5}
    return %y
  }
  graph @wide<c>(%x) {
    %v = conv2d %x {out=c, k=3, pad=1}
    %t = sigmoid %v
    %d = dropout %t {p=0.4}
    %y = drop_path %d {p=0.5}
    return %y
  }
  graph @main(%x: f32[N, 1, 8, 8]) {
    %l = choice ?left (%x) {narrow: @narrow<4>, wide: @wide<4>}
    %r = choice ?right (%l) {narrow: @narrow<4>, wide: @wide<4>, skip: identity}
    %p = global_avg_pool %r
    %f = flatten %p
    %y = linear %f {out=10}
    return %y
  }
}";

pub fn supernet(precision: Precision) -> Supernet {
    let space = Space::new(DROPPED.parse().expect("parses")).expect("verifies");
    let recipe = Recipe { batch: 20, images: 100, precision, seed: 3, ..Recipe::preset(Preset::DartsSearch) };
    let data = Dataset::new(digits().expect("embedded"), recipe.device).expect("fits");
    Supernet::new("darts", &space, &data, &recipe).expect("opens")
}
