//! Nothing that a command reads or keeps is written over by another of its files, and no result is lost because one of its
//! files cannot be written.

use super::support::{command, folder, ok, refused, run_in, timeless_json};
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

const SEARCH: [&str; 9] = ["search", "toy", "--strategy", "random", "--evaluator", "cost", "--trials", "20", "--quiet"];

fn search<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SEARCH[..], more].concat()
}

/// Runs a command that must be refused, in a folder that stays as it is.
#[track_caller]
fn spared(folder: &Path, args: &[&str], parts: &[&str]) {
    let contents = || {
        let entries = fs::read_dir(folder).expect("there").map(|e| e.expect("an entry").path());
        let mut files: Vec<_> = entries.map(|p| (p.clone(), fs::read(&p).ok())).collect();
        files.sort();
        files
    };
    let before = contents();
    let message = refused(folder, args);
    for part in parts {
        assert!(message.contains(part), "{args:?}: `{part}` is missing in: {message}");
    }
    assert!(contents() == before, "{args:?}: the folder is not as it was");
}

#[test]
fn a_journal_is_no_other_file_of_its_command() {
    let f = folder();
    ok(f.path(), &search(&["--journal", "g.jsonl"]));
    let one = "are one file; name two";
    spared(f.path(), &["resume", "g.jsonl", "--json", "g.jsonl"], &["the journal g.jsonl and --json g.jsonl", one]);
    fs::hard_link(f.path().join("g.jsonl"), f.path().join("hard")).expect("a link");
    spared(f.path(), &["resume", "g.jsonl", "--json", "hard"], &["--json hard", one]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("g.jsonl", f.path().join("soft")).expect("a link");
        spared(f.path(), &["resume", "soft", "--json", "g.jsonl"], &["--json g.jsonl", one]);
        spared(f.path(), &["resume", "g.jsonl", "--json", "soft"], &["--json soft", one]);
    }
    spared(f.path(), &search(&["--journal", "y", "--json", "./y"]), &["--journal y and --json ./y", one]);
    spared(f.path(), &search(&["--journal", "x", "--draw", "x"]), &["--journal x and --draw x", one]);
    spared(f.path(), &search(&["--draw", "x", "--json", "x"]), &["--draw x and --json x", one]);
    spared(f.path(), &search(&["--journal", "no/../x", "--json", "x"]), &["--journal no/../x and --json x", one]);
    spared(
        f.path(),
        &search(&["--journal", "x", "--json", "x/y"]),
        &["--json x/y: cannot lie in the file --journal x"],
    );
}

#[test]
fn what_is_read_is_not_written() {
    let f = folder();
    let lir = ok(f.path(), &["show", "toy", "--random", "3"]);
    fs::write(f.path().join("net.lir"), lir).expect("a file");
    let over = "would be written over";
    spared(
        f.path(),
        &["show", "net.lir", "--output", "./net.lir"],
        &["--output ./net.lir: would be", "the module net.lir"],
    );
    let args = ["search", "net.lir", "--strategy", "random", "--evaluator", "cost", "--trials", "1"];
    for option in ["--json", "--draw", "--journal"] {
        spared(f.path(), &[&args[..], &[option, "net.lir"]].concat(), &[option, over, "the module net.lir"]);
    }
    ok(f.path(), &["export", "net.lir", "--format", "pytorch", "--output", "net.py"]);
    let weights = ["export", "net.lir", "--weights", "net.safetensors", "--output"];
    spared(
        f.path(),
        &[&weights[..], &["net.py", "--format", "pytorch"]].concat(),
        &["--output net.safetensors: would be written over --weights net.safetensors"],
    );
    spared(f.path(), &[&weights[..], &["net.safetensors", "--format", "onnx"]].concat(), &[over]);
    ok(f.path(), &[&weights[..], &["other.py", "--format", "pytorch"]].concat());
}

/// Pipes and devices lose nothing, and may be named twice.
#[test]
#[cfg(unix)]
fn devices_are_written_as_they_are() {
    let f = folder();
    ok(f.path(), &search(&["--json", "/dev/null", "--draw", "/dev/null"]));
}

