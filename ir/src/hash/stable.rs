//! A 128-bit hash that is the same on every machine, in every run and release.

use std::fmt;
use std::str::FromStr;

/// A 128-bit hash, printed as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GraphHash(pub u128);

impl fmt::Display for GraphHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A text that is no graph hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no graph hash; expected 32 hexadecimal digits")]
pub struct ParseHashError(String);

impl FromStr for GraphHash {
    type Err = ParseHashError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if s.len() != 32 {
            return Err(ParseHashError(s.to_owned()));
        }
        u128::from_str_radix(s, 16).map(Self).map_err(|_| ParseHashError(s.to_owned()))
    }
}

impl serde::Serialize for GraphHash {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for GraphHash {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

const A: u64 = 0x9e37_79b9_7f4a_7c15;
const B: u64 = 0xd6e8_feb8_6659_fd93;

/// The two halves of a product, folded into one word.
pub(super) fn fold(x: u64, k: u64) -> u64 {
    let wide = u128::from(x) * u128::from(k);
    (wide as u64) ^ (wide >> 64) as u64
}

/// Mixes the bits of a word (the finaliser of SplitMix64).
pub(crate) const fn avalanche(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Hashes words and texts in order. Two multiply-folded lanes; fast, not cryptographic.
#[derive(Clone, Debug)]
pub struct StableHasher {
    a: u64,
    b: u64,
}

impl Default for StableHasher {
    fn default() -> Self {
        Self::new(0)
    }
}

impl StableHasher {
    /// A hasher for one purpose, told apart by `domain`.
    #[must_use]
    pub fn new(domain: u64) -> Self {
        Self { a: avalanche(domain ^ A), b: avalanche(domain ^ B) }
    }

    /// Feeds a word.
    pub fn word(&mut self, x: u64) {
        let x = avalanche(x ^ A);
        self.a = fold(self.a ^ x, A).wrapping_add(x);
        self.b = fold(self.b.rotate_left(29) ^ x, B).wrapping_add(self.a);
    }

    /// Feeds a text and its length.
    pub fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// The hash of all that was fed.
    #[must_use]
    pub fn finish(&self) -> GraphHash {
        let (a, b) = (avalanche(self.a ^ self.b.rotate_left(17)), avalanche(self.b.wrapping_add(A)));
        GraphHash(u128::from(a) << 64 | u128::from(b))
    }

    /// Half of the hash.
    #[must_use]
    pub fn finish64(&self) -> u64 {
        avalanche(self.a ^ self.b.rotate_left(17))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These values are a promise: a change breaks every stored hash.
    #[test]
    fn is_stable_across_releases() {
        let mut h = StableHasher::new(7);
        h.word(1);
        h.text("conv2d");
        assert_eq!(h.finish().to_string().parse(), Ok(h.finish()));
        assert_eq!(h.finish().to_string(), "10ee6aaa61f44b079834c4c6426133f7");
    }
}
