//! What a decision's value means to a choice and to a select.

use super::need::Slots;
use crate::graph::Reduce;
use crate::op::{Add, Concat, Identity, Op, Pair, Zero};
use crate::value::Value;

/// Whether a decision's value names this candidate: labels by text, numbers as they print.
pub(crate) fn is_label(value: &Value, name: &str) -> bool {
    match value {
        Value::Str(s) => s == name,
        other => other.to_string() == name,
    }
}

/// The operands that a select's value stands for.
pub(crate) fn chosen_inputs(value: &Value, operands: usize) -> Result<Slots, String> {
    let one = |v: &Value| match v.as_int() {
        Some(i) if i >= 0 && (i as usize) < operands => Ok(i as usize),
        _ => Err(format!("`{v}` is not the number of one of its {operands} operands")),
    };
    match value {
        Value::List(items) => items.iter().map(one).collect(),
        v => Ok([one(v)?].into_iter().collect()),
    }
}

/// The operands that a select keeps for a value: those chosen, or for their shape the first where none is chosen.
pub(crate) fn kept_inputs(value: &Value, operands: usize) -> Result<Slots, String> {
    let mut chosen = chosen_inputs(value, operands)?;
    if chosen.is_empty() && operands > 0 {
        chosen.push(0);
    }
    Ok(chosen)
}

/// The op that reduces `k` chosen inputs to one value. A sum of nothing is zero, in the shape of the first operand.
pub(crate) fn reduce_op(reduce: Reduce, k: usize) -> Result<Op, String> {
    match (reduce, k) {
        (Reduce::Sum | Reduce::Mean, 0) => Ok(Zero { stride: Pair::both(1), out: None }.into()),
        (Reduce::Concat, 0) => Err("nothing was chosen to concatenate; let at least one input be chosen".into()),
        (_, 1) => Ok(Identity {}.into()),
        (Reduce::Sum, _) => Ok(Add { mean: false }.into()),
        (Reduce::Mean, _) => Ok(Add { mean: true }.into()),
        (Reduce::Concat, _) => Ok(Concat { axis: 1 }.into()),
    }
}
