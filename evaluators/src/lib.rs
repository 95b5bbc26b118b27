//! Lanista: evaluators.

pub mod table;
