//! Journals: what is written, what resumes, and what is refused, with file, line and remedy.

use evaluators::{Candidate, EvaluateError, Evaluation, Evaluator, Function, Metric};
use mutators::Space;
use proptest::prelude::*;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use strategies::store::{End, Stored};
use strategies::{Experiment, ExperimentError, Journal, Store, StoreError, Study, StudyIdentity, Trial, build};
use testing::{damaged, resealed};

const STRATEGY: &str = "regularized-evolution:population=4,sample=2";

fn toy() -> &'static Space {
    static SPACE: OnceLock<Space> = OnceLock::new();
    SPACE.get_or_init(|| mutators::spaces::build("toy").expect("it is in the hub"))
}

fn evaluator() -> impl Evaluator {
    Function::new("ranks", Metric::maximize("ranks", ""), |c: &Candidate<'_>| {
        if c.query.number % 5 == 3 {
            return Err(EvaluateError::Failed("a \"reason\",\nwith two lines".into()));
        }
        Ok(c.sample().picks().iter().map(|p| p.rank() as f64 / 3.0).sum())
    })
}

fn search(journal: &mut Journal, strategy: &str, seed: u64) -> Result<Study, ExperimentError> {
    let strategy = build(strategy).expect("it is in the hub");
    Experiment::new(toy(), strategy, &evaluator()).trials(12).seed(seed).store(journal).run()
}

fn resume(path: &Path) -> Result<Study, ExperimentError> {
    search(&mut Journal::resume(path), STRATEGY, 0)
}

/// A finished study's journal, in a folder that lasts as long as the first value.
fn written() -> (tempfile::TempDir, PathBuf, Study) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("study.jsonl");
    let study = search(&mut Journal::create(&path), STRATEGY, 0).expect("it runs");
    (folder, path, study)
}

fn refusal(result: Result<Study, ExperimentError>) -> String {
    result.expect_err("it is refused").to_string()
}

#[test]
fn lines_are_as_documented() {
    let (_folder, path, study) = written();
    let text = fs::read_to_string(&path).expect("it is there");
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines.len(), 14);
    assert_eq!(lines[0]["journal"], "lanista");
    assert_eq!(lines[0]["version"], 2);
    assert_eq!(lines[0]["study"]["space"], "toy");
    assert_eq!(lines[0]["study"]["strategy"], format!("{STRATEGY},replacement=true"));
    for (i, trial) in study.trials.iter().enumerate() {
        assert_eq!(lines[i + 1]["trial"], i);
        assert_eq!(lines[i + 1]["sample"], trial.sample.to_string());
        assert_eq!(lines[i + 1].get("failed").is_some(), i % 5 == 3);
        assert_eq!(lines[i + 1]["values"][0].as_f64(), trial.value(&study.objective));
        assert_eq!(lines[i + 1]["parent"].as_u64(), trial.parent.map(|p| p.0));
    }
    assert_eq!(lines[13]["end"], "trials");
    assert_eq!(lines[13]["incumbent"].as_u64(), study.incumbent().map(|t| t.id.0));
    assert_eq!(resealed(&text), text, "checksums are as documented");
    assert_eq!(Journal::study(&path).expect("a header"), study.identity);
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let (_folder, path, _) = written();
    let before = fs::read(&path).expect("it is there");
    let text = refusal(search(&mut Journal::create(&path), STRATEGY, 0));
    assert!(text.ends_with("study.jsonl: the journal exists already; resume it, or remove it to start anew"), "{text}");
    assert_eq!(fs::read(&path).expect("it is there"), before);
    for other in ["a letter", "{\"journal\":\"other\"}\n"] {
        fs::write(&path, other).expect("it is writable");
        let text = refusal(search(&mut Journal::create(&path), STRATEGY, 0));
        assert!(text.contains("exists already"), "{text}");
        let text = refusal(resume(&path));
        assert!(text.contains("study.jsonl:1: this file is no journal of Lanista"), "{text}");
        assert!(Journal::study(&path).is_err());
        assert_eq!(fs::read_to_string(&path).expect("it is there"), other);
    }
}

#[test]
fn a_torn_header_is_no_loss() {
    let (_folder, path, study) = written();
    let bytes = fs::read(&path).expect("it is there");
    for n in [0, 1, 40] {
        fs::write(&path, &bytes[..n]).expect("it is writable");
        assert!(matches!(Journal::study(&path), Err(StoreError::NoHeader { .. })));
        assert!(matches!(resume(&path), Err(ExperimentError::Store(StoreError::NoHeader { .. }))));
        let again = search(&mut Journal::create(&path), STRATEGY, 0).expect("it starts anew");
        assert_eq!(again.trials, study.trials);
    }
}

