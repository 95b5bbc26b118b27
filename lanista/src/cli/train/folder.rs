//! The folder of a training run: what is in it, and that nobody's work is written over.

use super::super::failure::Failure;
use super::super::output::{Outputs, Target};
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
    /// A folder that holds no run yet; it need not be there. `option` is where the path comes from, and `remedy` what to do
    /// about what it holds.
    pub fn fresh(option: &str, path: &Path, remedy: &str) -> Result<Self, Failure> {
        let shown = path.display();
        let mut files = [CHECKPOINT, WEIGHTS, NETWORK, CURVE].into_iter().chain(HISTORY);
        if let Some(held) = files.find(|file| fs::symlink_metadata(path.join(file)).is_ok()) {
            return Err(Failure::usage(format!("{option} {shown}: holds {held} already; {remedy}")));
        }
        if path.exists() && !path.is_dir() {
            return Err(Failure::usage(format!("{option} {shown}: is no folder; name one")));
        }
        Ok(Self(path.to_owned()))
    }

    /// Registers what a run writes into a folder. A network that was read from there stays what it is.
    pub fn register(outputs: &mut Outputs, option: &str, path: &Path) -> Result<(), Failure> {
        outputs.folder(option, path)?;
        let mut files = [CHECKPOINT, WEIGHTS, CURVE].into_iter().chain(HISTORY);
        files.try_for_each(|file| outputs.keeps(option, &path.join(file)))
    }

    /// A folder whose files are replaced one by one.
    pub fn replaced(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Whether a folder holds a checkpoint to go on from.
    pub fn is_of_run(path: &Path) -> bool {
        path.join(CHECKPOINT).is_file()
    }

    /// A folder that holds a checkpoint.
    pub fn of_run(path: &Path) -> Result<Self, Failure> {
        if Self::is_of_run(path) {
            return Ok(Self(path.to_owned()));
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
