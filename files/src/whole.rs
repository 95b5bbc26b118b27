//! Files that appear as a whole.

use super::beside::{held, hidden};
use super::lock::try_lock;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// Characters of a name that no other process draws.
const RANDOM: usize = 12;
const SUFFIX: &str = ".tmp";

/// Writes a file. A link is followed, so that the file behind it is replaced and not the link.
///
/// # Errors
/// If the file system refuses; the file is then as it was.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    sweep(&path);
    let mut draft = Draft::beside(&path)?;
    draft.file.write_all(contents)?;
    if let Ok(old) = fs::metadata(&path) {
        draft.file.as_file().set_permissions(old.permissions())?;
    }
    draft.file.as_file().sync_all()?;
    draft.publish(&path)?;
    super::wrote();
    Ok(())
}

/// Whether a file can be written, without touching what is there.
///
/// # Errors
/// If it cannot, as far as its folder tells.
pub fn check(path: &Path) -> io::Result<()> {
    Draft::beside(path).map(|_| ())
}

/// What will be a file. It is locked, so that others see that it is nobody's leftover.
struct Draft {
    file: NamedTempFile,
}

impl Draft {
    fn beside(path: &Path) -> io::Result<Self> {
        let mut prefix = hidden(path);
        prefix.push(".");
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What the user's mask leaves of it.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        loop {
            let mut held = held();
            let file = builder.tempfile_in(super::folder(path))?;
            held.insert(file.path().to_owned());
            drop(held);
            let draft = Self { file };
            // Between the two moments another process may have taken it for a leftover.
            if try_lock(draft.file.as_file(), File::try_lock)? && draft.file.path().exists() {
                return Ok(draft);
            }
        }
    }

    fn publish(&self, path: &Path) -> io::Result<()> {
        let _held = held();
        fs::rename(self.file.path(), path)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let mut held = held();
        // It is not there if it was renamed.
        let _ = fs::remove_file(self.file.path());
        held.remove(self.file.path());
    }
}

/// Removes what killed processes left of a file.
fn sweep(path: &Path) {
    let Ok(entries) = fs::read_dir(super::folder(path)) else { return };
    let mut prefix = hidden(path);
    prefix.push(".");
    for left in entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| is_draft(p, &prefix)) {
        remove_unlocked(&left);
    }
}

fn is_draft(path: &Path, prefix: &OsString) -> bool {
    let (Some(name), Some(prefix)) = (path.file_name().and_then(|n| n.to_str()), prefix.to_str()) else { return false };
    let random = name.strip_prefix(prefix).and_then(|n| n.strip_suffix(SUFFIX));
    random.is_some_and(|r| r.len() == RANDOM && r.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Removes a file that nobody has locked; where there are no locks, nothing tells, and it stays.
fn remove_unlocked(path: &PathBuf) {
    let regular = fs::symlink_metadata(path).is_ok_and(|m| m.is_file());
    if let Some(file) = regular.then(|| File::open(path).ok()).flatten()
        && file.try_lock().is_ok()
    {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("there");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().into_string().expect("a name")).collect();
        names.sort();
        names
    }

    #[test]
    fn leftovers_of_the_same_file_go_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        for left in [".x.json.0123456789ab.tmp", ".x.json.short.tmp", ".y.json.0123456789ab.tmp", ".x.json.77.tmp"] {
            fs::write(folder.path().join(left), "left").expect("a file");
        }
        let busy = Draft::beside(&folder.path().join("x.json")).expect("a draft");
        write(&folder.path().join("x.json"), b"new").expect("it is written");
        let busy_name = busy.file.path().file_name().expect("a name").to_str().expect("text").to_owned();
        let mut expected =
            vec![".x.json.77.tmp", ".x.json.short.tmp", ".y.json.0123456789ab.tmp", &busy_name, "x.json"];
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
        drop(busy);
        assert!(!names(folder.path()).contains(&busy_name));
    }

    #[test]
    fn a_refused_write_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("taken/inside")).expect("folders");
        assert!(write(&folder.path().join("taken"), b"new").is_err(), "a folder is not replaced");
        assert!(write(&folder.path().join("none/x"), b"new").is_err());
        assert!(check(&folder.path().join("none/x")).is_err());
        check(&folder.path().join("x")).expect("it can be written");
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    #[cfg(unix)]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link, long) =
            (folder.path().join("file"), folder.path().join("link"), folder.path().join("n".repeat(255)));
        fs::write(&file, "old").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("permissions");
        symlink(&file, &link).expect("a link");
        write(&link, b"new").expect("it is written");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read(&file).expect("there"), b"new");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        fs::write(folder.path().join("plain"), "").expect("a file");
        write(&long, b"new").expect("a long name is one");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&long), mode(&folder.path().join("plain")), "readable as any other");
    }
}