#[test]
fn another_study_is_refused() {
    let (_folder, path, _) = written();
    let text = refusal(search(&mut Journal::resume(&path), STRATEGY, 1));
    assert!(text.contains("study.jsonl:1: holds another study: its seed is 0, not 1; resume it as it"), "{text}");
    let text = refusal(search(&mut Journal::resume(&path), "grid", 0));
    assert!(text.contains("its strategy is \"regularized-evolution:population=4"), "{text}");
    let strategy = build(STRATEGY).expect("it is in the hub");
    let mut journal = Journal::resume(&path);
    let more = Experiment::new(toy(), strategy, &evaluator()).trials(13).store(&mut journal).run();
    assert!(refusal(more).contains("its budget of trials is Some(12), not Some(13)"));
}

/// An evaluator whose data is this.
#[derive(Debug)]
struct Trained<E>(E, Option<&'static str>);

impl<E: Evaluator> Evaluator for Trained<E> {
    fn identity(&self) -> &str {
        self.0.identity()
    }

    fn data_digest(&self) -> Result<Option<String>, EvaluateError> {
        Ok(self.1.map(str::to_owned))
    }

    fn search_metrics(&self) -> &[Metric] {
        self.0.search_metrics()
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        self.0.evaluate(candidate)
    }
}

#[test]
fn data_that_changed_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("study.jsonl");
    let search = |journal: &mut Journal, data| {
        let evaluator = Trained(evaluator(), data);
        Experiment::new(toy(), build(STRATEGY).expect("it is in the hub"), &evaluator).trials(12).store(journal).run()
    };
    search(&mut Journal::create(&path), Some("ab12")).expect("it runs");
    assert_eq!(Journal::study(&path).expect("a header").data.as_deref(), Some("ab12"));
    search(&mut Journal::resume(&path), Some("ab12")).expect("the same data");
    for (data, name) in [(Some("cd34"), "cd34"), (None, "not known")] {
        let text = refusal(search(&mut Journal::resume(&path), data));
        let expected = format!(
            "study.jsonl:1: holds another study: its data (images and labels, or words, by SHA-256) is ab12, not {name}; resume"
        );
        assert!(text.contains(&expected), "{text}");
    }
    // Of two evaluators each has its own.
    let parts =
        |a, b| evaluators::Combined::new(Box::new(Trained(evaluator(), a)), vec![Box::new(Trained(evaluator(), b))]);
    assert_eq!(parts(Some("a"), Some("b")).data_digest().expect("is known").as_deref(), Some("a+b"));
    assert_eq!(parts(None, Some("b")).data_digest().expect("is known").as_deref(), Some("b"));
    assert_eq!(parts(None, None).data_digest().expect("is known"), None);
}

#[test]
fn corrupt_lines_are_named() {
    let (_folder, path, _) = written();
    let text = fs::read_to_string(&path).expect("it is there");
    let lines: Vec<&str> = text.lines().collect();
    let cases: [(usize, String, &str); 11] = [
        (4, "{\"trial\":3,\"sam".into(), "no trial: EOF"),
        (4, String::new(), "no trial: expected value"),
        (4, lines[5].into(), "trial 4 stands where trial 3 is expected"),
        (2, "{\"trial\":1,\"sample\":\"x=1\",\"wall\":0}".into(), "a trial has values and seconds"),
        (
            2,
            "{\"trial\":1,\"sample\":\"x\",\"values\":[],\"seconds\":0,\"wall\":0}".into(),
            "0 values where the study has 1",
        ),
        (2, "{\"trial\":1,\"sample\":\"x\",\"failed\":\"\",\"parent\":1,\"wall\":0}".into(), "parent 1 is no earlier"),
        (2, lines[13].into(), "a line after the study's end"),
        (13, "{\"end\":\"tired\",\"wall\":0}".into(), "no end of a study: unknown variant"),
        (2, lines[2].replace("\"wall\":", "\"wall\":-"), "-"),
        (2, lines[2].replace("\"wall\":", "\"wall\":1e300,\"was\":"), "no trial: unknown field"),
        (13, lines[13].replace("\"wall\":", "\"wall\":-"), "-"),
    ];
    for (place, line, reason) in cases {
        let mut bad: Vec<&str> = lines.clone();
        bad[place] = &line;
        let bad = resealed(&(bad.join("\n") + "\n"));
        fs::write(&path, &bad).expect("it is writable");
        let text = refusal(resume(&path));
        let named = if reason.starts_with("a line after") { place + 2 } else { place + 1 };
        assert!(text.contains(&format!("study.jsonl:{named}: {reason}")), "{text}");
        assert!(text.ends_with("delete this line and all after it to resume from the trial before"), "{text}");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), bad, "a refused journal is left as it is");
    }
    fs::write(&path, text.replacen("\"version\":2", "\"version\":1", 1)).expect("it is writable");
    let text = refusal(resume(&path));
    assert!(text.contains("study.jsonl:1: the journal has format version 1, this release reads 2; resume"), "{text}");
}

