//! The experiment loop: order of asks and tells, budgets, incumbents, reports, and what stops it.

use evaluators::{Candidate, EvaluateError, Evaluation, Evaluator, Function, Metric, Standing, Values};
use ir::Name;
use mutators::Space;
use rand::Rng;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strategies::store::{End, Stored};
use strategies::{
    Crossing, Experiment, ExperimentError, Journal, Next, Objective, Outcome, Proposal, Reported, StopReason, Store,
    StoreError, Strategy, StrategyError, Study, StudyIdentity, Trial, TrialId, Verdict, build,
};

fn toy() -> Space {
    mutators::spaces::build("toy").expect("it is in the hub")
}

fn random() -> Box<dyn Strategy> {
    build("random:replace=true").expect("it is in the hub")
}

/// Each trial takes `seconds` of simulated time, trial i scores `i % modulus`.
#[derive(Debug)]
struct Clock {
    seconds: f64,
    modulus: u64,
    metrics: [Metric; 1],
    reports: AtomicU64,
    fails: bool,
}

impl Clock {
    fn new(seconds: f64, modulus: u64, metric: Metric) -> Self {
        Self { seconds, modulus, metrics: [metric], reports: AtomicU64::new(0), fails: false }
    }
}

impl Evaluator for Clock {
    fn identity(&self) -> &str {
        "clock"
    }
    fn search_metrics(&self) -> &[Metric] {
        &self.metrics
    }
    fn report_metrics(&self) -> &[Metric] {
        &self.metrics
    }
    fn evaluate(&self, c: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        let value = (c.query.number % self.modulus) as f64;
        Ok(Evaluation { values: Values::from_slice(&[value]), seconds: self.seconds })
    }
    fn report(&self, c: &Candidate<'_>) -> Result<Values, EvaluateError> {
        self.reports.fetch_add(1, Ordering::Relaxed);
        if self.fails {
            return Err(EvaluateError::Failed("the table has no such row".into()));
        }
        Ok(Values::from_slice(&[c.query.number as f64]))
    }
    fn standing(&self, _: &Candidate<'_>) -> Result<Vec<Standing>, EvaluateError> {
        Ok(vec![Standing { metric: Name::new("m"), rank: 2, of: 24, regret: 0.5 }])
    }
    fn caveats(&self) -> Vec<String> {
        vec!["a clock".into()]
    }
}

fn clock() -> Clock {
    Clock::new(1.0, 5, Metric::maximize("m", ""))
}

/// Writes down what it is asked and told.
#[derive(Debug)]
struct Spy {
    log: Arc<Mutex<Vec<String>>>,
    asked: u64,
}

impl Strategy for Spy {
    fn identity(&self) -> &str {
        "spy"
    }
    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, want: usize) -> Result<Next, StrategyError> {
        self.log.lock().expect("log").push(format!("ask {} of {want}", self.asked));
        self.asked += 1;
        Ok(Next::run(space.sample(rng)?))
    }
    fn tell(&mut self, trial: &Trial, _: &Objective) {
        self.log.lock().expect("log").push(format!("tell {}", trial.id));
    }
}

#[test]
fn trial_i_is_asked_after_the_trials_up_to_i_minus_jobs() {
    let space = toy();
    let slow = Function::new("slow", Metric::maximize("m", ""), |c: &Candidate<'_>| {
        std::thread::sleep(Duration::from_millis([5, 0, 2, 1][c.query.number as usize % 4]));
        Ok(0.0)
    });
    let log = Arc::new(Mutex::new(Vec::new()));
    let spy = Spy { log: log.clone(), asked: 0 };
    Experiment::new(&space, Box::new(spy), &slow).trials(5).jobs(3).run().expect("it runs");
    let expected = [
        "ask 0 of 3",
        "ask 1 of 2",
        "ask 2 of 1",
        "tell 0",
        "ask 3 of 1",
        "tell 1",
        "ask 4 of 1",
        "tell 2",
        "tell 3",
        "tell 4",
    ];
    assert_eq!(*log.lock().expect("log"), expected);
}

