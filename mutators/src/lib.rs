//! Lanista: mutators.

pub mod nasbench101;
