//! A command that is interrupted says how to go on, and leaves nothing but what was kept.

use super::support::{folder, interruptible, ok, result};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// Too long to end before it is interrupted.
fn search<'a>(trials: &'a str, journal: &'a str) -> Vec<&'a str> {
    let evolution = ["--strategy", "regularized-evolution:population=20,sample=5", "--evaluator", "cost"];
    let kept = ["--trials", trials, "--journal", journal, "--json", "r.json", "--quiet"];
    [&["search", "darts:auxiliary=false"], &evolution[..], &kept[..]].concat()
}

/// Sends a signal, at once: a command to send it with would come late.
pub fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("a child that was not waited for");
}

/// Waits until a file has so many bytes.
#[track_caller]
pub fn grown(child: &mut Child, path: &Path, bytes: u64) {
    while fs::metadata(path).map_or(0, |m| m.len()) < bytes {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it was interrupted");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("there");
    entries.map(|e| e.expect("an entry").file_name().into_string().expect("a name")).collect()
}

#[test]
fn a_search_says_how_to_go_on() {
    let whole = folder();
    ok(whole.path(), &search("3000", "j.jsonl"));
    let expected = result(&whole.path().join("r.json"));
    for (number, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let f = folder();
        let journal = "a journal's.jsonl";
        let mut child = interruptible(f.path(), &search("3000", journal)).stderr(Stdio::piped()).spawn().expect("runs");
        grown(&mut child, &f.path().join(journal), 2_000);
        signal(&child, number);
        let Output { status, stderr, .. } = child.wait_with_output().expect("a child");
        let message = String::from_utf8_lossy(&stderr).into_owned();
        assert_eq!(status.code(), Some(code), "{message}");
        assert_eq!(message, "interrupted; go on with `lanista resume \"a journal's.jsonl\"`\n");
        assert_eq!(names(f.path()), [journal]);
        ok(f.path(), &["resume", journal, "--json", "r.json", "--quiet"]);
        assert_eq!(result(&f.path().join("r.json")), expected);
    }
}

/// Where nothing is kept, there is nothing to go on from.
#[test]
fn without_a_journal_it_only_ends() {
    let f = folder();
    let args = ["search", "darts", "--strategy", "random:replace=true", "--evaluator", "cost", "--trials", "1000000"];
    let mut child = interruptible(f.path(), &args).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("runs");
    // It listens before anything else.
    while !fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs").lines().any(|line| {
        line.strip_prefix("SigCgt:")
            .is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).expect("a mask") >> 14 & 1 == 1)
    }) {
        assert!(child.try_wait().expect("a child").is_none());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    signal(&child, Signal::TERM);
    let Output { status, stdout, stderr } = child.wait_with_output().expect("a child");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!((status.code(), text(&stdout), text(&stderr)), (Some(143), String::new(), "interrupted\n".to_owned()));
}

/// `nohup` and scripts turn signals off for what they start.
#[test]
fn a_signal_that_is_turned_off_stays_off() {
    let f = folder();
    let program = env!("CARGO_BIN_EXE_lanista");
    let script = format!("trap '' INT; exec {program} \"$@\"");
    let args = [&["-c", &script, "sh"], &search("3000", "j.jsonl")[..]].concat();
    let mut child = Command::new("sh").args(args).current_dir(f.path()).stdout(Stdio::null()).spawn().expect("runs");
    grown(&mut child, &f.path().join("j.jsonl"), 2_000);
    signal(&child, Signal::INT);
    assert_eq!(child.wait().expect("a child").code(), Some(0));
    assert!(f.path().join("r.json").is_file());
}
