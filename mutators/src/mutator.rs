//! Mutators: graph-level rewrites with choices.

use crate::chooser::Chooser;
use crate::error::MutateError;
use ir::{Decision, Module, Patch};
use std::fmt::Debug;

/// A rewrite of a module that asks a chooser what to do. Pure: the same answers give the same patch.
///
/// A static mutator declares its decisions, and asks for each of them whatever the answers; a dynamic one decides what
/// to ask as it goes, and its sample is the record of what was chosen.
pub trait Mutator: Debug + Send + Sync {
    /// What it is called in messages and histories.
    fn label(&self) -> &str;

    /// The decisions that it asks for, if it is static.
    fn decisions(&self, _base: &Module) -> Option<Vec<Decision>> {
        None
    }

    /// The patch for a module.
    ///
    /// # Errors
    /// If the chooser has no answer, or the module lacks what the mutator edits.
    fn mutate(&self, module: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError>;
}
