//! What the shipped spaces do not have: odd names, several inputs and outputs, an op of one's own.

use crate::suite::{How, Suite, distinct};
use codegen::torch::Layout;
use ir::op::{AttrSpec, CustomFactory, CustomOp, Init, OpError, Types, WeightSpec};
use ir::prim::{Emit, EmitError, Mode, Prim, Unary, Var, Vars};
use ir::{Elaboration, Module, Name, OpRegistry, Program, TensorType, Value};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;
use tch::Kind;

/// `x * type` while training, `relu(x * type + mean)` in evaluation, with a learned `type` and a buffer `mean`.
#[derive(Debug)]
struct Own;

impl CustomOp for Own {
    fn name(&self) -> &'static str {
        "own"
    }

    fn attrs(&self) -> Vec<(Name, Value)> {
        vec![]
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok(smallvec![x[0].clone()])
    }

    fn weights(&self, x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
        let c = x[0].shape[1].known().unwrap_or(0);
        let scale = WeightSpec::parameter("type", [c, 1, 1], Init::FanInUniform { fan_in: 3 });
        smallvec![scale, WeightSpec::buffer("mean", [c, 1, 1], Init::Ones)]
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], w: &[Var]) -> Result<Vars, EmitError> {
        let scaled = e.prim(Prim::Binary(ir::prim::Binary::Mul), &[x[0], w[0]])?;
        if e.mode() == Mode::Train {
            return Ok(smallvec![scaled]);
        }
        let moved = e.prim(Prim::ADD, &[scaled, w[1]])?;
        Ok(smallvec![e.prim(Prim::Unary(Unary::Relu), &[moved])?])
    }
}

#[derive(Debug)]
struct Factory;

impl CustomFactory for Factory {
    fn name(&self) -> &'static str {
        "own"
    }

    fn summary(&self) -> &'static str {
        "an op of a downstream crate"
    }

    fn attrs(&self) -> &[AttrSpec] {
        &[]
    }

    fn make(&self, _: &[(Name, Value)]) -> Result<Arc<dyn CustomOp>, OpError> {
        Ok(Arc::new(Own))
    }
}

const TEXT: &str = "module @m {
  entry @main
  graph @f<c>(%n, %self) {
    %class = conv2d %n {out=c, k=3, pad=1}
    %\"3x3\" = own %class
    %forward = add %\"3x3\", %self
    return %forward
  }
  graph @two(%x) {
    %train = split %x
    return %train.1, %train
  }
  graph @main(%torch: f32[N, 4, 6, 5], %F: f32[N, 4, 6, 5]) {
    %\"stage 1\" = repeat 2 @f<4>(%torch, %F)
    %stage/0 = @f<4>(%\"stage 1\", %F)
    %stage/cell/conv = conv2d %stage/0 {out=4, k=1, bias=false}
    %none = repeat 0 @f<4>(%stage/cell/conv, %F)
    %pair = @two(%none)
    %_ = batch_norm %pair {affine=false, track=false}
    %yes = own %_
    %type = layer_norm %pair.1 {affine=false}
    return %yes, %pair, %type
  }
}";

/// The network of [`TEXT`].
pub fn network() -> Program {
    let registry = OpRegistry::default().with(Arc::new(Factory));
    let module: Module = ir::text::parse_module(TEXT, &registry).unwrap_or_else(|e| panic!("{e}"));
    Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn odd_names_and_own_ops_agree() {
    let Some(python) = testing::require_python(&[]) else { return };
    let program = network();
    let mut suite = Suite::new();
    let net = suite.network("odd", &program);
    let main = program.main();
    let types = main.types_of(&main.inputs);
    let inputs: Vec<_> = types.iter().enumerate().map(|(i, ty)| distinct(ty, 2, i as u64, (-2.0, 2.0))).collect();
    for mode in [Mode::Train, Mode::Eval] {
        suite.run(&net, How { mode, kind: Kind::Double, layout: Layout::Contiguous, fused: false }, &inputs);
    }
    for report in suite.check(python, "check.py") {
        let (tensor, gap) = report.worst(&[""]);
        assert!(gap < 1e-9, "{tensor} {gap}");
        assert!(report.rows().any(|(n, ..)| n == "grad.stage 1.0.3x3.type"), "{report:?}");
    }
}
