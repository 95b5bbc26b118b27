//! What the command line says.

mod search;
mod train;

pub use search::{DemoArgs, Protocol, RankArgs, ReportArgs, ResumeArgs, SearchArgs};
pub use train::{DemoOneshotArgs, DemoTrainArgs, TrainArgs};

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
train, demo-train, demo-oneshot and rank need a build with libtorch: make setup-torch, cargo build --features torch.
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
  lanista show toy --sample op=conv3x3,width=16,skip=1 --format json
  lanista show darts --random 1 --format svg --graph normal --output normal.svg";

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
    /// Draw this graph alone, with --format svg or dot
    #[arg(long, value_name = "NAME")]
    pub graph: Option<String>,
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
$LANISTA_DATA_MIRROR is an address to download from in place of the official ones: it has NAME/FILE of the data sets.
$LANISTA_DATA_LIMIT is how much memory data of your own may take, in GiB, 8 if it is not set.";

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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::{BTreeMap, BTreeSet};

    type Flags = BTreeMap<String, BTreeSet<String>>;

    /// The flags of every command that runs something, `table verify` for one, as clap knows them.
    fn known(command: &clap::Command, path: &str, out: &mut Flags) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name()).trim_start().to_owned();
            if sub.has_subcommands() {
                known(sub, &path, out);
                continue;
            }
            let flags = sub.get_arguments().filter_map(|a| Some(format!("--{}", a.get_long()?)));
            out.insert(path, flags.filter(|f| f != "--help").collect());
        }
    }

    /// What stands between backticks.
    fn quoted(text: &str) -> impl Iterator<Item = &str> {
        text.split('`').skip(1).step_by(2)
    }

    /// The rows of the table of commands.
    fn documented(docs: &str) -> Flags {
        let table = docs.split("| command | flags |").nth(1).expect("the table is there");
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        rows.flat_map(|row| {
            let mut cells = row.split(" | ");
            let (commands, flags) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            let flags: BTreeSet<String> = quoted(flags).map(str::to_owned).collect();
            quoted(commands).map(move |c| (c.to_owned(), flags.clone())).collect::<Vec<_>>()
        })
        .collect()
    }

    #[test]
    fn every_command_and_flag_is_documented_and_no_other() {
        let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md"));
        let docs = docs.expect("the docs are in the repository");
        let mut commands = Flags::new();
        known(&Cli::command(), "", &mut commands);
        assert_eq!(documented(&docs), commands);
        // Each is in the synopsis too.
        for command in commands.keys() {
            let first = command.split(' ').next().unwrap_or_default();
            let named = docs.lines().any(|l| l.starts_with("lanista ") && l.split([' ', '|']).any(|w| w == first));
            assert!(named, "`{command}` is missing in the synopsis");
        }
    }
}
