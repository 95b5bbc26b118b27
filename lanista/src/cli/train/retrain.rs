//! `--retrain`: what a one-shot search found is trained by itself.

use super::super::args::{SearchArgs, Selection, TrainArgs};
use super::super::failure::Failure;
use super::super::output;
use super::super::source::Source;
use super::folder::Folder;
use evaluators::train::Train;
use mutators::{Sample, Space};
use strategies::one_shot::Supernet;

/// A training that is still to come. What can be wrong with it is told before the search.
pub struct Retrain<'a> {
    args: TrainArgs,
    space: &'a Space,
    /// Whether the network is one of another space, known there by its genotype.
    elsewhere: bool,
    inherit: bool,
}

impl<'a> Retrain<'a> {
    /// What the flags of a search ask for.
    pub fn of(search: &SearchArgs, space: &'a Space, train: &Train) -> Result<Option<Self>, Failure> {
        let flags = &search.one_shot;
        let Some(recipe) = &flags.retrain else { return Ok(None) };
        let elsewhere = flags.retrain_space.is_some();
        let target = flags.retrain_space.as_ref().unwrap_or(&search.target).clone();
        let other = Source::load(&target)?;
        if elsewhere {
            let known =
                space.genotype(&space.default_sample()?).is_some_and(|g| other.space.parse_genotype(&g).is_ok());
            if !known {
                return Err(Failure::usage(format!(
                    "--retrain-space {target}: a network of `{}` is not known there by a genotype; take the space of the \
                     same cells, or leave the flag out",
                    space.name()
                )));
            }
        }
        let (searched, quiet) = (train.recipe(), search.report.quiet);
        let args = TrainArgs {
            target,
            selection: Selection::default(),
            data: train.data().to_string(),
            data_dir: None,
            recipe: recipe.clone(),
            epochs: None,
            batch: None,
            lr: None,
            valid: None,
            threads: Some(searched.threads),
            device: Some(searched.device.to_string()),
            seed: search.seed,
            out: flags.retrain_out.clone(),
            resume: false,
            save_every: 30.0,
            quiet,
        };
        super::recipe(&args)?;
        if let Some(out) = &args.out {
            Folder::fresh(out)?;
        }
        Ok(Some(Self { args, space, elsewhere, inherit: flags.inherit }))
    }

    /// Trains the network.
    pub fn run(self, net: &mut Supernet, found: &Sample) -> Result<(), Failure> {
        let mut args = self.args;
        match self.space.genotype(found).filter(|_| self.elsewhere) {
            Some(genotype) => args.selection.genotype = Some(genotype),
            None => args.selection.sample = Some(found.to_string()),
        }
        let weights = if self.inherit { Some(net.inherited(found).map_err(Failure::search)?) } else { None };
        if !args.quiet {
            let how = if weights.is_some() { "with the supernet's weights" } else { "from scratch" };
            output::note(&format!("the network is trained {how}: {}, {}", args.target, args.recipe));
        }
        super::train_from(&args, weights.as_ref())
    }
}
