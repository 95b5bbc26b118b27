//! Enums that people name, and what to answer to a name that doesn't exist.

use super::TableError;

/// The error for the unknown name `found`, with the nearest of the `known` ones.
pub(crate) fn unknown(what: &'static str, found: &str, known: &[&str]) -> TableError {
    let nearest = known
        .iter()
        .map(|name| (strsim::osa_distance(name, found), *name))
        .min()
        .filter(|(distance, name)| 2 * distance <= name.len())
        .map(|(_, name)| name.to_owned());
    TableError::UnknownName {
        what,
        // Of a runaway argument the start is enough.
        found: found.chars().take(64).collect(),
        nearest,
        known: known.join(", "),
    }
}

/// Declares a unit-only enum with `ALL`, `name`, `Display` and `FromStr`, from one list.
macro_rules! named {
    ($(#[$doc:meta])* $what:literal $enum:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $enum { $($(#[$variant_doc])* $variant,)+ }

        impl $enum {
            /// Every value, in order.
            pub const ALL: &'static [$enum] = &[$($enum::$variant),+];

            /// The name, as it is written in options.
            pub const fn name(self) -> &'static str {
                match self { $($enum::$variant => $name,)+ }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $enum {
            type Err = $crate::table::TableError;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.name() == name)
                    .ok_or_else(|| $crate::table::names::unknown($what, name, &[$($name),+]))
            }
        }
    };
}

pub(super) use named;
