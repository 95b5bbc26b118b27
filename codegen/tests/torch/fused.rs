//! Fused plans against plain ones, in double precision: results, every gradient, running statistics.

use crate::common::{distance, executor, executor_of, fused_plan, inputs, program, training_plan};
use codegen::Kernel;
use codegen::torch::{Layout, Run};
use ir::Program;
use ir::prim::Mode;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tch::{Kind, Tensor};

/// Compares, and returns how many steps of the forward pass are fused.
fn compare(program: &Program, mode: Mode, kind: Kind, tolerance: f64, what: &str) -> usize {
    let (plain, mut plain_params) = executor(training_plan(program, mode), kind, Layout::ChannelsLast);
    let (fused, mut params) = executor(fused_plan(program, mode), kind, Layout::ChannelsLast);
    let given = inputs(plain.plan(), 3, 21);
    let truth = plain.run(&mut plain_params, &given, &Run::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
    let ours = fused.run(&mut params, &given, &Run::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
    let close = |a: &Tensor, b: &Tensor, part: &str| {
        let gap = distance(a, b);
        assert!(gap < tolerance || b.abs().max().double_value(&[]) < 1e-12, "{what}: {part} differs by {gap}");
    };
    for (a, b) in ours.outputs.iter().zip(&truth.outputs) {
        close(a, b, "an output");
    }
    let image = |o: &codegen::torch::Outcome| o.input_grads[0].as_ref().expect("the image's").shallow_clone();
    close(&image(&ours), &image(&truth), "the input's gradient");
    for w in 0..plain.plan().weights.len() {
        let path = &plain.plan().weights[w].path;
        assert_eq!(*path, fused.plan().weights[w].path);
        match (params.grad_of(w), plain_params.grad_of(w)) {
            (Some(a), Some(b)) => close(a, b, path),
            _ => close(params.get(w), plain_params.get(w), path),
        }
    }
    fused.plan().steps.iter().filter(|s| matches!(s.kernel, Kernel::Fused(_))).count()
}

#[test]
fn samples_of_spaces() {
    for (text, count) in [
        ("nasbench201:channels=4,cells=1", 6),
        ("darts:channels=4,layers=3,drop_path=0", 3),
        ("darts:network=search,channels=4,layers=3", 2),
        ("nasbench101:channels=8,cells=1", 3),
    ] {
        let space = mutators::spaces::build(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..count {
            let sample = space.sample(&mut rng).expect("samples");
            let program = space.program(&sample).expect("builds");
            for mode in [Mode::Train, Mode::Eval] {
                let fused = compare(&program, mode, Kind::Double, 1e-9, &format!("{text} {sample} {mode:?}"));
                assert!(mode == Mode::Eval || fused > 0);
            }
        }
    }
}

/// What the shipped spaces do not have: one activation read in several ways, a batch norm that nobody rectifies, a result
/// that is read before and after its batch norm, strides, uneven windows, a batch norm of an input.
#[test]
fn odd_readers() {
    let body = [
        "%a = conv2d %x {out=6, k=1, stride=2, bias=false}
         %b = batch_norm %a
         %r = relu %b
         %c = conv2d %r {out=6, k=[3, 5], pad=[1, 2], groups=6, bias=false}
         %d = conv2d %r {out=4, k=1, bias=false}
         %e = conv2d %r {out=4, k=3, pad=1}
         %f = add %d, %e
         %g = batch_norm %a {affine=false, track=false}
         %h = add %g, %c
         %i = add %h, %a
         %y = concat %f, %i",
        "%a = batch_norm %x
         %b = relu %a
         %c = slice %b {axis=2, start=1}
         %d = slice %c {axis=3, start=2, step=2}
         %e = conv2d %d {out=3, k=1, stride=2, bias=false}
         %f = max_pool %b {k=3, stride=2, pad=1}
         %g = conv2d %f {out=3, k=2, groups=3, stride=2, bias=false}
         %h = global_avg_pool %e
         %i = mul %g, %h
         %y = relu %i",
        "%a = relu %x
         %b = conv2d %a {out=3, k=3, pad=2, dilation=2, groups=3, bias=false}
         %c = conv2d %a {out=3, k=3, pad=1, stride=2, groups=3, bias=false}
         %d = batch_norm %b
         %e = batch_norm %d
         %f = add %d, %e, %a
         %g = relu %f
         %p = conv2d %g {out=5, k=1, bias=false}
         %q = batch_norm %p
         %s = conv2d %q {out=5, k=1, stride=2, bias=false}
         %y = concat %s, %c",
    ];
    for lines in body {
        let lines: Vec<&str> = lines.lines().map(str::trim).collect();
        let text = format!(
            "module @odd {{ entry @main graph @main(%x: f32[N, 3, 7, 9]) {{\n{}\nreturn %y\n}} }}",
            lines.join("\n")
        );
        let fused = compare(&program(&text), Mode::Train, Kind::Double, 1e-9, &text);
        assert!(fused >= 3, "{fused} fused steps in {text}");
    }
}

/// A batch norm of an image that needs no gradient learns all the same.
#[test]
fn a_batch_norm_of_a_constant_learns() {
    let text = "module @m { entry @main graph @main(%x: f32[N, 3, 4, 4]) {
        %z = zero %x
        %n = batch_norm %z
        %r = relu %n
        %d = conv2d %n {out=3, k=3, pad=1, groups=3, bias=false}
        %e = batch_norm %x
        %y = add %d, %r, %e
        return %y
    } }";
    let program = program(text);
    // A shift away from the rectifier's kink.
    let start = |plan: &codegen::Plan| {
        let mut weights = codegen::init::initialise(plan, 1);
        let shift = codegen::array::Array::f32(vec![3], vec![0.3, -0.2, 0.1]);
        weights.insert("n.bias".into(), shift);
        weights
    };
    let (plain, fused) = (training_plan(&program, Mode::Train), fused_plan(&program, Mode::Train));
    let given = inputs(&plain, 3, 21);
    let grads = [plain, fused].map(|plan| {
        let weights = start(&plan);
        let (exec, mut params) = executor_of(plan, &weights, Kind::Double, Layout::ChannelsLast);
        exec.run(&mut params, &given, &Run::default()).expect("runs");
        let bias = exec.plan().weights.iter().position(|w| w.path == "n.bias").expect("it is there");
        params.grad_of(bias).expect("learned").copy()
    });
    assert!(grads[0].abs().min().double_value(&[]) > 1e-3, "each shift has a gradient: {:?}", grads[0]);
    assert!(distance(&grads[1], &grads[0]) < 1e-9, "{:?} and {:?}", grads[1], grads[0]);
}

/// The division of work depends on shapes only: any number of threads gives the same bits.
#[test]
fn threads_do_not_change_a_bit() {
    let space = mutators::spaces::build("darts:channels=8,layers=3,drop_path=0,auxiliary=false").expect("a space");
    let sample = space.parse_genotype("DARTS_V2").expect("a genotype");
    let program = space.program(&sample).expect("builds");
    let plan = fused_plan(&program, Mode::Train);
    let fused: Vec<usize> = (0..plan.weights.len()).filter(|w| plan.weights[*w].path.contains("deep")).collect();
    let run = |threads: i32| {
        let (exec, mut params) = executor(plan.clone(), Kind::Float, Layout::ChannelsLast);
        let given = inputs(exec.plan(), 4, 2);
        let before = tch::get_num_threads();
        tch::set_num_threads(threads);
        let outcome = exec.run(&mut params, &given, &Run::default());
        tch::set_num_threads(before);
        outcome.expect("runs");
        fused.iter().map(|w| params.grad_of(*w).expect("learned").copy()).collect::<Vec<_>>()
    };
    let (first, again) = (run(2), run(2));
    assert!(first.iter().zip(&again).all(|(a, b)| a == b), "two runs differ");
}
