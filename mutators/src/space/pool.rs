//! Pools: finite parts of a space that a search walks member by member.

use super::{Rule, Space};
use crate::draw;
use crate::error::MutateError;
use crate::sample::Sample;
use ir::decision::Pick;
use ir::{Name, Value};
use rand::Rng;
use std::fmt::Debug;
use std::sync::Arc;

/// Some networks of a space, numbered from 0, of which nothing but each other is near: a table that scores only these.
///
/// Decisions are no way to walk such a part of a space. Draws would favour networks that many samples encode, and nearly
/// all edits would lead outside or to another encoding of the same network. A pool is walked by its members instead, and
/// each member has one sample that stands for it.
pub trait Pool: Debug + Send + Sync {
    /// What a sample must be to stand for a member, for messages: `the cell is one of the pool of 20,001`.
    fn describe(&self) -> &str;

    /// Number of members.
    fn members(&self) -> u64;

    /// The member whose network a sample encodes, whichever sample it is.
    fn member(&self, sample: &Sample) -> Option<u64>;

    /// The decisions and values of the sample that stands for a member.
    fn pairs(&self, member: u64) -> Vec<(Name, Value)>;

    /// The other members that are near a member, each once, in a fixed order.
    fn neighbours(&self, member: u64) -> Vec<u64>;
}

/// Admits the samples of a pool's members.
#[derive(Debug)]
struct Member(Arc<dyn Pool>);

impl Rule for Member {
    fn describe(&self) -> &str {
        self.0.describe()
    }

    fn admits(&self, sample: &Sample) -> bool {
        self.0.member(sample).is_some()
    }
}

impl Space {
    /// Restricts a static space to a pool: draws are uniform over its members, an edit leads to a neighbour, enumeration
    /// lists the members. Of several pools the last one is walked, where the others admit it.
    #[must_use]
    pub fn pooled(self, pool: Arc<dyn Pool>) -> Self {
        let mut space = self.ruled(Arc::new(Member(pool.clone())));
        space.pool = Some(pool);
        space
    }

    /// The pool that it is restricted to.
    #[must_use]
    pub fn pool(&self) -> Option<&Arc<dyn Pool>> {
        self.pool.as_ref()
    }

    /// The sample that stands for a member.
    pub(super) fn of_member(&self, pool: &dyn Pool, member: u64) -> Result<Sample, MutateError> {
        let schema = self.static_schema("walked by a pool's members")?;
        let pairs = pool.pairs(member);
        let picks: Box<[Pick]> = self.picks(schema, pairs.iter().map(|(label, value)| (label, value.clone())))?;
        Ok(Sample::new(schema.clone(), picks))
    }

    /// The sample of a member, each as likely as the others.
    pub(super) fn draw_member(&self, pool: &dyn Pool, rng: &mut dyn Rng) -> Result<Sample, MutateError> {
        self.of_member(pool, draw::below(rng, pool.members().max(1)))
    }

    /// The samples of the legal neighbours of the member that a sample stands for.
    pub(super) fn members_near(&self, pool: &dyn Pool, sample: &Sample) -> Result<Vec<Sample>, MutateError> {
        let member = pool.member(sample).ok_or_else(|| MutateError::Illegal(format!("\"{}\"", pool.describe())))?;
        let mut near = Vec::new();
        for other in pool.neighbours(member) {
            let other = self.of_member(pool, other)?;
            if self.is_legal(&other)? {
                near.push(other);
            }
        }
        Ok(near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Size, spaces};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::BTreeMap;

    /// Every third toy network in grid order, near the two that follow it in a ring.
    #[derive(Debug)]
    struct Third(Vec<Sample>);

    impl Third {
        fn new(space: &Space) -> Self {
            let all: Vec<Sample> = space.enumerate(0).expect("static").map(|s| s.expect("legal")).collect();
            Self(all.into_iter().skip(1).step_by(3).collect())
        }
    }

    impl Pool for Third {
        fn describe(&self) -> &str {
            "it is every third network"
        }
        fn members(&self) -> u64 {
            self.0.len() as u64
        }
        fn member(&self, sample: &Sample) -> Option<u64> {
            self.0.iter().position(|s| s == sample).map(|i| i as u64)
        }
        fn pairs(&self, member: u64) -> Vec<(Name, Value)> {
            self.0[member as usize].pairs().map(|(l, v)| (l.clone(), v)).collect()
        }
        fn neighbours(&self, member: u64) -> Vec<u64> {
            [1, 2].map(|by| (member + by) % self.members()).to_vec()
        }
    }

    fn toy() -> Space {
        spaces::build("toy").expect("it is in the hub")
    }

    fn thirds() -> Space {
        let space = toy();
        let pool = Arc::new(Third::new(&space));
        space.pooled(pool)
    }

    crate::space_conformance!(thirds());

    #[test]
    fn draws_are_uniform_over_the_members() {
        let (space, mut rng) = (thirds(), ChaCha8Rng::seed_from_u64(3));
        let mut drawn: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..8_000 {
            *drawn.entry(space.sample(&mut rng).expect("a member").to_string()).or_default() += 1;
        }
        assert_eq!(drawn.len(), 8);
        assert!(drawn.values().all(|n| n.abs_diff(1_000) < 150), "{drawn:?}");
    }

    #[test]
    fn edits_and_neighbours_are_the_pools() {
        let (space, mut rng) = (thirds(), ChaCha8Rng::seed_from_u64(4));
        let pool = space.pool().expect("a pool").clone();
        for at in 0..8 {
            let sample = space.of_member(&*pool, at).expect("a sample");
            let near: Vec<Option<u64>> = space
                .neighbours(&sample)
                .expect("static")
                .legal(&space)
                .map(|s| pool.member(&s.expect("legal")))
                .collect();
            assert_eq!(near, [1, 2].map(|by| Some((at + by) % 8)));
            let mut met = [false; 2];
            for _ in 0..40 {
                let edited = pool.member(&space.edit(&sample, &mut rng).expect("a neighbour"));
                met[near.iter().position(|n| *n == edited).expect("one of them")] = true;
            }
            assert_eq!(met, [true; 2]);
        }
    }

    #[test]
    fn members_are_counted_and_enumerated() {
        let space = thirds();
        assert_eq!(space.size(), Size::Exactly(8));
        let listed: Vec<Sample> = space.enumerate(0).expect("static").map(|s| s.expect("legal")).collect();
        let whole: Vec<Sample> = toy().enumerate(0).expect("static").map(|s| s.expect("legal")).collect();
        assert_eq!(listed, whole.into_iter().skip(1).step_by(3).collect::<Vec<_>>());
        assert!(space.check(&space.default_sample().expect("a member")).is_ok());
    }

    #[test]
    fn what_is_outside_is_refused() {
        let (space, mut rng) = (thirds(), ChaCha8Rng::seed_from_u64(5));
        let outside = toy().enumerate(0).expect("static").next().expect("one").expect("legal");
        for error in [
            space.bind(&outside).expect_err("outside"),
            space.neighbours(&outside).expect_err("outside"),
            space.edit(&outside, &mut rng).expect_err("outside"),
        ] {
            assert_eq!(error.to_string(), "the sample breaks the constraint \"it is every third network\"");
        }
    }
}
