//! What this process has beside its files.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Paths to be removed before the process ends. They are made, renamed and removed while this is held, so that an
/// interrupted process misses none.
static BESIDE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

pub(crate) fn held() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    BESIDE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what this process has beside its files. Whoever calls this ends the process next: any other thread that begins
/// or ends a write, or takes a lock, waits for ever.
pub fn abandon() {
    let held = held();
    for path in &*held {
        // It may be gone; nothing can be done about it in any case.
        let _ = fs::remove_file(path);
    }
    std::mem::forget(held);
}

/// Bytes of a name that are kept, so that what is added to it fits into the name of a file.
const KEPT: usize = 180;

/// `.NAME`, cut where the name is long.
pub(crate) fn hidden(path: &Path) -> OsString {
    let name = path.file_name().unwrap_or_default();
    let mut out = OsString::from(".");
    match name.to_str() {
        Some(text) => out.push(
            text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= KEPT).map(|(_, c)| c).collect::<String>(),
        ),
        None => out.push(name),
    }
    out
}