/// A disk is full: the other results are there, the reason comes last, and the exit code is that of a failure.
#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_costs_nothing_else() {
    let f = folder();
    let whole = ok(f.path(), &search(&[]));
    let run = run_in(f.path(), &search(&["--json", "/dev/full", "--draw", "net.svg"]));
    assert_eq!((run.code, run.out.lines().count()), (1, whole.lines().count()), "{}{}", run.out, run.err);
    assert!(run.err.starts_with("error: /dev/full: cannot be written: No space left"), "{}", run.err);
    assert!(fs::read_to_string(f.path().join("net.svg")).expect("drawn").ends_with("</svg>\n"));
    let run = run_in(f.path(), &search(&["--draw", "/dev/full", "--json", "r.json"]));
    assert_eq!((run.code, run.err.lines().count()), (1, 1), "{}", run.err);
    timeless_json(&fs::read_to_string(f.path().join("r.json")).expect("written"));

    // Standard output is one of them.
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("a device"));
    let out = command(f.path(), &search(&["--json", "s.json"])).stdout(full()).output().expect("runs");
    assert_eq!(out.status.code(), Some(1));
    timeless_json(&fs::read_to_string(f.path().join("s.json")).expect("written"));
    let out = command(f.path(), &["spaces"]).stdout(full()).output().expect("runs");
    assert_eq!(out.status.code(), Some(1), "nothing is wrong with the usage");

    // Several failures are told one by one.
    let run = run_in(f.path(), &search(&["--json", "/dev/full", "--draw", "/dev/full"]));
    assert_eq!((run.code, run.err.lines().count()), (1, 2), "{}", run.err);
    let run = run_in(f.path(), &["export", "toy", "--random", "1", "--format", "onnx", "--output", "/dev/full"]);
    assert_eq!((run.code, &*run.out), (1, ""), "{}", run.err);
}

/// Whoever closes the pipe has read enough; files are written all the same.
#[test]
fn a_closed_pipe_is_no_failure() {
    let f = folder();
    let mut child = command(f.path(), &search(&["--json", "r.json"])).stdout(Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("a child").code(), Some(0));
    timeless_json(&fs::read_to_string(f.path().join("r.json")).expect("written"));
}

/// A finished study is read from where nothing can be written.
#[test]
#[cfg(target_os = "linux")]
fn a_finished_journal_is_read_by_whoever_cannot_write_it() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let f = folder();
    ok(f.path(), &search(&["--journal", "j.jsonl"]));
    // The binary, since whoever runs it need not see where it was built.
    let program = f.path().join("lanista");
    fs::copy(env!("CARGO_BIN_EXE_lanista"), &program).expect("a copy");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    mode(&f.path().join("j.jsonl"), 0o444);
    mode(f.path(), 0o555);
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(&program);
        command.args(args).current_dir(f.path()).stdin(Stdio::null());
        let root = fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
        if root {
            // Root may write anything.
            command.uid(65_534).gid(65_534);
        }
        command.output().expect("runs")
    };
    let read = run(&["resume", "j.jsonl", "--quiet"]);
    let text = String::from_utf8_lossy(&read.stdout).into_owned();
    assert!(read.status.success() && text.contains("best"), "{text}{}", String::from_utf8_lossy(&read.stderr));
    // One that has not ended must be written, and says that it cannot be.
    let bytes = fs::read(f.path().join("j.jsonl")).expect("there");
    mode(f.path(), 0o755);
    fs::write(f.path().join("open.jsonl"), &bytes[..bytes.len() - 1]).expect("a file");
    mode(&f.path().join("open.jsonl"), 0o444);
    mode(f.path(), 0o555);
    let refused = run(&["resume", "open.jsonl", "--quiet"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{text}");
    assert!(text.contains("open.jsonl: cannot open the journal: Permission denied"), "{text}");
    mode(f.path(), 0o755);
}
