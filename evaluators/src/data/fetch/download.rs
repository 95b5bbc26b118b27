//! One file: asked for, continued, checked, named.

use super::super::{DataError, Download, bounded};
use super::Transfer;
use crate::digest;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::http::{StatusCode, header};

/// Between two reports and at most as much in memory.
const BLOCK: usize = 1 << 17;

/// What is borne of an address before the next one is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Connections in a row that bring nothing, or that are slow.
    pub connections: u32,
    /// What a server may take to answer, or to send the next bytes.
    pub silence: Duration,
    /// So many bytes must come in so much time: one that sends a byte a minute is never silent, and never done.
    pub pace: (u64, Duration),
}

impl Patience {
    /// Three connections, a minute, 4 KiB a second.
    pub const USUAL: Self =
        Self { connections: 3, silence: Duration::from_secs(60), pace: (60 * 4096, Duration::from_secs(60)) };

    /// Whether so many bytes in that time are too few.
    fn is_slow(&self, bytes: u64, time: Duration) -> bool {
        let (least, within) = self.pace;
        (bytes as f64) * within.as_secs_f64() < (least as f64) * time.as_secs_f64()
    }
}

/// Downloads a file into a folder, from the first address that gives it; false if it is there already.
pub(super) fn download(
    name: &'static str,
    file: &Download,
    addresses: &[String],
    folder: &Path,
    patience: &Patience,
    progress: &mut dyn FnMut(Transfer<'_>),
) -> Result<bool, DataError> {
    let path = folder.join(file.file);
    if path.exists() {
        let found = checksum(&path, file.bytes)?;
        return match found == file.sha256 {
            true => Ok(false),
            false => Err(DataError::Checksum {
                path,
                expected: file.sha256,
                found,
                remedy: "it is damaged or another version: remove it and fetch again",
            }),
        };
    }
    let mut part = Part::open(folder, file)?;
    let agent: Agent = Agent::config_builder()
        .timeout_connect(Some(patience.silence))
        .timeout_recv_response(Some(patience.silence))
        .timeout_per_read(Some(patience.silence))
        .http_status_as_error(false)
        .user_agent(concat!("lanista/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut complaints = Vec::new();
    for address in addresses {
        match from_address(&agent, address, &mut part, patience, progress) {
            Ok(()) => match part.finish(&path)? {
                None => return Ok(true),
                // The bytes are no use to anyone.
                Some(found) => complaints.push(format!("{address} gives SHA-256 {found}, {} is expected", file.sha256)),
            },
            Err(Obstacle::Disk(source)) => {
                return Err(DataError::Io { path: part.path, doing: "cannot be written", source });
            }
            Err(Obstacle::Network(reason)) => complaints.push(format!("{address}: {reason}")),
        }
    }
    let kept = match part.bytes {
        0 => "check the network, or try later".to_owned(),
        n => format!("{n} of {} bytes are kept, and the same command goes on from there", file.bytes),
    };
    part.close();
    Err(DataError::Network { name, reason: format!("{}; {kept}", complaints.join("; ")) })
}

/// What stands in the way.
enum Obstacle {
    /// This machine: no other address would help.
    Disk(io::Error),
    /// The address.
    Network(String),
}

/// Fills the rest of a file from an address.
fn from_address(
    agent: &Agent,
    address: &str,
    part: &mut Part<'_>,
    patience: &Patience,
    progress: &mut dyn FnMut(Transfer<'_>),
) -> Result<(), Obstacle> {
    let mut failures = 0;
    let mut furthest = part.bytes;
    while part.bytes < part.file.bytes {
        let begun = Instant::now();
        let reason = match one_request(agent, address, part, patience, progress) {
            Ok(()) if part.bytes >= part.file.bytes => break,
            Ok(()) => format!("it ended after {} of {} bytes", part.bytes, part.file.bytes),
            Err(Attempt::Ended(reason)) => reason,
            Err(Attempt::Final(obstacle)) => return Err(obstacle),
        };
        // A connection that brought something new in good time is no failure, however often it ends.
        let new = part.bytes.saturating_sub(furthest);
        failures = if new > 0 && !patience.is_slow(new, begun.elapsed()) { 0 } else { failures + 1 };
        furthest = furthest.max(part.bytes);
        if failures >= patience.connections {
            return Err(Obstacle::Network(reason));
        }
    }
    Ok(())
}

/// How a request ends that does not bring all.
enum Attempt {
    /// Another may bring more.
    Ended(String),
    /// Another would end in the same way.
    Final(Obstacle),
}

fn one_request(
    agent: &Agent,
    address: &str,
    part: &mut Part<'_>,
    patience: &Patience,
    progress: &mut dyn FnMut(Transfer<'_>),
) -> Result<(), Attempt> {
    let refuse = |reason: String| Attempt::Final(Obstacle::Network(reason));
    let disk = |e| Attempt::Final(Obstacle::Disk(e));
    let mut request = agent.get(address);
    if part.bytes > 0 {
        request = request.header(header::RANGE, format!("bytes={}-", part.bytes));
    }
    let response = request.call().map_err(|e| match e {
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed | ureq::Error::Protocol(_) => {
            Attempt::Ended(e.to_string())
        }
        e => refuse(e.to_string()),
    })?;
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {
            let range = response.headers().get(header::CONTENT_RANGE).and_then(|r| r.to_str().ok()).unwrap_or_default();
            let first = range.strip_prefix("bytes ").and_then(|r| r.split('-').next()?.parse().ok());
            if first != Some(part.bytes) {
                let reason = format!("bytes from {} were asked for, `{range}` came", part.bytes);
                part.restart().map_err(disk)?;
                return Err(Attempt::Ended(reason));
            }
        }
        // It knows no ranges: all comes again.
        StatusCode::OK => part.restart().map_err(disk)?,
        StatusCode::RANGE_NOT_SATISFIABLE => {
            return Err(refuse(format!("it has less than the {} bytes of {}", part.file.bytes, part.file.file)));
        }
        status => return Err(refuse(format!("it answers {status}"))),
    }
    let mut body = response.into_body().into_reader();
    let mut block = vec![0; BLOCK];
    let (mut since, mut from) = (Instant::now(), part.bytes);
    loop {
        let n = match body.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => {
                return Err(Attempt::Ended(format!("it ended after {} of {} bytes: {e}", part.bytes, part.file.bytes)));
            }
        };
        if part.bytes + n as u64 > part.file.bytes {
            part.restart().map_err(disk)?;
            return Err(refuse(format!("it has more than the {} bytes of {}", part.file.bytes, part.file.file)));
        }
        part.append(&block[..n]).map_err(disk)?;
        progress(Transfer { file: part.file.file, bytes: part.bytes, of: part.file.bytes });
        let (came, time) = (part.bytes - from, since.elapsed());
        if time >= patience.pace.1 && part.bytes < part.file.bytes {
            if patience.is_slow(came, time) {
                let left = part.file.bytes - part.bytes;
                let reason = format!("it is too slow, {came} bytes in {:.1} s with {left} to come", time.as_secs_f64());
                return Err(Attempt::Ended(reason));
            }
            (since, from) = (Instant::now(), part.bytes);
        }
    }
}

/// The file under its temporary name, locked, so that two processes do not write it.
struct Part<'a> {
    file: &'a Download,
    path: PathBuf,
    handle: File,
    bytes: u64,
    hash: Sha256,
}

impl<'a> Part<'a> {
    /// Opens what an earlier attempt left, or a new one.
    fn open(folder: &Path, file: &'a Download) -> Result<Self, DataError> {
        let path = folder.join(format!("{}.part", file.file));
        let io = |doing| {
            let path = path.clone();
            move |source| DataError::Io { path, doing, source }
        };
        let handle = open_own(&path).map_err(io("cannot be written"))?;
        bounded::regular(&path, handle.metadata().map_err(io("cannot be read"))?.file_type())?;
        match handle.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::new(io::ErrorKind::WouldBlock, "wait for it, or end it");
                return Err(io("is being downloaded by another process")(busy));
            }
            // A file system without locks is no reason not to download.
            Err(TryLockError::Error(_)) => {}
        }
        let mut part = Self { file, path: path.clone(), handle, bytes: 0, hash: Sha256::new() };
        part.read_back().map_err(io("cannot be read"))?;
        Ok(part)
    }

    fn read_back(&mut self) -> io::Result<()> {
        self.bytes = hash(&mut self.handle, self.file.bytes, &mut self.hash)?;
        if self.bytes > self.file.bytes {
            self.restart()?;
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.handle.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.handle.set_len(0)?;
        self.handle.seek(SeekFrom::Start(0))?;
        (self.bytes, self.hash) = (0, Sha256::new());
        Ok(())
    }

    /// Gives the file its name if its checksum is right, else empties it and tells the wrong checksum.
    fn finish(&mut self, path: &Path) -> Result<Option<String>, DataError> {
        let found = digest::hex(&self.hash.clone().finalize());
        let right = found == self.file.sha256;
        let done = match right {
            true => self.handle.sync_all().and_then(|()| fs::rename(&self.path, path)),
            false => self.restart(),
        };
        done.map_err(|source| DataError::Io { path: self.path.clone(), doing: "cannot be written", source })?;
        Ok((!right).then_some(found))
    }

    /// Takes an empty file away.
    fn close(self) {
        if self.bytes == 0 {
            // It holds nothing: if it stays, the next attempt uses it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens a file for what is downloaded, or makes it; not what a link leads to, which may be anyone's.
fn open_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(io::Error::other("it is a symbolic link; take it away")),
        _ => options.open(path),
    }
}

/// The SHA-256 of a file, which should have so many bytes.
fn checksum(path: &Path, bytes: u64) -> Result<String, DataError> {
    let (mut file, _) = bounded::open(path)?;
    let mut sum = Sha256::new();
    hash(&mut file, bytes, &mut sum).map_err(|e| DataError::read(path, e))?;
    Ok(digest::hex(&sum.finalize()))
}

/// Takes a file to its end into a checksum, or to a byte more than it should have, and counts its bytes.
fn hash(file: &mut File, bytes: u64, sum: &mut Sha256) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut file = file.take(bytes.saturating_add(1));
    let mut bytes = 0;
    loop {
        match file.read(&mut block)? {
            0 => return Ok(bytes),
            n => {
                sum.update(&block[..n]);
                bytes += n as u64;
            }
        }
    }
}
