//! Domains: the values that a decision may take, in an order that ranks them.

use crate::value::{Real, Value};
use std::fmt;
use std::sync::Arc;

/// The chosen point of a domain: an index into its values in enumeration order, or the bits of a real number.
///
/// [`Pick::INACTIVE`] marks a decision that the other choices of a sample have made irrelevant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pick(u64);

impl Pick {
    /// The decision plays no part in this sample.
    pub const INACTIVE: Self = Self(u64::MAX);

    /// The value of that rank in the domain's enumeration order.
    #[must_use]
    pub const fn index(rank: u64) -> Self {
        Self(rank)
    }

    /// A point of a real interval.
    #[must_use]
    pub fn real(x: f64) -> Self {
        Self(x.to_bits())
    }

    /// The rank, for a discrete domain.
    #[must_use]
    pub const fn rank(self) -> u64 {
        self.0
    }

    /// The number, for a real interval.
    #[must_use]
    pub fn as_real(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// Whether the decision plays a part.
    #[must_use]
    pub fn is_active(self) -> bool {
        self != Self::INACTIVE
    }
}

/// The values that a decision may take.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// One of these values.
    Categorical(Vec<Value>),
    /// An integer `lo, lo + step, ..`, not above `hi`.
    Range {
        /// Least value.
        lo: i64,
        /// Greatest value, inclusive.
        hi: i64,
        /// Distance of neighbours, positive.
        step: i64,
    },
    /// A subset of `of` with `min..=max` members, in their order. Its value is a list.
    Subset {
        /// The set to choose from.
        of: Vec<Value>,
        /// Least size.
        min: u32,
        /// Greatest size.
        max: u32,
    },
    /// A real number in `lo..=hi`, uniform or log-uniform.
    Real {
        /// Lower bound.
        lo: Real,
        /// Upper bound.
        hi: Real,
        /// Whether the logarithm is uniform.
        log: bool,
    },
}

/// Why a domain or decision is no good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// Nothing to choose from.
    #[error("the domain `{0}` is empty; give it at least one value")]
    Empty(String),
    /// The same value twice.
    #[error("the value `{0}` stands twice in the domain; name it once")]
    Duplicate(String),
    /// A set too large to be enumerated by a 64-bit rank.
    #[error("a subset of {0} values is too large; at most 60 are possible")]
    TooLarge(usize),
    /// Bounds that do not fit.
    #[error("the bounds of `{0}` do not fit; write lo..=hi with lo <= hi, a positive step, and lo > 0 for `log`")]
    Bounds(String),
    /// Weights that do not fit.
    #[error("{found} weights for {expected} values, each of which must be positive or zero and one of them positive")]
    Weights {
        /// Number of values.
        expected: u64,
        /// Number of weights.
        found: usize,
    },
    /// A default outside the domain.
    #[error("the default `{value}` is not in `{domain}`")]
    Default {
        /// The default.
        value: String,
        /// The domain.
        domain: String,
    },
}

/// Binomial coefficient, exact for `n <= 60`.
fn choose(n: u64, k: u64) -> u64 {
    if k > n {
        return 0;
    }
    (0..k.min(n - k)).fold(1, |c, i| c * (n - i) / (i + 1))
}

impl Domain {
    /// The set `{0, .., n-1}` as values, for an input choice.
    #[must_use]
    pub fn first(n: usize) -> Vec<Value> {
        (0..n as i64).map(Value::Int).collect()
    }

    /// Checks that the domain makes sense.
    ///
    /// # Errors
    /// If it is empty, has a value twice, or its bounds do not fit.
    pub fn validate(&self) -> Result<(), DomainError> {
        let distinct = |values: &[Value]| {
            let mut seen = rustc_hash::FxHashSet::default();
            // `1` and `1.0` are one value to a pick.
            let number = |v: &Value| v.as_f64().map_or_else(|| v.clone(), Value::from);
            match values.iter().find(|v| !seen.insert(number(v))) {
                Some(v) => Err(DomainError::Duplicate(v.to_string())),
                None => Ok(()),
            }
        };
        match self {
            Self::Categorical(values) if values.is_empty() => Err(DomainError::Empty(self.to_string())),
            Self::Categorical(values) => distinct(values),
            Self::Range { lo, hi, step } if lo > hi || *step < 1 || hi.checked_sub(*lo).is_none() => {
                Err(DomainError::Bounds(self.to_string()))
            }
            Self::Subset { of, .. } if of.len() > 60 => Err(DomainError::TooLarge(of.len())),
            Self::Subset { of, min, max } => {
                if min > max || *max as usize > of.len() {
                    return Err(DomainError::Bounds(self.to_string()));
                }
                distinct(of)
            }
            Self::Real { lo, hi, log } => {
                let (a, b) = (lo.get(), hi.get());
                let good = a.is_finite() && b.is_finite() && a <= b && (!log || a > 0.0);
                if good { Ok(()) } else { Err(DomainError::Bounds(self.to_string())) }
            }
            Self::Range { .. } => Ok(()),
        }
    }

