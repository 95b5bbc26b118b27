//! Why a data set cannot be had.

use std::io;
use std::path::PathBuf;

/// Why a data set cannot be read, found, downloaded or cut into batches.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// What was read is not what it should be.
    #[error("{origin}: {reason}")]
    Malformed {
        /// The file or folder.
        origin: String,
        /// What is wrong, and where in it.
        reason: String,
    },
    /// The system says no.
    #[error("{}: {doing}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// `cannot be read`.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Batches that cannot be made.
    #[error("batches cannot be made: {reason}")]
    Options {
        /// Why, and what can be.
        reason: String,
    },
    /// libtorch says no.
    #[cfg(feature = "torch")]
    #[error("{doing}: {reason}")]
    Tensor {
        /// What it was to do.
        doing: String,
        /// What it says.
        reason: String,
    },
}
