//! Lanista's code generator: a [`Program`](ir::Program) becomes a [`Plan`] of primitives, the plan gains a backward pass,
//! is run on libtorch (feature `torch`) or leaves as source text.
//!
//! ```
//! use codegen::{Lowering, Wrt};
//! use ir::prim::{Fold, Mode, Prim};
//!
//! let module: ir::Module = "module @m {
//!   entry @main
//!   graph @main(%x: f32[N, 3, 8, 8]) {
//!     %v = conv2d %x {out=4, k=3, pad=1}
//!     %r = relu %v
//!     return %r
//!   }
//! }".parse()?;
//! let program = ir::Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run()?;
//! let mut plan = Lowering::of(&program, Mode::Train)?;
//! let y = plan.outputs()[0];
//! let total = Prim::Reduce { fold: Fold::Sum, axes: (0..4).collect(), keep: false };
//! let total = ir::prim::Emit::prim(&mut plan, total, &[y])?;
//! let plan = plan.differentiate(total, &Wrt::weights())?.finish();
//! assert_eq!(plan.weights.len(), 2);
//! assert!(plan.weight_grads.iter().all(Option::is_some));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod array;
mod autodiff;
pub mod checkpoint;
pub mod export;
pub mod init;
mod plan;
#[cfg(feature = "torch")]
pub mod torch;

pub use autodiff::Wrt;
pub use plan::{
    Act, Fused, Grad, Kernel, Lowering, MAX_WEIGHT_BYTES, Memory, Plan, PlanError, Site, SiteKind, Source, Step, Value,
    Wanted, Weight,
};
