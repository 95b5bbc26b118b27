//! Why a network is not trained.

use crate::bytes::Bytes;
use crate::data::DataError;
use codegen::PlanError;
use codegen::checkpoint::CheckpointError;
use codegen::torch::{ExecError, RuntimeError};
use std::path::{Path, PathBuf};

/// Why a network cannot be trained, or its training ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The network cannot be lowered.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The device is not there.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The data set cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file cannot be read or written, or holds other weights.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// libtorch refuses a step.
    #[error("{0}")]
    Exec(String),
    /// A network that is not a classifier of images.
    #[error("the graph {found}; training needs one input, images [N, C, H, W], and outputs of logits [N, classes]")]
    Signature {
        /// `takes 2 inputs`.
        found: String,
    },
    /// A network that is not a model of text.
    #[error("the graph {found}; text needs one input, words i64[N, steps], and outputs of logits [N, steps, words]")]
    TextSignature {
        /// `takes f32[N, 3, 32, 32]`.
        found: String,
    },
    /// A network for another vocabulary.
    #[error(
        "the graph's output {output} is {found}, but `{data}` has {words} words; spaces are built for a number: \
         SPACE:vocab={words}"
    )]
    Words {
        /// Which output, from 0.
        output: usize,
        /// Its type.
        found: String,
        /// The data set.
        data: String,
        /// Its number of words.
        words: usize,
    },
    /// A network for other images.
    #[error(
        "the graph takes {takes}, but an image of `{data}` is {image}; spaces are built for a size: SPACE:image={option}"
    )]
    Image {
        /// The graph's input.
        takes: String,
        /// The data set.
        data: String,
        /// `1 x 8 x 8`.
        image: String,
        /// The same as an option.
        option: String,
    },
    /// A network for another number of classes.
    #[error(
        "the graph's output {output} is {found}, but `{data}` has {classes} classes; spaces are built for a number: \
         SPACE:classes={classes}"
    )]
    Classes {
        /// Which output, from 0.
        output: usize,
        /// Its type.
        found: String,
        /// The data set.
        data: String,
        /// Its number of classes.
        classes: usize,
    },
    /// A run that does not fit the memory.
    #[error(
        "training needs {planned} of memory (weights, gradients and optimizer {weights}, activations of a batch of {batch} \
         {activations}), but {available} are available; take a smaller batch or a smaller network"
    )]
    Memory {
        /// All of it.
        planned: Bytes,
        /// Weights, gradients, buffers, state of the optimizer.
        weights: Bytes,
        /// Activations and their gradients at their peak.
        activations: Bytes,
        /// The batch size.
        batch: usize,
        /// What is there.
        available: Bytes,
    },
    /// Images or text that do not fit the memory.
    #[error("the data of `{data}` needs {needed} of memory, but {available} are available; use a smaller data set")]
    Images {
        /// The data set.
        data: String,
        /// What they take.
        needed: Bytes,
        /// What is there.
        available: Bytes,
    },
    /// A loss that is no number.
    #[error("epoch {epoch}, step {step}: the loss is {loss}; take a lower learning rate, or clip the gradient")]
    NotFinite {
        /// The epoch, from 1.
        epoch: u32,
        /// The step in it, from 1.
        step: usize,
        /// The loss.
        loss: f64,
    },
    /// A loss that grows without bound.
    #[error(
        "epoch {epoch}, step {step}: the loss is {loss:.1}, above {bound:.1} ({times} times that of guessing); take a lower \
         learning rate, or clip the gradient",
        times = super::DIVERGED
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: u32,
        /// The step in it, from 1.
        step: usize,
        /// The loss.
        loss: f64,
        /// The greatest loss that is let pass.
        bound: f64,
    },
    /// A checkpoint of something else.
    #[error("{}: is no checkpoint of a training run ({why})", .path.display())]
    NoRun {
        /// The file.
        path: PathBuf,
        /// What is missing or cannot be read.
        why: String,
    },
    /// A checkpoint of a run on data that has changed since.
    #[error(
        "{}: the data has changed since: images and labels, or words, had SHA-256 {stored} and have {given}; put back what \
         was there, or start anew",
        .path.display()
    )]
    OtherData {
        /// The file.
        path: PathBuf,
        /// What it says.
        stored: String,
        /// What the data set that was given has.
        given: String,
    },
    /// A checkpoint of another run.
    #[error("{}: is of another run: its {field} is {stored}, not {given}; resume with what it was started with", .path.display())]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What differs.
        field: String,
        /// What it says.
        stored: String,
        /// What was given.
        given: String,
    },
}

impl TrainError {
    /// What it is called in a checkpoint's metadata by which data can be told from other data.
    pub const DATA: &'static str = "data.sha256";

    /// A checkpoint that says something else than what was given.
    #[must_use]
    pub fn other_run(path: &Path, field: &str, stored: String, given: String) -> Self {
        let path = path.to_owned();
        match field {
            Self::DATA => Self::OtherData { path, stored, given },
            _ => {
                Self::OtherRun { path, field: field.strip_prefix("recipe.").unwrap_or(field).to_owned(), stored, given }
            }
        }
    }
}

impl From<ExecError> for TrainError {
    fn from(e: ExecError) -> Self {
        // Below the first line is libtorch's own stack.
        Self::Exec(e.to_string().lines().next().unwrap_or_default().to_owned())
    }
}

impl From<tch::TchError> for TrainError {
    fn from(e: tch::TchError) -> Self {
        ExecError::from(e).into()
    }
}
