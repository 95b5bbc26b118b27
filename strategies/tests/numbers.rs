//! Numbers in a supernet: slices of shared weights, and mixtures of them.
#![cfg(feature = "torch")]

mod shared;

use codegen::array::{Array, Weights};
use codegen::init::{normal, stream};
use codegen::torch::{Executor, Layout, Params, Run, Sgd, Slice, Turn, to_array, to_tensor};
use codegen::{Lowering, Wrt};
use evaluators::data::{Batch, digits};
use evaluators::train::{Dataset, Precision, Preset, Recipe, training_plan};
use ir::cost::Envelope;
use ir::op::Role;
use ir::prim::Mode;
use ir::{Name, Value};
use mutators::{Sample, Space, spaces};
use shared::{alone, inherited, samples};
use std::sync::{Arc, OnceLock};
use strategies::one_shot::{Choice, Drawn, Found, Keep, Kind, OneShotError, Supernet, build, softmax, train};
use tch::Tensor;

/// Widths, kernels and expansions of depthwise blocks, in a cell that is called twice, under a choice and a repeat.
const BLOCKS: &str = "
  decision ?w in [2, 4, 6]
  decision ?k in [1, 3, 5]
  decision ?e[0..2] in [1, 2, 3]
  decision ?op in [conv, pool]
  decision ?d in [1, 2]
  graph @block<c, i>(%x) {
    %a = conv2d %x {out=c * ?e[i], k=1, bias=false}
    %b = batch_norm %a
    %r = relu %b
    %v = conv2d %r {out=c * ?e[i], k=?k, pad=?k // 2, groups=c * ?e[i], bias=false}
    %n = batch_norm %v
    %q = conv2d %n {out=c, k=1}
    %y = add %x, %q
    return %y
  }
  graph @cell<c>(%x) {
    %o = choice ?op (%x) {conv: @block<c, 0>, pool: avg_pool {k=3, stride=1, pad=1}}
    %r = repeat ?d @block<c, 1>(%o)
    return %r
  }";

fn blocks() -> Space {
    custom(&format!(
        "{BLOCKS}
  graph @main(%x: f32[N, 1, 8, 8]) {{
    %s = conv2d %x {{out=?w, k=3, pad=1}}
    %n = batch_norm %s
    %c1 = @cell<?w>(%n)
    %c2 = @cell<?w>(%c1)
    %g = global_avg_pool %c2
    %f = flatten %g
    %y = linear %f {{out=10}}
    return %y
  }}"
    ))
}

fn custom(body: &str) -> Space {
    let text = format!("module @m {{\n  entry @main{body}\n}}");
    Space::new(text.parse().unwrap_or_else(|e| panic!("{e}"))).unwrap_or_else(|e| panic!("{e}"))
}

/// A network of one node on `[N, 1, 8, 8]`, made ready for ten classes.
fn small(decisions: &str, nodes: &str, last: &str) -> Space {
    custom(&format!(
        "{decisions}
  graph @main(%x: f32[N, 1, 8, 8]) {{
    {nodes}
    %g = global_avg_pool %{last}
    %f = flatten %g
    %y = linear %f {{out=10}}
    return %y
  }}"
    ))
}

fn natsbench_size() -> Space {
    spaces::build("natsbench-size:image=1x8x8").expect("it is in the hub")
}

fn dataset() -> &'static Dataset {
    static DIGITS: OnceLock<Dataset> = OnceLock::new();
    let open = || Dataset::new(digits().expect("embedded"), Recipe::default().device).expect("fits");
    DIGITS.get_or_init(open)
}

/// Two steps of an epoch.
fn recipe() -> Recipe {
    let search = Recipe::preset(Preset::DartsSearch);
    Recipe { epochs: 1, batch: 20, images: 80, precision: Precision::F64, seed: 3, ..search }
}

fn supernet(space: &Space) -> Supernet {
    supernet_in(space, Precision::F64)
}

fn supernet_in(space: &Space, precision: Precision) -> Supernet {
    let recipe = Recipe { precision, ..recipe() };
    Supernet::new("test", space, dataset(), &recipe).unwrap_or_else(|e| panic!("{}: {e}", space.name()))
}

