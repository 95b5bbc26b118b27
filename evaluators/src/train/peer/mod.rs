//! A run handed over to PyTorch, to be compared with ours: the same network, first weights, images, order of batches
//! and learning rates, as a folder with a script that trains.

use super::error::TrainError;
use super::recipe::Recipe;
use super::trainer::Trainer;
use crate::data::{DataError, Loader};
use codegen::array::{Array, Weights};
use codegen::checkpoint::Checkpoint;
use codegen::export::pytorch;
use codegen::torch::to_array;
use ir::{Name, Program};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The script: `python train.py FOLDER` prints a JSON object of `losses`, one per step, and the test `accuracy` in per
/// cent; `python train.py FOLDER STEPS` ends early, without an accuracy.
const SCRIPT: &str = include_str!("train.py");

/// What the script reads besides tensors.
#[derive(Serialize)]
struct Settings<'a> {
    optimizer: &'a str,
    momentum: f64,
    nesterov: bool,
    beta2: f64,
    weight_decay: f64,
    clip: f64,
    label_smoothing: f64,
    auxiliary: f64,
    batch: usize,
    threads: usize,
    /// One per step.
    rates: Vec<f64>,
}

impl Trainer {
    /// Writes the whole run, from its first weights, into a folder that is there. `program` is the network's.
    ///
    /// # Errors
    /// If the recipe has what only we can repeat (augmentation, an average of weights), or a file cannot be written.
    pub fn hand_over(&mut self, program: &Program, folder: &Path) -> Result<(), TrainError> {
        let r = self.recipe().clone();
        if r.crop > 0 || r.flip || r.cutout > 0 || r.ema > 0.0 {
            let reason =
                "crop, flip, cutout and ema cannot be handed over to another program; leave them out".to_owned();
            return Err(DataError::Options { reason }.into());
        }
        if self.position() != (0, 0) {
            let reason = "a run that has begun cannot be handed over; hand over a fresh one".to_owned();
            return Err(DataError::Options { reason }.into());
        }
        let source =
            pytorch::source(program, "a network to be trained").map_err(|e| TrainError::Exec(e.to_string()))?;
        let batches = self.batches();
        let steps = (0..r.epochs).flat_map(|epoch| (0..batches).map(move |batch| (epoch, batch)));
        let settings = Settings {
            optimizer: r.optimizer.as_str(),
            momentum: r.momentum,
            nesterov: r.nesterov,
            beta2: r.beta2,
            weight_decay: r.weight_decay,
            clip: r.clip,
            label_smoothing: r.label_smoothing,
            auxiliary: r.auxiliary,
            batch: r.batch,
            threads: r.threads,
            rates: steps.map(|(epoch, batch)| r.rate(epoch, batch, batches)).collect(),
        };
        let settings = serde_json::to_string(&settings).map_err(|e| TrainError::Exec(e.to_string()))?;
        write(folder, "network.py", &source)?;
        write(folder, "train.py", SCRIPT)?;
        write(folder, "run.json", &settings)?;
        save(folder, "weights.safetensors", self.weights()?)?;
        save(folder, "data.safetensors", self.handed_data(&r)?)
    }

    /// Normalised images and labels as they are, and the order in which each epoch takes them.
    fn handed_data(&mut self, recipe: &Recipe) -> Result<Weights, TrainError> {
        let (train, test) = self.whole_data()?;
        let mut data = Weights::new();
        for (name, loader) in [("train", train), ("test", test)] {
            let [images, labels] = everything(loader)?;
            data.insert(Name::new(format!("{name}.images")), images);
            data.insert(Name::new(format!("{name}.labels")), labels);
        }
        for epoch in 0..recipe.epochs {
            let order = self.loader().order_of(u64::from(epoch))?;
            data.insert(Name::new(format!("order.{epoch}")), to_array(&order)?);
        }
        Ok(data)
    }
}

/// All images and labels of a loader that has one batch.
fn everything(mut loader: Loader) -> Result<[Array; 2], TrainError> {
    let batch = loader.batch(0, 0)?;
    Ok([to_array(&batch.inputs)?, to_array(&batch.labels)?])
}

fn write(folder: &Path, file: &str, text: &str) -> Result<(), TrainError> {
    let path = folder.join(file);
    fs::write(&path, text).map_err(|source| DataError::Io { path, doing: "cannot be written", source }.into())
}

fn save(folder: &Path, file: &str, arrays: Weights) -> Result<(), TrainError> {
    Ok(Checkpoint { arrays, metadata: BTreeMap::new() }.save(&folder.join(file))?)
}
