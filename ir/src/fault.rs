//! What the verifier and the elaborator find wrong: where, in which op, and why.

use crate::ty::TensorType;
use crate::value::Name;
use std::fmt;

/// One thing that is wrong with a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The graph, unless the fault is the module's.
    pub graph: Option<Name>,
    /// The arguments of the failing instantiation.
    pub args: Vec<(Name, i64)>,
    /// The node.
    pub node: Option<Name>,
    /// The node's op, call or choice.
    pub op: Option<String>,
    /// Under which value of a decision it shows, if not under the defaults: `?op = skip_connect`.
    pub under: Option<String>,
    /// What is wrong.
    pub what: What,
}

/// The kinds of faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum What {
    /// An op that cannot be made, or cannot take its inputs.
    #[error("{0}")]
    Op(crate::op::OpError),
    /// An expression without a value.
    #[error("{0}")]
    Eval(crate::eval::EvalError),
    /// A call of a graph that does not exist.
    #[error("no graph is called `@{name}`{}", .nearest.as_ref().map(|n| format!("; did you mean `@{n}`?")).unwrap_or_default())]
    UnknownGraph {
        /// The name.
        name: Name,
        /// The most similar graph.
        nearest: Option<String>,
    },
    /// A call with too few or too many arguments or operands.
    #[error("@{graph} takes {expected} {of}, not {found}")]
    CallArity {
        /// The callee.
        graph: Name,
        /// `parameters` or `inputs`.
        of: &'static str,
        /// How many it takes.
        expected: usize,
        /// How many it got.
        found: usize,
    },
    /// Graphs that call each other in a circle.
    #[error("graphs call each other in a circle: {}; a network cannot contain itself", .0.iter().map(|n| format!("@{n}")).collect::<Vec<_>>().join(" -> "))]
    Recursion(Vec<Name>),
    /// An input without a type.
    #[error("the entry's input has no type; write it as in `%x: f32[N, 3, 32, 32]`")]
    UntypedInput,
    /// A stated type that is not the inferred one.
    #[error("states the type {stated}, but has {inferred}")]
    Declared {
        /// The stated types.
        stated: String,
        /// The inferred types.
        inferred: String,
    },
    /// An output number that the producer does not have.
    #[error("uses output {out} of `%{producer}`, which has {has}")]
    NoSuchOutput {
        /// The producing node.
        producer: Name,
        /// The output number.
        out: u8,
        /// How many there are.
        has: usize,
    },
    /// A choice whose decision has a value that is no candidate.
    #[error("has no candidate `{value}`; it has {candidates}")]
    NoCandidate {
        /// The value.
        value: String,
        /// The candidates.
        candidates: String,
    },
    /// A decision that is used in a way that its domain does not allow, or not declared.
    #[error("{0}")]
    Decision(String),
    /// Candidates of an open choice, or depths of an open repeat, whose types differ.
    #[error("{first} gives {first_types}, but {second} gives {second_types}; they must agree")]
    Unequal {
        /// A candidate.
        first: String,
        /// Its output types.
        first_types: String,
        /// Another candidate.
        second: String,
        /// Its output types.
        second_types: String,
    },
    /// A repeat whose block does not keep the type of its first input, at a depth other than 1.
    #[error("a repeat of depth {depth} needs a block that keeps its type, but @{block} makes {after} of {before}")]
    RepeatType {
        /// The depth.
        depth: i64,
        /// The block.
        block: Name,
        /// Type before.
        before: TensorType,
        /// Types after.
        after: String,
    },
    /// Nodes that share weights and are not the same.
    #[error(
        "takes {takes} and has the weights `{weights}` of `%{other}`, which is {does} of {other_takes}; nodes that share weights must be equal"
    )]
    Tied {
        /// The name of the weights.
        weights: Name,
        /// The types of the operands.
        takes: String,
        /// The node that has the weights.
        other: Name,
        /// What that is.
        does: String,
        /// The types of its operands.
        other_takes: String,
    },
    /// A depth below zero or beyond reason.
    #[error("a repeat's depth is a whole number from 0 to 4096, not {0}")]
    Depth(i64),
    /// Something about the module's declarations.
    #[error("{0}")]
    Declaration(String),
    /// More nodes than any network has.
    #[error(
        "the network has {count} nodes or more when its calls are written out, and {limit} are the most; lower a depth \
         or a repeat"
    )]
    TooLarge {
        /// How many nodes there are at least, with those of calls as often as they are called.
        count: u64,
        /// The most there may be.
        limit: u64,
    },
    /// A call in a call in a call.
    #[error("calls nest deeper than {limit} here; write some of the graphs into those that call them")]
    TooDeep {
        /// The most calls that may stand inside one another.
        limit: usize,
    },
}

impl fmt::Display for Fault {
    /// `@cell<c=16>: %conv (conv2d): expects rank 4, [N, C, H, W], got f32[N, 10]`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(graph) = &self.graph {
            write!(f, "@{graph}")?;
            for (i, (name, value)) in self.args.iter().enumerate() {
                write!(f, "{}{name}={value}", if i == 0 { "<" } else { ", " })?;
            }
            f.write_str(if self.args.is_empty() { ": " } else { ">: " })?;
        }
        match (&self.node, &self.op) {
            (Some(node), Some(op)) => write!(f, "%{node} ({op}): ")?,
            (Some(node), None) => write!(f, "%{node}: ")?,
            _ => {}
        }
        write!(f, "{}", self.what)?;
        match &self.under {
            Some(under) => write!(f, " (under {under})"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a module, at least one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Types as a message shows them: `f32[N, 16, 8, 8]`, several with commas.
pub(crate) fn list(types: &[TensorType]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
