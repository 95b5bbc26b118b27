//! Data sets: images and text, read, looked up, downloaded, and cut into batches.
//!
//! * What is read is whole and checked: shapes, counts, labels and checksums, or there is an error that says which file
//!   is wrong and what to do.
//! * Pixels are bytes, `[N, C, H, W]`; whatever is done to them happens on the device, a batch at a time.
//! * Randomness is a pure function of a seed, an epoch and the number of a batch.

mod archive;
#[cfg(feature = "torch")]
mod augment;
#[cfg(feature = "torch")]
mod batches;
mod bounded;
mod catalogue;
mod cifar;
mod decode;
mod digits;
mod error;
mod fetch;
mod files;
mod fingerprint;
mod folder;
mod idx;
mod images;
mod places;
#[cfg(feature = "torch")]
mod resident;
mod source;
mod split;
mod text;

#[cfg(feature = "torch")]
pub use augment::Augment;
#[cfg(feature = "torch")]
pub use batches::{Batch, Loader, Loading};
pub use bounded::LIMIT;
pub use catalogue::{Contents, DATASETS, Download, Entry, entry};
pub use digits::digits;
pub use error::DataError;
pub use fetch::{Fetched, MIRROR, Transfer, fetch};
pub use images::{Images, Normalise, Part, Split};
pub use places::Places;
#[cfg(feature = "torch")]
pub use resident::Resident;
pub use source::{Data, Source};
pub use text::Text;
