//! What the two spaces of ENAS (Pham et al. 2018) share: how a feature map is halved, and how an arc is written.

use ir::{Name, Value};

/// A factorized reduction without activation: two 1x1 convolutions of stride 2, one of them a pixel further, side by
/// side. The margin keeps the last row and column of an odd size.
pub(super) const FACTORIZED_REDUCTION: &str = "
  graph @factorized_reduction<c>(%x) {
    %even = conv2d %x {out=c // 2, k=1, stride=2, bias=false}
    %wider = pad %x {before=0, after=1}
    %rows = slice %wider {axis=2, start=1}
    %shifted = slice %rows {axis=3, start=1}
    %odd = conv2d %shifted {out=c - c // 2, k=1, stride=2, bias=false}
    %both = concat %even, %odd
    %y = batch_norm %both
    return %y
  }";

/// The integers of an arc, separated by spaces as the authors print it; commas and brackets are taken too.
pub(super) fn numbers(text: &str) -> Result<Vec<usize>, String> {
    text.split(|c: char| c.is_whitespace() || ",[]".contains(c))
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().map_err(|_| format!("`{word}` is no number; write integers separated by spaces")))
        .collect()
}

/// Writes an arc.
pub(super) fn arc(numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// A decision's value from the number of an operation.
pub(super) fn operation(label: &str, number: usize, ops: &[&str]) -> Result<(Name, Value), String> {
    let op = ops.get(number).ok_or_else(|| {
        let known: Vec<String> = ops.iter().enumerate().map(|(i, op)| format!("{i} {op}")).collect();
        format!("{number} is no operation of `{label}`; there are {}", known.join(", "))
    })?;
    Ok((Name::new(label), Value::label(op)))
}

/// The number of the operation that a decision chose; 0 if it is inactive.
pub(super) fn number(op: Option<Value>, ops: &[&str]) -> usize {
    op.and_then(|v| ops.iter().position(|op| Value::label(op) == v)).unwrap_or(0)
}
