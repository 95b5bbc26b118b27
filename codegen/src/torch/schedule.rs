//! Learning-rate schedules.

/// How the learning rate changes from step to step.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// `low + (1 + cos(pi t)) / 2 (1 - low)` of the base rate, with `t` from 0 to 1. Loshchilov and Hutter 2017, "SGDR".
    Cosine {
        /// The last rate, as a share of the base rate.
        low: f64,
    },
    /// Multiplied by `gamma` at each of some points of the run.
    Step {
        /// The points, as shares of the run, ascending.
        at: Vec<f64>,
        /// The factor.
        gamma: f64,
    },
    /// A straight line to a share `low` of the base rate.
    Linear {
        /// The last rate, as a share of the base rate.
        low: f64,
    },
}

impl Schedule {
    /// The factor of the base rate after a share `t` of the run, 0 to 1.
    #[must_use]
    pub fn factor(&self, t: f64) -> f64 {
        let t = t.clamp(0.0, 1.0);
        match self {
            Self::Constant => 1.0,
            Self::Cosine { low } => low + (1.0 + (std::f64::consts::PI * t).cos()) / 2.0 * (1.0 - low),
            Self::Step { at, gamma } => gamma.powi(at.iter().filter(|p| **p <= t).count() as i32),
            Self::Linear { low } => 1.0 + (low - 1.0) * t,
        }
    }
}
