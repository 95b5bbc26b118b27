//! Lanista's code generator.
