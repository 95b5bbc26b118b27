//! Recipes: how a network is trained, up to the last bit.
//!
//! * A recipe, a network and a data set determine the weights, on one kind of machine: everything that plays a part, the
//!   number of threads included, is a setting here.
//! * Its text form names every setting: `epochs=3,batch=64,..`; reading it gives the same recipe.

mod options;
mod words;

pub use words::{Algorithm, Annealing, Cadence, DropPath, Precision, Preset};

use codegen::torch::{Adam, Device, Optimizer, Schedule, Sgd};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// What the other settings started from.
    pub preset: Preset,
    /// Passes over the training images, or the training text.
    pub epochs: u32,
    /// Images, or windows of text, per step.
    pub batch: usize,
    /// How weights are updated.
    pub optimizer: Algorithm,
    /// Momentum of stochastic gradient descent; the first decay rate of Adam.
    pub momentum: f64,
    /// Whether the gradient is taken ahead (Nesterov 1983).
    pub nesterov: bool,
    /// The second decay rate of Adam.
    pub beta2: f64,
    /// First learning rate.
    pub lr: f64,
    /// Last learning rate of a cosine or a line.
    pub min_lr: f64,
    /// Weight decay, of all learned weights.
    pub weight_decay: f64,
    /// How the learning rate falls.
    pub schedule: Annealing,
    /// Where a step schedule steps, as shares of the run.
    pub milestones: Vec<f64>,
    /// What it multiplies by.
    pub gamma: f64,
    /// How often the learning rate is set.
    pub anneal: Cadence,
    /// Greatest norm of the gradient; 0 for any.
    pub clip: f64,
    /// Share of the target that is spread over all classes.
    pub label_smoothing: f64,
    /// Padding of random crops in pixels; 0 for none.
    pub crop: usize,
    /// Whether images are mirrored at random.
    pub flip: bool,
    /// Side of the square that is blanked; 0 for none.
    pub cutout: usize,
    /// Weight of the loss of every output but the first: of auxiliary heads.
    pub auxiliary: f64,
    /// Which share of the graph's own probabilities drop path uses.
    pub drop_path: DropPath,
    /// Decay of the moving average of the weights that is validated and kept; 0 for none.
    pub ema: f64,
    /// One of so many training images is held out for validation, class by class; 0 for none. Text has a part of its own
    /// for validation, which any number but 0 asks for.
    pub valid: usize,
    /// Seed of what is held out.
    pub valid_seed: u64,
    /// Train on so many images only, evenly of all classes, or windows from the beginning of a text; 0 for all. A one-shot
    /// search holds out no more either.
    pub images: usize,
    /// Threads of libtorch's kernels.
    pub threads: usize,
    /// Where it runs.
    pub device: Device,
    /// Precision of weights and activations.
    pub precision: Precision,
    /// Seed of weights, order of images, augmentation and drop path.
    pub seed: u64,
}

impl Precision {
    /// The element type of weights and activations.
    #[must_use]
    pub fn kind(self) -> tch::Kind {
        match self {
            Self::F32 => tch::Kind::Float,
            Self::F64 => tch::Kind::Double,
        }
    }
}

impl Default for Recipe {
    /// Ten epochs of stochastic gradient descent, which suit small images.
    fn default() -> Self {
        Self {
            preset: Preset::Plain,
            epochs: 10,
            batch: 64,
            optimizer: Algorithm::Sgd,
            momentum: 0.9,
            nesterov: true,
            beta2: 0.999,
            lr: 0.05,
            min_lr: 0.0,
            weight_decay: 5e-4,
            schedule: Annealing::Cosine,
            milestones: vec![0.5, 0.75],
            gamma: 0.1,
            anneal: Cadence::Step,
            clip: 0.0,
            label_smoothing: 0.0,
            crop: 0,
            flip: false,
            cutout: 0,
            auxiliary: 0.4,
            drop_path: DropPath::Linear,
            ema: 0.0,
            valid: 2,
            valid_seed: 0,
            images: 0,
            threads: 1,
            device: Device::Cpu,
            precision: Precision::F32,
            seed: 0,
        }
    }
}

