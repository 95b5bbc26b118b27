//! Archives: `.tar`, plain or gzipped, and `.zip`, member by member.
//!
//! * A `.tar` must have the two blocks of zeros at its end, and nothing behind them: one that was cut between two members,
//!   or two that were joined, would else be taken with fewer files than were packed.
//! * What an archive unpacks to is bounded as a whole, each member that is read by its own bound, and what describes a
//!   member too.

use super::DataError;
use super::bounded::{Bound, broken, open};
use crate::bytes::Bytes;
use flate2::read::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

/// Reads the member at hand.
pub(super) type ReadMember<'a> = &'a mut dyn FnMut(Bound) -> Result<Vec<u8>, DataError>;

/// Is told each member's path in the archive, and may read it.
type Visit<'a> = &'a mut dyn FnMut(&str, ReadMember<'_>) -> Result<(), DataError>;

/// What an archive may unpack to: so many times its size, and something on top. Images are compressed already; text
/// and bare pixels shrink to a third or so.
const RATIO: u64 = 100;
const ON_TOP: u64 = 64 << 20;
/// Names and other words about one member of a `.tar`.
const ABOUT: u64 = 1 << 20;
/// A block of a `.tar`, and how many of them end it.
const BLOCK: u64 = 512;
const END: u64 = 2 * BLOCK;

/// Whether a file is an archive that [`each_member`] reads.
pub(super) fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    [".tar", ".tar.gz", ".tgz", ".zip"].iter().any(|end| name.ends_with(end))
}

/// Goes through the files of an archive in its order, with their paths in it.
pub(super) fn each_member(archive: &Path, visit: Visit<'_>) -> Result<(), DataError> {
    let origin = archive.display().to_string();
    let name = origin.to_ascii_lowercase();
    let (file, packed) = open(archive)?;
    let meter = Rc::new(Meter::new(&origin, packed));
    let file = BufReader::with_capacity(1 << 16, file);
    if name.ends_with(".zip") {
        each_zipped(file, &meter, visit)
    } else if name.ends_with("gz") {
        each_in_tar(MultiGzDecoder::new(file), &meter, visit)
    } else {
        each_in_tar(file, &meter, visit)
    }
}

/// Counts what an archive unpacks to.
#[derive(Debug)]
struct Meter {
    origin: String,
    packed: u64,
    /// Bytes that may still come, in all.
    left: Cell<u64>,
    /// Bytes that may still come before the next member is there.
    about: Cell<u64>,
    /// Whether the reader said that nothing more comes.
    ended: Cell<bool>,
    refused: Cell<bool>,
}

impl Meter {
    fn new(origin: &str, packed: u64) -> Self {
        let left = packed.saturating_mul(RATIO).saturating_add(ON_TOP);
        let origin = origin.to_owned();
        let (left, about) = (Cell::new(left), Cell::new(u64::MAX));
        Self { origin, packed, left, about, ended: Cell::new(false), refused: Cell::new(false) }
    }

    /// Takes note of bytes that came.
    fn count(&self, bytes: u64) -> io::Result<()> {
        let (left, about) = (self.left.get().checked_sub(bytes), self.about.get().checked_sub(bytes));
        match (left, about) {
            (Some(left), Some(about)) => {
                self.left.set(left);
                self.about.set(about);
                Ok(())
            }
            _ => {
                self.refused.set(true);
                self.left.set(left.unwrap_or(0));
                Err(io::Error::other("it unpacks to too much"))
            }
        }
    }

    /// What came of reading: damage, or that too much came.
    fn error(&self, error: &io::Error) -> DataError {
        match (self.refused.get(), self.left.get()) {
            (false, _) => broken(&self.origin, error),
            (true, 0) => {
                let packed = Bytes(self.packed);
                DataError::malformed(
                    &self.origin,
                    format!(
                        "unpacks to more than {RATIO} times its {packed}, and {} on top; if it is what you want, unpack it \
                         yourself",
                        Bytes(ON_TOP)
                    ),
                )
            }
            (true, _) => {
                let about = Bytes(ABOUT);
                DataError::malformed(&self.origin, format!("is damaged: a member has a name of more than {about}"))
            }
        }
    }
}

