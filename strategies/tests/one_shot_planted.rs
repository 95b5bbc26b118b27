//! What a search learns from: candidates that tell the images that are held out, and no others.
#![cfg(feature = "torch")]

use evaluators::data::{Images, Split};
use evaluators::train::{Dataset, Precision, Preset, Recipe};
use mutators::Space;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::sync::Arc;
use strategies::one_shot::build;

/// Two decisions of three candidates without weights: which rows of the image are seen. The classifier is all that learns.
const HALVES: &str = "module @halves {
  entry @main
  decision ?one in [bottom, middle, top]
  decision ?two in [bottom, middle, top]
  graph @main(%x: f32[N, 1, 8, 8]) {
    %a = choice ?one (%x) {bottom: slice {axis=2, start=4}, middle: slice {axis=2, start=2, end=6}, top: slice {axis=2, end=4}}
    %b = choice ?two (%x) {bottom: slice {axis=2, start=4}, middle: slice {axis=2, start=2, end=6}, top: slice {axis=2, end=4}}
    %s = add %a, %b
    %f = flatten %s
    %y = linear %f {out=4}
    return %y
  }
}";

const IMAGES: usize = 800;

/// Images of four patterns, one per class. Those that weights learn from have it in the top half, those that are held out in
/// the bottom half; the other half is noise.
fn images() -> Images {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let patterns: Vec<Vec<u8>> = (0..4).map(|_| (0..32).map(|_| 255 * (rng.next_u32() % 2) as u8).collect()).collect();
    let labels: Vec<u16> = (0..IMAGES).map(|i| (i % 4) as u16).collect();
    let classes = (0..4).map(|c| c.to_string()).collect();
    let split = |pixels| Split { pixels, labels: labels.clone() };
    let blank = split(vec![0; 64 * IMAGES]);
    let mut images = Images {
        name: "halves".to_owned(),
        channels: 1,
        height: 8,
        width: 8,
        classes,
        train: blank.clone(),
        test: blank,
    };
    let (_, held) = images.holdout(2, 0);
    for i in 0..IMAGES {
        let half = usize::from(held.contains(&(i as u32)));
        for (p, pixel) in images.train.pixels[64 * i..64 * (i + 1)].iter_mut().enumerate() {
            *pixel = if p / 32 == half { patterns[i % 4][p % 32] } else { 255 * (rng.next_u32() % 2) as u8 };
        }
    }
    images
}

/// In both decisions, by every strategy and for every seed: what the training images would have is the top, and one draw in nine
/// has the bottom twice.
#[test]
fn the_architecture_learns_from_what_is_held_out() {
    let dataset = Dataset::new(Arc::new(images()), Recipe::default().device).expect("fits");
    let space = Space::new(HALVES.parse().expect("parses")).expect("verifies");
    let strategies = [
        "darts:order=1,arch_lr=0.05",
        "darts:arch_lr=0.05",
        "darts-pt:tune=1,arch_lr=0.05",
        "drnas:arch_lr=0.05",
        "enas:arch_lr=0.01,samples=30",
        "fair-darts:arch_lr=0.05",
        "gdas:arch_lr=0.05",
        "proxyless:arch_lr=0.05",
        "random-one-shot:trials=30",
        "sdarts:arch_lr=0.05",
        "sdarts:perturb=adversarial,arch_lr=0.05",
        "snas:arch_lr=0.05",
        "spos:trials=60",
    ];
    for strategy in strategies {
        for seed in 0..2 {
            let search = Recipe::preset(Preset::DartsSearch);
            let recipe =
                Recipe { epochs: 10, batch: 50, precision: Precision::F32, seed, crop: 0, flip: false, ..search };
            let found = build(strategy).expect("in the hub").search(&space, &dataset, &recipe, None, &mut |_| {});
            let found = found.unwrap_or_else(|e| panic!("{strategy}: {e}"));
            let last = found.history.last().expect("an epoch");
            assert_eq!(
                found.sample.to_string(),
                "one=bottom,two=bottom",
                "{strategy}, seed {seed}: {:?}, {} % of what is held out",
                last.strengths,
                last.valid_accuracy
            );
        }
    }
}
