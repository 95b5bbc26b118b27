//! Mutated modules: never a panic, and what is called sound can be hashed, counted and printed.

use super::{below, rng};
use ir::cost::Convention;
use rand_chacha::ChaCha8Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use testing::soak::Soak;

/// Pieces of the text form that turn one module into another.
const PIECES: &[&str] = &[
    "4096",
    "0",
    "1",
    "-1",
    "4294967295",
    "9223372036854775807",
    "2.5",
    "?d",
    "%x",
    "@main",
    "[N, 4]",
    "any of",
    "repeat",
    "choice",
    "relu",
    "conv2d",
    "linear",
    "groups=3",
    "{out=",
    "}",
    "(",
    ")",
    "step",
    "default",
    "constraint 0 > 1\n",
    "..=",
    "**",
    "//",
    "%",
    ",",
    "\n",
    "\u{feff}",
    "\u{1b}[31m",
    "\u{202e}",
    "\0",
];

/// What a number may become.
const NUMBERS: &[&str] = &["0", "1", "2", "3", "16", "4096", "-1", "4294967295", "9223372036854775807", "0.5", "1e300"];

/// The spaces of the hub and the modules of the text form's golden files.
fn originals() -> Vec<String> {
    let hub = ["toy", "nasbench201", "enas-micro", "proxyless", "natsbench-size", "recurrent"];
    let mut texts: Vec<String> =
        hub.iter().map(|name| mutators::spaces::build(name).expect("it is in the hub").base().to_string()).collect();
    let folder = testing::repository().join("ir/tests/golden/text");
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("is there").filter_map(|e| Some(e.ok()?.path())).collect();
    files.sort();
    let modules = files.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts.extend(modules.filter(|text| text.parse::<ir::Module>().is_ok()));
    texts
}

/// The words of a text: names, numbers and signs, each with where it stands.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    for (i, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let part = c.is_alphanumeric() || matches!(c, '_' | '@' | '%' | '?' | '.');
        match (start, part) {
            (None, true) => start = Some(i),
            (Some(from), false) => {
                words.push((from, i));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Most of what comes out is read as a module again: a word takes another's place, a line moves, goes or comes twice.
fn mutate(text: &mut String, rng: &mut ChaCha8Rng) {
    let words = words(text);
    let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if words.is_empty() || lines.is_empty() {
        return;
    }
    let (from, to) = words[below(rng, words.len())];
    let (one, other) = (below(rng, lines.len()), below(rng, lines.len()));
    match below(rng, 8) {
        0 | 1 => {
            let (a, b) = words[below(rng, words.len())];
            let word = text[a..b].to_owned();
            text.replace_range(from..to, &word);
        }
        2 => text.replace_range(from..to, PIECES[below(rng, PIECES.len())]),
        3 => {
            let numbers: Vec<_> = words.iter().filter(|(a, _)| text.as_bytes()[*a].is_ascii_digit()).collect();
            if let Some((a, b)) = numbers.get(below(rng, numbers.len().max(1))) {
                text.replace_range(*a..*b, NUMBERS[below(rng, NUMBERS.len())]);
            }
        }
        4 => text.insert_str(from, PIECES[below(rng, PIECES.len())]),
        kind => {
            let mut lines = lines;
            match kind {
                5 => lines.swap(one, other),
                6 => drop(lines.remove(one)),
                _ => lines.insert(other, lines[one].clone()),
            }
            *text = lines.concat();
        }
    }
}

/// What a module's text comes to.
fn judge(text: &str) -> &'static str {
    let Ok(module) = text.parse::<ir::Module>() else { return "no module" };
    let Ok(program) = ir::verify(&module) else { return "unsound" };
    let again: ir::Module = module.to_string().parse().expect("what is printed parses");
    assert_eq!(again, module, "what is printed is the same module");
    let same = ir::verify(&again).expect("it is as sound as before");
    assert_eq!(same.hash(), program.hash());
    let _ = program.cost(Convention::Nasbench);
    "sound"
}

#[test]
fn mutated_ones() {
    let soak = Soak::new("mutated modules", 400);
    let originals = originals();
    let mut counts = std::collections::BTreeMap::<&str, u64>::new();
    for round in 0..soak.rounds {
        let mut rng = rng(soak.seed, round);
        let mut text = originals[below(&mut rng, originals.len())].clone();
        for _ in 0..=below(&mut rng, 3) {
            mutate(&mut text, &mut rng);
        }
        match catch_unwind(AssertUnwindSafe(|| judge(&text))) {
            Ok(class) => *counts.entry(class).or_default() += 1,
            Err(_) => panic!("round {round}, seed {}: the panic above is of\n{text}", soak.seed),
        }
    }
    soak.say(&format!("{} texts: {counts:?}, no panic", soak.rounds));
}
