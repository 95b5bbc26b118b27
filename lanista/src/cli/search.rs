//! `search` and `resume`.

use super::args::{ReportArgs, ResumeArgs, SearchArgs};
use super::failure::Failure;
use super::interrupt;
use super::output::{self, Outputs, Target};
use super::progress::Shown;
use super::protocol::Plan;
use super::result::Found;
use super::source::Source;
use super::watch::Watch;
#[cfg(feature = "torch")]
use evaluators::EvaluateError;
use evaluators::Evaluator;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strategies::{Experiment, ExperimentError, Journal, Progress, StopReason, StoreError, Strategy};

/// A search with all its parts made.
struct Prepared {
    source: Source,
    strategy: Box<dyn Strategy>,
    evaluator: Box<dyn Evaluator>,
    seed: u64,
    plan: Plan,
    outputs: Outputs,
    journal: Option<Journal>,
    /// The journal's path if this run makes it, so that a search that cannot start leaves none behind.
    made: Option<PathBuf>,
    /// Where the network that was found is drawn.
    drawing: Option<Target>,
}

/// Searches a space.
pub fn search(args: &SearchArgs) -> Result<(), Failure> {
    if let Some(strategy) = args.strategy.as_ref().filter(|s| strategies::is_one_shot(s)) {
        #[cfg(feature = "torch")]
        return super::one_shot::search(args, strategy);
        #[cfg(not(feature = "torch"))]
        return Err(super::train::needs_torch(&format!("--strategy {strategy}")));
    }
    if let Some(flag) = args.one_shot.given() {
        return Err(Failure::usage(format!(
            "{flag} is of one-shot searches; this one keeps its trials with --journal FILE, and `lanista train` trains \
             what it found"
        )));
    }
    let source = Source::load(&args.target)?;
    let plan = Plan::of(args, &source.space)?;
    let strategy = strategies::build(&plan.strategy).map_err(Failure::usage)?;
    let evaluator = evaluators::build(&plan.evaluator)?;
    let mut outputs = Outputs::default();
    source.register(&mut outputs)?;
    if let Some(journal) = &args.journal {
        outputs.keeps("--journal", journal)?;
    }
    let drawing = outputs.file("--draw", args.draw.as_deref())?;
    // A file that is there already is somebody's work; whatever happens, it stays.
    let made = args.journal.clone().filter(|path| fs::symlink_metadata(path).is_err());
    let journal = args.journal.as_ref().map(Journal::create);
    run(Prepared { source, strategy, evaluator, seed: args.seed, plan, outputs, journal, made, drawing }, &args.report)
}

/// Goes on with the search that a journal holds.
pub fn resume(args: &ResumeArgs) -> Result<(), Failure> {
    let path = &args.journal;
    let study = Journal::study(path).map_err(Failure::usage)?;
    let here = |e: Failure| match e {
        Failure::Usage(lines) => Failure::Usage(lines.iter().map(|l| format!("{}:1: {l}", path.display())).collect()),
        other => other,
    };
    let source = Source::load(&study.space).map_err(here)?;
    let mut outputs = Outputs::default();
    source.register(&mut outputs)?;
    outputs.keeps("the journal", path)?;
    let strategy = strategies::build(&study.strategy).map_err(|e| here(Failure::usage(e)))?;
    let evaluator = evaluators::build(&study.evaluator).map_err(|e| here(e.into()))?;
    let protocol = match study.protocol.as_deref() {
        None => None,
        Some(name) => Some(Plan::protocol(name).ok_or_else(|| {
            here(Failure::usage(format!(
                "no protocol is called `{name}`; resume with the program that wrote the journal"
            )))
        })?),
    };
    let plan = Plan {
        strategy: study.strategy,
        evaluator: study.evaluator,
        trials: study.trials,
        simulated: study.simulated_seconds,
        crossing: study.crossing,
        wall: study.wall_seconds,
        jobs: study.jobs,
        protocol,
    };
    let journal = Some(Journal::resume(path));
    run(
        Prepared { source, strategy, evaluator, seed: study.seed, plan, outputs, journal, made: None, drawing: None },
        &args.report,
    )
}

