//! The command line, as its users run it.

mod bad_input;
#[cfg(feature = "torch")]
mod changed_data;
mod data;
mod evil_names;
mod export;
mod failures;
mod flags;
mod golden;
mod inspect;
#[cfg(target_os = "linux")]
mod interrupt;
mod journal;
mod json;
mod logdir;
#[cfg(all(feature = "torch", target_os = "linux"))]
mod lost;
#[cfg(feature = "torch")]
mod one_shot;
mod outputs;
#[cfg(feature = "torch")]
mod retrain;
mod search;
mod soak;
mod support;
#[cfg(feature = "torch")]
mod train;
