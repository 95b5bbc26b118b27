//! What can go wrong between a study, its strategy and its store.

use evaluators::EvaluateError;
use mutators::{MutateError, OptionError};
use std::path::PathBuf;

/// Why a strategy cannot be made, or cannot say what to try next.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// No strategy of that name.
    #[error("no strategy `{name}`{}; there are {known}", ir::text::did_you_mean(.nearest.as_deref()))]
    Unknown {
        /// The name.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// The names there are.
        known: String,
    },
    /// A strategy that this build is without.
    #[error(
        "strategy `{name}` needs libtorch, which this program was built without; run `make setup-torch`, and build with \
         `cargo build --features torch`"
    )]
    NeedsTorch {
        /// The strategy.
        name: String,
    },
    /// A one-shot strategy where one is wanted that proposes trial after trial.
    #[error(
        "strategy `{name}` trains a supernet, and proposes no trials; `lanista search --strategy {name}` and \
         `strategies::one_shot` run it"
    )]
    OneShot {
        /// The strategy.
        name: String,
    },
    /// An option that does not exist or does not fit.
    #[error(transparent)]
    Options(#[from] OptionError),
    /// A space that the strategy cannot walk, or that has no legal sample.
    #[error(transparent)]
    Space(#[from] MutateError),
    /// A strategy that waits for a result although none is under way.
    #[error("strategy `{strategy}` waits for results although no trial is running; it must propose one, or be done")]
    Stalled {
        /// The strategy.
        strategy: String,
    },
    /// A strategy that proposes nothing, or more than it was asked for.
    #[error("strategy `{strategy}` made {found} proposals where 1 to {want} were asked for")]
    Proposals {
        /// The strategy.
        strategy: String,
        /// Number of its proposals.
        found: usize,
        /// Greatest number asked for.
        want: usize,
    },
    /// A strategy's own reason.
    #[error("strategy `{strategy}`: {reason}")]
    Refused {
        /// The strategy.
        strategy: String,
        /// What is wrong, and what to do about it.
        reason: String,
    },
}

/// Why a study cannot be stored, or not be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A journal that is there already.
    #[error("{}: the journal exists already; resume it, or remove it to start anew", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be opened, read or written.
    #[error("{}: cannot {what} the journal: {source}; check the path, its permissions and the free space", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: `create`.
        what: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another process writes it.
    #[error("{}: another process writes this journal; wait for it to end, or name another file", .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A file without a whole header line: nothing was recorded in it.
    #[error("{}:1: no complete header line, so no trial was recorded; start the search again with this journal", .path.display())]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// A file that is no journal, or one of another format version.
    #[error("{}:1: {reason}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found and expected, and what to do.
        reason: String,
    },
    /// A line that does not say what its place demands.
    #[error("{}:{line}: {reason}; delete this line and all after it to resume from the trial before", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The store holds another study.
    #[error(
        "{place}: holds another study: its {field} is {stored}, not {given}; resume it as it was started, or name another journal"
    )]
    OtherStudy {
        /// The file and line, or `memory`.
        place: String,
        /// What differs: `seed`.
        field: &'static str,
        /// What is stored.
        stored: String,
        /// What was given.
        given: String,
    },
    /// The strategy proposes something else than what is stored.
    #[error(
        "{place}: trial {trial} is {stored}, but the strategy now proposes {proposed}; resume with the release of Lanista that wrote the journal"
    )]
    Diverged {
        /// The file and line, or `memory`.
        place: String,
        /// The trial.
        trial: u64,
        /// What is stored.
        stored: String,
        /// What the strategy proposes.
        proposed: String,
    },
    /// The stored end is of another best trial: what was looked up is another network's.
    #[error(
        "{place}: the end is of {stored} as the best, but of the trials it is {made}; resume with the release of Lanista that wrote the journal"
    )]
    OtherIncumbent {
        /// The file and line, or `memory`.
        place: String,
        /// The trial that the end names.
        stored: String,
        /// The best of the stored trials.
        made: String,
    },
    /// More trials are stored than the study makes.
    #[error(
        "{place}: holds {stored} trials, but the study ends after {made} ({reason}); resume with the release of Lanista that wrote the journal"
    )]
    TooMany {
        /// The file, or `memory`.
        place: String,
        /// Number of stored trials.
        stored: u64,
        /// Number of trials that the study makes.
        made: u64,
        /// Why it ends.
        reason: String,
    },
}

/// Why an experiment cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// Nothing would end it.
    #[error("the experiment has no budget; give a number of trials, or a budget of simulated or wall-clock time")]
    NoBudget,
    /// A setting that makes no sense.
    #[error("{option}={value} {reason}")]
    Setting {
        /// The setting.
        option: &'static str,
        /// Its value.
        value: String,
        /// `is out of range; it is at least 1`.
        reason: &'static str,
    },
    /// Several trials at a time, of which each needs the process to itself.
    #[error(
        "evaluator `{evaluator}` runs one trial at a time in a process, not {jobs}, as its trials share threads and memory; \
         use --jobs 1, and give each trial more threads"
    )]
    Exclusive {
        /// The evaluator.
        evaluator: String,
        /// Number of jobs.
        jobs: usize,
    },
    /// An evaluator that scores other spaces, or has no metric.
    #[error(transparent)]
    Evaluator(#[from] EvaluateError),
    /// A strategy that fails before the first trial.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A store that cannot be read or written: the study cannot go on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Threads that the system does not grant.
    #[error("cannot start {jobs} worker threads: {reason}; use fewer jobs")]
    Threads {
        /// Number of threads.
        jobs: usize,
        /// The system's reason.
        reason: String,
    },
}
