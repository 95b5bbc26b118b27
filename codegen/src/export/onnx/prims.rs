//! Primitives as nodes of ONNX, opset 17.

use super::build::{Build, elements};
use super::pool;
use super::proto::{AttributeProto as Attr, dtype};
use crate::export::ExportError;
use crate::plan::{Plan, Step};
use ir::op::Pair;
use ir::prim::{Binary, Fold, Prim, Unary};
use ir::value::Real;
use ir::{DType, Dim, TensorType};

pub fn two(p: Pair) -> [i64; 2] {
    [i64::from(p.h), i64::from(p.w)]
}

/// Writes a primitive, and names its first result; further ones, kept for a backward pass, have no counterpart.
pub fn write(b: &mut Build, plan: &Plan, prim: &Prim, step: &Step) -> Result<(), ExportError> {
    let x = step.operands.iter().map(|v| b.get(*v, prim)).collect::<Result<Vec<String>, _>>()?;
    let x: Vec<&str> = x.iter().map(String::as_str).collect();
    let types: Vec<&TensorType> = step.operands.iter().map(|v| plan.type_of(*v)).collect();
    if let Prim::CrossEntropy { smoothing } = prim {
        let (loss, log) = cross_entropy(b, &x, *smoothing);
        b.set(step.first, loss);
        b.set(step.first.output(1), log);
        return Ok(());
    }
    let name = first(b, plan.type_of(step.first), prim, &x, &types)?;
    b.set(step.first, name);
    Ok(())
}

fn first(b: &mut Build, y: &TensorType, prim: &Prim, x: &[&str], types: &[&TensorType]) -> Result<String, ExportError> {
    Ok(match prim {
        Prim::Unary(f) => unary(b, *f, x[0]),
        Prim::Binary(f) => binary(b, prim, *f, x, types[0].dtype)?,
        Prim::Affine { mul, add } => {
            if !types[0].dtype.is_float() {
                return Err(b.cannot(prim, "its elements are whole numbers"));
            }
            affine(b, x[0], mul.get(), add.get())
        }
        Prim::Conv2d { stride, pad, dilation, groups } => {
            let [v, h] = two(*pad);
            let attributes = [
                Attr::ints("strides", two(*stride)),
                Attr::ints("pads", [v, h, v, h]),
                Attr::ints("dilations", two(*dilation)),
                Attr::int("group", i64::from(*groups)),
            ];
            b.op("Conv", x, attributes)
        }
        Prim::Linear if types[0].rank() == 2 => b.op("Gemm", x, [Attr::int("transB", 1)]),
        Prim::Linear => {
            let turned = b.op("Transpose", &[x[1]], [Attr::ints("perm", [1, 0])]);
            let product = b.op("MatMul", &[x[0], &turned], []);
            if x.len() > 2 { b.op("Add", &[&product, x[2]], []) } else { product }
        }
        Prim::Matmul => b.op("MatMul", x, []),
        Prim::Embedding => b.op("Gather", x, [Attr::int("axis", 0)]),
        Prim::BatchNorm { .. } => batch_norm(b, prim, x, types)?,
        Prim::LayerNorm { trailing, eps } => layer_norm(b, *trailing, *eps, x, types[0]),
        Prim::GroupNorm { groups, eps } => group_norm(b, *groups, *eps, x, types[0]),
        Prim::Softmax { axis, log } => {
            b.op(if *log { "LogSoftmax" } else { "Softmax" }, x, [Attr::int("axis", i64::from(*axis))])
        }
        Prim::MaxPool(window) => pool::max(b, *window, x[0], types[0], y),
        Prim::AvgPool { window, count_include_pad } => pool::mean(b, *window, *count_include_pad, x[0], types[0], y),
        Prim::AdaptiveAvgPool { out } => pool::adaptive(b, *out, x[0], types[0]),
        Prim::Reduce { fold, axes, keep } => {
            let axes: Vec<i64> = axes.iter().map(|a| i64::from(*a)).collect();
            reduce(b, *fold, &axes, *keep, x[0], types[0].dtype)
        }
        Prim::Concat { .. } if x.len() == 1 => x[0].to_owned(),
        Prim::Concat { axis } => b.op("Concat", x, [Attr::int("axis", i64::from(*axis))]),
        Prim::Slice { axis, start, len, step } => {
            let whole = types[0].shape[*axis as usize];
            let end = u64::from(start + (len - 1) * step) + 1;
            let from = b.place(u64::from(*start), whole.is_batch());
            let to = b.place(end, whole.is_batch());
            let (axis, step) = (b.ints(&[i64::from(*axis)]), b.ints(&[i64::from(*step)]));
            b.op("Slice", &[x[0], &from, &to, &axis, &step], [])
        }
        Prim::Pad { before, after, value } => {
            let ([top, left], [bottom, right]) = (two(*before), two(*after));
            let pads = b.ints(&[0, 0, top, left, 0, 0, bottom, right]);
            let value = b.scalar(types[0].dtype, value.get());
            b.op("Pad", &[x[0], &pads, &value], [])
        }
        Prim::Reshape { shape } => b.reshape(x[0], &types[0].shape, shape),
        Prim::Permute { perm } => b.op("Transpose", x, [Attr::ints("perm", perm.iter().map(|a| i64::from(*a)))]),
        Prim::Full { ty, value } => {
            let scalar = b.scalar(ty.dtype, value.get());
            if ty.rank() == 0 {
                return Ok(scalar);
            }
            let sizes = b.sizes(&ty.shape);
            b.op("Expand", &[&scalar, &sizes], [])
        }
        Prim::Mask { .. } => return Err(b.cannot(prim, "an exported model computes the same each time")),
        Prim::CrossEntropy { .. } => unreachable!("invariant: the caller writes it"),
    })
}

