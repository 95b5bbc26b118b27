//! The supernet: one network that holds every network of a space, with shared weights.

mod measure;

use super::OneShotError;
use super::bilevel::{Gradients, Problem, Side};
use super::choice::{self, Choice, Kind};
use super::mixture::Drawn;
use codegen::array::Weights;
use codegen::init::initialise;
use codegen::torch::{Executor, Layout, Params, Pick, Run, Selection, Sgd, Turn, clip_grad_norm};
use codegen::{Kernel, Plan, Source, Wrt};
use evaluators::data::{Batch, Loader};
use evaluators::train::{
    DIVERGED, Dataset, Network, Planned, Recipe, SearchLoaders, hits, prediction_plan, training_plan,
};
use ir::{Elaboration, Name, Program};
use mutators::{Sample, Space};
use std::sync::Arc;
use tch::{Kind as Element, Tensor};

/// A space's decisions left open, with weights, data and plans.
///
/// * A choice has one set of weights per candidate and call of its cell; decisions are shared by all calls.
/// * What no taken path reaches is not computed, and its weights get no gradient.
#[derive(Debug)]
pub struct Supernet {
    space: Space,
    program: Program,
    choices: Vec<Choice>,
    /// The decision of each site.
    of_site: Vec<usize>,
    /// The step that joins each site's arms, in every one of the training plans.
    joins: Vec<usize>,
    weights: Executor,
    arch: Executor,
    both: Executor,
    predict: Executor,
    /// The shared weights.
    pub params: Params,
    /// The batches.
    pub loaders: SearchLoaders,
    recipe: Recipe,
    /// The data set's name.
    data: String,
    /// The greatest training loss that is let pass.
    bound: f64,
    /// Runs so far: what is random in a run is keyed by it.
    runs: u64,
}

impl Supernet {
    /// The supernet of a space for a data set, with weights drawn by the recipe's seed.
    ///
    /// # Errors
    /// If the space has no decisions, or one that no supernet can hold open; if the network does not fit the data set,
    /// or a batch not the memory.
    pub fn new(strategy: &str, space: &Space, dataset: &Dataset, recipe: &Recipe) -> Result<Self, OneShotError> {
        if let Some(mutator) = space.mutators().first() {
            let (space, mutator) = (space.name().to_owned(), mutator.label().to_owned());
            return Err(OneShotError::Mutators { space, mutator });
        }
        let module = space.base();
        let program = Elaboration::supernet(module, &|_: &str, _: Option<i64>| None).run();
        let program = program.map_err(mutators::MutateError::from)?;
        let images = dataset.images();
        let plan = |wrt: &Wrt| training_plan(&program, images, recipe, wrt).map(Arc::new);
        let sites = Wrt { sites: true, ..Wrt::default() };
        let (weights, arch) = (plan(&Wrt::weights())?, plan(&sites)?);
        let both = plan(&Wrt { weights: true, ..sites })?;
        let predict = Arc::new(prediction_plan(&program, images)?);
        let (choices, of_site) = choice::choices(strategy, module, &program, &weights)?;
        refuse_numbers(strategy, space, &choices)?;
        if choices.is_empty() {
            return Err(OneShotError::NoDecisions(space.name().to_owned()));
        }
        let classes = images.classes.len();
        let network = Network { train: both.clone(), eval: predict.clone(), hash: program.hash(), classes };
        Planned::of(&network, recipe, recipe.batch).check(recipe.device)?;
        let _turn = Turn::take(recipe.device, recipe.threads)?;
        let kind = recipe.precision.kind();
        let params = Params::new(&weights, &initialise(&weights, recipe.seed), recipe.device, kind)?;
        let exec = |plan: &Arc<Plan>| Executor::new(plan.clone(), recipe.device, kind, Layout::default());
        Ok(Self {
            space: space.clone(),
            joins: joins(&arch),
            weights: exec(&weights),
            arch: exec(&arch),
            both: exec(&both),
            predict: exec(&predict),
            params,
            loaders: dataset.search_loaders(recipe)?,
            recipe: recipe.clone(),
            data: images.name.clone(),
            bound: DIVERGED * (classes.max(2) as f64).ln(),
            runs: 0,
            program,
            choices,
            of_site,
        })
    }

