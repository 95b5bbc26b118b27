//! Canonical hashes: equal for isomorphic networks, stable across runs, machines and releases.

mod dag;
mod parts;
mod program;
mod stable;

pub use dag::{Colour, Dag};
pub use stable::{GraphHash, ParseHashError, StableHasher};
