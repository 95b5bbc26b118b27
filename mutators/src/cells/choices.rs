//! LayerChoice, InputChoice, ValueChoice and Repeat.

use crate::error::MutateError;
use ir::expr::{DecisionRef, Expr};
use ir::graph::{Body, Callee, Candidate, Reduce, Val};
use ir::{Decision, Domain, GraphBuilder, Module, Name, OpTemplate, Value};

/// Reads a candidate for a graph of these parameters: an op, `conv2d {out=c, k=3}`, or a graph, `@block<c, 2>`.
pub(crate) fn candidate(text: &str, params: &[Name]) -> Result<Candidate, MutateError> {
    if text.trim_start().starts_with('@') {
        return Ok(Candidate::Call(text.parse()?));
    }
    Ok(Candidate::Op(OpTemplate::parse(text, params)?))
}

/// LayerChoice: one of several candidates on the same operands. Returns the node's value.
///
/// # Errors
/// If a candidate's text is malformed, or the label is declared in another way.
pub fn layer_choice<V: Into<Val>>(
    module: &mut Module,
    graph: &mut GraphBuilder,
    node: &str,
    label: &str,
    candidates: &[(&str, &str)],
    operands: impl IntoIterator<Item = V>,
) -> Result<Val, MutateError> {
    let values = candidates.iter().map(|(name, _)| Value::label(name)).collect();
    module.declare(Decision::new(label, Domain::Categorical(values))?)?;
    let candidates = candidates
        .iter()
        .map(|(name, text)| Ok((Name::new(name), candidate(text, graph.params())?)))
        .collect::<Result<Vec<_>, MutateError>>()?;
    Ok(graph.choice(node, DecisionRef::new(label), candidates, operands))
}

/// InputChoice: between `min` and `max` of the operands, summed, averaged or concatenated.
///
/// # Errors
/// If the numbers do not fit the operands, or the label is declared in another way.
pub fn input_choice<V: Into<Val>>(
    module: &mut Module,
    graph: &mut GraphBuilder,
    node: &str,
    label: &str,
    (min, max): (u32, u32),
    reduce: Reduce,
    operands: impl IntoIterator<Item = V>,
) -> Result<Val, MutateError> {
    let operands: Vec<Val> = operands.into_iter().map(Into::into).collect();
    let domain = Domain::Subset { of: Domain::first(operands.len()), min, max };
    module.declare(Decision::new(label, domain)?)?;
    Ok(graph.select(node, DecisionRef::new(label), reduce, operands))
}

/// ValueChoice: one of some numbers or labels, as an expression for any attribute.
///
/// ```
/// let mut module = ir::Module::new("m", "main");
/// let width = mutators::cells::value_choice(&mut module, "width", &[8.into(), 16.into()])?;
/// assert_eq!(width.to_string(), "?width");
/// # Ok::<(), mutators::MutateError>(())
/// ```
///
/// # Errors
/// If the values repeat, or the label is declared in another way.
pub fn value_choice(module: &mut Module, label: &str, values: &[Value]) -> Result<Expr, MutateError> {
    module.declare(Decision::new(label, Domain::Categorical(values.to_vec()))?)?;
    Ok(Expr::decision(label))
}

/// Repeat: `lo..=hi` calls of a block in a row. A block that takes the number of the call, named by `index`, can have
/// its own decisions each time through a decision family.
///
/// # Errors
/// If the bounds do not fit, or the label is declared in another way.
#[expect(clippy::too_many_arguments, reason = "the parts of a repeat are independent of each other")]
pub fn repeat<V: Into<Val>>(
    module: &mut Module,
    graph: &mut GraphBuilder,
    node: &str,
    label: &str,
    (lo, hi): (i64, i64),
    index: Option<&str>,
    block: Callee,
    operands: impl IntoIterator<Item = V>,
) -> Result<Val, MutateError> {
    module.declare(Decision::new(label, Domain::Range { lo, hi, step: 1 })?)?;
    let body = Body::Repeat { depth: Expr::decision(label), index: index.map(Name::new), callee: block };
    Ok(graph.node(node, body, operands))
}