/// A reader whose bytes are counted.
struct Metered<R> {
    inner: R,
    meter: Rc<Meter>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        if n == 0 && !into.is_empty() {
            self.meter.ended.set(true);
        }
        self.meter.count(n as u64)?;
        Ok(n)
    }
}

fn each_in_tar(file: impl Read, meter: &Rc<Meter>, visit: Visit<'_>) -> Result<(), DataError> {
    let origin = &*meter.origin;
    let mut tar = tar::Archive::new(Metered { inner: file, meter: meter.clone() });
    let mut entries = tar.entries().map_err(|e| meter.error(&e))?;
    let mut stored = 0;
    loop {
        meter.about.set(ABOUT.saturating_add(std::mem::take(&mut stored)));
        let entry = entries.next();
        meter.about.set(u64::MAX);
        let Some(entry) = entry else { break };
        let mut entry = entry.map_err(|e| meter.error(&e))?;
        let kind = entry.header().entry_type();
        let is_data = kind.is_file() || kind.is_contiguous();
        let path = entry.path().map_err(|e| meter.error(&e))?.to_string_lossy().into_owned();
        if !kind.is_dir() && !kind.is_pax_global_extensions() {
            visit(&path, &mut |bound| {
                let inside = format!("{origin}: {path}");
                if !is_data {
                    return Err(link(&inside));
                }
                let size = entry.size();
                bound.check(size, &inside, || format!("has {}", Bytes(size)))?;
                let bytes = bound.fill(&mut entry).map_err(|e| meter.error(&e))?;
                // The reader of an archive that is cut off ends early without a complaint.
                if bytes.len() as u64 != size {
                    return Err(broken(origin, &io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(bytes)
            })?;
        }
        // What was not read is passed over here, since it is no word about the next member. A file with holes would give
        // those too, which may have any size: the reader passes over what is stored of it.
        match kind.is_gnu_sparse() {
            true => stored = entry.header().entry_size().map_err(|e| meter.error(&e))?,
            false => _ = io::copy(&mut entry, &mut io::sink()).map_err(|e| meter.error(&e))?,
        }
    }
    ended(tar.into_inner(), meter)
}

/// Checks the end of a `.tar`, of which the first block has been read. Reading on is also what compares the checksum of a
/// compressed archive.
fn ended(mut rest: impl Read, meter: &Meter) -> Result<(), DataError> {
    let (mut zeros, mut block) = (BLOCK, [0; 1 << 13]);
    let cut_off = meter.ended.get();
    loop {
        match rest.read(&mut block) {
            Ok(0) => break,
            Ok(n) if block[..n].iter().all(|b| *b == 0) => zeros += n as u64,
            Ok(_) => {
                let reason = "goes on behind its end, as joined archives do; give each as a file";
                return Err(DataError::malformed(&meter.origin, reason));
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(meter.error(&e)),
        }
    }
    if cut_off || zeros < END {
        let reason = "is cut off: it lacks the blocks of zeros that end a .tar; copy or pack it again";
        return Err(DataError::malformed(&meter.origin, reason));
    }
    Ok(())
}

/// What is wrong with a member that would be read and is no file.
fn link(inside: &str) -> DataError {
    DataError::malformed(
        inside,
        "is a link, a device or a file with holes; pack the file itself (tar --dereference --hard-dereference)",
    )
}

fn each_zipped(file: BufReader<File>, meter: &Meter, visit: Visit<'_>) -> Result<(), DataError> {
    let origin = &*meter.origin;
    let damaged = |e: zip::result::ZipError| DataError::malformed(origin, format!("is damaged or cut off: {e}"));
    let mut zip = zip::ZipArchive::new(file).map_err(damaged)?;
    for i in 0..zip.len() {
        let mut entry = zip.by_index(i).map_err(damaged)?;
        if entry.is_dir() {
            continue;
        }
        let path = entry.name().map_err(damaged)?.into_owned();
        visit(&path, &mut |bound| {
            let inside = format!("{origin}: {path}");
            if !entry.is_file() {
                return Err(link(&inside));
            }
            let size = entry.size();
            bound.check(size, &inside, || format!("has {}", Bytes(size)))?;
            let bytes = bound.fill(&mut entry).map_err(|e| broken(origin, &e))?;
            meter.count(bytes.len() as u64).map_err(|e| meter.error(&e))?;
            bound.pass(bytes, &inside)
        })?;
    }
    Ok(())
}
