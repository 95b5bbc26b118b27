//! SIGINT and SIGTERM: what an interrupted command leaves, and how to go on.
//!
//! * What was kept is whole at any moment; what lies beside it on the way is removed.
//! * One line on standard error says that the command was interrupted, and how to go on.
//! * The exit code is 128 and the signal's number, as shells have it.
//! * A signal that whoever started the process has turned off, as `nohup` and scripts do, stays off.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// How to go on, told when it is asked for.
type Advice = Box<dyn Fn() -> String + Send>;

static ADVICE: Mutex<Option<Advice>> = Mutex::new(None);

/// Says how to go on, should the command be interrupted from here on.
pub fn advise(advice: impl Fn() -> String + Send + 'static) {
    *ADVICE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(advice));
}

/// A path as a shell reads it.
pub fn quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    shlex::try_quote(&path).map_or_else(|_| path.to_string(), |quoted| quoted.into_owned())
}

/// Listens from here on.
#[cfg(unix)]
pub fn listen() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    let wanted = [SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
    // Without, a signal ends the process as it ends any.
    let Ok(mut signals) = Signals::new(wanted) else { return };
    let listen = move || {
        if let Some(signal) = signals.forever().next() {
            end(signal);
        }
    };
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(listen);
}

/// Nothing to listen to.
#[cfg(not(unix))]
pub fn listen() {}

/// How long tidying up may take: a disk or whoever reads standard error may not answer.
#[cfg(unix)]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

#[cfg(unix)]
fn end(signal: i32) -> ! {
    use std::io::IsTerminal;
    let code = 128 + signal;
    std::thread::spawn(move || {
        std::thread::sleep(PATIENCE);
        signal_hook::low_level::exit(code);
    });
    files::abandon();
    let advice = ADVICE.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|advice| format!("; {}", advice()));
    // A bar has no line break behind it.
    if std::io::stderr().is_terminal() {
        super::output::note("");
    }
    super::output::note(&format!("interrupted{}", advice.unwrap_or_default()));
    // Other threads may be in the middle of libtorch: no destructor is run.
    signal_hook::low_level::exit(code)
}

/// Whether a signal was turned off when the process was started, where the system tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
