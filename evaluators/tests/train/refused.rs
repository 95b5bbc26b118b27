//! What cannot be trained, and what is no checkpoint of a run.

use crate::common::{NETWORK, finish, program, short, trainer};
use codegen::checkpoint::Checkpoint;
use evaluators::data::{Images, digits};
use evaluators::train::{Algorithm, Dataset, Recipe, TrainError, Trainer};
use std::fs;
use std::sync::Arc;

/// The message of a network that is refused, on one line.
fn refusal(text: &str, recipe: &Recipe) -> String {
    let error = trainer(text, recipe).expect_err("it is refused").to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[track_caller]
fn has(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn networks_for_other_images_or_classes() {
    let recipe = short();
    let image = NETWORK.replace("f32[N, 1, 8, 8]", "f32[N, 3, 32, 32]");
    has(&refusal(&image, &recipe), &["f32[N, 3, 32, 32]", "`digits` is 1 x 8 x 8", "image=1x8x8"]);
    let classes = NETWORK.replace("{out=10}", "{out=100}");
    has(&refusal(&classes, &recipe), &["output 0 is f32[N, 100]", "`digits` has 10 classes", "classes=10"]);
    let image = NETWORK.replace("return %logits, %auxiliary", "return %s");
    has(&refusal(&image, &recipe), &["f32[N, 8, 8, 8] as output 0", "logits [N, classes]"]);
    let two = NETWORK.replace("8, 8])", "8, 8], %y: f32[N, 4])");
    has(&refusal(&two, &recipe), &["takes 2 inputs"]);
}

#[test]
fn runs_that_do_not_fit_the_memory() {
    // Half a billion elements per image in the first activation alone, of few weights.
    let wide = NETWORK.replacen("k=3, pad=1", "k=3, pad=4096", 1);
    let recipe = Recipe { batch: 10_000, ..short() };
    let message = refusal(&wide, &recipe);
    // No batch is greater than the images that are trained on.
    has(&message, &["training needs", "batch of 300", "are available", "take a smaller batch"]);
}

#[test]
fn losses_that_end_a_run() {
    let wild = Recipe { lr: 1e5, weight_decay: 0.0, momentum: 0.9, ..short() };
    let mut trainer = trainer(NETWORK, &wild).expect("a trainer");
    let error = loop {
        match trainer.step() {
            Ok(_) => assert!(!trainer.is_done(), "it went well"),
            Err(e) => break e,
        }
    };
    assert!(matches!(error, TrainError::Diverged { .. } | TrainError::NotFinite { .. }), "{error}");
    has(&error.to_string(), &["epoch 1, step ", "the loss is ", "lower learning rate"]);
}

#[test]
fn checkpoints_of_something_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    let recipe = short();
    let mut run = trainer(NETWORK, &recipe).expect("a trainer");
    run.step().expect("a step");
    run.save(&path).expect("saves");
    let refused = |text: &str, recipe: &Recipe| {
        let mut other = trainer(text, recipe).expect("a trainer");
        let before = other.weights().expect("weights");
        let error = other.resume(&path).expect_err("another run").to_string();
        assert_eq!(other.weights().expect("weights"), before, "nothing has been taken from it");
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    };
    let wider = NETWORK.replace("%v2 = conv2d %r1 {out=8, k=3", "%v2 = conv2d %r1 {out=8, k=1");
    let wider = wider.replace("pad=1, bias=false}\n    %n2", "bias=false}\n    %n2");
    has(&refused(&wider, &recipe), &["another graph", "`v2.weight` is [8, 8, 3, 3] there, [8, 8, 1, 1] here"]);
    let other = NETWORK.replace("%r1 = relu %n1", "%r1 = silu %n1");
    has(&refused(&other, &recipe), &["its graph is "]);
    has(&refused(NETWORK, &Recipe { lr: 0.01, ..recipe.clone() }), &["its lr is 0.05, not 0.01", "resume with"]);
    has(&refused(NETWORK, &Recipe { seed: 3, ..recipe.clone() }), &["its seed is 0, not 3"]);
    has(
        &refused(NETWORK, &Recipe { optimizer: Algorithm::Adam, ..recipe.clone() }),
        &["its optimizer is sgd, not adam"],
    );

    let weights = run.weights().expect("weights");
    Checkpoint { arrays: weights, metadata: Default::default() }.save(&path).expect("saves");
    has(&refused(NETWORK, &recipe), &["no checkpoint of a training run", "checkpoint.safetensors"]);
    run.save(&path).expect("saves");
    let whole = fs::read(&path).expect("there");
    fs::write(&path, &whole[..whole.len() / 2]).expect("truncates");
    has(&refused(NETWORK, &recipe), &["not a whole safetensors file"]);
    fs::remove_file(&path).expect("there");
    has(&refused(NETWORK, &recipe), &["checkpoint.safetensors", "No such file"]);
    drop(finish(run));
}

#[test]
fn a_run_on_data_that_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    let digits = (*digits().expect("embedded")).clone();
    let recipe = short();
    let on = |images: Images| {
        let dataset = Dataset::new(Arc::new(images), recipe.device).expect("room");
        Trainer::new(&program(NETWORK), &dataset, &recipe).expect("a trainer")
    };
    let mut run = on(digits.clone());
    run.step().expect("a step");
    run.save(&path).expect("saves");
    on(digits.clone()).resume(&path).expect("these are the same images");
    let changes: [fn(&mut Images); 3] =
        [|i| i.train.pixels[5000] ^= 1, |i| i.train.labels.swap(0, 1), |i| i.test.pixels[0] ^= 1];
    for change in changes {
        let mut images = digits.clone();
        change(&mut images);
        let error = on(images).resume(&path).expect_err("other images");
        assert!(matches!(error, TrainError::OtherData { .. }), "{error}");
        has(&error.to_string(), &["checkpoint.safetensors: the data has changed since", "put back what was there"]);
    }
}

