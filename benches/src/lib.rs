//! Lanista: benchmarks.
