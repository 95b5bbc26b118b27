//! Drawings: golden files, and properties of random graphs.

mod golden;
mod modules;
mod properties;
mod samples;
