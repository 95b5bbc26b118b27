//! What a run is made of at a moment, and its checkpoint.
//!
//! * A checkpoint holds the weights by path, and beside them, by names with a slash, which no path has, what else the run
//!   needs. Its metadata say of which run it is, and where it stands.
//! * A file is checked before anything is taken from it.

use super::dataset::Dataset;
use super::error::TrainError;
use super::recipe::Recipe;
use super::trainer::{Score, Trainer};
use crate::data::Data;
use codegen::array::Weights;
use codegen::checkpoint::{Checkpoint, check};
use codegen::torch::{to_array, to_tensor};
use ir::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A finished epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: u32,
    /// The last learning rate.
    pub lr: f64,
    /// Mean loss of its batches, auxiliary heads and label smoothing included.
    pub train_loss: f64,
    /// Accuracy on its batches as they were trained on, in per cent.
    pub train_accuracy: f64,
    /// Mean loss on what is held out.
    pub valid_loss: Option<f64>,
    /// Accuracy on what is held out, in per cent.
    pub valid_accuracy: Option<f64>,
    /// Seconds of training, validation left out.
    pub seconds: f64,
    /// Training images per second.
    pub images_per_second: f64,
}

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its number, from 1.
    pub epoch: u32,
    /// Accuracy on what is held out, in per cent.
    pub accuracy: f64,
}

/// Sums over images, of which a [`Score`] is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    loss: f64,
    hits: i64,
    images: i64,
}

impl Sums {
    /// Adds a batch by its mean loss.
    pub fn add(&mut self, loss: f64, hits: i64, images: i64) {
        self.loss += loss * images as f64;
        self.hits += hits;
        self.images += images;
    }

    /// The means, of one image at least.
    #[must_use]
    pub fn score(&self) -> Option<Score> {
        let n = self.images as f64;
        let (loss, accuracy) = (self.loss / n, 100.0 * self.hits as f64 / n);
        (self.images > 0).then_some(Score { loss, accuracy, images: self.images as usize })
    }
}

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The epoch that comes next or goes on, from 0.
    pub epoch: u32,
    /// Its batch that comes next.
    pub batch: usize,
    /// Seconds of the epoch so far.
    pub seconds: f64,
    /// Sums over the epoch so far.
    pub sums: Sums,
}

impl Position {
    /// Whether sums and times can have come about.
    fn is_possible(&self) -> bool {
        let Sums { loss, hits, images } = self.sums;
        let counts = 0 <= hits && hits <= images && images <= 1 << 53;
        counts && loss.is_finite() && Duration::try_from_secs_f64(self.seconds).is_ok()
    }
}

const FORMAT: &str = "lanista.training";
const VERSION: &str = "1";

/// The arrays that are not weights.
const STATE: char = '/';
const OPTIMIZER: &str = "optimizer/";
const EMA: &str = "average/weights";

/// A text that metadata hold.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("invariant: plain numbers and words are JSON")
}

/// What makes a run beside its network: with all of it equal, the weights are equal.
type Identity = BTreeMap<String, String>;

/// Which weights a run begins with.
const FIRST: &str = "first weights";
const DRAWN: &str = "drawn";
/// Before the digest of those that another left.
const INHERITED: &str = "inherited";

fn identity(data: &Data, recipe: &Recipe) -> Identity {
    let mut identity = BTreeMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("version".to_owned(), VERSION.to_owned()),
        ("data".to_owned(), data.name().to_owned()),
        (TrainError::DATA.to_owned(), data.digest().to_string()),
        ("seed".to_owned(), recipe.seed.to_string()),
    ]);
    let settings = recipe.settings().into_iter();
    identity.extend(settings.map(|(key, value)| (format!("{SETTING}{key}"), value)));
    identity
}

/// The beginning of a setting's name in the metadata.
const SETTING: &str = "recipe.";

/// A digest of weights.
pub(super) fn digest(weights: &Weights) -> String {
    let bytes = Checkpoint { arrays: weights.clone(), metadata: BTreeMap::new() }.to_bytes();
    crate::digest::sha256(&bytes)[..16].to_owned()
}

/// What a checkpoint says of its run: enough to tell whether one may go on from it before there is a network.
#[derive(Clone, Debug)]
pub struct SavedRun {
    path: PathBuf,
    metadata: Identity,
}

