//! Every reader on files that were changed at random: never a panic, never much memory, and what is read is what was
//! written wherever the format has a checksum.
//!
//! A short round among the tests, and a long one in `make soak`, see [`testing::soak`]; a failure tells its seed.

use super::samples::{BASELINE, PROGRESSIVE, grey, gzip, hex, idx, png, tar, zip};
use super::{counted, put, read};
use evaluators::data::{Data, DataError, Places};
use flate2::Crc;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use testing::soak::Soak;

/// Rounds per subject, at the least.
const ROUNDS: u64 = 150;
/// What a data set may take here.
const MEMORY: u64 = 64 << 20;
/// What reading may have in memory at a time: a few images of a 64th of it, and what decoders need.
const PEAK: usize = 32 << 20;

/// A data set of which one file is changed.
struct Subject {
    name: &'static str,
    /// `mnist`, or `folder:`, whose path is added.
    source: &'static str,
    /// The other files.
    rest: Vec<(String, Vec<u8>)>,
    /// The one that is changed.
    path: &'static str,
    bytes: Vec<u8>,
    /// What is done to it afterwards: packing, correct checksums.
    finish: fn(&[u8]) -> Vec<u8>,
    /// Whether a checksum tells every change, so that what is read is what was written.
    is_checked: bool,
}

fn plain(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// Makes the checksums of a PNG's chunks right, so that what is in them is looked at.
fn right_png(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 8;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(chunk) = bytes.get(at + 4..(at + 8).saturating_add(length)) else { break };
        let mut crc = Crc::new();
        crc.update(chunk);
        let end = at + 8 + length;
        let Some(sum) = bytes.get_mut(end..end + 4) else { break };
        sum.copy_from_slice(&crc.sum().to_be_bytes());
        at = end + 4;
    }
    bytes
}

