//! Event files of TensorBoard: numbers, and with the feature `torch` pictures, over the course of a search or a training.
//!
//! A file is a row of TFRecords, each a message of TensorFlow's `event.proto` in a frame of lengths and checksums
//! (<https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details>).

#[cfg(feature = "torch")]
mod picture;
mod proto;

use crc::{CRC_32_ISCSI, Crc};
use prost::Message;
#[cfg(feature = "torch")]
use proto::Image;
use proto::{Event, SessionLog, Shown, Summary, Value, What};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How the names of the files begin, before the seconds of 1970.
const PREFIX: &str = "events.out.tfevents.";

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Writes an event file.
///
/// ```
/// use lanista::events::EventWriter;
///
/// let folder = tempfile::tempdir()?;
/// let mut events = EventWriter::create(folder.path())?;
/// events.scalar("loss/train", 2.3).scalar("loss/valid", 2.4).write(1)?;
/// assert!(events.path().starts_with(folder.path()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EventWriter {
    file: File,
    path: PathBuf,
    values: Vec<Value>,
}

impl EventWriter {
    /// A new file in a folder, which is made if it is not there. TensorBoard shows a folder as a run.
    ///
    /// # Errors
    /// If the folder cannot be made or written to.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        // Files of a run are read in the order of their names, so this one is named for a later second than those there.
        let begun = |entry: io::Result<fs::DirEntry>| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_prefix(PREFIX)?.split('.').next()?.parse::<u64>().ok()
        };
        let last = fs::read_dir(folder)?.filter_map(begun).max();
        let mut seconds = last.map_or(0, |s| s.saturating_add(1)).max(now() as u64);
        let (path, file) = loop {
            let path = folder.join(format!("{PREFIX}{seconds:010}.lanista.{}", std::process::id()));
            match File::create_new(&path) {
                Ok(file) => break (path, file),
                // Another writer of this process came first.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => seconds += 1,
                Err(e) => return Err(e),
            }
        };
        let mut writer = Self { file, path, values: Vec::new() };
        writer.event(0, What::FileVersion("brain.Event:2".to_owned()))?;
        Ok(writer)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says that what earlier files show from a step on does not count: a run that was killed goes on there, or begins
    /// anew.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn restart(&mut self, step: u64) -> io::Result<()> {
        self.event(step as i64, What::SessionLog(SessionLog { status: proto::START }))
    }

    /// A number of the step that is written next. Slashes group tags.
    pub fn scalar(&mut self, tag: &str, value: f64) -> &mut Self {
        self.values.push(Value { tag: tag.to_owned(), shown: Some(Shown::SimpleValue(value as f32)) });
        self
    }

    /// A drawing of the step that is written next; with the feature `torch`.
    ///
    /// # Errors
    /// If it is no SVG, or too large.
    #[cfg(feature = "torch")]
    pub fn drawing(&mut self, tag: &str, svg: &str) -> Result<&mut Self, String> {
        let picture::Picture { width, height, png } = picture::render(svg)?;
        let image = Image { height: height as i32, width: width as i32, colorspace: 4, encoded_image_string: png };
        self.values.push(Value { tag: tag.to_owned(), shown: Some(Shown::Image(image)) });
        Ok(self)
    }

    /// Writes what was collected, as of a step. All of it reaches the file, or TensorBoard leaves the torn end out.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write(&mut self, step: u64) -> io::Result<()> {
        let value = std::mem::take(&mut self.values);
        self.event(step as i64, What::Summary(Summary { value }))
    }

    fn event(&mut self, step: i64, what: What) -> io::Result<()> {
        let data = Event { wall_time: now(), step, what: Some(what) }.encode_to_vec();
        self.file.write_all(&record(&data))?;
        self.file.flush()
    }
}

/// A record: the length, its checksum, the bytes, their checksum, all little-endian.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend(length);
    out.extend(masked(&length).to_le_bytes());
    out.extend(data);
    out.extend(masked(data).to_le_bytes());
    out
}

/// CRC-32C, rotated and shifted: the format's, so that a checksum of checksums is none.
fn masked(data: &[u8]) -> u32 {
    CRC.checksum(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}
