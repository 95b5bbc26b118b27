//! A split on a device: it lies there once, as bytes, and all loaders over it share it.

use super::{DataError, Images, Part};
use tch::{Device, TchError, Tensor};

/// A split of a data set on a device.
#[derive(Debug)]
pub struct Resident {
    /// Images `[N, C, H, W]`, bytes; or windows of text `[N, steps]`, i64.
    pub(super) inputs: Tensor,
    /// `[N]`, i64; or `[N, steps]`, of each word the one that follows.
    pub(super) labels: Tensor,
}

impl Resident {
    /// Copies the split of a part to a device.
    ///
    /// # Errors
    /// If the device has no room.
    pub fn new(images: &Images, part: Part, device: Device) -> Result<Self, DataError> {
        let split = images.split(part);
        let [c, h, w] = images.shape().map(|d| d as i64);
        let copy = || {
            let inputs = Tensor::f_from_slice(&split.pixels)?.f_view([-1, c, h, w])?.f_to_device(device)?;
            let labels: Vec<i64> = split.labels.iter().map(|&l| i64::from(l)).collect();
            Ok(Self { inputs, labels: Tensor::f_from_slice(&labels)?.f_to_device(device)? })
        };
        copy().map_err(|e| refuse(&format!("the images of `{}` cannot be put on {device:?}", images.name), &e))
    }

    /// Text, `[T]` i64 on a device, as windows of so many words, one after the other. What does not fill the last window
    /// is left out. The memory is shared.
    ///
    /// # Errors
    /// If the text is no longer than a window.
    pub fn windows(text: &Tensor, steps: usize) -> Result<Self, DataError> {
        let (words, steps) = (text.numel() as i64, steps.max(1) as i64);
        let count = (words - 1) / steps;
        if count < 1 {
            let reason = format!("a text of {words} words has no window of {steps} and the word after it");
            return Err(DataError::Options { reason });
        }
        let from = |start: i64| text.f_narrow(0, start, count * steps)?.f_view([count, steps]);
        let make = || Ok(Self { inputs: from(0)?, labels: from(1)? });
        make().map_err(|e| refuse("windows cannot be made", &e))
    }

    /// Number of images, or of windows.
    pub(crate) fn len(&self) -> usize {
        self.inputs.size()[0] as usize
    }

    /// Shares the same memory.
    pub(crate) fn share(&self) -> Self {
        Self { inputs: self.inputs.shallow_clone(), labels: self.labels.shallow_clone() }
    }
}

/// What libtorch says, on one line.
pub(super) fn refuse(doing: &str, error: &TchError) -> DataError {
    // Below the first line is libtorch's own stack.
    let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
    DataError::Tensor { doing: doing.to_owned(), reason }
}
