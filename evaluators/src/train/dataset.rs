//! A data set on a device, loaded once, and the parts of it that a run uses.

use super::error::{Bytes, TrainError};
use super::recipe::Recipe;
use crate::data::{Augment, DataError, Images, Loader, Loading, Normalise, Part, Places, Resident, Source};
use codegen::torch::{Device, Runtime, available_memory};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A data set on a device. Runs share it: it is copied there once.
#[derive(Debug)]
pub struct Dataset {
    images: Arc<Images>,
    normalise: Normalise,
    device: Device,
    /// Training and test images. Tensors may be used by one thread at a time.
    resident: Mutex<[Resident; 2]>,
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
    /// All training images, and all test images, as one batch each.
    whole: [Resident; 2],
}

/// The batches of a one-shot search.
#[derive(Debug)]
pub struct SearchLoaders {
    /// What weights are learned from.
    pub weights: Loader,
    /// What the architecture is learned from: what is held out, shuffled and augmented in the same way.
    pub arch: Loader,
    /// The same images in order, as they are, to measure on.
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
    pub fn new(images: Arc<Images>, device: Device) -> Result<Self, TrainError> {
        Runtime::init(device, None)?;
        let needed = Self::bytes(&images);
        if let Some(available) = available_memory(device).filter(|a| *a < needed) {
            let (needed, available) = (Bytes(needed), Bytes(available));
            return Err(TrainError::Images { data: images.name.clone(), needed, available });
        }
        let normalise = Normalise::of(&images);
        let resident = |part| Resident::new(&images, part, device.into());
        let resident = Mutex::new([resident(Part::Train)?, resident(Part::Test)?]);
        Ok(Self { images, normalise, device, resident })
    }

    /// Finds a data set by its name, in a folder of the user's or in the usual places, and puts it on a device.
    ///
    /// # Errors
    /// If there is none, it is damaged, or the device is not there or has no room.
    pub fn open(name: &str, data_dir: Option<&Path>, device: Device) -> Result<Self, TrainError> {
        // A GPU that is absent is told before a large data set is read.
        Runtime::init(device, None)?;
        let places = Places::standard(data_dir);
        Self::new(name.parse::<Source>()?.images(&places)?, device)
    }

    /// The data set.
    #[must_use]
    pub fn images(&self) -> &Arc<Images> {
        &self.images
    }

    /// Where it is.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Bytes that a data set takes on a device: a pixel one, a label eight.
    #[must_use]
    pub fn bytes(images: &Images) -> u64 {
        [&images.train, &images.test].iter().map(|s| (s.pixels.len() + 8 * s.len()) as u64).sum()
    }

    fn resident(&self) -> MutexGuard<'_, [Resident; 2]> {
        self.resident.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The batches of a run.
    pub(super) fn loaders(&self, recipe: &Recipe) -> Result<Loaders, DataError> {
        let (train, valid) = self.divided(recipe);
        let plain = self.plain(recipe);
        let [train_images, test_images] = &*self.resident();
        Ok(Loaders {
            train: Loader::new(train_images, &train, shuffled(&plain, recipe, train.len()))?,
            valid: valid.map(|v| Loader::new(train_images, &v, plain.clone())).transpose()?,
            test: Loader::new(test_images, &self.images.indices(Part::Test), plain)?,
            whole: [train_images.share(), test_images.share()],
        })
    }

    /// The batches of a search that learns weights and architecture from different images.
    ///
    /// # Errors
    /// If the recipe holds nothing out, or a batch is larger than what there is.
    pub fn search_loaders(&self, recipe: &Recipe) -> Result<SearchLoaders, DataError> {
        let (train, valid) = self.divided(recipe);
        let Some(valid) = valid else {
            let reason = "valid=none leaves nothing to learn the architecture from; give valid=1/N".to_owned();
            return Err(DataError::Options { reason });
        };
        // A search on few images is measured on few.
        let valid = self.few(valid, recipe);
        let plain = self.plain(recipe);
        let images = &self.resident()[0];
        Ok(SearchLoaders {
            weights: Loader::new(images, &train, shuffled(&plain, recipe, train.len()))?,
            // Another order than that of the weights.
            arch: Loader::new(
                images,
                &valid,
                Loading { seed: recipe.seed ^ 0xA2C4, ..shuffled(&plain, recipe, valid.len()) },
            )?,
            valid: Loader::new(images, &valid, plain)?,
        })
    }

    /// The training images that a run trains on, and those that are held out.
    fn divided(&self, recipe: &Recipe) -> (Vec<u32>, Option<Vec<u32>>) {
        let images = &self.images;
        let (train, valid) = match recipe.valid {
            0 => (images.indices(Part::Train), None),
            one_in => {
                let (train, valid) = images.holdout(one_in, recipe.valid_seed);
                (train, Some(valid))
            }
        };
        (self.few(train, recipe), valid)
    }

    /// As many as the recipe asks for, evenly of all classes.
    fn few(&self, indices: Vec<u32>, recipe: &Recipe) -> Vec<u32> {
        match recipe.images {
            0 => indices,
            n => evenly(&indices, &self.images.train.labels, n),
        }
    }

    /// In order, as they are.
    fn plain(&self, recipe: &Recipe) -> Loading {
        Loading {
            batch: recipe.batch,
            shuffle: false,
            drop_last: false,
            seed: recipe.seed,
            augment: Augment::default(),
            normalise: self.normalise.clone(),
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
