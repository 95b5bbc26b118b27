//! What the benchmarks share. Each file of `benches/` is one criterion benchmark; `make bench` runs them all.

use evaluators::Evaluator;
use mutators::Space;
use strategies::{Experiment, Study};

/// The NAS-Bench-201 space.
///
/// # Panics
/// Never: the space is built in.
#[must_use]
pub fn nasbench201() -> Space {
    mutators::spaces::build("nasbench201").expect("invariant: the space is built in")
}

/// The table's validation accuracy after 12 epochs on CIFAR-10.
///
/// # Panics
/// If the embedded table does not load.
#[must_use]
pub fn validation_12_epochs() -> Box<dyn Evaluator> {
    evaluators::build("nasbench201:dataset=cifar10,epochs=12").expect("invariant: the table is embedded")
}

/// A search by regularized evolution through the public traits, with its full history.
///
/// # Panics
/// If the search fails.
#[must_use]
pub fn evolve(space: &Space, evaluator: &dyn Evaluator, trials: u64, seed: u64) -> Study {
    let strategy = strategies::build("regularized-evolution:population=10,sample=3").expect("invariant: built in");
    Experiment::new(space, strategy, evaluator).trials(trials).seed(seed).run().expect("the search runs")
}

/// Random images `[batch, 3, 32, 32]`, and targets of ten classes in turn.
///
/// # Errors
/// If libtorch refuses.
#[cfg(feature = "torch")]
pub fn images(seed: u64, batch: i64) -> Result<Vec<tch::Tensor>, tch::TchError> {
    let mut rng = codegen::init::stream(seed, &[b"images"]);
    let n = batch as usize * 3 * 32 * 32;
    let images: Vec<f32> = (0..n).map(|_| codegen::init::normal(&mut rng).0).collect();
    let images = tch::Tensor::f_from_slice(&images)?.f_view([batch, 3, 32, 32])?;
    let targets: Vec<i64> = (0..batch).map(|i| i % 10).collect();
    Ok(vec![images, tch::Tensor::f_from_slice(&targets)?])
}
