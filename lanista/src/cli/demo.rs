//! `demo`: a search over NAS-Bench-201, and how it compares with the table and with other seeds.

use super::args::DemoArgs;
use super::failure::Failure;
use super::grid::Grid;
use super::output::Outputs;
use super::result::Found;
use evaluators::Evaluator;
use mutators::{Sample, Space};
use rayon::prelude::*;
use std::fs;
use std::time::Instant;
use strategies::{Experiment, Study};

const SPACE: &str = "nasbench201";
const STRATEGY: &str = "regularized-evolution:population=10,sample=3";
const EVALUATOR: &str = "nasbench201:dataset=cifar10,epochs=12,report=200";

/// Searches, compares, and draws the cell that was found.
pub fn demo(args: &DemoArgs) -> Result<(), Failure> {
    let folder = args.output.display();
    fs::create_dir_all(&args.output)
        .map_err(|e| Failure::usage(format!("--output {folder}: the folder cannot be made: {e}; name another one")))?;
    let mut outputs = Outputs::default();
    let path = args.output.join(format!("nasbench201-seed{}.svg", args.seed));
    let drawing = outputs.file("--output", &*path)?;
    let space = mutators::spaces::build(SPACE)?;
    let evaluator = evaluators::build(EVALUATOR)?;
    let study = run(&space, &*evaluator, args.trials, args.seed)?;
    let found = Found::of(&study, &space, &*evaluator, ir::Convention::Nasbench)?;
    let Some(best) = study.incumbent() else { return Err(Failure::search("no trial succeeded")) };

    let mut out = format!("Regularized evolution over NAS-Bench-201, {} trials\n\n{}\n", args.trials, found.head());
    out +=
        &format!("The cell: node 0 is the input, node 3 the output, a node sums its edges\n\n{}\n", cell(&best.sample));
    for table in [found.best(), found.metrics()].into_iter().flatten() {
        out += &format!("{table}\n");
    }
    let started = Instant::now();
    let seeds = others(&space, &*evaluator, args)?;
    let took = started.elapsed().as_secs_f64();
    let own = study.report.as_ref().and_then(|r| r.values.first()).copied();
    out += &format!("{}\n", Distribution::of(seeds, own, args.seed, took));
    out += &found.ledger().to_string();

    let mut picture = space.drawing(&best.sample)?;
    picture.title = format!("NAS-Bench-201: what seed {} found in {} trials", args.seed, args.trials);
    if let Some(own) = own {
        let size = picture.subtitle.take().map(|s| format!("{s}, ")).unwrap_or_default();
        picture = picture.with_subtitle(format!("{size}{own:.2} % CIFAR-10 test accuracy"));
    }
    outputs.write(drawing.as_ref(), || Ok(picture.to_svg()));
    if outputs.is_sound() {
        out += &format!("\nThe network is drawn in {}\n", path.display());
    }
    outputs.print(&out);
    outputs.end()
}

/// The search of the demo, by itself.
#[cfg(feature = "torch")]
pub fn search(trials: u64, seed: u64) -> Result<(Space, Study), Failure> {
    let space = mutators::spaces::build(SPACE)?;
    let evaluator = evaluators::build(EVALUATOR)?;
    let study = run(&space, &*evaluator, trials, seed)?;
    Ok((space, study))
}

fn run(space: &Space, evaluator: &dyn Evaluator, trials: u64, seed: u64) -> Result<Study, Failure> {
    let strategy = strategies::build(STRATEGY).map_err(Failure::usage)?;
    Experiment::new(space, strategy, evaluator).trials(trials).seed(seed).run().map_err(Failure::search)
}

/// The CIFAR-10 test accuracy of what each seed finds. Nothing is selected by it: it says what to expect of a seed.
fn others(space: &Space, evaluator: &dyn Evaluator, args: &DemoArgs) -> Result<Vec<f64>, Failure> {
    let accuracy = |seed: u64| {
        let study = run(space, evaluator, args.trials, seed)?;
        Ok(study.report.and_then(|r| r.values.first().copied()))
    };
    let all: Result<Vec<Option<f64>>, Failure> = (0..args.seeds).into_par_iter().map(accuracy).collect();
    Ok(all?.into_iter().flatten().collect())
}