    /// Number of values; `None` for a real interval.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Categorical(values) => Some(values.len() as u64),
            Self::Range { lo, hi, step } => Some((hi - lo) as u64 / *step as u64 + 1),
            Self::Subset { of, min, max } => {
                Some((u64::from(*min)..=u64::from(*max)).map(|k| choose(of.len() as u64, k)).sum())
            }
            Self::Real { .. } => None,
        }
    }

    /// The value of a pick, if it lies in the domain. Subsets are ordered by size, then lexicographically.
    #[must_use]
    pub fn value(&self, pick: Pick) -> Option<Value> {
        if !pick.is_active() {
            return None;
        }
        match self {
            Self::Categorical(values) => values.get(usize::try_from(pick.rank()).ok()?).cloned(),
            Self::Range { lo, step, .. } => {
                (pick.rank() < self.size()?).then(|| Value::Int(lo + pick.rank() as i64 * step))
            }
            Self::Subset { of, .. } => {
                let members = self.members(pick)?;
                Some(Value::List(members.into_iter().map(|i| of[i].clone()).collect()))
            }
            Self::Real { lo, hi, .. } => {
                let x = pick.as_real();
                (lo.get() <= x && x <= hi.get()).then(|| Value::from(x))
            }
        }
    }

    /// The positions that a pick of a subset domain selects, ascending.
    #[must_use]
    pub fn members(&self, pick: Pick) -> Option<Vec<usize>> {
        let Self::Subset { of, min, max } = self else { return None };
        let n = of.len() as u64;
        let mut rank = pick.rank();
        for k in u64::from(*min)..=u64::from(*max) {
            let count = choose(n, k);
            if rank >= count {
                rank -= count;
                continue;
            }
            let (mut out, mut next) = (Vec::with_capacity(k as usize), 0);
            for left in (1..=k).rev() {
                loop {
                    let with = choose(n - next - 1, left - 1);
                    if rank < with {
                        break;
                    }
                    rank -= with;
                    next += 1;
                }
                out.push(next as usize);
                next += 1;
            }
            return Some(out);
        }
        None
    }

    /// The pick of a value, if it lies in the domain.
    #[must_use]
    pub fn pick(&self, value: &Value) -> Option<Pick> {
        match self {
            Self::Categorical(values) => {
                let same = |v: &Value| match (v.as_f64(), value.as_f64()) {
                    (Some(a), Some(b)) => a == b,
                    _ => v == value,
                };
                values.iter().position(same).map(|i| Pick::index(i as u64))
            }
            Self::Range { lo, hi, step } => {
                let i = value.as_int().filter(|i| lo <= i && i <= hi && (i - lo) % step == 0)?;
                Some(Pick::index(((i - lo) / step) as u64))
            }
            Self::Subset { of, min, max } => {
                let Value::List(items) = value else { return None };
                let mut places = Vec::with_capacity(items.len());
                for item in items {
                    places.push(of.iter().position(|v| v == item)? as u64);
                }
                let k = places.len() as u64;
                let ascending = places.windows(2).all(|w| w[0] < w[1]);
                if !ascending || k < u64::from(*min) || k > u64::from(*max) {
                    return None;
                }
                let n = of.len() as u64;
                let mut rank: u64 = (u64::from(*min)..k).map(|j| choose(n, j)).sum();
                let mut next = 0;
                for (i, place) in places.iter().enumerate() {
                    let left = k - i as u64;
                    rank += (next..*place).map(|skipped| choose(n - skipped - 1, left - 1)).sum::<u64>();
                    next = place + 1;
                }
                Some(Pick::index(rank))
            }
            Self::Real { lo, hi, .. } => value.as_f64().filter(|x| lo.get() <= *x && *x <= hi.get()).map(Pick::real),
        }
    }

    /// The point at a quantile in `0..=1` of a real interval (of the logarithm, if it is log-scaled).
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Pick> {
        let Self::Real { lo, hi, log } = self else { return None };
        let (a, b) = (lo.get(), hi.get());
        let x = if *log { (a.ln() + q * (b.ln() - a.ln())).exp() } else { a + q * (b - a) };
        Some(Pick::real(x.clamp(a, b)))
    }

    /// The greatest number among the values of a discrete domain; `None` if there is none.
    #[must_use]
    pub fn greatest(&self) -> Option<Value> {
        match self {
            Self::Range { .. } => self.value(Pick::index(self.size()?.checked_sub(1)?)),
            Self::Categorical(values) => {
                let numbers = values.iter().filter_map(|v| Some((v.as_f64()?, v)));
                numbers.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, v)| v.clone())
            }
            Self::Subset { .. } | Self::Real { .. } => None,
        }
    }

    /// All picks of a discrete domain in order; of a real interval the quantiles `k / 2^granularity`, ends excluded.
    #[must_use]
    pub fn grid(&self, granularity: u32) -> Grid {
        match self {
            Self::Real { .. } => Grid(Picks::Quantiles { of: self.clone(), parts: 1 << granularity.clamp(1, 20) }),
            _ => Grid(Picks::Ranks(self.size().unwrap_or(0))),
        }
    }

    /// As [`Domain::grid`], the heaviest first if there are weights, one per value of a discrete domain.
    #[must_use]
    pub fn weighted_grid(&self, granularity: u32, weights: Option<&[f64]>) -> Grid {
        let Some(weights) = weights else { return self.grid(granularity) };
        let mut ranks: Vec<u32> = (0..weights.len() as u32).collect();
        ranks.sort_by(|a, b| weights[*b as usize].total_cmp(&weights[*a as usize]));
        Grid(Picks::Listed(ranks.into()))
    }
}

