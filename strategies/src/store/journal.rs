//! A store in an append-only file of JSON lines.
//!
//! * A line is written whole, by one call, when its trial has been told; nothing before it is touched again.
//! * Lines reach the operating system at once, so a killed process loses nothing that was told. The file is synced to
//!   the disk when the study ends; a machine that loses power may lose the last lines, never the order.
//! * Each line has a checksum of itself and all before it, so that what was changed afterwards is noticed.
//! * A last line without its line break was torn by a kill: resuming cuts it off, and the trial runs again.
//! * The file is locked while it is open: a second writer is refused. A study that has ended is only read.
//! * An existing file is never overwritten, except one that holds nothing but the torn header of this very study.

use super::chain::Chain;
use super::line::{self, Line};
use super::{End, Store, Stored, StudyIdentity};
use crate::error::StoreError;
use crate::trial::Trial;
use files::Lock;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Keeps trials in a file of JSON lines, so that a study that was killed can be resumed.
///
/// ```
/// use evaluators::{Candidate, Function, Metric};
/// use strategies::{Experiment, Journal};
/// let space = mutators::spaces::build("toy")?;
/// let layers = Function::new("layers", Metric::minimize("layers", ""), |c: &Candidate<'_>| {
///     Ok(c.program()?.instances.len() as f64)
/// });
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("study.jsonl");
/// let random = || strategies::build("random");
///
/// let mut journal = Journal::create(&path);
/// let first = Experiment::new(&space, random()?, &layers).trials(10).store(&mut journal).run()?;
/// drop(journal);
///
/// // A study that has ended is read back; nothing is evaluated again.
/// let mut journal = Journal::resume(&path);
/// let again = Experiment::new(&space, random()?, &layers).trials(10).store(&mut journal).run()?;
/// assert_eq!(again.trials, first.trials);
/// assert_eq!(again.evaluated, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    fresh: bool,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    _lock: Lock,
    /// Bytes of whole lines.
    length: u64,
    /// What the next line goes on from.
    chain: Chain,
    buffer: Vec<u8>,
}

impl Journal {
    /// A new journal; it is an error if the file is there already. The file is made when the experiment opens it.
    pub fn create(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), fresh: true, open: None }
    }

    /// A journal that is there already.
    pub fn resume(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), fresh: false, open: None }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The study that a journal holds, so that its space, strategy and evaluator can be built again.
    ///
    /// # Errors
    /// If the file cannot be read or is no journal.
    pub fn study(path: impl AsRef<Path>) -> Result<StudyIdentity, StoreError> {
        let path = path.as_ref();
        let io = |source| StoreError::Io { path: path.to_owned(), what: "read", source };
        let file = File::open(path).map_err(io)?;
        let mut head = Vec::new();
        let mut reader = std::io::BufReader::new(file).take(MAX_HEADER);
        std::io::BufRead::read_until(&mut reader, b'\n', &mut head).map_err(io)?;
        match head.strip_suffix(b"\n") {
            Some(line) => {
                let read = line::read_header(line).map(|(study, _)| study);
                read.map_err(|reason| StoreError::Format { path: path.to_owned(), reason })
            }
            None if b"{\"journal\":".starts_with(&head[..head.len().min(11)]) => {
                Err(StoreError::NoHeader { path: path.to_owned() })
            }
            None => Err(StoreError::Format {
                path: path.to_owned(),
                reason: "this file is no journal of Lanista; name a file that `lanista search --journal` wrote".into(),
            }),
        }
    }

    fn io(&self, what: &'static str) -> impl FnOnce(std::io::Error) -> StoreError + '_ {
        move |source| StoreError::Io { path: self.path.clone(), what, source }
    }

    /// What `lock` says of an open file, which another process may have.
    fn locked(&self, lock: std::io::Result<Option<Lock>>) -> Result<Lock, StoreError> {
        lock.map_err(self.io("lock"))?.ok_or_else(|| StoreError::Locked { path: self.path.clone() })
    }

    /// Opens the file, which must be new or hold a torn header of this study, and writes the header.
    fn start(&mut self, study: &StudyIdentity) -> Result<Stored, StoreError> {
        let (header, chain) = line::header(study).map_err(|e| self.io("write")(e.into()))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&self.path).map_err(self.io("create"))?;
        let lock = self.locked(Lock::of(&file))?;
        let mut old = Vec::new();
        (&mut file).take(header.len() as u64).read_to_end(&mut old).map_err(self.io("read"))?;
        // A whole header, or anything else, is somebody's work.
        if old.len() >= header.len() || !header.starts_with(&old) {
            return Err(StoreError::Exists { path: self.path.clone() });
        }
        file.seek(SeekFrom::Start(0)).map_err(self.io("write"))?;
        file.write_all(&header).map_err(self.io("write"))?;
        self.open = Some(Open { file, _lock: lock, length: header.len() as u64, chain, buffer: Vec::new() });
        Ok(Stored::default())
    }

    /// Reads the file, and checks that it holds this study. If it has not ended, a torn last line is cut off, and the
    /// file stays open for the trials to come; else nothing of it is changed.
    fn reopen(&mut self, study: &StudyIdentity) -> Result<Stored, StoreError> {
        let mut file = File::open(&self.path).map_err(self.io("open"))?;
        let mut lock = self.locked(Lock::shared(&file))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(self.io("read"))?;
        let ended = has_ended(&bytes);
        if !ended {
            drop((lock, file));
            file = OpenOptions::new().read(true).write(true).open(&self.path).map_err(self.io("open"))?;
            lock = self.locked(Lock::of(&file))?;
            bytes.clear();
            file.read_to_end(&mut bytes).map_err(self.io("read"))?;
        }
        let Content { study: known, stored, length, chain } = read(&self.path, &bytes)?;
        if let Some((field, stored, given)) = known.difference(study) {
            return Err(StoreError::OtherStudy { place: format!("{}:1", self.path.display()), field, stored, given });
        }
        if ended {
            return Ok(stored);
        }
        if length < bytes.len() {
            file.set_len(length as u64).map_err(self.io("cut the torn line of"))?;
        }
        file.seek(SeekFrom::Start(length as u64)).map_err(self.io("write"))?;
        self.open = Some(Open { file, _lock: lock, length: length as u64, chain, buffer: Vec::new() });
        Ok(stored)
    }

    /// Writes a line that `fill` puts into the buffer.
    fn append(&mut self, fill: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) -> Result<(), StoreError> {
        let failed = |path: &Path, source| StoreError::Io { path: path.to_owned(), what: "write", source };
        let Some(open) = &mut self.open else {
            return Err(failed(&self.path, std::io::Error::other("it is not open, or its study has ended")));
        };
        open.buffer.clear();
        fill(&mut open.buffer).map_err(|e| failed(&self.path, e.into()))?;
        let chain = open.chain.seal(&mut open.buffer);
        if let Err(e) = open.file.write_all(&open.buffer) {
            // A half-written line (a full disk) would be cut when resuming anyway; this keeps the file whole.
            let _ = open.file.set_len(open.length);
            return Err(failed(&self.path, e));
        }
        open.length += open.buffer.len() as u64;
        open.chain = chain;
        files::wrote();
        Ok(())
    }
}

