//! Lanista: facade.
