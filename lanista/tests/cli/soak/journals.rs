//! A damaged journal is refused in a line, or resumed to the result that it had; never to another one in silence.

use super::super::support::{result, run_in};
use super::studies::Study;
use std::fs;
use testing::damaged;
use testing::soak::Soak;

const SEARCH: &[&str] = &[
    "search",
    "nasbench201",
    "--strategy",
    "regularized-evolution:population=10,sample=3",
    "--evaluator",
    "nasbench201",
    "--trials",
    "60",
    "--seed",
    "4",
    "--quiet",
    "--journal",
    "whole.jsonl",
    "--json",
    "whole.json",
];

#[test]
fn damage_is_never_silent() {
    let soak = Soak::new("damage to journals", 20);
    let f = Study::folder();
    assert_eq!(run_in(f.path(), SEARCH).code, 0);
    let expected = result(&f.path().join("whole.json"));
    let finished = fs::read(f.path().join("whole.jsonl")).expect("a journal");
    // One that was killed in the middle ends with a whole line, or with a torn one.
    let lines: Vec<usize> = (0..finished.len()).filter(|i| finished[*i] == b'\n').collect();
    let journals = [&finished[..], &finished[..=lines[lines.len() / 2]], &finished[..lines[lines.len() / 2] + 30]];

    let (journal, out) = (f.path().join("j.jsonl"), f.path().join("out.json"));
    let (mut refused, mut same, mut silent) = (0, 0, Vec::new());
    for round in 0..soak.rounds {
        let (damaged, what) = damaged(journals[round as usize % 3], soak.seed << 32 | round);
        fs::write(&journal, &damaged).expect("a file");
        let _ = fs::remove_file(&out);
        let run = run_in(f.path(), &["resume", "j.jsonl", "--json", "out.json", "--quiet"]);
        match run.code {
            0 if result(&out) == expected => same += 1,
            0 => silent.push(format!("round {round}: {what}: {}", result(&out))),
            2 => {
                assert!(run.err.contains("j.jsonl") && run.err.lines().count() == 1, "{what}: {}", run.err);
                assert!(!out.exists(), "{what}: a result is written");
                assert!(fs::read(&journal).expect("a file") == damaged, "{what}: the refused journal is touched");
                refused += 1;
            }
            code => panic!("round {round}: {what}: exit code {code}: {}", run.err),
        }
    }
    assert!(
        silent.is_empty(),
        "{} of {} changed the result in silence:\n{}",
        silent.len(),
        soak.rounds,
        silent.join("\n")
    );
    soak.say(&format!("{} times: {refused} refused, {same} with the same result, 0 silent", soak.rounds));
}
