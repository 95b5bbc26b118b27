//! Modules: what resolving, elaborating, counting, hashing and rewriting have in common.

mod activity;
mod cost;
mod hash;
mod random;
mod resolve;
