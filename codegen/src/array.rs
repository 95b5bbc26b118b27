//! Arrays in the host's memory, by name: what checkpoints hold and exports read.

use ir::Name;
use std::collections::BTreeMap;

/// Weights, and whatever else a checkpoint holds, by path.
pub type Weights = BTreeMap<Name, Array>;

/// Elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
    /// Signed 64-bit integers.
    I64(Vec<i64>),
}

/// A dense array, the last axis fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements.
    pub data: Data,
}

impl Array {
    /// An array in single precision.
    ///
    /// # Panics
    /// If there are not as many values as the shape says.
    #[must_use]
    pub fn f32(shape: Vec<usize>, values: Vec<f32>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "invariant: a value per element");
        Self { shape, data: Data::F32(values) }
    }

    /// An array in double precision.
    ///
    /// # Panics
    /// If there are not as many values as the shape says.
    #[must_use]
    pub fn f64(shape: Vec<usize>, values: Vec<f64>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "invariant: a value per element");
        Self { shape, data: Data::F64(values) }
    }

    /// The elements in double precision.
    #[must_use]
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            Data::F32(x) => x.iter().map(|v| f64::from(*v)).collect(),
            Data::F64(x) => x.clone(),
            Data::I64(x) => x.iter().map(|v| *v as f64).collect(),
        }
    }

    /// The elements in single precision.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.data {
            Data::F32(x) => x.clone(),
            Data::F64(x) => x.iter().map(|v| *v as f32).collect(),
            Data::I64(x) => x.iter().map(|v| *v as f32).collect(),
        }
    }
}
