//! What trains is not lost: not to a second run, a signal, a damaged file or a full disk.

use super::interrupt::{grown, names, signal};
use super::support::{folder, interruptible, ok, refused, run_in};
use codegen::checkpoint::Checkpoint;
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use testing::damaged;

const SPACE: &str = "nasbench201:image=1x8x8,channels=2,cells=1";

fn train<'a>(seed: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let data = ["--random", "3", "--data", "digits", "--recipe", "plain:images=100", "--epochs", "20", "--batch", "50"];
    let kept = ["--threads", "1", "--quiet", "--out", "run", "--save-every", "0", "--seed", seed];
    [&["train", SPACE], &data[..], &kept, more].concat()
}

fn search<'a>(seed: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let train =
        ["--evaluator", "train:data=digits,epochs=10,images=100,batch=50", "--strategy", "gdas", "--seed", seed];
    [&["search", SPACE], &train[..], &["--checkpoint", "kept", "--quiet"], more].concat()
}

fn spawn(folder: &Path, args: &[&str]) -> Child {
    interruptible(folder, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs two commands at once, and returns which of them went through; the other must be refused for `reason`.
#[track_caller]
fn one_of_two(folder: &Path, commands: [&[&str]; 2], reason: &str) -> (usize, Output) {
    let outputs = commands.map(|args| spawn(folder, args)).map(|child| child.wait_with_output().expect("a child"));
    let codes = outputs.each_ref().map(|o| o.status.code());
    let told = outputs.each_ref().map(|o| text(&o.stderr));
    let done = codes.iter().position(|c| *c == Some(0)).unwrap_or_else(|| panic!("{codes:?}: {told:?}"));
    assert_eq!((codes[1 - done], text(&outputs[1 - done].stdout)), (Some(2), String::new()), "{told:?}");
    assert!(told[1 - done].contains(reason), "{told:?}");
    let [first, second] = outputs;
    (done, if done == 0 { first } else { second })
}

/// Both begin before either has written anything.
#[test]
fn one_of_two_runs_has_the_folder() {
    for _ in 0..3 {
        let f = folder();
        let (done, _) = one_of_two(f.path(), [&train("0", &[]), &train("1", &[])], "--out run: ");
        let history = fs::read_to_string(f.path().join("run/history.json")).expect("a history");
        assert!(history.contains(&format!("\"seed\": {done},")), "the other's files are there: {history}");
        assert!(
            names(&f.path().join("run")).iter().all(|name| !name.starts_with('.')),
            "{:?}",
            names(&f.path().join("run"))
        );
    }
}

#[test]
fn one_of_two_goes_on_with_a_run() {
    let f = folder();
    ok(f.path(), &train("0", &[]));
    let resume = train("0", &["--resume"]);
    // What another process would hold.
    let lock =
        files::Lock::beside(&f.path().join("run/checkpoint.safetensors")).expect("a folder").expect("it is free");
    let message = refused(f.path(), &resume);
    assert!(message.contains("--out run: another process trains into this folder; wait for it to end"), "{message}");
    drop(lock);
    ok(f.path(), &resume);
}

#[test]
fn one_of_two_searches_has_the_checkpoint() {
    for _ in 0..3 {
        let f = folder();
        let (done, _) = one_of_two(f.path(), [&search("0", &[]), &search("1", &[])], "kept");
        let kept = Checkpoint::load(&f.path().join("kept")).expect("a checkpoint");
        assert_eq!(kept.metadata["seed"], done.to_string());
        assert_eq!(names(f.path()), ["kept"]);
    }
}

/// A checkpoint is neither a result nor part of what is trained then.
#[test]
fn a_checkpoint_is_no_other_file_of_its_command() {
    let f = folder();
    ok(f.path(), &search("0", &[]));
    let before = fs::read(f.path().join("kept")).expect("a checkpoint");
    for (more, reason) in [
        (&["--json", "kept"][..], "--checkpoint kept and --json kept are one file"),
        (&["--draw", "./kept"][..], "--checkpoint kept and --draw ./kept are one file"),
        (&["--logdir", "kept"][..], "--checkpoint kept and --logdir kept are one file"),
        (&["--retrain", "plain", "--retrain-out", "kept"][..], "--checkpoint kept and --retrain-out kept are one file"),
    ] {
        let message = refused(f.path(), &search("0", more));
        assert!(message.contains(reason), "{message}");
        assert!(fs::read(f.path().join("kept")).expect("there") == before, "{more:?}");
    }
    let retrain = ["--retrain", "plain", "--retrain-out", "run", "--json", "run/history.json"];
    fs::create_dir(f.path().join("run")).expect("a folder");
    let message = refused(f.path(), &search("0", &retrain));
    assert!(message.contains("--json run/history.json and --retrain-out run/history.json are one file"), "{message}");
}

#[test]
fn an_interrupted_training_goes_on() {
    let whole = folder();
    ok(whole.path(), &train("0", &[]));
    let weights = |folder: &Path| Checkpoint::load(&folder.join("run/weights.safetensors")).expect("weights").arrays;
    let f = folder();
    let mut child = spawn(f.path(), &train("0", &[]));
    grown(&mut child, &f.path().join("run/checkpoint.safetensors"), 1);
    signal(&child, Signal::TERM);
    let Output { status, stderr, .. } = child.wait_with_output().expect("a child");
    let told = (status.code(), text(&stderr));
    assert_eq!(told, (Some(143), "interrupted; go on with the same command and --resume\n".to_owned()));
    assert_eq!(names(&f.path().join("run")), ["checkpoint.safetensors"]);
    ok(f.path(), &train("0", &["--resume"]));
    assert_eq!(weights(f.path()), weights(whole.path()));
}

#[test]
fn an_interrupted_search_goes_on() {
    let whole = folder();
    let found = ok(whole.path(), &search("0", &[]));
    let f = folder();
    let mut child = spawn(f.path(), &search("0", &[]));
    grown(&mut child, &f.path().join("kept"), 1);
    signal(&child, Signal::INT);
    let Output { status, stderr, .. } = child.wait_with_output().expect("a child");
    assert_eq!((status.code(), text(&stderr)), (Some(130), "interrupted; go on with the same command\n".to_owned()));
    assert_eq!(names(f.path()), ["kept"]);
    assert_eq!(ok(f.path(), &search("0", &[])), found);
}

/// Ten ways of damage: each is refused, since not a byte of a checkpoint may be another.
#[test]
fn a_damaged_checkpoint_is_refused() {
    let f = folder();
    ok(f.path(), &train("0", &[]));
    ok(f.path(), &search("0", &[]));
    for (file, args) in [("run/checkpoint.safetensors", train("0", &["--resume"])), ("kept", search("0", &[]))] {
        let path = f.path().join(file);
        let bytes = fs::read(&path).expect("a checkpoint");
        for seed in 0..12 {
            let (changed, how) = damaged(&bytes, seed);
            fs::write(&path, changed).expect("a file");
            let message = refused(f.path(), &args);
            assert!(message.contains(file), "seed {seed}: {how}: {message}");
        }
        // A bit of a weight.
        let mut changed = bytes.clone();
        changed[bytes.len() - 2] ^= 1;
        fs::write(&path, changed).expect("a file");
        let message = refused(f.path(), &args);
        assert!(message.contains("is not as it was written: the SHA-256"), "{message}");
        fs::write(&path, bytes).expect("a file");
        ok(f.path(), &args);
    }
}

/// What stands in the way of one file is told last; all others are written, and the result is printed.
#[test]
fn a_file_that_cannot_be_written_costs_no_result() {
    let f = folder();
    let whole = ok(f.path(), &train("0", &[]));
    let run = f.path().join("run");
    for file in ["weights.safetensors", "curve.svg"] {
        for other in ["weights.safetensors", "network.lir", "history.json", "history.csv", "curve.svg"] {
            let _ = fs::remove_file(run.join(other));
        }
        // A folder with something in it is not replaced by a file.
        fs::create_dir_all(run.join(file).join("full")).expect("a folder");
        let resumed = run_in(f.path(), &train("0", &["--resume"]));
        assert_eq!((resumed.code, resumed.err.lines().count()), (1, 1), "{}", resumed.err);
        assert!(resumed.err.contains(&format!("run/{file}: cannot be written")), "{}", resumed.err);
        let table = whole.split("\nWeights, network").next().expect("a table");
        assert!(resumed.out.starts_with(table), "{}", resumed.out);
        let there = names(&run).len();
        assert_eq!(there, 6, "{:?}", names(&run));
        fs::remove_dir_all(run.join(file)).expect("there");
    }
}
