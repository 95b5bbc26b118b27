//! Open decisions: a region per candidate, paths that are skipped, mixtures and their gradients.

use crate::common::{distance, executor, inputs, training_plan, weighted_sum};
use codegen::array::Weights;
use codegen::torch::{Layout, Params, Pick, Run, Selection};
use codegen::{Kernel, Lowering, Plan, SiteKind, Wrt};
use ir::prim::{Mode, Var};
use ir::{Elaboration, Module, Name, Program, Value};
use tch::{Kind, Tensor};

/// Two nodes with a choice each, a selection of two of three values, and a repeat of depth 1 to 3.
const TEXT: &str = "module @net {
  entry @main
  decision ?op in [conv, pool, none]
  decision ?in in 1..=2 of [0, 1, 2]
  decision ?depth in 1..=3
  graph @block<c>(%x) {
    %v = conv2d %x {out=c, k=3, pad=1, bias=false}
    %y = batch_norm %v
    %z = tanh %y
    return %z
  }
  graph @main(%x: f32[N, 4, 6, 6]) {
    %a = choice ?op (%x) { conv: @block<4>, pool: avg_pool {k=3, stride=1, pad=1}, none: zero }
    %b = choice ?op (%a) { conv: @block<4>, pool: avg_pool {k=3, stride=1, pad=1}, none: zero }
    %s = select ?in (%x, %a, %b)
    %r = repeat ?depth @block<4>(%s)
    return %r
  }
}";

fn module() -> Module {
    TEXT.parse().unwrap_or_else(|e| panic!("{e}"))
}

fn supernet() -> Program {
    Elaboration::supernet(&module(), &|_: &str, _: Option<i64>| None).run().unwrap_or_else(|e| panic!("{e}"))
}

/// The plan of `sum(y * noise)` with gradients of weights, inputs and arms.
fn plan(program: &Program, mode: Mode) -> Plan {
    let mut plan = Lowering::of(program, mode).expect("lowers");
    let (loss, _) = weighted_sum(&mut plan);
    let outputs: Vec<Var> = [loss].into_iter().chain(plan.outputs().iter().copied()).collect();
    plan.set_outputs(outputs);
    let wrt = Wrt { weights: true, inputs: true, sites: true, ..Wrt::default() };
    plan.differentiate(loss, &wrt).expect("a scalar").finish()
}

#[test]
fn sites_of_the_plan() {
    let plan = plan(&supernet(), Mode::Train);
    let sites: Vec<String> =
        plan.sites.iter().map(|s| format!("{} ?{} {}", s.path, s.label, s.arms.join("|"))).collect();
    assert_eq!(sites, ["a ?op conv|pool|none", "b ?op conv|pool|none", "s ?in 0|1|2", "r ?depth 1|2|3"]);
    assert!(matches!(plan.sites[2].kind, SiteKind::Select(ir::Reduce::Sum)));
    let paths: Vec<&str> = plan.weights.iter().map(|w| w.path.as_str()).filter(|p| p.ends_with("v.weight")).collect();
    assert_eq!(paths, ["a.conv.v.weight", "b.conv.v.weight", "r.0.v.weight", "r.1.v.weight", "r.2.v.weight"]);
}

/// The same decisions, made before lowering, with the supernet's weights.
fn derived(plan: &Plan, weights: &Weights, op: &str, inputs: &[i64], depth: i64) -> (Program, Weights) {
    let value = |label: &str, _: Option<i64>| {
        Some(match label {
            "op" => Value::label(op),
            "in" => Value::List(inputs.iter().map(|i| Value::Int(*i)).collect()),
            _ => Value::Int(depth),
        })
    };
    let program = Elaboration::new(&module(), &value).run().unwrap_or_else(|e| panic!("{e}"));
    let own = Lowering::of(&program, Mode::Train).expect("lowers");
    let named = |path: &str| {
        let inherited = path.replacen("a.", "a.conv.", 1).replacen("b.", "b.conv.", 1);
        let known = |p: &str| plan.weights.iter().any(|w| w.path == p);
        if known(path) { path.to_owned() } else { inherited }
    };
    let own =
        own.plan().weights.iter().map(|w| (w.path.clone(), weights[&Name::new(named(&w.path))].clone())).collect();
    (program, own)
}

