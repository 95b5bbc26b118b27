//! Every one-shot strategy keeps what a one-shot strategy must keep, and so do modifiers of its mixed operation.
#![cfg(feature = "torch")]

use strategies::one_shot::build;
use strategies::one_shot_conformance;

macro_rules! all {
    ($($name:ident = $text:literal,)*) => {
        $(one_shot_conformance!($name, build($text).expect("it is in the hub"));)*
    };
}

all! {
    darts = "darts",
    darts_first_order = "darts:order=1,warmup=1,hessian=2",
    darts_modified = "darts:order=1,partial=2,edges=true,path_drop=0.4",
    darts_pt = "darts-pt:tune=1",
    drnas = "drnas:divergence=0.001",
    enas = "enas:steps=3,samples=3",
    fair_darts = "fair-darts",
    gdas = "gdas",
    pc_darts = "pc-darts:warmup=1",
    proxyless = "proxyless:arch_lr=0.1",
    random_one_shot = "random-one-shot:trials=5",
    sdarts = "sdarts",
    sdarts_adversarial = "sdarts:perturb=adversarial",
    snas = "snas",
    spos = "spos:trials=12",
    spos_limited = "spos:trials=12,max_params=1200",
}

#[test]
fn no_strategy_is_left_out() {
    let source = include_str!("one_shot_conformance.rs");
    for entry in strategies::ONE_SHOT {
        let names = [format!("\"{}\"", entry.name), format!("\"{}:", entry.name)];
        assert!(names.iter().any(|n| source.contains(n)), "add `{}` to the list above", entry.name);
    }
}
