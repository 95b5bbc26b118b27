//! The hub: every strategy by name, each in one file.

use crate::dedup::Dedup;
use crate::error::StrategyError;
use crate::grid::Grid;
use crate::local_search::LocalSearch;
use crate::one_shot_list::{ONE_SHOT, is_one_shot};
use crate::random::Random;
use crate::regularized_evolution::RegularizedEvolution;
use crate::strategy::Strategy;
use mutators::Options;

/// A strategy of the hub.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line, with its source.
    pub summary: &'static str,
    /// Its options with their defaults; every strategy has `dedup=false` too.
    pub options: &'static str,
    /// Whether it is there with libtorch only. The list is the same without; [`build`] then says how to have it.
    pub needs_torch: bool,
    /// None where it needs what this build is without.
    build: Option<Build>,
}

type Build = fn(&mut Options) -> Result<Box<dyn Strategy>, StrategyError>;

#[cfg(feature = "torch")]
const REINFORCE: Option<Build> = Some(crate::one_shot::Reinforce::build);
#[cfg(not(feature = "torch"))]
const REINFORCE: Option<Build> = None;

/// Every strategy, in alphabetical order.
pub const STRATEGIES: &[Entry] = &[
    Entry {
        name: "grid",
        summary: "every sample once in nested-loop order, 2^granularity - 1 points of a real interval",
        options: "granularity=2",
        needs_torch: false,
        build: Some(Grid::build),
    },
    Entry {
        name: "local-search",
        summary: "climbs to the best or first better neighbour, restarts at random (White et al. 2020)",
        options: "improvement=best,initial=1",
        needs_torch: false,
        build: Some(LocalSearch::build),
    },
    Entry {
        name: "random",
        summary: "random search, with or without replacement (Bergstra and Bengio 2012)",
        options: "replace=false",
        needs_torch: false,
        build: Some(Random::build),
    },
    Entry {
        name: "regularized-evolution",
        summary: "edits the best of a tournament, the oldest dies (Real et al. 2019)",
        options: "population=100,sample=25,replacement=true",
        needs_torch: false,
        build: Some(RegularizedEvolution::build),
    },
    Entry {
        name: "reinforce",
        summary: "an LSTM draws samples and learns from their scores (Zoph and Le 2017)",
        options: "arch_lr=0.01,entropy=0,baseline=0.9,tau=1,bound=2.5,hidden=64",
        needs_torch: true,
        build: REINFORCE,
    },
];

/// Builds a strategy from its name and options, `regularized-evolution:population=10,sample=3`. With `dedup=true` it
/// never tries an equal network twice.
///
/// A strategy's identity, built again, gives an equal strategy.
///
/// # Errors
/// If there is no such strategy or option, or a value does not fit.
pub fn build(text: &str) -> Result<Box<dyn Strategy>, StrategyError> {
    let mut options: Options = text.parse()?;
    let Some(entry) = STRATEGIES.iter().find(|s| s.name == options.name) else {
        if is_one_shot(&options.name) {
            return Err(StrategyError::OneShot { name: options.name });
        }
        let names = || STRATEGIES.iter().map(|s| s.name).chain(ONE_SHOT.iter().map(|s| s.name));
        return Err(StrategyError::Unknown {
            nearest: ir::text::nearest(&options.name, names()),
            known: names().collect::<Vec<_>>().join(", "),
            name: options.name,
        });
    };
    let Some(build) = entry.build else { return Err(StrategyError::NeedsTorch { name: options.name }) };
    let strategy = build(&mut options)?;
    let dedup = options.take("dedup", false)?;
    options.finish()?;
    Ok(if dedup { Box::new(Dedup::new(strategy)) } else { strategy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_build_equal_strategies() {
        for entry in STRATEGIES.iter().filter(|e| e.build.is_some()) {
            for dedup in ["", ":dedup=true"] {
                let strategy = build(&format!("{}{dedup}", entry.name)).expect("defaults fit");
                let identity = strategy.identity().to_owned();
                assert_eq!(identity.ends_with(",dedup=true"), !dedup.is_empty(), "{identity}");
                assert_eq!(build(&identity).expect("an identity is a text").identity(), identity);
            }
            let defaults = format!("{}:{}", entry.name, entry.options);
            assert_eq!(build(&defaults).expect("documented options").identity(), defaults);
        }
        assert!(STRATEGIES.is_sorted_by_key(|e| e.name));
    }

    #[test]
    fn what_a_build_is_without_is_told_apart_from_what_there_is_not() {
        for entry in STRATEGIES.iter().filter(|e| e.needs_torch) {
            match build(entry.name) {
                Ok(strategy) => assert!(cfg!(feature = "torch") && strategy.identity().starts_with(entry.name)),
                Err(e) => assert!(cfg!(not(feature = "torch")) && e.to_string().contains("--features torch"), "{e}"),
            }
        }
        assert!(STRATEGIES.iter().any(|e| e.needs_torch));
    }

    #[test]
    fn errors_name_the_nearest() {
        let err = |text: &str| build(text).expect_err("bad").to_string();
        assert!(
            err("randon").starts_with(
                "no strategy `randon` (did you mean `random`?); there are grid, local-search, random, \
                 regularized-evolution, reinforce, darts, darts-pt, "
            ),
            "{}",
            err("randon")
        );
        assert!(err("dart").contains("did you mean `darts`?"), "{}", err("dart"));
        assert!(err("gdas:tau=1").contains("trains a supernet"), "{}", err("gdas:tau=1"));
        assert_eq!(
            err("regularized-evolution:populaton=3"),
            "`regularized-evolution` has no option `populaton` (did you mean `population`?); \
             it has: population, replacement, sample, dedup"
        );
        assert_eq!(
            err("regularized-evolution:population=3,sample=4,replacement=false"),
            "`regularized-evolution`: sample=4 is out of range; it lies in 1..=3"
        );
        assert_eq!(err("grid:granularity=0"), "`grid`: granularity=0 is out of range; it lies in 1..=20");
        assert!(err("random:replace=perhaps").contains("replace=perhaps"), "{}", err("random:replace=perhaps"));
        assert!(err("local-search:improvement=firts").contains("did you mean `first`?"));
    }
}
