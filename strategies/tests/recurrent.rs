//! One-shot search of a recurrent cell on text.
#![cfg(feature = "torch")]

mod shared;

use codegen::init::stream;
use evaluators::data::Text;
use evaluators::train::{Dataset, Precision, Preset, Recipe};
use mutators::{Space, spaces};
use rand_chacha::rand_core::Rng;
use shared::{alone, samples};
use std::sync::{Arc, OnceLock};
use strategies::one_shot::{Found, Kind, OneShotError, Supernet, build, train};

const WORDS: u32 = 12;
const SEARCH: &str = "recurrent:network=search,vocab=12,hidden=6,steps=3";

fn space(text: &str) -> Space {
    spaces::build(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Every word is followed by one of two, so that a perplexity near 2 can be had, and 12 is a guess.
fn dataset() -> &'static Dataset {
    static TEXT: OnceLock<Dataset> = OnceLock::new();
    let open = || {
        let text = |part: &[u8], words: usize| {
            let mut rng = stream(5, &[part]);
            let next = |last: &mut u32| {
                *last = (5 * *last + 1 + rng.next_u32() % 2) % WORDS;
                Some(*last)
            };
            std::iter::repeat_with({
                let mut last = 0;
                let mut next = next;
                move || next(&mut last).expect("there is always one")
            })
            .take(words)
            .collect()
        };
        let vocabulary = (0..WORDS).map(|w| w.to_string()).collect();
        let (train, valid, test) = (text(b"train", 2000), text(b"valid", 600), text(b"test", 600));
        let text = Text { name: "chain".to_owned(), vocabulary, train, valid, test };
        Dataset::new(Arc::new(text), Recipe::default().device).expect("fits")
    };
    TEXT.get_or_init(open)
}

fn recipe() -> Recipe {
    let search = Recipe::preset(Preset::DartsRnnSearch);
    Recipe { epochs: 1, batch: 20, images: 40, precision: Precision::F64, seed: 3, ..search }
}

fn run(strategy: &str, recipe: &Recipe) -> Result<Found, OneShotError> {
    build(strategy)?.search(&space(SEARCH), dataset(), recipe, None, &mut |_| {})
}

#[test]
fn a_path_is_the_network_of_its_sample() {
    for text in [SEARCH, "recurrent:vocab=12,hidden=6,steps=3"] {
        let mut net = Supernet::new("test", &space(text), dataset(), &recipe()).expect("a supernet");
        train(&mut net, &mut |_| {}).expect("trains");
        for sample in samples(net.space(), 4) {
            let path = net.path(&sample);
            let through = net.measure(&path).expect("is measured").loss;
            let alone = alone(&mut net, dataset().data(), &sample);
            assert!((through - alone).abs() < 1e-9 * alone, "{text} {sample}: {through} {alone}");
        }
    }
}

/// 36 edges whose weights are those of nine matrices, in every step; `none` where a node takes one of several.
#[test]
fn decisions_of_the_searched_cell() {
    let net = Supernet::new("test", &space(SEARCH), dataset(), &recipe()).expect("a supernet");
    let layers: Vec<_> = net.choices().iter().filter(|c| c.kind == Kind::Layer).collect();
    assert_eq!(layers.len(), 36);
    for c in &layers {
        let zero: Vec<&str> = c.arms.iter().filter(|a| a.is_zero).map(|a| a.name.as_str()).collect();
        assert_eq!(zero, if c.label == "op_1_0" { vec![] } else { vec!["none"] }, "{}", c.label);
    }
    let inputs = net.choices().iter().filter(|c| matches!(c.kind, Kind::Inputs { min: 1, max: 1 }));
    assert_eq!(inputs.filter(|c| c.feeds.iter().all(Option::is_some)).count(), 7);
    let (hidden, words) = (6, u64::from(WORDS));
    let cell = 2 * hidden * 2 * hidden + 8 * hidden * 2 * hidden;
    let learned = (0..net.params.paths().len()).filter_map(|w| net.params.grad_of(w));
    assert_eq!(learned.map(|g| g.numel() as u64).sum::<u64>(), cell + words * hidden + words);
}

/// Every strategy that treats the cell finds one, in the paper's notation and without `none`. Its operations have no
/// channels of which some could be mixed.
#[test]
fn every_strategy_finds_a_cell() {
    let strategies = [
        "darts:order=1",
        "darts",
        "darts-pt:tune=1",
        "drnas",
        "enas:steps=3",
        "fair-darts",
        "gdas",
        "proxyless",
        "random-one-shot",
        "sdarts",
        "snas",
        "spos",
    ];
    for strategy in strategies {
        let found = run(strategy, &recipe()).unwrap_or_else(|e| panic!("{strategy}: {e}"));
        let space = space(SEARCH);
        let genotype = space.genotype(&found.sample).expect("it has a notation");
        let learns_none = ["enas:steps=3", "random-one-shot", "spos", "darts-pt:tune=1"].contains(&strategy);
        assert!(!genotype.contains("none") || learns_none, "{strategy}: {genotype}");
        assert_eq!(genotype.matches("('").count(), 8, "{genotype}");
        let last = found.history.last().expect("an epoch");
        assert!(last.valid_loss.is_finite() && last.free_share.is_none(), "{strategy}");
    }
    let refused = run("pc-darts", &recipe()).expect_err("no channels").to_string();
    assert!(refused.contains("pc-darts") && !refused.contains('\n'), "{refused}");
}

/// The text can be told to a perplexity of 2.
#[test]
fn a_search_learns_the_text() {
    let recipe = Recipe { epochs: 4, images: 0, lr: 5.0, precision: Precision::F32, ..recipe() };
    let found = run("darts:order=1,arch_lr=0.003", &recipe).expect("a cell");
    let perplexity: Vec<f64> = found.history.iter().map(|e| e.valid_loss.exp()).collect();
    assert!(perplexity[3] < 4.0, "{perplexity:?}");
}
