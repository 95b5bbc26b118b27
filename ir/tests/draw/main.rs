//! Drawings: golden files, and properties of random graphs.

mod golden;
mod properties;
mod samples;
