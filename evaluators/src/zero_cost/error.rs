//! Why a network has no score.

use super::Proxy;
use crate::data::DataError;
use codegen::PlanError;
use codegen::torch::{ExecError, RuntimeError};
use tch::TchError;

/// Why a network has no score.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ZeroCostError {
    /// Another kind of network.
    #[error("zero-cost proxies score image classifiers, f32[N, C, H, W] to f32[N, classes]; this network {0}")]
    NoClassifier(String),
    /// A network that is left open.
    #[error("zero-cost proxies score one network; {sites} decisions are open, the first at `{first}`")]
    Open {
        /// How many.
        sites: usize,
        /// The path of the first.
        first: String,
    },
    /// A batch that does not fit the network.
    #[error("the batch does not fit the network: {0}")]
    Batch(String),
    /// A proxy that is undefined for the network.
    #[error("{proxy} has no value for this network: {why}")]
    Undefined {
        /// The proxy.
        proxy: Proxy,
        /// Why.
        why: String,
    },
    /// An op in the way.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A run that failed.
    #[error(transparent)]
    Run(#[from] ExecError),
    /// A data set that cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Libtorch refuses.
    #[error(transparent)]
    Torch(#[from] TchError),
    /// Libtorch cannot be had.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

impl From<ir::prim::EmitError> for ZeroCostError {
    fn from(e: ir::prim::EmitError) -> Self {
        Self::Plan(e.into())
    }
}
