//! The one-shot strategies by name, with their papers' settings.

use super::OneShotError;
use super::adam::Adam;
use super::course::Report;
use super::enas::Enas;
use super::gradient::Differentiable;
use super::mixed::{Mixed, Perturb};
use super::mixture::Mixture;
use super::removal::ReadOff;
use super::sampled::SinglePath;
use super::search::{Found, Keep};
use super::supernet::Supernet;

use crate::error::StrategyError;
use crate::one_shot_list::ONE_SHOT;
use evaluators::train::{Dataset, Recipe};
use mutators::{Options, Space};

/// A one-shot strategy.
#[derive(Clone, Debug, PartialEq)]
pub enum OneShot {
    /// Weights and architecture parameters learn in turns.
    Differentiable(Differentiable),
    /// Weights learn along paths that a controller draws.
    Enas(Enas),
    /// Weights learn one path at a time; the architecture is searched afterwards.
    SinglePath(SinglePath),
}

/// Liu, Simonyan and Yang 2019, appendix A.1.
const DARTS: Adam = Adam { rate: 3e-4, betas: (0.5, 0.999), weight_decay: 1e-3 };

fn differentiable(mixture: Mixture) -> Differentiable {
    Differentiable {
        identity: String::new(),
        mixture,
        mixed: Mixed::default(),
        read_off: ReadOff::Strength,
        second_order: false,
        adam: DARTS,
        deviation: 1e-3,
        temperature: (1.0, 1.0),
        warmup: 0,
        stop_free: 1.0,
        cost: None,
        cost_weight: 0.1,
        device: "1080ti_1".to_owned(),
        zero_one: 0.0,
        divergence: 0.0,
        hessian: 0,
    }
}

/// The strategy of a name with its paper's settings, as far as the options leave them.
fn named(options: &mut Options) -> Result<OneShot, OneShotError> {
    let paper = match options.name.as_str() {
        "darts" => Differentiable { second_order: true, ..differentiable(Mixture::Softmax) },
        "darts-pt" => Differentiable { read_off: ReadOff::Removal { tune: 5 }, ..differentiable(Mixture::Softmax) },
        "drnas" => {
            let adam = Adam { rate: 6e-4, ..DARTS };
            Differentiable { adam, ..differentiable(Mixture::Dirichlet) }
        }
        "fair-darts" => Differentiable { zero_one: 10.0, ..differentiable(Mixture::Sigmoid) },
        "gdas" => Differentiable { temperature: (10.0, 0.1), ..differentiable(Mixture::HardGumbel) },
        "pc-darts" => {
            let (adam, mixed) = (Adam { rate: 6e-4, ..DARTS }, Mixed { partial: 4, edges: true, ..Mixed::default() });
            Differentiable { adam, mixed, warmup: 15, ..differentiable(Mixture::Softmax) }
        }
        "proxyless" => {
            // Without a memory of directions, so that what was not drawn stays.
            let adam = Adam { rate: 1e-3, betas: (0.0, 0.999), weight_decay: 0.0 };
            Differentiable { adam, ..differentiable(Mixture::TwoPaths) }
        }
        "sdarts" => {
            let mixed = Mixed { perturb: Some(Perturb::Random), ..Mixed::default() };
            Differentiable { mixed, ..differentiable(Mixture::Softmax) }
        }
        "snas" => {
            let adam = Adam { rate: 1e-3, ..DARTS };
            Differentiable { adam, temperature: (1.0, 0.03), ..differentiable(Mixture::Gumbel) }
        }
        "enas" => return Ok(OneShot::Enas(Enas::take(options)?)),
        "random-one-shot" => return Ok(OneShot::SinglePath(SinglePath::take("random", options)?)),
        "spos" => {
            let evolution = "regularized-evolution:population=50,sample=10";
            return Ok(OneShot::SinglePath(SinglePath::take(evolution, options)?));
        }
        _ => {
            let names = || ONE_SHOT.iter().map(|s| s.name);
            return Err(OneShotError::Strategy(StrategyError::Unknown {
                nearest: ir::text::nearest(&options.name, names()),
                known: names().collect::<Vec<_>>().join(", "),
                name: options.name.clone(),
            }));
        }
    };
    Ok(OneShot::Differentiable(paper.take(options)?))
}

/// Builds a one-shot strategy from its name and options, `darts:order=1`.
///
/// # Errors
/// If there is no such strategy or option, or a value does not fit.
pub fn build(text: &str) -> Result<OneShot, OneShotError> {
    let mut options: Options = text.parse()?;
    let strategy = named(&mut options)?;
    options.finish()?;
    Ok(strategy)
}

impl OneShot {
    /// Its name with the options that it was made with: built again, it gives an equal strategy.
    #[must_use]
    pub fn identity(&self) -> &str {
        match self {
            Self::Differentiable(s) => &s.identity,
            Self::Enas(s) => &s.identity,
            Self::SinglePath(s) => &s.identity,
        }
    }

    /// Searches a space with a data set; epochs are kept, if so asked, and reported as they close.
    ///
    /// # Errors
    /// If the space has a decision that no supernet holds open, the network does not fit the data set or the memory, or
    /// a loss or a parameter is no number; if the checkpoint is of another search, or cannot be written.
    pub fn search(
        &self,
        space: &Space,
        dataset: &Dataset,
        recipe: &Recipe,
        keep: Option<&Keep>,
        report: Report<'_>,
    ) -> Result<Found, OneShotError> {
        let name = self.identity().split(':').next().unwrap_or_default();
        let share = if let Self::Differentiable(s) = self { s.mixed.partial } else { 1 };
        let mut net = Supernet::partial(name, space, share, dataset, recipe)?;
        match self {
            Self::Differentiable(s) => s.search(&mut net, keep, report),
            Self::Enas(s) => s.search(&mut net, keep, report),
            Self::SinglePath(s) => s.search(net, keep, report),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::is_one_shot;

    #[test]
    fn identities_build_equal_strategies() {
        for entry in ONE_SHOT {
            let made = build(entry.name).expect("defaults fit");
            assert_eq!(made.identity(), format!("{}:{}", entry.name, entry.options));
            assert_eq!(build(made.identity()).expect("an identity is a text"), made);
            assert!(is_one_shot(made.identity()));
        }
        assert!(ONE_SHOT.is_sorted_by_key(|e| e.name));
        assert!(!is_one_shot("random"));
    }

    #[test]
    fn errors_name_the_nearest() {
        let err = |text: &str| build(text).expect_err("bad").to_string();
        assert!(err("dart").contains("did you mean `darts`?"), "{}", err("dart"));
        assert!(err("darts:tau=1").contains("`darts` has no option `tau`"), "{}", err("darts:tau=1"));
        assert!(err("gdas:tau=0").contains("tau=0 is out of range"), "{}", err("gdas:tau=0"));
    }
}
