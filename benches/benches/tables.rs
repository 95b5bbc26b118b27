//! The benchmark tables: how long each takes to load, hash included, and how many queries a second it answers.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use evaluators::table::{Latencies, Nasbench101, Nasbench101Pool, Nasbench201, NaslibParams};
use evaluators::{Candidate, Evaluator, Query};
use mutators::{Sample, Space, spaces};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::hint::black_box;
use std::path::{Path, PathBuf};

/// Samples that are queried in turn.
const SAMPLES: usize = 1024;

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../evaluators/data").join(file)
}

/// Reads, hashes, inflates and parses each table's file; the embedded bytes go the same way on first use.
fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    macro_rules! table {
        ($table:ident, $file:literal) => {
            let path = data($file);
            group.bench_function(stringify!($table), |b| {
                b.iter_with_large_drop(|| $table::from_path(black_box(&path)).expect("the table"));
            });
        };
    }
    table!(Nasbench201, "nasbench201.csv.gz");
    table!(Latencies, "nb201_latency_help.csv.gz");
    table!(NaslibParams, "nasbench201_naslib_params.csv.gz");
    table!(Nasbench101, "nasbench101.csv.gz");
    table!(Nasbench101Pool, "nasbench101_pool.csv.gz");
    group.finish();
}

fn draw(space: &Space, evaluator: &dyn Evaluator) -> Vec<Sample> {
    evaluator.accepts(space).expect("a space that it scores");
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    (0..SAMPLES).map(|_| space.sample(&mut rng).expect("a sample")).collect()
}

/// One query after the other through the public trait.
fn evaluate(c: &mut Criterion) {
    let mut group = c.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    for (evaluator, space) in [
        ("nasbench201", "nasbench201"),
        ("nasbench201:epochs=200,trial=random", "nasbench201"),
        ("latency", "nasbench201"),
        ("nasbench201+latency", "nasbench201"),
        ("nasbench101", "nasbench101"),
        ("nasbench101-pool", "nasbench101"),
    ] {
        let scored = evaluators::build(evaluator).expect("an evaluator");
        let space = scored.restrict(spaces::build(space).expect("a space"));
        let samples = draw(&space, scored.as_ref());
        group.bench_function(evaluator, |b| {
            b.iter(|| {
                for (sample, number) in samples.iter().zip(0..) {
                    let candidate = Candidate::new(&space, sample, Query { seed: 0, number, fidelity: None });
                    black_box(scored.evaluate(&candidate).expect("a score"));
                }
            });
        });
    }
    group.finish();
}

/// A network built from its sample and counted.
fn count(c: &mut Criterion) {
    let mut group = c.benchmark_group("build and count");
    for name in ["nasbench201", "nasbench101"] {
        let space = spaces::build(name).expect("a space");
        let cost = evaluators::build("cost").expect("an evaluator");
        let samples = draw(&space, cost.as_ref());
        let mut next = samples.iter().cycle();
        group.bench_function(name, |b| {
            b.iter_batched(
                || next.next().expect("a cycle has no end"),
                |sample| cost.evaluate(&Candidate::new(&space, sample, Query::default())).expect("a cost"),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, load, evaluate, count);
criterion_main!(benches);
