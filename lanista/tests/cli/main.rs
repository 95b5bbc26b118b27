//! The command line, as its users run it.

mod bad_input;
mod data;
mod golden;
mod inspect;
mod journal;
mod json;
mod kill;
mod search;
mod support;