/// Where the weight of a sample's network lies in the supernet.
fn whole_path(all: &Weights, own: &Name) -> Name {
    let within = Name::new(own.replace(".o.", ".o.conv."));
    if all.contains_key(own) { own.clone() } else { within }
}

/// A sample's own network with some weights: loss and gradients on a batch.
fn learning(net: &Supernet, sample: &Sample, own: &Weights, batch: &Batch) -> (f64, Weights) {
    let recipe = net.recipe().clone();
    let program = net.space().program(sample).expect("a network");
    let _turn = Turn::take(recipe.device, recipe.threads).expect("the processor is there");
    let kind = recipe.precision.kind();
    let plan = training_plan(&program, dataset().data(), &recipe, &Wrt::weights()).expect("lowers");
    let mut params = Params::new(&plan, own, recipe.device, kind).expect("all is inherited");
    let learn = Executor::new(Arc::new(plan), recipe.device, kind, Layout::default());
    let inputs = [batch.inputs.shallow_clone(), batch.labels.shallow_clone()];
    let out = learn.run(&mut params, &inputs, &Run::default()).expect("runs");
    let grads = params.paths().iter().enumerate();
    let grads = grads.filter_map(|(w, p)| Some((p.clone(), to_array(params.grad_of(w)?).expect("on the host"))));
    (out.outputs[0].double_value(&[]), grads.collect())
}

/// Flat numbers in the place of the weights, by path.
fn by_path(net: &mut Supernet, flat: &Tensor) -> Weights {
    let kept = net.params.flat.copy();
    net.params.flat.copy_(flat);
    let found = net.to_weights().expect("the device works");
    net.params.flat.copy_(&kept);
    found
}

/// The part of a supernet's array that a sample's network has.
fn sliced(whole: &Array, small: &Array) -> Tensor {
    let of = |a: &Array| a.shape.iter().map(|d| *d as u32).collect::<Vec<u32>>();
    let whole_tensor = to_tensor(whole).expect("a tensor");
    Slice::of(&of(small), &of(whole)).expect("fits").view(&whole_tensor).expect("a view")
}

