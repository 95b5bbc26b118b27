//! Binding samples: from a text, a genotype or a like space, with every complaint that there can be.

use super::Space;
use crate::chooser::Replay;
use crate::error::MutateError;
use crate::sample::Sample;
use crate::schema::Schema;
use ir::decision::Pick;
use ir::{Name, Value};

impl Space {
    /// Checks a sample, read from a text or made for a like space, against this one.
    ///
    /// # Errors
    /// If it names an unknown decision, a value outside a domain, leaves one out, or breaks a constraint.
    pub fn bind(&self, sample: &Sample) -> Result<Sample, MutateError> {
        let Some(schema) = &self.schema else {
            // A dynamic space has no list to check against: replaying it is the check.
            let (bound, _) = self.record(&mut Replay::new(sample))?;
            if let Some((label, _)) = sample.pairs().find(|(l, _)| bound.get(l).is_none()) {
                return Err(self.unknown(label, bound.schema()));
            }
            self.check(&bound)?;
            return Ok(bound);
        };
        let bound = Sample::new(schema.clone(), self.picks(schema, sample.pairs())?);
        self.check(&bound)?;
        Ok(bound)
    }

    /// The picks of labels and values: of every active decision, and of no other.
    pub(super) fn picks<'a>(
        &self,
        schema: &Schema,
        pairs: impl Iterator<Item = (&'a Name, Value)>,
    ) -> Result<Box<[Pick]>, MutateError> {
        let mut picks: Box<[Pick]> = schema.slots().iter().map(|_| Pick::INACTIVE).collect();
        for (label, value) in pairs {
            let i = schema.find(label).ok_or_else(|| self.unknown(label, schema))?;
            let domain = &schema.slots()[i].domain;
            picks[i] = domain.pick(&value).ok_or_else(|| MutateError::OutsideDomain {
                label: label.to_string(),
                value: value.to_string(),
                domain: domain.to_string(),
            })?;
        }
        let mut missing = None;
        if schema.is_conditional() {
            schema.settle(&mut picks, &mut |s| {
                missing.get_or_insert((s.label.clone(), s.domain.clone()));
                s.default
            });
        } else if let Some(i) = picks.iter().position(|p| !p.is_active()) {
            let s = &schema.slots()[i];
            missing = Some((s.label.clone(), s.domain.clone()));
        }
        match missing {
            Some((label, domain)) => {
                Err(MutateError::MissingDecision { label: label.to_string(), domain: domain.to_string() })
            }
            None => Ok(picks),
        }
    }

    fn unknown(&self, label: &str, schema: &Schema) -> MutateError {
        let labels: Vec<&str> = schema.slots().iter().map(|s| s.label.as_str()).collect();
        let mut known = labels.iter().take(12).copied().collect::<Vec<_>>().join(", ");
        if labels.len() > 12 {
            known.push_str(", ..");
        }
        MutateError::UnknownDecision {
            space: self.name.to_string(),
            label: label.to_owned(),
            nearest: ir::text::nearest(label, labels.iter().copied()),
            known,
        }
    }

    /// The sample in the field's own notation, if the space has one.
    #[must_use]
    pub fn genotype(&self, sample: &Sample) -> Option<String> {
        self.genotype.as_ref().map(|g| g.write(sample))
    }

    /// Reads a sample in the field's own notation.
    ///
    /// # Errors
    /// If the space has none, or the text is none of its genotypes.
    pub fn parse_genotype(&self, text: &str) -> Result<Sample, MutateError> {
        let refuse =
            |reason: String| MutateError::Genotype { space: self.name.to_string(), text: text.to_owned(), reason };
        let Some(genotype) = &self.genotype else {
            return Err(refuse("the space has no notation of its own; give a sample".into()));
        };
        let pairs = genotype.read(text).map_err(refuse)?;
        self.bind(&Sample::from_pairs(pairs)?)
    }
}