#[test]
fn a_gpu_after_the_processor() {
    drop(trainer(NETWORK, &short()).expect("the processor is there"));
    let recipe = Recipe { device: codegen::torch::Device::Cuda(0), ..short() };
    has(
        &refusal(NETWORK, &recipe),
        &["`cuda:0` was asked for after libtorch had started on the CPU", "from the first"],
    );
}

/// Whoever edits a checkpoint by hand may write what no run comes to.
#[test]
fn places_that_no_run_comes_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    let mut run = trainer(NETWORK, &short()).expect("a trainer");
    while run.step().expect("a step").closed.is_none() {}
    run.step().expect("a step");
    run.save(&path).expect("saves");
    let saved = Checkpoint::load(&path).expect("a checkpoint");
    for (field, from, to, reason) in [
        (
            "position",
            "\"epoch\":1",
            "\"epoch\":4294967295",
            "epoch 4294967296, batch 2 after 1 epochs is no place in it",
        ),
        (
            "position",
            "\"batch\":1",
            "\"batch\":18446744073709551615",
            "epoch 2, batch 18446744073709551615 after 1 epochs",
        ),
        ("position", "\"seconds\":", "\"seconds\":-", "cannot have come to"),
        ("position", "\"images\":", "\"images\":-", "cannot have come to"),
        ("history", "\"epoch\":1", "\"epoch\":4294967295", "is no place in it"),
    ] {
        let mut changed = saved.clone();
        let text = changed.metadata.get_mut(field).expect("it is there");
        assert!(text.contains(from), "{text}");
        *text = text.replacen(from, to, 1);
        changed.save(&path).expect("saves");
        let error = trainer(NETWORK, &short()).expect("a trainer").resume(&path).expect_err("no place").to_string();
        has(&error, &["checkpoint.safetensors", reason]);
    }
    saved.save(&path).expect("saves");
    trainer(NETWORK, &short()).expect("a trainer").resume(&path).expect("as it was");
    drop(finish(run));
}
