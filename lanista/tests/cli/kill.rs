//! A search that is killed at any moment and resumed ends as if it had not been interrupted.

use super::support::{command, folder, ok, result, run_in};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const TRIALS: &str = "600";
/// Kills when the journal has reached a random length, and soon after the start.
const IN_THE_MIDDLE: u64 = 20;
const AT_THE_START: u64 = 5;
const SEED: u64 = 20_201;

fn search() -> Vec<&'static str> {
    vec![
        "search",
        "darts:auxiliary=false",
        "--strategy",
        "regularized-evolution:population=20,sample=5",
        "--evaluator",
        "cost",
        "--trials",
        TRIALS,
        "--seed",
        "11",
        "--jobs",
        "2",
        "--quiet",
        "--journal",
        "j.jsonl",
        "--json",
        "r.json",
    ]
}

/// What to run: `resume` if the journal has a header, else the search from its start.
fn next(folder: &Path) -> Vec<&'static str> {
    let begun = fs::read(folder.join("j.jsonl")).is_ok_and(|bytes| bytes.contains(&b'\n'));
    if begun { vec!["resume", "j.jsonl", "--quiet", "--json", "r.json"] } else { search() }
}

/// Runs, and kills when `now` says so; whether it was still running.
fn kill(folder: &Path, now: impl Fn() -> bool) -> bool {
    let mut child = command(folder, &next(folder)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
    while !now() {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    // SIGKILL: the process has no chance to tidy up.
    let running = child.kill().is_ok() && child.try_wait().is_ok();
    child.wait().expect("a child");
    running
}

#[test]
fn killed_at_random_moments_and_resumed() {
    let whole = folder();
    ok(whole.path(), &search());
    let expected = result(&whole.path().join("r.json"));
    let journal = fs::read_to_string(whole.path().join("j.jsonl")).expect("a journal");

    let f = folder();
    let path = f.path().join("j.jsonl");
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut below = |n: u64| rng.next_u64() % n;
    for _ in 0..AT_THE_START {
        let (started, delay) = (Instant::now(), Duration::from_micros(below(20_000)));
        kill(f.path(), || started.elapsed() >= delay);
    }
    let mut lengths: Vec<u64> = (0..IN_THE_MIDDLE).map(|_| below(journal.len() as u64)).collect();
    lengths.sort_unstable();
    let mut killed = 0;
    for length in lengths {
        let more = Duration::from_micros(below(2_000));
        killed += u64::from(kill(f.path(), || {
            let reached = fs::metadata(&path).is_ok_and(|m| m.len() >= length);
            if reached {
                std::thread::sleep(more);
            }
            reached
        }));
        // The result is written whole when the search ends, or not at all.
        if let Ok(text) = fs::read_to_string(f.path().join("r.json")) {
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "seed {SEED}: {text}");
        }
    }
    assert!(killed * 2 >= IN_THE_MIDDLE, "only {killed} of {IN_THE_MIDDLE} kills hit a running search");
    let done = run_in(f.path(), &next(f.path()));
    assert_eq!(done.code, 0, "seed {SEED}: {}", done.err);
    assert_eq!(result(&f.path().join("r.json")), expected, "seed {SEED}");

    // The journals are equal too, but for the wall-clock times and the checksums of lines that have them.
    let timeless = |text: &str| -> Vec<serde_json::Value> {
        text.lines()
            .map(|line| {
                let mut value: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
                let line = value.as_object_mut().expect("an object");
                line.remove("wall");
                line.remove("sum");
                value
            })
            .collect()
    };
    assert_eq!(timeless(&fs::read_to_string(&path).expect("a journal")), timeless(&journal), "seed {SEED}");
    let left: Vec<_> =
        fs::read_dir(f.path()).expect("there").filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    assert!(left.iter().filter(|name| name.ends_with(".tmp")).count() <= 1, "{left:?}");
}
