//! Data that is meant to do harm: files that unpack to gigabytes, links to devices, damage at every place. What is read
//! is refused or whole, and memory is counted while it is read.
#![cfg(feature = "data")]

mod bombs;
mod samples;
mod soak;

use evaluators::data::{Data, DataError, Places, Source};
use peak_alloc::PeakAlloc;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Counts every byte that is asked for, whether or not it is touched.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// One test at a time is counted.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs something by itself; returns the most that it had in memory at a time, in bytes, with what came of it.
fn counted<T>(run: impl FnOnce() -> T) -> (usize, T) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let out = run();
    (MEMORY.peak_usage().saturating_sub(before), out)
}

fn read(source: &str, places: &Places) -> Result<Data, DataError> {
    let source: Source = source.parse().unwrap_or_else(|e| panic!("{source}: {e}"));
    source.data(places)
}

fn put(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}
