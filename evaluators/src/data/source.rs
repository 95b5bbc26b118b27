//! From a name to a data set in memory, which a process reads once.

use super::bounded::Limits;
use super::catalogue::{Contents, Entry, entry};
use super::cifar::{self, CIFAR10, CIFAR100};
use super::places::known;
use super::{DATASETS, DataError, Images, Places, Text, digits, folder, idx, text};
use rustc_hash::FxHashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// Which data set: `cifar10`, `folder:PATH`, `folder:PATH:size=32` or `text:PATH`.
///
/// ```
/// use evaluators::data::{Places, Source};
///
/// let digits: Source = "digits".parse()?;
/// let images = digits.images(&Places::standard(None))?;
/// assert_eq!((images.train.len(), images.test.len()), (1438, 359));
/// # Ok::<(), evaluators::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub enum Source {
    /// One that has a name.
    Known(&'static Entry),
    /// A folder or an archive of images, `train/CLASS/*.png`.
    Folder {
        /// The folder or the archive.
        path: PathBuf,
        /// The shorter side is scaled to this, and the middle square taken; else all images have one size.
        size: Option<usize>,
    },
    /// A folder of text, `train.txt`, `valid.txt`, `test.txt`.
    Text {
        /// The folder.
        path: PathBuf,
    },
}

impl FromStr for Source {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let refuse = |reason: &str| Err(DataError::Source { text: text.to_owned(), reason: reason.to_owned() });
        match text.split_once(':') {
            Some(("folder", "")) | Some(("text", "")) => refuse("write the path after the colon"),
            Some(("text", path)) => Ok(Self::Text { path: path.into() }),
            Some(("folder", rest)) => {
                let Some((path, size)) = rest.rsplit_once(":size=") else {
                    return Ok(Self::Folder { path: rest.into(), size: None });
                };
                match size.parse() {
                    Ok(size) if (1..=4096).contains(&size) => Ok(Self::Folder { path: path.into(), size: Some(size) }),
                    _ => refuse("size is a number of pixels in 1..=4096"),
                }
            }
            _ => match entry(text) {
                Some(entry) => Ok(Self::Known(entry)),
                None => Err(DataError::Unknown {
                    nearest: ir::text::nearest(text, DATASETS.iter().map(|e| e.name)),
                    known: known(),
                    name: text.chars().take(64).collect(),
                }),
            },
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(entry) => f.write_str(entry.name),
            Self::Folder { path, size: None } => write!(f, "folder:{}", path.display()),
            Self::Folder { path, size: Some(size) } => write!(f, "folder:{}:size={size}", path.display()),
            Self::Text { path } => write!(f, "text:{}", path.display()),
        }
    }
}

/// A data set in memory.
#[derive(Clone, Debug)]
pub enum Data {
    /// Labelled images.
    Images(Arc<Images>),
    /// Text.
    Text(Arc<Text>),
}

impl Data {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Images(images) => &images.name,
            Self::Text(text) => &text.name,
        }
    }

    /// Among how many labels a network tells the right one: classes, or words.
    #[must_use]
    pub fn classes(&self) -> usize {
        match self {
            Self::Images(images) => images.classes.len(),
            Self::Text(text) => text.vocabulary.len(),
        }
    }

    /// The images.
    ///
    /// # Errors
    /// If it is text.
    pub fn images(&self) -> Result<&Arc<Images>, DataError> {
        match self {
            Self::Images(images) => Ok(images),
            Self::Text(text) => Err(DataError::Kind { name: text.name.clone(), is: "text", needed: "images are" }),
        }
    }

    /// The text.
    ///
    /// # Errors
    /// If it is images.
    pub fn text(&self) -> Result<&Arc<Text>, DataError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Images(images) => Err(DataError::Kind { name: images.name.clone(), is: "images", needed: "text is" }),
        }
    }
}

impl From<Arc<Images>> for Data {
    fn from(images: Arc<Images>) -> Self {
        Self::Images(images)
    }
}

