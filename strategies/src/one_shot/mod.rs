//! One-shot search: one network with shared weights holds every network of a space.
//!
//! * A [`Supernet`] is the space's own module with its decisions left open: no second description of the space.
//! * A [`Differentiable`] strategy is put together from parts: a [`Mixture`] makes factors of architecture parameters, the
//!   gradient comes from [`bilevel`], [`Alphas`] learn and are read off.
//! * [`Enas`] draws paths by a [`Controller`], an LSTM that learns from their accuracy.
//! * A [`SinglePath`] strategy trains one path at a time; then the supernet scores samples like a table, and any
//!   multi-trial strategy searches it.
//! * A run is a function of the space, the strategy, the recipe and its seed.

#[cfg(feature = "torch")]
mod adam;
#[cfg(feature = "torch")]
mod alpha;
#[cfg(feature = "torch")]
pub mod bilevel;
#[cfg(feature = "torch")]
mod choice;
#[cfg(feature = "torch")]
mod controller;
#[cfg(feature = "torch")]
mod course;
#[cfg(feature = "torch")]
mod enas;
#[cfg(feature = "torch")]
mod error;
#[cfg(feature = "torch")]
mod gradient;
#[cfg(feature = "torch")]
mod hub;
mod list;
#[cfg(feature = "torch")]
mod mixture;
#[cfg(feature = "torch")]
mod penalty;
#[cfg(feature = "torch")]
mod sampled;
#[cfg(feature = "torch")]
mod search;
#[cfg(feature = "torch")]
mod supernet;

pub use list::{ONE_SHOT, OneShotEntry, is_one_shot};
#[cfg(feature = "torch")]
pub use {
    adam::Adam,
    alpha::Alphas,
    choice::{Arm, Choice, Kind},
    controller::{Controller, Policy, Walk},
    course::Report,
    enas::Enas,
    error::OneShotError,
    gradient::Differentiable,
    hub::{OneShot, build},
    mixture::{Drawn, Mixture, argmax, softmax},
    penalty::Measure,
    sampled::{Look, Paths, SinglePath, train, train_watched},
    search::{Epoch, Found, Keep},
    supernet::{Pass, Supernet},
};
