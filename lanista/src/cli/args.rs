//! What the command line says.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  lanista search nasbench201 --strategy regularized-evolution:population=10,sample=3 \\
      --evaluator nasbench201:dataset=cifar10,epochs=12 --trials 300
  lanista show nasbench201 --random 7 --format svg --output cell.svg
  lanista cost darts:channels=36,layers=20 --random 1
  lanista verify my_network.lir

Components take options as name:key=value,key=value; `lanista spaces`, `strategies` and `evaluators` list them.
Exit codes: 0 done, 1 the search or the training failed, 2 bad usage.";

/// Neural-architecture search on computation graphs.
#[derive(Debug, Parser)]
#[command(name = "lanista", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the search spaces
    Spaces(ListArgs),
    /// List the search strategies
    Strategies(ListArgs),
    /// List the evaluators
    Evaluators(ListArgs),
    /// List the ops of computation graphs
    Ops(ListArgs),
    /// Search a space for its best network
    Search(Box<SearchArgs>),
    /// Go on with a search that was interrupted, or show again what one found
    Resume(ResumeArgs),
    /// Show a space or a network: as text, JSON, Graphviz or a drawing
    Show(ShowArgs),
    /// Count parameters and operations
    Cost(CostArgs),
    /// Print the canonical hash of a network: equal for isomorphic ones
    Hash(HashArgs),
    /// Write a network and its weights for PyTorch or ONNX
    Export(ExportArgs),
    /// Check a module in a file, and list all that is wrong with it
    Verify(VerifyArgs),
    /// List and check the benchmark tables
    Table(TableArgs),
    /// List the data sets, and download one
    Data(DataArgs),
    /// Search NAS-Bench-201, and show what was found and how it compares
    Demo(DemoArgs),
    /// Train a network on a data set
    Train(Box<TrainArgs>),
    /// Search NAS-Bench-201, train what was found on the embedded digits, and export it
    DemoTrain(DemoTrainArgs),
    /// How well a supernet orders the networks of a table, as it is trained
    Rank(RankArgs),
    /// Search by DARTS on the embedded digits, draw what was found, and train it
    DemoOneshot(DemoOneshotArgs),
}

/// Arguments of the lists.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A point of a space.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub struct Selection {
    /// The network of a sample, as `label=value,label=value`
    #[arg(long, value_name = "SAMPLE")]
    pub sample: Option<String>,
    /// The network of a genotype in the field's own notation: an arch string, a `Genotype(..)`, a matrix with ops
    #[arg(long, value_name = "TEXT")]
    pub genotype: Option<String>,
    /// The network of a sample drawn with this seed
    #[arg(long, value_name = "SEED")]
    pub random: Option<u64>,
}

const SHOW: &str = "\
Examples:
  lanista show darts
  lanista show nasbench201 --format svg --output cell.svg --genotype \\
      '|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|'
  lanista show toy --sample op=conv3x3,width=16,skip=1 --format json";

/// Arguments of `show`.
#[derive(Debug, Args)]
#[command(after_help = SHOW)]
pub struct ShowArgs {
    /// A space with options, or a file: what ends in .lir or .json, or has a path separator
    #[arg(value_name = "SPACE|FILE")]
    pub target: String,
    /// Which network of the space; all of it if not given
    #[command(flatten)]
    pub selection: Selection,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write to a file, which is replaced as a whole
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How to show a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The text form, .lir
    Text,
    /// JSON, which is read back as well
    Json,
    /// Graphviz
    Dot,
    /// A drawing
    Svg,
}

/// Arguments of `cost`.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// A space with options, or a file
    #[arg(value_name = "SPACE|FILE")]
    pub target: String,
    /// Which network of the space; the supernet if not given
    #[command(flatten)]
    pub selection: Selection,
    /// Count operations by one convention: nasbench, thop or ptflops; by all of them if not given
    #[arg(long, value_name = "NAME", value_parser = convention)]
    pub convention: Option<ir::Convention>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `hash`.