/// A header longer than this is none.
const MAX_HEADER: u64 = 1 << 20;

/// Whether the last whole line is that of a study's end.
fn has_ended(bytes: &[u8]) -> bool {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(&[][..], |end| &bytes[..end]);
    let start = whole.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    whole[start..].starts_with(line::END)
}

/// What a journal holds.
struct Content {
    study: StudyIdentity,
    stored: Stored,
    /// Bytes of whole lines.
    length: usize,
    /// What the next line goes on from.
    chain: Chain,
}

fn read(path: &Path, bytes: &[u8]) -> Result<Content, StoreError> {
    let length = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let mut lines = bytes[..length].split_inclusive(|b| *b == b'\n').map(|l| &l[..l.len() - 1]);
    let Some(head) = lines.next() else {
        let torn = bytes.iter().zip(b"{\"journal\":").all(|(a, b)| a == b);
        let path = path.to_owned();
        return Err(if torn {
            StoreError::NoHeader { path }
        } else {
            StoreError::Format { path, reason: "this file is no journal of Lanista; name another file".into() }
        });
    };
    let header = line::read_header(head);
    let (study, mut chain) = header.map_err(|reason| StoreError::Format { path: path.to_owned(), reason })?;
    let mut stored = Stored::default();
    for (i, text) in lines.enumerate() {
        let corrupt = |reason| StoreError::Corrupt { path: path.to_owned(), line: i as u64 + 2, reason };
        if stored.end.is_some() {
            return Err(corrupt("a line after the study's end".into()));
        }
        let (object, next) = chain.check(text).map_err(corrupt)?;
        match line::read(&object, i as u64).map_err(corrupt)? {
            Line::Trial(record) => {
                check(&record, &study, i as u64).map_err(corrupt)?;
                stored.records.push_back(record);
            }
            Line::End(end) => stored.end = Some(end),
        }
        chain = next;
    }
    Ok(Content { study, stored, length, chain })
}

/// What is wrong with a trial of a study.
fn check(record: &super::Record, study: &StudyIdentity, trial: u64) -> Result<(), String> {
    if let Some(values) = record.outcome.values() {
        if values.len() != study.metrics.len() {
            return Err(format!("{} values where the study has {} metrics", values.len(), study.metrics.len()));
        }
        let seconds = record.outcome.seconds();
        if seconds < 0.0 {
            return Err(format!("{seconds} simulated seconds"));
        }
    }
    match record.parent {
        Some(p) if p >= trial => Err(format!("parent {p} is no earlier trial")),
        _ => Ok(()),
    }
}

impl Store for Journal {
    fn open(&mut self, study: &StudyIdentity) -> Result<Stored, StoreError> {
        self.open = None;
        if self.fresh {
            let stored = self.start(study)?;
            self.fresh = false;
            return Ok(stored);
        }
        self.reopen(study)
    }

    fn push(&mut self, trial: &Trial, wall: f64) -> Result<(), StoreError> {
        self.append(|line| line::trial(line, trial, wall))
    }

    fn finish(&mut self, end: &End) -> Result<(), StoreError> {
        self.append(|line| line::end(line, end))?;
        match &self.open {
            Some(open) => open.file.sync_all().map_err(self.io("sync")),
            None => Ok(()),
        }
    }

    fn place(&self, trial: u64) -> String {
        format!("{}:{}", self.path.display(), trial.saturating_add(2))
    }
}
