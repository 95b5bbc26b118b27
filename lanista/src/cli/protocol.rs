//! What to run: the flags of `search`, with what a published protocol sets.

use super::args::{Protocol, SearchArgs};
use super::failure::Failure;
use evaluators::EVALUATORS;
use mutators::Space;
use strategies::Crossing;

/// A search as it is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The strategy with its options.
    pub strategy: String,
    /// The evaluator with its options.
    pub evaluator: String,
    /// Budget of trials.
    pub trials: Option<u64>,
    /// Budget of simulated seconds.
    pub simulated: Option<f64>,
    /// What becomes of the trial that crosses it.
    pub crossing: Crossing,
    /// Budget of wall-clock seconds.
    pub wall: Option<f64>,
    /// Trials at a time.
    pub jobs: usize,
    /// The protocol that it follows.
    pub protocol: Option<&'static str>,
}

/// What NAS-Bench-201's authors did (Dong and Yang 2020, section 5): budget, evaluator, and the settings of the
/// strategies that they name.
mod nasbench201_paper {
    pub const NAME: &str = "nasbench201-paper";
    pub const SECONDS: f64 = 12_000.0;
    pub const EVALUATOR: &str = "nasbench201:dataset=cifar10,epochs=12,report=200";
    pub const STRATEGIES: [&str; 2] =
        ["regularized-evolution:population=10,sample=3,replacement=true", "random:replace=true"];
}

impl Plan {
    /// The plan that the flags describe.
    pub fn of(args: &SearchArgs, space: &Space) -> Result<Self, Failure> {
        match args.protocol {
            Some(Protocol::Nasbench201Paper) => paper(args),
            None => plain(args, space),
        }
    }

    /// The protocol of that name.
    pub fn protocol(name: &str) -> Option<&'static str> {
        (name == nasbench201_paper::NAME).then_some(nasbench201_paper::NAME)
    }
}

fn plain(args: &SearchArgs, space: &Space) -> Result<Plan, Failure> {
    let Some(strategy) = args.strategy.clone() else {
        return Err(Failure::usage("no strategy is given; add --strategy NAME, and see `lanista strategies`"));
    };
    let Some(evaluator) = args.evaluator.clone() else {
        let fitting = fitting(space).join(", ");
        return Err(Failure::usage(format!(
            "no evaluator is given; add --evaluator NAME, for space `{}` one of {fitting}",
            space.name()
        )));
    };
    if args.trials.is_none() && args.time_budget.is_none() && args.simulated_budget.is_none() {
        return Err(Failure::usage(
            "nothing would end the search; add --trials N, --time-budget SECONDS or --simulated-budget SECONDS",
        ));
    }
    Ok(Plan {
        strategy,
        evaluator,
        trials: args.trials,
        simulated: args.simulated_budget,
        crossing: Crossing::Counted,
        wall: args.time_budget,
        jobs: args.jobs.unwrap_or(1) as usize,
        protocol: None,
    })
}

/// The evaluators that score a space when they are left at their defaults.
fn fitting(space: &Space) -> Vec<&'static str> {
    let fits = |name: &str| evaluators::build(name).is_ok_and(|e| e.accepts(space).is_ok());
    EVALUATORS.iter().map(|e| e.name).filter(|name| fits(name)).collect()
}

fn paper(args: &SearchArgs) -> Result<Plan, Failure> {
    use nasbench201_paper::{EVALUATOR, NAME, SECONDS, STRATEGIES};
    let conflict = |flag: &str, what: &str| {
        Err(Failure::usage(format!("{flag} conflicts with --protocol {NAME}, which {what}; leave one of them out")))
    };
    if !["nasbench201", "nasbench201:dataset=cifar10"].contains(&args.target.as_str()) {
        return conflict(&format!("space `{}`", args.target), "searches `nasbench201` with the networks for cifar10");
    }
    if args.evaluator.is_some() {
        return conflict("--evaluator", &format!("sets it to {EVALUATOR}"));
    }
    let budget = format!("ends a search after {SECONDS} simulated seconds");
    for (flag, given) in [
        ("--trials", args.trials.is_some()),
        ("--time-budget", args.time_budget.is_some()),
        ("--simulated-budget", args.simulated_budget.is_some()),
    ] {
        if given {
            return conflict(flag, &budget);
        }
    }
    if args.jobs.is_some_and(|jobs| jobs != 1) {
        return conflict("--jobs", "runs one trial at a time");
    }
    let given = args.strategy.as_deref().unwrap_or(STRATEGIES[0]);
    let (name, options) = given.split_once(':').unwrap_or((given, ""));
    let known = STRATEGIES.iter().find(|s| s.split(':').next() == Some(name));
    let strategy = match known {
        None => given.to_owned(),
        Some(set) => {
            let (_, settings) = set.split_once(':').unwrap_or((set, ""));
            let mut merged = settings.to_owned();
            for option in options.split(',').map(str::trim).filter(|o| !o.is_empty()) {
                let key = option.split('=').next().unwrap_or(option);
                match settings.split(',').find(|s| s.split('=').next() == Some(key)) {
                    Some(set) if set == option => {}
                    Some(set) => return conflict(&format!("--strategy {name}:{option}"), &format!("sets {set}")),
                    None => merged.extend([",", option]),
                }
            }
            format!("{name}:{merged}")
        }
    };
    Ok(Plan {
        strategy,
        evaluator: EVALUATOR.into(),
        trials: None,
        simulated: Some(SECONDS),
        crossing: Crossing::Discarded,
        wall: None,
        jobs: 1,
        protocol: Some(NAME),
    })
}

/// What was published under a protocol, to be printed beside a result.
pub fn published(protocol: &str) -> Option<&'static str> {
    (protocol == nasbench201_paper::NAME).then_some(
        "cifar10 test accuracy over 500 seeds: random 93.70 +- 0.36, regularized evolution 93.92 +- 0.30, \
         REINFORCE 93.85 +- 0.37 (Dong and Yang 2020)",
    )
}
