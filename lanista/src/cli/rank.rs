//! `rank`: how well a supernet orders the networks of a table, at some points of its training.

use super::args::RankArgs;
use super::failure::Failure;
use super::grid::{Align, Grid};
use super::list::pretty;
use super::one_shot::{line, refuse, training};
use super::output;
use evaluators::train::{Dataset, Recipe};
use evaluators::{Candidate, Evaluator, Query, kendall};
use mutators::{Sample, Space};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::json;
use strategies::one_shot::{Epoch, OneShotError, Supernet, train_watched};

/// Rank correlations after so many epochs.
struct Point {
    epoch: u32,
    all: Option<f64>,
    above: Option<f64>,
}

/// Trains a supernet, and ranks.
pub fn rank(args: &RankArgs) -> Result<(), Failure> {
    let space = mutators::spaces::build(&args.target)?;
    let table = evaluators::build(&args.table)?;
    // The table's networks are of one size; the supernet's may be smaller. The decisions are the same.
    let own = mutators::spaces::build(space.name())?;
    table.accepts(&own)?;
    let train = training(&args.evaluator)?;
    let recipe = Recipe { seed: args.seed, ..train.recipe().clone() };
    let samples = samples(&space, args.samples)?;
    let (metric, truth) = truth(&own, &*table, &samples)?;
    let params = costs(&space, &samples)?;
    let above: Vec<usize> = (0..truth.len()).filter(|i| truth[*i] >= args.above).collect();
    let taus = |scores: &[f64]| {
        let only = |x: &[f64]| above.iter().map(|i| x[*i]).collect::<Vec<f64>>();
        [kendall(scores, &truth), kendall(&only(scores), &only(&truth))]
    };

    let dataset = Dataset::open(&train.data().to_string(), None, recipe.device)?;
    let mut net = Supernet::new("rank", &space, &dataset, &recipe).map_err(refuse)?;
    let mut points: Vec<Point> = Vec::new();
    let mut look = |net: &mut Supernet, epoch: u32| -> Result<(), OneShotError> {
        // The last epoch is a point, and the others are as evenly spread as whole epochs allow.
        if epoch * args.points / recipe.epochs == (epoch - 1) * args.points / recipe.epochs {
            return Ok(());
        }
        let mut scores = Vec::with_capacity(samples.len());
        for sample in &samples {
            let path = net.path(sample);
            scores.push(net.measure_recalibrated(&path, args.recalibrate as usize)?.accuracy);
        }
        let [all, above] = taus(&scores);
        if !args.quiet {
            output::note(&format!("after epoch {epoch}: Kendall's tau-b {}", shown(all)));
        }
        points.push(Point { epoch, all, above });
        Ok(())
    };
    let mut report = |epoch: &Epoch| {
        if !args.quiet {
            output::note(&line(&space, epoch, false));
        }
    };
    train_watched(&mut net, &mut report, &mut look).map_err(refuse)?;

    let [all, few] = taus(&params);
    if args.json {
        let points: Vec<_> =
            points.iter().map(|p| json!({"epoch": p.epoch, "tau": p.all, "tau_above": p.above})).collect();
        return output::print(&pretty(&json!({
            "space": space.identity(), "evaluator": train.identity(), "table": table.identity(), "metric": metric,
            "seed": args.seed, "networks": samples.len(), "above": args.above, "networks_above": above.len(),
            "points": points, "params": {"tau": all, "tau_above": few},
        }))?);
    }
    let mut grid = Grid::new([Align::Left, Align::Right, Align::Right]);
    let head = format!("{} at {} and above", above.len(), args.above);
    grid.row(["ranked by".to_owned(), format!("all {}", samples.len()), head]);
    for p in &points {
        grid.row([format!("supernet after epoch {}", p.epoch), shown(p.all), shown(p.above)]);
    }
    grid.row(["params".to_owned(), shown(all), shown(few)]);
    output::print(&format!("Kendall's tau-b with {metric}, seed {}\n{grid}", args.seed))
}

fn shown(tau: Option<f64>) -> String {
    tau.map_or_else(|| "none".to_owned(), |t| format!("{t:.3}"))
}

/// Different networks, the same for every seed of the supernet.
fn samples(space: &Space, n: u64) -> Result<Vec<Sample>, Failure> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut samples: Vec<Sample> = Vec::new();
    // Twenty times as many draws as are wanted: a space with fewer networks is told, not searched for ever.
    for _ in 0..20 * n {
        let sample = space.sample(&mut rng)?;
        if !samples.contains(&sample) {
            samples.push(sample);
        }
        if samples.len() as u64 == n {
            return Ok(samples);
        }
    }
    Err(Failure::usage(format!(
        "space `{}` has hardly {n} networks: {} were found; ask for fewer with --samples",
        space.name(),
        samples.len()
    )))
}

/// What the table says, and what that is.
fn truth(space: &Space, table: &dyn Evaluator, samples: &[Sample]) -> Result<(String, Vec<f64>), Failure> {
    let reports = !table.report_metrics().is_empty();
    let metric = if reports { &table.report_metrics()[0] } else { &table.search_metrics()[0] };
    let one = |sample: &Sample| -> Result<f64, Failure> {
        let sample = space.bind(sample)?;
        let candidate = Candidate::new(space, &sample, Query::default());
        let value = if reports { table.report(&candidate)?[0] } else { table.evaluate(&candidate)?.values[0] };
        Ok(metric.direction.oriented(value))
    };
    Ok((metric.name.to_string(), samples.iter().map(one).collect::<Result<_, _>>()?))
}

fn costs(space: &Space, samples: &[Sample]) -> Result<Vec<f64>, Failure> {
    let of = |s: &Sample| Ok(space.program(s)?.cost(ir::Convention::Nasbench).params as f64);
    samples.iter().map(of).collect()
}
