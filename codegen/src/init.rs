//! Seeded initialisation: by default equal in distribution to PyTorch's, or by another scheme.

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

/// How the weights of convolutions and linear layers start. Whatever else a network has (scales, shifts, running
/// statistics) starts as its op says; under all but the default, the biases of those layers are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Scheme {
    /// As each op says: PyTorch's defaults.
    #[default]
    Default,
    /// Normal numbers of variance `2 / fan_out`, where an output of a layer with weight `[O, ..]` counts `O` times the
    /// size of its kernel. He et al. 2015, "Delving Deep into Rectifiers"; PyTorch's `kaiming_normal_` in mode `fan_out`.
    KaimingNormalFanOut,
    /// Normal numbers.
    Normal {
        /// Their standard deviation.
        std: f32,
    },
}

impl Scheme {
    /// The standard deviation of a weight, if it is normal.
    fn deviation(self, spec: &WeightSpec) -> Option<f32> {
        // Scales and shifts have one axis; they are no matrices.
        if spec.shape.len() < 2 || !matches!(spec.init, Init::FanInUniform { .. }) {
            return None;
        }
        match self {
            Self::Default => None,
            Self::KaimingNormalFanOut => {
                let kernel: u64 = spec.shape[2..].iter().map(|d| u64::from(*d)).product();
                let fan_out = u64::from(spec.shape[0]) * kernel;
                Some((2.0 / fan_out.max(1) as f64).sqrt() as f32)
            }
            Self::Normal { std } => Some(std),
        }
    }
}

/// The first values of a plan's weights by PyTorch's defaults. A weight's values depend on the seed and its path only, so
/// that a network that differs elsewhere starts the same here.
#[must_use]
pub fn initialise(plan: &Plan, seed: u64) -> Weights {
    initialise_by(plan, Scheme::Default, seed)
}

/// The first values of a plan's weights by a scheme; as with [`initialise`], of the seed and a weight's path only.
#[must_use]
pub fn initialise_by(plan: &Plan, scheme: Scheme, seed: u64) -> Weights {
    plan.weights.iter().map(|w| (w.path.clone(), initial(&w.spec, &w.path, scheme, seed))).collect()
}

fn initial(spec: &WeightSpec, path: &str, scheme: Scheme, seed: u64) -> Array {
    let shape: Vec<usize> = spec.shape.iter().map(|d| *d as usize).collect();
    let n = shape.iter().product();
    let values = match (scheme.deviation(spec), spec.init) {
        (Some(std), _) => normals(n, std, &mut stream(seed, &[b"weight", path.as_bytes()])),
        (None, Init::Zeros) => vec![0.0; n],
        (None, Init::Ones) => vec![1.0; n],
        // The bias of a layer whose weight is normal.
        (None, Init::FanInUniform { .. }) if scheme != Scheme::Default => vec![0.0; n],
        (None, Init::FanInUniform { fan_in }) => {
            let bound = if fan_in == 0 { 0.0 } else { (1.0 / fan_in as f64).sqrt() as f32 };
            let mut rng = stream(seed, &[b"weight", path.as_bytes()]);
            (0..n).map(|_| (2.0 * unit(&mut rng) - 1.0) * bound).collect()
        }
    };
    Array::f32(shape, values)
}

/// So many normal numbers of mean 0.
#[must_use]
pub fn normals(n: usize, std: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut values = Vec::with_capacity(n + 1);
    while values.len() < n {
        let (a, b) = normal(rng);
        values.extend([std * a, std * b]);
    }
    values.truncate(n);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lowering;
    use ir::prim::Mode;

    const TEXT: &str = "module @m {
      entry @main
      graph @main(%x: f32[N, 3, 8, 8]) {
        %v = conv2d %x {out=64, k=3}
        %b = batch_norm %v
        %f = flatten %b
        %y = linear %f {out=100}
        return %y
      }
    }";

    fn weights(scheme: Scheme, seed: u64) -> Weights {
        let module: ir::Module = TEXT.parse().expect("a module");
        let program = ir::Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run().expect("a program");
        initialise_by(&Lowering::of(&program, Mode::Train).expect("lowers").finish(), scheme, seed)
    }

    fn deviation(x: &[f32]) -> f64 {
        let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / x.len() as f64;
        (x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt()
    }

    #[test]
    fn schemes_have_their_deviations() {
        for (scheme, conv, linear) in [
            (Scheme::Default, (1.0_f64 / 27.0 / 3.0).sqrt(), (1.0_f64 / 2304.0 / 3.0).sqrt()),
            (Scheme::KaimingNormalFanOut, (2.0_f64 / (64.0 * 9.0)).sqrt(), (2.0_f64 / 100.0).sqrt()),
            (Scheme::Normal { std: 0.5 }, 0.5, 0.5),
        ] {
            let w = weights(scheme, 3);
            for (path, expected, tolerance) in [("v.weight", conv, 0.05), ("y.weight", linear, 0.005)] {
                let found = deviation(&w[path].to_f32());
                assert!((found / expected - 1.0).abs() < tolerance, "{scheme:?} {path}: {found} for {expected}");
            }
            let zero = w["v.bias"].to_f32().iter().all(|b| *b == 0.0);
            assert_eq!(zero, scheme != Scheme::Default, "{scheme:?}");
            assert!(w["b.weight"].to_f32().iter().all(|s| *s == 1.0));
            assert!(w["b.running_var"].to_f32().iter().all(|s| *s == 1.0));
        }
    }

    #[test]
    fn weights_that_nobody_could_hold_make_no_plan() {
        let lower = |out: u64| {
            let text = format!(
                "module @m {{ entry @g graph @g(%x: f32[N, 4]) {{ %y = linear %x {{out={out}}} \
                 %z = linear %y {{out=1}} return %z }} }}"
            );
            let module: ir::Module = text.parse().expect("a module");
            let program = ir::Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run().expect("a program");
            Lowering::of(&program, Mode::Eval).map(Lowering::finish)
        };
        assert!(lower(1000).is_ok());
        let error = lower(4_294_967_295).expect_err("80 GiB and more").to_string();
        assert_eq!(
            error,
            "node `y`: the weights up to here take 79 GiB in single precision, and 8 GiB are the most; lower its sizes"
        );
    }

    #[test]
    fn the_seed_decides() {
        let one = weights(Scheme::KaimingNormalFanOut, 3);
        assert_eq!(one, weights(Scheme::KaimingNormalFanOut, 3));
        assert_ne!(one["v.weight"], weights(Scheme::KaimingNormalFanOut, 4)["v.weight"]);
    }

    #[test]
    fn odd_numbers_of_normals_come_out_whole() {
        let rng = || stream(1, &[b"test"]);
        assert_eq!(normals(5, 1.0, &mut rng()), normals(6, 1.0, &mut rng())[..5]);
    }
}
