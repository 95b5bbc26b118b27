//! How far a training run is, on standard error: a bar on a terminal, a line per epoch elsewhere.

use super::super::grid::{seconds, thousands};
use super::super::output;
use super::super::progress::{Bar, REDRAW};
use evaluators::train::{Epoch, Score, Stepped, Trainer};
use std::time::Instant;

/// Shows a run.
pub struct Shown {
    bar: Option<Bar>,
    quiet: bool,
    started: Instant,
    drawn: Instant,
    /// Steps of this run, without those before a checkpoint.
    steps: u64,
    /// The last validation.
    valid: Option<f64>,
}

impl Shown {
    /// Nothing is shown until the first step.
    pub fn new(quiet: bool) -> Self {
        let now = Instant::now();
        let bar = if quiet { None } else { Bar::new() };
        Self { bar, quiet, started: now, drawn: now, steps: 0, valid: None }
    }

    /// Takes note of a step.
    pub fn tell(&mut self, trainer: &Trainer, step: &Stepped) {
        if self.quiet {
            return;
        }
        self.steps += 1;
        let pace = self.pace(trainer);
        if let Some(epoch) = &step.closed {
            self.valid = epoch.valid_accuracy;
            if self.bar.is_none() {
                output::note(&line(epoch, trainer.recipe().epochs, &pace));
            }
        }
        let Some(bar) = self.bar.as_ref().filter(|_| self.drawn.elapsed() >= REDRAW) else { return };
        self.drawn = Instant::now();
        bar.show(&message(trainer, step.epoch, self.valid, &pace), self.share(trainer));
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.clear();
        }
    }

    /// The share of the whole run that is done.
    fn share(&self, trainer: &Trainer) -> f64 {
        let (epoch, batch) = trainer.position();
        let steps = f64::from(epoch) + batch as f64 / trainer.batches() as f64;
        (steps / f64::from(trainer.recipe().epochs)).min(1.0)
    }

    /// `12,345 images/s, 12 s left`
    fn pace(&self, trainer: &Trainer) -> String {
        let elapsed = self.started.elapsed().as_secs_f64().max(1e-9);
        let batches = trainer.batches() as u64;
        let (epoch, batch) = trainer.position();
        let left = u64::from(trainer.recipe().epochs) * batches - (u64::from(epoch) * batches + batch as u64);
        let images = trainer.images() as f64 * self.steps as f64 / batches as f64;
        let time = seconds(elapsed * left as f64 / self.steps as f64);
        let unit = if trainer.network().is_text() { "windows" } else { "images" };
        format!("{} {unit}/s, {time} left", thousands((images / elapsed) as u64))
    }
}

/// `epoch 3 of 10, loss 0.4321, accuracy 87.10 %, validation 86.00 %, 12,345 images/s, 12 s left`
fn message(trainer: &Trainer, epoch: u32, valid: Option<f64>, pace: &str) -> String {
    let of = trainer.recipe().epochs;
    let so_far = match trainer.so_far() {
        Some(Score { loss, accuracy, .. }) => format!(", loss {loss:.4}, accuracy {accuracy:.2} %"),
        None => String::new(),
    };
    let valid = valid.map(|v| format!(", validation {v:.2} %")).unwrap_or_default();
    format!("epoch {} of {of}{so_far}{valid}, {pace}", epoch + 1)
}

fn line(epoch: &Epoch, of: u32, pace: &str) -> String {
    let Epoch { epoch, train_loss, train_accuracy, valid_accuracy, .. } = epoch;
    let valid = valid_accuracy.map(|v| format!(", validation {v:.2} %")).unwrap_or_default();
    format!("epoch {epoch} of {of}, loss {train_loss:.4}, accuracy {train_accuracy:.2} %{valid}, {pace}")
}
