//! Names that would make a terminal do something are shown, and done nothing about; files for programs keep them.

use super::support::{Run, folder, ok, run_in};
use ir::text::is_hidden;
use serde_json::Value;
use std::fs;

/// Colours, a cleared screen by the one-byte introducer, a title, a line that looks like a result, a text that runs
/// backwards, blanks without a width.
const LABEL: &str = "op\u{1b}[31m";
const EVIL: &str = "\u{9b}2J\u{1b}]0;owned\u{7}";
const BACKWARDS: &str = "a\u{202e}\u{2066}b\nbest  trial 7\r\u{200b}\u{7f}";

/// The space as text, its names as they are.
fn space() -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('\n', "\\n").replace('\r', "\\r"));
    let (label, evil, backwards) = (quoted(LABEL), quoted(EVIL), quoted(BACKWARDS));
    format!(
        "module @{backwards} {{
  decision ?{label} in [{evil}, {backwards}]
  entry @{evil}
  graph @{evil}(%x: f32[N, 1, 8, 8]) {{
    %{backwards} = choice ?{label} (%x) {{{evil}: conv2d {{out=2, k=3}}, {backwards}: conv2d {{out=2, k=3, bias=false}}}}
    %p = flatten %{backwards}
    %logits = linear %p {{out=10}}
    return %logits
  }}
}}
"
    )
}

#[track_caller]
fn harmless(what: &str, text: &str) {
    let bad = text.chars().find(|c| *c != '\n' && is_hidden(*c));
    assert_eq!(bad, None, "{what}: {text:?}");
    assert!(text.lines().all(|l| !l.starts_with("best  trial 7")), "{what}: a name begins no line: {text}");
}

/// A folder with the space, and a command in it.
fn with_space() -> tempfile::TempDir {
    let f = folder();
    fs::write(f.path().join("evil.lir"), space()).expect("a file");
    f
}

#[test]
fn what_is_printed_for_people_makes_a_terminal_do_nothing() {
    let f = with_space();
    let search = ["search", "evil.lir", "--strategy", "grid", "--evaluator", "cost", "--trials", "9"];
    let broken = space().replace("out=10", "out=0");
    fs::write(f.path().join("broken.lir"), broken).expect("a file");
    let unknown = format!("{EVIL}={BACKWARDS}");
    let commands: Vec<(i32, Vec<&str>)> = vec![
        (0, vec!["verify", "evil.lir"]),
        (0, vec!["show", "evil.lir"]),
        (0, vec!["show", "evil.lir", "--random", "1"]),
        (0, vec!["show", "evil.lir", "--format", "json"]),
        (0, vec!["show", "evil.lir", "--format", "dot"]),
        (0, vec!["show", "evil.lir", "--format", "svg", "--random", "1"]),
        (0, vec!["cost", "evil.lir"]),
        (0, vec!["cost", "evil.lir", "--random", "1", "--json"]),
        (0, search.to_vec()),
        (0, [&search[..], &["--json", "-", "--journal", "j.jsonl", "--draw", "drawn.svg"]].concat()),
        (0, vec!["resume", "j.jsonl"]),
        (0, vec!["export", "evil.lir", "--random", "1", "--format", "onnx", "--output", "net.onnx"]),
        (2, vec!["verify", "broken.lir"]),
        (2, vec!["show", "evil.lir", "--sample", &unknown]),
        (2, vec!["show", "toy", "--sample", &unknown]),
        (2, vec!["search", EVIL, "--strategy", BACKWARDS]),
        (2, vec![BACKWARDS]),
        (2, vec!["show", "toy", "--format", EVIL]),
    ];
    for (code, args) in commands {
        let run: Run = run_in(f.path(), &args);
        assert_eq!(run.code, code, "{args:?}: {}", run.err);
        harmless(&format!("{args:?}, output"), &run.out);
        harmless(&format!("{args:?}, errors"), &run.err);
    }
    harmless("a drawing", &fs::read_to_string(f.path().join("drawn.svg")).expect("is drawn"));
    // The names are there to be read.
    assert!(ok(f.path(), &["verify", "evil.lir"]).contains("@a\\u{202e}\\u{2066}b best  trial 7 \\u{200b}\\u{7f} is"));
}

#[test]
fn what_is_printed_for_programs_keeps_every_name() {
    let f = with_space();
    let hash = ok(f.path(), &["hash", "evil.lir"]);
    for (file, format) in [("out.lir", "text"), ("out.json", "json")] {
        let text = ok(f.path(), &["show", "evil.lir", "--format", format]);
        fs::write(f.path().join(file), &text).expect("a file");
        assert_eq!(ok(f.path(), &["hash", file]), hash, "{text}");
        assert_eq!(ok(f.path(), &["show", file, "--format", format]), text);
        ok(f.path(), &["show", "evil.lir", "--format", format, "--output", "written"]);
        assert_eq!(fs::read_to_string(f.path().join("written")).expect("is written"), text);
    }
    let module: Value = serde_json::from_str(&ok(f.path(), &["show", "evil.lir", "--format", "json"])).expect("JSON");
    assert_eq!(module["module"], BACKWARDS);
    let args =
        ["search", "evil.lir", "--strategy", "grid", "--evaluator", "cost", "--trials", "9", "--json", "-", "-q"];
    let found: Value = serde_json::from_str(&ok(f.path(), &args)).expect("JSON");
    let sample = found["incumbent"]["sample"].as_str().expect("a sample");
    assert!(sample.starts_with(LABEL), "{sample:?}");
    // It can be given back.
    ok(f.path(), &["cost", "evil.lir", "--sample", sample]);
}

/// Training prints the sample too.
#[test]
#[cfg(feature = "torch")]
fn a_training_shows_them_harmlessly() {
    let f = with_space();
    let args = ["train", "evil.lir", "--random", "1", "--data", "digits", "--epochs", "1", "--out", "run"];
    let run = run_in(f.path(), &args);
    assert_eq!(run.code, 0, "{}", run.err);
    harmless("a training", &run.out);
    harmless("its progress", &run.err);
    for file in ["history.json", "network.lir", "curve.svg"] {
        harmless(file, &fs::read_to_string(f.path().join("run").join(file)).expect("is left"));
    }
}
