//! Lanista: mutators.
