//! Ops that PyTorch has a module for.

use super::expr::{Call, Py, Typed, convolution, number, pair, tuple};
use ir::op::{Init, Role, WeightSpec};
use ir::{Op, TensorType};

/// The module that computes an op, weights included, as PyTorch makes it.
pub fn module(op: &Op, x: &[&TensorType]) -> Option<String> {
    let size = |axis: usize| x[0].shape.get(axis).and_then(|d| d.known()).map(|d| d.to_string());
    Some(match op {
        Op::Conv2d(op) => {
            let call = Call::new("nn.Conv2d", [&*size(1)?, &op.out.to_string(), &pair(op.k)]);
            convolution(call, op.stride, op.pad, op.dilation, op.groups).unless(op.bias, "bias", "False").end()
        }
        Op::Linear(op) => Call::new("nn.Linear", [&*size(x[0].rank().checked_sub(1)?)?, &op.out.to_string()])
            .unless(op.bias, "bias", "False")
            .end(),
        Op::BatchNorm(op) => {
            let name = match x[0].rank() {
                2 | 3 => "nn.BatchNorm1d",
                4 => "nn.BatchNorm2d",
                5 => "nn.BatchNorm3d",
                _ => return None,
            };
            Call::new(name, [&*size(1)?])
                .unless(op.eps.get() == 1e-5, "eps", number(op.eps))
                .unless(op.momentum.get() == 0.1, "momentum", number(op.momentum))
                .unless(op.affine, "affine", "False")
                .unless(op.track, "track_running_stats", "False")
                .end()
        }
        Op::LayerNorm(op) => {
            let from = x[0].rank().checked_sub(op.trailing as usize)?;
            let shape = (from..x[0].rank()).map(size).collect::<Option<Vec<_>>>()?;
            let shape = if shape.len() == 1 { shape.concat() } else { tuple(shape) };
            Call::new("nn.LayerNorm", [&*shape])
                .unless(op.eps.get() == 1e-5, "eps", number(op.eps))
                .unless(op.affine, "elementwise_affine", "False")
                .end()
        }
        Op::GroupNorm(op) => Call::new("nn.GroupNorm", [&*op.groups.to_string(), &*size(1)?])
            .unless(op.eps.get() == 1e-5, "eps", number(op.eps))
            .unless(op.affine, "affine", "False")
            .end(),
        _ => return None,
    })
}

/// Ops that PyTorch's own training mode switches.
pub fn dropping(op: &Op, x: &Typed) -> Option<Py> {
    match op {
        Op::Dropout(op) if op.p.get() > 0.0 => {
            Some(Py::atom(format!("F.dropout({}, {}, self.training)", x.py.text, number(op.p))))
        }
        Op::DropPath(op) if op.p.get() > 0.0 => {
            Some(Py::atom(format!("drop_path({}, {}, self.training)", x.py.text, number(op.p))))
        }
        _ => None,
    }
}

/// What [`dropping`] calls.
pub const DROP_PATH: &str = "\
def drop_path(x, p, training):
    \"\"\"Zeros for an example with probability `p`, `x / (1 - p)` for the others; `x` when not training.\"\"\"
    ones = x.new_ones((x.shape[0],) + (1,) * (x.dim() - 1))
    return x * F.dropout(ones, p, training) if training else x
";

/// The line that gives a module `owner` a weight `name`, initialised.
pub fn weight(owner: &str, name: &str, spec: &WeightSpec) -> String {
    let shape = tuple(spec.shape.iter().map(ToString::to_string));
    let value = match spec.init {
        Init::Zeros => format!("torch.zeros({shape})"),
        Init::Ones => format!("torch.ones({shape})"),
        Init::FanInUniform { fan_in } => {
            let bound = if fan_in == 0 { 0.0 } else { (1.0 / fan_in as f64).sqrt() };
            format!("torch.empty({shape}).uniform_(-{bound:?}, {bound:?})")
        }
    };
    match spec.role {
        Role::Parameter => format!("{owner}.{name} = nn.Parameter({value})"),
        Role::Buffer => format!("{owner}.register_buffer(\"{name}\", {value})"),
    }
}