fn unary(b: &mut Build, f: Unary, x: &str) -> String {
    let name = match f {
        Unary::Relu => "Relu",
        Unary::Hardswish => "HardSwish",
        Unary::Sigmoid => "Sigmoid",
        Unary::Tanh => "Tanh",
        Unary::Exp => "Exp",
        Unary::Log => "Log",
        Unary::Sqrt => "Sqrt",
        Unary::Abs => "Abs",
        Unary::Relu6 => {
            let (low, high) = (b.float(0.0), b.float(6.0));
            return b.op("Clip", &[x, &low, &high], []);
        }
        Unary::Silu => {
            let gate = b.op("Sigmoid", &[x], []);
            return b.op("Mul", &[x, &gate], []);
        }
        // x (1 + erf(x / sqrt 2)) / 2
        Unary::Gelu => {
            let scaled = affine(b, x, std::f64::consts::FRAC_1_SQRT_2, 0.0);
            let erf = b.op("Erf", &[&scaled], []);
            return gated(b, x, &erf);
        }
        // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
        Unary::GeluTanh => {
            let square = b.op("Mul", &[x, x], []);
            let cube = b.op("Mul", &[&square, x], []);
            let small = affine(b, &cube, 0.044_715, 0.0);
            let sum = b.op("Add", &[x, &small], []);
            let scaled = affine(b, &sum, (2.0 / std::f64::consts::PI).sqrt(), 0.0);
            let tanh = b.op("Tanh", &[&scaled], []);
            return gated(b, x, &tanh);
        }
    };
    b.op(name, &[x], [])
}

/// `x (1 + g) / 2`
fn gated(b: &mut Build, x: &str, g: &str) -> String {
    let gate = affine(b, g, 0.5, 0.5);
    b.op("Mul", &[x, &gate], [])
}

fn affine(b: &mut Build, x: &str, mul: f64, add: f64) -> String {
    let mut y = x.to_owned();
    if mul != 1.0 {
        let mul = b.float(mul);
        y = b.op("Mul", &[&y, &mul], []);
    }
    if add != 0.0 {
        let add = b.float(add);
        y = b.op("Add", &[&y, &add], []);
    }
    y
}

fn binary(b: &mut Build, prim: &Prim, f: Binary, x: &[&str], of: DType) -> Result<String, ExportError> {
    if of == DType::Bool {
        return Err(b.cannot(prim, "its elements are booleans"));
    }
    let name = match f {
        Binary::Add => "Add",
        Binary::Sub => "Sub",
        Binary::Mul => "Mul",
        // The format's quotient of whole numbers is rounded, PyTorch's is not.
        Binary::Div if !of.is_float() => {
            let cast: Vec<String> = x.iter().map(|x| b.cast(x, dtype::FLOAT)).collect();
            return Ok(b.op("Div", &[&cast[0], &cast[1]], []));
        }
        Binary::Div => "Div",
    };
    Ok(b.op(name, x, []))
}

fn reduce(b: &mut Build, fold: Fold, axes: &[i64], keep: bool, x: &str, of: DType) -> String {
    if axes.is_empty() {
        return x.to_owned();
    }
    let keep = Attr::int("keepdims", i64::from(keep));
    match fold {
        Fold::Mean => b.op("ReduceMean", &[x], [keep, Attr::ints("axes", axes.iter().copied())]),
        Fold::Sum => {
            let cast = (!of.is_float() && of != DType::I64).then(|| b.cast(x, elements(DType::I64)));
            let axes = b.ints(axes);
            b.op("ReduceSum", &[cast.as_deref().unwrap_or(x), &axes], [keep])
        }
    }
}

/// The sizes that a value has apart from the batch.
fn fixed(shape: &[Dim]) -> Vec<u32> {
    shape.iter().filter_map(|d| d.known()).collect()
}