fn simulated(budget: f64, crossing: Crossing, jobs: usize) -> Study {
    let (space, clock) = (toy(), Clock::new(2.0, 5, Metric::maximize("m", "")));
    let study = Experiment::new(&space, random(), &clock).simulated_time(budget, crossing).jobs(jobs).run();
    study.expect("it runs")
}

#[test]
fn the_crossing_trial_counts_or_is_discarded() {
    for jobs in [1, 4] {
        for (budget, crossing, trials) in [
            (7.0, Crossing::Counted, 4),
            (7.0, Crossing::Discarded, 3),
            (8.0, Crossing::Counted, 4),
            (8.0, Crossing::Discarded, 4),
            (1.0, Crossing::Discarded, 0),
        ] {
            let study = simulated(budget, crossing, jobs);
            assert_eq!(study.trials.len(), trials, "{budget} {crossing:?}");
            assert_eq!(study.simulated_seconds, 2.0 * trials as f64);
            assert_eq!(study.stop, StopReason::SimulatedTime);
        }
    }
}

#[test]
fn budgets_that_end_nothing_are_refused() {
    let (space, still) = (toy(), Clock::new(0.0, 5, Metric::maximize("m", "")));
    let err = Experiment::new(&space, random(), &still).run().expect_err("no budget");
    assert!(matches!(err, ExperimentError::NoBudget), "{err}");
    let study = Experiment::new(&space, random(), &still).simulated_time(10.0, Crossing::Counted).run();
    let study = study.expect("it starts");
    assert!(matches!(&study.stop, StopReason::Failed { reason } if reason.contains("give a number of trials")));
    let err = Experiment::new(&space, random(), &still).trials(1).jobs(0).run().expect_err("no jobs");
    assert_eq!(err.to_string(), "jobs=0 is out of range; it lies in 1..=1024");
    let err = Experiment::new(&space, random(), &still).simulated_time(f64::NAN, Crossing::Counted).run();
    assert!(err.expect_err("no number").to_string().starts_with("simulated seconds=NaN is out of range"));
    let none = Experiment::new(&space, random(), &still).trials(0).run().expect("it ends at once");
    assert_eq!((none.trials.len(), none.stop, none.report), (0, StopReason::Trials, None));
}

#[test]
fn wall_time_ends_a_search_and_is_confessed() {
    let (space, clock) = (toy(), clock());
    for jobs in [1, 2] {
        let study = Experiment::new(&space, random(), &clock).wall_time(Duration::from_millis(20)).jobs(jobs).run();
        let study = study.expect("it runs");
        assert_eq!(study.stop, StopReason::WallTime);
        assert!(study.wall_seconds >= 0.02 && !study.trials.is_empty());
        assert!(study.caveats.iter().any(|c| c.contains("wall-clock")), "{:?}", study.caveats);
    }
}

#[test]
fn ties_go_to_the_earliest_and_the_direction_counts() {
    let space = toy();
    for (metric, best) in [(Metric::maximize("m", ""), 4), (Metric::minimize("m", ""), 0)] {
        let clock = Clock::new(1.0, 5, metric);
        let study = Experiment::new(&space, random(), &clock).trials(17).run().expect("it runs");
        assert_eq!(study.incumbent().map(|t| t.id), Some(TrialId(best)));
    }
}

#[test]
fn report_metrics_are_looked_up_once_for_the_incumbent() {
    let (space, clock) = (toy(), clock());
    let study = Experiment::new(&space, random(), &clock).trials(50).protocol("plain").run().expect("it runs");
    assert_eq!(clock.reports.load(Ordering::Relaxed), 1);
    let report = study.report.as_ref().expect("it was looked up");
    assert_eq!(report.values.as_slice(), [4.0]);
    assert_eq!(report.standings[0].rank, 2);
    let ledger = study.ledger(&space);
    assert_eq!((ledger.queries, ledger.failed, ledger.report_lookups), (50, 0, 1));
    assert_eq!((ledger.simulated_seconds, ledger.protocol.as_deref()), (50.0, Some("plain")));
    assert_eq!(ledger.caveats, ["a clock"]);
    assert!(ledger.unique_samples <= 24 && ledger.unique_graphs <= ledger.unique_samples);

    let failing = Clock { fails: true, ..self::clock() };
    let study = Experiment::new(&space, random(), &failing).trials(5).run().expect("a report's failure is no failure");
    assert_eq!(study.report, None);
    assert!(study.caveats[1].contains("the table has no such row"), "{:?}", study.caveats);
}

