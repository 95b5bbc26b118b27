//! Exported modules by themselves: first weights, random masks, names that PyTorch takes.

use crate::common::program;
use crate::suite::script;
use codegen::Lowering;
use codegen::checkpoint::Checkpoint;
use codegen::export::pytorch;
use codegen::init::initialise;
use ir::Program;
use ir::prim::Mode;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Deserialize)]
struct Found {
    weights: BTreeMap<String, Weight>,
    masks: Masks,
    names: Vec<String>,
}

/// Greatest magnitude, mean, deviation.
#[derive(Deserialize)]
struct Weight {
    ours: [f64; 3],
    theirs: [f64; 3],
    p: f64,
}

#[derive(Deserialize)]
struct Masks {
    element: [f64; 2],
    path: [f64; 2],
    whole: bool,
    calm: bool,
}

fn export(folder: &Path, name: &str, program: &Program) {
    let source = pytorch::source(program, name).expect("exports");
    std::fs::write(folder.join(format!("{name}.py")), source).expect("written");
}

const INIT: &str = "module @m {
  entry @main
  graph @main(%x: f32[N, 16, 4, 4]) {
    %conv = conv2d %x {out=48, k=5, pad=2}
    %grouped = conv2d %conv {out=960, k=3, pad=1, groups=48}
    %bn = batch_norm %grouped
    %gn = group_norm %bn {groups=4}
    %flat = global_avg_pool %gn
    %rows = flatten %flat
    %ln = layer_norm %rows
    %fc = linear %ln {out=1000}
    return %fc
  }
}";

const MASKS: &str = "module @m {
  entry @main
  graph @main(%x: f32[N, 3, 2, 2]) {
    %a = dropout %x {p=0.25}
    %b = drop_path %x {p=0.4}
    return %a, %b
  }
}";

#[test]
fn modules_start_and_drop_as_ours() {
    let Some(python) = testing::require_python(&["scipy"]) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let init = program(INIT);
    export(folder.path(), "init", &init);
    let plan = Lowering::of(&init, Mode::Train).expect("lowers").finish();
    let first = Checkpoint { arrays: initialise(&plan, 3), ..Checkpoint::default() };
    first.save(&folder.path().join("init.safetensors")).expect("written");
    export(folder.path(), "masks", &program(MASKS));
    let text = script(python, "module.py", folder.path());
    let found: Found = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));

    assert_eq!(found.weights.len(), plan.weights.len());
    for (name, w) in &found.weights {
        let [bound, mean, deviation] = w.theirs;
        if deviation == 0.0 {
            assert_eq!(w.ours, w.theirs, "{name} starts at a constant");
            continue;
        }
        let fan_in: f64 = match name.split('.').next() {
            Some("conv") => 16.0 * 25.0,
            Some("grouped") => 9.0,
            _ => 960.0,
        };
        // Uniform between bounds: the deviation is the bound over the root of 3.
        let limit = fan_in.sqrt().recip();
        for [most, mean, deviation] in [w.ours, w.theirs] {
            assert!(most <= limit * 1.000_001 && most > 0.9 * limit, "{name}: {most} of {limit}");
            assert!(mean.abs() < 0.3 * limit, "{name}: mean {mean}");
            assert!((deviation * 3f64.sqrt() / limit - 1.0).abs() < 0.2, "{name}: deviation {deviation}");
        }
        assert!(w.p > 1e-4, "{name} is drawn otherwise: p {} ({:?}, theirs {bound} {mean} {deviation})", w.p, w.ours);
    }

    let Masks { element, path, whole, calm } = found.masks;
    assert!(whole, "drop path drops all of an example");
    assert!(calm, "evaluation drops nothing");
    // Four standard deviations of a share of 4,000 (or twelve times as many) draws.
    assert!((element[0] - 0.25).abs() < 0.01 && (element[1] - 1.0 / 0.75).abs() < 1e-6, "{element:?}");
    assert!((path[0] - 0.4).abs() < 0.032 && (path[1] - 1.0 / 0.6).abs() < 1e-6, "{path:?}");

    let unknown: Vec<&String> = found.names.iter().filter(|n| !pytorch::MODULE.contains(&n.as_str())).collect();
    assert!(unknown.is_empty(), "nn.Module has names that nodes could take: {unknown:?}");
}
