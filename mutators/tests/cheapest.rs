//! The cheapest legal sample beside all legal samples, and samples where draws find none.

use ir::{Name, Pick};
use mutators::{Cheapest, MAX_TRIES, MutateError, Price, Rule, Sample, Space, draw};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;

fn space(decisions: &str) -> Space {
    // What plays a part only if its candidate is taken, and a decision of each sort.
    let text = format!(
        "module @m {{ entry @main {decisions}
         graph @deep(%x) {{ %y = choice ?inner (%x) {{one: relu, two: tanh, three: identity}} return %y }}
         graph @main(%x: f32[N, 4, 8, 8]) {{
           %a = choice ?op[0] (%x) {{plain: relu, deep: @deep, skip: identity}}
           %b = choice ?op[1] (%a) {{plain: relu, deep: @deep, skip: identity}}
           %c = conv2d %b {{out=?width, k=?kernel, pad=?kernel // 2}}
           %d = conv2d %b {{out=?width, k=1}}
           %y = select ?in (%c, %d, %c) return %y }} }}"
    );
    Space::new(text.parse().unwrap_or_else(|e| panic!("{e}"))).unwrap_or_else(|e| panic!("{e}"))
}

const FREE: &str = "decision ?op[0..2] in [plain, deep, skip] decision ?inner in [one, two, three]
    decision ?width in [4, 8, 12] decision ?kernel in [1, 3, 5] decision ?in in 1..=2 of 3";

const CONSTRAINTS: [&str; 6] = [
    "",
    "constraint ?op[0] == ?op[1]",
    "constraint ?width + 2 * ?kernel <= 14 and ?op[1] != skip",
    "constraint ?op[0] != skip or contains(?in, 1) constraint not (?kernel == 1 and ?width == 12)",
    "constraint len(?in) == 2 constraint ?width % (?kernel + 1) == 0",
    "constraint ?op[len(?in) - 1] == deep constraint ?width // (?kernel - 2) < 3",
];

/// What no expression says: a sample's text has an even number of letters.
#[derive(Debug)]
struct Lengths;

impl Rule for Lengths {
    fn describe(&self) -> &str {
        "an even number of letters"
    }

    fn admits(&self, sample: &Sample) -> bool {
        sample.to_string().len().is_multiple_of(2)
    }
}

/// No sample fulfils it.
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

/// Prices at random, 0 for the cheapest; with `tied` that of inputs depends on the kernel.
struct Random {
    space: Space,
    prices: Vec<Vec<f64>>,
    tied: bool,
}

impl Random {
    fn new(space: &Space, tied: bool, rng: &mut ChaCha8Rng) -> Self {
        let of = |n: u64, rng: &mut ChaCha8Rng| -> Vec<f64> {
            let all: Vec<f64> = (0..n).map(|_| draw::unit(rng)).collect();
            let least = all.iter().copied().fold(f64::INFINITY, f64::min);
            all.iter().map(|p| p - least).collect()
        };
        let slots = space.schema().expect("static").slots();
        Self { prices: slots.iter().map(|s| of(s.size.expect("finite"), rng)).collect(), space: space.clone(), tied }
    }

    fn slot(&self, label: &str) -> usize {
        self.space.schema().expect("static").find(label).expect("there")
    }

    fn total(&self, sample: &Sample) -> f64 {
        let active = sample.picks().iter().enumerate().filter(|(_, p)| p.is_active());
        active.map(|(s, p)| self.of(s, *p, sample.picks())).sum()
    }
}

impl Price for Random {
    fn candidates(&self, slot: usize) -> Vec<Pick> {
        (0..self.prices[slot].len() as u64).map(Pick::index).collect()
    }

    fn of(&self, slot: usize, pick: Pick, picks: &[Pick]) -> f64 {
        let own = self.prices[slot][pick.rank() as usize];
        if self.follows(slot).is_empty() {
            return own;
        }
        // The cheapest kernel leaves the cheapest inputs free of charge.
        let kernel = picks[self.slot("kernel")];
        let dear = if kernel.is_active() { self.prices[self.slot("kernel")][kernel.rank() as usize] } else { 0.0 };
        own + dear * (1.0 + pick.rank() as f64)
    }

    fn follows(&self, slot: usize) -> Vec<usize> {
        if self.tied && slot == self.slot("in") { vec![self.slot("kernel")] } else { Vec::new() }
    }
}