/// The picks that a grid visits of a domain, by their place: nothing is listed but what a text has listed, weights.
#[derive(Clone, Debug)]
pub struct Grid(Picks);

#[derive(Clone, Debug)]
enum Picks {
    /// So many ranks from 0.
    Ranks(u64),
    /// Ranks in another order.
    Listed(Arc<[u32]>),
    /// The inner quantiles of a real interval that is cut into so many parts.
    Quantiles { of: Domain, parts: u64 },
}

impl Grid {
    /// Number of picks.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.0 {
            Picks::Ranks(n) => *n,
            Picks::Listed(ranks) => ranks.len() as u64,
            Picks::Quantiles { parts, .. } => parts - 1,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pick at a place.
    #[must_use]
    pub fn get(&self, place: u64) -> Option<Pick> {
        match &self.0 {
            Picks::Ranks(n) => (place < *n).then_some(Pick::index(place)),
            Picks::Listed(ranks) => ranks.get(usize::try_from(place).ok()?).map(|r| Pick::index(u64::from(*r))),
            Picks::Quantiles { of, parts } => {
                (place < parts - 1).then(|| of.quantile((place + 1) as f64 / *parts as f64))?
            }
        }
    }

    /// The picks in order.
    pub fn iter(&self) -> impl Iterator<Item = Pick> + '_ {
        (0..self.len()).filter_map(|place| self.get(place))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Categorical(values) => write!(f, "{}", Value::List(values.clone())),
            Self::Range { lo, hi, step: 1 } => write!(f, "{lo}..={hi}"),
            Self::Range { lo, hi, step } => write!(f, "{lo}..={hi} step {step}"),
            Self::Subset { of, min, max } => {
                if *min == 0 && *max as usize == of.len() {
                    f.write_str("any of ")?;
                } else if min == max {
                    write!(f, "{min} of ")?;
                } else {
                    write!(f, "{min}..={max} of ")?;
                }
                if *of == Self::first(of.len()) {
                    write!(f, "{}", of.len())
                } else {
                    write!(f, "{}", Value::List(of.clone()))
                }
            }
            Self::Real { lo, hi, log } => write!(f, "real {lo}..={hi}{}", if *log { " log" } else { "" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_rank_and_unrank() {
        let any = Domain::Subset { of: Domain::first(3), min: 0, max: 3 };
        assert_eq!(any.size(), Some(8));
        for d in [any, Domain::Subset { of: Domain::first(7), min: 2, max: 4 }] {
            for rank in 0..d.size().expect("discrete") {
                let v = d.value(Pick::index(rank)).expect("in range");
                assert_eq!(d.pick(&v), Some(Pick::index(rank)), "{v}");
            }
            assert_eq!(d.value(Pick::index(d.size().expect("discrete"))), None);
        }
    }

    #[test]
    fn real_grid_is_quantiles() {
        let d = Domain::Real { lo: 0.0.into(), hi: 1.0.into(), log: false };
        let xs: Vec<f64> = d.grid(2).iter().map(Pick::as_real).collect();
        assert_eq!(xs, [0.25, 0.5, 0.75]);
        let d = Domain::Real { lo: 1.0.into(), hi: 16.0.into(), log: true };
        let xs: Vec<f64> = d.grid(2).iter().map(Pick::as_real).collect();
        assert!((xs[0] - 2.0).abs() < 1e-12 && (xs[2] - 8.0).abs() < 1e-12, "{xs:?}");
    }
}
