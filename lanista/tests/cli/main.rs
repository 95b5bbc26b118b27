//! The command line, as its users run it.

mod bad_input;
mod data;
mod evil_names;
mod export;
mod golden;
mod inspect;
mod journal;
mod json;
mod kill;
#[cfg(feature = "torch")]
mod one_shot;
mod outputs;
mod search;
mod support;
#[cfg(feature = "torch")]
mod train;
