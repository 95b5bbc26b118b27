//! Random attacks: a short round among the tests, a long one in `make soak`.
//!
//! * `LANISTA_SOAK=N` makes every attack N times as long; `LANISTA_SOAK_SEED=S` makes it another one.
//! * The same seed and length attack the same way, so that what fails can be run again.

use std::io::{self, Write};

/// The variable that makes attacks longer.
pub const LENGTH: &str = "LANISTA_SOAK";

/// The variable that makes them others.
pub const SEED: &str = "LANISTA_SOAK_SEED";

/// How long an attack goes on, and from which seed.
#[derive(Clone, Copy, Debug)]
pub struct Soak {
    name: &'static str,
    /// How many times it attacks.
    pub rounds: u64,
    /// Where its random numbers start.
    pub seed: u64,
}

impl Soak {
    /// An attack that among the tests has `short` rounds.
    ///
    /// # Panics
    /// If a variable is set to what is no number.
    #[must_use]
    pub fn new(name: &'static str, short: u64) -> Self {
        Self { name, rounds: short * number(LENGTH).unwrap_or(1).max(1), seed: number(SEED).unwrap_or(1) }
    }

    /// Says what came of the attack, in a line on standard error that the harness does not capture.
    pub fn say(&self, what: &str) {
        // If standard error is closed, nobody wants to know.
        let _ = writeln!(io::stderr().lock(), "soak: {} (seed {}): {what}", self.name, self.seed);
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number; set it to one, or unset it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_short_unless_told_otherwise() {
        if std::env::var_os(LENGTH).is_none() && std::env::var_os(SEED).is_none() {
            let soak = Soak::new("a test", 7);
            assert_eq!((soak.rounds, soak.seed), (7, 1));
        }
    }
}
