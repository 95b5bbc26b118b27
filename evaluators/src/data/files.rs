//! The files of a data set: as they are, gzipped, or packed into an archive.

use super::DataError;
use super::archive::each_member;
use super::bounded::{Bound, broken, open};
use flate2::read::MultiGzDecoder;
use std::path::{Path, PathBuf};

/// A file that a data set has, and how large it may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub name: &'static str,
    pub bound: Bound,
}

impl Wanted {
    /// A file with its size as it is published.
    pub const fn published(name: &'static str, bytes: u64) -> Self {
        Self { name, bound: Bound::Published(bytes) }
    }
}

/// A file's contents, and where they are from.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// `/data/x.bin`, or `/data/x.tar.gz: x.bin`.
    pub origin: String,
    pub bytes: Vec<u8>,
}

/// How much of a data set a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    All,
    /// Some files are there, but not this one.
    Lacks(String),
    None,
}

/// The compressed twin of a file.
fn gzipped(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

/// Which of some files a folder holds. An archive stands for all of them.
pub(super) fn presence(folder: &Path, files: &[Wanted], archive: Option<&str>) -> Presence {
    let is_there = |file: &Wanted| folder.join(file.name).is_file() || gzipped(&folder.join(file.name)).is_file();
    let absent: Vec<&str> = files.iter().filter(|f| !is_there(f)).map(|f| f.name).collect();
    match absent.first() {
        None => Presence::All,
        Some(_) if archive.is_some_and(|a| folder.join(a).is_file()) => Presence::All,
        Some(first) if absent.len() < files.len() => Presence::Lacks((*first).to_owned()),
        Some(_) => Presence::None,
    }
}

/// Reads some files of a folder in their order: each as it is or gzipped, or all from an archive.
pub(super) fn read(folder: &Path, files: &[Wanted], archive: Option<&str>) -> Result<Vec<Member>, DataError> {
    if let Some(archive) = archive.filter(|a| folder.join(a).is_file())
        && presence(folder, files, None) != Presence::All
    {
        return unpack(&folder.join(archive), files);
    }
    files.iter().map(|file| read_one(folder, file)).collect()
}

/// Reads a file, or its gzipped twin where it is not there.
fn read_one(folder: &Path, file: &Wanted) -> Result<Member, DataError> {
    let path = folder.join(file.name);
    let twin = gzipped(&path);
    if !path.is_file() && twin.is_file() {
        let origin = twin.display().to_string();
        let bytes = file.bound.fill(MultiGzDecoder::new(open(&twin)?.0)).map_err(|e| broken(&origin, &e))?;
        return Ok(Member { bytes: file.bound.pass(bytes, &origin)?, origin });
    }
    let bytes = file.bound.read_file(&path)?;
    Ok(Member { origin: path.display().to_string(), bytes })
}

/// Takes files out of an archive by their names, whatever folder of it they are in.
fn unpack(archive: &Path, files: &[Wanted]) -> Result<Vec<Member>, DataError> {
    let origin = archive.display().to_string();
    let mut found: Vec<Option<Member>> = vec![None; files.len()];
    each_member(archive, &mut |path, read| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some(i) = files.iter().position(|f| f.name == name) else { return Ok(()) };
        if found[i].is_some() {
            return Err(DataError::malformed(&*origin, format!("holds {name} more than once")));
        }
        found[i] = Some(Member { origin: format!("{origin}: {path}"), bytes: read(files[i].bound)? });
        Ok(())
    })?;
    let lacks = |file: &Wanted| DataError::malformed(&*origin, format!("holds no {}", file.name));
    found.into_iter().zip(files).map(|(member, file)| member.ok_or_else(|| lacks(file))).collect()
}
