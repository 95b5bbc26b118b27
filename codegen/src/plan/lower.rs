//! Lowering: a program written out as primitives.

use super::{Kernel, Plan, Site, SiteKind, Source, Step, Value, Weight};
use ir::op::{Role, WeightSpec};
use ir::prim::{Emit, EmitError, Mode, Prim, Var, Vars};
use ir::program::{Action, InstanceId};
use ir::{DType, Name, Op, Program, TensorType};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Why no plan can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// An op that cannot be lowered.
    #[error("node `{node}`: {source}")]
    Emit {
        /// Path of the node.
        node: String,
        /// Why.
        source: EmitError,
    },
    /// Weights that no machine is meant to hold.
    #[error(
        "node `{node}`: the weights up to here take {} GiB in single precision, and {} GiB are the most; lower its sizes",
        .bytes >> 30, .limit >> 30
    )]
    Weights {
        /// Path of the node whose weights are too much.
        node: String,
        /// The bytes of all weights so far.
        bytes: u64,
        /// The most there may be.
        limit: u64,
    },
    /// A gradient of something that is no scalar.
    #[error("only a scalar can be differentiated, not {0}")]
    NoScalar(TensorType),
    /// A primitive that was added after lowering.
    #[error(transparent)]
    Prim(#[from] EmitError),
}

/// Most bytes of a network's weights in single precision. Whoever has a plan may make its weights: initialisation,
/// training, export.
pub const MAX_WEIGHT_BYTES: u64 = 8 << 30;

type Known = FxHashMap<(Kernel, SmallVec<[Var; 3]>), Var>;

/// A plan in the making. More primitives (a loss, say) can be emitted after the network's own.
///
/// An equal primitive on equal operands is emitted once.
#[derive(Debug)]
pub struct Lowering {
    pub(crate) plan: Plan,
    mode: Mode,
    known: Known,
    /// How often each step was asked for.
    asked: Vec<u32>,
    pub(crate) node: Name,
    /// The weights so far, by the path under which an op holds them.
    held: FxHashMap<String, Vars>,
    /// Their bytes in single precision.
    bytes: u64,
}

/// Where something stands: the path of its node, and that of its weights, which others may have too.
#[derive(Clone, Default)]
struct Place {
    node: String,
    held: String,
}

impl Place {
    fn of(&self, node: &str, held: &str) -> Self {
        if self.node.is_empty() {
            return Self { node: node.to_owned(), held: held.to_owned() };
        }
        // A node's name may have a slash: what is called by `a/b` is not what `a` calls by `b`.
        Self { node: format!("{}/{node}", self.node), held: format!("{}\0{held}", self.held) }
    }
}

impl Lowering {
    /// Lowers a network. In an open program every open decision becomes a [`Site`].
    ///
    /// # Errors
    /// If an op has no lowering, or the weights take more than [`MAX_WEIGHT_BYTES`].
    pub fn of(program: &Program, mode: Mode) -> Result<Self, PlanError> {
        let mut lowering = Self::empty(mode);
        let main = program.main();
        let types = main.inputs.iter().map(|v| main.types[*v as usize].clone());
        let inputs: Vec<Var> = types.map(|ty| lowering.input(ty)).collect();
        let outputs = lowering.instance(program, program.entry, &Place::default(), &inputs)?;
        lowering.plan.outputs = outputs;
        Ok(lowering)
    }

    /// An empty plan, to be filled primitive by primitive.
    #[must_use]
    pub fn empty(mode: Mode) -> Self {
        let (plan, known, asked, node, held) = Default::default();
        Self { plan, mode, known, asked, node, held, bytes: 0 }
    }

    /// A further input.
    pub fn input(&mut self, ty: TensorType) -> Var {
        let source = Source::Input(self.plan.inputs.len() as u32);
        let var = self.value(ty, source);
        self.plan.inputs.push(var);
        self.plan.input_grads.push(None);
        var
    }

    /// The network's results, at first; what is set by [`Lowering::set_outputs`] later.
    #[must_use]
    pub fn outputs(&self) -> &[Var] {
        &self.plan.outputs
    }

