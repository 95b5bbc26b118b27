//! Plans as such, without libtorch: their text, what is shared and dropped, when memory is given up.

use codegen::{Kernel, Lowering, Plan, Wrt};
use ir::prim::{Emit, Mode, Prim, Var};
use ir::value::Real;
use ir::{DType, Dim, Elaboration, Module, Program, TensorType};
use std::collections::BTreeSet;
use std::path::Path;

fn program(text: &str) -> Program {
    let module: Module = text.parse().unwrap_or_else(|e| panic!("{e}"));
    Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run().unwrap_or_else(|e| panic!("{e}"))
}

/// With cross-entropy and the gradients of the weights.
fn training(program: &Program) -> Plan {
    let mut plan = Lowering::of(program, Mode::Train).expect("lowers");
    let logits = plan.outputs()[0];
    let targets = plan.input(TensorType::new(DType::I64, [Dim::BATCH]));
    let loss = plan.prim(Prim::CrossEntropy { smoothing: Real::new(0.1) }, &[logits, targets]).expect("fits");
    plan.set_outputs([loss, logits]);
    plan.differentiate(loss, &Wrt::weights()).expect("a scalar").finish()
}

const NET: &str = "module @net {
  entry @main
  graph @block<c, k>(%x) {
    %r = relu %x
    %v = conv2d %r {out=c, k=k, pad=k // 2, bias=false}
    %y = batch_norm %v
    return %y
  }
  graph @main(%x: f32[N, 3, 8, 8]) {
    %stem = conv2d %x {out=4, k=3, pad=1}
    %a = @block<4, 3>(%stem)
    %b = @block<4, 1>(%stem)
    %s = add %a, %b, %stem
    %d = drop_path %s {p=0.2}
    %unused = sigmoid %d
    %p = global_avg_pool %d
    %f = flatten %p
    %y = linear %f {out=10}
    return %y
  }
}";

#[test]
fn text_of_a_plan() {
    let text = training(&program(NET)).to_string();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/plan.txt");
    testing::golden(&path, &text).unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn equal_steps_are_one_and_dead_ones_none() {
    let plan = training(&program(NET));
    let count = |name: &str| {
        plan.steps[..plan.forward].iter().filter(|s| s.kernel.to_string().split(' ').next() == Some(name)).count()
    };
    assert_eq!(count("relu"), 1, "both blocks take the same relu");
    assert_eq!(count("sigmoid"), 0, "nothing uses it");
    assert_eq!(count("conv2d"), 3);
}

/// Whatever is read is there, whatever is wanted stays, and nothing else is left.
fn check_memory(plan: &Plan) {
    let mut held: BTreeSet<Var> = plan.inputs.iter().copied().collect();
    let weights: BTreeSet<Var> = plan.weights.iter().map(|w| w.var).collect();
    let kept: BTreeSet<Var> = plan.kept().collect();
    let mut stored: Vec<(Var, u32)> = Vec::new();
    for (i, step) in plan.steps.iter().enumerate() {
        for v in &step.operands {
            assert!(held.contains(v) || weights.contains(v), "step {i} reads {v}, which is gone");
        }
        if plan.in_place[i] {
            assert!(plan.frees[i].contains(&step.operands[0]), "step {i} overwrites what lives on");
        }
        held.extend(step.results());
        for (v, w) in &plan.stores[i] {
            assert!(step.results().any(|r| r == *v), "step {i} stores {v}, which it does not make");
            stored.push((*v, *w));
        }
        for v in &plan.frees[i] {
            assert!(held.remove(v) && !kept.contains(v), "step {i} frees {v}");
        }
    }
    let unread: BTreeSet<Var> = plan.inputs.iter().copied().filter(|v| held.contains(v)).collect();
    let left: BTreeSet<Var> = held.difference(&kept).copied().filter(|v| !unread.contains(v)).collect();
    assert!(left.is_empty(), "{left:?} are left");
    // A gradient is stored once, by the step that completes it, and freed like any other value.
    stored.sort_by_key(|(_, w)| *w);
    let grads = (0..).zip(&plan.weight_grads).filter_map(|(w, v)| Some(((*v)?, w)));
    assert!(grads.eq(stored), "gradients are stored once each");
}

#[test]
fn memory_is_given_up_at_the_last_use() {
    check_memory(&training(&program(NET)));
    let space = mutators::spaces::build("darts:channels=16,layers=8,auxiliary=false").expect("a space");
    let sample = space.parse_genotype("DARTS_V2").expect("a genotype");
    let plan = training(&space.program(&sample).expect("builds"));
    check_memory(&plan);
    assert!(plan.in_place.iter().any(|p| *p));
    let memory = plan.memory(32, false);
    assert_eq!(memory.gradients, 4 * 246_106, "a gradient per parameter");
    assert_eq!(plan.memory(32, true).gradients, 2 * memory.gradients);
    // All forward values at once, for comparison: what a run without a schedule would hold.
    let all: u64 = plan.steps[..plan.forward]
        .iter()
        .flat_map(codegen::Step::results)
        .map(|v| plan.type_of(v).numel() * 32 * 4)
        .sum();
    assert!(memory.activations < all * 6 / 10, "{} of {all}", memory.activations);
}

#[test]
fn only_scalars_are_differentiated() {
    let plan = Lowering::of(&program(NET), Mode::Train).expect("lowers");
    let logits = plan.outputs()[0];
    let error = plan.differentiate(logits, &Wrt::weights()).expect_err("no scalar").to_string();
    assert_eq!(error, "only a scalar can be differentiated, not f32[N, 10]");
}

#[test]
fn an_op_without_a_lowering_is_named() {
    let text = "module @m { entry @main graph @main(%x: f32[N, 3]) { %y = custom %x {name=mine} return %y } }";
    let error = Lowering::of(&program(text), Mode::Eval).expect_err("no lowering").to_string();
    assert_eq!(error, "node `y`: `custom` has no lowering to primitives (implement `CustomOp::emit`)");
}

#[test]
fn nothing_random_in_evaluation() {
    let plan = Lowering::of(&program(NET), Mode::Eval).expect("lowers").finish();
    assert!(plan.steps.iter().all(|s| !matches!(&s.kernel, Kernel::Prim(p) if p.is_random() || p.updates())));
}
