//! Several processes that want the same file: one gets it, the others say so and write nothing.

use super::super::support::command;
use super::below;
use super::rng;
#[cfg(feature = "torch")]
use super::studies::{ONE_SHOT, TRAINING};
use super::studies::{SEARCH, Study};
use std::process::Stdio;
use std::time::Duration;
use testing::soak::Soak;

fn attack(name: &'static str, study: &Study, short: u64) {
    let soak = Soak::new(name, short);
    let quiet = Study::folder();
    study.end(quiet.path(), "1");
    let expected = study.outcome(quiet.path());
    let (mut won, mut lost) = (0, 0);
    for round in 0..soak.rounds {
        let mut rng = rng(soak.seed, round);
        let f = Study::folder();
        let start = |n: usize| {
            std::thread::sleep(Duration::from_micros(n as u64));
            let args = study.next(f.path(), "1");
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            command(f.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
        };
        let children: Vec<_> = (0..2 + below(&mut rng, 2)).map(|_| start(below(&mut rng, 10_000))).collect();
        let mut winners = 0;
        for child in children {
            let output = child.wait_with_output().expect("a child");
            let err = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => winners += 1,
                Some(2) => {
                    assert!(err.lines().last().is_some_and(|l| l.starts_with("error: ")), "round {round}: {err}");
                    lost += 1;
                }
                code => panic!("round {round}: exit code {code:?}: {err}"),
            }
        }
        // One that comes when all is done reads the result back, where the command allows it.
        assert!(winners >= 1, "round {round}: nobody won");
        won += winners;
        study.end(f.path(), "1");
        assert!(study.outcome(f.path()) == expected, "round {round}: the result differs");
    }
    soak.say(&format!("{} times: {won} processes ended well, {lost} were refused, no result differs", soak.rounds));
}

#[test]
fn searches_with_one_journal() {
    attack("searches with one journal", &SEARCH, 4);
}

#[cfg(feature = "torch")]
#[test]
fn trainings_with_one_folder() {
    attack("trainings with one folder", &TRAINING, 1);
}

#[cfg(feature = "torch")]
#[test]
fn one_shot_searches_with_one_checkpoint() {
    attack("one-shot searches with one checkpoint", &ONE_SHOT, 1);
}