    /// Says which values a run shall give back.
    pub fn set_outputs(&mut self, outputs: impl IntoIterator<Item = Var>) {
        self.plan.outputs = outputs.into_iter().collect();
    }

    /// The steps so far.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.plan.steps
    }

    /// How often a step was asked for: more than once where equal primitives on equal operands became one.
    #[must_use]
    pub fn times_asked(&self, step: usize) -> u32 {
        self.asked[step]
    }

    /// The plan so far, to look at.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn value(&mut self, ty: TensorType, source: Source) -> Var {
        self.plan.values.push(Value { ty, source });
        Var(self.plan.values.len() as u32 - 1)
    }

    /// Adds a step, unless an equal one is there.
    pub(crate) fn step(
        &mut self,
        kernel: Kernel,
        operands: &[Var],
        types: impl IntoIterator<Item = TensorType>,
    ) -> Var {
        let operands: SmallVec<[Var; 3]> = operands.iter().copied().collect();
        let key = kernel.is_pure().then(|| (kernel.clone(), operands.clone()));
        if let Some(var) = key.as_ref().and_then(|k| self.known.get(k)) {
            if let Source::Step(step) = self.plan.values[var.index()].source {
                self.asked[step as usize] += 1;
            }
            return *var;
        }
        let source = Source::Step(self.plan.steps.len() as u32);
        let first = Var(self.plan.values.len() as u32);
        for ty in types {
            self.value(ty, source);
        }
        let outs = self.plan.values.len() as u32 - first.0;
        self.plan.steps.push(Step { kernel, operands, first, outs, node: self.node.clone() });
        self.asked.push(1);
        if let Some(key) = key {
            self.known.insert(key, first);
        }
        first
    }

    fn instance(
        &mut self,
        program: &Program,
        id: InstanceId,
        at: &Place,
        inputs: &[Var],
    ) -> Result<Vec<Var>, PlanError> {
        let instance = &program.instances[id];
        let mut values: Vec<Var> = Vec::with_capacity(instance.types.len());
        for step in &instance.steps {
            let x: Vec<Var> = step.operands.iter().map(|v| values[*v as usize]).collect();
            if matches!(step.action, Action::Input) {
                let place = instance.inputs.iter().position(|v| *v == step.first);
                values.push(inputs[place.expect("invariant: an input's value is listed")]);
                continue;
            }
            let here = at.of(instance.name(step), instance.weights_name(step));
            let types = instance.results(step);
            values.extend(self.action(program, &step.action, &here, &x, types)?);
        }
        Ok(instance.outputs.iter().map(|v| values[*v as usize]).collect())
    }

    fn action(
        &mut self,
        program: &Program,
        action: &Action,
        at: &Place,
        x: &[Var],
        types: &[TensorType],
    ) -> Result<Vec<Var>, PlanError> {
        match action {
            Action::Input => unreachable!("invariant: inputs are handled by the caller"),
            Action::Op(op) => self.op(op, at, x),
            Action::Call(callee) => self.instance(program, *callee, at, x),
            Action::Chain(calls) => Ok(vec![*self.chain(program, calls, at, x)?.last().expect("invariant: not empty")]),
            Action::Choice(label, candidates) => {
                let mut arms = Vec::with_capacity(candidates.len());
                let mut names = Vec::with_capacity(candidates.len());
                for (name, candidate) in candidates {
                    let outs = self.action(program, candidate, &at.of(name, name), x, types)?;
                    arms.push(outs);
                    names.push(name.clone());
                }
                Ok((0..types.len())
                    .map(|k| {
                        let operands: Vec<Var> = arms.iter().map(|a| a[k]).collect();
                        self.site(at, label, SiteKind::Choice, names.clone(), &operands, types[k].clone())
                    })
                    .collect())
            }
            Action::Select(label, reduce) => {
                let names = (0..x.len()).map(|i| Name::new(i.to_string())).collect();
                Ok(vec![self.site(at, label, SiteKind::Select(*reduce), names, x, types[0].clone())])
            }
            Action::Repeat { label, depths, calls } => {
                let after = self.chain(program, calls, at, x)?;
                let names = depths.iter().map(|d| Name::new(d.to_string())).collect();
                let operands: Vec<Var> = depths.iter().map(|d| after[*d as usize]).collect();
                Ok(vec![self.site(at, label, SiteKind::Repeat, names, &operands, types[0].clone())])
            }
        }
    }

    /// The values after 0, 1, 2, ... calls in a row.
    fn chain(&mut self, program: &Program, calls: &[InstanceId], at: &Place, x: &[Var]) -> Result<Vec<Var>, PlanError> {
        let mut threaded = x.to_vec();
        let mut after = vec![x[0]];
        for (i, callee) in calls.iter().enumerate() {
            let i = i.to_string();
            threaded[0] = self.instance(program, *callee, &at.of(&i, &i), &threaded)?[0];
            after.push(threaded[0]);
        }
        Ok(after)
    }

    fn site(&mut self, at: &Place, label: &Name, kind: SiteKind, arms: Vec<Name>, x: &[Var], ty: TensorType) -> Var {
        let id = self.plan.sites.len() as u32;
        let counts = |v: Var| kind != SiteKind::Choice || !self.plan.is_zero(v);
        let (joined, x): (Vec<u32>, Vec<Var>) = (0..).zip(x.iter().copied()).filter(|(_, v)| counts(*v)).unzip();
        let site = Site { path: dotted(&at.held), label: label.clone(), kind, arms, joined, grad: None };
        self.plan.sites.push(site);
        self.node = dotted(&at.node);
        self.step(Kernel::Mix(id), &x, [ty])
    }

    fn op(&mut self, op: &Op, at: &Place, x: &[Var]) -> Result<Vec<Var>, PlanError> {
        self.node = dotted(&at.node);
        let types: Vec<TensorType> = x.iter().map(|v| self.plan.type_of(*v).clone()).collect();
        let types: Vec<&TensorType> = types.iter().collect();
        let specs = op.weights(&types);
        let known = if specs.is_empty() { None } else { self.held.get(&at.held).cloned() };
        let weights = match known {
            Some(known) => known,
            None => {
                let more = specs.iter().map(|s| s.numel().saturating_mul(4)).fold(0, u64::saturating_add);
                self.bytes = self.bytes.saturating_add(more);
                if self.bytes > MAX_WEIGHT_BYTES {
                    let (node, bytes) = (at.node.clone(), self.bytes);
                    return Err(PlanError::Weights { node, bytes, limit: MAX_WEIGHT_BYTES });
                }
                let dtype = types.first().map_or(DType::F32, |x| x.dtype);
                let made: Vars = specs.into_iter().map(|spec| self.weight(&at.held, spec, dtype)).collect();
                self.held.insert(at.held.clone(), made.clone());
                made
            }
        };
        let outs = op.emit(self, x, &weights);
        Ok(outs.map_err(|source| PlanError::Emit { node: at.node.clone(), source })?.to_vec())
    }

    fn weight(&mut self, held: &str, spec: WeightSpec, dtype: DType) -> Var {
        let ty = TensorType::new(dtype, spec.shape.iter().map(|d| (*d).into()));
        let var = self.value(ty, Source::Weight(self.plan.weights.len() as u32));
        let path = Name::new(format!("{}.{}", dotted(held), spec.name));
        self.plan.weights.push(Weight { path, spec, var });
        self.plan.weight_grads.push(None);
        var
    }

    /// Whether a weight is learned.
    pub(crate) fn is_learned(&self, weight: u32) -> bool {
        self.plan.weights[weight as usize].spec.role == Role::Parameter
    }
}

impl Emit for Lowering {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn type_of(&self, v: Var) -> &TensorType {
        self.plan.type_of(v)
    }

    fn prim(&mut self, prim: Prim, x: &[Var]) -> Result<Var, EmitError> {
        let types: SmallVec<[TensorType; 3]> = x.iter().map(|v| self.plan.type_of(*v).clone()).collect();
        let types: SmallVec<[&TensorType; 3]> = types.iter().collect();
        let types = prim.infer(&types);
        let types = types.map_err(|source| EmitError::Prim { prim: prim.to_string(), source })?;
        Ok(self.step(Kernel::Prim(prim), x, types))
    }
}

/// A path in the spelling of weights.
fn dotted(path: &str) -> Name {
    Name::new(path.replace(['/', '\0'], "."))
}
