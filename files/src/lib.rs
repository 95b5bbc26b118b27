//! Files that are whole, and files that one process has to itself.
//!
//! * What is written appears as a whole: beside its place first, then renamed. No reader sees half of it, and what was
//!   there stays until then.
//! * A lock holds as long as its process, however that ends.
//! * What lies beside a file meanwhile, `.NAME.RANDOM.tmp` and `.NAME.lock`, is removed by whoever made it: when it is done,
//!   or by [`abandon`] when it is interrupted. What a killed process left is removed by the next that writes the same file.

mod beside;
mod lock;
mod whole;

pub use beside::abandon;
pub use lock::Lock;
pub use whole::{check, write};

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

static WRITTEN: AtomicBool = AtomicBool::new(false);

/// Whether this process has written anything that outlasts it. A command that then fails is no command that was refused.
#[must_use]
pub fn has_written() -> bool {
    WRITTEN.load(Ordering::Relaxed)
}

/// Notes that something was written by other means than [`write()`]: a line was appended.
pub fn wrote() {
    WRITTEN.store(true, Ordering::Relaxed);
}

/// The folder that a file is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
