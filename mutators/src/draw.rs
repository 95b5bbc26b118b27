//! Drawing from a random stream, in ways that are fixed for good: a library update must not change a search.

use ir::decision::{Domain, Pick};
use rand::Rng;

/// A uniform whole number below `n`; `n` must be positive. Takes one word of the stream.
pub fn below(rng: &mut dyn Rng, n: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(n)) >> 64) as u64
}

/// A uniform number in `0..1` of 53 bits. Takes one word of the stream.
pub fn unit(rng: &mut dyn Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A pick of a domain: by the weights if there are some, else uniform (log-uniform where the domain says so).
pub fn pick(rng: &mut dyn Rng, domain: &Domain, weights: Option<&[f64]>) -> Pick {
    match (domain.size(), weights) {
        (Some(_), Some(weights)) => weighted(rng, weights),
        (Some(n), None) => Pick::index(below(rng, n.max(1))),
        (None, _) => domain.quantile(unit(rng)).unwrap_or(Pick::index(0)),
    }
}

/// A pick other than `old`, uniform among them; of a real interval a fresh draw. `None` if there is no other.
pub fn other(rng: &mut dyn Rng, domain: &Domain, old: Pick) -> Option<Pick> {
    match domain.size() {
        None => domain.quantile(unit(rng)),
        Some(n) if n < 2 => None,
        Some(n) => {
            let i = below(rng, n - 1);
            Some(Pick::index(if i >= old.rank() { i + 1 } else { i }))
        }
    }
}

fn weighted(rng: &mut dyn Rng, weights: &[f64]) -> Pick {
    let mut left = unit(rng) * weights.iter().sum::<f64>();
    for (i, w) in weights.iter().enumerate() {
        if left < *w {
            return Pick::index(i as u64);
        }
        left -= w;
    }
    // Rounding may leave a crumb after the last positive weight.
    Pick::index(weights.iter().rposition(|w| *w > 0.0).unwrap_or(0) as u64)
}

/// Fisher and Yates' shuffle.
pub fn shuffle<T>(rng: &mut dyn Rng, items: &mut [T]) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(rng, i as u64 + 1) as usize);
    }
}
