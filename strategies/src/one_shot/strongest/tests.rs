//! The strongest legal architecture beside all legal samples.

use super::super::choice::Arm;
use super::super::mixture::softmax;
use super::*;
use codegen::init::{normal, stream};
use ir::{Name, Value};

/// Three edges into a node that keeps some of them, a decision on its own, and a number.
fn space(inputs: &str, constraints: &str) -> Space {
    let candidates = "{none: zero, skip: identity, conv: conv2d {out=4, k=1}}";
    let text = format!(
        "module @m {{ entry @main
         decision ?e0 in [none, skip, conv] decision ?e1 in [none, skip, conv] decision ?e2 in [none, skip, conv]
         decision ?in in {inputs} decision ?alone in [none, skip, conv] decision ?width in [1, 2, 4] {constraints}
         graph @main(%x: f32[N, 4, 8, 8]) {{
           %a = choice ?e0 (%x) {candidates} %b = choice ?e1 (%x) {candidates} %c = choice ?e2 (%x) {candidates}
           %n = select ?in (%a, %b, %c)
           %z = choice ?alone (%n) {candidates}
           %y = conv2d %z {{out=?width, k=1}}
           return %y }} }}"
    );
    Space::new(text.parse().unwrap_or_else(|e| panic!("{e}"))).unwrap_or_else(|e| panic!("{e}"))
}

fn choices(min: usize, max: usize) -> Vec<Choice> {
    let of = |label: &str, kind, arms: &[&str], feeds| {
        let arm = |n: &&str| Arm { name: Name::new(n), is_zero: *n == "none", is_free: false };
        Choice { label: Name::new(label), kind, arms: arms.iter().map(arm).collect(), feeds }
    };
    let ops = ["none", "skip", "conv"];
    let mut all: Vec<Choice> = ["e0", "e1", "e2"].iter().map(|l| of(l, Kind::Layer, &ops, vec![])).collect();
    all.push(of("in", Kind::Inputs { min, max }, &["0", "1", "2"], vec![Some(0), Some(1), Some(2)]));
    all.push(of("alone", Kind::Layer, &ops, vec![]));
    all.push(of("width", Kind::Number, &["1", "2", "4"], vec![]));
    all
}

fn alphas(choices: &[Choice], edges: bool, seed: u64) -> Alphas {
    Alphas::new(choices, 1.5, edges, seed)
}

/// How strong a sample is, written down once more: how many of the edges that play a part are zero, and the logarithm
/// of the product.
fn score(sample: &Sample, choices: &[Choice], alphas: &Alphas, mixture: Mixture) -> (usize, f64) {
    let strength: Vec<Vec<f64>> = (0..choices.len()).map(|i| mixture.strength(alphas.of(i))).collect();
    let taken = |label: &str| sample.get(label).map(|v| v.to_string());
    let best = |edge: usize| strength[edge][1].max(strength[edge][2]);
    let own = if alphas.of(3).is_empty() { vec![1.0; 3] } else { softmax(alphas.of(3)) };
    let of_arm = |i: usize, name: &str| {
        strength[i][choices[i].arms.iter().position(|a| a.name == name).expect("it is one of them")]
    };
    let (mut zeros, mut total) = (0, 0.0);
    let edges: Vec<f64> = (0..3)
        .map(|e| match taken(&format!("e{e}")).as_deref() {
            None => best(e),
            Some("none") => {
                zeros += 1;
                1e-300
            }
            Some(name) => of_arm(e, name),
        })
        .collect();
    // What an edge that is zero would be if it could be anything is no matter: its number counts first.
    total += edges
        .iter()
        .enumerate()
        .map(|(e, s)| if *s < 1e-290 { strength[e][0].ln().min(best(e).ln()) } else { s.ln() })
        .sum::<f64>();
    let mean = (0..3).map(|e| best(e) * own[e]).sum::<f64>() / 3.0;
    let Some(Value::List(kept)) = sample.get("in") else { panic!("{sample}") };
    let kept = kept.iter().map(|v| v.as_int().expect("a number") as usize);
    total += kept.map(|e| ((edges[e] * own[e]).max(1e-300) / mean).ln()).sum::<f64>();
    total += [4, 5].map(|i| of_arm(i, &taken(&choices[i].label).expect("plays a part")).ln()).iter().sum::<f64>();
    (zeros, total)
}

const CONSTRAINTS: [&str; 9] = [
    "",
    "constraint ?alone == conv and ?width < 4",
    "constraint ?e0 == ?e1",
    "constraint ?e0 != ?e1 constraint ?e1 != ?e2 constraint ?e0 != ?e2",
    "constraint contains(?in, 0) or ?e2 == skip",
    "constraint not contains(?in, 1) and not (?e0 == conv and ?e2 == conv)",
    "constraint ?e0 == none and ?alone != none",
    "constraint ?e1 == skip or ?width == 1 constraint ?width != 1 or contains(?in, 2)",
    "constraint len(?in) * ?width == 4",
];

