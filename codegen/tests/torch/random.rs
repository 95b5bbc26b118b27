//! Random graphs: gradients against central differences along random directions.

use crate::common::{executor, inputs, program, training_plan};
use codegen::torch::{Layout, Run};
use ir::prim::Mode;
use proptest::prelude::*;
use std::fmt::Write;
use tch::{Kind, Tensor};

/// Smooth ops on `[N, 4, 5, 5]`, so that a step of a central difference crosses no kink.
const OPS: [&str; 12] = [
    "conv2d {out=4, k=3, pad=1}",
    "conv2d {out=4, k=3, pad=2, dilation=2, groups=2, bias=false}",
    "batch_norm",
    "group_norm {groups=2}",
    "layer_norm {trailing=2}",
    "tanh",
    "sigmoid",
    "gelu",
    "avg_pool {k=3, stride=1, pad=1, count_include_pad=false}",
    "softmax {axis=1}",
    "channel_shuffle {groups=2}",
    "transpose {perm=[0, 1, 3, 2]}",
];

/// A graph of single-input ops, sums and products over earlier values; every value that nobody used is returned.
fn graph(nodes: &[(usize, usize, usize)]) -> String {
    let mut text = String::from("module @random {\n  entry @main\n  graph @main(%v0: f32[N, 4, 5, 5]) {\n");
    let mut used = vec![false];
    for (i, (op, a, b)) in nodes.iter().enumerate() {
        let (a, b) = (a % (i + 1), b % (i + 1));
        used[a] = true;
        let line = match op % (OPS.len() + 3) {
            k if k < OPS.len() => {
                let (name, attrs) = OPS[k].split_once(' ').unwrap_or((OPS[k], ""));
                format!("{name} %v{a} {attrs}")
            }
            k => {
                used[b] = true;
                match k - OPS.len() {
                    0 => format!("add %v{a}, %v{b}"),
                    1 => format!("mul %v{a}, %v{b}"),
                    _ => format!("add %v{a}, %v{b} {{mean=true}}"),
                }
            }
        };
        writeln!(text, "    %v{} = {line}", i + 1).expect("a string");
        used.push(false);
    }
    let loose: Vec<String> = (0..used.len()).filter(|i| !used[*i]).map(|i| format!("%v{i}")).collect();
    let joined = if loose.len() == 1 {
        loose[0].clone()
    } else {
        writeln!(text, "    %all = concat {}", loose.join(", ")).expect("a string");
        "%all".to_owned()
    };
    write!(text, "    return {joined}\n  }}\n}}\n").expect("a string");
    text
}

fn check(text: &str, mode: Mode) {
    let plan = training_plan(&program(text), mode);
    let given: Vec<Tensor> = inputs(&plan, 2, 3).iter().map(|t| t.to_kind(Kind::Double)).collect();
    let (exec, mut params) = executor(plan, Kind::Double, Layout::ChannelsLast);
    let run = Run::default();
    let stats = params.buffers.copy();
    let outcome = exec.run(&mut params, &given, &run).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let (flat, grad) = (params.flat.copy(), params.grad.copy());
    let image = outcome.input_grads[0].as_ref().map(|g| (given[0].copy(), g.copy()));
    let weights_direction = flat.rand_like().g_sub_scalar(0.5);
    let image_direction = given[0].rand_like().g_sub_scalar(0.5);
    let mut slope = (&grad * &weights_direction).sum(Kind::Double).double_value(&[]);
    if let Some((_, g)) = &image {
        slope += (g * &image_direction).sum(Kind::Double).double_value(&[]);
    }
    let mut at = |step: f64| {
        params.flat.copy_(&(&flat + &weights_direction * step));
        params.buffers.copy_(&stats);
        let mut moved: Vec<Tensor> = given.iter().map(Tensor::shallow_clone).collect();
        moved[0] = &given[0] + &image_direction * step;
        exec.run(&mut params, &moved, &run).expect("runs").outputs[0].double_value(&[])
    };
    // Richardson's extrapolation of two central differences.
    let h = 1e-3;
    let (coarse, fine) = ((at(h) - at(-h)) / (2.0 * h), (at(h / 2.0) - at(-h / 2.0)) / h);
    let difference = (4.0 * fine - coarse) / 3.0;
    let gap = (difference - slope).abs() / slope.abs().max(1.0);
    assert!(gap < 1e-5, "{mode:?}: {difference} by differences, {slope} by the backward pass\n{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slopes(nodes in prop::collection::vec((0..64_usize, 0..64_usize, 0..64_usize), 1..12)) {
        let text = graph(&nodes);
        check(&text, Mode::Train);
        check(&text, Mode::Eval);
    }
}
