//! Downloading data sets.
//!
//! * A file gets its name when its checksum is right; until then it is called `NAME.part`.
//! * A download that was cut off goes on where it ended, in this process or the next, with the bytes that are there.
//! * Nothing that is there is overwritten, nor anything that a link leads to.
//! * A server that is silent, or slow beyond all patience, is given up; what came is kept.

mod download;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;

use super::{DataError, Entry, Places};
use std::env;
use std::fs;
use std::path::PathBuf;

/// The variable that names a host to ask in place of the official ones, for networks that do not reach those: it has
/// `NAME/FILE` of the data sets, with the same checksums.
pub const MIRROR: &str = "LANISTA_DATA_MIRROR";

/// How far a download is.
#[derive(Clone, Copy, Debug)]
pub struct Transfer<'a> {
    /// The file.
    pub file: &'a str,
    /// Its bytes that are here.
    pub bytes: u64,
    /// All its bytes.
    pub of: u64,
}

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The folder that holds the data set now.
    pub folder: PathBuf,
    /// Files that were downloaded.
    pub downloaded: usize,
    /// Files that were there already, with the right checksum.
    pub present: usize,
}

/// Downloads a data set into the first of the user's places, and tells `progress` from time to time.
///
/// # Errors
/// If it is embedded; if there is no place for it; if no address answers, or what comes has another checksum; if a file of
/// that name is there and is another.
pub fn fetch(
    entry: &'static Entry,
    places: &Places,
    progress: &mut dyn FnMut(Transfer<'_>),
) -> Result<Fetched, DataError> {
    let refuse = |reason: &str| Err(DataError::Fetch { name: entry.name, reason: reason.to_owned() });
    if entry.downloads.is_empty() {
        return refuse("it is embedded, and always here");
    }
    let Some(folder) = places.target(entry) else {
        return refuse("there is no folder for it, since neither HOME nor LANISTA_DATA is set; give --data-dir");
    };
    let io = |doing| {
        let path = folder.clone();
        move |source| DataError::Io { path, doing, source }
    };
    fs::create_dir_all(&folder).map_err(io("cannot be made"))?;
    let mirror = env::var(MIRROR).ok().filter(|m| !m.is_empty());
    let mut fetched = Fetched { folder: folder.clone(), downloaded: 0, present: 0 };
    for file in entry.downloads {
        let addresses: Vec<String> = match &mirror {
            Some(host) => vec![format!("{}/{}/{}", host.trim_end_matches('/'), entry.name, file.file)],
            None => file.addresses.iter().map(|&a| a.to_owned()).collect(),
        };
        match download::download(entry.name, file, &addresses, &folder, &download::Patience::USUAL, progress)? {
            true => fetched.downloaded += 1,
            false => fetched.present += 1,
        }
    }
    Ok(fetched)
}