/// On every constraint: legal, and none of all legal samples is stronger.
#[test]
fn no_legal_architecture_is_stronger() {
    let mut refused = 0;
    for (seed, constraint) in (0..24).flat_map(|seed| CONSTRAINTS.map(|c| (seed, c))) {
        for (inputs, min, max) in [("2 of 3", 2, 2), ("1..=3 of 3", 1, 3)] {
            let (space, choices) = (space(inputs, constraint), choices(min, max));
            let mixture = [Mixture::Softmax, Mixture::Sigmoid, Mixture::Dirichlet][seed as usize % 3];
            let alphas = alphas(&choices, seed % 2 == 0, seed);
            let decided = vec![None; choices.len()];
            let preference = Preference::new(&choices, &alphas, mixture, &decided);
            let all: Vec<Sample> = space.enumerate(2).expect("static").map(|s| s.expect("legal")).collect();
            let (arms, found) = preference.legal(&space, all.first()).unwrap_or_else(|e| panic!("{constraint}: {e}"));
            let what = format!("seed {seed}, {inputs}, `{constraint}`: {found}");
            space.check(&found).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(choice::sample(&space, &choices, &arms).expect("legal"), found, "{what}");
            let (zeros, strength) = score(&found, &choices, &alphas, mixture);
            for other in &all {
                let (z, s) = score(other, &choices, &alphas, mixture);
                assert!(
                    z > zeros || (z == zeros && s <= strength + 1e-9),
                    "{what}: {other} is stronger: {s} {strength}"
                );
            }
            refused += u32::from(choice::sample(&space, &choices, &preference.architecture()).is_err());
        }
    }
    assert!(refused > 100, "constraints refuse what is strongest elsewhere: {refused}");
}

/// What was decided stays where that is legal, and a decision may only take what leaves something legal.
#[test]
fn decisions_leave_something_legal() {
    let (space, choices) =
        (space("2 of 3", "constraint ?e0 == ?e1 constraint ?e1 != conv or ?alone == skip"), choices(2, 2));
    let alphas = alphas(&choices, false, 1);
    let known = space.enumerate(2).expect("static").next().expect("one").expect("legal");
    let mut decided = vec![None; choices.len()];
    decided[0] = Some(vec![2]);
    let preference = Preference::new(&choices, &alphas, Mixture::Softmax, &decided);
    let can = |decision, arms: &[usize], exactly| preference.can_have(&space, decision, arms, exactly).expect("told");
    assert_eq!([0, 1, 2].map(|a| can(1, &[a], true)), [false, false, true]);
    assert_eq!([0, 1, 2].map(|a| can(4, &[a], true)), [false, true, false]);
    assert_eq!([0, 1, 2].map(|a| can(2, &[a], true)), [true; 3]);
    assert!(can(3, &[0, 2], true) && can(3, &[0, 2], false) && !can(3, &[0], false));
    let (arms, _) = preference.legal(&space, Some(&known)).expect("there is one");
    assert_eq!((&arms[0][..], &arms[1][..], &arms[4][..]), (&[2][..], &[2][..], &[1][..]));
    // What can no more be held to is given up.
    decided[1] = Some(vec![1]);
    let preference = Preference::new(&choices, &alphas, Mixture::Softmax, &decided);
    let (_, found) = preference.legal(&space, Some(&known)).expect("there is one");
    space.check(&found).expect("legal");
}

/// A part that is too wide for the search: what is taken is legal, and stronger than what it began with.
#[test]
fn a_wide_constraint_gives_a_legal_architecture() {
    let n = 40;
    let labels: Vec<String> = (0..n).map(|i| format!("d{i}")).collect();
    let decisions: String = labels.iter().map(|l| format!("decision ?{l} in [0, 1] ")).collect();
    let sum = labels.iter().map(|l| format!("?{l}")).collect::<Vec<_>>().join(" + ");
    let text = format!(
        "module @m {{ entry @main {decisions} constraint {sum} == 20
         graph @main(%x: f32[N, 4, 8, 8]) {{ %y = conv2d %x {{out={sum} + 1, k=1}} return %y }} }}"
    );
    let space = Space::new(text.parse().expect("parses")).expect("verifies");
    let choices = super::super::numbers::numbers("test", &space).expect("numbers");
    let mut rng = stream(7, &[b"wide"]);
    let known = space.sample(&mut rng).expect("one in ten");
    // No value is much stronger than the other, so that thousands of millions of architectures are before the first legal one.
    let alphas = Alphas::new(&choices, 0.01, false, u64::from(normal(&mut rng).0 > 9.0));
    let decided = vec![None; choices.len()];
    let preference = Preference::new(&choices, &alphas, Mixture::Softmax, &decided);
    let (_, found) = preference.legal(&space, Some(&known)).expect("there is one");
    space.check(&found).expect("legal");
    // The strongest has ones where they gain most.
    let gain = |i: usize| alphas.of(i)[1] - alphas.of(i)[0];
    let total = |s: &Sample| -> f64 {
        let ones = (0..n).filter(|i| s.get(&labels[*i]) == Some(Value::Int(1)));
        ones.map(gain).sum()
    };
    let mut gains: Vec<f64> = (0..n).map(gain).collect();
    gains.sort_by(|a, b| b.total_cmp(a));
    let most: f64 = gains[..20].iter().sum();
    assert!((total(&found) - most).abs() < 1e-9 && total(&known) < most - 1e-3, "{} {most}", total(&found));
}