#[test]
fn a_path_is_the_derived_network() {
    let full = plan(&supernet(), Mode::Train);
    let given = inputs(&full, 3, 5);
    for (op, arm, chosen, depth) in
        [("conv", 0, vec![1, 2], 3), ("pool", 1, vec![0, 1], 1), ("none", 2, vec![0], 2), ("conv", 0, vec![2], 2)]
    {
        for mode in [Mode::Train, Mode::Eval] {
            let (exec, mut params) = executor(plan(&supernet(), mode), Kind::Double, Layout::ChannelsLast);
            let weights = params.to_weights().expect("weights");
            let selection = Selection {
                sites: vec![
                    Pick::path(arm),
                    Pick::path(arm),
                    Pick { arms: Some(chosen.iter().map(|i| *i as u32).collect()), weights: None },
                    Pick::path(depth - 1),
                ],
            };
            let run = Run { selection: Some(&selection), ..Run::default() };
            let ours = exec.run(&mut params, &given, &run).unwrap_or_else(|e| panic!("{e}"));
            let (program, own) = derived(exec.plan(), &weights, op, &chosen, i64::from(depth));
            let (single, _) = executor(training_plan(&program, mode), Kind::Double, Layout::ChannelsLast);
            let mut single_params = Params::new(single.plan(), &own, exec.device(), Kind::Double).expect("inherits");
            let truth = single.run(&mut single_params, &given, &Run::default()).unwrap_or_else(|e| panic!("{e}"));
            let what = format!("{op} {chosen:?} {depth} {mode:?}");
            assert!(distance(&ours.outputs[1], &truth.outputs[1]) < 1e-12, "{what}");
            // Gradients of what is taken agree; all others are zero.
            let norm = |p: &Params| p.grad.square().sum(Kind::Double).double_value(&[]);
            let (a, b) = (norm(&params), norm(&single_params));
            assert!((a - b).abs() <= 1e-10 * b.max(1.0), "{what}: {a} against {b}");
            // What is not taken keeps its running statistics.
            let after = params.to_weights().expect("weights");
            for w in exec.plan().weights.iter().filter(|w| w.path.ends_with("running_mean")) {
                let block: u32 = w.path.chars().find(char::is_ascii_digit).and_then(|c| c.to_digit(10)).unwrap_or(0);
                let used = if w.path.starts_with('r') {
                    block < depth
                } else {
                    let needed = if w.path.starts_with('a') { 1 } else { 2 };
                    arm == 0 && (chosen.contains(&needed) || (needed == 1 && chosen.contains(&2)))
                };
                let changed = after[&w.path] != weights[&w.path];
                assert_eq!(changed, used && mode == Mode::Train, "{what}: {}", w.path);
            }
        }
    }
}

/// Two calls of a cell with a choice that share their weights.
const TIED: &str = "module @net {
  entry @main
  decision ?op in [conv, none]
  graph @block(%x) {
    %v = conv2d %x {out=4, k=3, pad=1}
    %y = tanh %v
    return %y
  }
  graph @cell(%x) {
    %c = choice ?op (%x) { conv: @block, none: zero }
    %y = add %x, %c
    return %y
  }
  graph @main(%x: f32[N, 4, 6, 6]) {
    %a = @cell(%x) weights cell
    %b = @cell(%a) weights cell
    return %b
  }
}";

#[test]
fn a_path_with_shared_weights_is_the_derived_network() {
    let module: Module = TIED.parse().unwrap_or_else(|e| panic!("{e}"));
    let open = Elaboration::supernet(&module, &|_: &str, _: Option<i64>| None).run().unwrap_or_else(|e| panic!("{e}"));
    let full = plan(&open, Mode::Train);
    let paths: Vec<&str> = full.weights.iter().map(|w| w.path.as_str()).collect();
    assert_eq!(paths, ["cell.c.conv.v.weight", "cell.c.conv.v.bias"]);
    assert_eq!(full.sites.iter().map(|s| s.path.as_str()).collect::<Vec<_>>(), ["cell.c", "cell.c"]);
    let given = inputs(&full, 3, 5);
    let (exec, mut params) = executor(full, Kind::Double, Layout::Contiguous);
    let weights = params.to_weights().expect("weights");
    let selection = Selection { sites: vec![Pick::path(0), Pick::path(0)] };
    let run = Run { selection: Some(&selection), ..Run::default() };
    let ours = exec.run(&mut params, &given, &run).unwrap_or_else(|e| panic!("{e}"));
    let conv = |_: &str, _: Option<i64>| Some(Value::label("conv"));
    let program = Elaboration::new(&module, &conv).run().unwrap_or_else(|e| panic!("{e}"));
    let (single, _) = executor(training_plan(&program, Mode::Train), Kind::Double, Layout::Contiguous);
    let inherited = |path: &Name| weights[&Name::new(path.replacen("cell.c.", "cell.c.conv.", 1))].clone();
    let own = single.plan().weights.iter().map(|w| (w.path.clone(), inherited(&w.path))).collect();
    let mut single_params = Params::new(single.plan(), &own, exec.device(), Kind::Double).expect("inherits");
    let truth = single.run(&mut single_params, &given, &Run::default()).unwrap_or_else(|e| panic!("{e}"));
    assert!(distance(&ours.outputs[1], &truth.outputs[1]) < 1e-12);
    assert!(distance(&params.grad, &single_params.grad) < 1e-12);
}

