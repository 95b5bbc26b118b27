//! Why a data set cannot be had.

use std::io;
use std::path::PathBuf;

/// Why a data set cannot be found, read, downloaded or cut into batches.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// No data set of that name.
    #[error("no data set is called `{name}`{}; there are {known}, folder:PATH and text:PATH", ir::text::did_you_mean(.nearest.as_deref()))]
    Unknown {
        /// The name.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// What there is.
        known: String,
    },
    /// An option of a folder that does not exist or does not fit.
    #[error("data set `{source}`: {reason}", source = .text)]
    Source {
        /// What was asked for.
        text: String,
        /// Why not, and what is possible.
        reason: String,
    },
    /// A data set that lies in none of the places.
    #[error("data set `{name}` is not here: looked in {looked}{partial}; {remedy}")]
    Missing {
        /// The data set.
        name: String,
        /// The places.
        looked: String,
        /// `; PATH lacks FILE`, where a place has a part of it.
        partial: String,
        /// What to do.
        remedy: String,
    },
    /// A limit that is no number.
    #[error("{}: {reason}; leave it out for 8", super::LIMIT)]
    Limit {
        /// What it says.
        reason: String,
    },
    /// What was read is not what it should be.
    #[error("{origin}: {reason}")]
    Malformed {
        /// The file or folder.
        origin: String,
        /// What is wrong, and where in it.
        reason: String,
    },
    /// A file of a known data set is not what it should be.
    #[error("data set `{name}`: {reason}; remove the file and run `lanista data fetch {name}`, or correct it")]
    Damaged {
        /// The data set.
        name: &'static str,
        /// The file, and what is wrong with it.
        reason: String,
    },
    /// Text where images are needed, or images where text is.
    #[error("data set `{name}` is {is}, {needed} needed here; `lanista data list` shows the kind of each")]
    Kind {
        /// The data set.
        name: String,
        /// `text`.
        is: &'static str,
        /// `images are`.
        needed: &'static str,
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
    /// A data set that no address gives.
    #[error("data set `{name}` cannot be downloaded: {reason}")]
    Network {
        /// The data set.
        name: &'static str,
        /// What each address said, and what to do.
        reason: String,
    },
    /// A data set that is not for fetching, or has no place.
    #[error("data set `{name}` cannot be fetched: {reason}")]
    Fetch {
        /// The data set.
        name: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// A file with another checksum than the catalogue's.
    #[error("{}: SHA-256 is {found}, {expected} is expected; {remedy}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The catalogue's checksum.
        expected: &'static str,
        /// The file's.
        found: String,
        /// What to do.
        remedy: &'static str,
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

impl DataError {
    /// Something is wrong with a file or folder.
    pub(super) fn malformed(origin: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Malformed { origin: origin.into(), reason: reason.into() }
    }

    /// A file or folder cannot be read.
    pub(super) fn read(path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), doing: "cannot be read", source }
    }
}
