//! Constraints in one-shot search: what is found is legal, and what cannot be is refused before the first step.
#![cfg(feature = "torch")]

use evaluators::data::digits;
use evaluators::train::{Dataset, Precision, Preset, Recipe};
use mutators::{Rule, Sample, Space};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use strategies::one_shot::{Epoch, Found, Keep, OneShotError, build};

fn dataset() -> Dataset {
    Dataset::new(digits().expect("embedded"), Recipe::default().device).expect("fits")
}

/// Epochs of two steps.
fn recipe(epochs: u32) -> Recipe {
    let search = Recipe::preset(Preset::DartsSearch);
    Recipe { epochs, batch: 50, images: 100, precision: Precision::F32, seed: 3, ..search }
}

fn space(text: &str) -> Space {
    Space::new(text.parse().unwrap_or_else(|e| panic!("{e}"))).unwrap_or_else(|e| panic!("{e}"))
}

/// Eight decisions of four candidates each in a row, with constraints.
fn chain(constraints: &str) -> Space {
    let decisions: String = (0..8).map(|i| format!("decision ?d{i} in [none, skip, conv, pool] ")).collect();
    let step = |i: usize| {
        format!("%x{} = choice ?d{i} (%x{i}) {{none: zero, skip: identity, conv: @conv<c>, pool: @pool<c>}}\n", i + 1)
    };
    let steps: String = (0..8).map(step).collect();
    space(&format!(
        "module @chain {{ entry @main {decisions} {constraints}
         graph @conv<c>(%x) {{ %v = conv2d %x {{out=c, k=1, bias=false}} %y = batch_norm %v return %y }}
         graph @pool<c>(%x) {{ %y = avg_pool %x {{k=3, stride=1, pad=1}} return %y }}
         graph @cell<c>(%x0) {{
           {steps}
           return %x8 }}
         graph @main(%x: f32[N, 1, 8, 8]) {{
           %s = conv2d %x {{out=4, k=3, pad=1}}
           %c = @cell<4>(%s)
           %p = global_avg_pool %c
           %f = flatten %p
           %y = linear %f {{out=10}}
           return %y }} }}"
    ))
}

const STRATEGIES: [&str; 13] = [
    "darts:order=1",
    "darts",
    "darts-pt:tune=1",
    "drnas",
    "enas:steps=2,samples=3",
    "fair-darts",
    "gdas",
    "pc-darts:partial=2,warmup=0",
    "proxyless",
    "random-one-shot:trials=3",
    "sdarts",
    "snas",
    "spos:trials=3",
];

fn run(
    space: &Space,
    strategy: &str,
    recipe: &Recipe,
    keep: Option<&Keep>,
    report: &mut dyn FnMut(&Epoch),
) -> Result<Found, OneShotError> {
    build(strategy)?.search(space, &dataset(), recipe, keep, report)
}

/// All alike but the first and the last: 3 architectures of 65,536 are legal, so that mostly neither the strongest
/// candidates are nor any of ten thousand draws.
fn tight() -> Space {
    let alike: String = (1..6).map(|i| format!("constraint ?d{i} == ?d{} ", i + 1)).collect();
    chain(&format!("{alike} constraint ?d0 != ?d1 constraint ?d7 == skip and ?d0 == pool"))
}

#[test]
fn what_is_found_is_legal() {
    let space = tight();
    for strategy in STRATEGIES {
        let found = run(&space, strategy, &recipe(2), None, &mut |_| {}).unwrap_or_else(|e| panic!("{strategy}: {e}"));
        space.check(&found.sample).unwrap_or_else(|e| panic!("{strategy}: {}: {e}", found.sample));
        for epoch in &found.history {
            space.check(&epoch.sample).unwrap_or_else(|e| panic!("{strategy}: {}: {e}", epoch.sample));
        }
    }
}

/// Without its constraint the same search finds what is not legal: the test above would see it.
#[test]
fn constraints_are_what_holds_it() {
    let (free, tight) = (chain(""), tight());
    for strategy in ["darts:order=1", "gdas", "enas:steps=2,samples=3", "spos:trials=3"] {
        let found = run(&free, strategy, &recipe(1), None, &mut |_| {}).expect("searches").sample;
        assert!(tight.bind(&found).is_err(), "{strategy}: {found}");
    }
}

#[test]
fn a_search_under_a_constraint_goes_on() {
    let (space, folder) = (tight(), tempfile::tempdir().expect("a folder"));
    for (i, strategy) in ["darts-pt:tune=1", "gdas", "enas:steps=2,samples=3", "spos:trials=3"].iter().enumerate() {
        let whole = run(&space, strategy, &recipe(2), None, &mut |_| {}).expect("searches");
        let mut keep = Keep::at(folder.path().join(i.to_string())).expect("nobody else keeps a search there");
        let killed = catch_unwind(AssertUnwindSafe(|| {
            run(&space, strategy, &recipe(2), Some(&keep), &mut |e| assert!(e.epoch < 1, "killed on purpose"))
        }));
        assert!(killed.is_err(), "{strategy} ends");
        keep.resume = true;
        let found = run(&space, strategy, &recipe(2), Some(&keep), &mut |_| {}).expect("goes on");
        assert_eq!((&found.sample, &found.alphas), (&whole.sample, &whole.alphas), "{strategy}");
    }
}

/// A rule that nothing fulfils: no verifier sees into it.
#[derive(Debug)]
struct Never;

impl Rule for Never {
    fn describe(&self) -> &str {
        "never"
    }

    fn admits(&self, _: &Sample) -> bool {
        false
    }
}

/// What nothing fulfils costs no epoch.
#[test]
fn what_nothing_fulfils_is_refused_before_the_first_step() {
    let space = chain("").ruled(Arc::new(Never));
    for strategy in STRATEGIES {
        let mut epochs = 0;
        let error = run(&space, strategy, &recipe(1), None, &mut |_| epochs += 1).expect_err("nothing is legal");
        let message = "no sample of space `chain` fulfils its constraints after 10000 tries; loosen a constraint";
        assert_eq!((error.to_string().as_str(), epochs), (message, 0), "{strategy}");
    }
}

/// Where a constraint keeps networks apart that there are from those that there are not, no path runs one of these.
#[test]
fn paths_of_numbers_keep_to_constraints() {
    let text = "module @grouped { entry @main
      decision ?width in [4, 6, 8] decision ?groups in [1, 2, 4] constraint ?width % ?groups == 0
      graph @main(%x: f32[N, 1, 8, 8]) {
        %a = conv2d %x {out=8, k=3, pad=1}
        %b = conv2d %a {out=?width, k=3, pad=1, groups=?groups}
        %p = global_avg_pool %b
        %f = flatten %p
        %y = linear %f {out=10}
        return %y } }";
    let space = space(text);
    for strategy in ["gdas:arch_lr=0.1", "enas:steps=2,samples=3", "spos:trials=3"] {
        let found = run(&space, strategy, &recipe(20), None, &mut |_| {}).unwrap_or_else(|e| panic!("{strategy}: {e}"));
        space.check(&found.sample).unwrap_or_else(|e| panic!("{strategy}: {e}"));
    }
}
