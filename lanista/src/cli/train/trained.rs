//! What a training run found, for people and as files. The fields of the JSON are documented in `docs/json.md`.

use super::super::failure::Failure;
use super::super::grid::{Grid, seconds, thousands};
use super::super::list::pretty;
use super::curve::{Panel, Series, svg};
use evaluators::train::{Best, Epoch, Score, Trainer};
use serde::Serialize;
use std::collections::BTreeMap;

/// Version of the JSON form: it grows when a field changes its meaning or goes away, not when one is added.
const VERSION: u32 = 1;

/// A run that is done.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    schema: &'static str,
    version: u32,
    lanista: &'static str,
    /// The space or the file.
    network: String,
    sample: Option<String>,
    hash: String,
    params: u64,
    data: String,
    recipe: BTreeMap<&'static str, String>,
    seed: u64,
    epochs: Vec<Epoch>,
    best: Option<Best>,
    test: Test,
    #[serde(skip)]
    is_text: bool,
}

/// How well the network does on the test images or text, looked at once, when it was done.
#[derive(Clone, Copy, Debug, Serialize)]
struct Test {
    loss: f64,
    accuracy: f64,
    /// Of text the words.
    images: usize,
}

/// `87.10 %, loss 0.4321`; of text `perplexity 1.54, loss 0.4321, 87.10 %`.
fn shown(is_text: bool, loss: f64, accuracy: f64) -> String {
    match is_text {
        true => format!("perplexity {:.2}, loss {loss:.4}, {accuracy:.2} %", loss.exp()),
        false => format!("{accuracy:.2} %, loss {loss:.4}"),
    }
}

impl Trained {
    /// Gathers what a run left. `network` is the space or file, `data` the data set as it was named.
    pub fn of(trainer: &Trainer, network: &str, sample: Option<String>, data: &str, test: Score) -> Self {
        Self {
            schema: "lanista.training",
            version: VERSION,
            lanista: env!("CARGO_PKG_VERSION"),
            network: network.to_owned(),
            sample,
            hash: trainer.network().hash.to_string(),
            params: trainer.network().params(),
            data: data.to_owned(),
            recipe: trainer.recipe().settings().into_iter().collect(),
            seed: trainer.recipe().seed,
            epochs: trainer.history().to_vec(),
            best: trainer.best(),
            test: Test { loss: test.loss, accuracy: test.accuracy, images: test.images },
            is_text: trainer.network().is_text(),
        }
    }

    /// As JSON.
    pub fn json(&self) -> Result<String, Failure> {
        pretty(self)
    }

    /// The epochs as a table with commas.
    pub fn csv(&self) -> String {
        let mut out =
            String::from("epoch,lr,train_loss,train_accuracy,valid_loss,valid_accuracy,seconds,images_per_second\n");
        let opt = |v: Option<f64>| v.map(|v| v.to_string()).unwrap_or_default();
        for e in &self.epochs {
            out += &format!(
                "{},{},{},{},{},{},{},{}\n",
                e.epoch,
                e.lr,
                e.train_loss,
                e.train_accuracy,
                opt(e.valid_loss),
                opt(e.valid_accuracy),
                e.seconds,
                e.images_per_second
            );
        }
        out
    }

    /// Accuracy, or perplexity of text, and loss over the epochs.
    fn panels(&self) -> [Panel; 2] {
        let panel = |title, train: fn(&Epoch) -> f64, valid: fn(&Epoch) -> Option<f64>| Panel {
            title,
            series: vec![
                Series { name: "training", values: self.epochs.iter().map(train).collect() },
                Series { name: "validation", values: self.epochs.iter().filter_map(valid).collect() },
            ],
        };
        [
            match self.is_text {
                true => panel("perplexity", |e| e.train_loss.exp(), |e| e.valid_loss.map(f64::exp)),
                false => panel("accuracy, %", |e| e.train_accuracy, |e| e.valid_accuracy),
            },
            panel("loss", |e| e.train_loss, |e| e.valid_loss),
        ]
    }

    /// A drawing of the curves.
    pub fn drawing(&self) -> String {
        let title = match self.is_text {
            true => format!("perplexity {:.2} on the test text of {}", self.test.loss.exp(), self.data),
            false => format!("{:.2} % test accuracy on {}", self.test.accuracy, self.data),
        };
        svg(&title, &self.network, &self.panels())
    }

    /// The accuracy over the epochs, for a terminal.
    pub fn plot(&self) -> String {
        self.panels()[0].text()
    }

    /// The result for people.
    pub fn table(&self) -> Grid {
        let mut grid = Grid::words(2);
        grid.row(["network", &self.network]);
        if let Some(sample) = &self.sample {
            grid.row(["sample", sample]);
        }
        grid.row(["hash", &self.hash]);
        grid.row(["parameters".to_owned(), thousands(self.params)]);
        grid.row(["data", &self.data]);
        grid.row(["seed".to_owned(), self.seed.to_string()]);
        let time: f64 = self.epochs.iter().map(|e| e.seconds).sum();
        grid.row(["epochs".to_owned(), format!("{} in {}", self.epochs.len(), seconds(time))]);
        if let Some(last) = self.epochs.last() {
            grid.row(["training".to_owned(), shown(self.is_text, last.train_loss, last.train_accuracy)]);
            if let (Some(accuracy), Some(loss), Some(best)) = (last.valid_accuracy, last.valid_loss, self.best) {
                let best = format!("best {:.2} % in epoch {}", best.accuracy, best.epoch);
                grid.row(["validation".to_owned(), format!("{}; {best}", shown(self.is_text, loss, accuracy))]);
            }
        }
        let Test { loss, accuracy, images } = self.test;
        let unit = if self.is_text { "words" } else { "images" };
        let test = format!("{}, {} {unit}", shown(self.is_text, loss, accuracy), thousands(images as u64));
        grid.row(["test".to_owned(), test]);
        grid
    }
}
