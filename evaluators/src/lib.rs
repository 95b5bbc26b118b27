//! Lanista: evaluators.
