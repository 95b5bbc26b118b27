//! Cost of a network: parameters, and operations by one of the field's counting conventions.

mod count;
pub mod model;

pub use count::Cost;
pub(crate) use model::faulty_joint_values;
pub use model::{CostDecision, CostError, CostModel, Envelope, ExpectedCost, ModelError, WeightShapes};

use std::fmt;
use std::str::FromStr;

/// How operations are counted. Tools differ, so every count carries the name of its convention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Convention {
    /// NAS-Bench-201's: multiply-accumulates of convolutions and linear layers, with their biases; nothing else.
    #[default]
    Nasbench,
    /// `thop`'s (pytorch-OpCounter): convolutions and linear layers without biases, two per element of a batch norm,
    /// one per output of an average pooling, one per addend and division of an adaptive average pooling.
    Thop,
    /// `ptflops`': convolutions and linear layers with biases, two per element of an affine batch norm, one per element
    /// of an activation, one per input element of a pooling.
    Ptflops,
}

impl Convention {
    /// Every convention.
    pub const ALL: [Self; 3] = [Self::Nasbench, Self::Thop, Self::Ptflops];

    /// Its name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nasbench => "nasbench",
            Self::Thop => "thop",
            Self::Ptflops => "ptflops",
        }
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no counting convention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no counting convention is called `{0}`; there are nasbench, thop and ptflops")]
pub struct ParseConventionError(String);

impl FromStr for Convention {
    type Err = ParseConventionError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|c| c.as_str() == s).ok_or_else(|| ParseConventionError(s.to_owned()))
    }
}
