//! The hub: every space by name, each in one file.

mod toy;

use crate::error::MutateError;
use crate::options::Options;
use crate::space::Space;

/// A space of the hub.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line, with its source.
    pub summary: &'static str,
    /// Its options with their defaults.
    pub options: &'static str,
    build: fn(Options) -> Result<Space, MutateError>,
}

/// Every space, in alphabetical order.
pub const SPACES: &[Entry] =
    &[Entry { name: "toy", summary: "24 small networks, for tests and first steps", options: "", build: toy::build }];

/// Builds a space from its name and options, `darts:channels=36,layers=20`.
///
/// # Errors
/// If there is no such space or option, or a value does not fit.
pub fn build(text: &str) -> Result<Space, MutateError> {
    let options: Options = text.parse()?;
    let Some(entry) = SPACES.iter().find(|s| s.name == options.name) else {
        let names = || SPACES.iter().map(|s| s.name);
        let near = ir::text::nearest(&options.name, names());
        return Err(MutateError::Space {
            space: options.name.clone(),
            reason: format!(
                "no such space{}; there are {}",
                near.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default(),
                names().collect::<Vec<_>>().join(", ")
            ),
        });
    };
    Ok((entry.build)(options)?.identified(text))
}
