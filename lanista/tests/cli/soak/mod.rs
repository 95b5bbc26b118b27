//! Random attacks on the binary: kills, damaged files, runs side by side, bombs, mutated texts.
//!
//! Each has a short round among the tests; `make soak` runs the long ones, see [`testing::soak`].

mod bombs;
#[cfg(feature = "torch")]
mod checkpoints;
mod journals;
mod kills;
mod studies;
mod texts;
mod together;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The random numbers of one round of an attack.
fn rng(seed: u64, round: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(round);
    rng
}

/// A number below another one, which is not 0.
fn below(rng: &mut ChaCha8Rng, n: usize) -> usize {
    (rng.next_u64() % n as u64) as usize
}
