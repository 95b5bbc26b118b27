//! The images that a network is scored on.

use super::ZeroCostError;
use super::network::Classifier;
use codegen::init::{normals, stream};
use rand_chacha::rand_core::Rng;
use tch::Tensor;

/// Images with their labels.
#[derive(Debug)]
pub struct Batch {
    /// `[n, C, H, W]`, normalised.
    pub images: Tensor,
    /// `[n]`, i64.
    pub labels: Tensor,
}

impl Batch {
    /// A batch of so many images of standard normal pixels, with labels drawn evenly, in the sizes of a classifier.
    ///
    /// # Errors
    /// If there is no room for it.
    pub fn random(classifier: &Classifier, size: usize, seed: u64) -> Result<Self, ZeroCostError> {
        let mut rng = stream(seed, &[b"labels"]);
        let classes = u64::from(classifier.classes);
        let labels: Vec<i64> = (0..size).map(|_| (rng.next_u64() % classes) as i64).collect();
        let images = noise(classifier, size, &mut stream(seed, &[b"images"]))?;
        Ok(Self { images, labels: Tensor::f_from_slice(&labels)? })
    }

    /// Number of images.
    #[must_use]
    pub fn size(&self) -> usize {
        self.labels.size().first().map_or(0, |n| *n as usize)
    }

    /// Checks it against a network.
    pub(super) fn check(&self, classifier: &Classifier) -> Result<(), ZeroCostError> {
        let wrong = |what: String| Err(ZeroCostError::Batch(what));
        let (n, size) = (self.size(), self.images.size());
        let expected = classifier.sizes(n);
        if n == 0 || size != expected {
            return wrong(format!("{n} labels and images {size:?}, where the network takes {expected:?}"));
        }
        let (low, high) = (self.labels.f_min()?.f_int64_value(&[])?, self.labels.f_max()?.f_int64_value(&[])?);
        if low < 0 || high >= i64::from(classifier.classes) {
            return wrong(format!("labels from {low} to {high}, where the network has {} classes", classifier.classes));
        }
        Ok(())
    }
}

/// Standard normal images.
pub(super) fn noise(
    classifier: &Classifier,
    size: usize,
    rng: &mut rand_chacha::ChaCha8Rng,
) -> Result<Tensor, ZeroCostError> {
    let sizes = classifier.sizes(size);
    let values = normals(sizes.iter().product::<i64>() as usize, 1.0, rng);
    Ok(Tensor::f_from_slice(&values)?.f_view(&sizes[..])?)
}
