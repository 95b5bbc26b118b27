//! `demo`: stub
use super::args::DemoArgs;
use super::failure::Failure;
/// Stub.
pub fn demo(_: &DemoArgs) -> Result<(), Failure> { Ok(()) }