#[test]
fn progress_is_called_in_order() {
    let (space, clock) = (toy(), clock());
    let mut seen = Vec::new();
    let experiment = Experiment::new(&space, random(), &clock).trials(7).jobs(3);
    experiment.progress(|p| seen.push((p.trial.id.0, p.told, p.incumbent.map(|t| t.id.0)))).run().expect("it runs");
    let expected: Vec<_> = (0..7u64).map(|i| (i, i + 1, Some(i.min(4)))).collect();
    assert_eq!(seen, expected);
}

/// Proposes a number of samples, then does something else.
#[derive(Debug)]
struct Then {
    left: u64,
    then: fn() -> Result<Next, StrategyError>,
}

impl Strategy for Then {
    fn identity(&self) -> &str {
        "then"
    }
    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, _: usize) -> Result<Next, StrategyError> {
        if self.left == 0 {
            return (self.then)();
        }
        self.left -= 1;
        Ok(Next::run(space.sample(rng)?))
    }
    fn tell(&mut self, _: &Trial, _: &Objective) {}
}

#[test]
fn a_strategy_that_fails_on_its_way_keeps_its_trials() {
    let (space, clock) = (toy(), clock());
    let refuse = || Err(StrategyError::Refused { strategy: "then".into(), reason: "no model".into() });
    let cases: [(fn() -> Result<Next, StrategyError>, &str); 3] = [
        (refuse, "strategy `then`: no model"),
        (|| Ok(Next::Wait), "strategy `then` waits for results although no trial is running"),
        (|| Ok(Next::Run(Vec::new())), "strategy `then` made 0 proposals where 1 to 1 were asked for"),
    ];
    for (then, text) in cases {
        let run = |left| Experiment::new(&space, Box::new(Then { left, then }), &clock).trials(9).run();
        let study = run(4).expect("it starts");
        assert_eq!(study.trials.len(), 4);
        assert!(matches!(&study.stop, StopReason::Failed { reason } if reason.starts_with(text)), "{}", study.stop);
        assert!(study.report.is_some());
        let err = run(0).expect_err("it never starts");
        assert!(matches!(err, ExperimentError::Strategy(_)) && err.to_string().starts_with(text), "{err}");
    }
    let done = Then { left: 2, then: || Ok(Next::Done("all is said".into())) };
    let study = Experiment::new(&space, Box::new(done), &clock).trials(9).jobs(4).run().expect("it runs");
    assert_eq!(study.stop, StopReason::Exhausted { reason: "all is said".into() });
    assert_eq!(study.trials.len(), 2);
}

/// Proposes whole generations and waits between them.
#[derive(Debug, Default)]
struct Generations {
    running: usize,
}

impl Strategy for Generations {
    fn identity(&self) -> &str {
        "generations"
    }
    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, want: usize) -> Result<Next, StrategyError> {
        if self.running > 0 {
            return Ok(Next::Wait);
        }
        self.running = want;
        let samples: Result<Vec<Proposal>, _> = (0..want).map(|_| space.sample(rng).map(Proposal::new)).collect();
        Ok(Next::Run(samples?))
    }
    fn tell(&mut self, _: &Trial, _: &Objective) {
        self.running -= 1;
    }
}

strategies::strategy_conformance!(generations, Generations::default());

#[test]
fn a_strategy_may_wait_for_a_whole_generation() {
    let (space, clock) = (toy(), clock());
    for jobs in [1, 4] {
        let study = Experiment::new(&space, Box::<Generations>::default(), &clock).trials(10).jobs(jobs).run();
        assert_eq!(study.expect("it runs").trials.len(), 10);
    }
}

