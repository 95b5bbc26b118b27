//! Whether a run fits the memory, asked before it starts: Linux promises more than it has, and kills whom it disappoints.

use super::error::TrainError;
use super::network::Network;
use super::recipe::{Precision, Recipe};
use crate::bytes::Bytes;
use codegen::torch::{Device, available_memory};

/// Bytes that a training run takes at its peak, by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Weights, gradients, running statistics, and what the optimizer and the moving average keep.
    pub weights: u64,
    /// A batch with its activations and their gradients.
    pub activations: u64,
    /// Images in a batch.
    pub batch: usize,
}

impl Planned {
    /// What a run is planned to take with batches of so many images, the data set left out. What libtorch's kernels
    /// take while they run is not in it.
    #[must_use]
    pub fn of(network: &Network, recipe: &Recipe, batch: usize) -> Self {
        let double = recipe.precision == Precision::F64;
        let train = network.train.memory(batch as u64, double);
        let eval = network.eval.memory(batch as u64, double);
        let vector = network.params() * if double { 8 } else { 4 };
        let kept = recipe.vectors() + u64::from(recipe.ema > 0.0);
        // All gradients lie in one buffer, those of weights that lead nowhere too.
        let weights = train.weights + vector.saturating_mul(1 + kept);
        Self { weights, activations: train.activations.max(eval.activations), batch }
    }

    /// All of it.
    #[must_use]
    pub fn total(self) -> u64 {
        self.weights.saturating_add(self.activations)
    }

    /// Compares with what is there.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn check(self, device: Device) -> Result<(), TrainError> {
        match available_memory(device) {
            Some(available) => self.fits(available),
            None => Ok(()),
        }
    }

    fn fits(self, available: u64) -> Result<(), TrainError> {
        if self.total() <= available {
            return Ok(());
        }
        Err(TrainError::Memory {
            planned: Bytes(self.total()),
            weights: Bytes(self.weights),
            activations: Bytes(self.activations),
            batch: self.batch,
            available: Bytes(available),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_figures() {
        let planned = Planned { weights: 1 << 20, activations: 3 << 30, batch: 4096 };
        planned.fits(planned.total()).expect("fits");
        let error = planned.fits(1 << 30).expect_err("does not fit").to_string();
        for part in ["3.0 GiB of memory", "batch of 4096", "1.0 GiB are available", "smaller batch"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
