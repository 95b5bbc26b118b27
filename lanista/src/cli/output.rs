//! What a command reads and writes: standard output, which may be closed at any time, and files.
//!
//! * A command registers every file with its [`Outputs`] before it does anything: what it [`reads`](Outputs::reads), what it
//!   writes once, at its end ([`file`](Outputs::file)), what others write on its way ([`keeps`](Outputs::keeps): a
//!   journal, a checkpoint), and folders for files whose names are made up ([`folder`](Outputs::folder)). What would be written over
//!   something that the same command reads or writes is refused, by whatever path, link or hard link it is named.
//! * Results are written through it too: each is tried, whatever became of the others, and [`Outputs::end`] says what
//!   failed. It is the command's last line.
//! * A file is whole or as it was before.
//!
//! ```ignore
//! let mut outputs = Outputs::default();
//! outputs.reads("the module", &path)?;
//! let json = outputs.file("--json", &args.json)?;
//! let result = work()?;
//! outputs.write(json.as_ref(), || result.json());
//! outputs.print(&result.text());
//! outputs.end()
//! ```

use super::failure::Failure;
use super::visible::{one_line, visible};
use same_file::Handle;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

/// Prints a text to standard output, where what a terminal would obey is escaped.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(visible(text).as_bytes()).and_then(|()| out.flush()).map_err(|e| Failure::output(&e))
}

/// Prints a line to standard output, whatever names stand in it.
pub fn print_line(line: &str) -> Result<(), Failure> {
    print(&(one_line(line) + "\n"))
}

/// A line on standard error; nothing can be done if that is closed.
pub fn note(line: &str) {
    // Whoever closed standard error does not want to be told.
    let _ = writeln!(io::stderr().lock(), "{}", one_line(line));
}

/// The files of a command, and what became of its results.
#[derive(Debug, Default)]
pub struct Outputs {
    places: Vec<Place>,
    failures: Vec<String>,
    is_closed: bool,
}

/// What a command does with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Read,
    Written,
    /// A folder for files of any names.
    Filled,
}

#[derive(Debug)]
struct Place {
    /// `--json x.json`, as it was given.
    shown: String,
    path: PathBuf,
    /// What the path names now, so that other names of it are known.
    handle: Option<Handle>,
    r#use: Use,
}

impl Outputs {
    /// Registers a file or a folder that is read: `what` it is, as in "the module".
    pub fn reads(&mut self, what: &str, path: &Path) -> Result<(), Failure> {
        self.add(what, path, Use::Read)
    }

    /// Registers a file that is written when the command is done, and checks that it can be. `option` is where its path
    /// comes from. Of none, or of `-`, there is none.
    pub fn file<'p>(&mut self, option: &str, path: impl Into<Option<&'p Path>>) -> Result<Option<Target>, Failure> {
        let Some(path) = path.into().filter(|p| *p != Path::new("-")) else { return Ok(None) };
        self.add(option, path, Use::Written)?;
        Target::new(option, path).map(Some)
    }

    /// Registers a file that is written on the way: a journal, a checkpoint.
    pub fn keeps(&mut self, option: &str, path: &Path) -> Result<(), Failure> {
        self.add(option, path, Use::Written)
    }

    /// Registers a folder in which new files appear, and checks that it can be made and written to; it is not made yet.
    pub fn folder(&mut self, option: &str, path: &Path) -> Result<(), Failure> {
        self.add(option, path, Use::Filled)?;
        let there =
            path.ancestors().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p }).find(|p| p.exists());
        files::check(&there.unwrap_or(Path::new(".")).join("x")).map_err(|e| {
            Failure::usage(format!(
                "{option} {}: cannot be written: {e}; check its permissions or name another folder",
                path.display()
            ))
        })
    }

    fn add(&mut self, option: &str, path: &Path, r#use: Use) -> Result<(), Failure> {
        let shown = format!("{option} {}", path.display());
        let kind = fs::metadata(path);
        if kind.as_ref().is_ok_and(|m| !m.is_file() && !m.is_dir()) {
            // A pipe or a device: whatever is written to it, nothing is lost.
            return Ok(());
        }
        let handle = kind.is_ok().then(|| Handle::from_path(path).ok()).flatten();
        let place = Place { shown, path: resolved(path), handle, r#use };
        match self.places.iter().find_map(|other| place.conflict(other)) {
            Some(reason) => Err(Failure::usage(reason)),
            None => {
                self.places.push(place);
                Ok(())
            }
        }
    }

    /// Takes note of what failed, so that the other results are still written.
    pub fn attempt<T>(&mut self, result: Result<T, Failure>) -> Option<T> {
        match result {
            Ok(value) => return Some(value),
            Err(Failure::Closed) => self.is_closed = true,
            Err(failure) => self.failures.extend_from_slice(failure.lines()),
        }
        None
    }

    /// Writes a result, if a file is wanted.
    pub fn write<T: AsRef<[u8]>>(&mut self, target: Option<&Target>, contents: impl FnOnce() -> Result<T, Failure>) {
        if let Some(target) = target {
            let written = contents().and_then(|contents| target.write(contents));
            self.attempt(written);
        }
    }

    /// Writes a result to a file that was registered by [`keeps`](Outputs::keeps), or lies in a folder of the command's own.
    #[cfg(feature = "torch")]
    pub fn put<T: AsRef<[u8]>>(&mut self, path: &Path, contents: Result<T, Failure>) {
        self.write(Some(&Target { path: path.to_owned(), special: false }), || contents);
    }

    /// Prints a result.
    pub fn print(&mut self, text: &str) {
        self.attempt(print(text));
    }

    /// Whether nothing has failed so far.
    pub fn is_sound(&self) -> bool {
        self.failures.is_empty()
    }

    /// How the command ends.
    pub fn end(self) -> Result<(), Failure> {
        match (self.failures.is_empty(), self.is_closed) {
            (false, _) => Err(Failure::Failed(self.failures)),
            (true, true) => Err(Failure::Closed),
            (true, false) => Ok(()),
        }
    }
}

