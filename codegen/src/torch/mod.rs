//! Running plans on libtorch.
//!
//! * [`Runtime::init`] is the one way in: it loads CUDA where it is asked for, before anything else touches libtorch.
//! * Nothing here records an autograd graph, but for the primitives whose derivative is left to libtorch
//!   ([`Grad::Autograd`](crate::Grad)) and [`Executor::differentiable`].
//! * Random numbers come from streams that a run is given, never from libtorch's generators, which a process shares.

mod exec;
#[allow(unsafe_code)]
mod ffi;
mod optim;
mod params;
mod runtime;
mod schedule;
mod slices;

pub use exec::{ExecError, Executor, Layout, Outcome, Pick, Run, Selection};
pub use optim::{Adam, Optimizer, Sgd, clip_grad_norm};
pub use params::{Params, to_array, to_tensor};
pub use runtime::{Device, Runtime, RuntimeError, Turn, available_memory, peak_memory, reset_peak_memory};
pub use schedule::Schedule;
pub use slices::{Place, Slice};