    /// The space.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The decisions.
    #[must_use]
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The network with its decisions left open.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The recipe.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The data set's name.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    pub(super) fn bound(&self) -> f64 {
        self.bound
    }

    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// Takes weights, and how many runs led to them.
    pub(super) fn restore(&mut self, weights: &Weights, runs: u64) -> Result<(), OneShotError> {
        self.params.load(&self.weights.plan().clone(), weights)?;
        self.runs = runs;
        Ok(())
    }

    /// The weights by path.
    ///
    /// # Errors
    /// If the device fails.
    pub fn to_weights(&self) -> Result<Weights, OneShotError> {
        Ok(self.params.to_weights()?)
    }

    /// What a run does where each decision is as drawn; every input goes on where none was drawn.
    ///
    /// # Errors
    /// If the device fails.
    pub fn selection(&self, drawn: &[Option<Drawn>]) -> Result<Selection, OneShotError> {
        let pick = |choice: &usize| -> Result<Pick, OneShotError> {
            let Some(drawn) = &drawn[*choice] else { return Ok(Pick { arms: None, weights: None }) };
            let weights = Tensor::f_from_slice(&drawn.weights)?.f_to_kind(self.recipe.precision.kind())?;
            let weights = Some(weights.f_to_device(self.recipe.device.into())?);
            Ok(Pick { arms: drawn.only.map(|i| vec![i as u32]), weights })
        };
        Ok(Selection { sites: self.of_site.iter().map(pick).collect::<Result<_, _>>()? })
    }

    /// The path of a sample.
    #[must_use]
    pub fn path(&self, sample: &Sample) -> Selection {
        // A decision that plays no part is not reached, whatever is taken there.
        let arms = |choice: &usize| self.choices[*choice].taken(sample).unwrap_or_else(|| vec![0]);
        Selection { sites: self.of_site.iter().map(|c| Pick { arms: Some(arms(c)), weights: None }).collect() }
    }

    /// The path of some arms per decision.
    pub(super) fn arms(&self, arms: &[Vec<usize>]) -> Selection {
        let pick = |c: &usize| Pick { arms: Some(arms[*c].iter().map(|a| *a as u32).collect()), weights: None };
        Selection { sites: self.of_site.iter().map(pick).collect() }
    }

    /// Whether the space admits some arms per decision.
    pub(super) fn is_legal(&self, arms: &[Vec<usize>]) -> bool {
        choice::sample(&self.space, &self.choices, arms).is_ok()
    }

    /// A training pass for what comes out of it alone. The arch plan has the shortest way back.
    pub(super) fn try_path(&mut self, batch: &Batch, selection: &Selection) -> Result<Pass, OneShotError> {
        Ok(self.pass(batch, selection, (false, true), 0.0)?.0)
    }

    /// Moves the weights that the taken paths use, after a [`pass`](Supernet::pass) along them; all others keep their values
    /// and their velocity.
    ///
    /// # Errors
    /// If the device fails.
    pub fn step(&mut self, sgd: &mut Sgd, selection: &Selection, rate: f64) -> Result<(), OneShotError> {
        if self.recipe.clip > 0.0 {
            clip_grad_norm(&mut self.params, self.recipe.clip)?;
        }
        let plan = self.weights.plan();
        let active = selection.active(plan)?;
        let mut used = vec![false; plan.weights.len()];
        for step in plan.steps[..plan.forward].iter().zip(&active).filter(|(_, on)| **on).map(|(s, _)| s) {
            for v in &step.operands {
                if let Source::Weight(w) = plan.values[v.index()].source {
                    used[w as usize] = true;
                }
            }
        }
        let ranges = self.params.ranges(|w| used[w]);
        Ok(sgd.step_within(&mut self.params, rate, &ranges)?)
    }

    /// The weights that the network of a sample inherits, by its own paths: a candidate's name is in the supernet's path
    /// and not in its own.
    ///
    /// # Errors
    /// If the device fails.
    pub fn inherited(&self, sample: &Sample) -> Result<Weights, OneShotError> {
        let sites = &self.weights.plan().sites;
        let mut layers: Vec<(&str, Option<Vec<u32>>, &Choice)> = sites
            .iter()
            .zip(&self.of_site)
            .map(|(s, c)| (s.path.as_str(), self.choices[*c].taken(sample), &self.choices[*c]))
            .filter(|(_, _, c)| c.kind == Kind::Layer)
            .collect();
        // Inner choices first, so that the paths of the outer ones still fit.
        layers.sort_by_key(|(path, ..)| (std::cmp::Reverse(path.len()), *path));
        // Sites that share their weights are one place.
        layers.dedup_by_key(|(path, ..)| *path);
        let own = |path: &str| -> Option<String> {
            let mut own = path.to_owned();
            for (site, taken, choice) in &layers {
                let Some(rest) = own.strip_prefix(site).and_then(|r| r.strip_prefix('.')) else { continue };
                let (arm, rest) = rest.split_once('.')?;
                if !taken.as_ref()?.iter().any(|a| choice.arms[*a as usize].name == arm) {
                    return None;
                }
                own = format!("{site}.{rest}");
            }
            Some(own)
        };
        let all = self.params.to_weights()?;
        Ok(all.into_iter().filter_map(|(path, w)| Some((Name::new(own(&path)?), w))).collect())
    }

    /// A training pass over a batch: its loss, and gradients as asked for (of the weights, of the factors). Those of the
    /// weights are in [`Supernet::params`]; those of the factors are given back by decision, none for one that plays no
    /// part. `drop_path` is a factor of the graph's own probabilities.
    ///
    /// # Errors
    /// If the device fails.
    pub fn pass(
        &mut self,
        batch: &Batch,
        selection: &Selection,
        (weights, arch): (bool, bool),
        drop_path: f64,
    ) -> Result<(Pass, Vec<Option<Vec<f64>>>), OneShotError> {
        let _turn = Turn::take(self.recipe.device, self.recipe.threads)?;
        let exec = match (weights, arch) {
            (true, true) => &self.both,
            (false, true) => &self.arch,
            _ => &self.weights,
        };
        let run = Run { seed: self.recipe.seed, step: self.runs, drop_path, selection: Some(selection) };
        self.runs += 1;
        let inputs = [batch.images.shallow_clone(), batch.labels.shallow_clone()];
        let out = exec.run(&mut self.params, &inputs, &run)?;
        let hits = hits(&out.outputs[1], &batch.labels)?.f_int64_value(&[])?;
        let pass = Pass { loss: out.outputs[0].f_double_value(&[])?, hits, images: batch.labels.size()[0] };
        let mut grads = vec![None; self.choices.len()];
        if arch {
            let active = selection.active(exec.plan())?;
            for (site, grad) in out.site_grads.iter().enumerate() {
                let Some(grad) = grad.as_ref().filter(|_| active[self.joins[site]]) else { continue };
                let grad = Vec::<f64>::try_from(grad.f_to_kind(Element::Double)?.f_to_device(tch::Device::Cpu)?)?;
                let total: &mut Vec<f64> = grads[self.of_site[site]].get_or_insert_with(|| vec![0.0; grad.len()]);
                total.iter_mut().zip(grad).for_each(|(t, g)| *t += g);
            }
        }
        Ok((pass, grads))
    }
}

