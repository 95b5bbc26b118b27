//! Bounded reading: whatever a data set's files hold is read through here.
//!
//! * Only regular files are opened; a link counts as what it leads to.
//! * Nothing is read beyond a bound that is known before: the published size of a file of the catalogue, a share of
//!   [`Limits`] of a user's own.
//! * What is taken into memory is counted, and refused before it is there.

use super::DataError;
use crate::bytes::Bytes;
use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable that says how much memory a data set may take, in GiB.
pub const LIMIT: &str = "LANISTA_DATA_LIMIT";

/// How much of what is a user's own is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes that a data set may take in memory.
    memory: u64,
}

impl Limits {
    /// What holds where nobody says otherwise: 8 GiB.
    pub const DEFAULT: Self = Self { memory: 8 << 30 };

    pub const fn of(memory: u64) -> Self {
        Self { memory }
    }

    /// Reads the variable's text: a whole number of GiB.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim().parse::<u64>() {
            Ok(n) if (1..=1 << 20).contains(&n) => Ok(Self::of(n << 30)),
            _ => Err(format!("`{text}` is no number of GiB in 1..=1048576")),
        }
    }

    /// One image, as a file and decoded. As many as a machine has threads are in memory at a time.
    pub const fn picture(self) -> Bound {
        Bound::Share { what: "an image", one_in: 64, memory: self.memory }
    }

    /// One file of text. Its words, as numbers, take up to four times as much.
    pub const fn text(self) -> Bound {
        Bound::Share { what: "a file of text", one_in: 8, memory: self.memory }
    }

    /// All that a data set may take.
    pub fn budget(self) -> Budget {
        Budget { memory: self.memory, taken: AtomicU64::new(0) }
    }
}

/// How large something may be, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// A file of the catalogue: its size as it is published.
    Published(u64),
    /// What no publisher gives a size of: what it is, and how large at most.
    Stated(&'static str, u64),
    /// A user's own: a share of the memory that a data set may take.
    Share { what: &'static str, one_in: u64, memory: u64 },
}

impl Bound {
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Published(bytes) | Self::Stated(_, bytes) => bytes,
            Self::Share { one_in, memory, .. } => memory / one_in,
        }
    }

    /// Whether something of this size is let pass; else what it is: `has 5.0 GiB`.
    pub fn check(self, bytes: u64, origin: &str, is: impl FnOnce() -> String) -> Result<(), DataError> {
        if bytes <= self.bytes() {
            return Ok(());
        }
        Err(DataError::malformed(origin, format!("{}; {self}", is())))
    }

    /// Reads to the end, or one byte more than there may be.
    pub fn fill(self, from: impl Read) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        from.take(self.bytes().saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Lets what was read pass if it is no more than it may be.
    pub fn pass(self, bytes: Vec<u8>, origin: &str) -> Result<Vec<u8>, DataError> {
        self.check(bytes.len() as u64, origin, || format!("holds more than {}", Bytes(self.bytes())))?;
        Ok(bytes)
    }

    /// Reads a file as it is.
    pub fn read_file(self, path: &Path) -> Result<Vec<u8>, DataError> {
        let origin = path.display().to_string();
        let (file, bytes) = open(path)?;
        self.check(bytes, &origin, || format!("has {}", Bytes(bytes)))?;
        self.pass(self.fill(file).map_err(|e| DataError::read(path, e))?, &origin)
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.bytes();
        match self {
            Self::Published(_) => write!(f, "the published file has {bytes} bytes"),
            Self::Stated(what, _) => write!(f, "{what} may have {}", Bytes(bytes)),
            Self::Share { what, one_in, memory } => write!(
                f,
                "{what} may have {}, 1/{one_in} of the {} that a data set may take: make it smaller, or raise {LIMIT}",
                Bytes(bytes),
                Bytes(*memory)
            ),
        }
    }
}

/// What a data set may take in memory, and has taken.
#[derive(Debug)]
pub(super) struct Budget {
    memory: u64,
    taken: AtomicU64,
}

impl Budget {
    /// Takes so many bytes, on behalf of a file or folder.
    pub fn take(&self, bytes: u64, origin: &str) -> Result<(), DataError> {
        let before = self.taken.fetch_add(bytes, Ordering::Relaxed);
        self.foresee(before.saturating_add(bytes), origin)
    }