#[test]
fn a_diverging_strategy_is_noticed() {
    let (_folder, path, study) = written();
    let text = fs::read_to_string(&path).expect("it is there");
    let line = text.lines().nth(3).expect("trial 2");
    let other = study.trials.iter().find(|t| t.sample != study.trials[2].sample).expect("not all are equal");
    let changed = line.replacen(&study.trials[2].sample.to_string(), &other.sample.to_string(), 1);
    fs::write(&path, resealed(&text.replacen(line, &changed, 1))).expect("it is writable");
    let message = refusal(resume(&path));
    let expected = format!(
        "study.jsonl:4: trial 2 is `{}`, but the strategy now proposes `{}`; resume with the release",
        other.sample, study.trials[2].sample
    );
    assert!(message.contains(&expected), "{message}");
}

#[test]
fn a_file_is_written_by_one_at_a_time() {
    let (_folder, path, study) = written();
    let bytes = fs::read(&path).expect("it is there");
    fs::write(&path, &bytes[..bytes.len() - 1]).expect("it is writable");
    let mut first = Journal::resume(&path);
    first.open(&study.identity).expect("it opens");
    let text = refusal(resume(&path));
    assert!(text.contains("study.jsonl: another process writes this journal; wait for it to end"), "{text}");
    drop(first);
    assert_eq!(resume(&path).expect("it is free").trials, study.trials);
}

/// Nothing of it is opened for writing, so that several may read it, and from a disk that cannot be written.
#[test]
fn a_study_that_has_ended_is_only_read() {
    let (_folder, path, study) = written();
    let reader = fs::File::open(&path).expect("it is there");
    reader.try_lock_shared().expect("nobody writes it");
    let mut first = Journal::resume(&path);
    assert!(first.open(&study.identity).expect("it opens").end.is_some());
    let again = resume(&path).expect("it is read");
    assert_eq!((again.evaluated, &again.trials), (0, &study.trials));
    let trial = study.trials.last().expect("it has trials");
    let refused = first.push(trial, 0.0).expect_err("it has ended").to_string();
    assert!(refused.contains("its study has ended"), "{refused}");
}

/// Ten ways of damage: each is refused with its line, or changes nothing of the result.
#[test]
fn no_damage_changes_a_result_in_silence() {
    const SEEDS: u64 = 1_000;
    let (bytes, whole) = sample();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("study.jsonl");
    let (mut silent, mut refused) = (Vec::new(), 0);
    for seed in 0..SEEDS {
        let (changed, how) = damaged(bytes, seed);
        fs::write(&path, &changed).expect("it is writable");
        match Journal::study(&path) {
            Ok(study) if study == whole.identity => {}
            Ok(study) => silent.push(format!("seed {seed}: {how}: {study:?}")),
            Err(e) => assert!(e.to_string().contains("study.jsonl:1: "), "seed {seed}: {how}: {e}"),
        }
        match resume(&path) {
            Ok(study) if (&study.trials, study.incumbent()) == (&whole.trials, whole.incumbent()) => {}
            Ok(study) => silent.push(format!("seed {seed}: {how}: {:?}", study.incumbent())),
            Err(e) => {
                assert!(e.to_string().contains("study.jsonl:"), "seed {seed}: {how}: {e}");
                refused += 1;
            }
        }
    }
    assert!(silent.is_empty(), "{} of {SEEDS}:\n{}", silent.len(), silent.join("\n"));
    assert!(refused > SEEDS / 2, "only {refused} were refused");
}

#[test]
fn an_end_of_another_incumbent_is_refused() {
    let (_folder, path, study) = written();
    let text = fs::read_to_string(&path).expect("it is there");
    let best = study.incumbent().expect("one succeeded").id.0;
    let (own, other) = (format!("\"incumbent\":{best}"), format!("\"incumbent\":{}", best + 1));
    fs::write(&path, resealed(&text.replacen(&own, &other, 1))).expect("it is writable");
    let message = refusal(resume(&path));
    let expected =
        format!("study.jsonl:14: the end is of trial {} as the best, but of the trials it is trial {best};", best + 1);
    assert!(message.contains(&expected), "{message}");
}

