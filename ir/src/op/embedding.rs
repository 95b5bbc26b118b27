//! `embedding`: rows of a table.

use super::shape::numeric;
use super::{Arity, OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::{DType, TensorType};
use smallvec::smallvec;

crate::op! {
    /// The rows of a table `[V, E]` that the indices `i64[...]` name, to `[..., E]`; PyTorch's `F.embedding`. The table
    /// comes first. An index outside of the table is an error at run time.
    ///
    /// No convention counts it: nothing is multiplied.
    Embedding = "embedding" {}
}

impl OpDef for Embedding {
    const SUMMARY: &'static str = "rows of a table, [V, E], by index";

    fn arity(&self) -> Arity {
        Arity::Exactly(2)
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let (table, indices) = (x[0], x[1]);
        numeric(table)?;
        let ([rows, width], DType::I64) = (&table.shape[..], indices.dtype) else {
            return Err(OpError::Shape(format!("expects a table [V, E] and indices i64[...], got {table} and {indices}")));
        };
        if rows.is_batch() || width.is_batch() {
            return Err(OpError::Shape(format!("expects a table of fixed size, got {table}")));
        }
        Ok(smallvec![table.with_shape(indices.shape.iter().copied().chain([*width]))])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Embedding, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn adds_the_rows_axis() {
        let embedding = op("embedding", &[]);
        assert_eq!(embedding.to_string(), "embedding");
        assert_eq!(infer(&embedding, &["f32[100, 8]", "i64[N, 35]"]), "f32[N, 35, 8]");
        assert_eq!(infer(&embedding, &["f16[100, 8]", "i64[]"]), "f16[8]");
        assert_eq!(weights(&embedding, &["f32[100, 8]", "i64[N]"]), "");
        assert_eq!(macs(&embedding, &["f32[100, 8]", "i64[N]"]), [0, 0, 0]);
    }

    #[test]
    fn refuses_what_is_no_table_or_index() {
        let embedding = op("embedding", &[]);
        let expects = "expects a table [V, E] and indices i64[...]";
        assert_eq!(infer(&embedding, &["f32[8]", "i64[N]"]), format!("{expects}, got f32[8] and i64[N]"));
        assert_eq!(infer(&embedding, &["f32[9, 8]", "f32[N]"]), format!("{expects}, got f32[9, 8] and f32[N]"));
        assert_eq!(infer(&embedding, &["f32[N, 8]", "i64[N]"]), "expects a table of fixed size, got f32[N, 8]");
    }
}
