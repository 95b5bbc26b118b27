//! Flattening: a program as one plain graph, calls written out, node names their paths.

use super::{Action, InstanceId, Program};
use crate::builder::GraphBuilder;
use crate::graph::{Body, Graph, Val};
use crate::module::Module;
use crate::value::Name;

/// An open decision in the way of flattening.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{node}` is still open ({what}); make its decision before flattening")]
pub struct FlattenError {
    /// Path of the node.
    pub node: String,
    /// What is open.
    pub what: String,
}

/// Paths of a node, and of its weights.
#[derive(Default)]
struct Place {
    name: String,
    weights: String,
}

impl Place {
    /// The paths of a node inside of it.
    fn of(&self, name: &str, weights: &str) -> Self {
        if self.name.is_empty() {
            return Self { name: name.to_owned(), weights: weights.to_owned() };
        }
        Self { name: format!("{}/{name}", self.name), weights: format!("{}/{weights}", self.weights) }
    }
}

impl Program {
    /// The network as one graph without parameters, calls or choices. A node of a call is named by its path,
    /// `stage1/cell0/conv`; the calls of a repeat are `repeat/0`, `repeat/1` and so on.
    ///
    /// # Errors
    /// If a choice, select or repeat is open.
    pub fn flatten(&self) -> Result<Graph, FlattenError> {
        let main = self.main();
        let mut b = GraphBuilder::new(main.graph.name(), [] as [&str; 0]);
        let inputs: Vec<Val> = main
            .steps
            .iter()
            .filter(|s| matches!(s.action, Action::Input))
            .map(|s| b.input_of(main.name(s), main.types[s.first as usize].clone()))
            .collect();
        let outputs = self.inline(self.entry, &Place::default(), &inputs, &mut b)?;
        outputs.iter().for_each(|v| b.output(v));
        Ok(b.finish().expect("invariant: paths are unique and operands come first"))
    }

    /// The network as a module of one graph.
    ///
    /// # Errors
    /// As [`Program::flatten`].
    pub fn flat_module(&self, name: impl AsRef<str>) -> Result<Module, FlattenError> {
        let graph = self.flatten()?;
        let mut module = Module::new(name, graph.name());
        module.set_graph(graph);
        Ok(module)
    }

    fn inline(
        &self,
        id: InstanceId,
        place: &Place,
        inputs: &[Val],
        b: &mut GraphBuilder,
    ) -> Result<Vec<Val>, FlattenError> {
        let instance = &self.instances[id];
        let mut values: Vec<Val> = Vec::with_capacity(instance.types.len());
        for step in &instance.steps {
            let here = place.of(instance.name(step), instance.weights_name(step));
            let name = here.name.clone();
            let mut x: Vec<Val> = step.operands.iter().map(|v| values[*v as usize].clone()).collect();
            match &step.action {
                Action::Input => {
                    let place = instance.inputs.iter().position(|v| *v == step.first);
                    values.push(inputs[place.expect("invariant: an input's value is listed")].clone());
                }
                Action::Op(op) => {
                    let val = b.node(Name::new(name), Body::Op(op.clone().into()), x);
                    if step.action.has_weights(&instance.types_of(&step.operands)) {
                        b.tie(&val, &here.weights);
                    }
                    values.extend((0..step.outs).map(|k| val.output(k as u8)));
                }
                Action::Call(callee) => values.extend(self.inline(*callee, &here, &x, b)?),
                Action::Chain(calls) => {
                    for (i, callee) in calls.iter().enumerate() {
                        let i = i.to_string();
                        let mut outs = self.inline(*callee, &here.of(&i, &i), &x, b)?;
                        x[0] = outs.swap_remove(0);
                    }
                    values.push(x.swap_remove(0));
                }
                Action::Choice(d, _) => return Err(FlattenError { node: name, what: format!("choice ?{d}") }),
                Action::Select(d, _) => return Err(FlattenError { node: name, what: format!("select ?{d}") }),
                Action::Repeat { .. } => return Err(FlattenError { node: name, what: "repeat".into() }),
            }
        }
        Ok(instance.outputs.iter().map(|v| values[*v as usize].clone()).collect())
    }
}
