//! First reproductions of one-shot papers at a size that two cores carry; `--full` is for a GPU. See README.md beside this.
//!
//! Each seed is a record of a JSON log; the tables are made from records, so that a log can be read again.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the result is what it prints")]

mod cells;
mod darts;
mod enas;
mod spos;
mod stats;
mod supernet;

use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use supernet::Size;

/// What can go wrong is told, and ends the program.
pub type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Experiment {
    /// How well a single-path supernet ranks NAS-Bench-201, over the course of its training.
    Spos,
    /// What DARTS finds on NAS-Bench-201 over time, with and without `none`, and with a cure.
    Darts,
    /// Whether ENAS' controller draws better than chance, by the supernet's own measure and the table's.
    Enas,
    /// DARTS' cells against random ones under one budget.
    Cells,
}

/// Everything that a run depends on.
#[derive(Clone, Debug, Parser)]
pub struct Args {
    experiment: Experiment,
    /// At the size that a GPU carries.
    #[arg(long)]
    pub full: bool,
    /// `cpu`, `cuda`, `cuda:1`.
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Threads of libtorch's kernels, per process.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// The data set, as `lanista train --data` takes it.
    #[arg(long, default_value = "fashion-mnist")]
    pub data: String,
    /// So many training images, evenly of all classes; 0 for all.
    #[arg(long)]
    pub images: Option<usize>,
    /// Epochs of the supernet.
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Images of a step.
    #[arg(long)]
    pub batch: Option<usize>,
    /// Width of the supernet's first cells.
    #[arg(long)]
    pub channels: Option<u32>,
    /// Cells: per stage of NAS-Bench-201, in all of DARTS.
    #[arg(long)]
    pub cells: Option<u32>,
    /// Seeds of the supernet.
    #[arg(long, value_delimiter = ',')]
    pub seeds: Option<Vec<u64>>,
    /// So many seeds at a time, each a process.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Where the log goes.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Reads logs instead of running anything, and prints their table.
    #[arg(long, num_args = 1..)]
    from: Vec<PathBuf>,
}

impl Experiment {
    fn name(self) -> &'static str {
        match self {
            Self::Spos => "spos",
            Self::Darts => "darts",
            Self::Enas => "enas",
            Self::Cells => "cells",
        }
    }

    fn seeds(self) -> u64 {
        if self == Self::Enas { 5 } else { 3 }
    }

    fn size(self, args: &Args) -> Size {
        let size = match (self, args.full) {
            (Self::Spos, false) => Size { channels: 4, cells: 1, epochs: 60, batch: 64, images: 2000 },
            (Self::Spos, true) => Size { channels: 16, cells: 5, epochs: 250, batch: 64, images: 0 },
            (Self::Darts, false) => Size { channels: 4, cells: 1, epochs: 20, batch: 64, images: 1000 },
            (Self::Darts, true) => Size { channels: 16, cells: 5, epochs: 50, batch: 64, images: 0 },
            (Self::Enas, false) => Size { channels: 4, cells: 1, epochs: 20, batch: 64, images: 2000 },
            (Self::Enas, true) => Size { channels: 16, cells: 5, epochs: 150, batch: 64, images: 0 },
            (Self::Cells, false) => Size { channels: 4, cells: 3, epochs: 6, batch: 64, images: 1000 },
            (Self::Cells, true) => Size { channels: 16, cells: 8, epochs: 50, batch: 64, images: 0 },
        };
        size.with(args)
    }

    fn record(self, args: &Args, seed: u64) -> Fallible<Value> {
        let size = self.size(args);
        match self {
            Self::Spos => spos::record(args, size, seed),
            Self::Darts => darts::record(args, size, seed),
            Self::Enas => enas::record(args, size, seed),
            Self::Cells => cells::record(args, size, seed),
        }
    }

    fn table(self, records: &[Value]) -> Fallible<String> {
        match self {
            Self::Spos => spos::table(records),
            Self::Darts => darts::table(records),
            Self::Enas => enas::table(records),
            Self::Cells => cells::table(records),
        }
    }
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("repro: {e}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Fallible<()> {
    let experiment = args.experiment;
    if !args.from.is_empty() {
        let logs = args.from.iter().map(|f| read(f)).collect::<Fallible<Vec<_>>>()?;
        let records: Vec<Value> = logs.iter().flat_map(records).cloned().collect();
        println!("{}", experiment.table(&records)?);
        return Ok(());
    }
    let seeds = args.seeds.clone().unwrap_or_else(|| (0..experiment.seeds()).collect());
    let records = if args.jobs > 1 && seeds.len() > 1 {
        side_by_side(args, &seeds)?
    } else {
        seeds.iter().map(|seed| experiment.record(args, *seed)).collect::<Fallible<Vec<_>>>()?
    };
    let size = experiment.size(args);
    let log = json!({
        "experiment": experiment.name(), "data": args.data, "device": supernet::device(args)?, "threads": args.threads,
        "jobs": args.jobs, "size": size.to_string(), "records": records,
    });
    if let Some(path) = &args.out {
        std::fs::write(path, format!("{}\n", stats::compact(&log)))?;
    }
    println!("{size}, data {}\n{}", args.data, experiment.table(&records)?);
    Ok(())
}

fn read(path: &Path) -> Fallible<Value> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(serde_json::from_str(&text).map_err(|e| format!("{} is no log: {e}", path.display()))?)
}

fn records(log: &Value) -> impl Iterator<Item = &Value> {
    log["records"].as_array().into_iter().flatten()
}

/// Runs this program once per seed, so many at a time.
fn side_by_side(args: &Args, seeds: &[u64]) -> Fallible<Vec<Value>> {
    let folder = tempfile::tempdir()?;
    let mut all = Vec::new();
    for group in seeds.chunks(args.jobs) {
        let mut running = Vec::new();
        for seed in group {
            let out = folder.path().join(format!("{seed}.json"));
            let mut command = Command::new(std::env::current_exe()?);
            // The last of a flag that is given twice would be an error: what is ours is left out of what was given.
            command.args(others(std::env::args().skip(1), &["--jobs", "--seeds", "--out"]));
            command.args(["--seeds", &seed.to_string(), "--out"]).arg(&out).stdout(std::process::Stdio::null());
            running.push((command.spawn()?, out));
        }
        for (mut child, out) in running {
            if !child.wait()?.success() {
                return Err("a seed failed; see above".into());
            }
            all.extend(records(&read(&out)?).cloned());
        }
    }
    Ok(all)
}

/// Arguments without some flags and their values.
fn others(args: impl Iterator<Item = String>, flags: &[&str]) -> Vec<String> {
    let mut skip = false;
    args.filter(|a| {
        let value = std::mem::take(&mut skip);
        let ours = flags.iter().any(|f| a == f || a.starts_with(&format!("{f}=")));
        skip = ours && !a.contains('=');
        !value && !ours
    })
    .collect()
}
