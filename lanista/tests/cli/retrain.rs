//! `--retrain`: what a one-shot search found is trained, in its own space or another, and goes on if it was ended.

use super::support::{command, folder, ok, refused, run_in};
use codegen::checkpoint::Checkpoint;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const SPACE: &str = "nasbench201:image=1x8x8,channels=2,cells=1";
const SHORT: &str = "train:data=digits,epochs=1,images=100,batch=50";
const ONCE: &str = "plain:epochs=1,images=100,lr=0.001";

fn search<'a>(space: &'a str, strategy: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["search", space, "--strategy", strategy, "--evaluator", SHORT, "--quiet"][..], more].concat()
}

fn weights(path: &Path) -> codegen::array::Weights {
    Checkpoint::load(path).expect("weights").arrays
}

/// The supernet of DARTS has the operation `none`, the network that is trained has not, and is never found with it.
#[test]
fn what_darts_found_is_trained_in_the_space_of_the_paper() {
    let f = folder();
    let space = "darts:network=search,image=1x8x8,channels=2,layers=3";
    let trained = "darts:image=1x8x8,channels=4,layers=4,auxiliary=false";
    let args = ["--retrain", ONCE, "--retrain-space", trained, "--retrain-out", "run"];
    let out = ok(f.path(), &search(space, "gdas", &args));
    let genotype = out.lines().find_map(|l| l.strip_prefix("genotype")).expect("a genotype").trim();
    assert!(genotype.starts_with("Genotype(normal=[") && !genotype.contains("none"), "{genotype}");
    // It is that network.
    let hash = ok(f.path(), &["hash", trained, "--genotype", genotype]);
    assert_eq!(ok(f.path(), &["hash", "run/network.lir"]), hash);
}

/// A path may be found with an operation that the other space has not: then the search is done, and the training refused.
#[test]
fn what_is_found_decides_whether_a_smaller_space_knows_it() {
    let f = folder();
    let other = "nasbench201:image=1x8x8,channels=2,cells=1,none=false";
    let mut seen = [false, false];
    for seed in 0..20 {
        let seed = seed.to_string();
        let args = ["--retrain", ONCE, "--retrain-space", other, "--seed", &seed];
        let run = run_in(f.path(), &search(SPACE, "spos:trials=1,recalibrate=1", &args));
        let found = run.out.lines().find_map(|l| l.strip_prefix("genotype")).expect("the search is told");
        let knows = !found.contains("none");
        seen[usize::from(knows)] = true;
        if knows {
            assert_eq!(run.code, 0, "{}", run.err);
            assert!(run.out.contains("test "), "{}", run.out);
        } else {
            assert_eq!((run.code, run.err.lines().count()), (1, 1), "{}", run.err);
            for part in ["--retrain-space", "what was found is not known there", "none", "lanista train SPACE"] {
                assert!(run.err.contains(part), "`{part}` is missing in: {}", run.err);
            }
        }
        if seen == [true, true] {
            return;
        }
    }
    panic!("20 seeds found {}", if seen[0] { "`none` always" } else { "no `none`" });
}

/// What can be known to be wrong with the training is told before hours of search.
#[test]
fn what_does_not_fit_is_refused_before_the_search() {
    let f = folder();
    let r = |more: &[&str]| {
        let args = [&["--retrain", ONCE, "--checkpoint", "kept", "--logdir", "runs"], more].concat();
        let message = refused(f.path(), &search(SPACE, "gdas", &args));
        assert_eq!(fs::read_dir(f.path()).expect("there").count(), 0, "{message}");
        message
    };
    let message = r(&["--retrain-space", "toy:image=1x8x8"]);
    assert!(message.contains("not known there by a genotype"), "{message}");
    let message = r(&["--retrain-space", "darts"]);
    assert!(message.contains("not known there by a genotype"), "{message}");
    let misnamed = refused(f.path(), &search(SPACE, "gdas", &["--retrain", "drats"]));
    assert!(misnamed.contains("`--retrain`: recipe=drats") && misnamed.contains("did you mean `darts`?"), "{misnamed}");
    let message = r(&["--retrain-space", "nasbench201"]);
    assert!(message.contains("f32[N, 3, 32, 32]") && message.contains("image=1x8x8"), "{message}");
}

