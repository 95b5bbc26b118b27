//! A command that is killed at any moment, by any signal, and taken up again ends as if it had not been interrupted.

use super::super::support::interruptible;
#[cfg(feature = "torch")]
use super::studies::{ONE_SHOT, TRAINING};
use super::studies::{SEARCH, Study};
use super::{below, rng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use testing::soak::Soak;

/// SIGKILL gives no chance to tidy up; SIGTERM and SIGINT do.
const SIGNALS: [Signal; 4] = [Signal::KILL, Signal::KILL, Signal::TERM, Signal::INT];

/// When to kill: after so many signs of progress, and then some.
struct Moment {
    /// Bytes of a growing file, or replacements of the file.
    progress: u64,
    then: Duration,
}

impl Moment {
    fn draw(study: &Study, whole: u64, rng: &mut ChaCha8Rng) -> Self {
        // One in five comes before there is any progress.
        let progress = if below(rng, 5) == 0 { 0 } else { 1 + below(rng, (whole / 2).max(1) as usize) as u64 };
        let then = if study.replaced || progress == 0 { 20_000 } else { 2_000 };
        Self { progress, then: Duration::from_micros(below(rng, then) as u64) }
    }

    /// Waits for it; whether the process is still there then.
    fn wait(&self, child: &mut Child, study: &Study, folder: &Path) -> bool {
        let kept = folder.join(study.kept);
        let mark = || fs::metadata(&kept).map_or(0, |m| if study.replaced { m.ino() } else { m.len() });
        let (mut seen, mut last) = (0, mark());
        while seen < self.progress {
            if child.try_wait().expect("a child").is_some() {
                return false;
            }
            let now = mark();
            seen += if study.replaced { u64::from(now != last) } else { now.saturating_sub(last) };
            last = now;
            std::thread::sleep(Duration::from_micros(100));
        }
        std::thread::sleep(self.then);
        child.try_wait().expect("a child").is_none()
    }
}

/// Files that a process that could tidy up left behind.
fn leftovers(folder: &Path) -> Vec<String> {
    let folders = [folder.to_owned(), folder.join("run")];
    let names = folders.iter().filter_map(|f| fs::read_dir(f).ok()).flatten();
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.starts_with('.')).collect()
}

fn attack(name: &'static str, study: &Study, short: u64, whole: u64) {
    let soak = Soak::new(name, short);
    let (mut hits, mut tries, mut studies) = (0, 0, 0);
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    while hits < soak.rounds {
        let seed = (soak.seed * 1_000 + studies).to_string();
        let quiet = Study::folder();
        study.end(quiet.path(), &seed);
        let expected = study.outcome(quiet.path());
        let f = Study::folder();
        let mut in_a_row = 0;
        while hits < soak.rounds && in_a_row < 2 {
            let mut rng = rng(soak.seed, tries);
            tries += 1;
            assert!(tries < 20 + 6 * soak.rounds, "{name}: only {hits} of {tries} kills hit a running process");
            let args = study.next(f.path(), &seed);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let before = leftovers(f.path());
            let mut child =
                interruptible(f.path(), &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
            let moment = Moment::draw(study, whole, &mut rng);
            if !moment.wait(&mut child, study, f.path()) {
                let status = child.wait().expect("a child");
                assert!(status.success(), "{name}, seed {seed}: {args:?} ended with {status}");
                in_a_row += 1;
                continue;
            }
            let signal = SIGNALS[below(&mut rng, SIGNALS.len())];
            kill_process(Pid::from_child(&child), signal).expect("a child that was not waited for");
            let status = child.wait().expect("a child");
            if status.success() {
                // It was done before the signal came.
                in_a_row += 1;
                continue;
            }
            let died = status.signal().or(status.code().map(|c| c - 128));
            assert_eq!(died, Some(signal.as_raw()), "{name}, seed {seed}: {args:?} ended with {status}");
            if signal != Signal::KILL {
                // What an earlier SIGKILL left may be gone by now; nothing may come to it.
                let after = leftovers(f.path());
                assert!(
                    after.iter().all(|file| before.contains(file)),
                    "{name}, seed {seed}: {signal:?} leaves {after:?}"
                );
            }
            *by.entry(if signal == Signal::KILL {
                "KILL"
            } else if signal == Signal::TERM {
                "TERM"
            } else {
                "INT"
            })
            .or_default() += 1;
            (hits, in_a_row) = (hits + 1, 0);
        }
        study.end(f.path(), &seed);
        let found = study.outcome(f.path());
        assert!(found == expected, "{name}, seed {seed}: differs after kills\n{found:?}\n{expected:?}");
        studies += 1;
    }
    soak.say(&format!("{hits} kills ({by:?}) over {studies} runs, none of which ended differently"));
}

#[test]
fn searches_lose_nothing() {
    attack("kills of searches", &SEARCH, 16, 100_000);
}

#[cfg(feature = "torch")]
#[test]
fn trainings_lose_nothing() {
    attack("kills of trainings", &TRAINING, 6, 24);
}

#[cfg(feature = "torch")]
#[test]
fn one_shot_searches_lose_nothing() {
    attack("kills of one-shot searches", &ONE_SHOT, 3, 6);
}
