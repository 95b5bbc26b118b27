//! Journals: resuming, and journals that cannot be resumed.

use super::support::{folder, ok, refused, result, run_in};
use std::fs;
use std::path::Path;
use testing::resealed;

const SEARCH: &[&str] = &[
    "search",
    "nasbench201",
    "--strategy",
    "regularized-evolution:population=10,sample=3",
    "--evaluator",
    "nasbench201",
    "--trials",
    "200",
    "--seed",
    "4",
    "--jobs",
    "2",
    "--quiet",
];

fn with(extra: &[&'static str]) -> Vec<&'static str> {
    [SEARCH, extra].concat()
}

/// A folder with the journal and the result of the search.
fn searched() -> tempfile::TempDir {
    let f = folder();
    ok(f.path(), &with(&["--journal", "j.jsonl", "--json", "whole.json"]));
    f
}

fn cut(folder: &Path, bytes: usize) {
    let path = folder.join("j.jsonl");
    let journal = fs::read(&path).expect("a journal");
    fs::write(&path, &journal[..bytes.min(journal.len())]).expect("a file");
}

#[test]
fn a_truncated_journal_is_resumed_to_the_same_result() {
    let f = searched();
    let whole = result(&f.path().join("whole.json"));
    let full = fs::read(f.path().join("j.jsonl")).expect("a journal");
    let header = full.iter().position(|b| *b == b'\n').expect("a header") + 1;
    for part in [0.0, 0.01, 0.3, 0.5, 0.77, 0.999, 1.0] {
        fs::write(f.path().join("j.jsonl"), &full).expect("a file");
        cut(f.path(), header + ((full.len() - header) as f64 * part) as usize);
        ok(f.path(), &["resume", "j.jsonl", "--json", "resumed.json", "--quiet"]);
        assert_eq!(result(&f.path().join("resumed.json")), whole, "cut at {part}");
        let again = fs::read(f.path().join("j.jsonl")).expect("a journal");
        let lines = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count();
        assert_eq!(lines(&again), lines(&full), "cut at {part}");
    }
}

#[test]
fn a_finished_study_is_read_back_unchanged() {
    let f = searched();
    let before = fs::read(f.path().join("j.jsonl")).expect("a journal");
    let text = ok(f.path(), &["resume", "j.jsonl"]);
    assert!(text.contains("genotype"), "{text}");
    assert_eq!(fs::read(f.path().join("j.jsonl")).expect("a journal"), before);
}

#[test]
fn a_journal_is_never_overwritten() {
    let f = searched();
    let before = fs::read(f.path().join("j.jsonl")).expect("a journal");
    let message = refused(f.path(), &with(&["--journal", "j.jsonl"]));
    assert!(message.contains("j.jsonl") && message.contains("resume it"), "{message}");
    assert_eq!(fs::read(f.path().join("j.jsonl")).expect("a journal"), before);
}

#[test]
fn a_torn_header_is_started_again() {
    let f = searched();
    let whole = result(&f.path().join("whole.json"));
    cut(f.path(), 40);
    let message = refused(f.path(), &["resume", "j.jsonl"]);
    assert!(message.contains("j.jsonl:1") && message.contains("start the search again"), "{message}");
    ok(f.path(), &with(&["--journal", "j.jsonl", "--json", "again.json"]));
    assert_eq!(result(&f.path().join("again.json")), whole);
}

#[test]
fn journals_of_another_study() {
    let f = searched();
    let path = f.path().join("j.jsonl");
    let text = fs::read_to_string(&path).expect("a journal");
    for (from, to, parts) in [
        ("\"seed\":4", "\"seed\":5", ["j.jsonl:2", "the strategy now proposes"]),
        ("nasbench201:dataset=cifar10", "nasbench201:dataset=cifar11", ["j.jsonl:1", "cifar11"]),
        ("\"space\":\"nasbench201\"", "\"space\":\"nasbench202\"", ["j.jsonl:1", "did you mean `nasbench201`?"]),
        ("\"version\":2", "\"version\":9", ["j.jsonl:1", "version 9"]),
        ("regularized-evolution:", "regularised-evolution:", ["j.jsonl:1", "did you mean `regularized-evolution`?"]),
        ("{\"trial\":7,", "{\"trial\":8,", ["j.jsonl:9", "trial 7 is expected"]),
        ("{\"journal\"", "journal", ["j.jsonl:1", "is no journal"]),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from} is in the journal");
        // Whoever edits a journal by hand is told that its checksums are others, and may set them.
        fs::write(&path, &changed).expect("a file");
        refused(f.path(), &["resume", "j.jsonl", "--json", "out.json"]);
        let changed = if from.starts_with("{\"journal") { changed } else { resealed(&changed) };
        fs::write(&path, &changed).expect("a file");
        let message = refused(f.path(), &["resume", "j.jsonl", "--json", "out.json"]);
        for part in parts {
            assert!(message.contains(part), "{from}: `{part}` is missing in: {message}");
        }
        assert_eq!(fs::read_to_string(&path).expect("still there"), changed, "{from}: nothing is lost");
        assert!(!f.path().join("out.json").exists());
    }
}

#[test]
fn a_space_in_a_file_must_be_what_it_was() {
    let f = folder();
    let lir = ok(f.path(), &["show", "toy"]);
    fs::write(f.path().join("mine.lir"), &lir).expect("a file");
    let args =
        ["search", "mine.lir", "--strategy", "grid", "--evaluator", "cost", "--trials", "9", "--journal", "j.jsonl"];
    ok(f.path(), &args);
    cut(f.path(), fs::metadata(f.path().join("j.jsonl")).expect("there").len() as usize - 200);
    ok(f.path(), &["resume", "j.jsonl"]);
    fs::write(f.path().join("mine.lir"), lir.replace("out=10", "out=11")).expect("a file");
    let message = refused(f.path(), &["resume", "j.jsonl"]);
    assert!(message.contains("j.jsonl:1") && message.contains("its space is"), "{message}");
}

/// Whatever reads like a study is held to what a study can be.
#[test]
fn impossible_numbers_in_a_journal() {
    let f = folder();
    let timed =
        ["search", "toy", "--strategy", "random", "--evaluator", "cost", "--time-budget", "900", "--trials", "3"];
    ok(f.path(), &[&timed[..], &["--journal", "j.jsonl"]].concat());
    let path = f.path().join("j.jsonl");
    let text = fs::read_to_string(&path).expect("a journal");
    for seconds in ["-1", "1e300"] {
        let changed = text.replacen("\"wall_seconds\":900.0", &format!("\"wall_seconds\":{seconds}"), 1);
        assert_ne!(changed, text);
        fs::write(&path, resealed(&changed)).expect("a file");
        let message = refused(f.path(), &["resume", "j.jsonl"]);
        assert!(message.contains("j.jsonl:1") && message.contains("wall-clock seconds"), "{message}");
    }
}

#[test]
fn progress_is_plain_in_a_pipe() {
    let f = folder();
    let run = run_in(f.path(), &SEARCH[..SEARCH.len() - 1]);
    assert_eq!(run.code, 0);
    let lines: Vec<&str> = run.err.lines().collect();
    assert_eq!(lines.len(), 10, "{}", run.err);
    assert!(lines[0].starts_with("trial 20 of 200, best ") && lines[0].contains("evaluations/s"), "{}", lines[0]);
    assert!(!run.err.contains('\u{1b}'), "no escape sequences: {}", run.err);
}
