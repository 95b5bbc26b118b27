//! Where the values of a supernet lie in memory: channels next to each other, whatever its candidates are.

use crate::common::{executor, inputs, weighted_sum};
use codegen::torch::{Layout, Pick, Run, Selection};
use codegen::{Kernel, Lowering, Plan, Wrt};
use ir::Elaboration;
use ir::prim::{Mode, Prim, Var};
use tch::{Kind, Tensor};

/// A fused training plan of a space's supernet, with the gradients of weights and arms, which leaves every value.
fn plan(text: &str) -> Plan {
    let space = mutators::spaces::build(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let open = Elaboration::supernet(space.base(), &|_: &str, _: Option<i64>| None).run().expect("elaborates");
    let mut plan = Lowering::of(&open, Mode::Train).expect("lowers");
    let (loss, _) = weighted_sum(&mut plan);
    plan.set_outputs([loss]);
    let plan = plan.fuse();
    let loss = plan.outputs()[0];
    let wrt = Wrt { weights: true, sites: true, ..Wrt::default() };
    plan.differentiate(loss, &wrt).expect("a scalar").finish()
}

/// The values of a run: by number, those that it computed.
fn values(mut plan: Plan, kind: &str, pick: impl Fn(usize) -> Pick) -> (Plan, Vec<Option<Tensor>>) {
    plan.value_grads = (0..plan.values.len() as u32).map(|v| Some(Var(v))).collect();
    plan.frees.iter_mut().for_each(|f| f.clear());
    plan.in_place.iter_mut().for_each(|p| *p = false);
    let given = inputs(&plan, 3, 5);
    let (exec, mut params) = executor(plan, Kind::Float, Layout::ChannelsLast);
    let selection = Selection { sites: exec.plan().sites.iter().map(|s| pick(s.arms.len())).collect() };
    let run = Run { selection: Some(&selection), ..Run::default() };
    let outcome = exec.run(&mut params, &given, &run).unwrap_or_else(|e| panic!("{kind}: {e}"));
    (exec.plan().as_ref().clone(), outcome.value_grads)
}

fn is_image(t: &Tensor) -> bool {
    t.dim() == 4 && t.size()[1] > 1 && t.size()[2] * t.size()[3] > 1
}

/// A kernel that reads images pixel by pixel copies one that lies otherwise, in every run.
#[test]
fn supernets_copy_no_image() {
    for text in [
        "nasbench201:channels=8,cells=1",
        "nasbench201:channels=8,cells=1,none=false",
        "darts:network=search,channels=8,layers=3",
    ] {
        let paths: [(&str, &dyn Fn(usize) -> Pick); 3] = [
            ("mixture", &|arms| {
                Pick::mixture(Tensor::full([arms as i64], 1.0 / arms as f64, (Kind::Float, tch::Device::Cpu)))
            }),
            ("first", &|_| Pick::path(0)),
            ("last", &|arms| Pick::path(arms as u32 - 1)),
        ];
        for (kind, pick) in paths {
            let (plan, values) = values(plan(text), kind, pick);
            let mut copies = Vec::new();
            for (step, v) in plan.steps.iter().flat_map(|s| s.results().map(move |v| (s, v))) {
                let Some(t) = values[v.index()].as_ref().filter(|t| is_image(t)) else { continue };
                // The gradient of a kernel is none of an image.
                let of_weight = matches!(step.kernel, Kernel::Grad(_)) && v != step.first;
                if t.stride()[1] != 1 && !of_weight {
                    copies.push(format!("{}: {v} of {} {:?} {:?}", step.node, step.kernel, t.size(), t.stride()));
                }
            }
            assert!(
                copies.is_empty(),
                "{text}, {kind}: {} images of {} steps\n{}",
                copies.len(),
                plan.steps.len(),
                copies.join("\n")
            );
        }
    }
}

/// An arm of zeros is neither made, nor added, nor asked for its gradient.
#[test]
fn an_arm_of_zeros_costs_nothing() {
    let count = |text: &str| {
        let plan = plan(text);
        let zeros = |k: &Kernel| matches!(k, Kernel::Prim(Prim::Full { ty, .. }) if ty.rank() == 4);
        assert_eq!(plan.steps.iter().filter(|s| zeros(&s.kernel)).count(), 0, "{text}");
        let mixture = |arms: usize| Pick::mixture(Tensor::ones([arms as i64], (Kind::Float, tch::Device::Cpu)));
        let (plan, values) = values(plan, text, mixture);
        (plan.steps.len(), values.iter().flatten().count())
    };
    let with = count("nasbench201:channels=8,cells=1");
    let without = count("nasbench201:channels=8,cells=1,none=false");
    assert_eq!(with, without, "steps of the plan, and values of a run");
}
