//! Counting a space without enumerating it.

use super::Space;
use crate::schema::Schema;
use ir::decision::Pick;
use petgraph::unionfind::UnionFind;
use std::fmt;

/// Number of samples of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Exactly this many.
    Exactly(u128),
    /// At most this many: constraints or rules exclude some, too many to try.
    AtMost(u128),
    /// Not finite, or not known: a real interval, or a dynamic mutator.
    Unbounded,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(n) => write!(f, "{n}"),
            Self::AtMost(n) => write!(f, "at most {n}"),
            Self::Unbounded => f.write_str("unbounded"),
        }
    }
}

/// Spaces with constraints are counted by trying, up to this size.
const MAX_TRIED: u128 = 1 << 20;
/// Joint values of the decisions that guard others, per independent part, up to which a count is exact.
const MAX_GUARDS: u128 = 1 << 22;

impl Space {
    /// Number of distinct samples: inactive decisions do not multiply it.
    #[must_use]
    pub fn size(&self) -> Size {
        let Some(schema) = self.schema() else { return Size::Unbounded };
        if schema.slots().iter().any(|s| s.size.is_none()) {
            return Size::Unbounded;
        }
        let raw = match self.pool() {
            Some(pool) => Some(pool.members().into()),
            None => parts(schema).iter().try_fold(1u128, |n, part| n.checked_mul(count(schema, part)?)),
        };
        match raw {
            None => Size::Unbounded,
            Some(n) if self.constraints.is_empty() && self.rules.is_empty() => Size::Exactly(n),
            Some(n) if n <= MAX_TRIED => match self.enumerate(0) {
                Ok(samples) => Size::Exactly(samples.filter(Result::is_ok).count() as u128),
                Err(_) => Size::AtMost(n),
            },
            Some(n) => Size::AtMost(n),
        }
    }
}

/// The slots in parts that do not guard each other, each in guard order.
fn parts(schema: &Schema) -> Vec<Vec<usize>> {
    let n = schema.slots().len();
    let mut ties = UnionFind::new(n);
    for (i, slot) in schema.slots().iter().enumerate() {
        for (s, _) in slot.guard.iter().flatten().flatten() {
            ties.union(i, *s);
        }
    }
    let part = ties.into_labeling();
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); n];
    schema.guard_order().iter().for_each(|i| out[part[*i]].push(*i));
    out.retain(|p| !p.is_empty());
    out
}

/// Number of distinct assignments of a part: the guards are looped over, what they wake is multiplied.
fn count(schema: &Schema, part: &[usize]) -> Option<u128> {
    let slots = schema.slots();
    let guards: Vec<usize> = part
        .iter()
        .copied()
        .filter(|g| part.iter().any(|i| slots[*i].guard.iter().flatten().flatten().any(|(s, _)| s == g)))
        .collect();
    let loops = guards.iter().try_fold(1u128, |n, g| n.checked_mul(slots[*g].size?.into()))?;
    if loops > MAX_GUARDS {
        return None;
    }
    fn go(schema: &Schema, part: &[usize], guards: &[usize], depth: usize, picks: &mut [Pick]) -> Option<u128> {
        if depth == guards.len() {
            return part
                .iter()
                .filter(|i| !guards.contains(i) && schema.is_active(**i, picks))
                .try_fold(1u128, |n, i| n.checked_mul(schema.slots()[*i].size?.into()));
        }
        let g = guards[depth];
        if !schema.is_active(g, picks) {
            picks[g] = Pick::INACTIVE;
            return go(schema, part, guards, depth + 1, picks);
        }
        let mut total = 0u128;
        for rank in 0..schema.slots()[g].size? {
            picks[g] = Pick::index(rank);
            total = total.checked_add(go(schema, part, guards, depth + 1, picks)?)?;
        }
        picks[g] = Pick::INACTIVE;
        Some(total)
    }
    go(schema, part, &guards, 0, &mut vec![Pick::INACTIVE; slots.len()])
}
