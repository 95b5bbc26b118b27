//! The files of a data set: as they are, gzipped, or packed into an archive.

use super::DataError;
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

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
pub(super) fn presence(folder: &Path, names: &[&str], archive: Option<&str>) -> Presence {
    let is_there = |name: &&str| folder.join(name).is_file() || gzipped(&folder.join(name)).is_file();
    let absent: Vec<&str> = names.iter().filter(|n| !is_there(n)).copied().collect();
    match absent.first() {
        None => Presence::All,
        Some(_) if archive.is_some_and(|a| folder.join(a).is_file()) => Presence::All,
        Some(first) if absent.len() < names.len() => Presence::Lacks((*first).to_owned()),
        Some(_) => Presence::None,
    }
}

/// Reads some files of a folder in the order of their names: each as it is or gzipped, or all from an archive.
pub(super) fn read(folder: &Path, names: &[&str], archive: Option<&str>) -> Result<Vec<Member>, DataError> {
    if let Some(archive) = archive.filter(|a| folder.join(a).is_file())
        && presence(folder, names, None) != Presence::All
    {
        return unpack(&folder.join(archive), names);
    }
    names.iter().map(|name| read_one(&folder.join(name))).collect()
}

/// Reads a file, or its gzipped twin where it is not there.
pub(super) fn read_one(path: &Path) -> Result<Member, DataError> {
    let twin = gzipped(path);
    if !path.is_file() && twin.is_file() {
        let bytes = fs::read(&twin).map_err(|e| DataError::read(&twin, e))?;
        let origin = twin.display().to_string();
        let bytes = gunzip(&bytes, &origin)?;
        return Ok(Member { origin, bytes });
    }
    let bytes = fs::read(path).map_err(|e| DataError::read(path, e))?;
    Ok(Member { origin: path.display().to_string(), bytes })
}

/// Inflates a gzip file.
pub(super) fn gunzip(bytes: &[u8], origin: &str) -> Result<Vec<u8>, DataError> {
    let mut out = Vec::with_capacity(4 * bytes.len());
    MultiGzDecoder::new(bytes).read_to_end(&mut out).map_err(|e| broken(origin, &e))?;
    Ok(out)
}

/// What is wrong with a compressed file or an archive.
fn broken(origin: &str, error: &io::Error) -> DataError {
    match error.kind() {
        ErrorKind::UnexpectedEof => DataError::malformed(origin, "is cut off: it ends in the middle of its data"),
        _ => DataError::malformed(origin, format!("is damaged: {error}")),
    }
}

/// Takes files out of an archive by their names, whatever folder of it they are in.
fn unpack(archive: &Path, names: &[&str]) -> Result<Vec<Member>, DataError> {
    let origin = archive.display().to_string();
    let mut found: Vec<Option<Member>> = vec![None; names.len()];
    each_member(archive, &mut |path, read| {
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Some(i) = names.iter().position(|n| *n == name) {
            found[i] = Some(Member { origin: format!("{origin}: {path}"), bytes: read()? });
        }
        Ok(())
    })?;
    let lacks = |name: &str| DataError::malformed(&*origin, format!("holds no {name}"));
    found.into_iter().zip(names).map(|(member, name)| member.ok_or_else(|| lacks(name))).collect()
}

/// Reads the member at hand.
pub(super) type ReadMember<'a> = &'a mut dyn FnMut() -> Result<Vec<u8>, DataError>;

/// Whether a file is an archive that [`each_member`] reads.
pub(super) fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    [".tar", ".tar.gz", ".tgz", ".zip"].iter().any(|end| name.ends_with(end))
}

/// Goes through the files of an archive in its order, with their paths in it.
pub(super) fn each_member(
    archive: &Path,
    visit: &mut dyn FnMut(&str, ReadMember<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let origin = archive.display().to_string();
    let name = origin.to_ascii_lowercase();
    let file = BufReader::with_capacity(1 << 16, File::open(archive).map_err(|e| DataError::read(archive, e))?);
    if name.ends_with(".zip") {
        each_zipped(file, &origin, visit)
    } else if name.ends_with("gz") {
        each_in_tar(MultiGzDecoder::new(file), &origin, visit)
    } else {
        each_in_tar(file, &origin, visit)
    }
}

fn each_in_tar(
    file: impl Read,
    origin: &str,
    visit: &mut dyn FnMut(&str, ReadMember<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut tar = tar::Archive::new(file);
    for entry in tar.entries().map_err(|e| broken(origin, &e))? {
        let mut entry = entry.map_err(|e| broken(origin, &e))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(|e| broken(origin, &e))?.to_string_lossy().into_owned();
        visit(&path, &mut || {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(|e| broken(origin, &e))?;
            // The reader of an archive that is cut off ends early without a complaint.
            if bytes.len() as u64 != entry.size() {
                return Err(broken(origin, &ErrorKind::UnexpectedEof.into()));
            }
            Ok(bytes)
        })?;
    }
    // The end is read too: that is when the checksum of a compressed archive is compared.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(|e| broken(origin, &e))?;
    Ok(())
}

fn each_zipped(
    file: BufReader<File>,
    origin: &str,
    visit: &mut dyn FnMut(&str, ReadMember<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let damaged = |e: zip::result::ZipError| DataError::malformed(origin, format!("is damaged or cut off: {e}"));
    let mut zip = zip::ZipArchive::new(file).map_err(damaged)?;
    for i in 0..zip.len() {
        let mut entry = zip.by_index(i).map_err(damaged)?;
        if !entry.is_file() {
            continue;
        }
        let path = entry.name().map_err(damaged)?.into_owned();
        visit(&path, &mut || {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(|e| broken(origin, &e))?;
            Ok(bytes)
        })?;
    }
    Ok(())
}
