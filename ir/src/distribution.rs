//! The distribution of an expression whose decisions are drawn by themselves.

use crate::decision::{Domain, Pick};
use crate::eval::{Env, EvalError, member_name};
use crate::expr::Expr;
use crate::value::{Name, Value};
use std::cmp::Ordering;

/// Joint values of the decisions of one expression, beyond which none are enumerated.
const MAX_JOINT: u64 = 1 << 20;

/// A decision that is drawn: its label (`op[3]` for a family's member), its domain, and the probability of each value.
pub type Drawn<'a> = (&'a str, &'a Domain, &'a [f64]);

/// Why an expression has no distribution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DistributionError {
    /// It has no value under some joint values of its decisions.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// Probabilities that are not one per value of a discrete domain.
    #[error("?{label} in {domain} needs one probability per value, not {found}")]
    Probabilities {
        /// The decision.
        label: Name,
        /// Its domain.
        domain: String,
        /// The number of probabilities.
        found: usize,
    },
    /// Too many joint values.
    #[error("`{0}` depends on more than {MAX_JOINT} joint values of its decisions")]
    TooLarge(String),
    /// An expectation of values that are no numbers.
    #[error("`{expr}` may be `{value}`, which is no number and has no mean")]
    Mean {
        /// The expression.
        expr: String,
        /// The value.
        value: String,
    },
}

/// The values of the drawn decisions at hand.
struct Joint<'a>(&'a [(&'a str, Value)]);

impl Env for Joint<'_> {
    fn param(&self, _: &str) -> Option<i64> {
        None
    }
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let name = member_name(label, index);
        self.0.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone())
    }
}

impl Expr {
    /// The values that the expression may have, with their probabilities: numbers ascending, then other values in the
    /// order in which they are met. Values of probability zero are left out. Decisions that it does not name are
    /// ignored.
    ///
    /// ```
    /// use ir::{Domain, Expr, Value};
    /// let sum: Expr = "?a + ?b".parse()?;
    /// let one_or_two = Domain::Range { lo: 1, hi: 2, step: 1 };
    /// let drawn = [("a", &one_or_two, &[0.5, 0.5][..]), ("b", &one_or_two, &[0.3, 0.7][..])];
    /// let distribution = sum.distribution(&drawn)?;
    /// assert_eq!(distribution, [(Value::Int(2), 0.15), (Value::Int(3), 0.5), (Value::Int(4), 0.35)]);
    /// assert_eq!(sum.expectation(&drawn)?, 3.2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a decision that it names is not among those drawn, the probabilities do not fit, or a value does not exist.
    pub fn distribution(&self, decisions: &[Drawn<'_>]) -> Result<Vec<(Value, f64)>, DistributionError> {
        let named = self.decisions();
        // A family's members may stand behind any index, so all that are drawn count.
        let is_named = |label: &str| {
            let family = label.split_once('[').map_or(label, |(family, _)| family);
            named.iter().any(|d| d.label == label || d.label == family)
        };
        let mut drawn: Vec<(&str, Vec<(Value, f64)>)> = Vec::new();
        let mut count: u64 = 1;
        for (label, domain, weights) in decisions.iter().filter(|(label, ..)| is_named(label)) {
            if domain.size() != Some(weights.len() as u64) {
                return Err(DistributionError::Probabilities {
                    label: Name::new(label),
                    domain: domain.to_string(),
                    found: weights.len(),
                });
            }
            let values = weights.iter().zip(0..).filter(|(w, _)| **w != 0.0);
            let values: Vec<_> = values.filter_map(|(w, i)| Some((domain.value(Pick::index(i))?, *w))).collect();
            count = count.saturating_mul(values.len() as u64);
            drawn.push((label, values));
        }
        if count > MAX_JOINT {
            return Err(DistributionError::TooLarge(self.to_string()));
        }
        let mut out: Vec<(Value, f64)> = Vec::new();
        for number in 0..count {
            let (mut rest, mut p) = (number, 1.0);
            let mut joint: Vec<(&str, Value)> = Vec::with_capacity(drawn.len());
            for (label, values) in drawn.iter().rev() {
                let n = values.len() as u64;
                let (value, weight) = &values[(rest % n) as usize];
                rest /= n;
                p *= weight;
                joint.push((label, value.clone()));
            }
            let value = self.eval(&Joint(&joint))?;
            match out.iter_mut().find(|(v, _)| same(v, &value)) {
                Some((_, sum)) => *sum += p,
                None => out.push((value, p)),
            }
        }
        out.sort_by(|(a, _), (b, _)| match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
        Ok(out)
    }

    /// The mean of a numeric expression under the probabilities of its decisions.
    ///
    /// # Errors
    /// As [`Expr::distribution`], and if a value is no number.
    pub fn expectation(&self, decisions: &[Drawn<'_>]) -> Result<f64, DistributionError> {
        let no_mean = |v: &Value| DistributionError::Mean { expr: self.to_string(), value: v.to_string() };
        self.distribution(decisions)?.iter().try_fold(0.0, |mean, (v, p)| {
            let x = v.as_f64().ok_or_else(|| no_mean(v))?;
            Ok(mean + x * p)
        })
    }
}

/// Whether two values are one: numbers by size, `2` is `2.0`.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_members_have_distributions_too() {
        let expr: Expr = "if(?op[1] == conv, wide, narrow)".parse().expect("parses");
        let domain = Domain::Categorical(vec!["conv".into(), "pool".into()]);
        let drawn = [("op[0]", &domain, &[0.9, 0.1][..]), ("op[1]", &domain, &[0.25, 0.75][..])];
        let found = expr.distribution(&drawn).expect("a distribution");
        assert_eq!(found, [("wide".into(), 0.25), ("narrow".into(), 0.75)]);
        let mean = expr.expectation(&drawn).expect_err("labels").to_string();
        assert_eq!(mean, "`if(?op[1] == conv, wide, narrow)` may be `wide`, which is no number and has no mean");
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let expr: Expr = "?a + 1".parse().expect("parses");
        let domain = Domain::Range { lo: 1, hi: 3, step: 1 };
        let short = expr.distribution(&[("a", &domain, &[0.5, 0.5])]).expect_err("two for three").to_string();
        assert_eq!(short, "?a in 1..=3 needs one probability per value, not 2");
        let absent = expr.distribution(&[]).expect_err("absent").to_string();
        assert_eq!(absent, "decision `a` has no value here; declare it, or give it one");
    }

    #[test]
    fn numbers_of_one_size_are_one_value() {
        let expr: Expr = "if(?a == 1, 2, 2.0)".parse().expect("parses");
        let domain = Domain::Range { lo: 1, hi: 2, step: 1 };
        let found = expr.distribution(&[("a", &domain, &[0.5, 0.5])]).expect("a distribution");
        assert_eq!(found, [(Value::Int(2), 1.0)]);
    }
}
