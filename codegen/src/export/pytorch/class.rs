//! One instance of a graph as a class.

use super::attributes::{Attributes, attributes};
use super::expr::{Py, Typed};
use super::layers;
use super::names::{is_attribute, sanitised};
use super::record::Record;
use crate::export::ExportError;
use crate::export::taken::Taken;
use ir::op::WeightSpec;
use ir::prim::{Mode, Var};
use ir::program::{Action, Instance, Step};
use ir::{DType, Op, TensorType};

/// Names that a class's methods use for something else.
const RESERVED: [&str; 8] = ["self", "n", "block", "F", "nn", "torch", "super", "drop_path"];

/// The lines of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Class {
    /// The body of `__init__`.
    pub init: Vec<String>,
    /// The arguments of `forward`.
    pub inputs: Vec<String>,
    /// The body of `forward`.
    pub forward: Vec<String>,
}

/// A class in the making.
struct Writer<'a> {
    instance: &'a Instance,
    /// The names of the classes of the instances.
    classes: &'a [String],
    names: Attributes,
    locals: Taken,
    values: Vec<Typed>,
    class: Class,
}

/// Whether a node has a child that stands for it.
fn has_child(instance: &Instance, step: &Step) -> bool {
    match &step.action {
        Action::Call(_) => true,
        Action::Chain(calls) => !calls.is_empty(),
        Action::Op(op) => !weights(op, &instance.types_of(&step.operands)).is_empty(),
        _ => false,
    }
}

fn weights(op: &Op, x: &[&TensorType]) -> Vec<WeightSpec> {
    op.weights(x).into_iter().collect()
}

/// The children of an instance's class, by the name of their weights: nodes that share weights are one child.
pub fn children(instance: &Instance) -> Attributes {
    let first = instance.steps.iter().filter(|s| s.tied.is_none() && has_child(instance, s));
    attributes(first.map(|s| instance.weights_name(s)))
}

/// What a weight is called in its module.
pub fn weight_name(spec: &WeightSpec) -> String {
    if is_attribute(spec.name) { spec.name.to_owned() } else { sanitised(spec.name) }
}

/// Writes the class of an instance, whose callees have classes of these names.
///
/// # Errors
/// If an op has no lowering or cannot be said.
pub fn class(instance: &Instance, classes: &[String]) -> Result<Class, ExportError> {
    let names = children(instance);
    let locals = Taken::new(&RESERVED);
    let mut w = Writer { instance, classes, names, locals, values: Vec::new(), class: Class::default() };
    w.class.init = w.names.holders.iter().map(|h| format!("self.{h} = nn.Module()")).collect();
    let mut inputs = vec![String::new(); instance.inputs.len()];
    for v in &instance.inputs {
        let step = instance.steps.iter().find(|s| matches!(s.action, Action::Input) && s.first == *v);
        let name = step.map_or("x", |s| instance.name(s).as_str());
        let place = instance.inputs.iter().position(|u| u == v).expect("invariant: it is one of them");
        inputs[place] = w.locals.take(&sanitised(name));
    }
    for step in &instance.steps {
        let results = match &step.action {
            Action::Input => {
                let place = instance.inputs.iter().position(|v| *v == step.first);
                vec![Py::atom(&*inputs[place.expect("invariant: an input's value is listed")])]
            }
            _ => w.step(step)?,
        };
        let types = instance.results(step);
        w.values.extend(results.into_iter().zip(types).map(|(py, ty)| Typed { py, ty: ty.clone() }));
    }
    let outputs: Vec<&str> = instance.outputs.iter().map(|v| &*w.values[*v as usize].py.text).collect();
    let result = format!("return {}", if outputs.is_empty() { "()".to_owned() } else { outputs.join(", ") });
    w.class.forward.push(result);
    let uses_batch = w.class.forward.iter().any(|line| mentions(line, "n"));
    if uses_batch && let Some(line) = batch(instance, &inputs) {
        w.class.forward.insert(0, line);
    }
    w.class.inputs = inputs;
    Ok(w.class)
}

/// `n = x.shape[0]`
fn batch(instance: &Instance, inputs: &[String]) -> Option<String> {
    let (name, axis, factor) = instance.inputs.iter().zip(inputs).find_map(|(v, name)| {
        let shape = &instance.types[*v as usize].shape;
        let axis = shape.iter().position(|d| d.is_batch())?;
        Some((name, axis, shape[axis].per_example()))
    })?;
    let over = if factor == 1 { String::new() } else { format!(" // {factor}") };
    Some(format!("n = {name}.shape[{axis}]{over}"))
}

