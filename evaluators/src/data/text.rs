//! Text for language models, word by word.

use super::DataError;
use super::bounded::{Bound, Budget, Limits};
use super::files::{self, Presence, Wanted};
use rustc_hash::FxHashMap;
use std::path::Path;

/// A corpus as numbers of words.
///
/// The vocabulary is that of the training text. A line is its words and an end-of-sentence token; a word that training
/// did not see is the unknown token. WikiText and Penn Treebank are published with rare words replaced by it already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What it is called: `wikitext-2`.
    pub name: String,
    /// The words: [`Text::UNKNOWN`], [`Text::END`], then in the order of their first appearance.
    pub vocabulary: Vec<String>,
    /// What is trained on, each number below the size of the vocabulary.
    pub train: Vec<u32>,
    /// What is validated on.
    pub valid: Vec<u32>,
    /// What is only ever tested on.
    pub test: Vec<u32>,
}

/// How the three files are called, in folders that this reads.
pub(super) const LAYOUTS: [[&str; 3]; 3] = [
    ["wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"],
    ["ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"],
    ["train.txt", "valid.txt", "test.txt"],
];

/// The Penn Treebank as it is published.
pub(super) const PTB: [Wanted; 3] = [
    Wanted::published("ptb.train.txt", 5_101_618),
    Wanted::published("ptb.valid.txt", 399_782),
    Wanted::published("ptb.test.txt", 449_945),
];

/// WikiText-2. The size of its archive is published, 4.5 MB, and those of its files are not.
pub(super) const WIKITEXT2: [Wanted; 3] = {
    let [train, valid, test] = LAYOUTS[0];
    let bound = Bound::Stated("a file of WikiText-2", 1 << 26);
    [Wanted { name: train, bound }, Wanted { name: valid, bound }, Wanted { name: test, bound }]
};

impl Text {
    /// Number of the unknown token, `<unk>`.
    pub const UNKNOWN: u32 = 0;
    /// Number of the end-of-sentence token, `<eos>`.
    pub const END: u32 = 1;
}

/// Reads a folder whose files have one of the [`LAYOUTS`], plain or gzipped.
pub(super) fn read_folder(folder: &Path, name: &str, limits: Limits) -> Result<Text, DataError> {
    let origin = folder.display().to_string();
    let mut lacks = None;
    for names in LAYOUTS {
        let wanted = names.map(|name| Wanted { name, bound: limits.text() });
        match files::presence(folder, &wanted, None) {
            Presence::All => return read(folder, name, &wanted, None, limits),
            Presence::Lacks(file) => lacks = lacks.or(Some(file)),
            Presence::None => {}
        }
    }
    let layouts = LAYOUTS.map(|names| names.join(", ")).join("; or ");
    let reason = match lacks {
        Some(file) => format!("lacks {file}"),
        None => format!("has no text; expected are {layouts}, each plain or as .gz"),
    };
    Err(DataError::malformed(origin, reason))
}

/// Reads three files of a folder, or of an archive in it.
pub(super) fn read(
    folder: &Path,
    name: &str,
    wanted: &[Wanted],
    archive: Option<&str>,
    limits: Limits,
) -> Result<Text, DataError> {
    let budget = limits.budget();
    let mut words = Words::new();
    let mut parts = Vec::with_capacity(3);
    for (i, file) in files::read(folder, wanted, archive)?.into_iter().enumerate() {
        let text = String::from_utf8(file.bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            let line = 1 + e.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
            DataError::malformed(&file.origin, format!("line {line} is no UTF-8; convert the file"))
        })?;
        let tokens = words.number(&text, i == 0, &budget, &file.origin)?;
        if tokens.is_empty() {
            return Err(DataError::malformed(file.origin, "is empty"));
        }
        parts.push(tokens);
    }
    let [train, valid, test] = parts.try_into().expect("invariant: as many files as names, which are three");
    Ok(Text { name: name.to_owned(), vocabulary: words.list, train, valid, test })
}

/// Bytes that a word of the vocabulary takes beside its letters, in the list and in the table.
const PER_WORD: u64 = 2 * size_of::<String>() as u64 + 32;

/// A growing vocabulary.
struct Words {
    list: Vec<String>,
    numbers: FxHashMap<String, u32>,
}

impl Words {
    fn new() -> Self {
        let mut words = Self { list: Vec::new(), numbers: FxHashMap::default() };
        for special in ["<unk>", "<eos>"] {
            words.learn(special);
        }
        words
    }

    fn learn(&mut self, word: &str) -> u32 {
        let number = self.list.len() as u32;
        self.list.push(word.to_owned());
        self.numbers.insert(word.to_owned(), number);
        number
    }

