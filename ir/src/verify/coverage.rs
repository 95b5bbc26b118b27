//! What the verifier has checked, for messages.

use std::fmt;

/// What was checked of a module that was found sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Values that were tried one at a time, and how many there are.
    pub values: (u64, u64),
    /// Which values were tried together.
    pub reach: Reach,
    /// What is known of the constraints.
    pub constraints: Constraints,
}

/// Which values were tried together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing is left to decide.
    Decided,
    /// All assignments that the constraints allow, so many: what is sound builds, whatever the sample.
    All(u64),
    /// All joint values of decisions that meet in a node, and so many random assignments.
    Meeting {
        /// The random assignments.
        samples: u64,
    },
    /// Random assignments only.
    Sampled {
        /// How many.
        samples: u64,
        /// Why the joint values were too many, or have no table.
        why: String,
    },
}

/// What is known of the constraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraints {
    /// There are none.
    None,
    /// Some assignment fulfils them all.
    Fulfilled,
    /// No assignment was found that fulfils them all; there may be one.
    Unknown {
        /// How many were tried.
        tries: u64,
    },
}

impl Coverage {
    /// Whether every assignment was tried.
    #[must_use]
    pub fn is_exhaustive(&self) -> bool {
        matches!(self.reach, Reach::Decided | Reach::All(_))
    }
}

impl fmt::Display for Coverage {
    /// `all 24 assignments; the constraints can be fulfilled`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: u64| if n == 1 { "" } else { "s" };
        let (tried, of) = self.values;
        let each = if tried == of { format!("all {of} values") } else { format!("{tried} of {of} values") };
        match &self.reach {
            Reach::Decided => f.write_str("nothing is left to decide")?,
            Reach::All(n) => write!(f, "all {n} assignment{}", plural(*n))?,
            Reach::Meeting { samples } => write!(
                f,
                "{each} one at a time, all joint values of decisions that meet in a node, {samples} random assignment{}",
                plural(*samples)
            )?,
            Reach::Sampled { samples, why } => write!(
                f,
                "{each} one at a time, {samples} random assignment{}, not all joint values of decisions that meet: {why}",
                plural(*samples)
            )?,
        }
        match self.constraints {
            Constraints::None => Ok(()),
            Constraints::Fulfilled => f.write_str("; the constraints can be fulfilled"),
            Constraints::Unknown { tries } => {
                write!(f, "; whether the constraints can be fulfilled is not known: none of {tries} assignments did")
            }
        }
    }
}
