//! What a one-shot search found, for people and as JSON. The fields of the JSON are documented in `docs/json.md`.

use super::failure::Failure;
use super::grid::{Align, Grid, thousands};
use super::list::pretty;
use ir::{Convention, GraphHash, Name};
use mutators::Space;
use serde::Serialize;
use strategies::one_shot::{Choice, Found, OneShot};

/// Version of the JSON form: it grows when a field changes its meaning or goes away, not when one is added.
const VERSION: u32 = 1;

/// The result of a one-shot search.
#[derive(Clone, Debug, Serialize)]
pub struct Searched {
    schema: &'static str,
    version: u32,
    lanista: &'static str,
    space: String,
    strategy: String,
    evaluator: String,
    seed: u64,
    sample: String,
    genotype: Option<String>,
    hash: GraphHash,
    params: u64,
    macs: u64,
    convention: String,
    alphas: Option<Vec<Parameters>>,
    epochs: Vec<Epoch>,
    #[serde(skip)]
    is_text: bool,
}

/// The architecture parameters of a decision.
#[derive(Clone, Debug, Serialize)]
struct Parameters {
    decision: Name,
    candidates: Vec<Name>,
    values: Vec<f64>,
}

/// What an epoch came to.
#[derive(Clone, Debug, Serialize)]
struct Epoch {
    epoch: u32,
    train_loss: f64,
    train_accuracy: f64,
    valid_loss: f64,
    valid_accuracy: f64,
    entropy: Option<f64>,
    free_share: Option<f64>,
    eigenvalue: Option<f64>,
    sample: String,
    seconds: f64,
}

/// What a search was made of.
pub struct Asked<'a> {
    /// The space.
    pub space: &'a Space,
    /// The strategy.
    pub strategy: &'a OneShot,
    /// The evaluator with all its options.
    pub evaluator: &'a str,
    /// Of all that is random.
    pub seed: u64,
    /// Whether perplexities count, and not accuracies.
    pub is_text: bool,
    /// How operations are counted.
    pub convention: Convention,
}

impl Searched {
    /// Gathers the result of a search on a supernet's decisions.
    pub fn of(asked: &Asked<'_>, choices: &[Choice], found: &Found) -> Result<Self, Failure> {
        let program = asked.space.program(&found.sample)?;
        let cost = program.cost(asked.convention);
        let parameters = |(c, values): (&Choice, &[f64])| Parameters {
            decision: c.label.clone(),
            candidates: c.arms.iter().map(|a| a.name.clone()).collect(),
            values: values.to_vec(),
        };
        let learned = |c: &(&Choice, &[f64])| !c.1.is_empty();
        let alphas = found.alphas.as_ref();
        let epochs = found.history.iter().map(|e| Epoch {
            epoch: e.epoch,
            train_loss: e.train_loss,
            train_accuracy: e.train_accuracy,
            valid_loss: e.valid_loss,
            valid_accuracy: e.valid_accuracy,
            entropy: e.entropy,
            free_share: e.free_share,
            eigenvalue: e.eigenvalue,
            sample: e.sample.to_string(),
            seconds: e.seconds,
        });
        Ok(Self {
            schema: "lanista.one-shot-search",
            version: VERSION,
            lanista: env!("CARGO_PKG_VERSION"),
            space: asked.space.identity().to_owned(),
            strategy: asked.strategy.identity().to_owned(),
            evaluator: asked.evaluator.to_owned(),
            seed: asked.seed,
            sample: found.sample.to_string(),
            genotype: asked.space.genotype(&found.sample),
            hash: program.hash(),
            params: cost.params,
            macs: cost.macs,
            convention: asked.convention.to_string(),
            alphas: alphas.map(|a| choices.iter().zip(a.values()).filter(learned).map(parameters).collect()),
            epochs: epochs.collect(),
            is_text: asked.is_text,
        })
    }

    /// The result as JSON.
    pub fn json(&self) -> Result<String, Failure> {
        pretty(self)
    }

    /// The result for people.
    pub fn text(&self) -> String {
        let mut grid = Grid::new([Align::Left, Align::Left]);
        grid.row(["space", &self.space]);
        grid.row(["strategy", &self.strategy]);
        grid.row(["evaluator", &self.evaluator]);
        grid.row(["seed", &self.seed.to_string()]);
        if let Some(last) = self.epochs.last() {
            let reached = match self.is_text {
                true => format!("perplexity {:.2}", last.valid_loss.exp()),
                false => format!("{:.2} %", last.valid_accuracy),
            };
            grid.row(["supernet".to_owned(), format!("{reached} on what was held out")]);
        }
        grid.row(["sample", &self.sample]);
        if let Some(genotype) = &self.genotype {
            grid.row(["genotype", genotype]);
        }
        grid.row(["params".to_owned(), thousands(self.params)]);
        grid.row([format!("MACs ({})", self.convention), thousands(self.macs)]);
        grid.to_string()
    }
}
