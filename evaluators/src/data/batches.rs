//! Batches on the device.
//!
//! * A batch is a pure function of the images, the options, the epoch and its number: a run that is resumed in the middle
//!   of an epoch needs nothing but these two numbers.
//! * What is done to a batch is a fixed number of tensor operations, whatever its size.

use super::augment::{self, Augment, Draws};
use super::resident::{Resident, refuse};
use super::split::stream;
use super::{DataError, Images, Normalise};
use mutators::draw;
use tch::{Kind, TchError, Tensor};

/// How batches are made.
#[derive(Clone, Debug, PartialEq)]
pub struct Loading {
    /// Images, or windows of text, in a batch; at least 1.
    pub batch: usize,
    /// Whether every epoch has an order of its own; else it is that of the data set.
    pub shuffle: bool,
    /// Whether the last batch is left out where it is not full.
    pub drop_last: bool,
    /// Seed of the orders and of the augmentation.
    pub seed: u64,
    /// What is done to images at random; nothing to text.
    pub augment: Augment,
    /// What pixels become; text has no channels.
    pub normalise: Normalise,
    /// `Kind::Float` or `Kind::Double`, of images. Words stay numbers.
    pub kind: Kind,
}

impl Loading {
    /// For training: shuffled, not augmented, in single precision.
    #[must_use]
    pub fn train(images: &Images, batch: usize, seed: u64) -> Self {
        Self { shuffle: true, seed, ..Self::eval(images, batch) }
    }

    /// For measuring: in order, as they are.
    #[must_use]
    pub fn eval(images: &Images, batch: usize) -> Self {
        Self {
            batch,
            shuffle: false,
            drop_last: false,
            seed: 0,
            augment: Augment::default(),
            normalise: Normalise::of(images),
            kind: Kind::Float,
        }
    }
}

/// Images with their labels, or words with those that follow.
#[derive(Debug)]
pub struct Batch {
    /// `[n, C, H, W]`, normalised; or `[n, steps]`, i64.
    pub inputs: Tensor,
    /// `[n]`, i64; or `[n, steps]`.
    pub labels: Tensor,
}

/// Makes the batches of a part of a data set.
///
/// ```
/// use evaluators::data::{Augment, Loader, Loading, Part, Resident, digits};
/// use tch::Device;
///
/// let images = digits()?;
/// let resident = Resident::new(&images, Part::Train, Device::Cpu)?;
/// let loading = Loading { augment: Augment { crop_padding: 1, ..Augment::default() }, ..Loading::train(&images, 64, 7) };
/// let mut loader = Loader::new(&resident, &images.indices(Part::SearchTrain { seed: 0 }), loading)?;
/// for epoch in 0..2 {
///     for index in 0..loader.batches() {
///         let batch = loader.batch(epoch, index)?;
///         assert_eq!(batch.inputs.size()[1..], [1, 8, 8]);
///     }
/// }
/// # Ok::<(), evaluators::data::DataError>(())
/// ```
#[derive(Debug)]
pub struct Loader {
    resident: Resident,
    indices: Vec<i64>,
    options: Loading,
    /// `x * scale + shift` normalises a byte; each `[1, C, 1, 1]`. None of text.
    normalise: Option<(Tensor, Tensor)>,
    /// The order of the epoch that was last asked for, `[N]` on the device.
    order: Option<(u64, Tensor)>,
}