/// What a training pass came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass {
    /// The mean loss.
    pub loss: f64,
    /// How many images were told right.
    pub hits: i64,
    /// How many there were.
    pub images: i64,
}

fn joins(plan: &Plan) -> Vec<usize> {
    let join = |site: usize| {
        let found = plan.steps.iter().position(|s| matches!(s.kernel, Kernel::Mix(n) if n as usize == site));
        found.expect("invariant: what an output needs joins its arms")
    };
    (0..plan.sites.len()).map(join).collect()
}

/// A number is not a path: a supernet holds its greatest value only.
fn refuse_numbers(strategy: &str, space: &Space, choices: &[Choice]) -> Result<(), OneShotError> {
    let Some(schema) = space.schema() else { return Ok(()) };
    match schema.slots().iter().find(|s| !choices.iter().any(|c| c.label == s.label)) {
        None => Ok(()),
        Some(slot) => Err(OneShotError::Decision {
            strategy: strategy.to_owned(),
            label: slot.label.to_string(),
            what: "is a number in an op's attributes or an argument".to_owned(),
            remedy: "layer choices, input choices and repeats can be searched so; use a multi-trial strategy for the rest",
        }),
    }
}

/// One step's two batches under one draw: a two-level problem.
pub(super) struct Pair<'a> {
    pub net: &'a mut Supernet,
    pub train: &'a Batch,
    pub valid: &'a Batch,
    pub selection: &'a Selection,
    pub drop_path: f64,
}

impl Problem for Pair<'_> {
    type Error = OneShotError;

    fn weights(&mut self) -> &mut Tensor {
        &mut self.net.params.flat
    }

    fn gradients(&mut self, side: Side, weights: bool, arch: bool) -> Result<Gradients, OneShotError> {
        let batch = if side == Side::Train { self.train } else { self.valid };
        let (pass, arch) = self.net.pass(batch, self.selection, (weights, arch), self.drop_path)?;
        let weights = if weights { Some(self.net.params.grad.f_detach_copy()?) } else { None };
        Ok(Gradients { loss: pass.loss, weights, arch })
    }
}

/// The batch of a loader at a step, beginning again at its end with the next epoch's order.
pub(super) fn cycled(loader: &mut Loader, step: u64) -> Result<Batch, OneShotError> {
    let batches = loader.batches() as u64;
    Ok(loader.batch(step / batches, (step % batches) as usize)?)
}

/// Whether a decision is about inputs that layer choices feed: then their strength decides it, not its own.
pub(super) fn is_fed(choice: &Choice) -> bool {
    matches!(choice.kind, Kind::Inputs { .. }) && choice.feeds.iter().all(Option::is_some)
}