fn distance(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

/// Semantics 21, and the same for training: the loss and every gradient. In single precision kernels are fused.
#[test]
fn a_path_is_the_network_of_its_sample() {
    for (space, precision, near) in
        [(natsbench_size(), Precision::F64, 1e-9), (blocks(), Precision::F64, 1e-9), (blocks(), Precision::F32, 1e-3)]
    {
        let mut net = supernet_in(&space, precision);
        train(&mut net, &mut |_| {}).expect("trains");
        let batch = net.loaders.weights.batch(0, 0).expect("a batch");
        for sample in samples(&space, 4) {
            let what = format!("{} {sample}", space.name());
            let path = net.path(&sample);
            let own = inherited(&mut net, dataset().data(), &sample);
            let valid = alone(&mut net, dataset().data(), &sample);
            let (loss, grads) = learning(&net, &sample, &own, &batch);
            let measured = net.measure(&path).expect("is measured").loss;
            assert!((measured - valid).abs() < near * valid, "{what}: {measured} {valid}");
            let (pass, _) = net.pass(&batch, &path, (true, false), 0.0).expect("runs");
            assert!((pass.loss - loss).abs() < near * loss, "{what}: {} {loss}", pass.loss);
            let flat = net.params.grad.copy();
            let all = by_path(&mut net, &flat);
            let mut total = 0.0;
            for (path, grad) in &grads {
                let truth = to_tensor(grad).expect("a tensor");
                let ours = sliced(&all[&whole_path(&all, path)], grad);
                assert!(distance(&ours, &truth) < near, "{what}: {path}");
                total += truth.square().sum(tch::Kind::Double).double_value(&[]);
            }
            // Everything else is zero.
            let norm = flat.square().sum(tch::Kind::Double).double_value(&[]);
            assert!((norm - total).abs() < near * total, "{what}: {norm} {total}");
        }
    }
}

/// A step with momentum and weight decay moves the path's slices and nothing else: weights, statistics, velocities.
#[test]
fn what_lies_outside_a_path_is_untouched() {
    for space in [natsbench_size(), blocks()] {
        let mut net = supernet(&space);
        let recipe = net.recipe().clone();
        let mut sgd = Sgd::new(recipe.momentum, recipe.nesterov, recipe.weight_decay);
        let batch = net.loaders.weights.batch(0, 0).expect("a batch");
        for sample in samples(&space, 3) {
            let path = net.path(&sample);
            let own = inherited(&mut net, dataset().data(), &sample);
            let velocity = sgd.velocity().map_or_else(|| net.params.flat.zeros_like(), Tensor::copy);
            let (before, fast) = (net.to_weights().expect("weights"), by_path(&mut net, &velocity));
            net.pass(&batch, &path, (true, false), 0.0).expect("runs");
            net.step(&mut sgd, &path, 0.1).expect("steps");
            let velocity = sgd.velocity().expect("momentum").copy();
            let (after, faster) = (net.to_weights().expect("weights"), by_path(&mut net, &velocity));
            let mut moved = 0;
            for (old, new) in [(before, after), (fast, faster)] {
                let mut old: std::collections::BTreeMap<Name, Tensor> =
                    old.into_iter().map(|(p, a)| (p, to_tensor(&a).expect("a tensor"))).collect();
                for (path, small) in &own {
                    let path = whole_path(&new, path);
                    let part = sliced(&new[&path], small);
                    let place = old.get_mut(&path).expect("it is there");
                    let shape = |t: &Tensor| t.size().iter().map(|d| *d as u32).collect::<Vec<u32>>();
                    let slice = Slice::of(&shape(&part), &shape(place)).expect("fits");
                    let mut place = slice.view(place).expect("a view");
                    moved += i64::from(!place.equal(&part));
                    place.copy_(&part);
                }
                for (path, array) in &new {
                    assert!(old[path].equal(&to_tensor(array).expect("a tensor")), "{} {sample}: {path}", space.name());
                }
            }
            assert!(moved as usize > own.len(), "{moved} of {}", own.len());
        }
    }
}

/// Every weight of every network, in its shape, is a slice of one of the envelope's.
#[test]
fn the_envelope_holds_every_network() {
    for (space, n) in [(natsbench_size(), 300), (blocks(), 100), (spaces::build("toy").expect("it is in the hub"), 24)]
    {
        let envelope = Envelope::of(space.base()).expect("an envelope");
        let mut reached: Vec<Vec<u32>> = envelope.weights.iter().map(|w| vec![0; w.spec.shape.len()]).collect();
        let mut all = samples(&space, n);
        if space.name() == "natsbench-size" {
            // Weights depend on two widths at most: every pair of neighbours.
            let widths = |i: i64| 8 * (i + 1);
            for (a, b, at) in (0..8).flat_map(|a| (0..8).flat_map(move |b| (0..4).map(move |at| (a, b, at)))) {
                let of = |i: usize| {
                    if i == at {
                        a
                    } else if i == at + 1 {
                        b
                    } else {
                        7
                    }
                };
                let pairs = (0..5).map(|i| (Name::new(format!("c{i}")), Value::Int(widths(of(i)))));
                let sample = Sample::from_pairs(pairs).expect("a sample");
                all.push(space.bind(&sample).expect("it is in the space"));
            }
        }
        for sample in &all {
            let program = space.program(sample).expect("a network");
            for w in &Lowering::of(&program, Mode::Eval).expect("lowers").plan().weights {
                let within = w.path.replace(".o.", ".o.conv.").replace("op.", "op.conv1x1.");
                let other = w.path.replace("op.", "op.conv3x3.");
                let fits = envelope.weights.iter().position(|e| {
                    [w.path.as_str(), &within, &other].contains(&e.path.as_str())
                        && e.spec.role == w.spec.role
                        && Slice::of(&w.spec.shape, &e.spec.shape).is_some()
                });
                let fits = fits.unwrap_or_else(|| panic!("{} {sample}: {} {:?}", space.name(), w.path, w.spec.shape));
                reached[fits].iter_mut().zip(&w.spec.shape).for_each(|(r, d)| *r = (*r).max(*d));
            }
        }
        // And none is greater than it has to be.
        if space.name() == "natsbench-size" {
            assert!(envelope.weights.iter().zip(&reached).all(|(e, r)| e.spec.shape[..] == r[..]));
        }
    }
}

/// One value of each number that the route draws, as a mixture, and a path elsewhere.
fn sure(choices: &[Choice], sample: &Sample) -> Vec<Option<Drawn>> {
    let one = |c: &Choice| {
        let arm = c.taken(sample).map_or(0, |a| a[0] as usize);
        let path = Drawn::path(arm, c.arms.len());
        Some(if c.kind == Kind::Number { Drawn::fixed(path.weights) } else { path })
    };
    choices.iter().map(one).collect()
}

/// With one value sure a mixture is its network: predictions, loss and gradients.
#[test]
fn a_mixture_of_one_value_is_its_path() {
    let space = blocks();
    let mut net = supernet(&space);
    train(&mut net, &mut |_| {}).expect("trains");
    let batch = net.loaders.weights.batch(0, 1).expect("a batch");
    for sample in samples(&space, 6) {
        let (path, drawn) = (net.path(&sample), sure(net.choices(), &sample));
        let mixture = net.selection(&drawn).expect("can be mixed");
        let (valid, blended) = (net.measure(&path).expect("runs"), net.measure(&mixture).expect("runs"));
        assert!((valid.loss - blended.loss).abs() < 1e-9 * valid.loss, "{sample}: {} {}", valid.loss, blended.loss);
        let (pass, _) = net.pass(&batch, &path, (true, false), 0.0).expect("runs");
        let grads = net.params.grad.copy();
        let (other, _) = net.pass(&batch, &mixture, (true, false), 0.0).expect("runs");
        assert!((pass.loss - other.loss).abs() < 1e-9 * pass.loss, "{sample}: {} {}", pass.loss, other.loss);
        assert!(distance(&grads, &net.params.grad) < 1e-9, "{sample}");
    }
}

/// Of the factors of every number and of the weights, along a direction.
#[test]
fn gradients_of_a_mixture_agree_with_central_differences() {
    let space = blocks();
    let mut net = supernet(&space);
    train(&mut net, &mut |_| {}).expect("trains");
    let batch = net.loaders.weights.batch(0, 0).expect("a batch");
    let random = |c: &Choice| -> Vec<f64> {
        let mut rng = stream(1, &[b"factors", c.label.as_bytes()]);
        softmax(&c.arms.iter().map(|_| f64::from(normal(&mut rng).0)).collect::<Vec<f64>>())
    };
    let choices = net.choices().to_vec();
    let factors: Vec<Vec<f64>> = choices.iter().map(random).collect();
    let route = |net: &Supernet, factors: &[Vec<f64>]| {
        let drawn: Vec<_> = factors.iter().map(|f| Some(Drawn::fixed(f.clone()))).collect();
        net.selection(&drawn).expect("can be mixed")
    };
    let mixture = route(&net, &factors);
    let (_, grads) = net.pass(&batch, &mixture, (true, true), 0.0).expect("runs");
    let by = 1e-5;
    for (i, c) in choices.iter().enumerate() {
        let grad = grads[i].as_ref().unwrap_or_else(|| panic!("?{} plays a part", c.label));
        for arm in 0..c.arms.len() {
            let mut at = |by: f64| {
                let mut moved = factors.clone();
                moved[i][arm] += by;
                let mixture = route(&net, &moved);
                net.pass(&batch, &mixture, (true, false), 0.0).expect("runs").0.loss
            };
            let difference = (at(by) - at(-by)) / (2.0 * by);
            let gap = (difference - grad[arm]).abs();
            assert!(
                gap < 1e-6 * (1.0 + difference.abs()),
                "?{} {}: {difference} {}",
                c.label,
                c.arms[arm].name,
                grad[arm]
            );
        }
    }
    net.pass(&batch, &mixture, (true, false), 0.0).expect("runs");
    let (start, grad) = (net.params.flat.copy(), net.params.grad.copy());
    let direction = &grad / grad.norm();
    let mut at = |by: f64| {
        net.params.flat.copy_(&(&start + &direction * by));
        net.pass(&batch, &mixture, (true, false), 0.0).expect("runs").0.loss
    };
    let difference = (at(by) - at(-by)) / (2.0 * by);
    let exact = grad.norm().double_value(&[]);
    assert!((difference - exact).abs() < 1e-5 * exact, "{difference} {exact}");
}

/// The expansion of a block that no path takes learns nothing.
#[test]
fn numbers_without_a_part_have_no_gradient() {
    let space = blocks();
    let mut net = supernet(&space);
    let batch = net.loaders.weights.batch(0, 0).expect("a batch");
    let choices = net.choices().to_vec();
    let even = |c: &Choice| Drawn::fixed(vec![1.0 / c.arms.len() as f64; c.arms.len()]);
    let one = |c: &Choice| Drawn::path(c.arms.len() - 1, c.arms.len());
    for numbers in [&even as &dyn Fn(&Choice) -> Drawn, &one] {
        for (op, plays) in [(0, true), (1, false)] {
            let draw = |c: &Choice| match c.kind {
                Kind::Number => Some(numbers(c)),
                _ => Some(Drawn::path(if c.label == "op" { op } else { 0 }, c.arms.len())),
            };
            let drawn: Vec<_> = choices.iter().map(draw).collect();
            let route = net.selection(&drawn).expect("can be drawn");
            let (_, grads) = net.pass(&batch, &route, (false, true), 0.0).expect("runs");
            let has = |label: &str| {
                let place = choices.iter().position(|c| c.label == label).expect("it is a decision");
                grads[place].is_some()
            };
            assert_eq!(["w", "k", "e[0]", "e[1]"].map(has), [true, true, plays, true]);
        }
    }
}

fn search(space: &Space, strategy: &str, keep: Option<&Keep>, last: u32) -> Result<Found, OneShotError> {
    let recipe = Recipe { epochs: 3, batch: 50, images: 100, precision: Precision::F32, ..recipe() };
    build(strategy)?.search(space, dataset(), &recipe, keep, &mut |e| assert!(e.epoch < last, "ended"))
}

/// Searches of widths end, and go on as if they had not been ended.
#[test]
fn searches_end_and_resume() {
    let cases = [
        (natsbench_size(), "spos:trials=5,recalibrate=2"),
        (natsbench_size(), "gdas"),
        (blocks(), "random-one-shot:trials=3,recalibrate=2"),
        (blocks(), "enas:steps=3,samples=2,recalibrate=2"),
        (blocks(), "darts"),
        (blocks(), "snas:cost=macs"),
        (blocks(), "fair-darts"),
        (blocks(), "gdas"),
    ];
    for (space, strategy) in cases {
        let what = format!("{strategy} on {}", space.name());
        let whole = search(&space, strategy, None, 9).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(whole.history.iter().all(|e| e.train_loss.is_finite()), "{what}");
        space.program(&whole.sample).unwrap_or_else(|e| panic!("{what}: {e}"));
        let folder = tempfile::tempdir().expect("a folder");
        let mut keep = Keep::at(folder.path().join("kept")).expect("nobody else keeps a search there");
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| search(&space, strategy, Some(&keep), 2)));
        assert!(ended.is_err(), "{what}");
        keep.resume = true;
        let resumed = search(&space, strategy, Some(&keep), 9).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!((&resumed.sample, &resumed.alphas), (&whole.sample, &whole.alphas), "{what}");
        let losses = |f: &Found| f.history.iter().map(|e| (e.train_loss, e.valid_loss)).collect::<Vec<_>>();
        assert_eq!(losses(&resumed), losses(&whole), "{what}");
    }
}