#[test]
fn scores_that_cannot_be_compared_fail() {
    #[derive(Debug)]
    struct Odd([Metric; 2]);
    impl Evaluator for Odd {
        fn identity(&self) -> &str {
            "odd"
        }
        fn search_metrics(&self) -> &[Metric] {
            &self.0
        }
        fn evaluate(&self, c: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
            let (values, seconds): (&[f64], f64) = match c.query.number {
                0 => (&[1.0], 0.0),
                1 => (&[1.0, f64::INFINITY], 0.0),
                2 => (&[1.0, 2.0], -1.0),
                _ => (&[1.0, 2.0], 1.0),
            };
            Ok(Evaluation { values: Values::from_slice(values), seconds })
        }
    }
    let (space, odd) = (toy(), Odd([Metric::maximize("a", ""), Metric::maximize("b", "")]));
    let study = Experiment::new(&space, random(), &odd).trials(4).run().expect("it runs");
    let reasons: Vec<&str> = study.trials.iter().map(|t| reason(&t.outcome)).collect();
    let expected = [
        "odd gives 1 values for 2 metrics",
        "odd gives b = inf, which is no finite number",
        "odd gives -1 simulated seconds",
        "",
    ];
    assert_eq!(reasons, expected);
    assert_eq!(study.incumbent().map(|t| t.id), Some(TrialId(3)));
}

fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed { reason } => reason,
        Outcome::Done { .. } | Outcome::Stopped { .. } => "",
    }
}

/// A store that is full after a number of trials.
#[derive(Debug)]
struct Full(u64);

impl Store for Full {
    fn open(&mut self, _: &StudyIdentity) -> Result<Stored, StoreError> {
        Ok(Stored::default())
    }
    fn push(&mut self, trial: &Trial, _: f64) -> Result<(), StoreError> {
        if trial.id.0 < self.0 {
            return Ok(());
        }
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        Err(StoreError::Io { path: "disk".into(), what: "write", source })
    }
    fn finish(&mut self, _: &End) -> Result<(), StoreError> {
        Ok(())
    }
    fn place(&self, _: u64) -> String {
        "disk".into()
    }
}

#[test]
fn a_store_that_fails_stops_the_study() {
    let space = toy();
    for jobs in [1, 3] {
        let count = AtomicU64::new(0);
        let counted = Function::new("counted", Metric::maximize("m", ""), |_: &Candidate<'_>| {
            Ok(count.fetch_add(1, Ordering::Relaxed) as f64)
        });
        let mut full = Full(5);
        let err = Experiment::new(&space, random(), &counted).trials(1_000).jobs(jobs).store(&mut full).run();
        assert!(matches!(err, Err(ExperimentError::Store(StoreError::Io { .. }))));
        assert!(count.load(Ordering::Relaxed) < 10);
    }
}

#[test]
#[should_panic(expected = "the evaluator is broken")]
fn a_panic_of_an_evaluator_is_passed_on() {
    let space = toy();
    let broken = Function::new("broken", Metric::maximize("m", ""), |c: &Candidate<'_>| {
        assert!(c.query.number < 4, "the evaluator is broken");
        Ok(0.0)
    });
    let _ = Experiment::new(&space, random(), &broken).trials(20).jobs(3).run();
}

