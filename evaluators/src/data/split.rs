//! Dividing a list of labelled items in two, by seed, class by class.

use mutators::draw;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What keeps the streams of one seed apart: the first word of a key names its use.
pub(super) fn stream(usage: &[u8; 8], words: [u64; 3]) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(usage);
    for (slot, word) in key[8..].chunks_exact_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Whether each item is chosen. Of a class with n items, n / `one_in` are, rounded up and down in turn, so that the
/// whole list is divided as evenly as its classes.
pub(super) fn stratified(labels: &[u16], classes: usize, one_in: usize, seed: u64) -> Vec<bool> {
    let mut rng = stream(b"stratify", [seed, 0, 0]);
    let mut chosen = vec![false; labels.len()];
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (i, &label) in labels.iter().enumerate() {
        members[usize::from(label)].push(i);
    }
    let mut seen = 0;
    for class in &mut members {
        draw::shuffle(&mut rng, class);
        // The running total is rounded down, so that no error adds up.
        let take = (seen + class.len()) / one_in - seen / one_in;
        seen += class.len();
        for &i in &class[..take] {
            chosen[i] = true;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    #[test]
    fn shares_are_even_in_every_class_and_in_all() {
        let labels: Vec<u16> = (0..1000).map(|i| (i * i % 7) as u16).collect();
        for of in [2, 3, 5] {
            let chosen = stratified(&labels, 7, of, 11);
            assert_eq!(chosen.iter().filter(|c| **c).count(), 1000 / of);
            for class in 0..7 {
                let members = labels.iter().zip(&chosen).filter(|(l, _)| **l == class);
                let (all, taken) = members.fold((0, 0), |(n, t), (_, c)| (n + 1, t + usize::from(*c)));
                assert!(taken == all / of || taken == all / of + 1, "{taken} of {all} in class {class}");
            }
        }
    }

    /// These values are a promise: a change makes every training run another.
    #[test]
    fn streams_are_stable() {
        let first = |usage, words| stream(usage, words).next_u64();
        let values = [first(b"stratify", [0, 0, 0]), first(b"stratify", [1, 0, 0]), first(b"shuffle ", [0, 0, 0])];
        assert_eq!(values, [754_922_428_033_705_979, 15_963_095_486_702_940_691, 1_710_896_056_444_693_626]);
    }
}