/// Makes the checksums of a `.tar`'s headers right.
fn right_tar(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(512).filter(|b| &b[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
    }
    bytes
}

fn right_tgz(bytes: &[u8]) -> Vec<u8> {
    gzip(&right_tar(bytes)[..])
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    gzip(bytes)
}

const DIGITS: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// MNIST with few images would be refused for their number; so the reader is tried on the folder that it is given.
fn subjects() -> Vec<Subject> {
    let owned = |files: &[(&str, Vec<u8>)]| files.iter().map(|(n, b)| ((*n).to_owned(), b.clone())).collect::<Vec<_>>();
    let images = [
        ("train/a/1.png", grey(1)),
        ("train/b/1.png", grey(60)),
        ("test/a/1.png", grey(90)),
        ("test/b/1.png", grey(2)),
    ];
    let words = ["a b c <unk> d\n\nb a\n", "a a b\n", "c d e\n"].map(|t| t.as_bytes().to_vec());
    let texts: Vec<(&str, Vec<u8>)> =
        ["wikitext-2/wiki.train.tokens", "wikitext-2/wiki.valid.tokens", "wikitext-2/wiki.test.tokens"]
            .into_iter()
            .zip(words.clone())
            .collect();
    let pixels: Vec<u8> = (0..5 * 784_u32).map(|i| (i * 7) as u8).collect();
    let digits = [
        idx(&[3, 28, 28], &pixels[..3 * 784]),
        idx(&[3], &[3, 1, 2]),
        idx(&[2, 28, 28], &pixels[3 * 784..]),
        idx(&[2], &[0, 9]),
    ];
    let digits: Vec<(&str, Vec<u8>)> = DIGITS.into_iter().zip(digits).collect();
    let record =
        |labels: &[u8], seed: u8| [labels, &(0..3072).map(|i| (i % 251) as u8 ^ seed).collect::<Vec<u8>>()].concat();
    let names: String = (0..100).map(|i| format!("class {i}\n")).collect();
    let hundred = [
        ("cifar-100-binary/fine_label_names.txt", names.into_bytes()),
        ("cifar-100-binary/train.bin", [record(&[1, 7], 3), record(&[19, 99], 4)].concat()),
        ("cifar-100-binary/test.bin", record(&[0, 0], 5)),
    ];
    let jpeg = |name, path, bytes: Vec<u8>| {
        let rest = vec![("test/a/1.jpg".to_owned(), bytes.clone())];
        Subject { name, source: "folder:", rest, path, bytes, finish: plain, is_checked: false }
    };
    let subject = |name, source, rest: Vec<(String, Vec<u8>)>, path: &'static str, bytes, finish, is_checked| {
        let rest = rest.into_iter().filter(|(p, _)| p != path).collect();
        Subject { name, source, rest, path, bytes, finish, is_checked }
    };
    let within = |folder: &str, files: &[(&str, Vec<u8>)]| -> Vec<(String, Vec<u8>)> {
        files.iter().map(|(n, b)| (format!("{folder}/{n}"), b.clone())).collect()
    };
    let bare = |files: &[(&'static str, Vec<u8>)]| -> Vec<(String, Vec<u8>)> {
        files.iter().map(|(n, b)| (n.rsplit('/').next().unwrap_or(n).to_owned(), b.clone())).collect()
    };
    let loose = within("cifar100", &hundred.clone().map(|(n, b)| (n.rsplit('/').next().unwrap_or(n), b)));
    let records = loose[1].1.clone();
    vec![
        subject("png", "folder:", owned(&images), "train/a/1.png", grey(1), plain, true),
        subject("png, inside", "folder:", owned(&images), "train/a/1.png", grey(1), right_png, false),
        jpeg("jpeg", "train/a/1.jpg", hex(BASELINE)),
        jpeg("progressive jpeg", "train/a/1.jpg", hex(PROGRESSIVE)),
        subject("tar of images", "folder:", vec![], "all.tar", tar(&images), plain, false),
        subject("tar of images, inside", "folder:", vec![], "all.tar", tar(&images), right_tar, false),
        subject("tgz of images", "folder:", vec![], "all.tgz", gzip(&tar(&images)[..]), plain, true),
        subject("tgz of images, inside", "folder:", vec![], "all.tgz", tar(&images), right_tgz, false),
        subject("zip of images", "folder:", vec![], "all.zip", zip(&images), plain, false),
        subject("text", "text:", bare(&texts), "wiki.train.tokens", words[0].clone(), plain, false),
        subject("gzipped text", "text:", bare(&texts[1..]), "wiki.train.tokens.gz", gzip(&words[0][..]), plain, true),
        subject("zip of text", "wikitext-2", vec![], "wikitext-2/wikitext-2-v1.zip", zip(&texts), plain, true),
        subject(
            "idx",
            "mnist",
            within("mnist", &digits),
            "mnist/train-images-idx3-ubyte",
            digits[0].1.clone(),
            plain,
            false,
        ),
        subject(
            "idx, labels",
            "mnist",
            within("mnist", &digits),
            "mnist/t10k-labels-idx1-ubyte",
            digits[3].1.clone(),
            plain,
            false,
        ),
        subject(
            "gzipped idx",
            "mnist",
            within("mnist", &digits[1..]),
            "mnist/train-images-idx3-ubyte.gz",
            digits[0].1.clone(),
            zipped,
            false,
        ),
        subject("cifar", "cifar100", loose, "cifar100/train.bin", records, plain, false),
        subject(
            "archive of cifar",
            "cifar100",
            vec![],
            "cifar100/cifar-100-binary.tar.gz",
            tar(&hundred),
            right_tgz,
            false,
        ),
        subject(
            "packed archive of cifar",
            "cifar100",
            vec![],
            "cifar100/cifar-100-binary.tar.gz",
            gzip(&tar(&hundred)[..]),
            plain,
            true,
        ),
    ]
}

struct Mutator(ChaCha8Rng);

impl Mutator {
    fn below(&mut self, n: usize) -> usize {
        (self.0.next_u64() % n.max(1) as u64) as usize
    }

    /// A place, one time in two in a file's first bytes: there formats say how large things are.
    fn place(&mut self, length: usize) -> usize {
        let most = if self.below(2) == 0 { length.min(48) } else { length };
        self.below(most)
    }

    /// A range of no more than so many bytes.
    fn range(&mut self, length: usize, most: usize) -> std::ops::Range<usize> {
        let start = self.place(length);
        start..(start + 1 + self.below(most)).min(length)
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let (n, kind) = (bytes.len(), self.below(9));
        if n == 0 {
            return bytes.push(self.below(256) as u8);
        }
        match kind {
            0 | 1 => bytes[self.place(n)] ^= 1 << self.below(8),
            2 => bytes[self.place(n)] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
            3 => bytes.truncate(self.below(n)),
            4 => _ = bytes.drain(self.range(n, 64)),
            5 => {
                let copy = bytes[self.range(n, 64)].to_vec();
                let at = self.below(n);
                _ = bytes.splice(at..at, copy);
            }
            6 => {
                let word = [0, 1, 0xffff, 0x7fff_ffff, 0xffff_ffff, self.0.next_u32()][self.below(6)];
                let word = if self.below(2) == 0 { word.to_be_bytes() } else { word.to_le_bytes() };
                let at = self.range(n, 4);
                let length = at.len();
                bytes[at].copy_from_slice(&word[4 - length..]);
            }
            7 => {
                let noise: Vec<u8> = (0..1 + self.below(16)).map(|_| self.0.next_u32() as u8).collect();
                let at = self.below(n + 1);
                _ = bytes.splice(at..at, noise);
            }
            _ => {
                // Whole blocks change places.
                let (a, b) = (self.below(n / 512 + 1) * 512, self.below(n / 512 + 1) * 512);
                for i in 0..512 {
                    if a + i < n && b + i < n {
                        bytes.swap(a + i, b + i);
                    }
                }
            }
        }
    }
}

/// What a data set holds; its name is that of its folder.
fn contents(data: &Data) -> String {
    match data {
        Data::Images(i) => format!("{:?} {:?} {:?} {:?}", i.shape(), i.classes, i.train, i.test),
        Data::Text(t) => format!("{:?} {:?} {:?} {:?}", t.vocabulary, t.train, t.valid, t.test),
    }
}

/// Whatever is read agrees with itself.
fn is_sound(data: &Data) -> bool {
    match data {
        Data::Images(i) => [&i.train, &i.test].iter().all(|split| {
            let labels = split.labels.iter().all(|l| usize::from(*l) < i.classes.len());
            !split.is_empty() && labels && split.pixels.len() == split.len() * i.numel() && i.numel() > 0
        }),
        Data::Text(t) => [&t.train, &t.valid, &t.test]
            .iter()
            .all(|part| !part.is_empty() && part.iter().all(|w| (*w as usize) < t.vocabulary.len())),
    }
}

/// Reads a subject from a folder.
fn attempt(subject: &Subject, bytes: &[u8], folder: &Path) -> Result<Data, DataError> {
    if !folder.is_dir() {
        subject.rest.iter().for_each(|(path, bytes)| put(folder, path, bytes));
    }
    put(folder, subject.path, bytes);
    let places = Places::only(vec![folder.to_owned()]).limited(MEMORY);
    match subject.source.ends_with(':') {
        true => read(&format!("{}{}", subject.source, folder.display()), &places),
        false => read(subject.source, &places),
    }
}

/// A data set of the catalogue is refused for its number of images, once all of them have been read.
fn is_refused_for_its_number(error: &str) -> bool {
    error.contains("training and") && error.contains("; it should be ")
}

#[test]
fn changed_files_are_refused_or_read_whole() {
    let soak = Soak::new("changed data files", ROUNDS);
    let seed = soak.seed;
    let (mut read, mut refused) = (0, 0);
    for (s, subject) in subjects().iter().enumerate() {
        let f = tempfile::tempdir().expect("a folder");
        let sound = attempt(subject, &(subject.finish)(&subject.bytes), &f.path().join("sound"));
        let sound = sound.map(|data| contents(&data)).map_err(|e| e.to_string());
        assert!(sound.as_ref().err().is_none_or(|e| is_refused_for_its_number(e)), "{}: {sound:?}", subject.name);
        for round in 0..soak.rounds {
            let mut key = [0; 32];
            for (slot, word) in key.chunks_exact_mut(8).zip([seed, s as u64, round]) {
                slot.copy_from_slice(&word.to_le_bytes());
            }
            let mut mutator = Mutator(ChaCha8Rng::from_seed(key));
            let mut bytes = subject.bytes.clone();
            for _ in 0..1 + mutator.below(3) {
                mutator.change(&mut bytes);
            }
            let bytes = (subject.finish)(&bytes);
            let place = format!("{}, LANISTA_SOAK_SEED={seed}, round {round}", subject.name);
            // A process keeps what it has read once; what was refused is read again.
            let folder = f.path().join(read.to_string());
            let (peak, outcome) = counted(|| catch_unwind(AssertUnwindSafe(|| attempt(subject, &bytes, &folder))));
            let kept =
                || fs::write(std::env::temp_dir().join("changed.bin"), &bytes).map(|()| "in $TMPDIR/changed.bin");
            assert!(peak < PEAK, "{place}: {} MiB were taken; the file is {:?}", peak >> 20, kept());
            let outcome = outcome.unwrap_or_else(|_| panic!("{place}: a panic; the file is {:?}", kept()));
            match outcome {
                Ok(data) => {
                    read += 1;
                    assert!(is_sound(&data), "{place}: {data:?}");
                    let same = sound.as_ref().is_ok_and(|s| *s == contents(&data));
                    assert!(same || !subject.is_checked, "{place}: other contents were read; the file is {:?}", kept());
                }
                Err(e) => {
                    refused += 1;
                    let e = e.to_string();
                    assert!(e.len() < 2000 && e.contains(&*f.path().to_string_lossy()), "{place}: {e}");
                    let counts =
                        is_refused_for_its_number(&e) && sound.as_ref().err().is_some_and(|s| number(s) == number(&e));
                    assert!(!subject.is_checked || !is_refused_for_its_number(&e) || counts, "{place}: {e}");
                }
            }
        }
    }
    // With neither the test would look at nothing.
    assert!(read > 0 && refused > read / 4, "{read} were read, {refused} were refused");
    soak.say(&format!("{} files: {refused} refused, {read} read whole, no panic", read + refused));
}

/// What an error tells of numbers of images.
fn number(error: &str) -> &str {
    error.split_once(" holds ").map_or(error, |(_, rest)| rest)
}

#[test]
fn the_helpers_make_checksums_right() {
    let mut bytes = grey(1);
    let sound = bytes.clone();
    bytes[17] ^= 0xff;
    assert_ne!(right_png(&bytes), bytes);
    bytes[17] ^= 0xff;
    assert_eq!(right_png(&bytes), sound);
    assert_eq!(png(&[]).len(), 8);
    let archive = tar(&[("a", vec![1])]);
    assert!(right_tar(&archive) == archive);
}
