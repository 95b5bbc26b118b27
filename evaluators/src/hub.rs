//! The hub: every evaluator by name, each in one file.

use crate::combined::Combined;
use crate::cost::Cost;
use crate::error::EvaluateError;
use crate::evaluator::Evaluator;
use crate::latency::Latency;
use crate::nasbench101::Nasbench101Evaluator;
use crate::nasbench101_pool::Nasbench101PoolEvaluator;
use crate::nasbench201::{Nasbench201Evaluator, Nasbench201Options};
use crate::with_torch;
use mutators::Options;

/// An evaluator of the hub.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line, with its source.
    pub summary: &'static str,
    /// Its options with their defaults.
    pub options: &'static str,
    /// Whether it is there with libtorch only. The list is the same without; [`build`] then says how to have it.
    pub needs_torch: bool,
    /// None where it needs what this build is without.
    build: Option<fn(Options) -> Result<Box<dyn Evaluator>, EvaluateError>>,
}

/// What builds an evaluator that needs libtorch, if that is there.
macro_rules! with_torch {
    ($evaluator:ty) => {{
        #[cfg(feature = "torch")]
        let build: Option<fn(Options) -> Result<Box<dyn Evaluator>, EvaluateError>> =
            Some(|options| boxed(<$evaluator>::build(options)));
        #[cfg(not(feature = "torch"))]
        let build = None;
        build
    }};
}

/// Makes a constructor's result one of any evaluator.
fn boxed<E: Evaluator + 'static>(made: Result<E, EvaluateError>) -> Result<Box<dyn Evaluator>, EvaluateError> {
    Ok(Box::new(made?))
}

/// Every evaluator that has a name, in alphabetical order. [`Function`](crate::Function) has none: it is a closure.
pub const EVALUATORS: &[Entry] = &[
    Entry {
        name: "cost",
        summary: "parameters or operations of the network, in any space",
        options: Cost::HELP,
        needs_torch: false,
        build: Some(|options| boxed(Cost::build(options))),
    },
    Entry {
        name: "latency",
        summary: "measured latency of NAS-Bench-201 cells on 27 devices (HELP, Lee et al. 2021)",
        options: Latency::HELP,
        needs_torch: false,
        build: Some(|options| boxed(Latency::build(options))),
    },
    Entry {
        name: "nasbench101",
        summary: "test accuracy of 423,624 cells on CIFAR-10, an oracle (Ying et al. 2019)",
        options: "",
        needs_torch: false,
        build: Some(|options| boxed(Nasbench101Evaluator::build(options))),
    },
    Entry {
        name: "nasbench101-pool",
        summary: "validation accuracy of 20,001 NAS-Bench-101 cells at 4 to 108 epochs (Ying et al. 2019)",
        options: Nasbench101PoolEvaluator::HELP,
        needs_torch: false,
        build: Some(|options| boxed(Nasbench101PoolEvaluator::build(options))),
    },
    Entry {
        name: "nasbench201",
        summary: "validation accuracy of 15,625 cells on three datasets (Dong and Yang 2020)",
        options: Nasbench201Options::HELP,
        needs_torch: false,
        build: Some(|options| boxed(Nasbench201Evaluator::build(options))),
    },
    Entry {
        name: "train",
        summary: "accuracy of the network after training it, on what is held out from a data set",
        options: with_torch::TRAIN,
        needs_torch: true,
        build: with_torch!(crate::train::Train),
    },
    Entry {
        name: "zero-cost",
        summary: "a zero-cost proxy of the untrained network, params and MACs beside it, in any space of image classifiers",
        options: with_torch::ZERO_COST,
        needs_torch: true,
        build: with_torch!(crate::zero_cost::ZeroCost),
    },
];

