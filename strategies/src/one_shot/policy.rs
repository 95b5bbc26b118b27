//! The settings of a controller, as options of the strategies that have one.

use super::adam::Adam;
use mutators::{OptionError, Options};
use std::fmt;

/// The settings of a controller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Width of the LSTM and of the embeddings.
    pub hidden: usize,
    /// Temperature of the logits.
    pub temperature: f64,
    /// Bound of the logits.
    pub bound: f64,
    /// How much the entropy of the choices counts beside the reward.
    pub entropy: f64,
    /// How much of the baseline stays from one reward to the next.
    pub baseline: f64,
    /// How it learns.
    pub adam: Adam,
}

impl Policy {
    /// Of ENAS, where rewards are many and shares of 1. Pham et al. 2018, section 3.
    pub const ENAS: Self = Self {
        hidden: 64,
        temperature: 5.0,
        bound: 2.5,
        entropy: 1e-4,
        baseline: 0.99,
        adam: Adam { rate: 3.5e-4, betas: (0.9, 0.999), weight_decay: 0.0 },
    };

    /// Where a study is a few hundred rewards long: nothing flattens the choices, and learning rate and baseline are
    /// those of the benchmark's authors. Dong and Yang 2020, "NAS-Bench-201".
    pub const TRIALS: Self = Self {
        hidden: 64,
        temperature: 1.0,
        bound: 2.5,
        entropy: 0.0,
        baseline: 0.9,
        adam: Adam { rate: 0.01, betas: (0.9, 0.999), weight_decay: 0.0 },
    };

    /// The settings as far as options tell them, the others as they are.
    pub(super) fn take(self, options: &mut Options) -> Result<Self, OptionError> {
        Ok(Self {
            adam: Adam { rate: options.take_in("arch_lr", self.adam.rate, 0.0, 1e3)?, ..self.adam },
            entropy: options.take_in("entropy", self.entropy, 0.0, 1e3)?,
            baseline: options.take_in("baseline", self.baseline, 0.0, 1.0)?,
            temperature: options.take_in("tau", self.temperature, 1e-6, 1e6)?,
            bound: options.take_in("bound", self.bound, 1e-6, 1e6)?,
            hidden: options.take_in("hidden", self.hidden, 1, 4096)?,
        })
    }
}

/// The options that give these settings.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hidden, temperature, bound, entropy, baseline, adam: Adam { rate, .. } } = self;
        write!(
            f,
            "arch_lr={rate},entropy={entropy},baseline={baseline},tau={temperature},bound={bound},hidden={hidden}"
        )
    }
}