/// Whether a line names a variable.
fn mentions(line: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    line.split(|c| !part(c)).any(|word| word == name || word.strip_prefix(name).is_some_and(|r| r.starts_with('.')))
}

impl Writer<'_> {
    fn step(&mut self, step: &Step) -> Result<Vec<Py>, ExportError> {
        let node = self.instance.name(step).clone();
        let x: Vec<Typed> = step.operands.iter().map(|v| self.values[*v as usize].clone()).collect();
        let child =
            self.names.of.get(self.instance.weights_name(step)).filter(|_| has_child(self.instance, step)).cloned();
        match &step.action {
            Action::Op(op) => self.op(op, step, &node, &x, child),
            Action::Call(callee) => {
                let child = child.expect("invariant: a call has a child");
                self.child(step, format!("self.{child} = {}()", self.classes[*callee]));
                let call = format!("self.{child}({})", arguments(&x));
                Ok(self.assign(&node, step.outs as usize, &Py::atom(call)))
            }
            Action::Chain(calls) if calls.is_empty() => Ok(vec![x[0].py.clone()]),
            Action::Chain(calls) => {
                let child = child.expect("invariant: a chain has a child");
                let blocks = self.blocks(calls);
                if let [one] = &x[..] {
                    self.child(step, format!("self.{child} = nn.Sequential({blocks})"));
                    return Ok(self.assign(&node, 1, &Py::atom(format!("self.{child}({})", one.py.text))));
                }
                let blocks = blocks.strip_prefix('*').map_or_else(|| format!("[{blocks}]"), str::to_owned);
                self.child(step, format!("self.{child} = nn.ModuleList({blocks})"));
                let local = self.locals.take(&sanitised(&node));
                let loop_ = format!("    {local} = block({local}, {})", arguments(&x[1..]));
                let first = format!("{local} = {}", x[0].py.text);
                self.class.forward.extend([first, format!("for block in self.{child}:"), loop_]);
                Ok(vec![Py::atom(local)])
            }
            Action::Input | Action::Choice(..) | Action::Select(..) | Action::Repeat { .. } => {
                unreachable!("invariant: inputs are handled by the caller, and the program is decided")
            }
        }
    }

    /// A line that makes a child, unless an earlier node that shares the weights has made it.
    fn child(&mut self, step: &Step, line: String) {
        if step.tied.is_none() {
            self.class.init.push(line);
        }
    }

    /// The arguments that make a chain: `*[Cell() for _ in range(5)]`, or a call each.
    fn blocks(&self, calls: &[usize]) -> String {
        let names: Vec<&str> = calls.iter().map(|c| self.classes[*c].as_str()).collect();
        if names.len() > 1 && names.iter().all(|n| *n == names[0]) {
            return format!("*[{}() for _ in range({})]", names[0], names.len());
        }
        names.iter().map(|n| format!("{n}()")).collect::<Vec<_>>().join(", ")
    }

    /// Gives a node's results names.
    fn assign(&mut self, node: &str, outs: usize, py: &Py) -> Vec<Py> {
        let name = sanitised(node);
        let locals: Vec<String> = match outs {
            1 => vec![self.locals.take(&name)],
            _ => (0..outs).map(|k| self.locals.take(&format!("{name}_{k}"))).collect(),
        };
        if outs > 0 {
            self.class.forward.push(format!("{} = {}", locals.join(", "), py.text));
        }
        locals.into_iter().map(Py::atom).collect()
    }

    fn op(
        &mut self,
        op: &Op,
        step: &Step,
        node: &str,
        x: &[Typed],
        child: Option<String>,
    ) -> Result<Vec<Py>, ExportError> {
        let types: Vec<&TensorType> = x.iter().map(|t| &t.ty).collect();
        if let Some(module) = layers::module(op, &types) {
            // One without weights, a normalisation that is not affine, has a child all the same.
            let child = child.unwrap_or_else(|| self.spare(node));
            self.child(step, format!("self.{child} = {module}"));
            return Ok(self.assign(node, 1, &Py::atom(format!("self.{child}({})", x[0].py.text))));
        }
        if let Some(py) = x.first().and_then(|x| layers::dropping(op, x)) {
            return Ok(self.assign(node, 1, &py));
        }
        let mut operands = x.to_vec();
        if let Some(child) = child {
            let owner = format!("self.{child}");
            self.child(step, format!("{owner} = nn.Module()"));
            let mut taken = Taken::default();
            for spec in weights(op, &types) {
                let name = taken.take(&weight_name(&spec));
                self.child(step, layers::weight(&owner, &name, &spec));
                let dtype = types.first().map_or(DType::F32, |t| t.dtype);
                let ty = TensorType::new(dtype, spec.shape.iter().map(|d| (*d).into()));
                operands.push(Typed { py: Py::atom(format!("{owner}.{name}")), ty });
            }
        }
        self.emitted(op, step, node, x.len(), &operands)
    }

    /// A child of its own name for a node that has no weights.
    fn spare(&mut self, node: &str) -> String {
        let mut taken = Taken::default();
        self.names.of.values().chain(&self.names.holders).for_each(|n| {
            taken.claim(n);
        });
        let child = taken.take(&sanitised(node));
        self.names.of.insert(node.into(), child.clone());
        child
    }

    fn emitted(
        &mut self,
        op: &Op,
        step: &Step,
        node: &str,
        inputs: usize,
        operands: &[Typed],
    ) -> Result<Vec<Py>, ExportError> {
        let (train, results) = record(op, Mode::Train, node, inputs, operands)?;
        let (eval, eval_results) = record(op, Mode::Eval, node, inputs, operands)?;
        let near = self.near(operands);
        let name = sanitised(node);
        if train.equals(&eval) && results == eval_results {
            let printed = eval.print(&results, operands, near.as_ref(), &name, &mut self.locals);
            self.class.forward.extend(printed.lines);
            let results = printed.results.into_iter().enumerate().map(|(k, py)| {
                // What is a variable already needs no second name.
                if operands.iter().any(|o| o.py == py) { vec![py] } else { self.assign_part(node, k, step, &py) }
            });
            return Ok(results.flatten().collect());
        }
        let locals: Vec<String> = (0..results.len())
            .map(|k| self.locals.take(&if results.len() == 1 { name.clone() } else { format!("{name}_{k}") }))
            .collect();
        for (head, record, results) in [("if self.training:", &train, &results), ("else:", &eval, &eval_results)] {
            let printed = record.print(results, operands, near.as_ref(), &name, &mut self.locals);
            let ends = locals.iter().zip(&printed.results).map(|(l, py)| format!("{l} = {}", py.text));
            self.class.forward.push(head.to_owned());
            self.class.forward.extend(printed.lines.into_iter().chain(ends).map(|line| format!("    {line}")));
        }
        Ok(locals.into_iter().map(Py::atom).collect())
    }

    fn assign_part(&mut self, node: &str, k: usize, step: &Step, py: &Py) -> Vec<Py> {
        let part = if step.outs == 1 { node.to_owned() } else { format!("{node}_{k}") };
        self.assign(&part, 1, py)
    }

    /// A value whose device and precision a tensor made from nothing takes: of the op's operands, else of the inputs.
    fn near(&self, operands: &[Typed]) -> Option<Typed> {
        let inputs = self.instance.inputs.iter().filter_map(|v| self.values.get(*v as usize));
        let all = || operands.iter().chain(inputs.clone());
        all().find(|t| t.ty.dtype.is_float()).or_else(|| all().next()).cloned()
    }
}

