//! Models of text.

use crate::common::program;
use evaluators::data::{Data, Loader, Loading, Normalise, Resident, Text};
use evaluators::train::{Dataset, Measured, Recipe, TrainError, Trainer};
use evaluators::{Candidate, Query};
use mutators::spaces;
use std::fs;
use std::sync::Arc;
use tch::{Kind, Tensor};

const WORDS: usize = 7;

/// The table of its words is all that it knows: the next word is told from the last.
const BIGRAMS: &str = "module @m {
  entry @main
  graph @main(%words: i64[N, 5]) {
    %table = parameter {shape=[7, 7], fan_in=7}
    %logits = embedding %table, %words
    return %logits
  }
}";

/// Round and round, so that the next word is certain.
fn dataset() -> Dataset {
    let part = |words: usize| (0..words as u32).map(|w| w * 3 % WORDS as u32).collect();
    let vocabulary = (0..WORDS).map(|w| w.to_string()).collect();
    let text = Text { name: "round".to_owned(), vocabulary, train: part(203), valid: part(42), test: part(60) };
    Dataset::new(Arc::new(text), Recipe::default().device).expect("fits")
}

fn recipe() -> Recipe {
    Recipe { epochs: 6, batch: 8, lr: 5.0, weight_decay: 0.0, ..Recipe::default() }
}

fn trainer(text: &str, recipe: &Recipe) -> Result<Trainer, TrainError> {
    Trainer::new(&program(text), &dataset(), recipe)
}

#[test]
fn windows_have_the_words_that_follow() {
    let text = Tensor::from_slice(&[0_i64, 1, 2, 3, 4, 5, 6, 7]);
    let windows = Resident::windows(&text, 3).expect("long enough");
    let loading = Loading {
        batch: 2,
        shuffle: false,
        drop_last: false,
        seed: 0,
        augment: Default::default(),
        normalise: Normalise::none(0),
        kind: Kind::Float,
    };
    let mut loader = Loader::new(&windows, &[0, 1], loading.clone()).expect("fits");
    let batch = loader.batch(0, 0).expect("a batch");
    assert_eq!(batch.inputs, Tensor::from_slice(&[0_i64, 1, 2, 3, 4, 5]).view([2, 3]));
    assert_eq!(batch.labels, Tensor::from_slice(&[1_i64, 2, 3, 4, 5, 6]).view([2, 3]));
    let refused = Resident::windows(&text, 8).expect_err("no word follows").to_string();
    assert!(refused.contains("8 words has no window of 8"), "{refused}");
    let mut flipped = loading;
    flipped.augment.flip = true;
    let refused = Loader::new(&windows, &[0], flipped).expect_err("no image").to_string();
    assert!(refused.contains("are for images"), "{refused}");
}

#[test]
fn a_certain_text_is_learned() {
    let mut trainer = trainer(BIGRAMS, &recipe()).expect("a trainer");
    assert!(trainer.network().is_text());
    assert_eq!((trainer.images(), trainer.batches()), (40, 5), "windows of five words, the last word is a label only");
    while !trainer.is_done() {
        trainer.epoch().expect("trains");
    }
    let test = trainer.evaluate(Measured::Test).expect("runs").expect("there is a test text");
    assert_eq!((test.accuracy, test.images), (100.0, 55), "words are counted");
    assert!(test.perplexity() < 1.1, "{}", test.perplexity());
    assert_eq!(test.perplexity(), test.loss.exp());
}

/// The loss is the mean over all words of all windows.
#[test]
fn a_guess_has_the_perplexity_of_the_vocabulary() {
    let zero = "module @m {
  entry @main
  graph @main(%words: i64[N, 5]) {
    %table = parameter {shape=[7, 7], fan_in=7}
    %rows = embedding %table, %words
    %logits = zero %rows
    return %logits
  }
}";
    let mut trainer = trainer(zero, &recipe()).expect("a trainer");
    let valid = trainer.evaluate(Measured::Valid).expect("runs").expect("held out");
    assert!((valid.perplexity() - WORDS as f64).abs() < 1e-5, "{}", valid.perplexity());
    assert_eq!(valid.images, 40);
}

#[test]
fn networks_for_other_text_are_refused() {
    let refusal = |text: &str, recipe: &Recipe| {
        let error = trainer(text, recipe).expect_err("it is refused").to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    };
    let more = refusal(&BIGRAMS.replace("[7, 7]", "[9, 9]"), &recipe());
    assert!(
        more.contains("f32[N, 5, 9]") && more.contains("`round` has 7 words") && more.contains("vocab=7"),
        "{more}"
    );
    let image = refusal(crate::common::NETWORK, &recipe());
    assert!(image.contains("takes f32[N, 1, 8, 8]") && image.contains("words i64[N, steps]"), "{image}");
    let long = refusal(&BIGRAMS.replace("i64[N, 5]", "i64[N, 50]"), &recipe());
    assert!(long.contains("42 words has no window of 50"), "{long}");
    let crop = refusal(BIGRAMS, &Recipe { crop: 2, ..recipe() });
    assert!(crop.contains("are for images"), "{crop}");
    let digits = evaluators::data::digits().expect("embedded");
    let data = Dataset::new(digits, recipe().device).expect("fits");
    let words = Trainer::new(&program(BIGRAMS), &data, &recipe()).expect_err("no images").to_string();
    assert!(words.contains("takes i64[N, 5]") && words.contains("images [N, C, H, W]"), "{words}");
    assert!(matches!(data.data(), Data::Images(_)) && data.data().text().is_err());
}

/// A multi-trial search tries to make the perplexity small.
#[test]
fn as_an_evaluator_it_gives_perplexities() {
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["train", "valid", "test"] {
        fs::write(folder.path().join(format!("{part}.txt")), "a b c d\n".repeat(60)).expect("is written");
    }
    let folder = folder.path().display();
    let train = evaluators::build(&format!("train:data=text:{folder},epochs=3,batch=10,lr=1")).expect("an evaluator");
    let space = spaces::build("recurrent:vocab=6,hidden=8,steps=5").expect("in the hub");
    train.accepts(&space).expect("it fits");
    let names: Vec<String> = train.search_metrics().iter().map(|m| m.name.to_string()).collect();
    assert!(names[0].ends_with("validation perplexity") && names[1].ends_with("validation accuracy"), "{names:?}");
    assert_eq!(train.search_metrics()[0].direction, evaluators::Direction::Minimize);
    let sample = space.default_sample().expect("a sample");
    let candidate = Candidate::new(&space, &sample, Query::default());
    let found = train.evaluate(&candidate).expect("trains").values;
    assert!(found[0] > 1.0 && found[0] < 6.0, "{found:?}");
    let test = train.report(&candidate).expect("trains");
    assert!(test[0] > 1.0 && test[0] < 6.0 && (0.0..=100.0).contains(&test[1]), "{test:?}");
    let wide = spaces::build("recurrent:vocab=10,hidden=8,steps=5").expect("in the hub");
    assert!(train.accepts(&wide).expect_err("other words").to_string().contains("vocab=6"));
}