impl Recipe {
    /// A recipe by name.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Plain => Self::default(),
            Preset::Darts => Self {
                preset,
                epochs: 600,
                batch: 96,
                nesterov: false,
                lr: 0.025,
                weight_decay: 3e-4,
                anneal: Cadence::Epoch,
                clip: 5.0,
                crop: 4,
                flip: true,
                cutout: 16,
                auxiliary: 0.4,
                drop_path: DropPath::Linear,
                ..Self::default()
            },
            Preset::DartsSearch => Self {
                preset,
                epochs: 50,
                batch: 64,
                nesterov: false,
                lr: 0.025,
                min_lr: 1e-3,
                weight_decay: 3e-4,
                anneal: Cadence::Epoch,
                clip: 5.0,
                drop_path: DropPath::Off,
                ..Self::default()
            },
            // Words, states and weights are not dropped out as the authors do, see the space `recurrent`.
            Preset::DartsRnnSearch => Self {
                preset,
                epochs: 50,
                batch: 256,
                momentum: 0.0,
                nesterov: false,
                lr: 20.0,
                weight_decay: 5e-7,
                schedule: Annealing::Constant,
                clip: 0.25,
                drop_path: DropPath::Off,
                ..Self::default()
            },
            Preset::Nasbench201 => Self {
                preset,
                epochs: 200,
                batch: 256,
                lr: 0.1,
                weight_decay: 5e-4,
                crop: 4,
                flip: true,
                ..Self::default()
            },
        }
    }

    /// The learning rate of a step, from the share of the run that is behind it.
    #[must_use]
    pub fn rate(&self, epoch: u32, batch: usize, batches: usize) -> f64 {
        let within = match self.anneal {
            Cadence::Step => batch as f64 / batches.max(1) as f64,
            Cadence::Epoch => 0.0,
        };
        let low = if self.lr > 0.0 { self.min_lr / self.lr } else { 0.0 };
        let schedule = match self.schedule {
            Annealing::Cosine => Schedule::Cosine { low },
            Annealing::Linear => Schedule::Linear { low },
            Annealing::Step => Schedule::Step { at: self.milestones.clone(), gamma: self.gamma },
            Annealing::Constant => Schedule::Constant,
        };
        self.lr * schedule.factor((f64::from(epoch) + within) / f64::from(self.epochs.max(1)))
    }

    /// The factor of drop path's probabilities in an epoch, counted from 0.
    #[must_use]
    pub fn drop_path_factor(&self, epoch: u32) -> f64 {
        match self.drop_path {
            DropPath::Linear => f64::from(epoch) / f64::from(self.epochs.max(1)),
            DropPath::Constant => 1.0,
            DropPath::Off => 0.0,
        }
    }

    /// A fresh optimizer.
    #[must_use]
    pub fn make_optimizer(&self) -> Box<dyn Optimizer> {
        let adam = |decoupled| Adam::new((self.momentum, self.beta2), 1e-8, self.weight_decay, decoupled);
        match self.optimizer {
            Algorithm::Sgd => Box::new(Sgd::new(self.momentum, self.nesterov, self.weight_decay)),
            Algorithm::Adam => Box::new(adam(false)),
            Algorithm::AdamW => Box::new(adam(true)),
        }
    }

    /// How many vectors as long as the weights the optimizer keeps, and how many it makes on the way.
    pub(super) fn vectors(&self) -> u64 {
        match self.optimizer {
            Algorithm::Sgd => u64::from(self.momentum != 0.0),
            // Two moments; the root, a square and the update come and go.
            Algorithm::Adam | Algorithm::AdamW => 4,
        }
    }

    /// Whether a run of fewer epochs is the beginning of a longer one: if nothing looks at how long it will be.
    #[must_use]
    pub fn has_prefixes(&self) -> bool {
        self.schedule == Annealing::Constant && self.drop_path != DropPath::Linear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_the_papers() {
        let darts = Recipe::preset(Preset::Darts);
        assert_eq!(darts.rate(0, 500, 521), 0.025);
        assert!((darts.rate(300, 0, 521) - 0.0125).abs() < 1e-15);
        assert_eq!((darts.drop_path_factor(0), darts.drop_path_factor(300)), (0.0, 0.5));
        let nb201 = Recipe::preset(Preset::Nasbench201);
        assert!(nb201.rate(0, 1, 98) < nb201.rate(0, 0, 98));
        assert!((nb201.rate(199, 98, 98)).abs() < 1e-12);
        let step =
            Recipe { schedule: Annealing::Step, anneal: Cadence::Epoch, epochs: 4, lr: 1.0, ..Recipe::default() };
        let rates: Vec<f64> = (0..4).map(|e| step.rate(e, 0, 1)).collect();
        assert_eq!(rates, [1.0, 1.0, 0.1, 0.1 * 0.1]);
    }

    #[test]
    fn a_short_run_begins_a_long_one_if_nothing_knows_the_length() {
        assert!(!Recipe::default().has_prefixes());
        let constant = Recipe { schedule: Annealing::Constant, ..Recipe::default() };
        assert!(!constant.has_prefixes());
        assert!(Recipe { drop_path: DropPath::Off, ..constant }.has_prefixes());
    }
}
