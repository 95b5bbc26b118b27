//! Lanista: ir.

pub mod draw;
