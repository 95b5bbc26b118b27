//! `--logdir`: what TensorBoard itself reads from what a search or a training wrote.

use super::support::{folder, ok, refused, run_in};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Numbers and pictures by tag, as TensorBoard's own reader gives them; none without Python.
pub fn tensorboard(logdir: &Path) -> Option<Value> {
    let python = testing::require_python(&["tensorboard", "PIL"])?;
    let script = testing::repository().join("lanista/tests/cli/events.py");
    let output = Command::new(python).arg(script).arg(logdir).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("is JSON"))
}

/// The points of a tag: steps with values.
#[track_caller]
pub fn points(read: &Value, tag: &str) -> Vec<(u64, f64)> {
    let points = read["numbers"][tag].as_array().unwrap_or_else(|| panic!("no `{tag}` in {read}"));
    let point = |p: &Value| (p[0].as_u64().expect("a step"), p[1].as_f64().expect("a number"));
    points.iter().map(point).collect()
}

/// Whether a value was written, in single precision.
#[track_caller]
pub fn close(found: f64, told: f64) {
    assert!((found - told).abs() <= 1e-6 * told.abs(), "{found} is not {told}");
}

const SEARCH: [&str; 10] = [
    "search",
    "nasbench201",
    "--strategy",
    "regularized-evolution:population=5,sample=2",
    "--evaluator",
    "nasbench201",
    "--trials",
    "40",
    "--quiet",
    "--logdir",
];

#[test]
fn a_search_shows_each_trial_and_the_best_so_far() {
    let f = folder();
    let args = [&SEARCH[..], &["runs/one", "--journal", "j.jsonl", "--json", "found.json"]].concat();
    ok(f.path(), &args);
    let Some(read) = tensorboard(&f.path().join("runs/one")) else { return };
    let (trials, best) = (points(&read, "objective/trial"), points(&read, "objective/best"));
    let journal = fs::read_to_string(f.path().join("j.jsonl")).expect("a journal");
    let stored: Vec<Value> = journal.lines().map(|l| serde_json::from_str(l).expect("a line of JSON")).collect();
    let stored: Vec<&Value> = stored.iter().filter(|l| l["trial"].is_u64()).collect();
    assert_eq!((trials.len(), stored.len()), (40, 40));
    let mut greatest = f64::NEG_INFINITY;
    for ((trial, best), told) in trials.iter().zip(&best).zip(stored) {
        assert_eq!((trial.0, best.0), (told["trial"].as_u64().expect("a number"), trial.0));
        let value = told["values"][0].as_f64().expect("a number");
        greatest = greatest.max(value);
        close(trial.1, value);
        close(best.1, greatest);
    }
    let found: Value =
        serde_json::from_str(&fs::read_to_string(f.path().join("found.json")).expect("is written")).expect("is JSON");
    let spent = found["ledger"]["simulated_seconds"].as_f64().expect("a number");
    close(points(&read, "seconds/simulated").last().expect("is there").1, spent);
    close(greatest, found["incumbent"]["search"][0]["value"].as_f64().expect("a number"));
}

/// The course of a search that was ended and resumed, in one folder, is that of one that was not.
#[test]
fn a_resumed_search_shows_one_course() {
    let f = folder();
    ok(f.path(), &[&SEARCH[..], &["whole"]].concat());
    ok(f.path(), &[&SEARCH[..], &["parts", "--journal", "j.jsonl"]].concat());
    let path = f.path().join("j.jsonl");
    let journal = fs::read_to_string(&path).expect("a journal");
    let kept: Vec<&str> = journal.lines().take(20).collect();
    fs::write(&path, kept.join("\n") + "\n").expect("a file");
    ok(f.path(), &["resume", "j.jsonl", "--quiet", "--logdir", "parts"]);
    assert_eq!(fs::read_dir(f.path().join("parts")).expect("a folder").count(), 2, "a file per run");
    let Some(whole) = tensorboard(&f.path().join("whole")) else { return };
    let parts = tensorboard(&f.path().join("parts")).expect("as before");
    assert_eq!(parts["numbers"], whole["numbers"]);
    assert_eq!(points(&parts, "objective/trial").len(), 40);
}

#[test]
fn a_search_that_is_refused_leaves_no_events() {
    let f = folder();
    fs::write(f.path().join("file"), "mine").expect("a file");
    let toy = ["search", "toy", "--strategy", "random", "--trials", "1", "--evaluator"];
    let message = refused(f.path(), &[&toy[..], &["nasbench201", "--logdir", "runs"]].concat());
    assert!(message.contains("toy"), "{message}");
    for logdir in ["file", "file/runs"] {
        let message = refused(f.path(), &[&toy[..], &["cost", "--logdir", logdir]].concat());
        assert!(message.contains(&format!("--logdir {logdir}: cannot be written")), "{message}");
    }
    let left: Vec<_> = fs::read_dir(f.path()).expect("there").map(|e| e.expect("there").file_name()).collect();
    assert_eq!(left, ["file"]);
}

/// The result is printed, and then what could not be written.
#[test]
fn a_course_that_cannot_be_written_costs_no_result() {
    let f = folder();
    // Nobody may make a folder there, not even root.
    let args = ["search", "toy", "--strategy", "random", "--evaluator", "cost", "--trials", "3", "--quiet"];
    let run = run_in(f.path(), &[&args[..], &["--logdir", "/proc/self/fd/none"]].concat());
    assert!(matches!(run.code, 1 | 2), "{}", run.err);
    assert!(run.err.contains("--logdir /proc/self/fd"), "{}", run.err);
    assert_eq!(run.code == 1, run.out.contains("best "), "{}", run.out);
}

#[test]
#[cfg(feature = "torch")]
fn a_training_shows_losses_accuracies_and_the_learning_rate() {
    let f = folder();
    let space = "nasbench201:image=1x8x8,channels=2,cells=1";
    let train = ["train", space, "--random", "3", "--data", "digits", "--epochs", "3", "--valid", "1/4", "--quiet"];
    let recipe = ["--recipe", "plain:images=200,batch=50", "--out", "run", "--logdir", "course"];
    let args = [&train[..], &recipe].concat();
    ok(f.path(), &args);
    let Some(read) = tensorboard(&f.path().join("course")) else { return };
    let history = fs::read_to_string(f.path().join("run/history.json")).expect("a history");
    let history: Value = serde_json::from_str(&history).expect("JSON");
    for (tag, field) in [
        ("loss/training", "train_loss"),
        ("loss/validation", "valid_loss"),
        ("accuracy/training", "train_accuracy"),
        ("accuracy/validation", "valid_accuracy"),
        ("learning rate", "lr"),
    ] {
        let shown = points(&read, tag);
        let told: Vec<f64> = history["epochs"]
            .as_array()
            .expect("epochs")
            .iter()
            .map(|e| e[field].as_f64().expect("a number"))
            .collect();
        assert_eq!(shown.iter().map(|p| p.0).collect::<Vec<_>>(), [1, 2, 3], "{tag}");
        shown.iter().zip(told).for_each(|(shown, told)| close(shown.1, told));
    }
    assert_eq!(points(&read, "accuracy/test").len(), 1);
    close(points(&read, "accuracy/test")[0].1, history["test"]["accuracy"].as_f64().expect("a number"));
    // The same course again, not a second one beside it.
    ok(f.path(), &[&args[..], &["--resume"]].concat());
    assert_eq!(tensorboard(&f.path().join("course")).expect("as before")["numbers"], read["numbers"]);
}