    /// A text as numbers; new words are learnt, or unknown.
    fn number(&mut self, text: &str, learn: bool, budget: &Budget, origin: &str) -> Result<Vec<u32>, DataError> {
        let mut tokens = Vec::new();
        let mut counted = 0;
        for line in text.lines() {
            for word in line.split_whitespace() {
                let known = self.numbers.get(word).copied();
                tokens.push(match known {
                    Some(number) => number,
                    None if learn => {
                        budget.take(2 * word.len() as u64 + PER_WORD, origin)?;
                        self.learn(word)
                    }
                    None => Text::UNKNOWN,
                });
            }
            tokens.push(Text::END);
            budget.take(((tokens.len() - counted) * size_of::<u32>()) as u64, origin)?;
            counted = tokens.len();
        }
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::super::idx::tests::gzip;
    use super::*;
    use std::fs;
    use std::io::Write;
    use tempfile::TempDir;

    const PARTS: [&str; 3] = [" the cat \n\n the <unk> \n", "the dog\n", "cat the cat"];

    fn folder(names: &[&str; 3], gzipped: bool) -> TempDir {
        let f = tempfile::tempdir().expect("a folder");
        for (name, text) in names.iter().zip(PARTS) {
            match gzipped {
                true => fs::write(f.path().join(format!("{name}.gz")), gzip(text.as_bytes())),
                false => fs::write(f.path().join(name), text),
            }
            .expect("a file");
        }
        f
    }

    #[test]
    fn words_are_numbered() {
        let text = read_folder(folder(&LAYOUTS[2], false).path(), "tiny", Limits::DEFAULT).expect("sound");
        assert_eq!(text.vocabulary, ["<unk>", "<eos>", "the", "cat"]);
        // An empty line is an end of its own, as WikiText's token counts have it.
        assert_eq!(text.train, [2, 3, 1, 1, 2, 0, 1]);
        assert_eq!(text.valid, [2, 0, 1], "`dog` is unknown");
        assert_eq!(text.test, [3, 2, 3, 1]);
    }

    #[test]
    fn every_layout_is_read() {
        let expected = read_folder(folder(&LAYOUTS[2], false).path(), "tiny", Limits::DEFAULT).expect("sound");
        for layout in &LAYOUTS {
            for gzipped in [false, true] {
                assert_eq!(
                    read_folder(folder(layout, gzipped).path(), "tiny", Limits::DEFAULT).expect("sound"),
                    expected
                );
            }
        }
        let f = tempfile::tempdir().expect("a folder");
        let file = fs::File::create(f.path().join("w.zip")).expect("a file");
        let mut zip = zip::ZipWriter::new(file);
        for (name, text) in LAYOUTS[0].iter().zip(PARTS) {
            zip.start_file(format!("wikitext-2/{name}"), zip::write::SimpleFileOptions::default()).expect("memory");
            zip.write_all(text.as_bytes()).expect("memory");
        }
        zip.finish().expect("memory");
        assert_eq!(read(f.path(), "tiny", &WIKITEXT2, Some("w.zip"), Limits::DEFAULT).expect("sound"), expected);
        let bytes = fs::read(f.path().join("w.zip")).expect("there");
        fs::write(f.path().join("w.zip"), &bytes[..bytes.len() - 30]).expect("a file");
        let e = read(f.path(), "tiny", &WIKITEXT2, Some("w.zip"), Limits::DEFAULT).expect_err("cut off").to_string();
        assert!(e.contains("w.zip: is damaged or cut off"), "{e}");
    }

    #[test]
    fn what_is_no_text() {
        let refusal = |f: &TempDir| read_folder(f.path(), "tiny", Limits::DEFAULT).expect_err("damaged").to_string();
        let f = folder(&LAYOUTS[1], false);
        fs::write(f.path().join("ptb.valid.txt"), b"good\nb\xffd\n").expect("a file");
        assert!(refusal(&f).contains("ptb.valid.txt: line 2 is no UTF-8"), "{}", refusal(&f));
        fs::write(f.path().join("ptb.valid.txt"), b"").expect("a file");
        assert!(refusal(&f).contains("ptb.valid.txt: is empty"), "{}", refusal(&f));
        fs::remove_file(f.path().join("ptb.valid.txt")).expect("there");
        assert!(refusal(&f).ends_with("lacks ptb.valid.txt"), "{}", refusal(&f));
        let f = tempfile::tempdir().expect("a folder");
        assert!(refusal(&f).contains("has no text; expected are wiki.train.tokens"), "{}", refusal(&f));
    }
}