/// What no mixture can hold is named, with what it does and what treats it; paths are sampled all the same.
#[test]
fn what_cannot_be_mixed_is_refused_and_sampled() {
    let stem = "%s = conv2d %x {out=?w, k=3, pad=1}";
    let w = "\n  decision ?w in [4, 8]";
    let n = "\n  decision ?n in [1, 2]";
    let nodes = |more: &str| format!("{stem}\n    {more}");
    let cases = [
        (natsbench_size(), "?c", "how often a block is repeated"),
        (small(n, "%s = conv2d %x {out=4 * ?n, k=3, stride=?n, pad=1}", "s"), "?n", "stride"),
        (small(n, "%s = conv2d %x {out=4 * ?n, k=3, pad=?n}", "s"), "?n", "size of an image"),
        (
            small(n, "%s = conv2d %x {out=4, k=3, pad=1}\n    %t = conv2d %s {out=4, k=1, groups=?n}", "t"),
            "?n",
            "greatest shape",
        ),
        (small(w, &nodes("%t = group_norm %s {groups=2}"), "t"), "?w", "normalised together"),
        (small(w, &nodes("%t = concat %s, %x"), "t"), "?w", "put behind"),
        (small(w, &nodes("%t = channel_shuffle %s {groups=2}"), "t"), "?w", "axes"),
        (small(w, &nodes("%t = conv2d %s {out=8, k=1, groups=2}"), "t"), "?w", "group"),
        (small(n, "%s = conv2d %x {out=4, k=3, stride=?n}", "s"), "?n", "shapes no weight"),
        (small(n, "%s = avg_pool %x {k=2 * ?n - 1, stride=1, pad=?n - 1}", "s"), "?n", "shapes no weight"),
    ];
    for (space, label, why) in cases {
        let error = search(&space, "darts:order=1", None, 9).map(|f| f.sample.to_string()).expect_err(why).to_string();
        for part in ["`darts` cannot treat ", label, why, "such as spos"] {
            assert!(error.contains(part), "`{part}` is missing in: {error}");
        }
        assert_eq!(error.lines().count(), 1, "{error}");
        let mut net = supernet(&space);
        for sample in samples(&space, 3) {
            let valid = alone(&mut net, dataset().data(), &sample);
            let measured = net.measure(&net.path(&sample)).expect("is measured").loss;
            assert!((measured - valid).abs() < 1e-9 * valid, "{label} {why}, {sample}: {measured} {valid}");
        }
    }
}