#[derive(Debug, Args)]
pub struct HashArgs {
    /// A space with options, or a file
    #[arg(value_name = "SPACE|FILE")]
    pub target: String,
    /// Which network of the space; the supernet if not given
    #[command(flatten)]
    pub selection: Selection,
}

const EXPORT: &str = "\
Examples:
  lanista export nasbench201:channels=8,cells=1 --random 7 --format pytorch --output net.py
  lanista export nasbench201:channels=8,cells=1 --random 7 --weights net.safetensors \\
    --format onnx --output net.onnx";

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = EXPORT)]
pub struct ExportArgs {
    /// A space with options, or a file
    #[arg(value_name = "SPACE|FILE")]
    pub target: String,
    /// Which network of the space
    #[command(flatten)]
    pub selection: Selection,
    /// What to write
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Trained weights, a safetensors file; first weights if not given
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    pub weights: Option<PathBuf>,
    /// Seed of the first weights [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub seed: u64,
    /// The file to write, which is replaced as a whole, or a folder for `network.py` or `network.onnx`. PyTorch's weights
    /// go beside the source, as .safetensors
    #[arg(long, short, visible_alias = "out", value_name = "FILE|FOLDER")]
    pub output: PathBuf,
}

/// What a network is exported to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Python source of an nn.Module that needs torch only, and weights as safetensors
    Pytorch,
    /// An ONNX model with weights, opset 17
    Onnx,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Files in the text form or in JSON
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// Arguments of `table`.
#[derive(Debug, Args)]
pub struct TableArgs {
    /// What to do
    #[command(subcommand)]
    pub command: TableCommand,
}

/// The commands of `table`.
#[derive(Debug, Subcommand)]
pub enum TableCommand {
    /// List the embedded tables with rows, licence and source
    List(ListArgs),
    /// Check a table: its checksum, its rows, and its numbers against the networks' own
    Verify {
        /// Its name
        name: String,
        /// Check this file in place of the embedded table
        #[arg(long, value_name = "FILE")]
        table_file: Option<PathBuf>,
    },
}

const DATA: &str = "\
Examples:
  lanista data list
  lanista data fetch fashion-mnist
  lanista data fetch cifar10 --data-dir /scratch/data

A data set is looked for in --data-dir, $LANISTA_DATA, the user's cache folder and /usr/share/datasets, in this order.
$LANISTA_DATA_MIRROR is an address to download from in place of the official ones: it has NAME/FILE of the data sets.";

/// Arguments of `data`.
#[derive(Debug, Args)]
#[command(after_help = DATA)]
pub struct DataArgs {
    /// What to do
    #[command(subcommand)]
    pub command: DataCommand,
}

/// The commands of `data`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets: what they hold, where they are, their licences
    List {
        /// How it is printed
        #[command(flatten)]
        list: ListArgs,
        /// Where to look
        #[command(flatten)]
        places: PlacesArgs,
    },
    /// Download a data set; what was cut off goes on where it ended
    Fetch {
        /// Its name
        name: String,
        /// Where it goes
        #[command(flatten)]
        places: PlacesArgs,
        /// Print the result only, no progress
        #[arg(long, short)]
        quiet: bool,
    },
}

/// Where data sets are.
#[derive(Debug, Args)]
pub struct PlacesArgs {
    /// Look for data sets in this folder first, and download into it
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
}

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
    /// Keep a one-shot search in a file after every epoch; if it is there, go on from it
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// What is printed, and where else it goes
    #[command(flatten)]
    pub report: ReportArgs,
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

const TRAIN: &str = "\
Examples:
  lanista train my_network.lir --data fashion-mnist --epochs 5 --out runs/one
  lanista train nasbench201:image=1x8x8,channels=8,cells=1 --random 3 --data digits --valid 1/4
  lanista train darts --genotype 'Genotype(..)' --data cifar10 --recipe darts --device cuda --out runs/darts
  lanista train my_network.lir --data digits --recipe plain:optimizer=adamw,lr=0.001,label_smoothing=0.1

