//! The choice primitives: what a space is built from.
//!
//! Each adds nodes to a graph under construction and declares the decisions that they use, so that the same space can
//! be sampled, enumerated, or left open as a supernet. What they mean is restated, line by line, in this crate's tests.

mod cell;
mod choices;
mod nasbench101;
mod nasbench201;

pub use cell::{Cell, Concat};
pub(crate) use choices::candidate;
pub use choices::{input_choice, layer_choice, repeat, value_choice};
pub(crate) use nasbench101::LEGAL;
pub use nasbench101::{NasBench101Cell, cell_of, pairs_of};
pub use nasbench201::NasBench201Cell;
