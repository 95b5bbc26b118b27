//! Writing: standard output that may be closed at any time, and files that are whole or absent.

use super::failure::Failure;
use super::visible::{one_line, visible};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Prints a text to standard output, where what a terminal would obey is escaped.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(visible(text).as_bytes()).and_then(|()| out.flush()).map_err(|e| Failure::output(&e))
}

/// Prints a line to standard output, whatever names stand in it.
pub fn print_line(line: &str) -> Result<(), Failure> {
    print(&(one_line(line) + "\n"))
}

/// Prints a text to a file, or to standard output where there is none or it is `-`.
pub fn print_to(file: Option<&Path>, text: &str) -> Result<(), Failure> {
    match file.filter(|f| *f != Path::new("-")) {
        Some(file) => Target::new("--output", file)?.write(text),
        None => print(text),
    }
}

/// A line on standard error; nothing can be done if that is closed.
pub fn note(line: &str) {
    // Whoever closed standard error does not want to be told.
    let _ = writeln!(io::stderr().lock(), "{}", one_line(line));
}

/// A file to be written later, known to be writable now.
///
/// It is written beside itself first and renamed into place, so that no reader ever sees half of it and a failed
/// write leaves the old file as it was.
#[derive(Clone, Debug)]
pub struct Target {
    path: PathBuf,
    /// A pipe or a device: written as it is, since a rename would replace it.
    special: bool,
}

impl Target {
    /// Checks that a file can be written, without touching what is there. `option` is where the path comes from.
    pub fn new(option: &str, path: &Path) -> Result<Self, Failure> {
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
        let target = Self { path: path_, special: false };
        if target.path.file_name().is_none() {
            return Err(refuse("is no file name; name a file"));
        }
        let beside = target.beside();
        let tried = OpenOptions::new().write(true).create_new(true).open(&beside);
        tried.and_then(|_| fs::remove_file(&beside)).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => refuse("the folder does not exist; create it or name another file"),
            _ => refuse(&format!("cannot be written: {e}; check the folder's permissions or name another file")),
        })?;
        Ok(target)
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The temporary file, in the same folder so that the rename stays within one file system.
    fn beside(&self) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(format!(".{}.tmp", std::process::id()));
        self.path.with_file_name(name)
    }

    /// Writes it.
    pub fn write(&self, contents: impl AsRef<[u8]>) -> Result<(), Failure> {
        let contents = contents.as_ref();
        let refuse = |e: io::Error| match e.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::usage(format!(
                "{}: cannot be written: {e}; check the free space and permissions",
                self.path.display()
            )),
        };
        if self.special {
            return fs::write(&self.path, contents).map_err(refuse);
        }
        let beside = self.beside();
        let written = (|| {
            let mut file = File::create(&beside)?;
            file.write_all(contents)?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        })();
        if written.is_err() {
            // The temporary file may not exist; the first error is the one to report.
            let _ = fs::remove_file(&beside);
        }
        written.map_err(refuse)
    }
}
