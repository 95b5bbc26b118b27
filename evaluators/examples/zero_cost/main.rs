//! Zero-cost proxies of NAS-Bench-201 networks beside published scores of the same networks.
//!
//! `cargo run -p lanista-evaluators --features torch --example zero_cost -- [SYNFLOW [OTHERS [DATA]]]` scores so many
//! random networks by synflow (500) and so many by the other proxies (200) on 32 images, NASLib's batch. It prints how far
//! the two scores order the networks alike (Spearman), how far ours do under another seed (a proxy that agrees badly with
//! itself cannot agree with others), how far each orders them as test accuracy on CIFAR-10 after 200 epochs does, and what
//! Abdelfattah et al. 2021 print for all networks. Networks are spread over the cores, with one thread of libtorch each.
//! DATA is a data set of 3x32x32 images: `cifar10`, `folder:PATH`, or `random`, the default where
//! `../shared/data/cifar10_jpeg_*.tar` are not at hand.
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

#[path = "../../tests/zero_cost/published.rs"]
mod published;

use codegen::torch::{Device, Runtime};
use evaluators::data::{Batch, Places, Source};
use evaluators::spearman;
use evaluators::zero_cost::{Classifier, Proxy, ZeroCostError, draw_batch, random_batch, score};
use mutators::Space;
use published::{Published, accuracy_and_params, is_connected, network};
use rayon::prelude::*;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// No data set: standard normal images.
const RANDOM: &str = "random";

/// Images in a batch.
const BATCH: usize = 32;

/// The other proxies, with the published column and the correlation that the paper prints.
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
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().map_or(Ok(500), |n| n.parse())?;
    let second = arguments.next().map_or(Ok(200), |n| n.parse())?;
    let data = arguments.next().unwrap_or_else(jpegs);
    let space = mutators::spaces::build("nasbench201")?;
    let published = Published::read();

    let archs = published.draw("synflow", first, 0);
    let begin = Instant::now();
    let scores = all(&space, &archs, |program, batch| score(program, &[Proxy::Synflow], batch, 0), RANDOM)?;
    let rate = archs.len() as f64 / begin.elapsed().as_secs_f64();
    let (cores, agree) =
        (rayon::current_num_threads(), |(i, s): (&usize, &Vec<f64>)| is_connected(*i) != (s[0] == 0.0));
    println!(
        "synflow: {rate:.1} networks per second on {cores} threads, zero for exactly the cells without a path: {}",
        archs.iter().zip(&scores).all(agree)
    );
    heading();
    line("synflow", &archs, &column(&scores, 0), None, &published, ("synflow", "0.74"));
    baseline(&archs);

    let archs = published.draw("nwot", second, 0);
    let proxies: Vec<Proxy> = OTHERS.iter().map(|(p, ..)| *p).collect();
    let begin = Instant::now();
    let each = |program: &ir::Program, batch: &Batch| {
        let of = |(seed, p): (u64, &Proxy)| match score(program, &[*p], batch, seed) {
            Ok(scores) => Ok(scores[0]),
            Err(ZeroCostError::Undefined { .. }) => Ok(f64::NAN),
            Err(e) => Err(e),
        };
        [0, 1].iter().flat_map(|seed| proxies.iter().map(move |p| (*seed, p))).map(of).collect()
    };
    let scores = all(&space, &archs, each, &data)?;
    println!(
        "\n{} proxies under two seeds of {} networks on {BATCH} images of {data} in {:.0} s",
        proxies.len(),
        archs.len(),
        begin.elapsed().as_secs_f64()
    );
    heading();
    for (i, (proxy, theirs, printed)) in OTHERS.iter().enumerate() {
        let again = column(&scores, proxies.len() + i);
        line(proxy.as_str(), &archs, &column(&scores, i), Some(&again), &published, (theirs, printed));
    }
    baseline(&archs);
    Ok(())
}

/// The CIFAR-10 photographs beside the repository, or random images.
fn jpegs() -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let there = folder.join("cifar10_jpeg_train10k.tar").exists();
    if there { format!("folder:{}", folder.display()) } else { RANDOM.to_owned() }
}

/// The scores of each network.
fn all(
    space: &Space,
    archs: &[usize],
    score: impl Fn(&ir::Program, &Batch) -> Result<Vec<f64>, ZeroCostError> + Sync,
    data: &str,
) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let batch = match data {
        RANDOM => random_batch(&Classifier::of(&network(space, archs[0]))?, BATCH, 0)?,
        data => draw_batch(&*data.parse::<Source>()?.images(&Places::standard(None))?, BATCH, 0)?,
    };
    // A tensor is sent to other threads, not shared with them.
    let batch = Mutex::new(batch);
    let one = |arch: &usize| -> Result<Vec<f64>, String> {
        Runtime::init(Device::Cpu, Some(1)).map_err(|e| e.to_string())?;
        let program = network(space, *arch);
        let batch = {
            let batch = batch.lock().unwrap_or_else(PoisonError::into_inner);
            Batch { inputs: batch.inputs.shallow_clone(), labels: batch.labels.shallow_clone() }
        };
        score(&program, &batch).map_err(|e| e.to_string())
    };
    Ok(archs.par_iter().map(one).collect::<Result<_, _>>()?)
}

fn column(scores: &[Vec<f64>], i: usize) -> Vec<f64> {
    scores.iter().map(|s| s[i]).collect()
}

fn heading() {
    println!("proxy       networks  with published  with itself  with accuracy  published with accuracy  paper");
}

fn line(
    name: &str,
    archs: &[usize],
    ours: &[f64],
    again: Option<&[f64]>,
    published: &Published,
    (column, paper): (&str, &str),
) {
    let [accuracy, _] = accuracy_and_params(archs);
    let theirs: Vec<f64> = archs.iter().map(|a| published.get(column, *a)).collect();
    let kept: Vec<usize> = (0..archs.len()).filter(|i| !ours[*i].is_nan() && !theirs[*i].is_nan()).collect();
    let only = |x: &[f64]| kept.iter().map(|i| x[*i]).collect::<Vec<_>>();
    let of = |x: &[f64], y: &[f64]| spearman(&only(x), &only(y)).map_or("none".to_owned(), |r| format!("{r:.3}"));
    let itself = again.map_or(String::new(), |again| of(ours, again));
    let (with, mine, other) = (of(ours, &theirs), of(ours, &accuracy), of(&theirs, &accuracy));
    println!("{name:<11} {:>8}  {with:>14}  {itself:>11}  {mine:>13}  {other:>23}  {paper:>5}", kept.len());
}

fn baseline(archs: &[usize]) {
    let [accuracy, params] = accuracy_and_params(archs);
    let r = spearman(&params, &accuracy).unwrap_or(f64::NAN);
    println!("{:<11} {:>8}  {:>14}  {:>11}  {r:>13.3}", "params", archs.len(), "", "");
}