/// On every constraint, with and without a rule: none of all legal samples is cheaper.
#[test]
fn none_of_all_legal_samples_is_cheaper() {
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for constraint in CONSTRAINTS {
            for ruled in [false, true] {
                let plain = space(&format!("{FREE} {constraint}"));
                let space = if ruled { plain.ruled(Arc::new(Lengths)) } else { plain };
                let all: Vec<Sample> = space.enumerate(2).expect("static").filter_map(Result::ok).collect();
                let price = Random::new(&space, seed % 2 == 0, &mut rng);
                let least = all.iter().map(|s| price.total(s)).fold(f64::INFINITY, f64::min);
                let what = format!("seed {seed}, `{constraint}`, ruled {ruled}");
                match space.cheapest(&price).expect("static") {
                    Cheapest::Found(found) => {
                        space.check(&found).unwrap_or_else(|e| panic!("{what}: {e}"));
                        let cost = price.total(&found);
                        assert!((cost - least).abs() < 1e-12, "{what}: {found} costs {cost}, not {least}");
                    }
                    Cheapest::Nothing => assert!(all.is_empty(), "{what}: there are {}", all.len()),
                    Cheapest::GivenUp => panic!("{what}: there are few"),
                }
                if let Some(from) = all.last() {
                    let found = space.cheaper(from, &price).expect("static");
                    space.check(&found).unwrap_or_else(|e| panic!("{what}: {e}"));
                    assert!(price.total(&found) <= price.total(from), "{what}");
                }
            }
        }
    }
}

/// Parts that no constraint ties together are searched apart: eight ties of four decisions, each of which is broken by what
/// is cheapest.
#[test]
fn parts_are_searched_apart() {
    let names: Vec<String> = (0..32).map(|i| format!("d{i}")).collect();
    let decisions: String = names.iter().map(|n| format!("decision ?{n} in [0, 1, 2, 3] ")).collect();
    let ties = names.chunks(4).map(|c| format!("constraint ?{} + ?{} + ?{} + ?{} == 7 ", c[0], c[1], c[2], c[3]));
    let sum = names.iter().map(|n| format!("?{n}")).collect::<Vec<_>>().join(" + ");
    let text = format!(
        "module @m {{ entry @main {decisions} {}
         graph @main(%x: f32[N, 4, 8, 8]) {{ %y = conv2d %x {{out={sum} + 1, k=1}} return %y }} }}",
        ties.collect::<String>()
    );
    let space = Space::new(text.parse().expect("parses")).unwrap_or_else(|e| panic!("{e}"));
    let price = Random { prices: vec![vec![0.0, 1.0, 2.0, 3.0]; 32], tied: false, space: space.clone() };
    let Cheapest::Found(found) = space.cheapest(&price).expect("static") else { panic!("it is given up") };
    assert_eq!(price.total(&found), 8.0 * 7.0, "{found}");
}

/// One sample of a million is legal: no draw of ten thousand finds it, and the search does.
#[test]
fn a_sample_is_found_where_draws_find_none() {
    let names: Vec<Name> = (0..10).map(|i| Name::new(format!("d{i}"))).collect();
    let decisions: String = names.iter().map(|n| format!("decision ?{n} in [0, 1, 2, 3] ")).collect();
    let ties: String = names.windows(2).map(|w| format!("constraint ?{} + ?{} == 3 ", w[0], w[1])).collect();
    let space = {
        let sum = names.iter().map(|n| format!("?{n}")).collect::<Vec<_>>().join(" + ");
        let text = format!(
            "module @m {{ entry @main {decisions} {ties} constraint ?d0 == 2
             graph @main(%x: f32[N, 4, 8, 8]) {{ %y = conv2d %x {{out={sum} + 1, k=1}} return %y }} }}"
        );
        Space::new(text.parse().expect("parses")).unwrap_or_else(|e| panic!("{e}"))
    };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let found = space.sample(&mut rng).unwrap_or_else(|e| panic!("{MAX_TRIES} draws: {e}"));
    assert_eq!(found.to_string(), "d0=2,d1=1,d2=2,d3=1,d4=2,d5=1,d6=2,d7=1,d8=2,d9=1");
    let none = space.ruled(Arc::new(Never)).sample(&mut rng).expect_err("nothing is legal");
    assert_eq!(none, MutateError::NoLegalSample { space: "m".to_owned(), tries: MAX_TRIES });
}

#[test]
fn where_nothing_is_legal_that_is_said() {
    let space = space(FREE).ruled(Arc::new(Never));
    let price = Random::new(&space, true, &mut ChaCha8Rng::seed_from_u64(1));
    assert_eq!(space.cheapest(&price).expect("static"), Cheapest::Nothing);
}
