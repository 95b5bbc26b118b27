//! `--logdir`: the course of a search or a training for TensorBoard.
//!
//! * The event file is begun with the first thing that is written, so that a command that is refused leaves none.
//! * What fails on the way is told at the end, beside a result that is not lost.

use super::failure::Failure;
use super::output::Outputs;
#[cfg(feature = "torch")]
use evaluators::train::{Epoch as Trained, Score};
use lanista::events::EventWriter;
#[cfg(feature = "torch")]
use mutators::Space;
use std::path::{Path, PathBuf};
use strategies::Progress;
#[cfg(feature = "torch")]
use strategies::one_shot::Epoch;

/// What writes a course down.
pub struct Watch {
    folder: PathBuf,
    events: Option<EventWriter>,
    failed: Option<Failure>,
    /// The network that was drawn last: one that stays is not drawn again.
    #[cfg(feature = "torch")]
    drawn: Option<String>,
}

impl Watch {
    /// Registers the folder, if one is given, and leaves it as it is.
    pub fn new(outputs: &mut Outputs, folder: Option<&Path>) -> Result<Option<Self>, Failure> {
        let Some(folder) = folder else { return Ok(None) };
        outputs.folder("--logdir", folder)?;
        Ok(Some(Self {
            folder: folder.to_owned(),
            events: None,
            failed: None,
            #[cfg(feature = "torch")]
            drawn: None,
        }))
    }

    /// Writes what is collected, as of a step. The first step that is written replaces what the folder shows from there on,
    /// which a run that was killed may have left.
    fn write(&mut self, step: u64, collect: impl FnOnce(&mut EventWriter) -> Result<(), String>) {
        if self.failed.is_some() {
            return;
        }
        let written = (|| {
            let events = match &mut self.events {
                Some(events) => events,
                None => {
                    let mut events = EventWriter::create(&self.folder).map_err(|e| e.to_string())?;
                    files::wrote();
                    events.restart(step).map_err(|e| e.to_string())?;
                    self.events.insert(events)
                }
            };
            collect(events)?;
            events.write(step).map_err(|e| e.to_string())
        })();
        if let Err(e) = written {
            self.failed = Some(Failure::search(format!(
                "--logdir {}: the event file cannot be written: {e}; the course is there up to step {step}",
                self.folder.display()
            )));
        }
    }

    /// What failed on the way, if anything did.
    pub fn finish(self) -> Result<(), Failure> {
        self.failed.map_or(Ok(()), Err)
    }

    /// A trial, at its number.
    pub fn trial(&mut self, p: &Progress<'_>) {
        self.write(p.trial.id.0, |events| {
            let mut scalar = scalars(events);
            scalar("objective/trial", p.trial.value(p.objective));
            scalar("objective/best", p.incumbent.and_then(|t| t.value(p.objective)));
            scalar("seconds/simulated", Some(p.simulated_seconds).filter(|s| *s > 0.0));
            Ok(())
        });
    }
}

/// Takes numbers, where there are any.
fn scalars(events: &mut EventWriter) -> impl FnMut(&str, Option<f64>) {
    |tag, value| {
        if let Some(value) = value {
            events.scalar(tag, value);
        }
    }
}

#[cfg(feature = "torch")]
impl Watch {
    /// An epoch of a one-shot search, on text or on images.
    pub fn epoch(&mut self, space: &Space, e: &Epoch, is_text: bool) {
        let sample = e.sample.to_string();
        let is_new = self.drawn.as_ref() != Some(&sample);
        self.write(u64::from(e.epoch), |events| {
            if is_new {
                let drawing = space.drawing(&e.sample).map_err(|e| e.to_string())?;
                events.drawing("network", &drawing.to_svg())?;
            }
            let mut scalar = scalars(events);
            scalar("loss/training", Some(e.train_loss));
            scalar("loss/validation", Some(e.valid_loss));
            scalar("accuracy/training", Some(e.train_accuracy));
            scalar("accuracy/validation", Some(e.valid_accuracy));
            scalar("perplexity/training", is_text.then(|| e.train_loss.exp()));
            scalar("perplexity/validation", is_text.then(|| e.valid_loss.exp()));
            scalar("alpha/entropy", e.entropy);
            scalar("alpha/without weights", e.free_share);
            scalar("alpha/eigenvalue", e.eigenvalue);
            scalar("seconds", Some(e.seconds));
            for decision in &e.strengths {
                for (arm, strength) in &decision.arms {
                    scalar(&format!("strength {}/{arm}", decision.label), Some(*strength));
                }
            }
            Ok(())
        });
        self.drawn = Some(sample);
    }

    /// An epoch of a training.
    pub fn trained(&mut self, e: &Trained, is_text: bool) {
        self.write(u64::from(e.epoch), |events| {
            let mut scalar = scalars(events);
            scalar("loss/training", Some(e.train_loss));
            scalar("loss/validation", e.valid_loss);
            scalar("accuracy/training", Some(e.train_accuracy));
            scalar("accuracy/validation", e.valid_accuracy);
            scalar("perplexity/training", is_text.then(|| e.train_loss.exp()));
            scalar("perplexity/validation", e.valid_loss.filter(|_| is_text).map(f64::exp));
            scalar("learning rate", Some(e.lr));
            scalar("seconds", Some(e.seconds));
            Ok(())
        });
    }

    /// How well the network does in the end, after so many epochs.
    pub fn tested(&mut self, epochs: u32, score: &Score, is_text: bool) {
        self.write(u64::from(epochs), |events| {
            let mut scalar = scalars(events);
            scalar("loss/test", Some(score.loss));
            scalar("accuracy/test", Some(score.accuracy));
            scalar("perplexity/test", is_text.then(|| score.perplexity()));
            Ok(())
        });
    }
}
