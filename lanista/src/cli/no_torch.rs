//! What a build without libtorch says of the commands that need it.

use super::args::{DemoOneshotArgs, DemoTrainArgs, TrainArgs};
use super::failure::Failure;

/// Refuses.
pub fn train(_: &TrainArgs) -> Result<(), Failure> {
    Err(needs_torch("train"))
}

/// Refuses.
pub fn demo(_: &DemoTrainArgs) -> Result<(), Failure> {
    Err(needs_torch("demo-train"))
}

/// Refuses.
pub fn demo_oneshot(_: &DemoOneshotArgs) -> Result<(), Failure> {
    Err(needs_torch("demo-oneshot"))
}

/// What to do to have it.
pub fn needs_torch(command: &str) -> Failure {
    Failure::usage(format!(
        "`{command}` needs libtorch, which this program was built without; run `make setup-torch`, and build with \
         `cargo build --features torch`"
    ))
}
