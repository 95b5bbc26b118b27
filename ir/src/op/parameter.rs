//! `parameter`: a learned tensor.

use super::{Arity, Init, OpDef, OpError, Types, WeightSpec};
use crate::prim::{Emit, EmitError, Var, Vars};
use crate::ty::{DType, Dim, TensorType};
use smallvec::{SmallVec, smallvec};

crate::op! {
    /// A learned tensor without inputs, in single precision; PyTorch's `nn.Parameter`. It may have several users: the
    /// table of an embedding that is also the last layer's weight, say.
    Parameter = "parameter" {
        /// The sizes; empty for a scalar.
        shape: Vec<u32>,
        /// It starts uniformly within `1 / sqrt(fan_in)`, as a linear layer of so many inputs; at zero, if 0.
        fan_in: u32 = 0,
    }
}

impl OpDef for Parameter {
    const SUMMARY: &'static str = "a learned tensor, without inputs";

    fn arity(&self) -> Arity {
        Arity::Exactly(0)
    }

    fn infer(&self, _x: &[&TensorType]) -> Result<Types, OpError> {
        if self.shape.contains(&0) {
            return Err(OpError::Shape("parameter needs sizes above zero".into()));
        }
        Ok(smallvec![TensorType::new(DType::F32, self.shape.iter().map(|n| Dim::fixed(*n)))])
    }

    fn weights(&self, _x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
        let init = match self.fan_in {
            0 => Init::Zeros,
            n => Init::FanInUniform { fan_in: u64::from(n) },
        };
        smallvec![WeightSpec::parameter("weight", self.shape.iter().copied(), init)]
    }

    fn emit(&self, _e: &mut dyn Emit, _x: &[Var], w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![w[0]])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn is_its_weight() {
        let table = op("parameter", &[("shape", list(&[100, 8])), ("fan_in", 8.into())]);
        assert_eq!(table.to_string(), "parameter {shape=[100, 8], fan_in=8}");
        assert_eq!(infer(&table, &[]), "f32[100, 8]");
        assert_eq!(weights(&table, &[]), "weight[100, 8] fan_in 8");
        assert_eq!(macs(&table, &[]), [0, 0, 0]);
        assert_eq!(infer(&table, &["f32[N]"]), "expects 0 inputs, got 1");
        let bias = op("parameter", &[("shape", list(&[3]))]);
        assert_eq!(weights(&bias, &[]), "weight[3] zeros");
        assert_eq!(infer(&op("parameter", &[("shape", list(&[3, 0]))]), &[]), "parameter needs sizes above zero");
    }
}
