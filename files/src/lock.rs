//! Locks.

use super::beside::{held, hidden};
use same_file::Handle;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// What a process has to itself as long as this lives: a file that it appends to, or a place that it writes to again and
/// again.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("weights");
/// let lock = files::Lock::beside(&file)?.expect("nobody else has it");
/// assert!(files::Lock::beside(&file)?.is_none());
/// drop(lock);
/// assert!(files::Lock::beside(&file)?.is_some());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Lock {
    /// The system releases the lock when this is closed.
    _file: File,
    /// The file that is there for the lock alone.
    own: Option<PathBuf>,
}

impl Lock {
    /// The lock of an open file, or `None` if another process has it.
    ///
    /// # Errors
    /// If the system refuses for another reason. Some file systems have no locks: there this holds nobody off.
    pub fn of(file: &File) -> io::Result<Option<Self>> {
        Self::taken(file, File::try_lock)
    }

    /// The same for a file that is only read: others may read it too, and nobody writes it meanwhile.
    ///
    /// # Errors
    /// See [`Lock::of`].
    pub fn shared(file: &File) -> io::Result<Option<Self>> {
        Self::taken(file, File::try_lock_shared)
    }

    fn taken(file: &File, lock: fn(&File) -> Result<(), TryLockError>) -> io::Result<Option<Self>> {
        Ok(try_lock(file, lock)?.then_some(Self { _file: file.try_clone()?, own: None }))
    }

    /// The lock of a place that a file is renamed to, or `None` if another process has it: that of `.NAME.lock` beside it.
    ///
    /// # Errors
    /// If the folder is not there or cannot be written to.
    pub fn beside(path: &Path) -> io::Result<Option<Self>> {
        // Two paths of one file have one lock.
        let path = fs::canonicalize(path).or_else(|_| {
            Ok::<_, io::Error>(fs::canonicalize(super::folder(path))?.join(path.file_name().unwrap_or_default()))
        })?;
        let mut name = hidden(&path);
        name.push(".lock");
        let own = path.with_file_name(name);
        loop {
            let mut held = held();
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&own)?;
            if !try_lock(&file, File::try_lock)? {
                return Ok(None);
            }
            // Whoever had it has perhaps removed it since it was opened; then another file is the lock.
            let is_there = Handle::from_file(file.try_clone()?)?
                == match Handle::from_path(&own) {
                    Ok(handle) => handle,
                    Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                    Err(e) => return Err(e),
                };
            if is_there {
                held.insert(own.clone());
                return Ok(Some(Self { _file: file, own: Some(own) }));
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            let mut held = held();
            // While the lock is held, so that it is nobody else's. If it stays, it holds nobody off.
            let _ = fs::remove_file(own);
            held.remove(own);
        }
    }
}

pub(crate) fn try_lock(file: &File, lock: fn(&File) -> Result<(), TryLockError>) -> io::Result<bool> {
    match lock(file) {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_leaves_nothing_and_is_free_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        for _ in 0..3 {
            let lock = Lock::beside(&path).expect("it can be written").expect("free");
            assert!(folder.path().join(".x.lock").exists());
            assert!(Lock::beside(&folder.path().join(".").join("x")).expect("it can be written").is_none());
            drop(lock);
            assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0);
        }
        // What a killed process leaves holds nobody off.
        fs::write(folder.path().join(".x.lock"), "").expect("a file");
        assert!(Lock::beside(&path).expect("it can be written").is_some());
        assert!(Lock::beside(&folder.path().join("none/x")).is_err());
    }

    #[test]
    fn readers_hold_writers_off_and_not_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        fs::write(&path, "x").expect("a file");
        let file = || File::open(&path).expect("there");
        let one = Lock::shared(&file()).expect("locks").expect("free");
        let two = Lock::shared(&file()).expect("locks").expect("shared");
        assert!(Lock::of(&file()).expect("locks").is_none());
        drop((one, two));
        let writer = Lock::of(&file()).expect("locks").expect("free");
        assert!(Lock::shared(&file()).expect("locks").is_none());
        drop(writer);
    }

    #[test]
    fn one_of_many_threads_has_it() {
        use std::sync::atomic::{AtomicU32, Ordering};
        let folder = tempfile::tempdir().expect("a folder");
        let (inside, taken) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let Some(lock) = Lock::beside(&folder.path().join("x")).expect("it can be written") else {
                            continue;
                        };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two have it");
                        taken.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert!(taken.load(Ordering::SeqCst) > 0);
    }
}
