//! What a one-shot search reports, keeps and finds.

use super::OneShotError;
use super::alpha::Alphas;
use files::Lock;
use ir::Name;
use mutators::Sample;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

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

/// Where a search keeps its checkpoint. As long as this or a clone of it lives, nobody else keeps one there.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The file; it is replaced as a whole after every epoch.
    pub path: PathBuf,
    /// Whether the search goes on from it.
    pub resume: bool,
    _lock: Arc<Lock>,
}

impl Keep {
    /// Takes a place for a checkpoint. A search goes on from it if it is there.
    ///
    /// # Errors
    /// If another process keeps its search there, or the folder is not there or cannot be written to.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, OneShotError> {
        let path = path.into();
        match Lock::beside(&path) {
            Ok(Some(lock)) => Ok(Self { resume: path.exists(), path, _lock: Arc::new(lock) }),
            Ok(None) => Err(OneShotError::Kept { path }),
            Err(source) => Err(OneShotError::Place { path, source }),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_by_one_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("search.safetensors");
        let keep = Keep::at(&path).expect("it is free");
        assert!(!keep.resume, "there is nothing to go on from");
        let refused = Keep::at(&path).expect_err("it is kept").to_string();
        assert!(refused.contains("search.safetensors: another process keeps its search there"), "{refused}");
        std::fs::write(&path, "kept").expect("a file");
        let clone = keep.clone();
        drop(keep);
        assert!(Keep::at(&path).is_err(), "a clone keeps it too");
        drop(clone);
        assert!(Keep::at(&path).expect("it is free").resume);
        let nowhere = Keep::at(folder.path().join("none/x")).expect_err("there is no such folder").to_string();
        assert!(nowhere.contains("none/x: the checkpoint cannot be kept there: No such file"), "{nowhere}");
    }
}
