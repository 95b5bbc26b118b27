//! What can go wrong between a space, a sample and a mutator.

use ir::{DomainError, EvalError, Faults, PatchError, ResolveError};

/// Why a sample cannot be read, drawn or turned into a network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MutateError {
    /// A sample names a decision that the space does not have.
    #[error("space `{space}` has no decision `{label}`{}; its decisions are {known}", ir::text::did_you_mean(.nearest.as_deref()))]
    UnknownDecision {
        /// The space.
        space: String,
        /// The label.
        label: String,
        /// The most similar label.
        nearest: Option<String>,
        /// The labels there are.
        known: String,
    },
    /// A sample gives a decision a value outside its domain.
    #[error("`{label}={value}`: the value is not in {domain}")]
    OutsideDomain {
        /// The decision.
        label: String,
        /// The value.
        value: String,
        /// The domain.
        domain: String,
    },
    /// A sample leaves out a decision that its other choices need.
    #[error("the sample leaves out `{label}`; add `{label}=..` with a value of {domain}")]
    MissingDecision {
        /// The decision.
        label: String,
        /// Its domain.
        domain: String,
    },
    /// A sample gives a decision twice.
    #[error("the sample gives `{0}` twice; give it once")]
    Twice(String),
    /// A sample that breaks a constraint.
    #[error("the sample breaks the constraint {0}")]
    Illegal(String),
    /// A text that is no sample.
    #[error("`{text}` is no sample: {reason}; write it as `label=value,label=value`")]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A text that is no genotype of this space.
    #[error("`{text}` is no genotype of space `{space}`: {reason}")]
    Genotype {
        /// The space.
        space: String,
        /// The text.
        text: String,
        /// What is wrong, and how to write it.
        reason: String,
    },
    /// No legal sample was found.
    #[error("no sample of space `{space}` fulfils its constraints after {tries} tries; loosen a constraint")]
    NoLegalSample {
        /// The space.
        space: String,
        /// Number of tries.
        tries: u32,
    },
    /// So many assignments in a row that break a constraint or a rule, after some that do not.
    #[error(
        "space `{space}`: after {found} samples, {tries} assignments in a row break its constraints; loosen one, or draw samples in place of listing them"
    )]
    Sparse {
        /// The space.
        space: String,
        /// Number of tries.
        tries: u32,
        /// Number of samples that were found before.
        found: u64,
    },
    /// A static mutator that asks for what it has not declared.
    #[error(
        "mutator `{mutator}` asks for `{label}`, but declares {declared}; add `{label}` to its `decisions`, or return `None` there to make it dynamic"
    )]
    Undeclared {
        /// The mutator.
        mutator: String,
        /// The label that it asks for.
        label: String,
        /// What it declares.
        declared: String,
    },
    /// A mutator that chose differently than it said.
    #[error("mutator `{mutator}`: {reason}")]
    Mutator {
        /// The mutator.
        mutator: String,
        /// What is wrong.
        reason: String,
    },
    /// A space that makes no sense.
    #[error("space `{space}`: {reason}")]
    Space {
        /// The space.
        space: String,
        /// What is wrong.
        reason: String,
    },
    /// An option of a space that does not exist or does not fit.
    #[error("{0}")]
    Options(#[from] crate::options::OptionError),
    /// Dynamic spaces have no list of decisions to enumerate.
    #[error("space `{space}` is dynamic (mutator `{mutator}` decides as it goes), so it cannot be {what}")]
    Dynamic {
        /// The space.
        space: String,
        /// The first dynamic mutator.
        mutator: String,
        /// What was asked for: `enumerated`.
        what: &'static str,
    },
    /// A patch that does not apply.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// A module that cannot be resolved.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A module that does not verify.
    #[error(transparent)]
    Verify(#[from] Faults),
    /// A domain that makes no sense.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// A constraint without a value.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// An op's text that is malformed.
    #[error(transparent)]
    Parse(#[from] ir::text::ParseError),
    /// Nodes that make no graph.
    #[error(transparent)]
    Graph(#[from] ir::GraphError),
    /// A label declared in two ways.
    #[error(transparent)]
    Label(#[from] ir::DuplicateLabel),
}
