//! Supernets: what they hold, that a path of one is the network of its sample, and what a search leaves alone.
#![cfg(feature = "torch")]

mod shared;

use codegen::Lowering;
use evaluators::data::digits;
use evaluators::train::{Dataset, Precision, Preset, Recipe};
use ir::Elaboration;
use ir::op::Role;
use ir::prim::Mode;
use mutators::{Sample, Space, spaces};
use shared::{alone, samples};
use std::sync::OnceLock;
use strategies::one_shot::{Drawn, Epoch, Found, Kind, OneShotError, Supernet, build, train};

const NB201: &str = "nasbench201:image=1x8x8,channels=2,cells=1";
const DARTS: &str = "darts:network=search,image=1x8x8,channels=2,layers=3";
const ENAS_MACRO: &str = "enas-macro:image=1x8x8,channels=4,layers=6";
const ENAS_MICRO: &str = "enas-micro:image=1x8x8,channels=4,layers=3";
const PROXYLESS: &str = "proxyless:image=1x8x8,classes=10,width=0.125";

fn space(text: &str) -> Space {
    spaces::build(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn dataset() -> &'static Dataset {
    static DIGITS: OnceLock<Dataset> = OnceLock::new();
    let open = || Dataset::new(digits().expect("embedded"), Recipe::default().device).expect("fits");
    DIGITS.get_or_init(open)
}

/// Two steps of an epoch.
fn recipe() -> Recipe {
    let search = Recipe::preset(Preset::DartsSearch);
    Recipe { epochs: 1, batch: 50, images: 100, precision: Precision::F64, seed: 3, ..search }
}

fn supernet(text: &str, recipe: &Recipe) -> Supernet {
    Supernet::new("test", &space(text), dataset(), recipe).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Liu, Simonyan and Yang 2019: 16 channels, 8 cells, CIFAR-10.
#[test]
fn parameters_of_the_searched_darts_network() {
    let space = space("darts:network=search");
    let open = Elaboration::supernet(space.base(), &|_: &str, _: Option<i64>| None).run().expect("elaborates");
    let plan = Lowering::of(&open, Mode::Train).expect("lowers");
    let learned = plan.plan().weights.iter().filter(|w| w.spec.role == Role::Parameter);
    assert_eq!(learned.map(|w| w.spec.numel()).sum::<u64>(), 1_930_618);
}

/// `n (n + 3) / 2` edges of two kinds of cell, and an input choice per node.
#[test]
fn decisions_of_the_searched_darts_network() {
    let net = supernet(DARTS, &recipe());
    let layers: Vec<_> = net.choices().iter().filter(|c| c.kind == Kind::Layer).collect();
    assert_eq!(layers.len(), 2 * 14);
    for c in layers {
        let flags = |f: &dyn Fn(&strategies::one_shot::Arm) -> bool| -> Vec<String> {
            c.arms.iter().filter(|a| f(a)).map(|a| a.name.to_string()).collect()
        };
        assert_eq!(flags(&|a| a.is_zero), ["none"]);
        let free = flags(&|a| a.is_free);
        // A skip that halves the image is a convolution.
        let strided = c.label.starts_with("reduce") && (c.label.ends_with("_0") || c.label.ends_with("_1"));
        let expected = ["none", "max_pool_3x3", "avg_pool_3x3", "skip_connect"];
        assert_eq!(free, expected[..if strided { 3 } else { 4 }], "{}", c.label);
    }
    let inputs = net.choices().iter().filter(|c| matches!(c.kind, Kind::Inputs { min: 2, max: 2 }));
    assert_eq!(inputs.filter(|c| c.feeds.iter().all(Option::is_some)).count(), 2 * 4);
}

#[test]
fn a_path_is_the_network_of_its_sample() {
    for text in [NB201, DARTS, ENAS_MACRO, ENAS_MICRO, PROXYLESS] {
        let mut net = supernet(text, &recipe());
        train(&mut net, &mut |_| {}).expect("trains");
        for sample in samples(net.space(), 4) {
            let path = net.path(&sample);
            let through = net.measure(&path).expect("is measured");
            let alone = alone(&mut net, dataset().data(), &sample);
            assert!((through.loss - alone).abs() < 1e-9 * alone, "{text} {sample}: {} {alone}", through.loss);
        }
    }
}

/// One step along one path: with momentum and weight decay, nothing else moves.
#[test]
fn weights_of_other_paths_are_untouched() {
    for text in [NB201, DARTS] {
        let mut net = supernet(text, &Recipe { batch: 100, ..recipe() });
        let before = net.to_weights().expect("the device works");
        let mut taken = Vec::new();
        train(&mut net, &mut |e: &Epoch| taken.push(e.clone())).expect("trains");
        let after = net.to_weights().expect("the device works");
        let moved: Vec<&str> = before.iter().filter(|(p, w)| after[*p] != **w).map(|(p, _)| p.as_str()).collect();
        assert!(moved.len() > 4 && moved.len() < before.len(), "{text}: {} of {}", moved.len(), before.len());
        // Every weight that moved is reached by the one path: some sample inherits all of them.
        let step: u64 = 0;
        let mut rng = codegen::init::stream(3, &[b"path", &step.to_le_bytes()]);
        let sample = net.space().sample(&mut rng).expect("legal");
        let own = net.inherited(&sample).expect("the device works");
        let program = net.space().program(&sample).expect("a network");
        let plan = Lowering::of(&program, Mode::Train).expect("lowers");
        let used = plan.plan().weights.iter().filter(|w| own.contains_key(&w.path)).count();
        assert_eq!(moved.len(), used, "{text}");
    }
}

fn run(space_of: &str, strategy: &str, recipe: &Recipe) -> Result<Found, OneShotError> {
    build(strategy)?.search(&space(space_of), dataset(), recipe, None, &mut |_| {})
}

/// The search on the DARTS cells gives a genotype of theirs: two inputs per node, no `none`.
#[test]
fn a_genotype_of_the_darts_space() {
    for strategy in ["darts:order=1", "drnas:partial=2", "enas:steps=5", "gdas", "pc-darts:partial=2,warmup=0"] {
        let found = run(DARTS, strategy, &recipe()).unwrap_or_else(|e| panic!("{strategy}: {e}"));
        let genotype = space(DARTS).genotype(&found.sample).expect("the space has a notation");
        // A controller may draw it; what gradients make is read off without.
        assert!(strategy.starts_with("enas") || !genotype.contains("none"), "{genotype}");
        assert_eq!(genotype.matches("('").count(), 16, "{genotype}");
        // What is retrained has no `none`, and reads the same text.
        if !genotype.contains("none") {
            space("darts:image=1x8x8,auxiliary=false").parse_genotype(&genotype).expect("is read");
        }
    }
}

/// With partial channels inputs stay fed by their layer choices, so that edges can be weighed.
#[test]
fn partial_channels_of_the_darts_network() {
    let text = "darts:network=search,image=1x8x8,channels=4,layers=3";
    let recipe = Recipe { batch: 100, ..recipe() };
    let whole = Supernet::new("test", &space(text), dataset(), &recipe).expect("opens");
    let mut part = Supernet::partial("test", &space(text), 4, dataset(), &recipe).expect("opens");
    let decisions = |net: &Supernet| -> Vec<(String, Kind, usize)> {
        net.choices().iter().map(|c| (c.label.to_string(), c.kind, c.feeds.iter().flatten().count())).collect()
    };
    assert_eq!(decisions(&part), decisions(&whole));
    let numel = |net: &Supernet| net.params.flat.numel();
    assert!(2 * numel(&part) < numel(&whole), "{} {}", numel(&part), numel(&whole));
    train(&mut part, &mut |_| {}).expect("trains");
}

/// After the warm-up edges learn as their operations do; a search without them has no such parameters.
#[test]
fn edges_learn() {
    let of = |strategy: &str| {
        let found = run(DARTS, strategy, &recipe()).unwrap_or_else(|e| panic!("{strategy}: {e}"));
        let alphas = found.alphas.expect("differentiable");
        alphas.values().map(<[f64]>::to_vec).collect::<Vec<_>>()
    };
    let edges = |alphas: &[Vec<f64>]| alphas.iter().filter(|a| (2..=5).contains(&a.len())).cloned().collect::<Vec<_>>();
    let (still, moved) = (of("pc-darts:partial=2,warmup=1"), of("pc-darts:partial=2,warmup=0"));
    assert_eq!((edges(&still).len(), edges(&of("darts:order=1")).len()), (2 * 4, 0));
    for (still, moved) in edges(&still).iter().zip(edges(&moved)) {
        assert!(still.iter().zip(moved).all(|(s, m)| *s != m));
    }
}

/// It is asked for every second epoch, kept with the epoch, and leaves the search as it is.
#[test]
fn an_eigenvalue_is_watched() {
    let recipe = Recipe { epochs: 4, precision: Precision::F32, ..recipe() };
    let plain = run(NB201, "darts:order=1", &recipe).expect("searches");
    let watched = run(NB201, "darts:order=1,hessian=2", &recipe).expect("searches");
    let given: Vec<bool> = watched.history.iter().map(|e| e.eigenvalue.is_some_and(f64::is_finite)).collect();
    assert_eq!(given, [false, true, false, true]);
    assert_eq!((plain.sample, plain.alphas), (watched.sample, watched.alphas));
    let losses = |h: &[Epoch]| h.iter().map(|e| (e.train_loss, e.valid_loss)).collect::<Vec<_>>();
    assert_eq!(losses(&plain.history), losses(&watched.history));
    let refused = build("gdas:hessian=2").expect_err("a hard path has no Hessian").to_string();
    assert!(refused.contains("`gdas` has no option `hessian`"), "{refused}");
}

/// Epochs of tuning follow those of training, one decision less than there are.
#[test]
fn decisions_are_made_between_epochs_of_tuning() {
    let recipe = Recipe { precision: Precision::F32, ..recipe() };
    let found = run(NB201, "darts-pt:tune=2", &recipe).expect("searches");
    assert_eq!(found.history.len(), 1 + 2 * 5);
    assert!(found.history.iter().all(|e| e.epochs == 11));
    let at_once = run(NB201, "darts-pt:tune=0", &recipe).expect("searches");
    assert_eq!(at_once.history.len(), 1);
}

/// A limit holds for what is found, and one that nothing keeps to ends the search before it begins.
#[test]
fn limits_hold() {
    let params = |s: &Sample| space(NB201).program(s).expect("a network").cost(ir::Convention::Nasbench).params;
    let mut all: Vec<u64> = samples(&space(NB201), 40).iter().map(params).collect();
    all.sort_unstable();
    let most = all[8];
    for strategy in ["spos:trials=40", "random-one-shot:trials=20", "enas:steps=2,samples=5"] {
        let text = format!("{strategy},max_params={most}");
        let found = run(NB201, &text, &recipe()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!(params(&found.sample) <= most, "{text}");
        let error = run(NB201, &format!("{strategy},max_params=9"), &recipe()).expect_err("none").to_string();
        assert!(error.contains("max_params=9 after") && error.contains("raise the limit"), "{error}");
    }
}

/// Where the cost counts for more than anything else, nothing is chosen that costs.
#[test]
fn a_cost_decides_if_it_counts_enough() {
    let recipe = Recipe { epochs: 8, precision: Precision::F32, ..recipe() };
    let search = |strategy: &str| {
        let text = format!("{strategy},arch_lr=0.1,cost_weight=1000");
        run(NB201, &text, &recipe).unwrap_or_else(|e| panic!("{text}: {e}"))
    };
    for strategy in ["darts:order=1,cost=params", "drnas:cost=params", "gdas:cost=macs"] {
        let found = search(strategy);
        assert!(!found.sample.to_string().contains("nor_conv"), "{strategy}: {}", found.sample);
    }
    // Independent factors may all be small: those that cost are, and which is greatest then says little.
    let found = search("fair-darts:cost=params");
    let last = found.history.last().expect("an epoch");
    let costly = last.strengths.iter().flat_map(|s| &s.arms).filter(|(arm, _)| arm.contains("nor_conv"));
    let costly: Vec<f64> = costly.map(|(_, strength)| *strength).collect();
    assert!(costly.len() == 12 && costly.iter().all(|s| *s < 0.25), "{costly:?}");
}

/// A table of latencies is of the benchmark's own networks: others have none, and that is said before anything is trained.
#[test]
fn a_latency_needs_its_table() {
    for strategy in ["darts:order=1,cost=latency", "proxyless:cost=latency,device=raspi4"] {
        let error = run(NB201, strategy, &recipe()).expect_err("no table").to_string();
        assert!(error.starts_with("cost=latency weighs whole architectures") && !error.contains('\n'), "{error}");
    }
}

/// What drives every choice to what is free, a cost, ends the search where it is told to stop.
#[test]
fn a_search_stops_where_nothing_is_left_to_learn() {
    let recipe = Recipe { epochs: 8, precision: Precision::F32, ..recipe() };
    let collapse = "darts:order=1,cost=params,arch_lr=0.1,cost_weight=1000";
    let whole = run(NB201, collapse, &recipe).expect("searches");
    let share = |e: &Epoch| e.free_share.expect("differentiable");
    let first = whole.history.iter().position(|e| share(e) > 0.7).expect("it collapses");
    assert!(first + 1 < whole.history.len());
    let stopped = run(NB201, &format!("{collapse},stop_free=0.7"), &recipe).expect("searches");
    assert_eq!(stopped.history.len(), first + 1);
    assert_eq!(stopped.history[first].sample, whole.history[first].sample);
    assert_eq!(stopped.sample, stopped.history[first].sample);
}

/// The supernet tells digits that it has not seen, where one that is untrained guesses: all candidates at once where they are
/// trained so, else the path that was found. That the architecture learns, too, is another test: with planted candidates.
#[test]
fn weights_learn() {
    let recipe = Recipe { epochs: 8, images: 0, batch: 64, precision: Precision::F32, ..recipe() };
    let space = space("nasbench201:image=1x8x8,channels=4,cells=1");
    // Whether all candidates are measured at once, and what they are to tell in per cent. Noise on every factor slows the
    // weights down.
    let strategies = [
        ("darts:order=1", true, 80.0),
        ("drnas", true, 50.0),
        ("gdas", false, 30.0),
        ("proxyless", false, 30.0),
        ("sdarts", true, 80.0),
        ("snas:arch_lr=0.01", true, 30.0),
    ];
    for (strategy, all, least) in strategies {
        let strategy = build(strategy).expect("in the hub");
        let mut net = strategy.supernet(&space, dataset(), &recipe).expect("opens");
        let even: Vec<_> = net.choices().iter().map(|c| Some(Drawn::fixed(vec![0.2; c.arms.len()]))).collect();
        let measured = |net: &mut Supernet, sample: &Sample, all: bool| {
            let route = if all { net.selection(&even).expect("fits") } else { net.path(sample) };
            net.measure_recalibrated(&route, 10).expect("is measured").accuracy
        };
        let untrained: Vec<f64> = samples(&space, 3).iter().map(|s| measured(&mut net, s, all)).collect();
        let found = strategy.run(&mut net, None, &mut |_| {}).expect("searches");
        let trained = measured(&mut net, &found.sample, all);
        let what = strategy.identity();
        assert!(untrained.iter().all(|a| *a < 25.0) && trained > least, "{what}: {untrained:?}, then {trained} %");
    }
}

/// Running statistics of a path depend on the path and the images, not on what was there.
#[test]
fn statistics_are_taken_anew() {
    let mut net = supernet(NB201, &recipe());
    train(&mut net, &mut |_| {}).expect("trains");
    let sample = space(NB201)
        .parse_genotype("|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|")
        .expect("a genotype");
    let path = net.path(&sample);
    let first = net.measure_recalibrated(&path, 2).expect("is measured");
    let _ = net.params.buffers.fill_(0.7);
    let kept = net.to_weights().expect("the device works");
    let second = net.measure_recalibrated(&path, 2).expect("is measured");
    assert!((first.loss - second.loss).abs() < 1e-9, "{} {}", first.loss, second.loss);
    assert_eq!(net.to_weights().expect("the device works"), kept);
    assert!((net.measure(&path).expect("is measured").loss - first.loss).abs() > 1e-6);
}

#[test]
fn what_no_supernet_holds_is_refused() {
    let refuse = |text: &str| match Supernet::new("darts", &space(text), dataset(), &recipe()) {
        Err(e) => e.to_string(),
        Ok(_) => panic!("{text} is accepted"),
    };
    let has = |text: &str, parts: &[&str]| {
        let message = refuse(text);
        parts.iter().for_each(|p| assert!(message.contains(p), "`{p}` is missing in: {message}"));
    };
    has("nasbench101:image=1x8x8", &["decides by the mutator", "multi-trial strategy"]);
    has("nasbench201", &["image=1x8x8"]);
    // Of a searched network with too few channels, or with widths of its own, no share can be taken.
    let error =
        run("darts:network=search,image=1x8x8,channels=2,layers=3", "pc-darts", &recipe()).expect_err("refused");
    assert!(error.to_string().contains("2 channels, which partial=4 does not divide"), "{error}");
}

#[test]
fn a_rate_without_bound_ends_the_search() {
    let wild = Recipe { lr: 1e30, clip: 0.0, epochs: 2, precision: Precision::F32, ..recipe() };
    let error = run(NB201, "darts:order=1", &wild).expect_err("breaks").to_string();
    assert!(error.contains("loss is") && error.contains("lower learning rate"), "{error}");
}