/// Channels put behind those that stay may come and go.
#[test]
fn what_comes_last_can_be_mixed() {
    let w = "\n  decision ?w in [4, 8]";
    let space = small(w, "%s = conv2d %x {out=?w, k=3, pad=1}\n    %t = concat %x, %s\n    %u = relu %t", "u");
    let mut net = supernet(&space);
    for sample in samples(&space, 4) {
        let mixture = net.selection(&sure(net.choices(), &sample)).expect("can be mixed");
        let path = net.path(&sample);
        let (a, b) = (net.measure(&path).expect("runs").loss, net.measure(&mixture).expect("runs").loss);
        assert!((a - b).abs() < 1e-9 * a, "{sample}: {a} {b}");
    }
}

#[test]
fn groups_that_do_not_divide_are_one_line() {
    let text = "module @m {
      entry @main
      decision ?g in [1, 3]
      graph @main(%x: f32[N, 4, 8, 8]) {
        %y = conv2d %x {out=4, k=1, groups=?g}
        return %y
      }
    }";
    let error = Space::new(text.parse().expect("parses")).expect_err("does not verify").to_string();
    assert!(error.contains("groups=3 must divide both the 4 input channels"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

/// The arms of numbers are their values, after the decisions that choose.
#[test]
fn numbers_are_decisions_with_an_arm_per_value() {
    let net = supernet(&blocks());
    let labels: Vec<String> = net
        .choices()
        .iter()
        .map(|c| {
            format!("{} {:?} {}", c.label, c.kind, c.arms.iter().map(|a| a.name.as_str()).collect::<Vec<_>>().join("|"))
        })
        .collect();
    let numbers = ["w Number 2|4|6", "k Number 1|3|5", "e[0] Number 1|2|3", "e[1] Number 1|2|3"];
    assert_eq!(labels, [&["op Layer conv|pool", "d Depth 1|2"][..], &numbers].concat());
    let held: u64 = Envelope::of(blocks().base())
        .expect("an envelope")
        .weights
        .iter()
        .filter(|w| w.spec.role == Role::Parameter)
        .map(|w| w.spec.numel())
        .sum();
    assert_eq!(net.params.flat.numel() as u64, held);
}
