//! A mutator of one's own: it widens a convolution by a factor that is searched.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use lanista::prelude::*;
use std::sync::Arc;

// [mutator]
#[derive(Debug)]
struct Widen {
    node: &'static str,
}

impl Mutator for Widen {
    fn label(&self) -> &str {
        "widen"
    }

    fn mutate(&self, module: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError> {
        let factors = Domain::Categorical([1, 2, 4].map(Value::Int).to_vec());
        let factor = chooser.choose("factor", &factors)?;
        let mut patch = Patch::new("widen");
        let template = ir::OpTemplate::parse(&format!("conv2d {{out=8 * {factor}, k=3, pad=1}}"), &[])?;
        patch.replace(&module.entry, self.node, ir::Body::Op(template));
        Ok(patch)
    }
}
// [end]

const NET: &str = "module @net {
  entry @main
  graph @main(%x: f32[N, 3, 8, 8]) {
    %conv = conv2d %x {out=8, k=3, pad=1}
    %act = relu %conv
    %pool = global_avg_pool %act
    %flat = flatten %pool
    %y = linear %flat {out=10}
    return %y
  }
}";

/// The space of the network with the mutator.
pub fn space() -> Result<Space, MutateError> {
    Space::new(NET.parse()?)?.with(Arc::new(Widen { node: "conv" }))
}

/// Prints each network of the space with its parameters.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let space = space()?;
    for factor in [1, 2, 4] {
        let sample = space.bind(&format!("factor={factor}").parse()?)?;
        println!("{sample}: {} params", space.program(&sample)?.cost(Convention::Nasbench).params);
    }
    Ok(())
}
