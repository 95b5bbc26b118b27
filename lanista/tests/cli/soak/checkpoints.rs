//! A damaged checkpoint is refused, or holds what it held; the command that would go on from it says so in a line.

use super::super::support::run_in;
use super::studies::{ONE_SHOT, Study, TRAINING};
use codegen::checkpoint::Checkpoint;
use std::fs;
use testing::damaged;
use testing::soak::Soak;

fn attack(name: &'static str, study: &Study) {
    let soak = Soak::new(name, 20);
    let f = Study::folder();
    study.end(f.path(), "1");
    let kept = f.path().join(study.kept);
    let expected = Checkpoint::load(&kept).expect("a checkpoint");
    let bytes = fs::read(&kept).expect("a checkpoint");
    let (mut refused, mut same, mut silent) = (0, 0, Vec::new());
    for round in 0..soak.rounds {
        let (damaged, what) = damaged(&bytes, soak.seed << 32 | round);
        fs::write(&kept, &damaged).expect("a file");
        match Checkpoint::load(&kept) {
            Err(_) => refused += 1,
            Ok(loaded) if loaded == expected => same += 1,
            Ok(_) => silent.push(format!("round {round}: {what}")),
        }
        // Starting libtorch takes a second, so that only some go through the command.
        if round % 20 == 0 {
            let args = study.next(f.path(), "1");
            let run = run_in(f.path(), &args.iter().map(String::as_str).collect::<Vec<_>>());
            assert!([0, 2].contains(&run.code), "{what}: exit code {}: {}", run.code, run.err);
            let line = run.err.lines().last().unwrap_or_default();
            assert!(run.code == 0 || line.contains(study.kept), "{what}: {}", run.err);
        }
    }
    assert!(silent.is_empty(), "{} of {} are silent:\n{}", silent.len(), soak.rounds, silent.join("\n"));
    soak.say(&format!("{} times: {refused} refused, {same} with the same content, 0 silent", soak.rounds));
}

#[test]
fn damage_to_a_training_is_never_silent() {
    attack("damage to checkpoints of trainings", &TRAINING);
}

#[test]
fn damage_to_a_one_shot_search_is_never_silent() {
    attack("damage to checkpoints of one-shot searches", &ONE_SHOT);
}
