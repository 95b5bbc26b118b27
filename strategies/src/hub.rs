//! The hub: every strategy by name, each in one file.

use crate::dedup::Dedup;
use crate::error::StrategyError;
use crate::grid::Grid;
use crate::local_search::LocalSearch;
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
    build: fn(&mut Options) -> Result<Box<dyn Strategy>, StrategyError>,
}

/// Every strategy, in alphabetical order.
pub const STRATEGIES: &[Entry] = &[
    Entry {
        name: "grid",
        summary: "every sample once in nested-loop order, 2^granularity - 1 points of a real interval",
        options: "granularity=2",
        build: Grid::build,
    },
    Entry {
        name: "local-search",
        summary: "climbs to the best or first better neighbour, restarts at random (White et al. 2020)",
        options: "improvement=best,initial=1",
        build: LocalSearch::build,
    },
    Entry {
        name: "random",
        summary: "random search, with or without replacement (Bergstra and Bengio 2012)",
        options: "replace=false",
        build: Random::build,
    },
    Entry {
        name: "regularized-evolution",
        summary: "edits the best of a tournament, the oldest dies (Real et al. 2019)",
        options: "population=100,sample=25,replacement=true",
        build: RegularizedEvolution::build,
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
        let names = || STRATEGIES.iter().map(|s| s.name);
        return Err(StrategyError::Unknown {
            nearest: ir::text::nearest(&options.name, names()),
            known: names().collect::<Vec<_>>().join(", "),
            name: options.name,
        });
    };
    let strategy = (entry.build)(&mut options)?;
    let dedup = options.take("dedup", false)?;
    options.finish()?;
    Ok(if dedup { Box::new(Dedup::new(strategy)) } else { strategy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_build_equal_strategies() {
        for entry in STRATEGIES {
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
    fn errors_name_the_nearest() {
        let err = |text: &str| build(text).expect_err("bad").to_string();
        assert_eq!(
            err("randon"),
            "no strategy `randon` (did you mean `random`?); there are grid, local-search, random, regularized-evolution"
        );
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
