//! The images that a network is scored on.

use super::ZeroCostError;
use super::network::Classifier;
use crate::data::{Batch, Images, Loader, Loading, Part, Resident};
use codegen::init::{normals, stream};
use codegen::torch::{Device, Runtime};
use mutators::draw;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use tch::Tensor;

/// A batch of so many images of standard normal pixels, with labels drawn evenly, in the sizes of a classifier.
///
/// # Errors
/// If there is no room for it.
pub fn random_batch(classifier: &Classifier, size: usize, seed: u64) -> Result<Batch, ZeroCostError> {
    Runtime::init(Device::Cpu, None)?;
    let mut rng = stream(seed, &[b"labels"]);
    let classes = u64::from(classifier.classes);
    let labels: Vec<i64> = (0..size).map(|_| (rng.next_u64() % classes) as i64).collect();
    let images = noise(classifier, size, &mut stream(seed, &[b"images"]))?;
    Ok(Batch { inputs: images, labels: Tensor::f_from_slice(&labels)? })
}

/// A batch of so many different training images of a data set, drawn evenly, normalised as its literature does and not
/// augmented. All of them if there are fewer.
///
/// # Errors
/// If there is no room for it.
pub fn draw_batch(images: &Images, size: usize, seed: u64) -> Result<Batch, ZeroCostError> {
    Runtime::init(Device::Cpu, None)?;
    let mut indices = images.indices(Part::Train);
    draw::shuffle(&mut stream(seed, &[b"batch"]), &mut indices);
    indices.truncate(size);
    let resident = Resident::new(images, Part::Train, Device::Cpu.into())?;
    Ok(Loader::new(&resident, &indices, Loading::eval(images, indices.len()))?.batch(0, 0)?)
}

/// Checks a batch against a network.
pub(super) fn check(batch: &Batch, classifier: &Classifier) -> Result<(), ZeroCostError> {
    let wrong = |what: String| Err(ZeroCostError::Batch(what));
    let (n, size) = (images_in(batch), batch.inputs.size());
    let expected = classifier.sizes(n);
    if n == 0 || size != expected {
        return wrong(format!("{n} labels and images {size:?}, where the network takes {expected:?}"));
    }
    let (low, high) = (batch.labels.f_min()?.f_int64_value(&[])?, batch.labels.f_max()?.f_int64_value(&[])?);
    if low < 0 || high >= i64::from(classifier.classes) {
        return wrong(format!("labels from {low} to {high}, where the network has {} classes", classifier.classes));
    }
    Ok(())
}

/// Number of images of a batch.
pub(super) fn images_in(batch: &Batch) -> usize {
    batch.labels.size().first().map_or(0, |n| *n as usize)
}

/// Standard normal images.
pub(super) fn noise(classifier: &Classifier, size: usize, rng: &mut ChaCha8Rng) -> Result<Tensor, ZeroCostError> {
    let sizes = classifier.sizes(size);
    let values = normals(sizes.iter().product::<i64>() as usize, 1.0, rng);
    Ok(Tensor::f_from_slice(&values)?.f_view(&sizes[..])?)
}
