//! Running the built binary, and comparing what it prints with golden files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A small network for the digits, with all that is random in training.
pub const SMALL: &str = "module @small {
  entry @main
  graph @main(%x: f32[N, 1, 8, 8]) {
    %v1 = conv2d %x {out=8, k=3, pad=1, bias=false}
    %n1 = batch_norm %v1
    %r1 = relu %n1
    %v2 = conv2d %r1 {out=8, k=3, pad=1, bias=false}
    %n2 = batch_norm %v2
    %d = drop_path %n2 {p=0.2}
    %s = add %r1, %d
    %p = max_pool %s {k=2, stride=2}
    %f = flatten %p
    %o = dropout %f {p=0.1}
    %logits = linear %o {out=10}
    return %logits
  }
}
";

/// What a command did.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// The binary in a folder, with nothing on its standard input.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanista"));
    command.args(args).current_dir(folder).stdin(Stdio::null()).env_remove("RUST_BACKTRACE").env("NO_COLOR", "1");
    command
}

/// The same, where a signal ends what it does: whoever starts tests in the background has turned SIGINT off for them and
/// for all that they start.
pub fn interruptible(folder: &Path, args: &[&str]) -> Command {
    let mut env = Command::new("env");
    env.args(["--default-signal=INT,TERM", env!("CARGO_BIN_EXE_lanista")]).args(args).current_dir(folder);
    env.stdin(Stdio::null()).env_remove("RUST_BACKTRACE").env("NO_COLOR", "1");
    env
}

/// Runs it to its end.
pub fn run_in(folder: &Path, args: &[&str]) -> Run {
    let Output { status, stdout, stderr } = command(folder, args).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    Run { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

/// The same, in the folder of the tests.
pub fn run(args: &[&str]) -> Run {
    run_in(&tests(), args)
}

/// Runs a command that must succeed, and returns what it prints.
#[track_caller]
pub fn ok(folder: &Path, args: &[&str]) -> String {
    let run = run_in(folder, args);
    assert_eq!(run.code, 0, "{args:?}: {}", run.err);
    run.out
}

/// Runs a command that must fail as bad usage, with one line of error, and returns the line.
#[track_caller]
pub fn refused(folder: &Path, args: &[&str]) -> String {
    let run = run_in(folder, args);
    assert_eq!(run.code, 2, "{args:?}: {}{}", run.out, run.err);
    assert_eq!(run.out, "", "{args:?} prints nothing");
    assert_eq!(run.err.lines().count(), 1, "{args:?}: {}", run.err);
    let line = run.err.trim_end().to_owned();
    let message = line.strip_prefix("error: ").unwrap_or_else(|| panic!("{args:?}: {line}"));
    message.to_owned()
}

/// The folder of the tests.
pub fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// An empty folder of one's own.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for temporary files")
}

/// Compares a text with a golden file.
#[track_caller]
pub fn golden(name: &str, text: &str) {
    testing::golden(&tests().join("golden").join(name), text).unwrap_or_else(|said| panic!("{said}"));
}

/// A text without what depends on the machine: wall-clock times.
pub fn timeless(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.starts_with("wall time") {
            return "wall time  ..".to_owned();
        }
        match line.find("searched in ") {
            Some(at) => {
                let rest = line[at..].split_once(" s;").map_or("", |(_, rest)| rest);
                format!("{}searched in .. s;{rest}", &line[..at])
            }
            None => line.to_owned(),
        }
    });
    lines.map(|l| l + "\n").collect()
}

/// A result as JSON without wall-clock times.
pub fn result(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).expect("the result was written");
    timeless_json(&text)
}

/// The same from its text.
pub fn timeless_json(text: &str) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_str(text).expect("the result is JSON");
    let wall = value.pointer_mut("/ledger/wall_seconds").expect("a documented field");
    assert!(wall.as_f64().is_some_and(|s| s >= 0.0), "{wall}");
    *wall = serde_json::json!(0);
    value
}