A recipe is NAME:key=value,..; `lanista evaluators` lists the settings with the entry `train`. Unless it or a flag says
otherwise, all training images are used and nothing is held out, and all cores. The test images are looked at once,
after the last epoch. A run is determined by network, data set, recipe and seed; what was killed goes on with --resume,
and ends with the same weights.";

/// Arguments of `train`.
#[derive(Debug, Args)]
#[command(after_help = TRAIN)]
#[cfg_attr(not(feature = "torch"), allow(dead_code, reason = "this build reads them and refuses"))]
pub struct TrainArgs {
    /// A space with options, or a file
    #[arg(value_name = "SPACE|FILE")]
    pub target: String,
    /// Which network of the space
    #[command(flatten)]
    pub selection: Selection,
    /// What to train on: digits, fashion-mnist, cifar10, ..; `lanista data list` lists them
    #[arg(long, value_name = "NAME")]
    pub data: String,
    /// A folder with data sets, looked at first
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// How: NAME or NAME:key=value,..
    #[arg(long, value_name = "NAME", default_value = "plain")]
    pub recipe: String,
    /// Passes over the training images
    #[arg(long, value_name = "N")]
    pub epochs: Option<u32>,
    /// Images per step
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// First learning rate
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Hold a share of the training images out, and validate on it after every epoch
    #[arg(long, value_name = "1/N|none")]
    pub valid: Option<String>,
    /// Threads of libtorch's kernels; part of what determines the weights
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Where to train: cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Seed of weights, order, augmentation and drop path
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Folder for weights, checkpoint, history and curves; without it, nothing is kept
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Go on from the checkpoint in the folder
    #[arg(long)]
    pub resume: bool,
    /// Seconds between checkpoints inside an epoch; there is one after every epoch
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, value_parser = seconds_or_none)]
    pub save_every: f64,
    /// Print the result only, no progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `demo-train`.
#[derive(Debug, Args)]
#[cfg_attr(not(feature = "torch"), allow(dead_code, reason = "this build reads them and refuses"))]
pub struct DemoTrainArgs {
    /// Number of trials of the search
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub trials: u64,
    /// Seed of the search and of the training
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Channels of the first stage of the network that is trained
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub channels: u32,
    /// Passes over the training images
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub epochs: u32,
    /// Folder for weights, network, curves and exports; files in it are replaced
    #[arg(long, value_name = "FOLDER", default_value = "out/demo-train")]
    pub output: PathBuf,
    /// Print the result only, no progress
    #[arg(long, short)]
    pub quiet: bool,
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

/// Arguments of `demo-oneshot`.
#[derive(Debug, Args)]
#[cfg_attr(not(feature = "torch"), allow(dead_code, reason = "this build reads them and refuses"))]
pub struct DemoOneshotArgs {
    /// Epochs of the search
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub epochs: u32,
    /// Seed of the search and of the training
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Channels of the first stage
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub channels: u32,
    /// Epochs of the training of what was found
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub retrain: u32,
    /// Folder for the drawing, weights, network and curves; files in it are replaced
    #[arg(long, value_name = "FOLDER", default_value = "out/demo-oneshot")]
    pub output: PathBuf,
    /// Print the result only, no progress
    #[arg(long, short)]
    pub quiet: bool,
}

fn convention(text: &str) -> Result<ir::Convention, String> {
    text.parse().map_err(|e: ir::cost::ParseConventionError| {
        let near = ir::text::nearest(text, ir::Convention::ALL.iter().map(|c| c.as_str()));
        format!("{e}{}", ir::text::did_you_mean(near.as_deref()))
    })
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("a whole number, at least 1, is expected".into()),
    }
}

fn seconds_or_none(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if s.is_finite() && s >= 0.0 => Ok(s),
        _ => Err("a number of seconds is expected, 0 for every step".into()),
    }
}

fn positive_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if s.is_finite() && s > 0.0 && s <= 1e12 => Ok(s),
        _ => Err("a positive number of seconds is expected".into()),
    }
}
