//! Flags that change what a search or a demo does, each by what it must change.

use super::support::{folder, ok, refused, tests, timeless, timeless_json};
use serde_json::Value;
use std::fs;

fn search(args: &[&str]) -> Value {
    timeless_json(&ok(&tests(), &[&["search"], args, &["--quiet", "--json", "-"]].concat()))
}

const TABLE: [&str; 5] = ["nasbench201", "--strategy", "random", "--evaluator", "nasbench201"];

#[test]
fn draw_draws_what_was_found() {
    let f = folder();
    let args = [&["search"], &TABLE[..], &["--trials", "20", "--quiet", "--draw", "cell.svg"]].concat();
    let text = ok(f.path(), &args);
    let genotype = text.lines().find_map(|l| l.strip_prefix("genotype")).expect("a genotype").trim();
    let drawn = fs::read_to_string(f.path().join("cell.svg")).expect("is drawn");
    let shown = ok(f.path(), &["show", "nasbench201", "--genotype", genotype, "--format", "svg"]);
    assert_eq!(drawn.trim_end(), shown.trim_end());
    let other = ok(f.path(), &["show", "nasbench201", "--random", "0", "--format", "svg"]);
    assert_ne!(drawn.trim_end(), other.trim_end());
}

#[test]
fn a_simulated_budget_ends_a_search_with_the_trial_that_reaches_it() {
    let budget = |seconds: &str| search(&[&TABLE[..], &["--seed", "3", "--simulated-budget", seconds]].concat());
    let (short, long) = (budget("5000"), budget("20000"));
    for (result, seconds) in [(&short, 5_000.0), (&long, 20_000.0)] {
        assert_eq!(result["stop"]["reason"], "simulated_time");
        let spent = result["ledger"]["simulated_seconds"].as_f64().expect("a number");
        // The trial that crosses the budget counts, and is the last; none takes as long as 2,000 s.
        assert!(spent >= seconds && spent < seconds + 2_000.0, "{spent}");
        assert_eq!(result["study"]["crossing"], "counted");
    }
    assert!(short["ledger"]["queries"].as_u64() < long["ledger"]["queries"].as_u64());
    // The first of two budgets that is spent ends it.
    let both = search(&[&TABLE[..], &["--seed", "3", "--simulated-budget", "20000", "--trials", "2"]].concat());
    assert_eq!((&both["stop"]["reason"], &both["ledger"]["queries"]), (&"trials".into(), &2.into()));
}

#[test]
fn a_convention_counts_the_operations_of_the_result() {
    let mut counts = Vec::new();
    for convention in ["nasbench", "thop", "ptflops"] {
        let args = [&TABLE[..], &["--trials", "5", "--seed", "1", "--convention", convention]].concat();
        let found = search(&args);
        let incumbent = &found["incumbent"];
        assert_eq!(incumbent["convention"], convention);
        let sample = incumbent["sample"].as_str().expect("a sample");
        let args = ["cost", "nasbench201", "--sample", sample, "--convention", convention, "--json"];
        let counted: Value = serde_json::from_str(&ok(&tests(), &args)).expect("JSON");
        assert_eq!(counted["macs"][convention], incumbent["macs"]);
        counts.push(incumbent["macs"].as_u64().expect("a number"));
    }
    assert!(counts[0] != counts[1] && counts[1] != counts[2], "{counts:?}");
    let message = refused(&tests(), &[&["search"], &TABLE[..], &["--trials", "1", "--convention", "thopp"]].concat());
    assert!(message.contains("did you mean `thop`?"), "{message}");
}

#[test]
fn a_demo_has_as_many_trials_and_seeds_as_it_is_told() {
    let f = folder();
    let demo = |more: &[&str]| timeless(&ok(f.path(), &[&["demo"], more].concat()));
    let short = demo(&["--trials", "12", "--seeds", "7", "--seed", "4", "--output", "drawn"]);
    assert!(short.contains("NAS-Bench-201, 12 trials\n"), "{short}");
    assert!(short.contains("queries    12;") && short.contains("seed       4, 1 job"), "{short}");
    assert!(short.contains("over 7 seeds") && short.contains("of 7 seeds found better"), "{short}");
    assert!(f.path().join("drawn/nasbench201-seed4.svg").exists());
    let counted = |text: &str| -> u64 {
        let bars = text.lines().filter(|l| l.starts_with("  ") && l.contains(" to "));
        bars.map(|l| l.split_whitespace().nth(3).and_then(|n| n.parse::<u64>().ok()).expect("a count")).sum()
    };
    assert_eq!(counted(&short), 7, "{short}");
    // Another seed finds another network, and is compared with the same ones.
    let other = demo(&["--trials", "12", "--seeds", "7", "--seed", "5", "--output", "drawn"]);
    let line = |text: &str, start: &str| text.lines().find(|l| l.starts_with(start)).map(str::to_owned);
    assert_ne!(line(&other, "sample"), line(&short, "sample"));
    assert_eq!(line(&other, "  mean"), line(&short, "  mean"));
    // More trials find better ones.
    let long = demo(&["--trials", "200", "--seeds", "7", "--output", "drawn"]);
    let mean = |text: &str| -> f64 {
        let line = line(text, "  mean ").expect("a line");
        line["  mean ".len()..].split(',').next().and_then(|m| m.parse().ok()).expect("a number")
    };
    assert!(mean(&long) > mean(&short), "{} {}", mean(&long), mean(&short));
    for flag in ["--trials", "--seeds"] {
        assert!(refused(f.path(), &["demo", flag, "0"]).contains(flag));
    }
}

#[test]
fn flags_of_a_retraining_need_one_and_exclude_each_other() {
    let f = folder();
    let search = ["search", "nasbench201", "--strategy", "darts", "--evaluator", "train:data=digits"];
    let r = |more: &[&str]| refused(f.path(), &[&search[..], more].concat());
    for (flag, value) in [("--retrain-space", Some("darts")), ("--retrain-out", Some("out")), ("--inherit", None)] {
        let message = r(&[&[flag][..], value.as_slice()].concat());
        assert!(message.contains("--retrain <RECIPE>"), "{flag}: {message}");
    }
    let message = r(&["--retrain", "plain", "--inherit", "--retrain-space", "darts"]);
    assert!(message.contains("--inherit") && message.contains("--retrain-space"), "{message}");
    // A search that trains no supernet has none to train from.
    let trials = ["search", "toy", "--strategy", "random", "--evaluator", "cost", "--trials", "1"];
    for flags in [&["--retrain", "plain"][..], &["--retrain", "plain", "--retrain-out", "o"], &["--checkpoint", "c"]] {
        let message = refused(f.path(), &[&trials[..], flags].concat());
        assert!(message.contains(&format!("{} is of one-shot searches", flags[0])), "{message}");
    }
    assert_eq!(fs::read_dir(f.path()).expect("there").count(), 0, "nothing is written");
}
