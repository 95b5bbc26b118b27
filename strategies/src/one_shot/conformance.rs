//! What every one-shot strategy must keep, as checks: [`one_shot_conformance!`](crate::one_shot_conformance) makes tests of
//! them.
//!
//! * A seed determines the search, another one gives another.
//! * A search that was killed and resumed equals the uninterrupted one, to the bit.
//! * What no step has run (its running statistics tell) keeps its weights, and parameters of decisions inside of it their
//!   values and moments; as many velocities change as there are numbers in the weights that move.
//! * What is found is a legal sample that makes a network.
//! * A space without decisions, and one with a decision that it cannot treat, are refused in one line that says why.
//!
//! Each check panics with what is wrong.

use super::{Epoch, Found, Keep, OneShotError, Report};
use codegen::array::{Array, Weights};
use codegen::checkpoint::Checkpoint;
use evaluators::data::digits;
use evaluators::train::{Dataset, Precision, Preset, Recipe};
use mutators::Space;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes a module of tests of a one-shot strategy: a name, and an expression that makes something with the method `search`
/// of [`OneShot`](crate::one_shot::OneShot).
///
/// ```
/// strategies::one_shot_conformance!(first_order, strategies::one_shot::build("darts:order=1").expect("it is in the hub"));
/// ```
#[macro_export]
macro_rules! one_shot_conformance {
    ($name:ident, $make:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may need what stands around")]
            use super::*;

            fn check(suite: fn($crate::one_shot::conformance::Search<'_>)) {
                suite(&|on, recipe, keep, report| ($make).search(on.0, on.1, recipe, keep, report));
            }

            #[test]
            fn a_seed_determines_the_search() {
                check($crate::one_shot::conformance::seeds_determine);
            }

            #[test]
            fn a_resumed_search_equals_the_uninterrupted_one() {
                check($crate::one_shot::conformance::resumes);
            }

            #[test]
            fn what_is_not_run_is_untouched() {
                check($crate::one_shot::conformance::leaves_the_rest);
            }

            #[test]
            fn the_found_sample_is_legal() {
                check($crate::one_shot::conformance::finds_a_sample);
            }

            #[test]
            fn bad_spaces_are_refused() {
                check($crate::one_shot::conformance::refuses);
            }
        }
    };
}

/// Searches a space with a data set.
pub type Search<'a> = &'a dyn Fn((&Space, &Dataset), &Recipe, Option<&Keep>, Report<'_>) -> Result<Found, OneShotError>;

/// Two calls of a cell whose outer choice may hide the inner one, and an input choice that layer choices feed. Each
/// candidate that learns is a convolution `v` and a batch norm `y`; the inner decision alone has four values.
const NESTED: &str = "module @nested {
  entry @main
  decision ?outer in [plain, nest]
  decision ?inner in [one, three, five, seven]
  decision ?left in [none, skip, conv]
  decision ?right in [none, skip, conv]
  decision ?in in 1 of 2
  graph @conv<c, k>(%x) {
    %r = relu %x
    %v = conv2d %r {out=c, k=k, pad=k // 2, bias=false}
    %y = batch_norm %v {affine=false}
    return %y
  }
  graph @nest<c>(%x) {
    %y = choice ?inner (%x) {one: @conv<c, 1>, three: @conv<c, 3>, five: @conv<c, 5>, seven: @conv<c, 7>}
    return %y
  }
  graph @cell<c>(%x) {
    %a = choice ?outer (%x) {plain: @conv<c, 3>, nest: @nest<c>}
    %l = choice ?left (%x) {none: zero, skip: identity, conv: @conv<c, 1>}
    %r = choice ?right (%a) {none: zero, skip: identity, conv: @conv<c, 1>}
    %i = select ?in (%l, %r)
    %y = add %a, %i
    return %y
  }
  graph @main(%x: f32[N, 1, 8, 8]) {
    %v = conv2d %x {out=8, k=3, pad=1, bias=false}
    %stem = batch_norm %v
    %one = @cell<8>(%stem)
    %two = @cell<8>(%one)
    %p = global_avg_pool %two
    %f = flatten %p
    %y = linear %f {out=10}
    return %y
  }
}";

const PLAIN: &str = "module @plain {
  entry @main
  graph @main(%x: f32[N, 1, 8, 8]) {
    %f = flatten %x
    %y = linear %f {out=10}
    return %y
  }
}";

