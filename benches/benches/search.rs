//! Trials per second of regularized evolution on NAS-Bench-201, through the public traits.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use std::hint::black_box;

fn searches(c: &mut Criterion) {
    let space = benches::nasbench201();
    let evaluator = benches::validation_12_epochs();
    let mut group = c.benchmark_group("search");
    group.sample_size(10);
    let trials = 100_000;
    group.throughput(Throughput::Elements(trials));
    group.bench_function("regularized evolution, one thread", |b| {
        b.iter(|| black_box(benches::evolve(&space, &*evaluator, trials, 0).trials.len()));
    });
    let (seeds, trials) = (500, 1_000);
    group.throughput(Throughput::Elements(seeds * trials));
    group.bench_function("500 seeds x 1,000 trials, all cores", |b| {
        b.iter(|| {
            let total: usize = (0..seeds)
                .into_par_iter()
                .map(|seed| benches::evolve(&space, &*evaluator, trials, seed).trials.len())
                .sum();
            black_box(total)
        });
    });
    group.finish();
}

criterion_group!(benches, searches);
criterion_main!(benches);
