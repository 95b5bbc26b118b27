//! Lanista: strategies.