const SIDE_BY_SIDE: &str = "module @side_by_side {
  entry @main
  decision ?in in 1 of 2
  graph @main(%x: f32[N, 1, 8, 8]) {
    %f = flatten %x
    %a = linear %f {out=10}
    %b = linear %f {out=10}
    %y = select ?in (%a, %b) {reduce=concat}
    return %y
  }
}";

fn space(text: &str) -> Space {
    let module: ir::Module = text.parse().unwrap_or_else(|e| panic!("invariant: the module is well-formed: {e}"));
    Space::new(module).unwrap_or_else(|e| panic!("invariant: the module verifies: {e}"))
}

fn dataset() -> &'static Dataset {
    static DIGITS: OnceLock<Dataset> = OnceLock::new();
    let open = || {
        let images = digits().expect("invariant: the digits are embedded");
        Dataset::new(images, Recipe::default().device).expect("invariant: the processor is there")
    };
    DIGITS.get_or_init(open)
}

/// Epochs of two steps.
fn recipe(epochs: u32) -> Recipe {
    let search = Recipe::preset(Preset::DartsSearch);
    Recipe { epochs, batch: 50, images: 100, precision: Precision::F32, seed: 3, ..search }
}

fn run(search: Search<'_>, recipe: &Recipe) -> Found {
    let found = search((&space(NESTED), dataset()), recipe, None, &mut |_| {});
    found.unwrap_or_else(|e| panic!("the search fails: {e}"))
}

/// What must be equal, to the bit.
fn numbers(found: &Found) -> Vec<[f64; 4]> {
    let of = |e: &Epoch| [e.train_loss, e.train_accuracy, e.valid_loss, e.valid_accuracy];
    found.history.iter().map(of).collect()
}

fn same(a: &Found, b: &Found, what: &str) {
    assert_eq!(a.sample, b.sample, "{what}: the samples differ");
    assert_eq!(a.alphas, b.alphas, "{what}: the architecture parameters differ");
    assert_eq!(numbers(a), numbers(b), "{what}: the epochs differ");
}

/// A seed determines the search, another one gives another.
pub fn seeds_determine(search: Search<'_>) {
    let (first, second) = (run(search, &recipe(2)), run(search, &recipe(2)));
    same(&first, &second, "the same seed");
    let other = run(search, &Recipe { seed: 4, ..recipe(2) });
    assert_ne!(numbers(&first), numbers(&other), "another seed gives the same search");
}

/// A search that is killed after half of its epochs, or before the last, equals the uninterrupted one.
pub fn resumes(search: Search<'_>) {
    let recipe = recipe(3);
    let whole = run(search, &recipe);
    let epochs = whole.history.len() as u32;
    for end in [epochs / 2, epochs - 1] {
        let file = Scratch::new();
        let mut keep = Keep::at(&file.0).expect("nobody else keeps a search there");
        // A report that panics ends the process, as far as a test can have it so.
        let killed = catch_unwind(AssertUnwindSafe(|| {
            let mut report = |e: &Epoch| assert!(e.epoch < end, "killed on purpose after epoch {end}");
            search((&space(NESTED), dataset()), &recipe, Some(&keep), &mut report).map(|_| ())
        }));
        assert!(killed.is_err(), "the search ends before epoch {end}");
        keep.resume = true;
        let mut told = Vec::new();
        let resumed = search((&space(NESTED), dataset()), &recipe, Some(&keep), &mut |e| told.push(e.epoch));
        let resumed = resumed.unwrap_or_else(|e| panic!("a search is not resumed after epoch {end}: {e}"));
        assert_eq!(told, (end + 1..=epochs).collect::<Vec<_>>(), "the epochs after {end} are run, and no others");
        same(&resumed, &whole, &format!("resumed after epoch {end}"));
    }
}

