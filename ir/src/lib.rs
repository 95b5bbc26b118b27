//! Lanista: ir.
