//! Lanista's mutators: search spaces as base modules plus graph-level rewrites.

pub mod cells;
pub mod chooser;
pub mod conformance;
pub mod draw;
mod error;
mod mutator;
pub mod nasbench101;
pub mod options;
mod sample;
mod schema;
mod space;
pub mod spaces;

pub use chooser::Chooser;
pub use error::MutateError;
pub use mutator::Mutator;
pub use options::{OptionError, Options};
pub use sample::Sample;
pub use schema::{Schema, Slot};
pub use space::{
    Cheapest, Cursor, Genotype, MAX_REFUSED, MAX_TRIES, Neighbours, Pool, Price, Rule, Samples, Size, Space,
};