    /// Refuses what would take so many bytes in all.
    pub fn foresee(&self, bytes: u64, origin: &str) -> Result<(), DataError> {
        if bytes <= self.memory {
            return Ok(());
        }
        let reason = format!(
            "the data set takes more than {} of memory; make it smaller, or raise {LIMIT}, which is in GiB",
            Bytes(self.memory)
        );
        Err(DataError::malformed(origin, reason))
    }
}

/// Opens a regular file; returns its size too.
pub(super) fn open(path: &Path) -> Result<(File, u64), DataError> {
    // Before it is opened: opening a pipe waits for whoever writes into it.
    regular(path, fs::metadata(path).map_err(|e| DataError::read(path, e))?.file_type())?;
    let file = File::open(path).map_err(|e| DataError::read(path, e))?;
    let found = file.metadata().map_err(|e| DataError::read(path, e))?;
    regular(path, found.file_type())?;
    Ok((file, found.len()))
}

/// Refuses what is no regular file.
pub(super) fn regular(path: &Path, kind: FileType) -> Result<(), DataError> {
    if kind.is_file() {
        return Ok(());
    }
    let is = match kind {
        k if k.is_dir() => "a folder",
        k if k.is_symlink() => "a symbolic link",
        _ => "a device, a pipe or a socket",
    };
    Err(DataError::malformed(path.display().to_string(), format!("is {is}, where a file belongs; take it away")))
}

/// What is wrong with a compressed file or an archive.
pub(super) fn broken(origin: &str, error: &io::Error) -> DataError {
    match error.kind() {
        ErrorKind::UnexpectedEof => DataError::malformed(origin, "is cut off: it ends in the middle of its data"),
        _ => DataError::malformed(origin, format!("is damaged: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        assert_eq!(Limits::parse("8"), Ok(Limits::DEFAULT));
        for text in ["", "0", "-1", "8 GiB", "1e3", "99999999999999999999"] {
            assert!(
                Limits::parse(text).expect_err("no number").contains("is no number of GiB in 1..=1048576"),
                "{text}"
            );
        }
        assert_eq!((Limits::DEFAULT.picture().bytes(), Limits::DEFAULT.text().bytes()), (128 << 20, 1 << 30));
    }

    #[test]
    fn nothing_is_read_beyond_a_bound() {
        let bound = Bound::Stated("a file of these", 10);
        let read = bound.fill(&[7; 10][..]).expect("bytes");
        assert_eq!(bound.pass(read, "x").expect("as much as it may have"), [7; 10]);
        let mut endless = Counted(0);
        let read = bound.fill(&mut endless).expect("bytes");
        let error = bound.pass(read, "x").expect_err("endless").to_string();
        assert_eq!(error, "x: holds more than 10 B; a file of these may have 10 B");
        assert!(endless.0 < 100, "{} bytes were asked for", endless.0);
    }

    struct Counted(u64);

    impl Read for Counted {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0 += into.len() as u64;
            Ok(into.len())
        }
    }

    #[test]
    fn what_is_taken_is_counted() {
        let budget = Limits::of(100).budget();
        budget.take(60, "x").expect("there is room");
        budget.take(40, "x").expect("there is just room");
        let error = budget.take(1, "x").expect_err("there is none").to_string();
        assert!(
            error.starts_with("x: the data set takes more than 100 B of memory; make it smaller, or raise"),
            "{error}"
        );
        assert!(Limits::of(100).budget().foresee(u64::MAX, "x").is_err());
    }

    #[test]
    fn a_file_is_regular() {
        let f = tempfile::tempdir().expect("a folder");
        let bound = Limits::DEFAULT.picture();
        let error = bound.read_file(f.path()).expect_err("a folder").to_string();
        assert!(error.ends_with("is a folder, where a file belongs; take it away"), "{error}");
        let path = f.path().join("a");
        fs::write(&path, [1; 11]).expect("a file");
        assert_eq!(bound.read_file(&path).expect("a file"), [1; 11]);
        let error = Bound::Published(10).read_file(&path).expect_err("large").to_string();
        assert!(error.ends_with("a: has 11 B; the published file has 10 bytes"), "{error}");
        let error = bound.read_file(&f.path().join("b")).expect_err("absent").to_string();
        assert!(error.contains("b: cannot be read: "), "{error}");
    }
}