#[test]
fn impossible_times_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("study.jsonl");
    let timed = |journal: &mut Journal| {
        let strategy = build(STRATEGY).expect("it is in the hub");
        let limit = std::time::Duration::from_secs(900);
        Experiment::new(toy(), strategy, &evaluator()).trials(3).wall_time(limit).store(journal).run()
    };
    timed(&mut Journal::create(&path)).expect("it runs");
    let text = fs::read_to_string(&path).expect("it is there");
    for seconds in ["-1", "1e300"] {
        let changed = text.replacen("\"wall_seconds\":900.0", &format!("\"wall_seconds\":{seconds}"), 1);
        assert_ne!(changed, text);
        fs::write(&path, resealed(&changed)).expect("it is writable");
        let message = Journal::study(&path).expect_err("no time").to_string();
        assert!(
            message.contains("study.jsonl:1: the header does not describe a study: ") && message.contains("wall-clock"),
            "{message}"
        );
    }
    let (before, after) = text.split_once("\"wall\":").expect("a trial has one");
    let changed = format!("{before}\"wall\":1e300,{}", after.split_once(',').expect("a checksum follows").1);
    fs::write(&path, resealed(&changed)).expect("it is writable");
    let message = refusal(timed(&mut Journal::resume(&path)));
    assert!(message.contains("study.jsonl:2: 1e300 is no number of wall-clock seconds"), "{message}");
}

/// Keeps trials, and cannot keep the end: the disk is full.
#[derive(Debug)]
struct Full(Vec<Trial>);

impl Store for Full {
    fn open(&mut self, _: &StudyIdentity) -> Result<Stored, StoreError> {
        Ok(Stored::default())
    }

    fn push(&mut self, trial: &Trial, _: f64) -> Result<(), StoreError> {
        self.0.push(trial.clone());
        Ok(())
    }

    fn finish(&mut self, _: &End) -> Result<(), StoreError> {
        Err(StoreError::Io { path: "study.jsonl".into(), what: "write", source: io::Error::other("no space left") })
    }

    fn place(&self, trial: u64) -> String {
        trial.to_string()
    }
}

#[test]
fn an_end_that_cannot_be_kept_costs_no_result() {
    let mut store = Full(Vec::new());
    let strategy = build(STRATEGY).expect("it is in the hub");
    let study = Experiment::new(toy(), strategy, &evaluator()).trials(12).store(&mut store).run().expect("it ran");
    let (_, whole) = sample();
    assert_eq!((&study.trials, study.incumbent()), (&whole.trials, whole.incumbent()));
    let reason = study.unkept.expect("it is told");
    assert!(reason.contains("study.jsonl: cannot write the journal: no space left"), "{reason}");
    assert_eq!(store.0, study.trials);
}

#[test]
fn unwritable_paths_are_named_before_anything_is_evaluated() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("no/such/folder/study.jsonl");
    let broken = Function::new("ranks", Metric::maximize("ranks", ""), |_: &Candidate<'_>| panic!("evaluated"));
    for (journal, what) in [(Journal::create(&nowhere), "create"), (Journal::resume(&nowhere), "open")] {
        let mut journal = journal;
        let strategy = build(STRATEGY).expect("it is in the hub");
        let text = refusal(Experiment::new(toy(), strategy, &broken).trials(3).store(&mut journal).run());
        assert!(text.contains(&format!("study.jsonl: cannot {what} the journal: No such file")), "{text}");
        assert!(text.ends_with("check the path, its permissions and the free space"), "{text}");
    }
    let text = refusal(search(&mut Journal::create(folder.path()), STRATEGY, 0));
    assert!(text.contains("cannot create the journal: Is a directory"), "{text}");
}

/// The bytes of a finished study's journal, and the study.
fn sample() -> &'static (Vec<u8>, Study) {
    static SAMPLE: OnceLock<(Vec<u8>, Study)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let (_folder, path, study) = written();
        (fs::read(path).expect("it is there"), study)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_journal_cut_at_any_byte_resumes(cut in 0usize..1 << 16) {
        let (bytes, whole) = sample();
        let cut = cut % (bytes.len() + 1);
        let header = bytes.iter().position(|b| *b == b'\n').expect("a header") + 1;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("study.jsonl");
        fs::write(&path, &bytes[..cut]).expect("it is writable");
        let fresh = cut < header;
        let mut journal = if fresh { Journal::create(&path) } else { Journal::resume(&path) };
        let resumed = search(&mut journal, STRATEGY, 0).expect("it resumes");
        prop_assert_eq!(&resumed.trials, &whole.trials);
        prop_assert_eq!(resumed.incumbent(), whole.incumbent());
        drop(journal);
        prop_assert_eq!(resume(&path).expect("it is whole").evaluated, 0);
    }

    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let (bytes, _) = sample();
        let mut bytes = bytes.clone();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("study.jsonl");
        fs::write(&path, &bytes).expect("it is writable");
        let _ = Journal::study(&path);
        if let Err(e) = resume(&path) {
            prop_assert!(e.to_string().contains("study.jsonl"), "{}", e);
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("study.jsonl");
        fs::write(&path, &bytes).expect("it is writable");
        prop_assert!(Journal::study(&path).is_err());
        prop_assert!(resume(&path).is_err());
        prop_assert_eq!(fs::read(&path).expect("it is there"), bytes);
    }
}
