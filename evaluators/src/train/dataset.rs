//! A data set on a device, loaded once, and the parts of it that a run uses.

use super::error::TrainError;
use super::network;
use super::recipe::Recipe;
use crate::bytes::Bytes;
use crate::data::{Augment, Data, DataError, Loader, Loading, Normalise, Part, Places, Resident, Source};
use codegen::torch::{Device, Runtime, available_memory};
use ir::Program;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tch::Tensor;

/// A data set on a device. Runs share it: it is copied there once.
#[derive(Debug)]
pub struct Dataset {
    data: Data,
    device: Device,
    /// Tensors may be used by one thread at a time.
    resident: Mutex<Held>,
}

/// What lies on the device.
#[derive(Debug)]
enum Held {
    /// Training and test images, and what their pixels become.
    Images { split: [Resident; 2], normalise: Normalise },
    /// What is trained, validated and tested on; each `[T]`, i64.
    Text([Tensor; 3]),
}

/// The parts of a data set that a run uses: a split, and which examples of it.
struct Parts {
    train: (Resident, Vec<u32>),
    valid: Option<(Resident, Vec<u32>)>,
    test: (Resident, Vec<u32>),
}

/// The part of a data set that a network is measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// What is held out from the training images.
    Valid,
    /// The test images.
    Test,
}

/// The batches of a run.
#[derive(Debug)]
pub(super) struct Loaders {
    pub train: Loader,
    pub valid: Option<Loader>,
    pub test: Loader,
    /// All that is trained on, and all that is tested on.
    whole: [Resident; 2],
}

/// The batches of a one-shot search.
#[derive(Debug)]
pub struct SearchLoaders {
    /// What weights are learned from.
    pub weights: Loader,
    /// What the architecture is learned from: what is held out, shuffled and augmented in the same way.
    pub arch: Loader,
    /// The same in order, as they are, to measure on.
    pub valid: Loader,
}

impl Loaders {
    /// All training images and all test images, as they are, in one batch each.
    pub fn whole(&self) -> Result<(Loader, Loader), DataError> {
        let one = |resident: &Resident| {
            let indices: Vec<u32> = (0..resident.len() as u32).collect();
            let options = Loading { batch: indices.len(), ..self.test.options().clone() };
            Loader::new(resident, &indices, options)
        };
        Ok((one(&self.whole[0])?, one(&self.whole[1])?))
    }
}

impl Dataset {
    /// Puts a data set on a device.
    ///
    /// # Errors
    /// If the device is not there, or has no room.
    pub fn new(data: impl Into<Data>, device: Device) -> Result<Self, TrainError> {
        Runtime::init(device, None)?;
        let data = data.into();
        let needed = Self::bytes(&data);
        if let Some(available) = available_memory(device).filter(|a| *a < needed) {
            let (needed, available) = (Bytes(needed), Bytes(available));
            return Err(TrainError::Images { data: data.name().to_owned(), needed, available });
        }
        let resident = Mutex::new(match &data {
            Data::Images(images) => {
                let resident = |part| Resident::new(images, part, device.into());
                Held::Images {
                    split: [resident(Part::Train)?, resident(Part::Test)?],
                    normalise: Normalise::of(images),
                }
            }
            Data::Text(text) => {
                let put = |words: &[u32]| -> Result<Tensor, TrainError> {
                    let words: Vec<i64> = words.iter().map(|w| i64::from(*w)).collect();
                    Ok(Tensor::f_from_slice(&words)?.f_to_device(device.into())?)
                };
                Held::Text([put(&text.train)?, put(&text.valid)?, put(&text.test)?])
            }
        });
        Ok(Self { data, device, resident })
    }

    /// Finds a data set by its name, in a folder of the user's or in the usual places, and puts it on a device.
    ///
    /// # Errors
    /// If there is none, it is damaged, or the device is not there or has no room.
    pub fn open(name: &str, data_dir: Option<&Path>, device: Device) -> Result<Self, TrainError> {
        // A GPU that is absent is told before a large data set is read.
        Runtime::init(device, None)?;
        let places = Places::standard(data_dir);
        Self::new(name.parse::<Source>()?.data(&places)?, device)
    }

    /// The data set.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Where it is.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Bytes that a data set takes on a device: a pixel one, a label or a word eight.
    #[must_use]
    pub fn bytes(data: &Data) -> u64 {
        match data {
            Data::Images(images) => {
                [&images.train, &images.test].iter().map(|s| (s.pixels.len() + 8 * s.len()) as u64).sum()
            }
            Data::Text(text) => [&text.train, &text.valid, &text.test].iter().map(|t| 8 * t.len() as u64).sum(),
        }
    }

    /// The batches of a run of a network that fits.
    pub(super) fn loaders(&self, program: &Program, recipe: &Recipe) -> Result<Loaders, DataError> {
        let (parts, plain) = (self.parts(program, recipe)?, self.plain(recipe));
        let Parts { train, valid, test } = parts;
        Ok(Loaders {
            train: Loader::new(&train.0, &train.1, shuffled(&plain, recipe, train.1.len()))?,
            valid: valid.map(|(split, v)| Loader::new(&split, &v, plain.clone())).transpose()?,
            test: Loader::new(&test.0, &test.1, plain)?,
            whole: [train.0, test.0],
        })
    }