impl Place {
    /// Why a command cannot have both.
    fn conflict(&self, other: &Self) -> Option<String> {
        let same = self.path == other.path || (self.handle.is_some() && self.handle == other.handle);
        let (shown, before) = (&self.shown, &other.shown);
        match (self.r#use, other.r#use) {
            (Use::Read, Use::Read) | (Use::Filled, Use::Filled) => None,
            (Use::Read, _) if same => {
                Some(format!("{before}: would be written over {shown}, which is read; name another file"))
            }
            (_, Use::Read) if same => {
                Some(format!("{shown}: would be written over {before}, which is read; name another file"))
            }
            _ if same => Some(format!("{before} and {shown} are one file; name two")),
            // What is read is a folder: a file in it may be part of what is read.
            (Use::Written, Use::Read) if self.path.starts_with(&other.path) => {
                Some(format!("{shown}: lies in {before}, which is read; name a file elsewhere"))
            }
            (Use::Read, Use::Written) if other.path.starts_with(&self.path) => {
                Some(format!("{before}: lies in {shown}, which is read; name a file elsewhere"))
            }
            // A file is no folder.
            (Use::Written | Use::Filled, Use::Written) if self.path.starts_with(&other.path) => {
                Some(format!("{shown}: cannot lie in the file {before}; name another place"))
            }
            (Use::Written, Use::Written | Use::Filled) if other.path.starts_with(&self.path) => {
                Some(format!("{before}: cannot lie in the file {shown}; name another place"))
            }
            _ => None,
        }
    }
}

/// The path without links, as far as it is there, and without dots.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = fs::canonicalize(path) {
        return path;
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (path.parent(), path.components().next_back()) {
        (Some(parent), Some(Component::Normal(name))) => resolved(parent).join(name),
        (Some(parent), Some(Component::ParentDir)) => {
            let parent = resolved(parent);
            parent.parent().unwrap_or(&parent).to_owned()
        }
        (Some(parent), Some(Component::CurDir)) => resolved(parent),
        _ => path,
    }
}

/// A file to be written later, known to be writable now.
#[derive(Clone, Debug)]
pub struct Target {
    path: PathBuf,
    /// A pipe or a device: written as it is, since a rename would replace it.
    special: bool,
}

impl Target {
    /// Checks that a file can be written, without touching what is there. `option` is where the path comes from.
    fn new(option: &str, path: &Path) -> Result<Self, Failure> {
        let refuse = |reason: &str| Failure::usage(format!("{option} {}: {reason}", path.display()));
        // A link is followed, so that the file behind it is replaced and not the link.
        let path_ = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&path_) {
            Ok(meta) if meta.is_dir() => return Err(refuse("is a folder; name a file in it")),
            Ok(meta) if meta.permissions().readonly() => {
                return Err(refuse("is read-only; change its permissions or name another file"));
            }
            Ok(meta) if !meta.is_file() => return Ok(Self { path: path_, special: true }),
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(refuse(&format!("cannot be written: {e}; name another file"))),
        }
        if path_.file_name().is_none() {
            return Err(refuse("is no file name; name a file"));
        }
        files::check(&path_).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => refuse("the folder does not exist; create it or name another file"),
            _ => refuse(&format!("cannot be written: {e}; check the folder's permissions or name another file")),
        })?;
        Ok(Self { path: path_, special: false })
    }

    /// Writes it.
    pub fn write(&self, contents: impl AsRef<[u8]>) -> Result<(), Failure> {
        let written = match self.special {
            true => fs::write(&self.path, contents),
            false => files::write(&self.path, contents.as_ref()),
        };
        written.map_err(|e| match e.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::search(format!(
                "{}: cannot be written: {e}; check the free space and permissions",
                self.path.display()
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_as_far_as_they_are_there() {
        let folder = std::env::temp_dir();
        let real = fs::canonicalize(&folder).expect("there");
        assert_eq!(resolved(&folder.join("no/./such/../x")), real.join("no/x"));
        assert_eq!(resolved(&folder.join("no-such")), resolved(&folder.join("./no-such")));
        assert_eq!(resolved(Path::new("no-such")), std::env::current_dir().expect("there").join("no-such"));
    }

    #[test]
    fn every_failure_is_told_and_a_closed_pipe_is_none() {
        let mut outputs = Outputs::default();
        outputs.attempt::<()>(Err(Failure::Closed));
        assert!(matches!(outputs.end(), Err(Failure::Closed)));
        let mut outputs = Outputs::default();
        outputs.attempt::<()>(Err(Failure::usage("one")));
        outputs.attempt::<()>(Err(Failure::Closed));
        outputs.attempt::<()>(Err(Failure::search("two")));
        let failure = outputs.end().expect_err("two failed");
        assert_eq!((failure.code(), failure.lines()), (1, &["one".to_owned(), "two".to_owned()][..]));
        assert_eq!(Outputs::default().attempt(Ok(3)), Some(3));
    }
}
