//! What tests need and the repository does not hold: a Python with torch, a data set, a GPU, a browser; damaged files, and golden ones.
//!
//! * A test that lacks something skips, and says so on standard error, past the harness that captures output.
//! * With `LANISTA_REQUIRE_ALL=1`, as in continuous integration, it fails instead.

mod damage;
mod golden;
pub mod soak;

pub use damage::{damaged, resealed};
pub use golden::golden;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The variable that turns a skip into a failure.
pub const REQUIRE_ALL: &str = "LANISTA_REQUIRE_ALL";

/// Whether a test can go on: `if !require("Fashion-MNIST", path.exists()) { return; }`.
///
/// # Panics
/// If it is not available and `LANISTA_REQUIRE_ALL` is `1`.
#[track_caller]
pub fn require(what: &str, available: bool) -> bool {
    decide(what, available, required())
}

fn required() -> bool {
    std::env::var_os(REQUIRE_ALL).is_some_and(|v| v == "1")
}

#[track_caller]
fn decide(what: &str, available: bool, required: bool) -> bool {
    assert!(available || !required, "{what} is not available, and {REQUIRE_ALL}=1 lets nothing be skipped");
    if !available {
        let at = std::panic::Location::caller();
        // Unlike `eprintln`, this is not captured. If standard error is closed, nobody wants to know.
        let _ = writeln!(io::stderr().lock(), "SKIP {}:{}: {what} is not available", at.file(), at.line());
    }
    available
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A Python that has torch, as `scripts/python.sh` finds it: `$LANISTA_PYTHON`, that of `.venv`, or `python3`.
pub fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let output = Command::new("bash").arg(repository().join("scripts/python.sh")).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| PathBuf::from(path.trim_end()))
    };
    PYTHON.get_or_init(find).as_deref()
}

/// A Python that has torch and all of some modules; skips or fails like [`require`] where there is none.
///
/// # Panics
/// If there is none and `LANISTA_REQUIRE_ALL` is `1`.
#[track_caller]
pub fn require_python(modules: &[&str]) -> Option<&'static Path> {
    let imports = |python: &Path| {
        let code = "import importlib.util as u, sys; sys.exit(not all(u.find_spec(m) for m in sys.argv[1:]))";
        let run = Command::new(python).args(["-c", code]).args(modules).output();
        run.is_ok_and(|output| output.status.success())
    };
    let found = python().filter(|p| imports(p));
    let what = format!("a Python with {}", [&["torch"], modules].concat().join(", "));
    require(&what, found.is_some()).then_some(found).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_used() {
        assert!(decide("a test", true, true));
        assert!(decide("a test", true, false));
    }

    #[test]
    fn what_is_absent_is_skipped() {
        assert!(!decide("the moon (this is a test of skipping)", false, false));
    }

    #[test]
    #[should_panic(expected = "the moon is not available, and LANISTA_REQUIRE_ALL=1 lets nothing be skipped")]
    fn unless_nothing_may_be() {
        decide("the moon", false, true);
    }

    #[test]
    fn the_repository_is_here() {
        assert!(repository().join("scripts/python.sh").is_file());
    }
}
