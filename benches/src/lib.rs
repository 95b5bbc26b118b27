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
