//! The folder of a training run: what is in it, that nobody's work is written over, and that one run at a time is in it.

use super::super::failure::Failure;
use super::super::output::Outputs;
use super::trained::Trained;
use files::Lock;
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
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Whether it holds no run yet.
    is_fresh: bool,
    /// Held from the moment at which files may be written.
    lock: Option<Lock>,
}

impl Folder {
    /// A folder that holds no run yet; it need not be there. `option` is where the path comes from, and `remedy` what to do
    /// about what it holds.
    pub fn fresh(option: &str, path: &Path, remedy: &str) -> Result<Self, Failure> {
        if path.exists() && !path.is_dir() {
            return Err(Failure::usage(format!("{option} {}: is no folder; name one", path.display())));
        }
        match held(path) {
            Some(held) => Err(Failure::usage(format!("{option} {}: holds {held} already; {remedy}", path.display()))),
            None => Ok(Self { path: path.to_owned(), is_fresh: true, lock: None }),
        }
    }

    /// Registers what a run writes into a folder. A network that was read from there stays what it is.
    pub fn register(outputs: &mut Outputs, option: &str, path: &Path) -> Result<(), Failure> {
        outputs.folder(option, path)?;
        let mut files = [CHECKPOINT, WEIGHTS, CURVE].into_iter().chain(HISTORY);
        files.try_for_each(|file| outputs.keeps(option, &path.join(file)))
    }

    /// A folder whose files are replaced one by one.
    pub fn replaced(path: &Path) -> Self {
        Self { path: path.to_owned(), is_fresh: false, lock: None }
    }

    /// Whether a folder holds a checkpoint to go on from.
    pub fn is_of_run(path: &Path) -> bool {
        path.join(CHECKPOINT).is_file()
    }

    /// A folder that holds a checkpoint.
    pub fn of_run(path: &Path) -> Result<Self, Failure> {
        if Self::is_of_run(path) {
            return Ok(Self { path: path.to_owned(), is_fresh: false, lock: None });
        }
        Err(Failure::usage(format!(
            "--out {}: has no {CHECKPOINT} to resume from; start the run without --resume",
            path.display()
        )))
    }

    /// Makes the folder, and takes it.
    pub fn make(&mut self) -> Result<(), Failure> {
        let shown = self.shown();
        fs::create_dir_all(&self.path)
            .map_err(|e| Failure::usage(format!("--out {shown}: the folder cannot be made: {e}; name another one")))?;
        self.take()?;
        // Another run may have begun and ended here since this one looked.
        match held(&self.path).filter(|_| self.is_fresh) {
            Some(held) => {
                Err(Failure::usage(format!("--out {shown}: holds {held} by now, of another run; name another folder")))
            }
            None => Ok(()),
        }
    }

    /// Takes the folder for as long as this lives: nobody else trains into it.
    pub fn take(&mut self) -> Result<(), Failure> {
        let shown = self.shown();
        let taken = Lock::beside(&self.checkpoint()).map_err(|e| {
            Failure::usage(format!(
                "--out {shown}: cannot be written: {e}; check its permissions or name another folder"
            ))
        })?;
        self.lock = Some(taken.ok_or_else(|| {
            Failure::usage(format!(
                "--out {shown}: another process trains into this folder; wait for it to end, or name another folder"
            ))
        })?);
        Ok(())
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    /// The weights of a run that is done.
    pub fn weights(&self) -> PathBuf {
        self.path.join(WEIGHTS)
    }

    /// Writes what a run that is done leaves for people.
    pub fn write(&self, outputs: &mut Outputs, network: &str, trained: &Trained) {
        let mut put = |file: &str, text| outputs.put(&self.path.join(file), text);
        put(NETWORK, Ok(network.to_owned()));
        put(HISTORY[0], trained.json());
        put(HISTORY[1], Ok(trained.csv()));
        put(CURVE, Ok(trained.drawing()));
    }

    /// What it is called.
    pub fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// The first file of a run that a folder holds.
fn held(path: &Path) -> Option<&'static str> {
    let mut files = [CHECKPOINT, WEIGHTS, NETWORK, CURVE].into_iter().chain(HISTORY);
    files.find(|file| fs::symlink_metadata(path.join(file)).is_ok())
}
