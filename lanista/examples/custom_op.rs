//! An op of one's own in a `.lir` file: it has a shape rule, weights and a cost, and parses by name.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use ir::cost::Convention;
use ir::op::{AttrSpec, CustomFactory, CustomOp, Init, OpError, Types, WeightSpec, Weights};
use ir::{Module, Name, OpRegistry, TensorType, Value};
use lanista::ir;
use std::sync::Arc;

/// Squeeze and excitation (Hu, Shen and Sun 2018): `[N, C, H, W]` to the same, each channel scaled by a gate.
#[derive(Debug)]
struct SqueezeExcite {
    ratio: u32,
}

impl SqueezeExcite {
    /// Channels, and channels of the bottleneck.
    fn widths(&self, x: &[&TensorType]) -> (u32, u32) {
        let channels = x[0].shape.get(1).and_then(|d| d.known()).unwrap_or(0);
        (channels, channels / self.ratio)
    }
}

impl CustomOp for SqueezeExcite {
    fn name(&self) -> &str {
        "squeeze_excite"
    }

    fn attrs(&self) -> Vec<(Name, Value)> {
        vec![(Name::new_static("ratio"), Value::Int(self.ratio.into()))]
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        match self.widths(x) {
            (c, hidden) if x[0].shape.len() == 4 && hidden > 0 && c % self.ratio == 0 => {
                Ok([x[0].clone()].into_iter().collect())
            }
            _ => Err(OpError::Shape(format!("expects [N, C, H, W] with C a multiple of {}, got {}", self.ratio, x[0]))),
        }
    }

    fn weights(&self, x: &[&TensorType]) -> Weights {
        let (c, hidden) = self.widths(x);
        let fan_in = |n: u32| Init::FanInUniform { fan_in: n.into() };
        let squeeze = WeightSpec::parameter("squeeze", [hidden, c], fan_in(c));
        let excite = WeightSpec::parameter("excite", [c, hidden], fan_in(hidden));
        [squeeze, excite].into_iter().collect()
    }

    fn macs(&self, _: Convention, x: &[&TensorType], _: &[TensorType]) -> u64 {
        let (c, hidden) = self.widths(x);
        2 * u64::from(c) * u64::from(hidden)
    }
}

/// Makes the op from the attributes of a text.
#[derive(Debug)]
struct Factory;

impl CustomFactory for Factory {
    fn name(&self) -> &str {
        "squeeze_excite"
    }

    fn summary(&self) -> &str {
        "scales each channel by a gate"
    }

    fn attrs(&self) -> &[AttrSpec] {
        &[AttrSpec { name: "ratio", required: true }]
    }

    fn make(&self, attrs: &[(Name, Value)]) -> Result<Arc<dyn CustomOp>, OpError> {
        AttrSpec::check_names(self.name(), self.attrs(), attrs)?;
        let ratio = AttrSpec::read::<u32>(attrs, "ratio")?.filter(|r| *r > 0);
        let missing = || OpError::MissingAttr { op: self.name().into(), attr: "ratio".into() };
        Ok(Arc::new(SqueezeExcite { ratio: ratio.ok_or_else(missing)? }))
    }
}

/// The text that uses the op.
pub const TEXT: &str = include_str!("custom_op.lir");

/// A registry that knows it.
pub fn registry() -> OpRegistry {
    OpRegistry::default().with(Arc::new(Factory))
}

/// Parses the text, verifies it and prints what it costs.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let module: Module = ir::text::parse_module(TEXT, &registry())?;
    let cost = ir::verify(&module)?.cost(Convention::Nasbench);
    print!("{module}");
    println!("{} params, {} MACs", cost.params, cost.macs);
    Ok(())
}
