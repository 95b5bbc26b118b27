//! The supernet where every number has a value: plans over slices of the shared weights.

use super::Route;
use crate::one_shot::OneShotError;
use crate::one_shot::choice::{Choice, Kind};
use crate::one_shot::numbers::{self, Decided};
use codegen::torch::{Executor, Layout, Params, Selection};
use codegen::{Kernel, Plan, Wrt};
use evaluators::data::Data;
use evaluators::train::{Recipe, prediction_plan, training_plan};
use ir::{Elaboration, Module, Name, Program};
use mutators::Space;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Plans that are kept at a time: what a step needs is there again within a few steps, or made anew.
const KEPT: usize = 32;

/// What a training plan is differentiated by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Weights,
    Factors,
    Both,
    Nothing,
}

/// A training plan, and the step that joins each site's arms.
#[derive(Debug)]
pub(super) struct Training {
    pub exec: Executor,
    pub joins: Vec<usize>,
}

/// The network for one value of each number; choices, selects and repeats stay open.
#[derive(Debug)]
pub(super) struct Subnet {
    pub program: Program,
    /// The decision of each site.
    pub of_site: Vec<usize>,
    pub predict: Executor,
    training: [Option<Arc<Training>>; 4],
    /// Its weights, slices of the supernet's.
    pub params: Params,
    /// The supernet's weight that each is a slice of.
    pub of_weight: Vec<usize>,
}

impl Subnet {
    /// What a run does at each site.
    pub fn selection(&self, route: &Route) -> Selection {
        Selection { sites: self.of_site.iter().map(|choice| route.at(*choice)).collect() }
    }

    /// A training plan that is there.
    pub fn training(&self, by: By) -> Arc<Training> {
        self.training[by as usize].clone().expect("invariant: made when the subnet was asked for")
    }
}

/// The subnets of a supernet, made when they are needed.
#[derive(Debug)]
pub(super) struct Subnets {
    strategy: String,
    space: Space,
    /// The space's, or what a strategy made of it.
    module: Module,
    data: Data,
    recipe: Recipe,
    choices: Vec<Choice>,
    /// The last used ones, by the arm of each number, the latest last.
    kept: Vec<(Vec<usize>, Subnet)>,
}

impl Subnets {
    pub fn new(
        strategy: &str,
        (space, module): (&Space, &Module),
        data: &Data,
        recipe: &Recipe,
        choices: &[Choice],
    ) -> Self {
        let (strategy, space, recipe) = (strategy.to_owned(), space.clone(), recipe.clone());
        let module = module.clone();
        Self { strategy, space, module, data: data.clone(), recipe, choices: choices.to_vec(), kept: Vec::new() }
    }

    /// The arms of the greatest values, of numbers only.
    pub fn greatest(&self) -> Vec<usize> {
        self.numbers().map(|(_, c)| numbers::greatest(&self.space, c)).collect()
    }

    /// The numbers among the decisions.
    pub fn numbers(&self) -> impl Iterator<Item = (usize, &Choice)> {
        self.choices.iter().enumerate().filter(|(_, c)| c.kind == Kind::Number)
    }

    /// The arm of each number on a route, that of the greatest value where it mixes several.
    pub fn arms(&self, route: &Route) -> Vec<usize> {
        let arm = |(i, c)| route.number(i).unwrap_or_else(|| numbers::greatest(&self.space, c));
        self.numbers().map(arm).collect()
    }

    /// The elaborated network for an arm per number.
    pub fn program(&self, arms: &[usize]) -> Result<Program, OneShotError> {
        program(&self.module, &self.space, self.numbers().map(|(_, c)| c), arms)
    }

    /// The subnet for an arm per number, with a training plan if one is asked for.
    pub fn at(&mut self, arms: &[usize], by: Option<By>, whole: &Params) -> Result<&mut Subnet, OneShotError> {
        let known = self.kept.iter().position(|(key, _)| key == arms);
        let entry = match known {
            Some(i) => self.kept.remove(i),
            None => (arms.to_vec(), self.make(arms, whole)?),
        };
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push(entry);
        let (_, subnet) = self.kept.last_mut().expect("invariant: just added");
        if let Some(by) = by
            && subnet.training[by as usize].is_none()
        {
            let plan = training(&subnet.program, &self.data, &self.recipe, by)?;
            let joins = joins(&plan);
            let exec = executor(Arc::new(plan), &self.recipe);
            subnet.training[by as usize] = Some(Arc::new(Training { exec, joins }));
        }
        Ok(subnet)
    }

    fn make(&self, arms: &[usize], whole: &Params) -> Result<Subnet, OneShotError> {
        let program = self.program(arms)?;
        let plan = Arc::new(prediction_plan(&program, &self.data)?);
        let of = |label: &Name| self.choices.iter().position(|c| c.label == *label);
        let held = plan.sites.iter().map(|s| of(&s.label).ok_or(s));
        let of_site = held.collect::<Result<_, _>>().map_err(|site| OneShotError::Decision {
            strategy: self.strategy.clone(),
            label: site.label.to_string(),
            what: format!("is open at `{}` only where some number is not the greatest of its domain", site.path),
            remedy: "use a multi-trial strategy",
        })?;
        let params = whole.sliced(&plan)?;
        let places: FxHashMap<&Name, usize> = whole.paths().iter().enumerate().map(|(i, p)| (p, i)).collect();
        let of_weight = params.paths().iter().map(|p| places[p]).collect();
        let (predict, training) = (executor(plan, &self.recipe), [None, None, None, None]);
        Ok(Subnet { program, of_site, predict, training, params, of_weight })
    }
}

/// The supernet's network for an arm per number.
pub(super) fn program<'a>(
    module: &Module,
    space: &Space,
    numbers: impl Iterator<Item = &'a Choice>,
    arms: &[usize],
) -> Result<Program, OneShotError> {
    let value = |(c, arm): (&Choice, &usize)| Some((c.label.clone(), numbers::value(space, c, *arm)?));
    let decided = Decided(numbers.zip(arms).filter_map(value).collect());
    Ok(Elaboration::supernet(module, &decided).run().map_err(mutators::MutateError::from)?)
}

pub(super) fn training(program: &Program, data: &Data, recipe: &Recipe, by: By) -> Result<Plan, OneShotError> {
    let wrt = Wrt {
        weights: matches!(by, By::Weights | By::Both),
        sites: matches!(by, By::Factors | By::Both),
        ..Wrt::default()
    };
    Ok(training_plan(program, data, recipe, &wrt)?)
}

fn executor(plan: Arc<Plan>, recipe: &Recipe) -> Executor {
    Executor::new(plan, recipe.device, recipe.precision.kind(), Layout::default())
}

fn joins(plan: &Plan) -> Vec<usize> {
    let join = |site: usize| {
        let found = plan.steps.iter().position(|s| matches!(s.kernel, Kernel::Mix(n) if n as usize == site));
        found.expect("invariant: what an output needs joins its arms")
    };
    (0..plan.sites.len()).map(join).collect()
}
