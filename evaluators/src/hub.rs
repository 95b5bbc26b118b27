//! The hub: every evaluator by name, each in one file.

use crate::combined::Combined;
use crate::cost::Cost;
use crate::error::EvaluateError;
use crate::evaluator::Evaluator;
use crate::latency::Latency;
use crate::nasbench101::Nasbench101Evaluator;
use crate::nasbench101_pool::Nasbench101PoolEvaluator;
use crate::nasbench201::{Nasbench201Evaluator, Nasbench201Options};
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
    build: fn(Options) -> Result<Box<dyn Evaluator>, EvaluateError>,
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
        build: |options| boxed(Cost::build(options)),
    },
    Entry {
        name: "latency",
        summary: "measured latency of NAS-Bench-201 cells on 27 devices (HELP, Lee et al. 2021)",
        options: Latency::HELP,
        build: |options| boxed(Latency::build(options)),
    },
    Entry {
        name: "nasbench101",
        summary: "test accuracy of 423,624 cells on CIFAR-10, an oracle (Ying et al. 2019)",
        options: "",
        build: |options| boxed(Nasbench101Evaluator::build(options)),
    },
    Entry {
        name: "nasbench101-pool",
        summary: "validation accuracy of 20,001 NAS-Bench-101 cells at 4 to 108 epochs (Ying et al. 2019)",
        options: Nasbench101PoolEvaluator::HELP,
        build: |options| boxed(Nasbench101PoolEvaluator::build(options)),
    },
    Entry {
        name: "nasbench201",
        summary: "validation accuracy of 15,625 cells on three datasets (Dong and Yang 2020)",
        options: Nasbench201Options::HELP,
        build: |options| boxed(Nasbench201Evaluator::build(options)),
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
    (entry.build)(options)
}