/// The cell's operations, by the node that an edge enters and the one it leaves.
fn cell(sample: &Sample) -> Grid {
    let op = |from: usize, to: usize| sample.get(&format!("e{from}{to}")).map(|v| v.to_string()).unwrap_or_default();
    let mut grid = Grid::words(4).indented(2);
    grid.row(["", "from node 0", "from node 1", "from node 2"]);
    for to in 1..4 {
        grid.row(std::iter::once(format!("node {to}")).chain((0..to).map(|from| op(from, to))));
    }
    grid
}

/// Bins of the histogram.
const BINS: usize = 8;
/// Width of the longest bar.
const WIDTH: usize = 40;

/// What many seeds found.
struct Distribution {
    sorted: Vec<f64>,
    own: Option<f64>,
    seed: u64,
    seconds: f64,
}

impl Distribution {
    fn of(mut values: Vec<f64>, own: Option<f64>, seed: u64, seconds: f64) -> Self {
        values.sort_by(f64::total_cmp);
        Self { sorted: values, own, seed, seconds }
    }

    fn mean(&self) -> f64 {
        self.sorted.iter().sum::<f64>() / self.sorted.len() as f64
    }

    /// Sample standard deviation; 0 of a single value.
    fn sd(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.sorted.iter().map(|v| (v - mean).powi(2)).sum();
        (squares / (self.sorted.len().max(2) - 1) as f64).sqrt()
    }

    fn quantile(&self, q: f64) -> f64 {
        self.sorted[((self.sorted.len() - 1) as f64 * q).round() as usize]
    }
}

impl std::fmt::Display for Distribution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n = self.sorted.len();
        let (Some(least), Some(most)) = (self.sorted.first(), self.sorted.last()) else { return Ok(()) };
        writeln!(
            f,
            "CIFAR-10 test accuracy over {n} seeds, searched in {:.2} s; to compare, not to choose",
            self.seconds
        )?;
        writeln!(
            f,
            "  mean {:.2}, sd {:.2}, least {least:.2}, median {:.2}, greatest {most:.2}",
            self.mean(),
            self.sd(),
            self.quantile(0.5)
        )?;
        let width = ((most - least) / BINS as f64).max(1e-9);
        let bin = |v: f64| (((v - least) / width) as usize).min(BINS - 1);
        let mut counts = [0usize; BINS];
        self.sorted.iter().for_each(|v| counts[bin(*v)] += 1);
        let tallest = counts.iter().copied().max().unwrap_or(1).max(1);
        for (i, count) in counts.iter().enumerate() {
            let low = least + width * i as f64;
            let bar = "#".repeat((count * WIDTH).div_ceil(tallest));
            let mark = match self.own {
                Some(v) if v >= *least && v <= *most && bin(v) == i => format!("  <- seed {}", self.seed),
                _ => String::new(),
            };
            writeln!(f, "{}", format!("  {low:.2} to {:.2}  {count:>4} {bar}{mark}", low + width).trim_end())?;
        }
        if let Some(own) = self.own {
            let better = self.sorted.iter().filter(|v| **v > own).count();
            let equal = self.sorted.iter().filter(|v| **v == own).count();
            writeln!(f, "  seed {}: {own:.2}; {better} of {n} seeds found better, {equal} the same", self.seed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distribution_of_equal_values_has_one_bin() {
        let d = Distribution::of(vec![94.0; 3], Some(94.0), 7, 0.1);
        let text = d.to_string();
        assert!(text.contains("mean 94.00, sd 0.00"), "{text}");
        assert!(text.contains("<- seed 7") && text.contains("0 of 3 seeds found better, 3 the same"), "{text}");
        assert_eq!(Distribution::of(vec![], None, 0, 0.0).to_string(), "");
    }
}
