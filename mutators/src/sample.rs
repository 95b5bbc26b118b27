//! Samples: the points of a space, compact, printed as `label=value` pairs.

use crate::error::MutateError;
use crate::schema::Schema;
use ir::decision::{Domain, Pick};
use ir::eval::Env;
use ir::program::Decide;
use ir::{Name, Value};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

/// A point of a space: one pick per decision of its schema.
///
/// It prints as `e01=none,e02=skip_connect`, inactive decisions left out. Read from a text it knows labels and values
/// only; [`Space::bind`](crate::Space::bind) checks it against a space. Equal are samples with equal pairs.
pub struct Sample {
    schema: Arc<Schema>,
    picks: Box<[Pick]>,
}

impl Clone for Sample {
    fn clone(&self) -> Self {
        Self { schema: self.schema.clone(), picks: self.picks.clone() }
    }

    /// Between samples of one space this allocates nothing.
    fn clone_from(&mut self, source: &Self) {
        if Arc::ptr_eq(&self.schema, &source.schema) {
            self.picks.copy_from_slice(&source.picks);
        } else {
            *self = source.clone();
        }
    }
}

impl Sample {
    pub(crate) fn new(schema: Arc<Schema>, picks: Box<[Pick]>) -> Self {
        debug_assert_eq!(schema.slots().len(), picks.len());
        Self { schema, picks }
    }

    /// A sample of labels and values that no space has checked.
    ///
    /// # Errors
    /// If a label stands twice.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Name, Value)>) -> Result<Self, MutateError> {
        let mut record: Vec<(Name, Arc<Domain>)> = Vec::new();
        let mut seen: FxHashSet<Name> = FxHashSet::default();
        for (label, value) in pairs {
            if !seen.insert(label.clone()) {
                return Err(MutateError::Twice(label.to_string()));
            }
            record.push((label, Arc::new(Domain::Categorical(vec![value]))));
        }
        let picks = record.iter().map(|_| Pick::index(0)).collect();
        Ok(Self { schema: Arc::new(Schema::recorded(record)), picks })
    }

    /// The decisions that its picks refer to.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// One pick per decision of the schema.
    #[must_use]
    pub fn picks(&self) -> &[Pick] {
        &self.picks
    }

    /// The active decisions with their values, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&Name, Value)> + '_ {
        self.schema.slots().iter().zip(&self.picks).filter_map(|(s, p)| Some((&s.label, s.domain.value(*p)?)))
    }

    /// The value of an active decision by its printed label.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<Value> {
        let i = self.schema.find(label)?;
        self.schema.slots()[i].domain.value(self.picks[i])
    }

    fn same_as(&self, other: &Self) -> bool {
        if Arc::ptr_eq(&self.schema, &other.schema) {
            return self.picks == other.picks;
        }
        self.pairs().eq(other.pairs())
    }
}

impl Decide for Sample {
    /// Inactive decisions have their default value.
    fn value(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let i = self.schema.position(label, index)?;
        self.schema.value(i, self.picks[i])
    }
}

impl Env for Sample {
    fn param(&self, _: &str) -> Option<i64> {
        None
    }
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        self.value(label, index)
    }
}

impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        self.same_as(other)
    }
}

impl Eq for Sample {}

impl Hash for Sample {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pairs().for_each(|p| p.hash(state));
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sample({self})")
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (label, value)) in self.pairs().enumerate() {
            write!(f, "{}{label}={value}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Sample {
    type Err = MutateError;

    fn from_str(text: &str) -> Result<Self, MutateError> {
        let syntax = |reason: String| MutateError::Syntax { text: text.to_owned(), reason };
        let mut pairs = Vec::new();
        for part in split(text) {
            if part.trim().is_empty() {
                if text.trim().is_empty() {
                    continue;
                }
                return Err(syntax("an empty pair between two commas".into()));
            }
            let (label, value) = part.split_once('=').ok_or_else(|| syntax(format!("`{}` has no `=`", part.trim())))?;
            let value: Value = value.trim().parse().map_err(|e: ir::text::ParseError| syntax(e.message))?;
            pairs.push((Name::new(label.trim()), value));
        }
        Self::from_pairs(pairs)
    }
}

/// Splits at commas that stand outside brackets and quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, 0i32, false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth -= 1,
            ',' if !quoted && depth <= 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}