/// With a step per epoch: candidates whose statistics an epoch leaves alone were not run by it, so their weights stay, too,
/// and so does what the inner decision has learned where nothing inside of it was run.
pub fn leaves_the_rest(search: Search<'_>) {
    const STATISTIC: &str = ".y.running_mean";
    let recipe = Recipe { batch: 100, ..recipe(12) };
    let file = Scratch::new();
    let keep = Keep::at(&file.0).expect("nobody else keeps a search there");
    let mut kept: Vec<Weights> = Vec::new();
    let mut report = |_: &Epoch| kept.push(Checkpoint::load(&file.0).expect("an epoch is kept first").arrays);
    search((&space(NESTED), dataset()), &recipe, Some(&keep), &mut report).expect("the search runs");
    for (before, after) in kept.iter().zip(&kept[1..]) {
        let idle = |region: &str| {
            let name = format!("{region}{STATISTIC}");
            before[name.as_str()] == after[name.as_str()]
        };
        let regions: Vec<&str> = before.keys().filter_map(|n| n.as_str().strip_suffix(STATISTIC)).collect();
        assert!(regions.len() >= 2 * 7, "the supernet has a region per call and candidate: {regions:?}");
        for region in regions.iter().filter(|r| idle(r)) {
            let name = format!("{region}.v.weight");
            assert_eq!(before[name.as_str()], after[name.as_str()], "{name} moves without being run");
        }
        let is_learned = |name: &str| !name.contains('/') && !name.contains("running_");
        let moved = before.iter().filter(|(n, a)| is_learned(n) && after[*n] != **a);
        let moved: usize = moved.map(|(_, a)| a.shape.iter().product::<usize>()).sum();
        let velocity = |w: &Weights| w.get("optimizer/velocity").expect("momentum is kept").to_f64();
        // An optimizer that begins anew is at rest.
        let changed = velocity(before).into_iter().zip(velocity(after)).filter(|(a, b)| a != b && *b != 0.0).count();
        assert!(changed <= moved, "{changed} velocities change where weights of {moved} numbers move");
        if regions.iter().filter(|r| r.contains(".nest.")).all(|r| idle(r)) {
            let of_inner = |w: &Weights| -> Vec<(String, Array)> {
                let found = w.iter().find_map(|(n, a)| n.as_str().strip_suffix("values").filter(|_| a.shape == [4]));
                let alpha = found.filter(|n| n.starts_with("alpha/")).unwrap_or("alpha/none/").to_owned();
                w.iter().filter(|(n, _)| n.starts_with(&alpha)).map(|(n, a)| (n.to_string(), a.clone())).collect()
            };
            assert_eq!(of_inner(before), of_inner(after), "?inner learns where it plays no part");
        }
    }
}

/// What is found is a legal sample, and makes a network.
pub fn finds_a_sample(search: Search<'_>) {
    let space = space(NESTED);
    for seed in 0..2 {
        let found = run(search, &Recipe { seed, ..recipe(2) });
        let bound = space.bind(&found.sample).unwrap_or_else(|e| panic!("`{}` is not legal: {e}", found.sample));
        assert_eq!(bound, found.sample);
        space.program(&bound).unwrap_or_else(|e| panic!("`{bound}` makes no network: {e}"));
        for epoch in &found.history {
            space.bind(&epoch.sample).unwrap_or_else(|e| panic!("`{}` is not legal: {e}", epoch.sample));
        }
    }
}

/// A space without decisions, and one whose decision no supernet holds open, are refused in one line.
pub fn refuses(search: Search<'_>) {
    for (text, why) in [(PLAIN, "no decisions"), (SIDE_BY_SIDE, "?in")] {
        let found = search((&space(text), dataset()), &recipe(1), None, &mut |_| {});
        let message = found.expect_err("a bad space is refused").to_string();
        assert!(message.contains(why) && !message.contains('\n'), "the message is not one line about {why}: {message}");
    }
}

/// A file name that nobody else uses; the file goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("lanista-one-shot-{}-{next}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
