//! Options of a component, as in `darts:channels=36,layers=20`.

use std::fmt::Display;
use std::str::FromStr;

/// Why an option does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// No option of that name.
    #[error("`{component}` has no option `{option}`{}; it has: {known}", ir::text::did_you_mean(.nearest.as_deref()))]
    Unknown {
        /// The component.
        component: String,
        /// The option.
        option: String,
        /// The most similar option.
        nearest: Option<String>,
        /// What there is.
        known: String,
    },
    /// A value that cannot be read or lies outside what is allowed.
    #[error("`{component}`: {option}={value} {reason}")]
    Value {
        /// The component.
        component: String,
        /// The option.
        option: String,
        /// The value.
        value: String,
        /// `is out of range; it lies in 1..=100`.
        reason: String,
    },
    /// A text that is no list of options.
    #[error("`{text}` is no option; write options as name:key=value,key=value")]
    Syntax {
        /// The text.
        text: String,
    },
    /// The same option twice.
    #[error("`{component}` is given the option `{option}` twice; give it once")]
    Twice {
        /// The component.
        component: String,
        /// The option.
        option: String,
    },
}

/// A component's name and options, read from `name:key=value,key=value`.
///
/// A component takes each option that it knows with [`Options::take`]; [`Options::finish`] rejects the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The component's name.
    pub name: String,
    given: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl FromStr for Options {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let (name, list) = text.split_once(':').unwrap_or((text, ""));
        let mut given: Vec<(String, String)> = Vec::new();
        for part in list.split(',').filter(|p| !p.trim().is_empty()) {
            let (key, value) =
                part.split_once('=').ok_or_else(|| OptionError::Syntax { text: part.trim().to_owned() })?;
            let key = key.trim().to_owned();
            if given.iter().any(|(k, _)| *k == key) {
                return Err(OptionError::Twice { component: name.trim().to_owned(), option: key });
            }
            given.push((key, value.trim().to_owned()));
        }
        Ok(Self { name: name.trim().to_owned(), given, known: Vec::new() })
    }
}

impl Options {
    /// No options for a component of that name.
    #[must_use]
    pub fn none(name: &str) -> Self {
        Self { name: name.to_owned(), given: Vec::new(), known: Vec::new() }
    }

    /// Takes an option, or its default.
    ///
    /// # Errors
    /// If the value cannot be read as a `T`.
    pub fn take<T: FromStr>(&mut self, option: &'static str, default: T) -> Result<T, OptionError>
    where
        T::Err: Display,
    {
        Ok(self.take_opt(option)?.unwrap_or(default))
    }

    /// Takes an option that has no default.
    ///
    /// # Errors
    /// If the value cannot be read as a `T`.
    pub fn take_opt<T: FromStr>(&mut self, option: &'static str) -> Result<Option<T>, OptionError>
    where
        T::Err: Display,
    {
        self.known.push(option);
        let Some(i) = self.given.iter().position(|(k, _)| k == option) else { return Ok(None) };
        let (_, value) = self.given.swap_remove(i);
        match value.parse() {
            Ok(v) => Ok(Some(v)),
            Err(e) => Err(self.refuse(option, &value, format!("cannot be read: {e}"))),
        }
    }

    /// Takes a number that must lie in a range.
    ///
    /// # Errors
    /// If it cannot be read or lies outside.
    pub fn take_in<T>(&mut self, option: &'static str, default: T, lo: T, hi: T) -> Result<T, OptionError>
    where
        T: FromStr + PartialOrd + Display + Copy,
        T::Err: Display,
    {
        let in_range = |e: OptionError| match e {
            OptionError::Value { component, option, value, reason } => {
                OptionError::Value { component, option, value, reason: format!("{reason}; it lies in {lo}..={hi}") }
            }
            e => e,
        };
        let value = self.take(option, default).map_err(in_range)?;
        if lo <= value && value <= hi {
            return Ok(value);
        }
        Err(self.refuse(option, &value.to_string(), format!("is out of range; it lies in {lo}..={hi}")))
    }

    /// Takes one of some words.
    ///
    /// # Errors
    /// If it is none of them; the message lists them.
    pub fn take_one<'a>(
        &mut self,
        option: &'static str,
        default: &'a str,
        words: &[&'a str],
    ) -> Result<&'a str, OptionError> {
        let value: String = self.take(option, default.to_owned())?;
        match words.iter().find(|w| **w == value) {
            Some(word) => Ok(word),
            None => {
                let near = ir::text::nearest(&value, words.iter().copied());
                let hint = ir::text::did_you_mean(near.as_deref());
                Err(self.refuse(option, &value, format!("is none of {}{hint}", words.join(", "))))
            }
        }
    }

    /// The error for a value that does not fit.
    #[must_use]
    pub fn refuse(&self, option: &str, value: &str, reason: impl Into<String>) -> OptionError {
        OptionError::Value {
            component: self.name.clone(),
            option: option.to_owned(),
            value: value.to_owned(),
            reason: reason.into(),
        }
    }

    /// Rejects what was not taken.
    ///
    /// # Errors
    /// If an option is left; the message names the nearest that is known.
    pub fn finish(self) -> Result<(), OptionError> {
        let Some((option, _)) = self.given.first() else { return Ok(()) };
        Err(OptionError::Unknown {
            component: self.name.clone(),
            option: option.clone(),
            nearest: ir::text::nearest(option, self.known.iter().copied()),
            known: if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest_option() {
        let mut o: Options = "darts:chanels=36".parse().expect("syntax");
        assert_eq!(o.take("channels", 16u32), Ok(16));
        let err = o.finish().expect_err("unknown").to_string();
        assert_eq!(err, "`darts` has no option `chanels` (did you mean `channels`?); it has: channels");
    }

    #[test]
    fn checks_ranges() {
        let mut o: Options = "x:population=0".parse().expect("syntax");
        let err = o.take_in("population", 10u32, 2, 1000).expect_err("range").to_string();
        assert_eq!(err, "`x`: population=0 is out of range; it lies in 2..=1000");
        let mut o: Options = "x:population=-1".parse().expect("syntax");
        let err = o.take_in("population", 10u32, 2, 1000).expect_err("range").to_string();
        assert!(err.starts_with("`x`: population=-1 cannot be read") && err.ends_with("it lies in 2..=1000"), "{err}");
    }
}