#[test]
fn skipped_paths_cost_nothing() {
    let (exec, _) = executor(plan(&supernet(), Mode::Train), Kind::Double, Layout::ChannelsLast);
    let selection = Selection { sites: vec![Pick::path(2), Pick::path(2), Pick::path(0), Pick::path(0)] };
    let active = selection.active(exec.plan()).expect("fits");
    let convs = |on: &dyn Fn(usize) -> bool| {
        let steps = exec.plan().steps[..exec.plan().forward].iter().enumerate();
        steps.filter(|(i, s)| on(*i) && s.kernel.to_string().starts_with("conv2d")).count()
    };
    assert_eq!((convs(&|_| true), convs(&|i| active[i])), (5, 1));
    assert!(exec.plan().steps.iter().any(|s| matches!(s.kernel, Kernel::Mix(_))));
}

/// Gradients of mixture weights against central differences; two sites of one decision add up.
#[test]
fn gradients_of_mixtures() {
    let (exec, mut params) = executor(plan(&supernet(), Mode::Eval), Kind::Double, Layout::ChannelsLast);
    let given = inputs(exec.plan(), 2, 9);
    let start: Vec<Vec<f64>> = vec![vec![0.5, 0.3, 0.2], vec![0.1, 0.6, 0.3], vec![0.9, 0.4, 0.7], vec![0.3, 0.3, 0.4]];
    let select = |w: &[Vec<f64>]| Selection { sites: w.iter().map(|w| Pick::mixture(Tensor::from_slice(w))).collect() };
    let mut loss = |w: &[Vec<f64>]| {
        let selection = select(w);
        let run = Run { selection: Some(&selection), ..Run::default() };
        exec.run(&mut params, &given, &run).unwrap_or_else(|e| panic!("{e}"))
    };
    let outcome = loss(&start);
    for site in 0..4 {
        let grad = outcome.site_grads[site].as_ref().expect("a gradient per site");
        for arm in 0..3 {
            let mut at = |delta: f64| {
                let mut w = start.clone();
                w[site][arm] += delta;
                loss(&w).outputs[0].double_value(&[])
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            let rule = grad.double_value(&[arm as i64]);
            assert!(
                (difference - rule).abs() < 1e-6 * rule.abs().max(1.0),
                "site {site}, arm {arm}: {difference}, {rule}"
            );
        }
    }
}

#[test]
fn a_selection_that_does_not_fit() {
    let (exec, mut params) = executor(plan(&supernet(), Mode::Eval), Kind::Double, Layout::ChannelsLast);
    let given = inputs(exec.plan(), 2, 9);
    let mut refuse = |sites: Vec<Pick>| {
        let selection = Selection { sites };
        let run = Run { selection: Some(&selection), ..Run::default() };
        exec.run(&mut params, &given, &run).expect_err("does not fit").to_string()
    };
    let three = || vec![Pick::path(0), Pick::path(0), Pick::path(0)];
    assert!(refuse(three()).contains("3 sites in all, where the graph has 4"));
    let text = refuse(three().into_iter().chain([Pick::path(7)]).collect());
    assert!(text.starts_with("site `r` has 3 arms; the selection asks for"), "{text}");
}

/// A repeat of +1, of depth 1, 2 and 4 by .3, .3 and .4, adds 2.5.
#[test]
fn a_weighted_depth_is_a_weighted_mean() {
    let text = "module @m {
      entry @main
      decision ?d in [1, 2, 4]
      graph @next(%x) {
        %one = constant {shape=[1], value=1.0}
        %y = add %x, %one
        return %y
      }
      graph @main(%x: f32[N, 1]) {
        %y = repeat ?d @next(%x)
        return %y
      }
    }";
    let module: Module = text.parse().unwrap_or_else(|e| panic!("{e}"));
    let program = Elaboration::supernet(&module, &|_: &str, _: Option<i64>| None).run().expect("elaborates");
    let plan = Lowering::of(&program, Mode::Eval).expect("lowers").finish();
    let (exec, mut params) = executor(plan, Kind::Double, Layout::Contiguous);
    let selection = Selection { sites: vec![Pick::mixture(Tensor::from_slice(&[0.3, 0.3, 0.4]))] };
    let run = Run { selection: Some(&selection), ..Run::default() };
    let out = exec.run(&mut params, &[Tensor::zeros([2, 1], (Kind::Double, exec.device().into()))], &run);
    let out = Vec::<f64>::try_from(out.expect("runs").outputs[0].flatten(0, -1)).expect("numbers");
    assert!(out.iter().all(|y| (y - 2.5).abs() < 1e-12), "{out:?}");
}
