//! The supernet: one network that holds every network of a space, with shared weights.

mod fits;
mod measure;
mod mixed;
mod pair;
mod route;
mod subnet;
#[cfg(test)]
pub(super) mod testing;

pub(super) use pair::Pair;
pub use route::Route;

use super::choice::{self, Choice, Kind};
use super::mixture::Drawn;
use super::{OneShotError, numbers, partial, strongest};
use codegen::array::Weights;
use codegen::init::{initialise, stream};
use codegen::torch::{Params, Pick, Run, Sgd, Turn, clip_grad_norm, to_array};
use codegen::{Plan, Source};
use evaluators::data::{Batch, Data, Loader};
use evaluators::train::{DIVERGED, Dataset, Network, Planned, Recipe, SearchLoaders, hits, prediction_plan};
use ir::cost::Envelope;
use ir::{Name, Program};
use mixed::Mixed;
use mutators::{Sample, Space};
use std::sync::Arc;
use subnet::{By, Subnets, training};
use tch::{Kind as Element, Tensor};

/// A space's decisions left open, with weights, data and plans.
///
/// * A choice has one set of weights per candidate and call of its cell; decisions are shared by all calls.
/// * A weight is as great as in any network of the space. Where numbers have values, it is a slice: channels a prefix,
///   kernels the floored centre.
/// * What no taken path reaches is not computed, and its weights get no gradient.
#[derive(Debug)]
pub struct Supernet {
    strategy: String,
    space: Space,
    program: Program,
    choices: Vec<Choice>,
    subnets: Subnets,
    /// What numbers do to weights, if there are numbers.
    envelope: Option<Envelope>,
    /// What runs numbers of several values at once, once that was asked for.
    mixed: Option<Mixed>,
    /// The weights by path and shape.
    held: Arc<Plan>,
    /// The shared weights.
    pub params: Params,
    /// The batches.
    pub loaders: SearchLoaders,
    recipe: Recipe,
    /// The data set's name.
    data: Data,
    is_text: bool,
    /// The greatest training loss that is let pass.
    bound: f64,
    /// A legal sample, if some are not.
    legal: Option<Sample>,
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
        Self::partial(strategy, space, 1, dataset, recipe)
    }

    /// The same where a layer choice sees one channel of `share`. What a sample [inherits](Supernet::inherited) has fewer
    /// channels then than its network.
    ///
    /// # Errors
    /// As [`Supernet::new`]; also if a choice's candidates do not take their channels as an argument.
    pub fn partial(
        strategy: &str,
        space: &Space,
        share: u32,
        dataset: &Dataset,
        recipe: &Recipe,
    ) -> Result<Self, OneShotError> {
        if let Some(mutator) = space.mutators().first() {
            let (space, mutator) = (space.name().to_owned(), mutator.label().to_owned());
            return Err(OneShotError::Mutators { space, mutator });
        }
        let module = &partial::rewrite(strategy, space.base(), share)?;
        let numbers = numbers::numbers(strategy, space)?;
        let greatest: Vec<usize> = numbers.iter().map(|c| numbers::greatest(space, c)).collect();
        let program = subnet::program(module, space, numbers.iter(), &greatest)?;
        let data = dataset.data();
        let weights = Arc::new(training(&program, data, recipe, By::Weights)?);
        let both = Arc::new(training(&program, data, recipe, By::Both)?);
        let predict = Arc::new(prediction_plan(&program, data)?);
        let (mut choices, _) = choice::choices(strategy, module, &program, &weights)?;
        let envelope = if numbers.is_empty() { None } else { Some(Envelope::of(module)?) };
        choices.extend(numbers);
        if choices.is_empty() {
            return Err(OneShotError::NoDecisions(space.name().to_owned()));
        }
        numbers::all_held(strategy, space, &choices)?;
        strongest::check(strategy, space)?;
        let legal = legal(space, recipe.seed)?;
        let classes = data.classes();
        let network = Network { train: both, eval: predict, hash: program.hash(), classes };
        Planned::of(&network, recipe, recipe.batch).check(recipe.device)?;
        let _turn = Turn::take(recipe.device, recipe.threads)?;
        let held = match &envelope {
            None => weights,
            Some(e) => Arc::new(Plan::of_weights(e.weights.iter().map(|w| (w.path.clone(), w.spec.clone())))),
        };
        let params = Params::new(&held, &initialise(&held, recipe.seed), recipe.device, recipe.precision.kind())?;
        Ok(Self {
            strategy: strategy.to_owned(),
            space: space.clone(),
            subnets: Subnets::new(strategy, (space, module), data, recipe, &choices),
            envelope,
            mixed: None,
            held,
            params,
            loaders: dataset.search_loaders(&program, recipe)?,
            recipe: recipe.clone(),
            data: data.clone(),
            is_text: data.text().is_ok(),
            legal,
            bound: DIVERGED * (classes.max(2) as f64).ln(),
            runs: 0,
            program,
            choices,
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

    /// The network with its decisions left open, and the greatest value of every number.
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
        self.data.name()
    }

    /// What tells the data set from others, whatever their names.
    #[must_use]
    pub fn data_digest(&self) -> Arc<str> {
        self.data.digest()
    }

    /// Whether the data set is text, so that what counts is the perplexity and not the accuracy.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// A legal sample, if some are not.
    pub(super) fn legal(&self) -> Option<&Sample> {
        self.legal.as_ref()
    }

    pub(super) fn bound(&self) -> f64 {
        self.bound
    }

    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// Takes weights, and how many runs led to them.
    pub(super) fn restore(&mut self, weights: &Weights, runs: u64) -> Result<(), OneShotError> {
        self.params.load(&self.held, weights)?;
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
    /// If factors were drawn of a number that shapes no weight, from which they could learn, or the device fails.
    pub fn selection(&self, drawn: &[Option<Drawn>]) -> Result<Route, OneShotError> {
        if let Some(envelope) = &self.envelope {
            let learned = |w: &usize| self.params.grad_of(*w).is_some();
            let weights = 0..self.params.paths().len();
            let shapes = |c: &Choice| weights.clone().filter(learned).any(|w| envelope.shapes(&c.label, w));
            let drawn = self.choices.iter().zip(drawn).filter(|(c, d)| c.kind == Kind::Number && d.is_some());
            if let Some((c, _)) = drawn.into_iter().find(|(c, _)| !shapes(c)) {
                return Err(OneShotError::Decision {
                    strategy: self.strategy.clone(),
                    label: c.label.to_string(),
                    what: "shapes no weight, through which a share of its values could learn".to_owned(),
                    remedy: "use a strategy that learns from paths as a whole, such as spos, random-one-shot or enas",
                });
            }
        }
        let pick = |(choice, drawn): (&Choice, &Option<Drawn>)| -> Result<Pick, OneShotError> {
            let Some(drawn) = drawn else { return Ok(Pick { arms: None, weights: None }) };
            let arms = drawn.arms.as_ref().map(|arms| arms.iter().map(|a| *a as u32).collect());
            if drawn.weights.is_empty() {
                return Ok(Pick { arms, weights: None });
            }
            let mut weights = drawn.weights.clone();
            // Of a number what is not taken is not left out by the run, but blended with nothing.
            if let Some(taken) = drawn.arms.as_ref().filter(|_| choice.kind == Kind::Number) {
                weights.iter_mut().enumerate().filter(|(a, _)| !taken.contains(a)).for_each(|(_, w)| *w = 0.0);
            }
            let weights = Tensor::f_from_slice(&weights)?.f_to_kind(self.recipe.precision.kind())?;
            Ok(Pick { arms, weights: Some(weights.f_to_device(self.recipe.device.into())?) })
        };
        Ok(Route::new(self.choices.iter().zip(drawn).map(pick).collect::<Result<_, _>>()?))
    }

    /// The path of a sample.
    #[must_use]
    pub fn path(&self, sample: &Sample) -> Route {
        // A decision that plays no part is not reached, whatever is taken there; the greatest number fits in any case.
        let idle = |c: &Choice| if c.kind == Kind::Number { numbers::greatest(&self.space, c) as u32 } else { 0 };
        let arms = |c: &Choice| c.taken(sample).unwrap_or_else(|| vec![idle(c)]);
        Route::new(self.choices.iter().map(|c| Pick { arms: Some(arms(c)), weights: None }).collect())
    }

    /// The path of some arms per decision.
    pub(super) fn arms(&self, arms: &[Vec<usize>]) -> Route {
        let pick = |taken: &Vec<usize>| Pick { arms: Some(taken.iter().map(|a| *a as u32).collect()), weights: None };
        Route::new(arms.iter().map(pick).collect())
    }

    /// Puts a limited space in the place of its own.
    pub(super) fn restrict(
        &mut self,
        limit: impl FnOnce(&Space) -> Result<Space, OneShotError>,
    ) -> Result<(), OneShotError> {
        self.space = limit(&self.space)?;
        self.legal = legal(&self.space, self.recipe.seed)?;
        Ok(())
    }

    /// Whether the space admits some arms per decision.
    pub(super) fn is_legal(&self, arms: &[Vec<usize>]) -> bool {
        choice::sample(&self.space, &self.choices, arms).is_ok()
    }

    /// A training pass for what comes out of it alone.
    pub(super) fn try_path(&mut self, batch: &Batch, route: &Route) -> Result<Pass, OneShotError> {
        Ok(self.pass(batch, route, (false, false), 0.0)?.0)
    }

    /// Moves the weights that the taken paths use, after a [`pass`](Supernet::pass) along them; all others keep their values
    /// and their velocity.
    ///
    /// # Errors
    /// If the device fails.
    pub fn step(&mut self, sgd: &mut Sgd, route: &Route, rate: f64) -> Result<(), OneShotError> {
        if self.recipe.clip > 0.0 {
            clip_grad_norm(&mut self.params, self.recipe.clip)?;
        }
        let arms = self.subnets.arms(route);
        let subnet = self.subnets.at(&arms, Some(By::Weights), &self.params)?;
        let training = subnet.training(By::Weights);
        let plan = training.exec.plan();
        let used = used(plan, &subnet.selection(route).active(plan)?);
        let places = subnet.params.places(|w| used[w]);
        Ok(sgd.step_within(&mut self.params, rate, &places)?)
    }

    /// The weights that the network of a sample inherits, by its own paths: a candidate's name is in the supernet's path
    /// and not in its own. Numbers take their slices.
    ///
    /// # Errors
    /// If the device fails.
    pub fn inherited(&mut self, sample: &Sample) -> Result<Weights, OneShotError> {
        let arms = self.subnets.arms(&self.path(sample));
        let subnet = self.subnets.at(&arms, None, &self.params)?;
        let sites = &subnet.predict.plan().sites;
        let mut layers: Vec<(&str, Option<Vec<u32>>, &Choice)> = sites
            .iter()
            .zip(&subnet.of_site)
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
        let weights = subnet.params.paths().iter().enumerate();
        let own = weights.filter_map(|(w, path)| Some((Name::new(own(path)?), to_array(subnet.params.get(w)))));
        Ok(own.map(|(path, array)| Ok((path, array?))).collect::<Result<_, codegen::torch::ExecError>>()?)
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
        route: &Route,
        wanted: (bool, bool),
        drop_path: f64,
    ) -> Result<(Pass, Vec<Option<Vec<f64>>>), OneShotError> {
        let run = self.begin_run();
        self.pass_of(run, batch, route, wanted, drop_path)
    }

    /// The number of the next run: all passes of one number draw the same masks.
    fn begin_run(&mut self) -> u64 {
        self.runs += 1;
        self.runs - 1
    }

    /// A [`pass`](Supernet::pass) with the masks of a run, which are drawn already or not.
    pub(super) fn pass_of(
        &mut self,
        run: u64,
        batch: &Batch,
        route: &Route,
        (weights, arch): (bool, bool),
        drop_path: f64,
    ) -> Result<(Pass, Vec<Option<Vec<f64>>>), OneShotError> {
        let _turn = Turn::take(self.recipe.device, self.recipe.threads)?;
        let mixes = route.mixes(&self.choices);
        // The factor of a number's value counts through the weights that it shapes.
        let shapes = arch && self.subnets.numbers().any(|(i, _)| route.factors(i).is_some());
        let by = match (weights || shapes, arch) {
            (true, true) => By::Both,
            (false, true) => By::Factors,
            (true, false) => By::Weights,
            (false, false) => By::Nothing,
        };
        if mixes {
            self.blend(route)?;
        }
        let arms = self.subnets.arms(route);
        let subnet = self.subnets.at(&arms, Some(by), &self.params)?;
        let selection = subnet.selection(route);
        let run = Run { seed: self.recipe.seed, step: run, drop_path, selection: Some(&selection) };
        let inputs = [batch.inputs.shallow_clone(), batch.labels.shallow_clone()];
        let training = subnet.training(by);
        let exec = &training.exec;
        let params = match &mut self.mixed {
            Some(mixed) if mixes => &mut mixed.params,
            _ => &mut subnet.params,
        };
        let out = exec.run(params, &inputs, &run)?;
        let hits = hits(&out.outputs[1], &batch.labels)?.f_int64_value(&[])?;
        let pass = Pass { loss: out.outputs[0].f_double_value(&[])?, hits, images: batch.labels.numel() as i64 };
        let mut grads = vec![None; self.choices.len()];
        let mut shaped = vec![false; self.params.paths().len()];
        if arch {
            let active = selection.active(exec.plan())?;
            let used = used(exec.plan(), &active);
            subnet.of_weight.iter().zip(used).for_each(|(w, used)| shaped[*w] = used);
            for (site, grad) in out.site_grads.iter().enumerate() {
                let Some(grad) = grad.as_ref().filter(|_| active[training.joins[site]]) else { continue };
                let grad = Vec::<f64>::try_from(grad.f_to_kind(Element::Double)?.f_to_device(tch::Device::Cpu)?)?;
                let total: &mut Vec<f64> = grads[subnet.of_site[site]].get_or_insert_with(|| vec![0.0; grad.len()]);
                total.iter_mut().zip(grad).for_each(|(t, g)| *t += g);
            }
        }
        let numbers = match &self.mixed {
            Some(mixed) if mixes => {
                mixed.hand_back(&mut self.params)?;
                shapes.then(|| mixed.gradients(route, &self.choices, &self.params, &shaped)).transpose()?
            }
            _ => shapes.then(|| self.sure_numbers(route, &shaped)).transpose()?,
        };
        for (grad, number) in grads.iter_mut().zip(numbers.into_iter().flatten()) {
            *grad = number.or_else(|| grad.take());
        }
        Ok((pass, grads))
    }

    /// Makes the weights of a mixture of numbers.
    fn blend(&mut self, route: &Route) -> Result<(), OneShotError> {
        let envelope = self.envelope.as_ref().expect("invariant: there are numbers");
        if self.mixed.is_none() {
            let made = Mixed::new(&self.strategy, &self.choices, envelope, &mut self.subnets, &self.params)?;
            self.mixed = Some(made);
        }
        self.mixed.as_mut().expect("invariant: just made").blend(route, &self.choices, &self.params)
    }

    /// The gradients of the factors of numbers that have one value each: the product of the weights that a number shapes
    /// with their gradients, for that value.
    fn sure_numbers(&self, route: &Route, used: &[bool]) -> Result<Vec<Option<Vec<f64>>>, OneShotError> {
        let envelope = self.envelope.as_ref().expect("invariant: there are numbers");
        let product = self.params.grad.f_mul(&self.params.flat)?;
        let mut grads = vec![None; self.choices.len()];
        for (i, c) in self.choices.iter().enumerate().filter(|(_, c)| c.kind == Kind::Number) {
            let Some(arm) = route.number(i).filter(|_| route.factors(i).is_some()) else { continue };
            let places = self.params.places(|w| used[w] && envelope.shapes(&c.label, w));
            if places.is_empty() {
                continue;
            }
            let mut total = 0.0;
            for place in places {
                total += place.view(&product)?.f_sum(Element::Double)?.f_double_value(&[])?;
            }
            let mut grad = vec![0.0; c.arms.len()];
            grad[arm] = total;
            grads[i] = Some(grad);
        }
        Ok(grads)
    }
}

/// A legal sample of a space that has others, too, found before anything is trained.
fn legal(space: &Space, seed: u64) -> Result<Option<Sample>, OneShotError> {
    let draw = || space.sample(&mut stream(seed, &[b"legal"]));
    Ok(space.is_constrained().then(draw).transpose()?)
}

/// The weights that some steps use.
fn used(plan: &Plan, active: &[bool]) -> Vec<bool> {
    let mut used = vec![false; plan.weights.len()];
    for (step, _) in plan.steps[..plan.forward].iter().zip(active).filter(|(_, on)| **on) {
        for v in &step.operands {
            if let Source::Weight(w) = plan.values[v.index()].source {
                used[w as usize] = true;
            }
        }
    }
    used
}

/// What a training pass came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass {
    /// The mean loss.
    pub loss: f64,
    /// How many images, or words, were told right.
    pub hits: i64,
    /// How many there were.
    pub images: i64,
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
