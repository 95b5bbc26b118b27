//! The folder of a training run: what is in it, and that nobody's work is written over.

use super::super::failure::Failure;
use super::super::output::Target;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a run is saved on its way.
const CHECKPOINT: &str = "checkpoint.safetensors";
/// What it leaves.
const WEIGHTS: &str = "weights.safetensors";
const NETWORK: &str = "network.lir";
const HISTORY: [&str; 2] = ["history.json", "history.csv"];
const CURVE: &str = "curve.svg";

/// A folder for a run.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder that holds no run yet; it need not be there.
    pub fn fresh(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let mut files = [CHECKPOINT, WEIGHTS, NETWORK, CURVE].into_iter().chain(HISTORY);
        if let Some(held) = files.find(|file| fs::symlink_metadata(path.join(file)).is_ok()) {
            return Err(Failure::usage(format!(
                "--out {shown}: holds {held} already; go on with --resume, or name another folder"
            )));
        }
        if path.exists() && !path.is_dir() {
            return Err(Failure::usage(format!("--out {shown}: is no folder; name one")));
        }
        Ok(Self(path.to_owned()))
    }

    /// A folder whose files are replaced one by one.
    pub fn replaced(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// A folder that holds a checkpoint.
    pub fn of_run(path: &Path) -> Result<Self, Failure> {
        let folder = Self(path.to_owned());
        if folder.checkpoint().is_file() {
            return Ok(folder);
        }
        Err(Failure::usage(format!(
            "--out {}: has no {CHECKPOINT} to resume from; start the run without --resume",
            path.display()
        )))
    }

    /// Makes the folder.
    pub fn make(&self) -> Result<(), Failure> {
        let shown = self.0.display();
        fs::create_dir_all(&self.0)
            .map_err(|e| Failure::usage(format!("--out {shown}: the folder cannot be made: {e}; name another one")))?;
        // Better now than after the training.
        Target::new("--out", &self.0.join(CURVE)).map(|_| ())
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join(CHECKPOINT)
    }

    /// The weights of a run that is done.
    pub fn weights(&self) -> PathBuf {
        self.0.join(WEIGHTS)
    }

    /// Writes what a run that is done leaves for people.
    pub fn write(&self, network: &str, json: &str, csv: &str, curve: &str) -> Result<(), Failure> {
        for (file, text) in [(NETWORK, network), (HISTORY[0], json), (HISTORY[1], csv), (CURVE, curve)] {
            Target::new("--out", &self.0.join(file))?.write(text)?;
        }
        Ok(())
    }

    /// What it is called.
    pub fn shown(&self) -> String {
        self.0.display().to_string()
    }
}
