//! Primitives that no op of the table emits, through an op of one's own for each.

use crate::suite::{How, Suite, distinct};
use codegen::Lowering;
use codegen::torch::Layout;
use ir::op::{CustomHandle, CustomOp, OpError, Types};
use ir::prim::{Axes, Emit, EmitError, Mode, Prim, Unary, Var, Vars};
use ir::value::Real;
use ir::{DType, Dim, Elaboration, GraphBuilder, Module, Name, Op, Program, TensorType, Value};
use smallvec::smallvec;
use std::sync::Arc;
use tch::Kind;

type Body = fn(&mut dyn Emit, &[Var]) -> Result<Var, EmitError>;

/// An op that emits what a function says; its types are those of what is emitted.
#[derive(Debug)]
struct Probe {
    name: &'static str,
    operands: usize,
    body: Body,
}

impl CustomOp for Probe {
    fn name(&self) -> &str {
        self.name
    }

    fn attrs(&self) -> Vec<(Name, Value)> {
        vec![]
    }

    fn arity(&self) -> ir::op::Arity {
        ir::op::Arity::Exactly(self.operands)
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let mut plan = Lowering::empty(Mode::Eval);
        let inputs: Vec<Var> = x.iter().map(|ty| plan.input((*ty).clone())).collect();
        let y = (self.body)(&mut plan, &inputs).map_err(|e| OpError::Shape(e.to_string()))?;
        Ok(smallvec![plan.plan().type_of(y).clone()])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![(self.body)(e, x)?])
    }
}

fn unary(e: &mut dyn Emit, f: Unary, x: Var) -> Result<Var, EmitError> {
    e.prim(Prim::Unary(f), &[x])
}

/// `|x| + 1`
fn positive(e: &mut dyn Emit, x: Var) -> Result<Var, EmitError> {
    let x = unary(e, Unary::Abs, x)?;
    e.prim(Prim::Affine { mul: Real::new(1.0), add: Real::new(1.0) }, &[x])
}

fn cross_entropy(e: &mut dyn Emit, x: &[Var], smoothing: f64) -> Result<Var, EmitError> {
    e.prim(Prim::CrossEntropy { smoothing: Real::new(smoothing) }, x)
}

/// `[N, N]` from `[N, 10]`, as `[1, 1, N, N]`.
fn squared(e: &mut dyn Emit, x: &[Var]) -> Result<Var, EmitError> {
    let turned = e.prim(Prim::Permute { perm: Axes::from_slice(&[1, 0]) }, x)?;
    let product = e.prim(Prim::Matmul, &[x[0], turned])?;
    let shape = [1.into(), 1.into(), Dim::BATCH, Dim::BATCH].into_iter().collect();
    e.prim(Prim::Reshape { shape }, &[product])
}

const PROBES: &[(&str, usize, Body)] = &[
    ("abs", 1, |e, x| unary(e, Unary::Abs, x[0])),
    ("log", 1, |e, x| positive(e, x[0]).and_then(|x| unary(e, Unary::Log, x))),
    ("sqrt", 1, |e, x| positive(e, x[0]).and_then(|x| unary(e, Unary::Sqrt, x))),
    ("exp", 1, |e, x| e.prim(Prim::scale(-0.5), x).and_then(|x| unary(e, Unary::Exp, x))),
    ("log_softmax", 1, |e, x| e.prim(Prim::Softmax { axis: 1, log: true }, x)),
    ("cross_entropy", 2, |e, x| cross_entropy(e, x, 0.0)),
    ("smoothed", 2, |e, x| cross_entropy(e, x, 0.1)),
    ("squared", 1, squared),
];

/// A network of each probe, with its name.
pub fn networks() -> Vec<(&'static str, Program)> {
    let network = |(name, operands, body): &(&'static str, usize, Body)| {
        let op = Op::Custom(CustomHandle::new(Arc::new(Probe { name, operands: *operands, body: *body })));
        let mut graph = GraphBuilder::new::<&str>("main", []);
        let mut inputs = vec![graph.input_of("x", TensorType::new(DType::F32, [Dim::BATCH, 10.into()]))];
        if *operands > 1 {
            inputs.push(graph.input_of("t", TensorType::new(DType::I64, [Dim::BATCH])));
        }
        let y = graph.op("y", op, inputs).expect("an op");
        graph.output(y);
        let mut module = Module::new("m", "main");
        module.set_graph(graph.finish().expect("a graph"));
        let program = Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run();
        (*name, program.unwrap_or_else(|e| panic!("{name}: {e}")))
    };
    PROBES.iter().map(network).collect()
}

#[test]
fn primitives_agree_in_single_precision() {
    let Some(python) = testing::require_python(&[]) else { return };
    let mut suite = Suite::new();
    let networks = networks();
    for (name, program) in &networks {
        let net = suite.network(name, program);
        let main = program.main();
        let inputs: Vec<_> = main.types_of(&main.inputs).iter().map(|ty| distinct(ty, 4, 1, (-7.0, 7.0))).collect();
        suite.run(
            &net,
            How { mode: Mode::Train, kind: Kind::Float, layout: Layout::Contiguous, fused: false },
            &inputs,
        );
    }
    for (report, (name, _)) in suite.check(python, "check.py").iter().zip(&networks) {
        let (tensor, gap) = report.worst(&[""]);
        assert!(gap < 1e-5, "{name}: {tensor} {gap}");
    }
}
