//! Training: a network, a data set and a [`Recipe`] become weights, to the last bit the same on every run.
//!
//! * A step is a pure function of the weights, the optimizer's state, and the position in the run. So a run that was
//!   killed and resumed from its last checkpoint ends with the weights of one that was not.
//! * Nothing random comes from libtorch's generators, which a process shares; and the number of threads is the run's own.
//!   What else a process does changes no weight.
//! * Test images are looked at when the test accuracy is asked for, and nothing is ever chosen by it.
//!
//! ```
//! use evaluators::data::digits;
//! use evaluators::train::{Measured, Recipe, Dataset, Trainer};
//!
//! let module: ir::Module = "module @m {
//!   entry @main
//!   graph @main(%x: f32[N, 1, 8, 8]) {
//!     %v = conv2d %x {out=16, k=3, pad=1, bias=false}
//!     %n = batch_norm %v
//!     %r = relu %n
//!     %p = max_pool %r {k=2, stride=2}
//!     %f = flatten %p
//!     %y = linear %f {out=10}
//!     return %y
//!   }
//! }".parse()?;
//! let program = ir::verify(&module)?;
//! let recipe = Recipe { epochs: 3, ..Recipe::default() };
//! let dataset = Dataset::new(digits()?, recipe.device)?;
//! let mut trainer = Trainer::new(&program, &dataset, &recipe)?;
//! while !trainer.is_done() {
//!     trainer.epoch()?;
//! }
//! let score = trainer.evaluate(Measured::Test)?.expect("every data set has test images");
//! assert!(score.accuracy > 90.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dataset;
mod error;
mod evaluator;
mod measure;
mod memory;
mod network;
mod peer;
mod recipe;
mod state;
mod trainer;

pub use crate::bytes::Bytes;
pub use dataset::{Dataset, Measured, SearchLoaders};
pub use error::TrainError;
pub use evaluator::Train;
pub use measure::latency;
pub use memory::Planned;
pub use network::{Network, prediction_plan, training_plan};
pub use recipe::{Algorithm, Annealing, Cadence, DropPath, Precision, Preset, Recipe};
pub use state::{Best, Epoch, SavedRun, Sums};
pub use trainer::{Score, Stepped, Trainer, hits, measure};

/// A loss above so many times that of guessing, the logarithm of the number of classes, ends a run: it has diverged.
pub const DIVERGED: f64 = 100.0;
