//! What is random in training: which share is dropped, what becomes of the rest, what is dropped together, and that it
//! depends on seed, step and place alone.

use crate::common::{executor, inputs, program, training_plan};
use codegen::torch::{Layout, Run};
use ir::prim::Mode;
use tch::{Kind, Tensor};

const N: i64 = 500;

/// What two dropping nodes make of an image of ones, `[N, 4, 5, 5]` or `[N, 1, 1, 1]` each, and the image's gradient where
/// each element of the results has the gradient one.
struct Masks {
    first: Tensor,
    second: Tensor,
    gradient: Tensor,
}

fn masks(op: &str, mode: Mode, run: &Run<'_>) -> Masks {
    let text = format!(
        "module @m {{ entry @main graph @main(%x: f32[N, 4, 5, 5]) {{
            %a = {op}
            %b = {op}
            return %a, %b
        }} }}"
    );
    let plan = training_plan(&program(&text), mode);
    let given: Vec<Tensor> = inputs(&plan, N, 1).iter().map(Tensor::ones_like).collect();
    let (exec, mut params) = executor(plan, Kind::Float, Layout::ChannelsLast);
    let outcome = exec.run(&mut params, &given, run).expect("runs");
    let [first, second] = [1, 2].map(|i| outcome.outputs[i].shallow_clone());
    Masks { first, second, gradient: outcome.input_grads[0].as_ref().expect("the image's").shallow_clone() }
}

fn at(seed: u64, step: u64, drop_path: f64) -> Run<'static> {
    Run { seed, step, drop_path, selection: None }
}

fn least_and_greatest(t: &Tensor) -> (f64, f64) {
    (t.min().double_value(&[]), t.max().double_value(&[]))
}

/// The share of zeros among independent draws, which is `p` within five standard deviations; all others are `1 / (1 - p)`.
fn share(draws: &Tensor, p: f64, what: &str) {
    let n = draws.numel() as f64;
    let dropped = draws.eq(0.0).sum(Kind::Double).double_value(&[]) / n;
    let deviation = (p * (1.0 - p) / n).sqrt();
    assert!((dropped - p).abs() < 5.0 * deviation, "{what}: {dropped} of {n} are dropped, {p} should be");
    let kept = draws.masked_select(&draws.ne(0.0));
    let (least, greatest) = least_and_greatest(&kept);
    assert!((least - 1.0 / (1.0 - p)).abs() < 1e-6 && least == greatest, "{what}: {least} to {greatest} are kept");
}

/// Srivastava et al. 2014, in PyTorch's form: each element by itself, the rest scaled so that the mean stays.
#[test]
fn dropout_drops_elements() {
    for p in [0.1, 0.5, 0.8] {
        let masks = masks(&format!("dropout %x {{p={p}}}"), Mode::Train, &at(3, 7, 1.0));
        share(&masks.first, p, "dropout");
        // Of 100 elements of an example some are dropped and some are not.
        let kept = masks.first.ne(0.0).flatten(1, 3).sum_dim_intlist(1, false, Kind::Double);
        let (least, greatest) = least_and_greatest(&kept);
        assert!(least > 0.0 && greatest < 100.0, "{least} to {greatest} elements of an example");
    }
}

/// Larsson, Maire and Shakhnarovich 2017, as DARTS has it (cnn/utils.py, `drop_path`: a mask `[N, 1, 1, 1]`): an example's
/// path as a whole.
#[test]
fn drop_path_drops_examples() {
    for p in [0.1, 0.5, 0.8] {
        let masks = masks(&format!("drop_path %x {{p={p}}}"), Mode::Train, &at(3, 7, 1.0));
        let example = masks.first.slice(1, 0, 1, 1).slice(2, 0, 1, 1).slice(3, 0, 1, 1);
        assert_eq!(example.size(), [N, 1, 1, 1]);
        assert_eq!(masks.first, example.expand_as(&masks.first).contiguous(), "an example is dropped whole");
        share(&example, p, "drop path");
    }
}

/// DARTS raises the probability of drop path from epoch to epoch; dropout keeps its own.
#[test]
fn the_factor_is_of_drop_path_alone() {
    let path = |factor| masks("drop_path %x {p=0.6}", Mode::Train, &at(3, 7, factor)).first;
    share(&path(0.5).slice(1, 0, 1, 1).slice(2, 0, 1, 1).slice(3, 0, 1, 1), 0.3, "half of 0.6");
    assert_eq!(least_and_greatest(&path(0.0)), (1.0, 1.0), "none at the beginning");
    let element = |factor| masks("dropout %x {p=0.6}", Mode::Train, &at(3, 7, factor)).first;
    assert_eq!(element(0.0), element(1.0));
    share(&element(0.0), 0.6, "dropout");
}

#[test]
fn the_gradient_has_the_mask_of_its_run() {
    for op in ["dropout %x {p=0.5}", "drop_path %x {p=0.5}"] {
        let text = format!("module @m {{ entry @main graph @main(%x: f32[N, 4, 5, 5]) {{ %a = {op} return %a }} }}");
        let plan = training_plan(&program(&text), Mode::Train);
        let given: Vec<Tensor> = inputs(&plan, N, 1).iter().map(Tensor::ones_like).collect();
        let (exec, mut params) = executor(plan, Kind::Float, Layout::ChannelsLast);
        let outcome = exec.run(&mut params, &given, &at(3, 7, 1.0)).expect("runs");
        assert_eq!(outcome.outputs[1], *outcome.input_grads[0].as_ref().expect("the image's"), "{op}");
    }
}

/// The same seed and step give the same masks, another of either or another node others.
#[test]
fn seed_step_and_node_decide() {
    for op in ["dropout %x {p=0.5}", "drop_path %x {p=0.5}"] {
        let masks = |seed, step| masks(op, Mode::Train, &at(seed, step, 1.0));
        let (one, again) = (masks(3, 7), masks(3, 7));
        assert_eq!((&one.first, &one.second), (&again.first, &again.second), "{op}: the same seed and step");
        assert_eq!(one.gradient, &one.first + &one.second, "{op}: each node has its own in the backward pass too");
        for (what, other) in [("node", &one.second), ("step", &masks(3, 8).first), ("seed", &masks(4, 7).first)] {
            // Of independent masks half of the elements agree.
            let agree = one.first.eq_tensor(other).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
            assert!((0.3..0.7).contains(&agree), "{op}: another {what} agrees in {agree}");
        }
    }
}

#[test]
fn nothing_is_dropped_where_nothing_should_be() {
    for (op, mode) in [
        ("dropout %x {p=0.5}", Mode::Eval),
        ("drop_path %x {p=0.5}", Mode::Eval),
        ("dropout %x {p=0.0}", Mode::Train),
        ("drop_path %x {p=0.0}", Mode::Train),
    ] {
        assert_eq!(least_and_greatest(&masks(op, mode, &at(3, 7, 1.0)).first), (1.0, 1.0), "{op} {mode:?}");
    }
    for op in ["dropout %x {p=1.0}", "drop_path %x {p=1.0}"] {
        assert_eq!(least_and_greatest(&masks(op, Mode::Train, &at(3, 7, 1.0)).first), (0.0, 0.0), "{op}");
    }
}
