//! Modules: what resolving, elaborating, counting, hashing and rewriting have in common.

mod activity;
mod cost;
mod hash;
mod meaning;
mod random;
mod resolve;
mod rewrite;
mod spaces;
mod verify;
