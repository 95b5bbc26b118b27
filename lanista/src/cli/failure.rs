//! How a command ends when it does not end well: one line on standard error, and an exit code.

use super::visible::one_line;
use evaluators::EvaluateError;
use ir::Faults;
use mutators::MutateError;
use std::fmt::Display;
use std::io;

/// Why a command stops early.
#[derive(Debug)]
pub enum Failure {
    /// Bad input: one line per mistake. Nothing was written.
    Usage(Vec<String>),
    /// What was begun failed, or could not be written: one line per reason.
    Failed(Vec<String>),
    /// Whoever reads the output has read enough.
    Closed,
}

impl Failure {
    /// Bad input.
    pub fn usage(message: impl Display) -> Self {
        Self::Usage(vec![one_line(&message.to_string())])
    }

    /// A search or a training that failed after it had begun, or a result that could not be written.
    pub fn search(message: impl Display) -> Self {
        Self::Failed(vec![one_line(&message.to_string())])
    }

    /// Standard output that cannot be written: quietly, if a pipe was closed.
    pub fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::search(format!("cannot write to standard output: {error}")),
        }
    }

    /// Everything that is wrong with a module, each with its place.
    pub fn faults(place: impl Fn(&ir::Fault) -> String, faults: &Faults) -> Self {
        Self::Usage(faults.0.iter().map(|f| one_line(&format!("{}: {f}", place(f)))).collect())
    }

    /// The exit code. That of bad usage says that nothing was written, whoever found the mistake and however late.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) if !files::has_written() => 2,
            Self::Usage(_) | Self::Failed(_) => 1,
            Self::Closed => 0,
        }
    }

    /// What to tell on standard error.
    pub fn lines(&self) -> &[String] {
        match self {
            Self::Usage(lines) | Self::Failed(lines) => lines,
            Self::Closed => &[],
        }
    }
}

impl From<MutateError> for Failure {
    fn from(e: MutateError) -> Self {
        match e {
            MutateError::Verify(Faults(faults)) => {
                Self::Usage(faults.iter().map(|f| one_line(&f.to_string())).collect())
            }
            e => Self::usage(e),
        }
    }
}

impl From<EvaluateError> for Failure {
    fn from(e: EvaluateError) -> Self {
        match e {
            EvaluateError::Network(e) => e.into(),
            #[cfg(feature = "torch")]
            EvaluateError::Train(e) => e.into(),
            e => Self::usage(e),
        }
    }
}

#[cfg(feature = "torch")]
impl From<evaluators::train::TrainError> for Failure {
    fn from(e: evaluators::train::TrainError) -> Self {
        match e {
            evaluators::train::TrainError::Data(e) => e.into(),
            e => Self::usage(e),
        }
    }
}

#[cfg(feature = "data")]
impl From<evaluators::data::DataError> for Failure {
    fn from(e: evaluators::data::DataError) -> Self {
        match e {
            // The input is good, the network is not.
            evaluators::data::DataError::Network { .. } => Self::search(e),
            e => Self::usage(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_on_one_line() {
        let failure = Failure::usage("no space `a\nb\u{1b}[31m`");
        assert_eq!(failure.lines(), ["no space `a b\\u{1b}[31m`"]);
        assert_eq!(failure.code(), 2);
    }
}