fn run(mut p: Prepared, args: &ReportArgs) -> Result<(), Failure> {
    let mut outputs = p.outputs;
    let json = outputs.file("--json", args.json.as_deref())?;
    let mut watch = Watch::new(&mut outputs, args.logdir.as_deref())?;
    let unit = p.evaluator.search_metrics().first().map_or("", |m| m.unit);
    let mut shown = Shown::new(args.quiet, unit, p.plan.wall);
    // A pool scores a part of its space only: the search stays inside.
    let space = &p.evaluator.restrict(p.source.space.clone());
    let mut experiment = Experiment::new(space, p.strategy, &*p.evaluator).seed(p.seed).jobs(p.plan.jobs);
    if let Some(n) = p.plan.trials {
        experiment = experiment.trials(n);
    }
    if let Some(seconds) = p.plan.simulated {
        experiment = experiment.simulated_time(seconds, p.plan.crossing);
    }
    if let Some(seconds) = p.plan.wall {
        experiment = experiment.wall_time(Duration::from_secs_f64(seconds));
    }
    if let Some(name) = p.plan.protocol {
        experiment = experiment.protocol(name);
    }
    let kept = p.journal.as_ref().map(|journal| journal.path().to_owned());
    if let Some(journal) = &mut p.journal {
        experiment = experiment.store(journal);
    }
    if let Some(path) = kept {
        interrupt::advise(move || match Journal::study(&path) {
            Ok(_) => format!("go on with `lanista resume {}`", interrupt::quoted(&path)),
            Err(_) => "no trial was kept; start again".to_owned(),
        });
    }
    let tell = |progress: &Progress<'_>| {
        shown.tell(progress);
        if let Some(watch) = &mut watch {
            watch.trial(progress);
        }
    };
    let study = experiment.progress(tell).run();
    shown.finish();
    let study = study.map_err(|e| refuse(e, p.made.as_deref(), &p.source))?;
    let read = study.trials.len() as u64 - study.evaluated;
    if read > 0 && !args.quiet {
        output::note(&format!("{read} trials were read from the journal, {} evaluated", study.evaluated));
    }
    let result = Found::of(&study, space, &*p.evaluator, args.convention)?;
    outputs.write(json.as_ref(), || result.json());
    if let Some(best) = study.incumbent() {
        outputs.write(p.drawing.as_ref(), || Ok(space.drawing(&best.sample)?.to_svg()));
    }
    let text = match &args.json {
        Some(f) if f == Path::new("-") => result.json(),
        _ => Ok(result.text()),
    };
    let printed = text.and_then(|text| output::print(&text));
    outputs.attempt(printed);
    if let Some(reason) = &study.unkept {
        outputs.attempt::<()>(Err(Failure::search(reason)));
    }
    let reason = match &study.stop {
        StopReason::Failed { reason } => Some(format!("the search failed: {reason}")),
        _ if study.incumbent().is_none() => {
            let reason = result.first_failure().map(|r| format!("; the first failed with: {r}")).unwrap_or_default();
            Some(format!("no trial succeeded{reason}"))
        }
        _ => None,
    };
    if let Some(reason) = reason {
        outputs.attempt::<()>(Err(Failure::search(reason)));
    }
    outputs.attempt(watch.map_or(Ok(()), Watch::finish));
    outputs.end()
}

/// An experiment that cannot run: bad input, unless a store failed on the way.
#[cfg_attr(not(feature = "torch"), allow(unused_variables, reason = "only a training can find a file unfit"))]
fn refuse(e: ExperimentError, made: Option<&Path>, source: &Source) -> Failure {
    match &e {
        ExperimentError::Store(StoreError::Io { what: "write" | "sync", .. }) => return Failure::search(e),
        ExperimentError::Store(_) => {}
        _ => {
            if let Some(path) = made {
                // It holds a header at most; whether there is one depends on how far the experiment got.
                let _ = fs::remove_file(path);
            }
        }
    }
    match e {
        #[cfg(feature = "torch")]
        ExperimentError::Evaluator(EvaluateError::Train(e)) => source.unfit(e),
        ExperimentError::Evaluator(e) => e.into(),
        e => Failure::usage(e),
    }
}