/// A recipe may say threads itself; else they are the search's.
#[test]
fn threads_are_those_of_the_recipe_or_of_the_search() {
    let f = folder();
    for (recipe, out, threads) in
        [("plain:epochs=1,images=100", "a", "1"), ("plain:epochs=1,images=100,threads=2", "b", "2")]
    {
        ok(f.path(), &search(SPACE, "gdas", &["--retrain", recipe, "--retrain-out", out]));
        let text = fs::read_to_string(f.path().join(out).join("history.json")).expect("a history");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(json["recipe"]["threads"], threads);
    }
}

#[test]
fn a_command_that_was_killed_goes_on_in_the_training() {
    let more = ["--retrain", "plain:epochs=30,images=200", "--checkpoint", "kept.safetensors", "--retrain-out", "run"];
    let args: Vec<&str> = search(SPACE, "gdas", &more).into_iter().filter(|a| *a != "--quiet").collect();
    let whole = folder();
    let expected = run_in(whole.path(), &args);
    assert_eq!(expected.code, 0, "{}", expected.err);
    assert!(expected.err.contains("epoch 1 of 30"), "{}", expected.err);

    let f = folder();
    let (checkpoint, done) = (f.path().join("run/checkpoint.safetensors"), f.path().join("run/weights.safetensors"));
    let mut killed = 0;
    for _ in 0..3 {
        let mut child = command(f.path(), &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
        let before = fs::read(&checkpoint).ok();
        while child.try_wait().expect("a child").is_none() && fs::read(&checkpoint).ok() == before {
            std::thread::sleep(Duration::from_micros(100));
        }
        // SIGKILL: the process has no chance to tidy up.
        child.kill().expect("a child");
        child.wait().expect("a child");
        killed += u32::from(checkpoint.exists() && !done.exists());
    }
    assert!(killed > 0, "no kill came inside the training");
    let rest = run_in(f.path(), &args);
    assert_eq!((rest.code, untimed(&rest.out)), (0, untimed(&expected.out)), "{}", rest.err);
    assert!(rest.err.contains("going on from run") && !rest.err.contains("epoch 1 of 30"), "{}", rest.err);
    assert_eq!(weights(&done), weights(&whole.path().join("run/weights.safetensors")));
    // Of what is done the same command tells the result again.
    let again = run_in(f.path(), &args);
    assert_eq!((again.code, untimed(&again.out)), (0, untimed(&expected.out)), "{}", again.err);

    // A command for something else leaves it alone, before it searches.
    let kept = fs::read(&checkpoint).expect("a checkpoint");
    fs::remove_file(f.path().join("kept.safetensors")).expect("is there");
    for (more, part) in
        [(&["--seed", "1"][..], "its seed is 0, not 1"), (&["--inherit"], "its first weights is drawn, not inherited")]
    {
        let message = refused(f.path(), &[&args[..], more].concat());
        assert!(
            message.contains("run/checkpoint.safetensors: is of another run") && message.contains(part),
            "{message}"
        );
        assert_eq!(fs::read(&checkpoint).expect("a checkpoint"), kept);
        assert!(!f.path().join("kept.safetensors").exists());
    }
    fs::remove_file(&checkpoint).expect("is there");
    let message = refused(f.path(), &args);
    assert!(message.contains("--retrain-out run: holds weights.safetensors already"), "{message}");
}

/// `train` itself goes on with it, without a word about threads.
#[test]
fn a_training_that_is_resumed_keeps_its_threads() {
    let f = folder();
    let args = ["train", SPACE, "--random", "1", "--data", "digits", "--epochs", "2", "--out", "run", "--quiet"];
    // One more than this machine would take.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = (cores + 1).to_string();
    ok(f.path(), &[&args[..], &["--recipe", "plain:images=200", "--threads", &threads]].concat());
    let resume = [&args[..], &["--recipe", "plain:images=200", "--resume"]].concat();
    assert!(ok(f.path(), &resume).contains("test "));
    // Their number is of the run since it changes its weights.
    let one = ["--recipe", "plain:images=200", "--threads", "1", "--out", "one"];
    ok(f.path(), &[&args[..8], &["--quiet"], &one].concat());
    assert_ne!(weights(&f.path().join("one/weights.safetensors")), weights(&f.path().join("run/weights.safetensors")));
    let message = refused(f.path(), &[&resume[..], &["--threads", "1"]].concat());
    for part in [&format!("{threads} threads, not 1"), "sums are rounded", "leave --threads out"] {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

/// Without times of this machine.
fn untimed(text: &str) -> String {
    text.lines().filter(|l| !l.starts_with("epochs ")).collect::<Vec<_>>().join("\n")
}
