//! Fused plans against plain ones, in double precision: results, every gradient, running statistics.

use crate::common::{Truth, distance, executor, executor_of, fused_plan, inputs, program, training_plan};
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
        assert!(gap < tolerance, "{what}: {part} differs by {gap}");
    };
    for (a, b) in ours.outputs.iter().zip(&truth.outputs) {
        close(a, b, "an output");
    }
    let image = |o: &codegen::torch::Outcome| o.input_grads[0].as_ref().expect("the image's").shallow_clone();
    let weights = 0..plain.plan().weights.len();
    let learned = weights.clone().filter_map(|w| plain_params.grad_of(w));
    let grads = Truth::of(learned.chain([&image(&truth)]));
    let statistics = Truth::of(weights.filter(|w| plain_params.grad_of(*w).is_none()).map(|w| plain_params.get(w)));
    assert_eq!(grads.fault(&image(&ours), &image(&truth), tolerance), None, "{what}: the input's gradient");
    for w in 0..plain.plan().weights.len() {
        let path = &plain.plan().weights[w].path;
        assert_eq!(*path, fused.plan().weights[w].path);
        match (params.grad_of(w), plain_params.grad_of(w)) {
            (Some(a), Some(b)) => assert_eq!(grads.fault(a, b, tolerance), None, "{what}: the gradient of {path}"),
            _ => assert_eq!(statistics.fault(params.get(w), plain_params.get(w), tolerance), None, "{what}: {path}"),
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

/// The division of work depends on shapes only: any number of threads gives the same bits. Every gradient here is made by
/// fused kernels alone, on images that are cut into many parts; libtorch's own kernels promise less.
#[test]
fn threads_do_not_change_a_bit() {
    let text = "module @m { entry @main graph @main(%x: f32[N, 24, 33, 31]) {
        %a = batch_norm %x
        %r = relu %a
        %d = conv2d %r {out=24, k=3, pad=1, groups=24, bias=false}
        %p = conv2d %d {out=40, k=1, bias=false}
        %b = batch_norm %p
        %q = relu %b
        %e = conv2d %q {out=40, k=5, pad=2, stride=2, groups=40, bias=false}
        %f = conv2d %q {out=40, k=1, stride=2, bias=false}
        %g = batch_norm %e
        %h = batch_norm %f
        %y = add %g, %h
        return %y
    } }";
    let plan = fused_plan(&program(text), Mode::Train);
    let run = |threads: usize| {
        let (exec, mut params) = executor(plan.clone(), Kind::Float, Layout::ChannelsLast);
        let given = inputs(exec.plan(), 4, 2);
        tch::set_num_threads(threads as i32);
        assert_eq!(tch::get_num_threads(), threads as i32);
        let outcome = exec.run(&mut params, &given, &Run::default());
        tch::set_num_threads(1);
        let outcome = outcome.expect("runs");
        let image = outcome.input_grads[0].as_ref().expect("the image's").shallow_clone();
        let names = ["the result", "the input's gradient", "the gradients of weights", "the running statistics"];
        names.into_iter().zip([outcome.outputs[1].shallow_clone(), image, params.grad.copy(), params.buffers.copy()])
    };
    for threads in [2, 3, 5, 24] {
        for ((part, one), (_, many)) in run(1).zip(run(threads)) {
            let differ = one.not_equal_tensor(&many).sum(Kind::Int64).int64_value(&[]);
            assert_eq!(differ, 0, "{part}: so many of {} numbers differ with {threads} threads", one.numel());
        }
    }
}