/// Builds an evaluator from its name and options, `nasbench201:dataset=cifar10,epochs=12`; of several, joined by `+`,
/// it makes one that gives the metrics of all, the first one's first.
///
/// # Errors
/// If there is no such evaluator or option, or a value does not fit; if a table cannot be loaded.
pub fn build(text: &str) -> Result<Box<dyn Evaluator>, EvaluateError> {
    let mut parts = text.split('+').map(build_one);
    let first = parts.next().unwrap_or_else(|| build_one(""))?;
    let others: Vec<Box<dyn Evaluator>> = parts.collect::<Result<_, _>>()?;
    if others.is_empty() {
        return Ok(first);
    }
    Ok(Box::new(Combined::new(first, others)))
}

fn build_one(text: &str) -> Result<Box<dyn Evaluator>, EvaluateError> {
    let options: Options = text.parse()?;
    let Some(entry) = EVALUATORS.iter().find(|e| e.name == options.name) else {
        let names = || EVALUATORS.iter().map(|e| e.name);
        return Err(EvaluateError::Unknown {
            nearest: ir::text::nearest(&options.name, names()),
            known: names().collect::<Vec<_>>().join(", "),
            // Of a runaway argument the start is enough.
            name: options.name.chars().take(64).collect(),
        });
    };
    match entry.build {
        Some(build) => build(options),
        None => Err(EvaluateError::NeedsTorch { name: options.name }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message of what is no evaluator.
    fn refusal(text: &str) -> String {
        build(text).expect_err("no evaluator").to_string()
    }

    #[test]
    fn the_list_is_sorted_and_tells_the_defaults() {
        assert!(EVALUATORS.is_sorted_by_key(|e| e.name));
        for entry in EVALUATORS {
            let first = |option: &str| {
                let end = option.find(['|', ' ']).unwrap_or(option.len());
                option[..end].to_owned()
            };
            let defaults: Vec<String> = entry.options.split(", ").filter(|o| !o.is_empty()).map(first).collect();
            let text = if defaults.is_empty() {
                entry.name.to_owned()
            } else {
                format!("{}:{}", entry.name, defaults.join(","))
            };
            let plain = match build(entry.name) {
                Err(e) if entry.build.is_none() => {
                    assert!(entry.needs_torch && e.to_string().contains("--features torch"), "{e}");
                    continue;
                }
                plain => plain.expect(entry.name),
            };
            assert_eq!(plain.identity(), text);
            assert_eq!(build(&text).expect("the defaults").identity(), text);
        }
    }

    #[test]
    fn what_is_no_evaluator_is_named_with_the_nearest() {
        let known = "no evaluator is called `nasbench201-` (did you mean `nasbench201`?); there are cost, latency, \
                     nasbench101, nasbench101-pool, nasbench201, train, zero-cost";
        assert!(refusal("nasbench201-").starts_with(known));
        assert!(refusal("").starts_with("no evaluator is called ``; there are cost"));
        assert!(refusal("cost+").starts_with("no evaluator is called ``"));
        assert!(refusal(&"x".repeat(10_000)).len() < 200);
        assert!(refusal("cost:convention=topp").contains("did you mean `thop`?"));
        assert!(refusal("cost:metric").contains("write options as name:key=value"));
        assert!(refusal("latency:device=raspi").contains("unknown device `raspi`, did you mean `raspi4`?"));
        assert!(refusal("nasbench101-pool:epochs=200").contains("is none of 4, 12, 36, 108"));
        assert!(refusal("nasbench101:epochs=108").contains("has no option `epochs`"));
    }

    #[test]
    fn joined_evaluators_give_the_metrics_of_all() {
        let both = build("nasbench201:epochs=12+latency:device=raspi4").expect("an evaluator");
        assert_eq!(
            both.identity(),
            "nasbench201:dataset=cifar10,epochs=12,trial=mean,report=200+latency:device=raspi4"
        );
        let units: Vec<&str> = both.search_metrics().iter().map(|m| m.unit).collect();
        assert_eq!(units, ["%", "ms"]);
        assert_eq!(both.report_metrics().len(), 3);
    }
}
