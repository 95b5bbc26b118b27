//! The same seed gives the same bytes, whatever else runs, and whether or not the run was interrupted.

use crate::common::{NETWORK, finish, short, trainer};
use evaluators::train::{Algorithm, Annealing, DropPath, Epoch, Precision, Recipe};
use std::sync::atomic::{AtomicBool, Ordering};

fn recipes() -> Vec<Recipe> {
    let sgd = short();
    vec![
        Recipe { ema: 0.9, clip: 1.0, label_smoothing: 0.1, ..sgd.clone() },
        Recipe { optimizer: Algorithm::Adam, lr: 1e-3, precision: Precision::F64, ..sgd.clone() },
        Recipe { optimizer: Algorithm::AdamW, lr: 1e-3, threads: 2, ..sgd },
    ]
}

#[test]
fn a_seed_has_its_weights() {
    for recipe in recipes() {
        let run = |recipe: &Recipe| finish(trainer(NETWORK, recipe).expect("a trainer"));
        let first = run(&recipe);
        assert_eq!(run(&recipe), first, "{recipe}");
        assert_ne!(run(&Recipe { seed: 1, ..recipe.clone() }), first, "{recipe}");
    }
}

#[test]
fn beside_another_run_with_other_threads() {
    let recipe = Recipe { threads: 2, ..short() };
    let alone = finish(trainer(NETWORK, &recipe).expect("a trainer"));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut steps = 0;
            while !over.load(Ordering::Relaxed) {
                let recipe = Recipe { threads: 1, seed: 9, ..short() };
                let mut trainer = trainer(NETWORK, &recipe).expect("a trainer");
                while !trainer.is_done() && !over.load(Ordering::Relaxed) {
                    trainer.step().expect("a step");
                    steps += 1;
                }
            }
            steps
        });
        let again: Vec<_> = (0..5).map(|_| finish(trainer(NETWORK, &recipe).expect("a trainer"))).collect();
        // Before anything can panic: the other run would go on forever.
        over.store(true, Ordering::Relaxed);
        assert!(again.iter().all(|weights| *weights == alone));
        assert!(other.join().expect("the other run") > 0);
    });
}

/// What an epoch says, without its time.
fn timeless(history: &[Epoch]) -> Vec<Epoch> {
    history.iter().map(|e| Epoch { seconds: 0.0, images_per_second: 0.0, ..e.clone() }).collect()
}

#[test]
fn resumed_anywhere_as_if_never_interrupted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    for recipe in recipes() {
        let mut whole = trainer(NETWORK, &recipe).expect("a trainer");
        let batches = whole.batches();
        assert_eq!(batches, 6);
        while !whole.is_done() {
            whole.step().expect("a step");
        }
        let expected = whole.weights().expect("weights");
        // At the start, in the middle of both epochs, between them, and at the end.
        for steps in [0, 1, 4, batches, batches + 3, 2 * batches] {
            let mut killed = trainer(NETWORK, &recipe).expect("a trainer");
            for _ in 0..steps {
                killed.step().expect("a step");
            }
            killed.save(&path).expect("saves");
            let mut resumed = trainer(NETWORK, &recipe).expect("a trainer");
            // What it did before does not matter.
            resumed.step().expect("a step");
            resumed.resume(&path).expect("resumes");
            assert_eq!(resumed.position(), ((steps / batches) as u32, steps % batches));
            while !resumed.is_done() {
                resumed.step().expect("a step");
            }
            assert_eq!(resumed.weights().expect("weights"), expected, "{recipe}, after {steps} steps");
            assert_eq!(timeless(resumed.history()), timeless(whole.history()), "{recipe}, after {steps} steps");
            assert_eq!(resumed.best(), whole.best());
        }
    }
}

#[test]
fn a_short_run_begins_a_long_one_where_the_recipe_says_so() {
    let after_one = |recipe: &Recipe| {
        let mut trainer = trainer(NETWORK, recipe).expect("a trainer");
        trainer.epoch().expect("an epoch");
        trainer.weights().expect("weights")
    };
    let recipe = Recipe { schedule: Annealing::Constant, drop_path: DropPath::Constant, ..short() };
    assert!(recipe.has_prefixes());
    assert_eq!(after_one(&recipe), after_one(&Recipe { epochs: 1, ..recipe.clone() }));
    let cosine = Recipe { schedule: Annealing::Cosine, ..recipe };
    assert!(!cosine.has_prefixes());
    assert_ne!(after_one(&cosine), after_one(&Recipe { epochs: 1, ..cosine.clone() }));
}
