//! Hard limits: what a network may cost at most, as a rule of the space that architectures are drawn from.

use super::OneShotError;
use ir::{Convention, CostModel};
use mutators::{MutateError, Options, Rule, Sample, Space};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// What a network may cost at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Learned parameters; any number at 0.
    pub params: u64,
    /// Multiplications, as NAS-Bench counts them; any number at 0.
    pub macs: u64,
}

impl Limits {
    /// Reads its options, and writes them as an identity spells them.
    pub(super) fn take(options: &mut Options) -> Result<(Self, String), OneShotError> {
        let params = options.take_in("max_params", 0, 0, u64::MAX)?;
        let macs = options.take_in("max_macs", 0, 0, u64::MAX)?;
        Ok((Self { params, macs }, format!(",max_params={params},max_macs={macs}")))
    }

    /// The space of the samples that keep to the limits. A draw from it is repeated until it does, and so is an edit.
    ///
    /// # Errors
    /// If the space's cost cannot be told, or no draw keeps to them within the bound of tries.
    pub(super) fn on(self, space: &Space, rng: &mut ChaCha8Rng) -> Result<Space, OneShotError> {
        if self == Self::default() {
            return Ok(space.clone());
        }
        let model = CostModel::of(space.base(), Convention::Nasbench)?;
        let limited = space.clone().ruled(Arc::new(Limit { limits: self, words: self.words(), model }));
        match limited.sample(rng) {
            Ok(_) => Ok(limited),
            Err(MutateError::NoLegalSample { space, tries }) => {
                Err(OneShotError::Limits { space, limits: self.words(), tries })
            }
            Err(e) => Err(e.into()),
        }
    }

    fn words(self) -> String {
        let given = [("max_params", self.params), ("max_macs", self.macs)];
        let given = given.iter().filter(|(_, most)| *most > 0).map(|(name, most)| format!("{name}={most}"));
        given.collect::<Vec<_>>().join(" and ")
    }
}

#[derive(Debug)]
struct Limit {
    limits: Limits,
    words: String,
    model: CostModel,
}

impl Rule for Limit {
    fn describe(&self) -> &str {
        &self.words
    }

    fn admits(&self, sample: &Sample) -> bool {
        let within = |cost: u64, most: u64| most == 0 || cost <= most;
        let cost = self.model.cost(sample);
        cost.is_ok_and(|c| within(c.params, self.limits.params) && within(c.macs, self.limits.macs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codegen::init::stream;

    #[test]
    fn draws_and_edits_keep_to_the_limits() {
        let space = mutators::spaces::build("nasbench201:image=1x8x8,channels=4,cells=1").expect("it is in the hub");
        let mut rng = stream(1, &[b"limits"]);
        let costs = |s: &Sample| space.program(s).expect("a network").cost(Convention::Nasbench);
        let free: Vec<u64> = (0..50).map(|_| costs(&space.sample(&mut rng).expect("legal")).params).collect();
        let most = free.iter().sum::<u64>() / 50;
        assert!(free.iter().any(|p| *p > most));
        let limited = Limits { params: most, macs: 0 }.on(&space, &mut rng).expect("half of them do");
        let mut at = limited.sample(&mut rng).expect("legal");
        for _ in 0..50 {
            assert!(costs(&at).params <= most && costs(&limited.sample(&mut rng).expect("legal")).params <= most);
            at = limited.edit(&at, &mut rng).expect("another");
        }
        let error = Limits { params: 1, macs: 10 }.on(&space, &mut rng).expect_err("none").to_string();
        assert!(error.contains("keeps to max_params=1 and max_macs=10") && error.contains("10000 tries"), "{error}");
    }
}
