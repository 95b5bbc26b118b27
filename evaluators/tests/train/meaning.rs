//! What the settings mean.

use crate::common::{NETWORK, finish, losses, short, trainer};
use codegen::array::Weights;
use evaluators::train::{DropPath, Measured, Recipe};

#[test]
fn it_learns() {
    let recipe = Recipe { epochs: 12, batch: 32, ..Recipe::default() };
    let mut trainer = trainer(NETWORK, &recipe).expect("a trainer");
    while !trainer.is_done() {
        trainer.epoch().expect("an epoch");
    }
    let history = trainer.history();
    let loss = |epoch: usize| history[epoch].valid_loss.expect("validated");
    assert!(loss(11) < 0.5 * loss(0), "{history:?}");
    let test = trainer.evaluate(Measured::Test).expect("measures").expect("there are test images");
    assert_eq!(test.images, 359);
    // Guessing has 10 %.
    assert!(test.accuracy > 75.0, "{test:?}");
    assert!((trainer.best().expect("validated").accuracy - test.accuracy).abs() < 15.0);
}

#[test]
fn auxiliary_heads_add_their_loss() {
    let first = |auxiliary| losses(NETWORK, &Recipe { auxiliary, ..short() }, 1)[0];
    let (without, half, whole) = (first(0.0), first(0.5), first(1.0));
    assert!(whole > without + 0.1, "{whole} {without}");
    assert!((half - (without + whole) / 2.0).abs() < 1e-5, "{half} is not between {without} and {whole}");
}

#[test]
fn drop_path_rises_from_nothing() {
    let run = |drop_path| losses(NETWORK, &Recipe { drop_path, ..short() }, 9);
    let (linear, constant, off) = (run(DropPath::Linear), run(DropPath::Constant), run(DropPath::Off));
    // The first epoch has six steps.
    assert_eq!(linear[..6], off[..6]);
    assert_ne!(linear[7..], off[7..]);
    assert_ne!(constant[0], off[0]);
}

#[test]
fn label_smoothing_raises_the_least_loss() {
    let first = |label_smoothing| losses(NETWORK, &Recipe { label_smoothing, auxiliary: 0.0, ..short() }, 1)[0];
    assert_ne!(first(0.1), first(0.0));
    // With everything spread evenly the target is no matter: at least the logarithm of ten.
    assert!(first(1.0) >= 10_f64.ln() - 1e-6);
}

#[test]
fn the_average_of_weights_moves_by_its_share() {
    let of = |recipe: &Recipe, steps: usize| -> Weights {
        let mut trainer = trainer(NETWORK, recipe).expect("a trainer");
        (0..steps).for_each(|_| drop(trainer.step().expect("a step")));
        trainer.weights().expect("weights")
    };
    let plain = short();
    let (start, one) = (of(&plain, 0), of(&plain, 1));
    let averaged = of(&Recipe { ema: 0.75, ..plain }, 1);
    for (path, array) in averaged.iter().filter(|(path, _)| path.ends_with(".weight")) {
        let ends = start[path].to_f64().into_iter().zip(one[path].to_f64());
        for (value, (from, to)) in array.to_f64().into_iter().zip(ends) {
            assert!((value - (0.75 * from + 0.25 * to)).abs() < 1e-6, "{path}: {value} of {from} to {to}");
        }
    }
}

#[test]
fn measuring_changes_nothing() {
    let recipe = Recipe { ema: 0.5, ..short() };
    let mut looked_at = trainer(NETWORK, &recipe).expect("a trainer");
    for _ in 0..4 {
        looked_at.step().expect("a step");
        looked_at.evaluate(Measured::Test).expect("measures");
        looked_at.weights().expect("weights");
    }
    assert_eq!(finish(looked_at), finish(trainer(NETWORK, &recipe).expect("a trainer")));
}

#[test]
fn without_validation_nothing_is_held_out() {
    let recipe = Recipe { valid: 0, images: 0, epochs: 1, batch: 512, ..short() };
    let mut trainer = trainer(NETWORK, &recipe).expect("a trainer");
    assert_eq!(trainer.images(), 1438);
    let epoch = trainer.epoch().expect("an epoch");
    assert_eq!((epoch.valid_accuracy, epoch.valid_loss), (None, None));
    assert_eq!(trainer.best(), None);
    assert_eq!(trainer.evaluate(Measured::Valid).expect("nothing to do"), None);
}

#[test]
fn a_last_batch_of_one_image_is_left_out() {
    let recipe = Recipe { images: 101, batch: 50, ..short() };
    let trainer = trainer(NETWORK, &recipe).expect("a trainer");
    assert_eq!((trainer.batches(), trainer.images()), (2, 100));
    let weights = finish(trainer);
    assert!(weights.values().flat_map(|a| a.to_f64()).all(f64::is_finite));
}

/// A weight that leads nowhere takes no part in the norm that clipping looks at, step after step.
#[test]
fn idle_weights_have_no_gradient() {
    let idle =
        NETWORK.replace("return %logits, %auxiliary", "%dead = linear %h {out=7}\n    return %logits, %auxiliary");
    let recipe = Recipe { clip: 0.5, weight_decay: 0.1, ..short() };
    let of = |text: &str| -> Weights {
        let mut weights = finish(trainer(text, &recipe).expect("a trainer"));
        weights.retain(|path, _| !path.starts_with("dead") && !path.starts_with("auxiliary"));
        weights
    };
    assert_eq!(of(&idle), of(NETWORK));
    let unused = Recipe { auxiliary: 0.0, ..recipe.clone() };
    let of = |text: &str| -> Weights {
        let mut weights = finish(trainer(text, &unused).expect("a trainer"));
        weights.retain(|path, _| !path.starts_with("auxiliary"));
        weights
    };
    assert_eq!(of(NETWORK), of(&NETWORK.replace("return %logits, %auxiliary", "return %logits")));
}
