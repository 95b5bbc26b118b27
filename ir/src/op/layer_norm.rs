//! `layer_norm`: normalisation over the trailing axes.

use super::count::each;
use super::shape::{epsilon, floating, positive};
use super::{Init, OpDef, OpError, Types, WeightSpec};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::{Dim, TensorType};
use crate::value::Real;
use smallvec::{SmallVec, smallvec};

crate::op! {
    /// Normalises each example by its mean and variance over the last `trailing` axes; PyTorch's `LayerNorm`, whose
    /// `normalized_shape` is read off the input. Ba, Kiros and Hinton 2016, "Layer Normalization".
    LayerNorm = "layer_norm" {
        /// Number of axes, from the last, that are normalised together.
        trailing: u32 = 1,
        /// Added to the variance.
        eps: Real = Real::new(1e-5),
        /// Whether a learned scale and shift per element of the normalised axes follow.
        affine: bool = true,
    }
}

impl LayerNorm {
    fn normalized(&self, x: &TensorType) -> Option<SmallVec<[u32; 4]>> {
        let kept = x.rank().checked_sub(self.trailing as usize).filter(|_| self.trailing > 0)?;
        x.shape[kept..].iter().map(|d: &Dim| positive(*d)).collect()
    }
}

impl OpDef for LayerNorm {
    const SUMMARY: &'static str = "normalisation over the trailing axes of each example";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        epsilon(self.eps)?;
        if self.normalized(x[0]).is_none() {
            return Err(OpError::Shape(format!(
                "expects the last {} axes fixed and above zero (trailing={}), got {}",
                self.trailing, self.trailing, x[0]
            )));
        }
        Ok(smallvec![x[0].clone()])
    }

    fn weights(&self, x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
        match self.normalized(x[0]) {
            Some(shape) if self.affine => smallvec![
                WeightSpec::parameter("weight", shape.iter().copied(), Init::Ones),
                WeightSpec::parameter("bias", shape, Init::Zeros),
            ],
            _ => SmallVec::new(),
        }
    }

    /// `thop`: as a batch norm; `ptflops`: one per element, as it looks for batch norm's `affine`, which PyTorch's layer
    /// norm spells differently.
    fn macs(&self, convention: Convention, x: &[&TensorType], _y: &[TensorType]) -> u64 {
        match convention {
            Convention::Nasbench => 0,
            Convention::Thop => each(2, x[0]),
            Convention::Ptflops => each(1, x[0]),
        }
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], w: &[Var]) -> Result<Vars, EmitError> {
        let operands: Vars = x.iter().chain(w).copied().collect();
        Ok(smallvec![e.prim(Prim::LayerNorm { trailing: self.trailing, eps: self.eps }, &operands)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn normalises_the_last_axis() {
        let norm = op("layer_norm", &[]);
        assert_eq!(norm.to_string(), "layer_norm");
        assert_eq!(infer(&norm, &["f32[N, 7, 64]"]), "f32[N, 7, 64]");
        assert_eq!(weights(&norm, &["f32[N, 7, 64]"]), "weight[64] ones, bias[64] zeros");
        assert_eq!(macs(&norm, &["f32[N, 7, 64]"]), [0, 896, 448]);
    }

    #[test]
    fn normalises_several_axes() {
        let norm = op("layer_norm", &[("trailing", 3.into())]);
        assert_eq!(norm.to_string(), "layer_norm {trailing=3}");
        assert_eq!(weights(&norm, &["f32[N, 3, 8, 8]"]), "weight[3, 8, 8] ones, bias[3, 8, 8] zeros");
        let plain = op("layer_norm", &[("affine", false.into())]);
        assert_eq!(weights(&plain, &["f32[N, 3, 8, 8]"]), "");
    }

    #[test]
    fn refuses_to_normalise_over_the_batch() {
        let norm = op("layer_norm", &[("trailing", 2.into())]);
        let text = "expects the last 2 axes fixed and above zero (trailing=2), got f32[N, 64]";
        assert_eq!(infer(&norm, &["f32[N, 64]"]), text);
        let deep = op("layer_norm", &[("trailing", 5.into())]);
        let text = "expects the last 5 axes fixed and above zero (trailing=5), got f32[N, 64]";
        assert_eq!(infer(&deep, &["f32[N, 64]"]), text);
    }
}
