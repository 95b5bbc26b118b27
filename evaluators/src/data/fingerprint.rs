//! What tells one data set from another: a digest of all that a run learns from and is measured on.

use super::{Data, Images, Text};
use crate::digest;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A data set whose digest is known, as long as somebody has it.
#[derive(Debug)]
enum Known {
    Images(Weak<Images>),
    Text(Weak<Text>),
}

impl Known {
    fn is(&self, data: &Data) -> bool {
        match (self, data) {
            (Self::Images(known), Data::Images(images)) => known.as_ptr() == Arc::as_ptr(images),
            (Self::Text(known), Data::Text(text)) => known.as_ptr() == Arc::as_ptr(text),
            _ => false,
        }
    }

    fn is_gone(&self) -> bool {
        match self {
            Self::Images(known) => known.strong_count() == 0,
            Self::Text(known) => known.strong_count() == 0,
        }
    }
}

impl Data {
    /// A SHA-256, in hexadecimal, of shape, labels and pixels, those for tests too; of text, of its words. Names do not
    /// count: the same images are the same data wherever they lie. Computed once.
    #[must_use]
    pub fn digest(&self) -> Arc<str> {
        static DIGESTS: Mutex<Vec<(Known, Arc<str>)>> = Mutex::new(Vec::new());
        // Whoever asks for the same meanwhile waits, in place of computing it too.
        let mut digests = DIGESTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, digest)) = digests.iter().find(|(known, _)| known.is(self)) {
            return digest.clone();
        }
        digests.retain(|(known, _)| !known.is_gone());
        let (known, digest) = match self {
            Self::Images(images) => (Known::Images(Arc::downgrade(images)), of_images(images)),
            Self::Text(text) => (Known::Text(Arc::downgrade(text)), of_text(text)),
        };
        let digest: Arc<str> = digest.into();
        digests.push((known, digest.clone()));
        digest
    }
}

fn of_images(images: &Images) -> String {
    let mut sum = Sha256::new();
    sum.update(b"images");
    number(&mut sum, images.classes.len());
    images.shape().iter().for_each(|d| number(&mut sum, *d));
    for split in [&images.train, &images.test] {
        number(&mut sum, split.len());
        values(&mut sum, &split.labels, |l| l.to_le_bytes());
        sum.update(&split.pixels);
    }
    digest::hex(&sum.finalize())
}

fn of_text(text: &Text) -> String {
    let mut sum = Sha256::new();
    sum.update(b"text");
    number(&mut sum, text.vocabulary.len());
    for word in &text.vocabulary {
        number(&mut sum, word.len());
        sum.update(word.as_bytes());
    }
    for part in [&text.train, &text.valid, &text.test] {
        number(&mut sum, part.len());
        values(&mut sum, part, |w| w.to_le_bytes());
    }
    digest::hex(&sum.finalize())
}

fn number(sum: &mut Sha256, n: usize) {
    sum.update((n as u64).to_le_bytes());
}

fn values<T: Copy, const N: usize>(sum: &mut Sha256, list: &[T], bytes: impl Fn(T) -> [u8; N]) {
    for block in list.chunks(1 << 12) {
        let block: Vec<u8> = block.iter().flat_map(|v| bytes(*v)).collect();
        sum.update(&block);
    }
}

#[cfg(test)]
mod tests {
    use super::super::digits;
    use super::*;

    fn digest(images: Images) -> Arc<str> {
        Data::from(Arc::new(images)).digest()
    }

    /// This value is a promise: with another, no run that was kept goes on.
    #[test]
    fn it_is_stable_and_computed_once() {
        let data = Data::from(digits().expect("embedded"));
        let expected = "d7f5264a5cfdfd8e9a722dfc5c02dc4eeb26591e51745135afd244601d6df12d";
        assert_eq!(&*data.digest(), expected);
        assert!(Arc::ptr_eq(&data.digest(), &data.clone().digest()));
        let copy = Images { name: "elsewhere".into(), ..(*digits().expect("embedded")).clone() };
        assert_eq!(&*digest(copy), expected, "a name does not count");
    }

    #[test]
    fn everything_that_is_learned_from_counts() {
        let good = (*digits().expect("embedded")).clone();
        let mut seen = vec![digest(good.clone())];
        let mut other = |change: fn(&mut Images)| {
            let mut images = good.clone();
            change(&mut images);
            let digest = digest(images);
            assert!(!seen.contains(&digest), "{} of them", seen.len());
            seen.push(digest);
        };
        other(|i| i.train.pixels[70_000] ^= 1);
        other(|i| i.test.pixels[0] ^= 1);
        other(|i| i.train.labels[1437] = (i.train.labels[1437] + 1) % 10);
        other(|i| i.test.labels[7] = (i.test.labels[7] + 1) % 10);
        other(|i| i.classes.push("none".into()));
        other(|i| (i.height, i.width) = (4, 16));
        other(|i| std::mem::swap(&mut i.train, &mut i.test));
        other(|i| {
            let moved = i.train.pixels.drain(..64).collect::<Vec<u8>>();
            i.test.pixels.extend(moved);
            let label = i.train.labels.remove(0);
            i.test.labels.push(label);
        });
    }

    #[test]
    fn words_count() {
        let text = |words: &[&str], train: &[u32], valid: &[u32]| {
            let vocabulary = words.iter().map(|w| (*w).to_owned()).collect();
            let text = Text { name: "x".into(), vocabulary, train: train.into(), valid: valid.into(), test: vec![1] };
            Data::from(Arc::new(text)).digest()
        };
        let first = text(&["a", "bc"], &[0, 1], &[1]);
        assert_eq!(first, text(&["a", "bc"], &[0, 1], &[1]));
        assert_ne!(first, text(&["ab", "c"], &[0, 1], &[1]));
        assert_ne!(first, text(&["a", "bc"], &[0], &[1, 1]));
        assert_ne!(first, text(&["a", "bc"], &[1, 1], &[1]));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        // Another data set may come to lie where one was.
        let images = |pixel| {
            let split = super::super::Split { pixels: vec![pixel], labels: vec![0] };
            let (train, test) = (split.clone(), split);
            Images { name: "x".into(), channels: 1, height: 1, width: 1, classes: vec!["a".into()], train, test }
        };
        let digests: std::collections::BTreeSet<Arc<str>> = (0..100).map(|pixel| digest(images(pixel))).collect();
        assert_eq!(digests.len(), 100);
    }
}
