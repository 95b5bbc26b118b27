//! Flags of searches.

use super::{at_least_one, convention, positive_seconds};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const SEARCH: &str = "\
Examples:
  lanista search nasbench201 --strategy random --evaluator nasbench201 --trials 200
  lanista search nasbench201 --strategy regularized-evolution:population=10,sample=3 \\
      --evaluator nasbench201:dataset=cifar10,epochs=12,report=200 --trials 300 --seed 1 \\
      --journal study.jsonl --json study.json
  lanista search nasbench201 --protocol nasbench201-paper --strategy random --seed 5
  lanista search my_space.lir --strategy grid --evaluator cost:metric=params --trials 100

The result depends on the seed and the number of jobs, never on timing, unless --time-budget ends the search.
A search with --journal can be interrupted at any moment; `lanista resume FILE` goes on.";

/// Arguments of `search`.
#[derive(Debug, Args)]
#[command(after_help = SEARCH)]
pub struct SearchArgs {
    /// A space with options, or a file whose open decisions make a space
    #[arg(value_name = "SPACE|FILE")]
    pub target: String,
    /// What decides what to try next: NAME or NAME:key=value,..
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// What scores a network: NAME or NAME:key=value,..
    #[arg(long, value_name = "NAME")]
    pub evaluator: Option<String>,
    /// Stop after this many trials
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub trials: Option<u64>,
    /// Start no trial after this many seconds of wall-clock time
    #[arg(long, value_name = "SECONDS", value_parser = positive_seconds, allow_negative_numbers = true)]
    pub time_budget: Option<f64>,
    /// Stop when the trials' simulated seconds reach this
    #[arg(long, value_name = "SECONDS", value_parser = positive_seconds, allow_negative_numbers = true)]
    pub simulated_budget: Option<f64>,
    /// Follow a published protocol, which sets the evaluator and the budget
    #[arg(long, value_enum, value_name = "NAME")]
    pub protocol: Option<Protocol>,
    /// Seed of all randomness [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub seed: u64,
    /// Trials under way at a time; part of what determines the result [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), allow_negative_numbers = true)]
    pub jobs: Option<u32>,
    /// Keep all trials in a file, from which the search can be resumed
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Draw what was found, as SVG; the file is replaced as a whole
    #[arg(long, value_name = "FILE")]
    pub draw: Option<PathBuf>,
    /// Of one-shot searches only
    #[command(flatten)]
    pub one_shot: OneShotArgs,
    /// What is printed, and where else it goes
    #[command(flatten)]
    pub report: ReportArgs,
}

/// Flags of one-shot searches.
#[derive(Debug, Args)]
#[cfg_attr(not(feature = "torch"), allow(dead_code, reason = "this build reads them and refuses"))]
pub struct OneShotArgs {
    /// Keep a one-shot search in a file after every epoch; if it is there, go on from it
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Then train what a one-shot search found, on all training images: NAME or NAME:key=value,.. of a recipe
    #[arg(long, value_name = "RECIPE")]
    pub retrain: Option<String>,
    /// The space that the network is taken from which is trained then, by its genotype; else that of the search
    #[arg(long, value_name = "SPACE", requires = "retrain")]
    pub retrain_space: Option<String>,
    /// Folder for weights, checkpoint, history and curves of that training
    #[arg(long, value_name = "FOLDER", requires = "retrain")]
    pub retrain_out: Option<PathBuf>,
    /// Begin that training with the supernet's weights
    #[arg(long, requires = "retrain", conflicts_with = "retrain_space")]
    pub inherit: bool,
}

impl OneShotArgs {
    /// The first that is given.
    pub fn given(&self) -> Option<&'static str> {
        let given = [("--checkpoint", self.checkpoint.is_some()), ("--retrain", self.retrain.is_some())];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

/// Published protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Dong and Yang 2020: 12,000 simulated seconds, validation accuracy after 12 epochs, CIFAR-10
    #[value(name = "nasbench201-paper")]
    Nasbench201Paper,
}

/// How a search reports.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Write the result as JSON, `-` for standard output; the file is replaced as a whole
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the course of the search into a folder, for TensorBoard
    #[arg(long, value_name = "FOLDER")]
    pub logdir: Option<PathBuf>,
    /// Count the result's operations by this convention: nasbench, thop or ptflops
    #[arg(long, value_name = "NAME", value_parser = convention, default_value = "nasbench")]
    pub convention: ir::Convention,
    /// Print the result only, no progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// A journal that `lanista search --journal` wrote
    #[arg(value_name = "FILE")]
    pub journal: PathBuf,
    /// What is printed, and where else it goes
    #[command(flatten)]
    pub report: ReportArgs,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Number of trials
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub trials: u64,
    /// Seed of the search that is shown
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Number of seeds to compare it with
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub seeds: u64,
    /// Folder for the drawing
    #[arg(long, value_name = "FOLDER", default_value = "out")]
    pub output: PathBuf,
}

/// Arguments of `rank`.
#[derive(Debug, Args)]
#[cfg_attr(not(feature = "torch"), allow(dead_code, reason = "this build reads them and refuses"))]
pub struct RankArgs {
    /// The space whose supernet is trained along uniform paths: one with the decisions of the table's
    #[arg(value_name = "SPACE")]
    pub target: String,
    /// The data set and the recipe: train:data=NAME,epochs=N
    #[arg(long, value_name = "NAME")]
    pub evaluator: String,
    /// What knows the truth: its report metric, else its objective
    #[arg(long, value_name = "NAME", default_value = "nasbench201:dataset=cifar10")]
    pub table: String,
    /// Number of networks that are ranked
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(2..=100_000))]
    pub samples: u64,
    /// At how many points of the training they are ranked
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub points: u32,
    /// Rank those again whose true value is at least this
    #[arg(long, value_name = "VALUE", default_value_t = 90.0)]
    pub above: f64,
    /// Training batches over which a path's running statistics are taken
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub recalibrate: u32,
    /// Seed of the supernet; the networks are the same for every seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print the result only, no progress
    #[arg(long, short)]
    pub quiet: bool,
}
