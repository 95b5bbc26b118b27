//! The command line, as its users run it.

mod bad_input;
mod data;
mod export;
mod golden;
mod inspect;
mod journal;
mod json;
mod kill;
mod search;
mod support;
#[cfg(feature = "torch")]
mod train;
