//! Every one-shot strategy keeps what a one-shot strategy must keep, and so do modifiers of its mixed operation.
#![cfg(feature = "torch")]

use codegen::array::Data;
use codegen::checkpoint::Checkpoint;
use evaluators::train::{Dataset, Recipe};
use mutators::Space;
use strategies::one_shot::{Epoch, Found, Keep, OneShotError, Report, build, conformance};
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

type Searched = Result<Found, OneShotError>;

fn gdas(on: (&Space, &Dataset), recipe: &Recipe, keep: Option<&Keep>, report: Report<'_>) -> Searched {
    build("gdas").expect("it is in the hub").search(on.0, on.1, recipe, keep, report)
}

/// What breaks a promise does not pass.
#[test]
#[should_panic(expected = "another seed gives the same search")]
fn a_search_that_ignores_the_seed() {
    conformance::seeds_determine(&|on, recipe, keep, report| {
        gdas(on, &Recipe { seed: 1, ..recipe.clone() }, keep, report)
    });
}

#[test]
#[should_panic(expected = "are run, and no others")]
fn a_search_that_begins_again() {
    conformance::resumes(&|on, recipe, keep, report| {
        let mut keep = keep.cloned();
        if let Some(keep) = &mut keep {
            keep.resume = false;
        }
        gdas(on, recipe, keep.as_ref(), report)
    });
}

/// Every weight that ends so is moved a little in what is kept, or every number of an array.
fn meddling(suffix: &str) -> impl Fn((&Space, &Dataset), &Recipe, Option<&Keep>, Report<'_>) -> Searched {
    move |on, recipe, keep, report| {
        let mut meddled = |epoch: &Epoch| {
            if let Some(keep) = keep {
                let mut kept = Checkpoint::load(&keep.path).expect("an epoch is kept first");
                for (_, array) in kept.arrays.iter_mut().filter(|(name, _)| name.ends_with(suffix)) {
                    let moved = |x: f64| x + f64::from(epoch.epoch);
                    array.data = Data::F64(array.to_f64().into_iter().map(moved).collect());
                }
                kept.save(&keep.path).expect("is written");
            }
            report(epoch);
        };
        gdas(on, recipe, keep, &mut meddled)
    }
}

#[test]
#[should_panic(expected = "moves without being run")]
fn a_search_that_moves_all_weights() {
    conformance::leaves_the_rest(&meddling(".v.weight"));
}

#[test]
#[should_panic(expected = "velocities change where weights of")]
fn a_search_that_moves_all_velocities() {
    conformance::leaves_the_rest(&meddling("optimizer/velocity"));
}

#[test]
#[should_panic(expected = "?inner learns where it plays no part")]
fn a_search_that_moves_all_parameters() {
    conformance::leaves_the_rest(&meddling("/values"));
}