impl SavedRun {
    /// Reads it.
    ///
    /// # Errors
    /// If the file cannot be read, or is no checkpoint of a training run.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        Self::of(path, Checkpoint::load(path)?.metadata)
    }

    fn of(path: &Path, metadata: Identity) -> Result<Self, TrainError> {
        let saved = Self { path: path.to_owned(), metadata };
        match saved.metadata.get("format") {
            Some(format) if format == FORMAT => Ok(saved),
            _ => Err(saved.no_run(format!("its metadata name no format `{FORMAT}`"))),
        }
    }

    /// A setting of its recipe, as a recipe's text has it.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.metadata.get(&format!("{SETTING}{key}")).map(String::as_str)
    }

    /// Checks that it is a run with this data set and recipe, whose weights were inherited or not, whatever its network.
    ///
    /// # Errors
    /// If it is another; what differs is named.
    pub fn check(&self, dataset: &Dataset, recipe: &Recipe, inherits: bool) -> Result<(), TrainError> {
        self.agrees(&identity(dataset.data(), recipe))?;
        let first = self.field(FIRST);
        let given = if inherits { INHERITED } else { DRAWN };
        if first.starts_with(given) { Ok(()) } else { Err(self.other(FIRST, given)) }
    }

    fn agrees(&self, identity: &Identity) -> Result<(), TrainError> {
        match identity.iter().find(|(field, given)| self.field(field) != *given) {
            Some((field, given)) => Err(self.other(field, given)),
            None => Ok(()),
        }
    }

    fn field(&self, name: &str) -> &str {
        self.metadata.get(name).map_or("absent", String::as_str)
    }

    fn other(&self, field: &str, given: &str) -> TrainError {
        TrainError::other_run(&self.path, field, self.field(field).to_owned(), given.to_owned())
    }

    fn no_run(&self, why: String) -> TrainError {
        TrainError::NoRun { path: self.path.clone(), why }
    }

    fn parsed<T: for<'a> Deserialize<'a>>(&self, field: &str) -> Result<T, TrainError> {
        let text = self.metadata.get(field).ok_or_else(|| self.no_run(format!("it has no `{field}`")))?;
        serde_json::from_str(text).map_err(|e| self.no_run(e.to_string()))
    }
}

impl Trainer {
    /// Writes a checkpoint; a file that is there is replaced as a whole.
    ///
    /// # Errors
    /// If a waiting loss is no number, the device fails, or the file cannot be written.
    pub fn save(&mut self, path: &Path) -> Result<(), TrainError> {
        self.settle()?;
        let mut arrays = self.params.to_weights()?;
        for (name, array) in self.optimizer.state()? {
            arrays.insert(Name::new(format!("{OPTIMIZER}{name}")), array);
        }
        if let Some(ema) = &self.ema {
            arrays.insert(Name::new(EMA), to_array(ema)?);
        }
        let mut metadata = self.identity();
        metadata.insert("position".into(), json(&self.at));
        metadata.insert("history".into(), json(&self.history));
        metadata.insert("best".into(), json(&self.best));
        Checkpoint { arrays, metadata }.save(path)?;
        Ok(())
    }

    /// What makes the run: with all of it equal, its weights are equal.
    fn identity(&self) -> Identity {
        let mut identity = identity(&self.data, &self.recipe);
        identity.insert("graph".to_owned(), self.network.hash.to_string());
        let first = self.inherited.as_ref().map_or_else(|| DRAWN.to_owned(), |d| format!("{INHERITED} {d}"));
        identity.insert(FIRST.to_owned(), first);
        identity
    }

    /// Takes a run up where its checkpoint stands.
    ///
    /// # Errors
    /// If the file cannot be read, or is of another network, data set or recipe; nothing has been taken from it then.
    pub fn resume(&mut self, path: &Path) -> Result<(), TrainError> {
        let Checkpoint { arrays, metadata } = Checkpoint::load(path)?;
        let saved = SavedRun::of(path, metadata)?;
        let no_run = |why: String| saved.no_run(why);
        let (state, weights): (Weights, Weights) = arrays.into_iter().partition(|(name, _)| name.contains(STATE));
        check(&self.network.train, &weights)?;
        saved.agrees(&self.identity())?;
        let (at, history): (Position, Vec<Epoch>) = (saved.parsed("position")?, saved.parsed("history")?);
        let best: Option<Best> = saved.parsed("best")?;
        let is_past = at.epoch > self.recipe.epochs || at.batch >= self.batches() || history.len() != at.epoch as usize;
        if is_past || history.iter().zip(1..).any(|(e, n)| e.epoch != n) {
            let place = (u64::from(at.epoch) + 1, at.batch.saturating_add(1), history.len());
            return Err(no_run(format!(
                "epoch {}, batch {} after {} epochs is no place in it",
                place.0, place.1, place.2
            )));
        }
        if !at.is_possible() {
            return Err(no_run(format!("its epoch so far cannot have come to {:?} in {:e} s", at.sums, at.seconds)));
        }
        let average = match (&self.ema, state.get(EMA)) {
            (None, _) => None,
            (Some(ema), Some(stored)) if stored.shape == [ema.numel()] => Some(to_tensor(stored)?),
            (Some(_), _) => return Err(no_run(format!("it has no `{EMA}` of the right size"))),
        };
        let learned = self.params.flat.numel();
        let optimizer: Weights = state
            .into_iter()
            .filter_map(|(name, array)| Some((Name::new(name.strip_prefix(OPTIMIZER)?), array)))
            .collect();
        if let Some((name, array)) = optimizer.iter().find(|(_, a)| a.shape != [learned] && a.shape != [1]) {
            return Err(no_run(format!("`{OPTIMIZER}{name}` is {:?}, not [{learned}]", array.shape)));
        }
        self.params.load(&self.network.train, &weights)?;
        self.optimizer.restore(&optimizer)?;
        if let (Some(ema), Some(stored)) = (&mut self.ema, average) {
            ema.f_copy_(&stored)?;
        }
        (self.at, self.history, self.best) = (at, history, best);
        Ok(())
    }
}
