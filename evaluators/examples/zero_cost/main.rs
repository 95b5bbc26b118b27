//! Zero-cost proxies of NAS-Bench-201 networks beside published scores of the same networks.
//!
//! `cargo run -p lanista-evaluators --features torch --example zero_cost -- [SYNFLOW [OTHERS]]` scores so many random
//! networks by synflow (500) and so many by the proxies that see images (200), on 64 CIFAR-10 images. It prints how far
//! the two scores order the networks alike (Spearman), how far each orders them as test accuracy after 200 epochs does,
//! and what Abdelfattah et al. 2021 print for all of them. Networks are spread over the cores, with one thread of libtorch
//! each.

mod images;
#[path = "../../tests/zero_cost/published.rs"]
mod published;

use codegen::torch::{Device, Runtime};
use evaluators::spearman;
use evaluators::zero_cost::{Batch, Classifier, Proxy, ZeroCostError, score};
use mutators::Space;
use published::{Published, accuracy_and_params, is_connected, network};
use rayon::prelude::*;
use std::error::Error;
use std::time::Instant;

/// The proxies that see images, with the published column and the correlation that the paper prints.
const OTHERS: [(Proxy, &str, &str); 9] = [
    (Proxy::JacobCov, "jacov", "0.73"),
    (Proxy::GradNorm, "grad_norm", "0.58"),
    (Proxy::Snip, "snip", "0.58"),
    (Proxy::Grasp, "grasp", "0.48"),
    (Proxy::Fisher, "fisher", "0.36"),
    (Proxy::Naswot, "nwot", ""),
    (Proxy::Zen, "zen", ""),
    (Proxy::Plain, "plain", ""),
    (Proxy::L2Norm, "l2_norm", ""),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut counts = std::env::args().skip(1).map(|n| n.parse::<usize>());
    let (first, second) = (counts.next().unwrap_or(Ok(500))?, counts.next().unwrap_or(Ok(200))?);
    let space = mutators::spaces::build("nasbench201")?;
    let published = Published::read();

    let archs = published.draw("synflow", first, 0);
    let begin = Instant::now();
    let scores = all(&space, &archs, |program, batch| score(program, &[Proxy::Synflow], batch, 0), random)?;
    let rate = archs.len() as f64 / begin.elapsed().as_secs_f64();
    let (cores, agree) =
        (rayon::current_num_threads(), |(i, s): (&usize, &Vec<f64>)| is_connected(*i) != (s[0] == 0.0));
    println!(
        "synflow: {rate:.1} networks per second on {cores} threads, zero for exactly the cells without a path: {}",
        archs.iter().zip(&scores).all(agree)
    );
    heading();
    line("synflow", &archs, &column(&scores, 0), &published, "synflow", "0.74");
    baseline(&archs);

    let archs = published.draw("nwot", second, 0);
    let proxies: Vec<Proxy> = OTHERS.iter().map(|(p, ..)| *p).collect();
    let begin = Instant::now();
    let each = |program: &ir::Program, batch: &Batch| {
        let of = |p: &Proxy| match score(program, &[*p], batch, 0) {
            Ok(scores) => Ok(scores[0]),
            Err(ZeroCostError::Undefined { .. }) => Ok(f64::NAN),
            Err(e) => Err(e),
        };
        proxies.iter().map(of).collect()
    };
    let scores = all(&space, &archs, each, |_| images::batch())?;
    println!("\n{} proxies of {} networks in {:.0} s", proxies.len(), archs.len(), begin.elapsed().as_secs_f64());
    heading();
    for (i, (proxy, theirs, printed)) in OTHERS.iter().enumerate() {
        line(proxy.as_str(), &archs, &column(&scores, i), &published, theirs, printed);
    }
    baseline(&archs);
    Ok(())
}

fn random(program: &ir::Program) -> Result<Batch, Box<dyn Error>> {
    Ok(Batch::random(&Classifier::of(program)?, 2, 0)?)
}

/// The scores of each network.
fn all(
    space: &Space,
    archs: &[usize],
    score: impl Fn(&ir::Program, &Batch) -> Result<Vec<f64>, ZeroCostError> + Sync,
    batch: impl Fn(&ir::Program) -> Result<Batch, Box<dyn Error>> + Sync,
) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let one = |arch: &usize| -> Result<Vec<f64>, String> {
        Runtime::init(Device::Cpu, Some(1)).map_err(|e| e.to_string())?;
        let program = network(space, *arch);
        let batch = batch(&program).map_err(|e| e.to_string())?;
        score(&program, &batch).map_err(|e| e.to_string())
    };
    Ok(archs.par_iter().map(one).collect::<Result<_, _>>()?)
}

fn column(scores: &[Vec<f64>], i: usize) -> Vec<f64> {
    scores.iter().map(|s| s[i]).collect()
}

fn heading() {
    println!("proxy       networks  with published  with accuracy  published with accuracy  paper");
}

fn line(name: &str, archs: &[usize], ours: &[f64], published: &Published, theirs: &str, paper: &str) {
    let [accuracy, _] = accuracy_and_params(archs);
    let theirs: Vec<f64> = archs.iter().map(|a| published.get(theirs, *a)).collect();
    let kept: Vec<usize> = (0..archs.len()).filter(|i| !ours[*i].is_nan() && !theirs[*i].is_nan()).collect();
    let [ours, theirs, accuracy] = [ours, &theirs, &accuracy].map(|x| kept.iter().map(|i| x[*i]).collect::<Vec<_>>());
    let of = |x: &[f64], y: &[f64]| spearman(x, y).map_or("none".to_owned(), |r| format!("{r:.3}"));
    let (with, mine, other) = (of(&ours, &theirs), of(&ours, &accuracy), of(&theirs, &accuracy));
    println!("{name:<11} {:>8}  {with:>14}  {mine:>13}  {other:>23}  {paper:>5}", kept.len());
}

fn baseline(archs: &[usize]) {
    let [accuracy, params] = accuracy_and_params(archs);
    let r = spearman(&params, &accuracy).unwrap_or(f64::NAN);
    println!("{:<11} {:>8}  {:>14}  {r:>13.3}", "params", archs.len(), "");
}