impl From<Arc<Text>> for Data {
    fn from(text: Arc<Text>) -> Self {
        Self::Text(text)
    }
}

/// A data set that is being read by one, while others wait for it.
type Cell = Arc<Mutex<Option<Data>>>;

impl Source {
    /// The images, read once per process.
    ///
    /// # Errors
    /// If the data set is in none of the places, is damaged, or is text.
    pub fn images(&self, places: &Places) -> Result<Arc<Images>, DataError> {
        self.data(places)?.images().cloned()
    }

    /// The text, read once per process.
    ///
    /// # Errors
    /// If the data set is in none of the places, is damaged, or holds images.
    pub fn text(&self, places: &Places) -> Result<Arc<Text>, DataError> {
        self.data(places)?.text().cloned()
    }

    /// Whether it is text, as far as its name tells.
    #[must_use]
    pub fn is_text(&self) -> bool {
        match self {
            Self::Known(entry) => matches!(entry.contents, Contents::Text),
            Self::Folder { .. } => false,
            Self::Text { .. } => true,
        }
    }

    /// The data set, read once per process.
    ///
    /// # Errors
    /// If it is in none of the places, or damaged.
    pub fn data(&self, places: &Places) -> Result<Data, DataError> {
        static CACHE: Mutex<Option<FxHashMap<(String, PathBuf), Cell>>> = Mutex::new(None);
        let folder = match self {
            // It has a cache of its own.
            Self::Known(entry) if entry.folders.is_empty() => return Ok(Data::Images(digits()?)),
            Self::Known(entry) => places.require(entry)?,
            Self::Folder { path, .. } | Self::Text { path } => path.clone(),
        };
        let folder = folder.canonicalize().map_err(|e| DataError::read(&folder, e))?;
        let cell = {
            let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
            cache.get_or_insert_default().entry((self.to_string(), folder.clone())).or_default().clone()
        };
        let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = &*cell {
            return Ok(data.clone());
        }
        let (name, limits) = (self.to_string(), places.limits()?);
        let data = match self {
            Self::Known(entry) => read_known(entry, &folder, limits)?,
            Self::Folder { size, .. } => Data::Images(Arc::new(folder::read(&folder, &name, *size, limits)?)),
            Self::Text { .. } => Data::Text(Arc::new(text::read_folder(&folder, &name, limits)?)),
        };
        Ok(cell.insert(data).clone())
    }
}

fn read_known(entry: &'static Entry, folder: &Path, limits: Limits) -> Result<Data, DataError> {
    let damaged = |reason: String| DataError::Damaged { name: entry.name, reason };
    let Contents::Images { shape, classes, train, test } = entry.contents else {
        let text = text::read(folder, entry.name, entry.files, entry.archive, limits);
        return Ok(Data::Text(Arc::new(text.map_err(|e| remedied(e, entry))?)));
    };
    let images = match entry.name {
        "cifar10" => cifar::read(folder, &CIFAR10),
        "cifar100" => cifar::read(folder, &CIFAR100),
        _ => idx::read(folder, entry.name, entry.class_names()),
    };
    let images = images.map_err(|e| remedied(e, entry))?;
    let found = (images.shape(), images.classes.len(), images.train.len(), images.test.len());
    if found != (shape, classes, train, test) {
        let (shape_, classes_, train_, test_) = found;
        return Err(damaged(format!(
            "{} holds {train_} training and {test_} test images of {shape_:?} in {classes_} classes; it should be {train} \
             and {test} of {shape:?} in {classes}",
            folder.display()
        )));
    }
    Ok(Data::Images(Arc::new(images)))
}

/// What to do about a file of a data set that can be fetched again.
fn remedied(error: DataError, entry: &'static Entry) -> DataError {
    match error {
        DataError::Malformed { origin, reason } => {
            DataError::Damaged { name: entry.name, reason: format!("{origin}: {reason}") }
        }
        other => other,
    }
}
