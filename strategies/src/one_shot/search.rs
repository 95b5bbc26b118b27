//! What a one-shot search reports, keeps and finds.

use super::alpha::Alphas;
use ir::Name;
use mutators::Sample;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// An epoch of a one-shot search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: u32,
    /// How many there are.
    pub epochs: u32,
    /// Mean training loss of the supernet.
    pub train_loss: f64,
    /// In per cent.
    pub train_accuracy: f64,
    /// Mean loss on what is held out: of the mixture, or of one path.
    pub valid_loss: f64,
    /// In per cent.
    pub valid_accuracy: f64,
    /// See [`Alphas::entropy`].
    pub entropy: Option<f64>,
    /// See [`Alphas::free_share`].
    pub free_share: Option<f64>,
    /// The greatest eigenvalue of the validation loss's Hessian in the architecture parameters, where it was asked for.
    #[serde(default)]
    pub eigenvalue: Option<f64>,
    /// How strong each candidate is, decision by decision, where a strategy learns that.
    #[serde(default)]
    pub strengths: Vec<Strengths>,
    /// The architecture as it stands, or the path that was measured.
    pub sample: Sample,
    /// Seconds of training.
    pub seconds: f64,
}

/// How strong the candidates of a decision are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strengths {
    /// The decision.
    pub label: Name,
    /// Each candidate with its factor, noise aside.
    pub arms: Vec<(Name, f64)>,
}

/// Where a search keeps its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The file; it is replaced as a whole after every epoch.
    pub path: PathBuf,
    /// Whether the search goes on from it.
    pub resume: bool,
}

/// What a one-shot search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The architecture.
    pub sample: Sample,
    /// The architecture parameters, if the strategy has any.
    pub alphas: Option<Alphas>,
    /// Its epochs.
    pub history: Vec<Epoch>,
}
