//! Training: exact to the bit, resumed exactly, and refused with a reason.
#![cfg(feature = "torch")]

mod common;
mod evaluator;
mod exact;
mod meaning;
mod peer;
mod refused;
mod text;
