//! Lanista's intermediate representation: computation graphs as first-class values.

pub mod activity;
mod builder;
pub mod cost;
pub mod decision;
pub mod draw;
pub mod eval;
pub mod expr;
pub mod fault;
pub mod graph;
pub mod hash;
mod module;
pub mod op;
pub mod patch;
pub mod program;
pub mod resolve;
pub mod text;
pub mod ty;
pub mod value;
pub mod verify;

pub use builder::{GraphBuilder, GraphError, IntoTemplate};
pub use cost::Convention;
pub use decision::{Decision, Domain, DomainError, Pick};
pub use eval::{Env, EvalError};
pub use expr::{DecisionRef, Expr};
pub use fault::{Fault, Faults};
pub use graph::{Body, Callee, Candidate, Graph, Node, Reduce, Val};
pub use hash::GraphHash;
pub use module::{DuplicateLabel, Module};
pub use op::{Op, OpError, OpRegistry, OpTemplate};
pub use patch::{Patch, PatchError};
pub use program::{Elaboration, Program};
pub use resolve::ResolveError;
pub use ty::{DType, Dim, TensorType};
pub use value::{Name, Real, Value};
pub use verify::verify;
