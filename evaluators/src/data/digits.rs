//! The digits of scikit-learn: 1,797 images of 8 x 8, embedded.

use super::split;
use super::{DataError, Images, Split};
use crate::digest;
use flate2::read::GzDecoder;
use std::io::Read;
use std::sync::{Arc, OnceLock};

/// scikit-learn 1.9.1's `sklearn/datasets/data/digits.csv.gz`: a row per image, 64 values in `0..=16` and the label.
static FILE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv.gz"));
const SHA256: &str = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22";
const SIDE: usize = 8;
const PIXELS: usize = SIDE * SIDE;
const ROWS: usize = 1797;
/// The darkest ink.
const FULL: u16 = 16;
/// One image in five tests.
const TEST: usize = 5;
/// The seed of the split, fixed so that figures can be compared.
const SEED: u64 = 0;

/// Handwritten digits, `[1, 8, 8]`, ten classes: 1,438 to train on and 359 to test on.
///
/// They are the test set of Alpaydin and Kaynak's "Optical Recognition of Handwritten Digits" (1998), which scikit-learn
/// ships. Its values `0..=16` are scaled to bytes, `round(255 v / 16)`. The split is ours: drawn once, by a fixed seed,
/// with the same share of every class. Decoded at the first call.
///
/// # Errors
/// If the embedded file is damaged.
pub fn digits() -> Result<Arc<Images>, DataError> {
    static DIGITS: OnceLock<Arc<Images>> = OnceLock::new();
    if let Some(images) = DIGITS.get() {
        return Ok(images.clone());
    }
    let read = Arc::new(read()?);
    Ok(DIGITS.get_or_init(|| read).clone())
}

fn read() -> Result<Images, DataError> {
    let origin = "the embedded digits.csv.gz";
    let damaged = |reason: String| DataError::Malformed { origin: origin.to_owned(), reason };
    let found = digest::sha256(FILE);
    if found != SHA256 {
        return Err(damaged(format!("its SHA-256 is {found}, not {SHA256}")));
    }
    let mut text = String::new();
    GzDecoder::new(FILE).read_to_string(&mut text).map_err(|e| damaged(e.to_string()))?;
    let mut pixels = Vec::with_capacity(ROWS * PIXELS);
    let mut labels = Vec::with_capacity(ROWS);
    for (i, line) in text.lines().enumerate() {
        let values: Result<Vec<u16>, _> = line.split(',').map(str::parse).collect();
        let values = values.map_err(|e| damaged(format!("line {}: {e}", i + 1)))?;
        let [image @ .., label] = &values[..] else { return Err(damaged(format!("line {} is empty", i + 1))) };
        if image.len() != PIXELS || image.iter().any(|v| *v > FULL) {
            return Err(damaged(format!("line {}: {PIXELS} values in 0..={FULL} are expected", i + 1)));
        }
        pixels.extend(image.iter().map(|v| ((v * 255 + FULL / 2) / FULL) as u8));
        labels.push(*label);
    }
    let classes: Vec<String> = (0..10).map(|d| d.to_string()).collect();
    if labels.len() != ROWS || labels.iter().any(|l| usize::from(*l) >= classes.len()) {
        return Err(damaged(format!("{} rows with labels in 0..=9, expected {ROWS}", labels.len())));
    }
    let tests = split::stratified(&labels, classes.len(), TEST, SEED);
    let take = |wanted: bool| {
        let mut part = Split::default();
        for (i, image) in pixels.chunks_exact(PIXELS).enumerate().filter(|(i, _)| tests[*i] == wanted) {
            part.pixels.extend_from_slice(image);
            part.labels.push(labels[i]);
        }
        part
    };
    let (train, test) = (take(false), take(true));
    Images { name: "digits".into(), channels: 1, height: SIDE, width: SIDE, classes, train, test }.checked(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_images_are_there_once() {
        let images = digits().expect("embedded");
        assert_eq!((images.train.len(), images.test.len()), (1438, 359));
        assert_eq!(images.shape(), [1, 8, 8]);
        // Counts per class as scikit-learn's description has them.
        let mut counts = [0; 10];
        images.train.labels.iter().chain(&images.test.labels).for_each(|l| counts[usize::from(*l)] += 1);
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        assert!(images.train.pixels.contains(&255) && images.train.pixels.contains(&0));
    }

    #[test]
    fn the_split_is_stable() {
        let images = digits().expect("embedded");
        assert_eq!(
            digest::sha256(&images.test.pixels),
            "00daf882f7bb33b0bc92749e98737c33f69a76984fb187f724016a70e7763c13"
        );
    }
}
