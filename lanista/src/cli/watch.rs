//! `--logdir`: the course of a one-shot search for TensorBoard.

use super::failure::Failure;
use lanista::events::EventWriter;
use mutators::Space;
use std::path::Path;
use strategies::one_shot::Epoch;

/// What writes epochs down as they close.
pub struct Watch {
    events: EventWriter,
    /// The genotype that was drawn last: one that stays is not drawn again.
    drawn: Option<String>,
    is_text: bool,
}

impl Watch {
    /// Begins a file in a folder, for a search on text or on images.
    pub fn begin(folder: &Path, is_text: bool) -> Result<Self, Failure> {
        let events = EventWriter::create(folder).map_err(|e| refuse(folder, &e))?;
        Ok(Self { events, drawn: None, is_text })
    }

    /// An epoch.
    pub fn note(&mut self, space: &Space, e: &Epoch) -> Result<(), Failure> {
        let mut scalar = |tag: &str, value: Option<f64>| {
            if let Some(value) = value {
                self.events.scalar(tag, value);
            }
        };
        scalar("loss/training", Some(e.train_loss));
        scalar("loss/validation", Some(e.valid_loss));
        scalar("accuracy/training", Some(e.train_accuracy));
        scalar("accuracy/validation", Some(e.valid_accuracy));
        scalar("perplexity/training", self.is_text.then(|| e.train_loss.exp()));
        scalar("perplexity/validation", self.is_text.then(|| e.valid_loss.exp()));
        scalar("alpha/entropy", e.entropy);
        scalar("alpha/without weights", e.free_share);
        scalar("alpha/eigenvalue", e.eigenvalue);
        scalar("seconds", Some(e.seconds));
        for decision in &e.strengths {
            for (arm, strength) in &decision.arms {
                scalar(&format!("strength {}/{arm}", decision.label), Some(*strength));
            }
        }
        let sample = e.sample.to_string();
        if self.drawn.as_ref() != Some(&sample) {
            let svg = space.drawing(&e.sample)?.to_svg();
            self.events.drawing("network", &svg).map_err(Failure::search)?;
            self.drawn = Some(sample);
        }
        let path = self.events.path().to_owned();
        self.events.write(u64::from(e.epoch)).map_err(|err| refuse(&path, &err))
    }
}

fn refuse(path: &Path, e: &std::io::Error) -> Failure {
    Failure::usage(format!("--logdir: {} cannot be written: {e}", path.display()))
}
