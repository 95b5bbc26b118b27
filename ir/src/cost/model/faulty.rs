//! The joint values of decisions under which some node has a fault.

use super::{Convention, ModelError, walked};
use crate::module::Module;
use crate::value::Name;

/// Work that tables may take; see the limit of a [`CostModel`](super::CostModel).
const WORK: u64 = 1 << 18;

/// A decision or a family's member, with the rank of its value.
pub(crate) type Ranked = ((Name, Option<i64>), u64);

/// Visits all joint values, of decisions that meet in a node, under which the node has a fault; those of the same
/// decisions one after the other. Of a module whose tables can be made a sample builds if it has none of them; what the
/// elaborator alone sees (weights of one name that differ, networks that are too large) is not among them.
///
/// # Errors
/// As [`CostModel::of`](super::CostModel::of); it gives up earlier.
pub(crate) fn faulty_joint_values(module: &Module, visit: &mut dyn FnMut(&[Ranked])) -> Result<(), ModelError> {
    let (builder, part) = walked(module, Convention::default(), false, WORK)?;
    let vars = builder.explorer.vars.borrow();
    let keys = vars.keys();
    for factor in &part.factors {
        for (at, cost) in factor.values.iter().enumerate() {
            if cost.is_some() {
                continue;
            }
            let mut rest = at;
            let mut joint: Vec<Ranked> = Vec::with_capacity(factor.scope.len());
            for v in factor.scope.iter().rev() {
                joint.push((keys[*v as usize].clone(), (rest % vars.size(*v)) as u64));
                rest /= vars.size(*v);
            }
            joint.reverse();
            visit(&joint);
        }
    }
    Ok(())
}
