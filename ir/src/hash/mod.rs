//! Canonical hashes.

mod stable;

pub use stable::{GraphHash, ParseHashError, StableHasher};