fn batch_norm(b: &mut Build, prim: &Prim, x: &[&str], types: &[&TensorType]) -> Result<String, ExportError> {
    let Prim::BatchNorm { eps, batch, affine, track, .. } = prim else {
        unreachable!("invariant: the caller has matched")
    };
    let c = fixed(&types[0].shape[1..2]);
    if !batch {
        let (ones, zeros) =
            if *affine { (x[1].to_owned(), x[2].to_owned()) } else { (b.filled(&c, 1.0), b.filled(&c, 0.0)) };
        let stats = &x[x.len() - 2..];
        let operands = [x[0], &ones, &zeros, stats[0], stats[1]];
        return Ok(b.op("BatchNormalization", &operands, [Attr::float("epsilon", eps.get())]));
    }
    if *track {
        return Err(b.cannot(prim, "an exported model changes no running statistics"));
    }
    let rank = types[0].rank() as i64;
    let axes: Vec<i64> = (0..rank).filter(|a| *a != 1).collect();
    let mean = reduce(b, Fold::Mean, &axes, true, x[0], DType::F32);
    let centred = b.op("Sub", &[x[0], &mean], []);
    let square = b.op("Mul", &[&centred, &centred], []);
    let variance = reduce(b, Fold::Mean, &axes, true, &square, DType::F32);
    let variance = self::affine(b, &variance, 1.0, eps.get());
    let deviation = b.op("Sqrt", &[&variance], []);
    let y = b.op("Div", &[&centred, &deviation], []);
    Ok(if *affine { per_channel(b, &y, &x[1..3], c[0], rank - 2) } else { y })
}

/// `y * scale + shift`, with a scale and a shift per channel, before so many axes.
fn per_channel(b: &mut Build, y: &str, weights: &[&str], c: u32, axes: i64) -> String {
    let shape: Vec<i64> = [i64::from(c)].into_iter().chain((0..axes).map(|_| 1)).collect();
    let shape = b.ints(&shape);
    let scale = b.op("Reshape", &[weights[0], &shape], []);
    let shift = b.op("Reshape", &[weights[1], &shape], []);
    let scaled = b.op("Mul", &[y, &scale], []);
    b.op("Add", &[&scaled, &shift], [])
}

fn layer_norm(b: &mut Build, trailing: u32, eps: Real, x: &[&str], ty: &TensorType) -> String {
    let shape = fixed(&ty.shape[ty.rank() - trailing as usize..]);
    let ones = if x.len() > 1 { x[1].to_owned() } else { b.filled(&shape, 1.0) };
    let mut operands = vec![x[0], &ones];
    operands.extend(x.get(2));
    let attributes = [Attr::int("axis", -i64::from(trailing)), Attr::float("epsilon", eps.get())];
    b.op("LayerNormalization", &operands, attributes)
}

/// The groups as the channels of an instance normalisation.
fn group_norm(b: &mut Build, groups: u32, eps: Real, x: &[&str], ty: &TensorType) -> String {
    let each = ty.shape[1..].iter().map(|d| d.per_example()).product::<u64>() / u64::from(groups);
    let apart = [ty.shape[0], groups.into(), Dim::fixed(u32::try_from(each).unwrap_or(u32::MAX))];
    let rows = b.reshape(x[0], &ty.shape, &apart);
    let (ones, zeros) = (b.filled(&[groups], 1.0), b.filled(&[groups], 0.0));
    let y = b.op("InstanceNormalization", &[&rows, &ones, &zeros], [Attr::float("epsilon", eps.get())]);
    let y = b.reshape(&y, &apart, &ty.shape);
    match x {
        [_, weights @ ..] if !weights.is_empty() => {
            per_channel(b, &y, weights, fixed(&ty.shape[1..2])[0], ty.rank() as i64 - 2)
        }
        _ => y,
    }
}

/// The loss and the log-softmax.
fn cross_entropy(b: &mut Build, x: &[&str], smoothing: Real) -> (String, String) {
    let log = b.op("LogSoftmax", &[x[0]], [Attr::int("axis", 1)]);
    let one = b.ints(&[1]);
    let targets = b.op("Unsqueeze", &[x[1], &one], []);
    let hits = b.op("GatherElements", &[&log, &targets], [Attr::int("axis", 1)]);
    let hit = reduce(b, Fold::Mean, &[0, 1], false, &hits, DType::F32);
    let mut loss = affine(b, &hit, smoothing.get() - 1.0, 0.0);
    if smoothing.get() > 0.0 {
        let all = reduce(b, Fold::Mean, &[0, 1], false, &log, DType::F32);
        let spread = affine(b, &all, smoothing.get(), 0.0);
        loss = b.op("Sub", &[&loss, &spread], []);
    }
    (loss, log)
}
