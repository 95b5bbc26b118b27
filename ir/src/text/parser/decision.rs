//! Declarations of decisions, and their domains.

use super::{Parsed, Parser};
use crate::decision::{Decision, Domain};
use crate::text::MAX_FAMILY;
use crate::text::lexer::Token;
use crate::value::{Real, Value};

impl Parser<'_> {
    /// `decision ?op[0..21] in [a, b] default a weights [1, 2] group g`.
    pub(super) fn decision(&mut self) -> Parsed<Decision> {
        self.expect_word("decision", "to declare a decision")?;
        let label = self.decision_name("the label of a decision such as `?op`")?;
        let family = if self.eat("[")? { Some(self.family()?) } else { None };
        self.expect_word("in", "and a domain after the decision's label")?;
        let domain = self.domain()?;
        let mut decision = match Decision::new(label, domain) {
            Ok(decision) => decision,
            Err(e) => return self.fail(self.at, e.to_string()),
        };
        decision.family = family;
        let default = if self.eat_word("default")? {
            let at = self.at;
            Some((at, self.value()?))
        } else {
            None
        };
        if self.eat_word("weights")? {
            let at = self.at;
            self.expect("[", "before the weights")?;
            let weights = self.list("]", "weights", |p| p.number().map(|v| v.as_f64().unwrap_or(f64::NAN)))?;
            decision = match decision.weighted(weights) {
                Ok(decision) => decision,
                Err(e) => return self.fail(at, e.to_string()),
            };
        }
        if let Some((at, value)) = default {
            decision = match decision.with_default(&value) {
                Ok(decision) => decision,
                Err(e) => return self.fail(at, e.to_string()),
            };
        }
        if self.eat_word("group")? {
            decision = decision.grouped(self.label("the name of a group")?);
        }
        if self.is_word("default") || self.is_word("weights") {
            return self.unexpected("`default`, `weights` and `group` in this order, each once");
        }
        Ok(decision)
    }

    /// `0..21]`: the members of a family.
    fn family(&mut self) -> Parsed<u32> {
        let at = self.at;
        let first = self.count("the family's first index")?;
        if first != 0 {
            return self.fail(at, format!("found `{first}`, expected 0: a family is written `[0..n]`"));
        }
        self.expect("..", "between the bounds of a family, `[0..n]`")?;
        let at = self.at;
        let n = self.count("the number of members")?;
        if n > MAX_FAMILY {
            return self.fail(at, format!("found a family of {n} members, expected at most {MAX_FAMILY}"));
        }
        self.expect("]", "after the bounds of a family")?;
        Ok(n)
    }

    /// A domain, validated.
    pub(super) fn domain(&mut self) -> Parsed<Domain> {
        let at = self.at;
        let domain = self.domain_any()?;
        match domain.validate() {
            Ok(()) => Ok(domain),
            Err(e) => self.fail(at, e.to_string()),
        }
    }

    fn domain_any(&mut self) -> Parsed<Domain> {
        match self.token {
            Token::Sign("[") => match self.value()? {
                Value::List(values) => Ok(Domain::Categorical(values)),
                _ => self.unexpected("a list"),
            },
            Token::Word("real") => {
                self.bump()?;
                let lo = self.real()?;
                self.expect("..=", "between the bounds of an interval")?;
                let hi = self.real()?;
                Ok(Domain::Real { lo, hi, log: self.eat_word("log")? })
            }
            Token::Word("any") => {
                self.bump()?;
                self.expect_word("of", "after `any`")?;
                let of = self.set()?;
                let max = of.len() as u32;
                Ok(Domain::Subset { of, min: 0, max })
            }
            Token::Int(_) | Token::Sign("-") => self.domain_of_numbers(),
            _ => self.unexpected("a domain: `[a, b]`, `1..=4`, `real 0.1..=1.0`, `2 of 5` or `any of [a, b]`"),
        }
    }

    /// `lo..=hi`, `lo..=hi step s`, `n of set` or `min..=max of set`.
    fn domain_of_numbers(&mut self) -> Parsed<Domain> {
        let at = self.at;
        let lo = self.integer("a bound")?;
        let (hi_at, hi) = if self.eat("..=")? {
            (self.at, self.integer("a bound")?)
        } else if self.is_word("of") {
            (at, lo)
        } else {
            return self.unexpected("`..=` and an upper bound, or `of` and a set");
        };
        if !self.eat_word("of")? {
            let step = if self.eat_word("step")? { self.integer("a step")? } else { 1 };
            return Ok(Domain::Range { lo, hi, step });
        }
        let of = self.set()?;
        let size = |i: i64, at: usize| match u32::try_from(i) {
            Ok(n) if n as usize <= of.len() => Ok(n),
            _ => self.fail(at, format!("found a subset of {i} members, expected 0 to {} of them", of.len())),
        };
        let (min, max) = (size(lo, at)?, size(hi, hi_at)?);
        Ok(Domain::Subset { of, min, max })
    }

    /// What a subset is taken from: `4` for the numbers 0 to 3, or a list.
    fn set(&mut self) -> Parsed<Vec<Value>> {
        let at = self.at;
        match self.token {
            Token::Int(_) => match self.count("the size of a set")? {
                n if n <= 60 => Ok(Domain::first(n as usize)),
                n => self.fail(at, format!("found a set of {n} values, expected at most 60")),
            },
            Token::Sign("[") => match self.value()? {
                Value::List(values) => Ok(values),
                _ => self.unexpected("a list"),
            },
            _ => self.unexpected("a set: a number such as `4`, or a list such as `[a, b]`"),
        }
    }

    fn real(&mut self) -> Parsed<Real> {
        match self.number()?.as_f64() {
            Some(x) => Ok(Real::new(x)),
            None => self.unexpected("a number"),
        }
    }
}
