//! `search` with a one-shot strategy: a supernet is trained, and the architecture read off.

use super::args::SearchArgs;
use super::failure::Failure;
use super::grid::seconds;
use super::interrupt;
use super::output::{self, Outputs};
use super::searched::{Asked, Searched};
use super::source::Source;
use super::train::Retrain;
use super::watch::Watch;
use evaluators::data::Source as Data;
use evaluators::train::{Dataset, Train, TrainError};
use mutators::{Options, Space};
use std::path::Path;
use strategies::one_shot::{self, Epoch, Keep, OneShotError};

/// The recipe of a search where none is named: for images, and for text.
const RECIPES: [&str; 2] = ["darts-search", "darts-rnn-search"];

/// Searches a space by its supernet.
pub fn search(args: &SearchArgs, strategy: &str) -> Result<(), Failure> {
    let strategy = one_shot::build(strategy).map_err(Failure::usage)?;
    refuse_flags(args)?;
    let source = Source::load(&args.target)?;
    let train = evaluator(args)?;
    let mut outputs = Outputs::default();
    source.register(&mut outputs)?;
    if let Some(checkpoint) = &args.one_shot.checkpoint {
        outputs.keeps("--checkpoint", checkpoint)?;
    }
    let drawing = outputs.file("--draw", args.draw.as_deref())?;
    let json = outputs.file("--json", args.report.json.as_deref())?;
    let mut watch = Watch::new(&mut outputs, args.report.logdir.as_deref())?;
    let recipe = evaluators::train::Recipe { seed: args.seed, ..train.recipe().clone() };
    let dataset = Dataset::open(&train.data().to_string(), None, recipe.device)?;
    let space = &source.space;
    let keep = args.one_shot.checkpoint.as_ref().map(Keep::at).transpose().map_err(refuse)?;
    if let Some(keep) = keep.as_ref().filter(|keep| keep.resume && !args.report.quiet) {
        output::note(&format!("{}: going on from it", keep.path.display()));
    }
    let is_text = train.data().is_text();
    let mut report = |epoch: &Epoch| {
        if !args.report.quiet {
            output::note(&line(space, epoch, is_text));
        }
        if let Some(watch) = &mut watch {
            watch.epoch(space, epoch, is_text);
        }
    };
    let retrain = Retrain::of(args, space, &train, &dataset, &mut outputs)?;
    let mut net = strategy.supernet(space, &dataset, &recipe).map_err(|e| match e {
        OneShotError::Train(e @ (TrainError::Image { .. } | TrainError::Classes { .. } | TrainError::Words { .. })) => {
            source.unfit(e)
        }
        e => refuse(e),
    })?;
    if let Some(path) = args.one_shot.checkpoint.clone() {
        interrupt::advise(move || match path.is_file() {
            true => "go on with the same command".to_owned(),
            false => "no epoch was kept yet; start again".to_owned(),
        });
    }
    let found = strategy.run(&mut net, keep.as_ref(), &mut report).map_err(refuse)?;
    let (evaluator, convention) = (evaluators::Evaluator::identity(&train), args.report.convention);
    let asked = Asked { space, strategy: &strategy, evaluator, seed: args.seed, is_text, convention };
    let result = Searched::of(&asked, net.choices(), &found)?;
    outputs.write(json.as_ref(), || result.json());
    outputs.write(drawing.as_ref(), || Ok(space.drawing(&found.sample)?.to_svg()));
    let text = match &args.report.json {
        Some(f) if f == Path::new("-") => result.json(),
        _ => Ok(result.text()),
    };
    let printed = text.and_then(|text| output::print(&text));
    outputs.attempt(printed);
    outputs.attempt(retrain.map_or(Ok(()), |retrain| retrain.run(&mut net, &found.sample)));
    outputs.attempt(watch.map_or(Ok(()), Watch::finish));
    outputs.end()
}

/// A search that broke is no bad input.
pub fn refuse(e: OneShotError) -> Failure {
    match e {
        OneShotError::Alpha { .. }
        | OneShotError::Loss { .. }
        | OneShotError::Train(TrainError::Diverged { .. } | TrainError::Exec(_)) => {
            Failure::search(format!("the search failed: {e}"))
        }
        e => Failure::usage(e),
    }
}

/// What a budget of trials has no meaning for.
fn refuse_flags(args: &SearchArgs) -> Result<(), Failure> {
    let given = [
        ("--trials", args.trials.is_some()),
        ("--time-budget", args.time_budget.is_some()),
        ("--simulated-budget", args.simulated_budget.is_some()),
        ("--protocol", args.protocol.is_some()),
        ("--jobs", args.jobs.is_some()),
        ("--journal", args.journal.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(Failure::usage(format!(
            "{flag} is for strategies that try one network after another; a one-shot search ends after the evaluator's \
             epochs: --evaluator train:data=NAME,epochs=N"
        ))),
    }
}

/// The data set and the recipe.
fn evaluator(args: &SearchArgs) -> Result<Train, Failure> {
    let Some(text) = &args.evaluator else {
        return Err(Failure::usage("no evaluator is given; a one-shot search needs --evaluator train:data=NAME"));
    };
    training(text)
}

/// An evaluator that trains, with the recipe of a search where none is named.
pub fn training(text: &str) -> Result<Train, Failure> {
    let name = text.split(':').next().unwrap_or_default();
    if name != Train::NAME {
        return Err(Failure::usage(format!(
            "evaluator `{name}` scores finished networks; a one-shot search trains: --evaluator train:data=NAME"
        )));
    }
    let parse = |text: &str| text.parse::<Options>().map_err(Failure::usage);
    // What is no data set is told by whoever builds the evaluator.
    let data = parse(text)?.take_opt::<String>("data").map_err(Failure::usage)?;
    let is_text = data.is_some_and(|d| d.parse::<Data>().is_ok_and(|d| d.is_text()));
    let recipe = RECIPES[usize::from(is_text)];
    let text = match text.split_once(':') {
        _ if text.contains("recipe=") => text.to_owned(),
        Some((name, options)) => format!("{name}:recipe={recipe},{options}"),
        None => format!("{text}:recipe={recipe}"),
    };
    Ok(Train::build(parse(&text)?)?)
}

/// `epoch 3 of 50, loss 1.9, training 30.10 %, validation 28.00 %, entropy 0.99, free 0.25, |..|, 12 s`; of text
/// perplexities in place of accuracies.
pub fn line(space: &Space, e: &Epoch, is_text: bool) -> String {
    let mut out = format!("epoch {} of {}, loss {:.4}, ", e.epoch, e.epochs, e.train_loss);
    out += &match is_text {
        true => format!("perplexity {:.2}, validation {:.2}", e.train_loss.exp(), e.valid_loss.exp()),
        false => format!("training {:.2} %, validation {:.2} %", e.train_accuracy, e.valid_accuracy),
    };
    if let Some(entropy) = e.entropy {
        out += &format!(", entropy {entropy:.3}");
    }
    if let Some(free) = e.free_share {
        out += &format!(", without weights {:.0} %", 100.0 * free);
    }
    if let Some(eigenvalue) = e.eigenvalue {
        out += &format!(", eigenvalue {eigenvalue:.4}");
    }
    let network = space.genotype(&e.sample).unwrap_or_else(|| e.sample.to_string());
    format!("{out}, {network}, {}", seconds(e.seconds))
}