fn arguments(x: &[Typed]) -> String {
    x.iter().map(|t| &*t.py.text).collect::<Vec<_>>().join(", ")
}

fn record(
    op: &Op,
    mode: Mode,
    node: &str,
    inputs: usize,
    operands: &[Typed],
) -> Result<(Record, Vec<Var>), ExportError> {
    let mut record = Record::new(mode, operands.iter().map(|t| t.ty.clone()));
    let vars: Vec<Var> = (0..operands.len() as u32).map(Var).collect();
    let results = op.emit(&mut record, &vars[..inputs], &vars[inputs..]);
    let results = results.map_err(|source| ExportError::Emit { node: node.to_owned(), source })?.to_vec();
    if let Some(prim) = record.auxiliary(&results) {
        let why = "only its first result can be used";
        return Err(ExportError::Prim { node: node.to_owned(), prim: prim.to_string(), why });
    }
    Ok((record, results))
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn finds_variables() {
        for line in ["y = x.new_zeros((n, 3))", "y = x[2 * n:]", "n = 1", "y = n.z"] {
            assert!(mentions(line, "n"), "{line}");
        }
        for line in ["y = self.n(x)", "y = nn.f(x)", "y = x.n"] {
            assert!(!mentions(line, "n"), "{line}");
        }
    }
}