impl Loader {
    /// Batches of the images, or windows of text, with these indices.
    ///
    /// # Errors
    /// If there are none, an index lies outside, or an option does not fit.
    pub fn new(resident: &Resident, indices: &[u32], options: Loading) -> Result<Self, DataError> {
        let invalid = |reason: String| Err(DataError::Options { reason });
        let size = resident.inputs.size();
        let [n, c, h, w] = match size[..] {
            [n, c, h, w] => [n, c, h, w],
            [n, _] => [n, 0, 0, 0],
            _ => return invalid(format!("images have four dimensions and text two, not {size:?}")),
        };
        let is_text = c == 0;
        if is_text && options.augment != Augment::default() {
            return invalid("crop, flip and cutout are for images; leave them out for text".to_owned());
        }
        if indices.is_empty() || options.batch == 0 {
            return invalid(format!(
                "batches of {} from {} images; give at least 1 of each",
                options.batch,
                indices.len()
            ));
        }
        if let Some(i) = indices.iter().find(|&&i| i64::from(i) >= n) {
            return invalid(format!("image {i} of {n}; indices start at 0"));
        }
        if options.drop_last && indices.len() < options.batch {
            return invalid(format!(
                "no batch of {} is full with {} images; make batches smaller or keep the last",
                options.batch,
                indices.len()
            ));
        }
        if !matches!(options.kind, Kind::Float | Kind::Double) {
            return invalid(format!("images of kind {:?}; choose Float or Double", options.kind));
        }
        let Normalise { mean, std } = &options.normalise;
        if [mean.len(), std.len()] != [c as usize; 2] || std.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            return invalid(format!("mean {mean:?} and std {std:?}; {c} channels need as many, and std is positive"));
        }
        let least = h.min(w) as usize;
        if options.augment.crop_padding > least {
            return invalid(format!(
                "crop_padding={} of images of {h} x {w}; at most {least}",
                options.augment.crop_padding
            ));
        }
        let device = resident.inputs.device();
        let per_channel = |values: Vec<f64>| {
            Tensor::f_from_slice(&values)?.f_view([1, -1, 1, 1])?.f_to_device(device)?.f_to_kind(options.kind)
        };
        let make = || {
            let scale = per_channel(std.iter().map(|s| 1.0 / (255.0 * s)).collect())?;
            let shift = per_channel(mean.iter().zip(std).map(|(m, s)| -m / s).collect())?;
            Ok((scale, shift))
        };
        let normalise = if is_text { None } else { Some(make().map_err(|e| refuse("a loader cannot be made", &e))?) };
        let indices = indices.iter().map(|&i| i64::from(i)).collect();
        Ok(Self { resident: resident.share(), indices, options, normalise, order: None })
    }

    /// Batches in an epoch.
    pub fn batches(&self) -> usize {
        let (images, batch) = (self.indices.len(), self.options.batch);
        if self.options.drop_last { images / batch } else { images.div_ceil(batch) }
    }

    /// Images, or windows of text, in an epoch.
    pub fn images(&self) -> usize {
        self.indices.len().min(self.batches() * self.options.batch)
    }

    /// How batches are made.
    pub fn options(&self) -> &Loading {
        &self.options
    }

    /// The order in which an epoch takes the images of the split, `[N]`, i64.
    ///
    /// # Errors
    /// If the device has no room.
    pub fn order_of(&mut self, epoch: u64) -> Result<Tensor, DataError> {
        let order = self.order(epoch).map(Tensor::shallow_clone);
        order.map_err(|e| refuse("an order cannot be made", &e))
    }

    /// A batch of an epoch.
    ///
    /// # Errors
    /// If there is no such batch, or the device has no room.
    pub fn batch(&mut self, epoch: u64, index: usize) -> Result<Batch, DataError> {
        if index >= self.batches() {
            let reason = format!("batch {index} of {} in an epoch; they start at 0", self.batches());
            return Err(DataError::Options { reason });
        }
        let make = |loader: &mut Self| {
            let start = (index * loader.options.batch) as i64;
            let n = loader.options.batch.min(loader.indices.len() - index * loader.options.batch);
            let chosen = loader.order(epoch)?.f_narrow(0, start, n as i64)?;
            let labels = loader.resident.labels.f_index_select(0, &chosen)?;
            let mut pixels = loader.resident.inputs.f_index_select(0, &chosen)?;
            let Some((scale, shift)) = &loader.normalise else { return Ok(Batch { inputs: pixels, labels }) };
            let Loading { augment, seed, kind, .. } = loader.options;
            let (_, _, h, w) = pixels.size4()?;
            let random = augment.moves() || augment.cutout > 0;
            let key = [seed, epoch, index as u64];
            let draws = random.then(|| Draws::new(augment, [h, w], n, key, pixels.device())).transpose()?;
            if let Some(draws) = draws.as_ref().filter(|_| augment.moves()) {
                pixels = augment::moved(&pixels, augment, draws)?;
            }
            let mut images = pixels.f_to_kind(kind)?.f_mul_(scale)?.f_add_(shift)?;
            if let Some(draws) = draws.as_ref().filter(|_| augment.cutout > 0) {
                augment::blanked(&mut images, augment.cutout, draws)?;
            }
            Ok(Batch { inputs: images, labels })
        };
        tch::no_grad(|| make(self)).map_err(|e| refuse("a batch cannot be made", &e))
    }

    /// The order of an epoch.
    fn order(&mut self, epoch: u64) -> Result<&Tensor, TchError> {
        let key = if self.options.shuffle { epoch } else { 0 };
        let order = match self.order.take() {
            Some((held, order)) if held == key => order,
            _ => {
                let mut indices = self.indices.clone();
                if self.options.shuffle {
                    draw::shuffle(&mut stream(b"shuffle ", [self.options.seed, epoch, 0]), &mut indices);
                }
                Tensor::f_from_slice(&indices)?.f_to_device(self.resident.inputs.device())?
            }
        };
        Ok(&self.order.insert((key, order)).1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Part, digits};
    use super::*;
    use std::collections::BTreeSet;
    use tch::Device;

    fn loader(part: Part, change: impl FnOnce(&mut Loading)) -> Loader {
        let images = digits().expect("embedded");
        let resident = Resident::new(&images, part, Device::Cpu).expect("room");
        let mut options = Loading::train(&images, 100, 3);
        change(&mut options);
        Loader::new(&resident, &images.indices(part), options).expect("options that fit")
    }

    fn values(t: &Tensor) -> Vec<f64> {
        Vec::try_from(t.to_kind(Kind::Double).reshape([-1])).expect("numbers")
    }

    #[test]
    fn an_epoch_has_every_image_once() {
        let images = digits().expect("embedded");
        for part in [Part::Train, Part::SearchValid { seed: 1 }] {
            let mut loader = loader(part, |o| o.normalise = Normalise::none(1));
            let mut seen: Vec<(Vec<u64>, i64)> = Vec::new();
            for index in 0..loader.batches() {
                let batch = loader.batch(4, index).expect("a batch");
                let labels: Vec<i64> = Vec::try_from(&batch.labels).expect("labels");
                let pixels = values(&(batch.inputs * 255.0));
                seen.extend(pixels.chunks(64).map(|p| p.iter().map(|v| v.round() as u64).collect()).zip(labels));
            }
            let all = |i: u32| {
                let i = i as usize;
                let pixels = images.train.pixels[i * 64..(i + 1) * 64].iter().map(|&p| u64::from(p)).collect();
                (pixels, i64::from(images.train.labels[i]))
            };
            let mut expected: Vec<(Vec<u64>, i64)> = images.indices(part).into_iter().map(all).collect();
            assert_ne!(seen, expected, "it is shuffled");
            seen.sort();
            expected.sort();
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_batch_depends_on_seed_epoch_and_number_alone() {
        let augment = Augment { crop_padding: 2, flip: true, cutout: 4 };
        let get = |loader: &mut Loader, epoch, index| {
            let batch = loader.batch(epoch, index).expect("a batch");
            (values(&batch.inputs), values(&batch.labels))
        };
        let mut straight = loader(Part::Train, |o| o.augment = augment);
        let mut whole = Vec::new();
        for epoch in 0..2 {
            for index in 0..straight.batches() {
                whole.push(get(&mut straight, epoch, index));
            }
        }
        // Out of order, by another loader.
        let mut resumed = loader(Part::Train, |o| o.augment = augment);
        let n = resumed.batches();
        for i in (0..2 * n).rev() {
            assert_eq!(get(&mut resumed, (i / n) as u64, i % n), whole[i], "batch {i}");
        }
        let mut other = loader(Part::Train, |o| (o.augment, o.seed) = (augment, 4));
        assert_ne!(get(&mut other, 0, 0), whole[0]);
        assert_ne!(whole[0], whole[n], "every epoch is another");
    }

    #[test]
    fn pixels_are_normalised() {
        let images = digits().expect("embedded");
        let Normalise { mean, std } = Normalise::of(&images);
        for (kind, error) in [(Kind::Float, 1e-5), (Kind::Double, 1e-12)] {
            let mut loader = loader(Part::Test, |o| (o.shuffle, o.kind) = (false, kind));
            let batch = loader.batch(0, 1).expect("a batch");
            assert_eq!((batch.inputs.kind(), batch.labels.kind()), (kind, Kind::Int64));
            for (value, byte) in values(&batch.inputs).iter().zip(&images.test.pixels[6400..]) {
                let expected = (f64::from(*byte) / 255.0 - mean[0]) / std[0];
                assert!((value - expected).abs() <= error, "{value} for {expected}");
            }
        }
    }

    #[test]
    fn the_last_batch_is_kept_or_left_out() {
        let mut kept = loader(Part::Test, |_| {});
        assert_eq!((kept.batches(), kept.images()), (4, 359));
        assert_eq!(kept.batch(0, 3).expect("a batch").inputs.size(), [59, 1, 8, 8]);
        let left = loader(Part::Test, |o| o.drop_last = true);
        assert_eq!((left.batches(), left.images()), (3, 300));
        assert!(kept.batch(0, 4).expect_err("no such batch").to_string().contains("batch 4 of 4"));
    }

    #[test]
    fn options_that_do_not_fit_are_refused() {
        let images = digits().expect("embedded");
        let resident = Resident::new(&images, Part::Test, Device::Cpu).expect("room");
        let refused = |indices: &[u32], change: fn(&mut Loading)| {
            let mut options = Loading::train(&images, 10, 0);
            change(&mut options);
            Loader::new(&resident, indices, options).expect_err("it does not fit").to_string()
        };
        let all = images.indices(Part::Test);
        let mut messages = BTreeSet::new();
        messages.insert(refused(&[], |_| {}));
        messages.insert(refused(&all, |o| o.batch = 0));
        messages.insert(refused(&[359], |_| {}));
        messages.insert(refused(&all, |o| o.kind = Kind::Half));
        messages.insert(refused(&all, |o| o.normalise = Normalise::none(3)));
        messages.insert(refused(&all, |o| o.augment.crop_padding = 9));
        messages.insert(refused(&all, |o| (o.batch, o.drop_last) = (360, true)));
        assert_eq!(messages.len(), 7, "{messages:#?}");
        assert!(messages.iter().all(|m| m.starts_with("batches cannot be made: ")));
    }
}
