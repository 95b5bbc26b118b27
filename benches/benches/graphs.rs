//! Speed of the IR: mutate, verify and hash; parse and print; count; enumerate.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ir::{Convention, Module};
use mutators::{Sample, spaces};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

const DARTS_V2: &str = "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), \
    ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], \
    normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), \
    ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], \
    reduce_concat=range(2, 6))";

/// One edit of a NAS-Bench-101 cell: the new sample, its network with every type inferred, and its canonical hash.
fn mutate_verify_hash(c: &mut Criterion) {
    let space = spaces::build("nasbench101").expect("invariant: the space is built in");
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let starts: Vec<Sample> = (0..256).map(|_| space.sample(&mut rng).expect("a sample")).collect();
    let mut group = c.benchmark_group("nasbench101");
    group.throughput(Throughput::Elements(starts.len() as u64));
    group.bench_function("mutate + verify + hash, 256 networks", |b| {
        b.iter(|| {
            for start in &starts {
                let edited = space.edit(start, &mut rng).expect("an edit");
                let module = space.module(&edited).expect("a network");
                black_box(ir::verify(&module).expect("it verifies").hash());
            }
        });
    });
    group.finish();
}

fn parse_and_print(c: &mut Criterion) {
    let space = spaces::build("darts:channels=36,layers=20").expect("invariant: the space is built in");
    let module = space.module(&space.parse_genotype(DARTS_V2).expect("a genotype")).expect("a network");
    let text = module.to_string();
    let flat = ir::verify(&module).expect("it verifies").flat_module("flat").expect("plain").to_string();
    let mut group = c.benchmark_group("darts C=36 L=20");
    for (name, text) in [("cells", &text), ("flattened", &flat)] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("parse + print, {name}"), |b| {
            b.iter(|| {
                let module: Module = text.parse().expect("what was printed parses");
                black_box(module.to_string().len())
            });
        });
    }
    group.bench_function("verify", |b| b.iter(|| black_box(ir::verify(&module).expect("it verifies").instances.len())));
    group.bench_function("hash", |b| {
        let program = ir::verify(&module).expect("it verifies");
        b.iter(|| black_box(program.hash()));
    });
    group.finish();
}

fn count(c: &mut Criterion) {
    let space = benches::nasbench201();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut group = c.benchmark_group("nasbench201");
    group.throughput(Throughput::Elements(1));
    group.bench_function("build + count one network", |b| {
        b.iter_batched(
            || space.sample(&mut rng).expect("a sample"),
            |sample| black_box(space.program(&sample).expect("a network").cost(Convention::Nasbench)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, mutate_verify_hash, parse_and_print, count);
criterion_main!(benches);
