//! `--retrain`: what a one-shot search found is trained by itself.

use super::super::args::{SearchArgs, Selection, TrainArgs};
use super::super::failure::Failure;
use super::super::output::{self, Outputs};
use super::super::source::Source;
use super::Defaults;
use super::folder::Folder;
use evaluators::train::{Dataset, Network, SavedRun, Train};
use mutators::{Sample, Space};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use strategies::one_shot::Supernet;

/// A training that is still to come. What can be wrong with it is told before the search.
pub struct Retrain<'a> {
    args: TrainArgs,
    defaults: Defaults,
    space: &'a Space,
    /// The space that the network is taken from by its genotype, if it is another one.
    elsewhere: Option<Source>,
    inherit: bool,
}

impl<'a> Retrain<'a> {
    /// What the flags of a search ask for.
    pub fn of(
        search: &SearchArgs,
        space: &'a Space,
        train: &Train,
        dataset: &Dataset,
        outputs: &mut Outputs,
    ) -> Result<Option<Self>, Failure> {
        let flags = &search.one_shot;
        let Some(recipe) = &flags.retrain else { return Ok(None) };
        let searched = train.recipe();
        let mut args = TrainArgs {
            target: flags.retrain_space.as_ref().unwrap_or(&search.target).clone(),
            selection: Selection::default(),
            data: train.data().to_string(),
            data_dir: None,
            recipe: recipe.clone(),
            epochs: None,
            batch: None,
            lr: None,
            valid: None,
            threads: None,
            device: None,
            seed: search.seed,
            out: flags.retrain_out.clone(),
            logdir: search.report.logdir.as_ref().map(|f| f.join("retrain")),
            resume: false,
            save_every: 30.0,
            quiet: search.report.quiet,
        };
        let defaults = Defaults { flag: "--retrain", threads: searched.threads, device: searched.device };
        let recipe = super::recipe(&args, defaults)?;
        let elsewhere = flags.retrain_space.as_ref().map(|target| Source::load(target)).transpose()?;
        if let Some(other) = &elsewhere {
            other.register(outputs)?;
            let Some(known) = probe(space, &other.space)? else {
                return Err(Failure::usage(format!(
                    "--retrain-space {}: a network of `{}` is not known there by a genotype; take the space of the same \
                     cells, or leave the flag out",
                    args.target,
                    space.name()
                )));
            };
            let program = other.program(Some(&known))?;
            Network::of(&program, dataset.data(), &recipe).map_err(|e| other.unfit(e))?;
        }
        if let Some(out) = &args.out {
            Folder::register(outputs, "--retrain-out", out)?;
            args.resume = Folder::is_of_run(out);
            if args.resume {
                let saved = SavedRun::read(&Folder::of_run(out)?.checkpoint())?;
                saved.check(dataset, &recipe, flags.inherit)?;
            } else {
                Folder::fresh("--retrain-out", out, "and no checkpoint to go on from; name another folder")?;
            }
        }
        Ok(Some(Self { args, defaults, space, elsewhere, inherit: flags.inherit }))
    }

    /// Trains the network, or goes on with that.
    pub fn run(self, net: &mut Supernet, found: &Sample) -> Result<(), Failure> {
        let mut args = self.args;
        match &self.elsewhere {
            Some(other) => {
                let genotype = self.space.genotype(found).unwrap_or_default();
                other.space.parse_genotype(&genotype).map_err(|e| {
                    Failure::search(format!(
                        "--retrain-space {}: what was found is not known there: {e}; train it in a space that has its \
                         operations, with `lanista train SPACE --genotype`",
                        args.target
                    ))
                })?;
                args.selection.genotype = Some(genotype);
            }
            None => args.selection.sample = Some(found.to_string()),
        }
        let weights = if self.inherit { Some(net.inherited(found).map_err(Failure::search)?) } else { None };
        if !args.quiet {
            let how = if weights.is_some() { "with the supernet's weights" } else { "from scratch" };
            let going_on = args.out.as_ref().filter(|_| args.resume);
            let going_on = going_on.map(|out| format!("; going on from {}", out.display())).unwrap_or_default();
            output::note(&format!("the network is trained {how}: {}, {}{going_on}", args.target, args.recipe));
        }
        super::train_from(&args, self.defaults, weights.as_ref())
    }
}

/// Networks that are drawn to see whether one is known elsewhere.
const PROBES: u64 = 1_000;

/// A network of a space that another space knows by its genotype. What a search may find need not be the first: defaults may
/// be of an operation that is searched with and never taken.
fn probe(space: &Space, other: &Space) -> Result<Option<Sample>, Failure> {
    let known = |sample: &Sample| space.genotype(sample).and_then(|g| other.parse_genotype(&g).ok());
    let default = space.default_sample()?;
    if space.genotype(&default).is_none() {
        return Ok(None);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut sample = default;
    for _ in 0..PROBES {
        if let Some(known) = known(&sample) {
            return Ok(Some(known));
        }
        sample = space.sample(&mut rng)?;
    }
    Ok(None)
}
