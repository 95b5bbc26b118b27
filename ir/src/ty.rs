//! Tensor types: an element type and a shape, whose dimensions may carry the symbolic batch size `N`.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::fmt;

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// IEEE half precision.
    F16,
    /// Brain floating point.
    BF16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// Unsigned byte.
    U8,
    /// Boolean.
    Bool,
}

impl DType {
    /// Every element type.
    pub const ALL: [Self; 8] =
        [Self::F16, Self::BF16, Self::F32, Self::F64, Self::I32, Self::I64, Self::U8, Self::Bool];

    /// How the text form spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::Bool => "bool",
        }
    }

    /// The element type of that spelling.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == text)
    }

    /// Whether it is a floating-point type.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::BF16 | Self::F32 | Self::F64)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One dimension: a number, or a multiple of the symbolic batch size (`N`, `4N`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dim {
    size: u32,
    batch: bool,
}

impl Dim {
    /// The batch size `N`.
    pub const BATCH: Self = Self { size: 1, batch: true };

    /// A dimension of a known size.
    #[must_use]
    pub const fn fixed(size: u32) -> Self {
        Self { size, batch: false }
    }

    /// `factor * N`.
    #[must_use]
    pub const fn batches(factor: u32) -> Self {
        Self { size: factor, batch: true }
    }

    /// The number, if the dimension does not depend on the batch.
    #[must_use]
    pub fn known(self) -> Option<u32> {
        (!self.batch).then_some(self.size)
    }

    /// Whether the dimension is a multiple of the batch size.
    #[must_use]
    pub fn is_batch(self) -> bool {
        self.batch
    }

    /// The size per example: the number itself, or the factor of `N`.
    #[must_use]
    pub fn per_example(self) -> u64 {
        u64::from(self.size)
    }

    /// The product, or `None` on overflow or for `N * N`.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        let size = self.size.checked_mul(other.size)?;
        (!(self.batch && other.batch)).then_some(Self { size, batch: self.batch || other.batch })
    }
}

impl From<u32> for Dim {
    fn from(size: u32) -> Self {
        Self::fixed(size)
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.batch, self.size) {
            (false, n) => write!(f, "{n}"),
            (true, 1) => f.write_str("N"),
            (true, n) => write!(f, "{n}N"),
        }
    }
}

/// A shape, outermost dimension first.
pub type Shape = SmallVec<[Dim; 4]>;

/// The type of a tensor: `f32[N, 16, 32, 32]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// Element type.
    pub dtype: DType,
    /// Dimensions.
    pub shape: Shape,
}

impl TensorType {
    /// A type of these dimensions.
    pub fn new(dtype: DType, shape: impl IntoIterator<Item = Dim>) -> Self {
        Self { dtype, shape: shape.into_iter().collect() }
    }

    /// An image batch in single precision, `f32[N, C, H, W]`.
    #[must_use]
    pub fn image(c: u32, h: u32, w: u32) -> Self {
        Self::new(DType::F32, [Dim::BATCH, c.into(), h.into(), w.into()])
    }

    /// The same element type with other dimensions.
    pub fn with_shape(&self, shape: impl IntoIterator<Item = Dim>) -> Self {
        Self::new(self.dtype, shape)
    }

    /// Number of dimensions.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements for one example of the batch; saturates instead of overflowing.
    #[must_use]
    pub fn numel(&self) -> u64 {
        self.shape.iter().fold(1, |n, d| n.saturating_mul(d.per_example()))
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (i, d) in self.shape.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{d}")?;
        }
        f.write_str("]")
    }
}
