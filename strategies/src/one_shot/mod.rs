//! One-shot search: one network with shared weights holds every network of a space.
//!
//! * A [`Supernet`] is the space's own module with its decisions left open: no second description of the space.
//! * A [`Differentiable`] strategy is put together from parts: a [`Mixture`] makes factors of architecture parameters,
//!   [`Mixed`] modifies the mixed operation, the gradient comes from [`bilevel`], [`Alphas`] learn, and a [`ReadOff`] tells
//!   the architecture.
//! * [`Enas`] draws paths by a [`Controller`], an LSTM that learns from their accuracy.
//! * [`Reinforce`] is such a controller as a multi-trial strategy, taught by trials' scores.
//! * A [`SinglePath`] strategy trains one path at a time; then the supernet scores samples like a table, and any
//!   multi-trial strategy searches it.
//! * A run is a function of the space, the strategy, the recipe and its seed.

mod adam;
mod alpha;
pub mod bilevel;
mod choice;
pub mod conformance;
mod controller;
mod course;
mod dirichlet;
mod enas;
mod error;
mod factors;
mod gradient;
mod hessian;
mod hub;
mod latency_table;
mod learner;
mod limit;
mod mixed;
mod mixture;
mod numbers;
mod partial;
mod penalty;
mod policy;
mod reinforce;
mod removal;
mod sampled;
mod search;
mod strongest;
mod supernet;

pub use adam::Adam;
pub use alpha::Alphas;
pub use choice::{Arm, Choice, Kind};
pub use controller::{Controller, Walk};
pub use course::Report;
pub use enas::{Enas, draw};
pub use error::OneShotError;
pub use gradient::Differentiable;
pub use hub::{OneShot, build};
pub use limit::Limits;
pub use mixed::{Mixed, Perturb};
pub use mixture::{Drawn, Mixture, argmax, softmax};
pub use penalty::Measure;
pub use policy::Policy;
pub use reinforce::Reinforce;
pub use removal::ReadOff;
pub use sampled::{Look, Paths, SinglePath, train, train_watched};
pub use search::{Epoch, Found, Keep, Strengths};
pub use supernet::{Pass, Route, Supernet};
