//! Ops in place of others: the same network without its batch normalisation, say.

use super::{Action, Program};
use crate::op::{Op, OpError};
use crate::ty::TensorType;

/// An op that cannot take another's place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node `{node}` of graph `@{graph}`: `{new}` cannot take the place of `{old}`: {why}")]
pub struct ReplaceError {
    /// The graph.
    pub graph: String,
    /// The node.
    pub node: String,
    /// What was to be replaced.
    pub old: String,
    /// By what.
    pub new: String,
    /// What is in the way.
    pub why: String,
}

impl Program {
    /// The same network with other ops in some places; `with` says which, from the op that is there. An op may only be
    /// replaced by one that gives the same types. Candidates of open choices are asked too.
    ///
    /// ```
    /// use ir::op::Identity;
    /// use ir::Op;
    ///
    /// let module: ir::Module = "module @m {
    ///   entry @main
    ///   graph @main(%x: f32[N, 3, 8, 8]) {
    ///     %v = conv2d %x {out=4, k=3, bias=false}
    ///     %y = batch_norm %v
    ///     return %y
    ///   }
    /// }".parse()?;
    /// let program = ir::Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run()?;
    /// let bypassed = program.replace_ops(|op| matches!(op, Op::BatchNorm(_)).then(|| Op::Identity(Identity {})))?;
    /// assert_eq!(program.cost(ir::Convention::Nasbench).params, 3 * 4 * 9 + 8);
    /// assert_eq!(bypassed.cost(ir::Convention::Nasbench).params, 3 * 4 * 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a new op does not take the operands, or gives other types.
    pub fn replace_ops(&self, with: impl Fn(&Op) -> Option<Op>) -> Result<Self, ReplaceError> {
        let mut program = self.clone();
        for instance in &mut program.instances {
            let (graph, types) = (&instance.graph, &instance.types);
            for step in &mut instance.steps {
                let operands: Vec<&TensorType> = step.operands.iter().map(|v| &types[*v as usize]).collect();
                let results = &types[step.first as usize..(step.first + step.outs) as usize];
                replace(&mut step.action, &operands, results, &with).map_err(|(old, new, why)| ReplaceError {
                    graph: graph.name().to_string(),
                    node: graph.petgraph()[step.node].name.to_string(),
                    old: old.to_string(),
                    new: new.to_string(),
                    why,
                })?;
            }
        }
        Ok(program)
    }
}

fn replace(
    action: &mut Action,
    operands: &[&TensorType],
    results: &[TensorType],
    with: &impl Fn(&Op) -> Option<Op>,
) -> Result<(), (Op, Op, String)> {
    match action {
        Action::Op(op) => {
            let Some(new) = with(op) else { return Ok(()) };
            let why = match new.infer(operands) {
                Ok(types) if types[..] == *results => {
                    *op = new;
                    return Ok(());
                }
                Ok(types) => {
                    let [found, expected] = [&types[..], results].map(listed);
                    format!("it gives {found} instead of {expected}")
                }
                Err(e) => OpError::to_string(&e),
            };
            Err((op.clone(), new, why))
        }
        Action::Choice(_, candidates) => {
            candidates.iter_mut().try_for_each(|(_, candidate)| replace(candidate, operands, results, with))
        }
        Action::Input | Action::Call(_) | Action::Chain(_) | Action::Select(..) | Action::Repeat { .. } => Ok(()),
    }
}

fn listed(types: &[TensorType]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::op::{GlobalAvgPool, Identity};
    use crate::{Convention, Elaboration, Module, Op, Program};

    fn open(text: &str) -> Program {
        let module: Module = text.parse().expect("a module");
        Elaboration::supernet(&module, &|_: &str, _: Option<i64>| None).run().expect("a program")
    }

    const CHOICE: &str = "module @m {
      entry @main
      graph @main(%x: f32[N, 4, 8, 8]) {
        %y = choice ?c (%x) {bn: batch_norm, keep: identity, act: relu}
        return %y
      }
    }";

    #[test]
    fn candidates_of_open_choices_are_replaced_too() {
        let program = open(CHOICE);
        assert_eq!(program.cost(Convention::Nasbench).params, 8);
        let bypassed = program.replace_ops(|o| matches!(o, Op::BatchNorm(_)).then(|| Op::Identity(Identity {})));
        assert_eq!(bypassed.expect("same types").cost(Convention::Nasbench).params, 0);
    }

    #[test]
    fn an_op_that_does_not_fit_is_refused_by_name() {
        let program = open(CHOICE);
        let flat = program.replace_ops(|o| matches!(o, Op::Relu(_)).then(|| Op::GlobalAvgPool(GlobalAvgPool {})));
        assert_eq!(
            flat.expect_err("another type").to_string(),
            "node `y` of graph `@main`: `global_avg_pool` cannot take the place of `relu`: it gives f32[N, 4, 1, 1] \
             instead of f32[N, 4, 8, 8]"
        );
    }
}
