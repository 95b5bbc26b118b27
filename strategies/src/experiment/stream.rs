//! The random streams of a study.

use ir::hash::StableHasher;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Tells these streams from others that are made from the same seed.
const DOMAIN: u64 = u64::from_le_bytes(*b"strategy");

/// One stream per trial: a ChaCha generator with 8 rounds whose key is a hash of the study's seed and whose stream
/// number is the trial's. Going to a trial's stream costs nothing until it is drawn from.
#[derive(Debug)]
pub(super) struct Streams(ChaCha8Rng);

impl Streams {
    pub(super) fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        for (half, bytes) in key.chunks_exact_mut(16).enumerate() {
            let mut h = StableHasher::new(DOMAIN);
            h.word(seed);
            h.word(half as u64);
            bytes.copy_from_slice(&h.finish().0.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// The stream of a trial, in the part for one of the times that it is asked for.
    pub(super) fn of(&mut self, trial: u64, time: u32) -> &mut ChaCha8Rng {
        self.0.set_word_pos(u128::from(time) << 36);
        self.0.set_stream(trial);
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    /// These values are a promise: a change makes every journal diverge.
    #[test]
    fn streams_are_stable_and_apart() {
        let mut s = Streams::new(0);
        let first: Vec<u64> = (0..3).map(|i| s.of(i, 0).next_u64()).collect();
        s.of(1, 0).next_u32();
        assert_eq!(s.of(1, 0).next_u64(), first[1]);
        assert_ne!(s.of(1, 1).next_u64(), first[1]);
        assert_eq!(Streams::new(0).of(2, 0).next_u64(), first[2]);
        assert_ne!(Streams::new(1).of(0, 0).next_u64(), first[0]);
        assert_eq!(first, [1_028_886_703_943_978_130, 4_948_508_493_435_265_569, 12_798_015_853_352_185_018]);
    }
}
