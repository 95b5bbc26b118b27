//! What the experiments share: sizes, recipes, data sets, and the table that knows the truth.

use crate::{Args, Fallible};
use codegen::torch::Device;
use evaluators::train::{Dataset, Recipe, Train};
use evaluators::{Candidate, Evaluator, Query};
use mutators::{Sample, Space};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fmt;

/// How large a run is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub channels: u32,
    pub cells: u32,
    pub epochs: u32,
    pub batch: usize,
    pub images: usize,
}

impl Size {
    /// With what the command line says.
    pub fn with(self, args: &Args) -> Self {
        Self {
            channels: args.channels.unwrap_or(self.channels),
            cells: args.cells.unwrap_or(self.cells),
            epochs: args.epochs.unwrap_or(self.epochs),
            batch: args.batch.unwrap_or(self.batch),
            images: args.images.unwrap_or(self.images),
        }
    }

    /// The training images as an option of `train`.
    pub fn words(self) -> String {
        if self.images == 0 { "all".to_owned() } else { self.images.to_string() }
    }

    /// The recipe of a supernet: DARTS', in this size, with one of `valid` images held out.
    pub fn evaluator(self, args: &Args, valid: usize, more: &str) -> Fallible<Train> {
        let (Self { epochs, batch, .. }, images) = (self, self.words());
        let text = format!(
            "train:recipe=darts-search,data={},epochs={epochs},batch={batch},images={images},valid=1/{valid},\
             threads={},device={}{more}",
            args.data, args.threads, args.device
        );
        Ok(Train::build(text.parse()?)?)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self { channels, cells, epochs, batch, .. }, images) = (self, self.words());
        write!(f, "channels {channels}, cells {cells}, epochs {epochs}, batch {batch}, training images {images}")
    }
}

/// The device by its own name, if it has one.
pub fn device(args: &Args) -> Fallible<String> {
    let device: Device = args.device.parse()?;
    Ok(device.to_string())
}

/// A data set and the recipe of a seed.
pub fn prepare(train: &Train, seed: u64) -> Fallible<(Dataset, Recipe)> {
    let recipe = Recipe { seed, ..train.recipe().clone() };
    Ok((Dataset::open(&train.data().to_string(), None, recipe.device)?, recipe))
}

/// NAS-Bench-201 in a size, for the images of a data set.
pub fn space(size: Size, dataset: &Dataset, none: bool) -> Fallible<Space> {
    let data = dataset.data().images()?;
    let ([c, h, w], classes) = (data.shape(), data.classes.len());
    let Size { channels, cells, .. } = size;
    Ok(mutators::spaces::build(&format!(
        "nasbench201:channels={channels},cells={cells},image={c}x{h}x{w},classes={classes},none={none}"
    ))?)
}

/// The table of NAS-Bench-201: test accuracy on CIFAR-10 after 200 epochs.
pub struct Truth {
    space: Space,
    table: Box<dyn Evaluator>,
}

impl Truth {
    pub fn load() -> Fallible<Self> {
        let space = mutators::spaces::build("nasbench201")?;
        Ok(Self { space, table: evaluators::build("nasbench201:dataset=cifar10,report=200")? })
    }

    /// In per cent.
    pub fn accuracy(&self, sample: &Sample) -> Fallible<f64> {
        let sample = self.space.bind(sample)?;
        Ok(self.table.report(&Candidate::new(&self.space, &sample, Query::default()))?[0])
    }

    /// Of every cell.
    pub fn all(&self) -> Fallible<Vec<f64>> {
        self.space.enumerate(1)?.map(|s| self.accuracy(&s?)).collect()
    }
}

/// Different networks, the same for every seed of a supernet.
pub fn networks(space: &Space, n: usize) -> Fallible<Vec<Sample>> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut found: Vec<Sample> = Vec::new();
    while found.len() < n {
        let sample = space.sample(&mut rng)?;
        if !found.contains(&sample) {
            found.push(sample);
        }
    }
    Ok(found)
}
