//! Flags of training.

use super::{Selection, seconds_or_none};
use clap::Args;
use std::path::PathBuf;

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
    /// Threads of libtorch's kernels, all cores if not given; part of what determines the weights, so that a run that is
    /// resumed keeps its own
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
    /// Write the course of the training into a folder, for TensorBoard
    #[arg(long, value_name = "FOLDER")]
    pub logdir: Option<PathBuf>,
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
