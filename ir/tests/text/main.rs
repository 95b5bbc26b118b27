//! The text and JSON forms: golden files, round trips of random modules, and texts that are no modules.

mod golden;
mod hostile;
mod json;
mod random;
mod roundtrip;