    /// The batches of a search that learns weights and architecture from different examples, of networks that fit.
    ///
    /// # Errors
    /// If the recipe holds nothing out, or a batch is larger than what there is.
    pub fn search_loaders(&self, program: &Program, recipe: &Recipe) -> Result<SearchLoaders, DataError> {
        let Parts { train, valid, .. } = self.parts(program, recipe)?;
        let Some((split, valid)) = valid else {
            let reason = "valid=none leaves nothing to learn the architecture from; give valid=1/N".to_owned();
            return Err(DataError::Options { reason });
        };
        // A search on few images is measured on few.
        let valid = self.few(valid, recipe);
        let plain = self.plain(recipe);
        Ok(SearchLoaders {
            weights: Loader::new(&train.0, &train.1, shuffled(&plain, recipe, train.1.len()))?,
            // Another order than that of the weights.
            arch: Loader::new(
                &split,
                &valid,
                Loading { seed: recipe.seed ^ 0xA2C4, ..shuffled(&plain, recipe, valid.len()) },
            )?,
            valid: Loader::new(&split, &valid, plain)?,
        })
    }

    /// What a run trains on, what is held out, and what it is tested on. Of images what is held out are some of those for
    /// training; text has a part of its own for it.
    fn parts(&self, program: &Program, recipe: &Recipe) -> Result<Parts, DataError> {
        let all = |split: Resident| {
            let indices = (0..split.len() as u32).collect();
            (split, indices)
        };
        let held = self.resident.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parts = match (&self.data, &*held) {
            (Data::Images(images), Held::Images { split: [train, test], .. }) => {
                let (learned, valid) = match recipe.valid {
                    0 => (images.indices(Part::Train), None),
                    one_in => {
                        let (learned, valid) = images.holdout(one_in, recipe.valid_seed);
                        (learned, Some((train.share(), valid)))
                    }
                };
                Parts { train: (train.share(), learned), valid, test: all(test.share()) }
            }
            (Data::Text(_), Held::Text([train, valid, test])) => {
                let windows = |text| Ok(all(Resident::windows(text, network::steps(program))?));
                let valid = if recipe.valid == 0 { None } else { Some(windows(valid)?) };
                Parts { train: windows(train)?, valid, test: windows(test)? }
            }
            _ => unreachable!("invariant: what is held is the data"),
        };
        parts.train.1 = self.few(parts.train.1, recipe);
        Ok(parts)
    }

    /// As many as the recipe asks for: images evenly of all classes, windows from the beginning of the text.
    fn few(&self, mut indices: Vec<u32>, recipe: &Recipe) -> Vec<u32> {
        match (recipe.images, &self.data) {
            (0, _) => indices,
            (n, Data::Images(images)) => evenly(&indices, &images.train.labels, n),
            (n, Data::Text(_)) => {
                indices.truncate(n);
                indices
            }
        }
    }

    /// In order, as they are.
    fn plain(&self, recipe: &Recipe) -> Loading {
        let normalise = match &*self.resident.lock().unwrap_or_else(PoisonError::into_inner) {
            Held::Images { normalise, .. } => normalise.clone(),
            Held::Text(_) => Normalise::none(0),
        };
        Loading {
            batch: recipe.batch,
            shuffle: false,
            drop_last: false,
            seed: recipe.seed,
            augment: Augment::default(),
            normalise,
            kind: recipe.precision.kind(),
        }
    }
}

/// In an order of each epoch's own, augmented.
fn shuffled(plain: &Loading, recipe: &Recipe, images: usize) -> Loading {
    let augment = Augment { crop_padding: recipe.crop, flip: recipe.flip, cutout: recipe.cutout };
    // The variance of a single image is none: batch norm would divide by zero.
    let drop_last = images > recipe.batch && images % recipe.batch == 1;
    Loading { shuffle: true, augment, drop_last, ..plain.clone() }
}

/// The first images of every class in turn, until there are so many; in ascending order.
fn evenly(indices: &[u32], labels: &[u16], count: usize) -> Vec<u32> {
    let mut members: Vec<Vec<u32>> = Vec::new();
    for i in indices {
        let class = usize::from(labels[*i as usize]);
        if members.len() <= class {
            members.resize(class + 1, Vec::new());
        }
        members[class].push(*i);
    }
    let longest = members.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|turn| members.iter().filter_map(move |m| m.get(turn).copied()));
    let mut chosen: Vec<u32> = turns.take(count).collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_images_of_every_class() {
        let labels = [0, 0, 0, 1, 1, 2];
        assert_eq!(evenly(&[0, 1, 2, 3, 4, 5], &labels, 4), [0, 1, 3, 5]);
        assert_eq!(evenly(&[0, 2, 4, 5], &labels, 100), [0, 2, 4, 5]);
    }
}
