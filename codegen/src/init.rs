//! Seeded initialisation, equal in distribution to PyTorch's defaults.

use crate::array::{Array, Weights};
use crate::plan::Plan;
use ir::op::{Init, WeightSpec};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// A random stream for one purpose: a pure function of a seed and the words that name the purpose.
#[must_use]
pub fn stream(seed: u64, purpose: &[&[u8]]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for word in purpose {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word);
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// A uniform number in `0..1` of 24 bits, which single precision holds exactly.
pub fn unit(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Two independent standard normal numbers. Box and Muller 1958, "A Note on the Generation of Random Normal Deviates".
pub fn normal(rng: &mut ChaCha8Rng) -> (f32, f32) {
    let radius = (-2.0 * f64::from(1.0 - unit(rng)).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * f64::from(unit(rng))).sin_cos();
    ((radius * cos) as f32, (radius * sin) as f32)
}

/// The first values of a plan's weights. A weight's values depend on the seed and its path only, so that a network that
/// differs elsewhere starts the same here.
#[must_use]
pub fn initialise(plan: &Plan, seed: u64) -> Weights {
    plan.weights.iter().map(|w| (w.path.clone(), initial(&w.spec, &w.path, seed))).collect()
}

fn initial(spec: &WeightSpec, path: &str, seed: u64) -> Array {
    let shape: Vec<usize> = spec.shape.iter().map(|d| *d as usize).collect();
    let n = shape.iter().product();
    let values = match spec.init {
        Init::Zeros => vec![0.0; n],
        Init::Ones => vec![1.0; n],
        Init::FanInUniform { fan_in } => {
            let bound = if fan_in == 0 { 0.0 } else { (1.0 / fan_in as f64).sqrt() as f32 };
            let mut rng = stream(seed, &[b"weight", path.as_bytes()]);
            (0..n).map(|_| (2.0 * unit(&mut rng) - 1.0) * bound).collect()
        }
    };
    Array::f32(shape, values)
}