#[test]
fn studies_differ_by_seed_and_by_nothing_else() {
    let (space, clock) = (toy(), clock());
    let run = |seed, jobs| {
        let study = Experiment::new(&space, random(), &clock).trials(30).seed(seed).jobs(jobs).run();
        study.expect("it runs").trials.into_iter().map(|t| t.sample.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(run(1, 1), run(1, 1));
    assert_ne!(run(1, 1), run(2, 1));
    // Random search learns nothing, so its samples do not depend on the number of jobs either.
    assert_eq!(run(1, 1), run(1, 4));
}

/// Reports its number times the step, from step 1 to 4, and scores what it came to.
#[derive(Debug)]
struct Climb {
    metrics: [Metric; 1],
    exclusive: bool,
}

impl Evaluator for Climb {
    fn identity(&self) -> &str {
        "climb"
    }
    fn search_metrics(&self) -> &[Metric] {
        &self.metrics
    }
    fn evaluate(&self, c: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        let mut value = 0.0;
        for step in 1..=4 {
            value = (c.query.number * step) as f64;
            if c.report(step, value).is_break() {
                break;
            }
        }
        Ok(Evaluation { values: Values::from_slice(&[value]), seconds: 1.0 })
    }
    fn is_exclusive(&self) -> bool {
        self.exclusive
    }
}

/// Stops a trial whose value at a step is odd; writes down what it hears.
#[derive(Debug)]
struct Impatient {
    log: Arc<Mutex<Vec<String>>>,
}

impl Strategy for Impatient {
    fn identity(&self) -> &str {
        "impatient"
    }
    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, _: usize) -> Result<Next, StrategyError> {
        Ok(Next::run(space.sample(rng)?))
    }
    fn report(&mut self, trial: TrialId, step: u64, value: f64) -> Verdict {
        self.log.lock().expect("log").push(format!("{trial} reports {value} at {step}"));
        if value % 2.0 == 1.0 { Verdict::Stop } else { Verdict::Continue }
    }
    fn tell(&mut self, trial: &Trial, _: &Objective) {
        self.log.lock().expect("log").push(format!("{} told {:?}", trial.id, trial.outcome.values()));
    }
}

fn impatient() -> (Box<dyn Strategy>, Arc<Mutex<Vec<String>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    (Box::new(Impatient { log: log.clone() }), log)
}

#[test]
fn a_trial_that_reports_can_be_stopped_and_replayed() {
    let climb = Climb { metrics: [Metric::maximize("m", "")], exclusive: false };
    let space = toy();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("j.jsonl");
    let (strategy, log) = impatient();
    let whole = Experiment::new(&space, strategy, &climb).trials(4).store(&mut Journal::create(&path)).run();
    let whole = whole.expect("it runs");
    let heard = log.lock().expect("log").clone();
    assert_eq!(
        heard[..6],
        [
            "0 reports 0 at 1",
            "0 reports 0 at 2",
            "0 reports 0 at 3",
            "0 reports 0 at 4",
            "0 told Some([0.0])",
            "1 reports 1 at 1"
        ]
    );
    let ends: Vec<bool> = whole.trials.iter().map(|t| matches!(t.outcome, Outcome::Stopped { .. })).collect();
    assert_eq!(ends, [false, true, false, true]);
    assert_eq!(whole.trials[1].reports, [Reported { step: 1, value: 1.0 }]);
    assert_eq!(whole.trials[1].value(&whole.objective), Some(1.0));
    assert_eq!(whole.trials[2].reports.len(), 4);
    let ledger = whole.ledger(&space);
    assert_eq!((ledger.queries, ledger.stopped, ledger.failed), (4, 2, 0));

    // What was stored is heard again, word for word.
    let text = std::fs::read_to_string(&path).expect("a journal");
    assert!(text.contains("\"reports\":[[1,1.0]],\"values\":[1.0],\"seconds\":1.0,\"stopped\":true"), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    for kept in [2, 3, 5] {
        std::fs::write(&path, lines[..kept].join("\n") + "\n").expect("a shorter journal");
        let (strategy, log) = impatient();
        let study = Experiment::new(&space, strategy, &climb).trials(4).store(&mut Journal::resume(&path)).run();
        assert_eq!(study.expect("it resumes").trials, whole.trials, "from {kept} lines");
        assert_eq!(*log.lock().expect("log"), heard, "from {kept} lines");
    }

    // With two at a time nothing depends on the order of reports.
    let (strategy, log) = impatient();
    let both = Experiment::new(&space, strategy, &climb).trials(4).jobs(2).run().expect("it runs");
    assert!(both.trials.iter().all(|t| matches!(t.outcome, Outcome::Done { .. }) && t.reports.len() == 4));
    assert!(log.lock().expect("log").iter().all(|line| line.contains("told")));
}

#[test]
fn an_evaluator_that_needs_the_process_runs_one_trial_at_a_time() {
    let climb = Climb { metrics: [Metric::maximize("m", "")], exclusive: true };
    let space = toy();
    Experiment::new(&space, random(), &climb).trials(2).run().expect("one at a time");
    let error = Experiment::new(&space, random(), &climb).trials(2).jobs(2).run().expect_err("two at a time");
    assert!(matches!(error, ExperimentError::Exclusive { jobs: 2, .. }), "{error}");
    assert!(error.to_string().contains("`climb` runs one trial at a time"), "{error}");
}
