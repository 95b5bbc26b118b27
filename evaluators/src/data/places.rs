//! Where data sets are looked for.

use super::DataError;
use super::bounded::{LIMIT, Limits};
use super::catalogue::{DATASETS, Entry};
use super::files::{Presence, presence};
use std::env;
use std::path::{Path, PathBuf};

/// Folders in which data sets are looked for, in order, and how much of one's own data is read from them.
///
/// ```
/// use evaluators::data::Places;
///
/// let places = Places::standard(Some("/scratch/data".as_ref()));
/// assert_eq!(places.folders()[0].to_str(), Some("/scratch/data"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    folders: Vec<PathBuf>,
    /// Where what is fetched goes.
    target: Option<PathBuf>,
    /// How much is read, or why that cannot be told.
    limits: Result<Limits, String>,
}

impl Places {
    /// The standard ones: a folder of the user's, `$LANISTA_DATA`, the user's cache (`$XDG_CACHE_HOME/lanista` or
    /// `~/.cache/lanista`), `/usr/share/datasets`. What is fetched goes to the first of the first three. A data set may
    /// take the memory that [`LIMIT`](super::LIMIT) says, 8 GiB if it says none.
    pub fn standard(data_dir: Option<&Path>) -> Self {
        let variable = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        // A relative path in this variable is to be ignored, says the XDG base directory specification.
        let cache = variable("XDG_CACHE_HOME").filter(|p| p.is_absolute());
        let cache = cache.or_else(|| variable("HOME").map(|home| home.join(".cache"))).map(|c| c.join("lanista"));
        let own = [data_dir.map(Path::to_owned), variable("LANISTA_DATA"), cache];
        let mut folders: Vec<PathBuf> = own.into_iter().flatten().collect();
        let target = folders.first().cloned();
        folders.push("/usr/share/datasets".into());
        let limits = env::var(LIMIT).ok().filter(|v| !v.is_empty()).map_or(Ok(Limits::DEFAULT), |v| Limits::parse(&v));
        Self { folders, target, limits }
    }

    /// These folders and no others; what is fetched goes to the first.
    pub fn only(folders: Vec<PathBuf>) -> Self {
        Self { target: folders.first().cloned(), folders, limits: Ok(Limits::DEFAULT) }
    }

    /// The same, where a data set of one's own may take so many bytes of memory: an image a 64th of it, as a file and
    /// decoded, a file of text an 8th.
    #[must_use]
    pub fn limited(self, memory: u64) -> Self {
        Self { limits: Ok(Limits::of(memory)), ..self }
    }

    /// How much is read.
    pub(super) fn limits(&self) -> Result<Limits, DataError> {
        self.limits.clone().map_err(|reason| DataError::Limit { reason })
    }

    /// The folders, in the order in which they are searched.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Where a fetched data set goes, if there is a place.
    pub fn target(&self, entry: &Entry) -> Option<PathBuf> {
        self.target.as_ref().map(|t| t.join(entry.name))
    }

    /// The folder that holds all files of a data set; none if it is nowhere, or embedded.
    pub fn find(&self, entry: &Entry) -> Option<PathBuf> {
        self.candidates(entry).find(|folder| presence(folder, entry.files, entry.archive) == Presence::All)
    }

    fn candidates(&self, entry: &Entry) -> impl Iterator<Item = PathBuf> {
        // An embedded data set has no folder.
        self.folders.iter().flat_map(|place| entry.folders.iter().map(move |f| place.join(f).components().collect()))
    }

    /// The same, or an error that tells where it was looked for.
    pub(super) fn require(&self, entry: &Entry) -> Result<PathBuf, DataError> {
        if let Some(folder) = self.find(entry) {
            return Ok(folder);
        }
        let looked: Vec<String> = self.folders.iter().map(|f| f.display().to_string()).collect();
        let partial = self.candidates(entry).find_map(|folder| match presence(&folder, entry.files, entry.archive) {
            Presence::Lacks(file) => Some(format!(" ({} lacks {file})", folder.display())),
            _ => None,
        });
        let package = if entry.name == "fashion-mnist" { ", install the package dataset-fashion-mnist" } else { "" };
        Err(DataError::Missing {
            name: entry.name.to_owned(),
            looked: looked.join(", "),
            partial: partial.unwrap_or_default(),
            remedy: format!("run `lanista data fetch {}`{package}, or name its folder with --data-dir", entry.name),
        })
    }
}

/// The names of the catalogue, for messages.
pub(super) fn known() -> String {
    DATASETS.iter().map(|e| e.name).collect::<Vec<_>>().join(", ")
}
