//! Decisions: what a search decides, each with a label, a domain, a default and optional weights.

mod domain;

pub use domain::{Domain, DomainError, Grid, Pick};

use crate::value::{Name, Sigil, Value};
use std::fmt;

/// A decision, or a family of `n` decisions `?label[0]` to `?label[n-1]` with the same domain.
///
/// The same label is the same decision wherever it is used; it is declared once.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The label, without the question mark.
    pub label: Name,
    /// Number of members, if this is a family.
    pub family: Option<u32>,
    /// The values it may take.
    pub domain: Domain,
    /// The value where nothing is decided.
    pub default: Pick,
    /// Prior weights of a discrete domain's values, in their order.
    pub weights: Option<Vec<f64>>,
    /// What it belongs to (a node of a cell): an edit may draw a group first, then one of its decisions.
    pub group: Option<Name>,
}

impl Decision {
    /// A decision whose default is its first value (a real interval's middle).
    ///
    /// # Errors
    /// If the domain is no good.
    pub fn new(label: impl AsRef<str>, domain: Domain) -> Result<Self, DomainError> {
        domain.validate()?;
        let default = domain.quantile(0.5).unwrap_or(Pick::index(0));
        Ok(Self { label: Name::new(label), family: None, domain, default, weights: None, group: None })
    }

    /// Makes it a family of `n` members.
    #[must_use]
    pub fn family(mut self, n: u32) -> Self {
        self.family = Some(n);
        self
    }

    /// Puts it into a group.
    #[must_use]
    pub fn grouped(mut self, group: impl AsRef<str>) -> Self {
        self.group = Some(Name::new(group));
        self
    }

    /// Gives it a default.
    ///
    /// # Errors
    /// If the value is not in the domain.
    pub fn with_default(mut self, value: &Value) -> Result<Self, DomainError> {
        self.default = self
            .domain
            .pick(value)
            .ok_or_else(|| DomainError::Default { value: value.to_string(), domain: self.domain.to_string() })?;
        Ok(self)
    }

    /// Gives it prior weights; the heaviest value becomes the default.
    ///
    /// # Errors
    /// If there is not one finite, non-negative weight per value, or none is positive.
    pub fn weighted(mut self, weights: Vec<f64>) -> Result<Self, DomainError> {
        let expected = self.domain.size().unwrap_or(0);
        let good = weights.len() as u64 == expected
            && weights.iter().all(|w| w.is_finite() && *w >= 0.0)
            && weights.iter().sum::<f64>() > 0.0;
        if !good {
            return Err(DomainError::Weights { expected, found: weights.len() });
        }
        let heaviest = (0..weights.len()).rev().max_by(|a, b| weights[*a].total_cmp(&weights[*b])).unwrap_or(0);
        self.default = Pick::index(heaviest as u64);
        self.weights = Some(weights);
        Ok(self)
    }

    /// Whether this is a family with a member of that index, or for `None` a plain decision.
    #[must_use]
    pub fn has(&self, member: Option<i64>) -> bool {
        match (self.family, member) {
            (None, None) => true,
            (Some(n), Some(i)) => (0..i64::from(n)).contains(&i),
            _ => false,
        }
    }

    /// The picks in the order in which a grid visits them: heaviest first, else as enumerated.
    #[must_use]
    pub fn grid(&self, granularity: u32) -> Grid {
        self.domain.weighted_grid(granularity, self.weights.as_deref())
    }
}

impl fmt::Display for Decision {
    /// `decision ?op[0..4] in [conv, pool] default pool weights [0.2, 0.8] group node1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "decision {}", Sigil('?', &self.label))?;
        if let Some(n) = self.family {
            write!(f, "[0..{n}]")?;
        }
        write!(f, " in {}", self.domain)?;
        let plain = match &self.weights {
            Some(w) => Self::new("x", self.domain.clone()).and_then(|d| d.weighted(w.clone())),
            None => Self::new("x", self.domain.clone()),
        };
        if plain.is_ok_and(|d| d.default != self.default)
            && let Some(v) = self.domain.value(self.default)
        {
            write!(f, " default {v}")?;
        }
        if let Some(weights) = &self.weights {
            write!(f, " weights {}", Value::List(weights.iter().map(|w| Value::from(*w)).collect()))?;
        }
        match &self.group {
            Some(group) => write!(f, " group {}", Value::Str(group.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_order_the_grid_and_set_the_default() {
        let d = Decision::new("a", Domain::Range { lo: 1, hi: 3, step: 1 }).expect("domain");
        let d = d.weighted(vec![0.2, 0.1, 0.7]).expect("weights");
        assert_eq!(d.domain.value(d.default), Some(Value::Int(3)));
        let order: Vec<_> = d.grid(0).iter().filter_map(|p| d.domain.value(p)).collect();
        assert_eq!(order, [Value::Int(3), Value::Int(1), Value::Int(2)]);
    }
}
