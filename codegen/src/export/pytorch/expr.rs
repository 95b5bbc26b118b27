//! Primitives as Python expressions.

use ir::op::Pair;
use ir::prim::{Binary, Fold, Prim, Unary, Window};
use ir::value::Real;
use ir::{DType, Dim, TensorType};

/// How tightly an expression binds, from the loosest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bind {
    /// `a + b`
    Sum,
    /// `a * b`
    Product,
    /// A name, a call, a subscript.
    Atom,
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Py {
    /// Its text.
    pub text: String,
    /// How it binds.
    pub bind: Bind,
}

impl Py {
    /// A name, a call, a subscript.
    pub fn atom(text: impl Into<String>) -> Self {
        Self { text: text.into(), bind: Bind::Atom }
    }

    /// The text, in parentheses if it binds less tightly than `bind`.
    fn at(&self, bind: Bind) -> String {
        if self.bind < bind { format!("({})", self.text) } else { self.text.clone() }
    }

    /// The text as the operand of a dot or a bracket.
    fn dotted(&self) -> String {
        self.at(Bind::Atom)
    }
}

/// An operand with its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// How to say it.
    pub py: Py,
    /// Its type.
    pub ty: TensorType,
}

/// A number as Python reads it.
pub fn number(x: Real) -> String {
    let x = x.get();
    if x.is_finite() { format!("{x:?}") } else { format!("float(\"{}\")", format!("{x:?}").to_lowercase()) }
}

/// `3` for a square, `(1, 7)`.
pub fn pair(p: Pair) -> String {
    if p.h == p.w { p.h.to_string() } else { format!("({}, {})", p.h, p.w) }
}

/// `(2, 3)`, `(2,)`, `()`
pub fn tuple(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    match &items[..] {
        [one] => format!("({one},)"),
        _ => format!("({})", items.join(", ")),
    }
}

/// A multiple of the batch size `n`.
fn batches(factor: u64) -> String {
    if factor == 1 { "n".into() } else { format!("{factor} * n") }
}

/// The sizes of a tensor.
pub fn sizes(shape: &[Dim]) -> String {
    tuple(shape.iter().map(|d| if d.is_batch() { batches(d.per_example()) } else { d.per_example().to_string() }))
}

/// An element type that does not follow the network's precision.
pub fn dtype(ty: DType) -> Option<&'static str> {
    Some(match ty {
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => return None,
        DType::I32 => "torch.int32",
        DType::I64 => "torch.int64",
        DType::U8 => "torch.uint8",
        DType::Bool => "torch.bool",
    })
}

/// A call with named arguments where they differ from PyTorch's defaults.
pub struct Call(String);

impl Call {
    /// `f(a, b`
    pub fn new<'a>(f: &str, args: impl IntoIterator<Item = &'a str>) -> Self {
        let args: Vec<&str> = args.into_iter().collect();
        Self(format!("{f}({}", args.join(", ")))
    }

    /// `, name=value`, unless it is the default.
    #[must_use]
    pub fn unless(mut self, default: bool, name: &str, value: impl AsRef<str>) -> Self {
        if !default {
            self.0.push_str(&format!(", {name}={}", value.as_ref()));
        }
        self
    }

    /// `)`
    pub fn end(self) -> String {
        self.0 + ")"
    }
}

/// The arguments of a convolution that differ from PyTorch's defaults.
pub fn convolution(call: Call, stride: Pair, pad: Pair, dilation: Pair, groups: u32) -> Call {
    call.unless(stride == Pair::both(1), "stride", pair(stride))
        .unless(pad == Pair::both(0), "padding", pair(pad))
        .unless(dilation == Pair::both(1), "dilation", pair(dilation))
        .unless(groups == 1, "groups", groups.to_string())
}

fn pool(f: &str, x: &Typed, w: Window) -> Call {
    Call::new(f, [&*x.py.text, &pair(w.k)])
        .unless(w.stride == w.k, "stride", pair(w.stride))
        .unless(w.pad == Pair::both(0), "padding", pair(w.pad))
        .unless(!w.ceil, "ceil_mode", "True")
}

fn unary(f: Unary, x: &Typed) -> String {
    let name = match f {
        Unary::Relu => "F.relu",
        Unary::Relu6 => "F.relu6",
        Unary::Gelu => "F.gelu",
        Unary::GeluTanh => return format!("F.gelu({}, approximate=\"tanh\")", x.py.text),
        Unary::Silu => "F.silu",
        Unary::Hardswish => "F.hardswish",
        Unary::Sigmoid => "torch.sigmoid",
        Unary::Tanh => "torch.tanh",
        Unary::Exp => "torch.exp",
        Unary::Log => "torch.log",
        Unary::Sqrt => "torch.sqrt",
        Unary::Abs => "torch.abs",
    };
    format!("{name}({})", x.py.text)
}

fn binary(f: Binary, a: &Py, b: &Py) -> Py {
    let (sign, bind, right) = match f {
        Binary::Add => ("+", Bind::Sum, Bind::Product),
        Binary::Sub => ("-", Bind::Sum, Bind::Product),
        Binary::Mul => ("*", Bind::Product, Bind::Atom),
        Binary::Div => ("/", Bind::Product, Bind::Atom),
    };
    Py { text: format!("{} {sign} {}", a.at(bind), b.at(right)), bind }
}

fn affine(x: &Py, mul: Real, add: Real) -> Py {
    let constant = |c: Real| Py { text: number(c), bind: if c.get() < 0.0 { Bind::Sum } else { Bind::Atom } };
    let mut y = x.clone();
    if mul.get() != 1.0 {
        y = binary(Binary::Mul, &y, &constant(mul));
    }
    if add.get() != 0.0 {
        y = binary(Binary::Add, &y, &constant(add));
    }
    y
}

/// `x[:, 2:6]`
fn slice(x: &Typed, axis: u32, start: u32, len: u32, step: u32) -> String {
    let batch = x.ty.shape[axis as usize].is_batch();
    let place = |i: u32| if batch { batches(u64::from(i)) } else { i.to_string() };
    let whole = x.ty.shape[axis as usize].per_example();
    let end = start + (len - 1) * step + 1;
    let from = if start == 0 { String::new() } else { place(start) };
    let to = if u64::from(end) == whole { String::new() } else { place(end) };
    let by = if step == 1 { String::new() } else { format!(":{step}") };
    format!("{}[{}{from}:{to}{by}]", x.py.dotted(), ":, ".repeat(axis as usize))
}

/// `x.flatten(1)`, or `x.reshape(-1, 16, 8, 8)`: one size may be left to PyTorch, the first that depends on the batch.
fn reshape(x: &Typed, shape: &[Dim]) -> String {
    let of = &x.ty.shape;
    if let Some(start) = flattened(of, shape) {
        return match start {
            0 if shape.len() == 1 => format!("{}.flatten()", x.py.dotted()),
            _ => format!("{}.flatten({start})", x.py.dotted()),
        };
    }
    let first = shape.iter().position(|d| d.is_batch());
    let sizes = shape.iter().enumerate().map(|(i, d)| match first {
        Some(at) if at == i => "-1".to_owned(),
        _ if d.is_batch() => batches(d.per_example()),
        _ => d.per_example().to_string(),
    });
    let sizes: Vec<String> = sizes.collect();
    format!("{}.reshape({})", x.py.dotted(), if sizes.is_empty() { "()".to_owned() } else { sizes.join(", ") })
}

/// The axis from which on all axes become one, if that is what a reshaping does.
fn flattened(of: &[Dim], to: &[Dim]) -> Option<usize> {
    let start = to.len().checked_sub(1)?;
    (of.len() > to.len() && of[..start] == to[..start]).then_some(start)
}

fn normalised(call: Call, x: &[Typed], eps: Real) -> String {
    let call = match x {
        [_, scale, shift] => call.unless(false, "weight", &*scale.py.text).unless(false, "bias", &*shift.py.text),
        _ => call,
    };
    call.unless(eps.get() == 1e-5, "eps", number(eps)).end()
}

fn text(prim: &Prim, x: &[Typed]) -> Option<String> {
    let all = || x.iter().map(|t| &*t.py.text);
    let first = x.first();
    Some(match prim {
        Prim::Unary(f) => unary(*f, &x[0]),
        Prim::Conv2d { stride, pad, dilation, groups } => {
            convolution(Call::new("F.conv2d", all()), *stride, *pad, *dilation, *groups).end()
        }
        Prim::Linear => Call::new("F.linear", all()).end(),
        Prim::Matmul => Call::new("torch.matmul", all()).end(),
        Prim::Embedding => Call::new("F.embedding", [&*x[1].py.text, &x[0].py.text]).end(),
        Prim::BatchNorm { eps, momentum, batch, affine, track } => {
            let stats = if *track { [&*x[x.len() - 2].py.text, &*x[x.len() - 1].py.text] } else { ["None", "None"] };
            let scale = if *affine { [&*x[1].py.text, &*x[2].py.text] } else { ["None", "None"] };
            Call::new("F.batch_norm", [&[&*x[0].py.text][..], &stats, &scale].concat())
                .unless(!batch, "training", "True")
                .unless(momentum.get() == 0.1, "momentum", number(*momentum))
                .unless(eps.get() == 1e-5, "eps", number(*eps))
                .end()
        }
        Prim::LayerNorm { trailing, eps } => {
            let shape = &x[0].ty.shape;
            let call = Call::new("F.layer_norm", [&*x[0].py.text, &sizes(&shape[shape.len() - *trailing as usize..])]);
            normalised(call, x, *eps)
        }
        Prim::GroupNorm { groups, eps } => {
            normalised(Call::new("F.group_norm", [&*x[0].py.text, &groups.to_string()]), x, *eps)
        }
        Prim::Softmax { axis, log } => {
            format!("F.{}softmax({}, {axis})", if *log { "log_" } else { "" }, x[0].py.text)
        }
        Prim::MaxPool(w) => pool("F.max_pool2d", &x[0], *w).end(),
        Prim::AvgPool { window, count_include_pad } => {
            pool("F.avg_pool2d", &x[0], *window).unless(*count_include_pad, "count_include_pad", "False").end()
        }
        Prim::AdaptiveAvgPool { out } => format!("F.adaptive_avg_pool2d({}, {})", x[0].py.text, pair(*out)),
        Prim::Reduce { fold, axes, keep } => {
            let fold = if *fold == Fold::Sum { "sum" } else { "mean" };
            let axes = tuple(axes.iter().map(ToString::to_string));
            format!("{}.{fold}({axes}{})", first?.py.dotted(), if *keep { ", keepdim=True" } else { "" })
        }
        Prim::Concat { axis } => format!("torch.cat([{}], {axis})", all().collect::<Vec<_>>().join(", ")),
        Prim::Slice { axis, start, len, step } => slice(&x[0], *axis, *start, *len, *step),
        Prim::Pad { before, after, value } => {
            let sides = [before.w, after.w, before.h, after.h].map(|n| n.to_string());
            Call::new("F.pad", [&*x[0].py.text, &tuple(sides)])
                .unless(value.get() == 0.0, "value", number(*value))
                .end()
        }
        Prim::Reshape { shape } => reshape(&x[0], shape),
        Prim::Permute { perm } => {
            let axes: Vec<String> = perm.iter().map(ToString::to_string).collect();
            format!("{}.permute({})", x[0].py.dotted(), axes.join(", "))
        }
        Prim::CrossEntropy { smoothing } => Call::new("F.cross_entropy", all())
            .unless(smoothing.get() == 0.0, "label_smoothing", number(*smoothing))
            .end(),
        Prim::Binary(_) | Prim::Affine { .. } | Prim::Full { .. } | Prim::Mask { .. } => return None,
    })
}

/// A primitive's first result. `near` is a value whose device and precision a tensor made from nothing takes.
pub fn expression(prim: &Prim, x: &[Typed], near: Option<&Typed>) -> Py {
    match prim {
        Prim::Binary(f) => binary(*f, &x[0].py, &x[1].py),
        Prim::Affine { mul, add } => affine(&x[0].py, *mul, *add),
        Prim::Reduce { axes, .. } if axes.is_empty() => x[0].py.clone(),
        Prim::Concat { .. } if x.len() == 1 => x[0].py.clone(),
        Prim::Full { ty, value } => Py::atom(full(ty, *value, near)),
        Prim::Mask { ty, p, .. } => Py::atom(format!("F.dropout({}, {})", full(ty, Real::new(1.0), near), number(*p))),
        _ => Py::atom(text(prim, x).expect("invariant: the others are handled above")),
    }
}

fn full(ty: &TensorType, value: Real, near: Option<&Typed>) -> String {
    let size = sizes(&ty.shape);
    let (whole, value) = match dtype(ty.dtype) {
        Some("torch.bool") => (Some("torch.bool"), if value.get() == 0.0 { "False".into() } else { "True".into() }),
        Some(name) => (Some(name), format!("{:.0}", value.get())),
        None => (None, number(value)),
    };
    let Some(near) = near else {
        return Call::new("torch.full", [&*size, &*value]).unless(whole.is_none(), "dtype", whole.unwrap_or("")).end();
    };
    if near.ty == *ty {
        return match &*value {
            "0.0" => format!("torch.zeros_like({})", near.py.text),
            "1.0" => format!("torch.ones_like({})", near.py.text),
            _ => format!("torch.full_like({}, {value})", near.py.text),
        };
    }
    let name = near.py.dotted();
    let call = match &*value {
        "0.0" => Call::new(&format!("{name}.new_zeros"), [&*size]),
        "1.0" => Call::new(&format!("{name}.new_ones"), [&*size]),
        _ => Call::new(&format!("{name}.new_full"), [&*size, &*value]),
    };
    let dtype = whole.or_else(|| (!near.ty.dtype.is_float()).then_some("torch.get_default_dtype()"));
    call.unless(dtype.is_none(), "dtype", dtype.unwrap_or("")).end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, shape: &[u32]) -> Typed {
        let dims = [Dim::BATCH].into_iter().chain(shape.iter().map(|d| Dim::fixed(*d)));
        Typed { py: Py::atom(name), ty: TensorType::new(DType::F32, dims) }
    }

    fn sum(a: &str, b: &str) -> Typed {
        Typed { py: binary(Binary::Add, &Py::atom(a), &Py::atom(b)), ..value("", &[4]) }
    }

    #[test]
    fn parentheses_where_python_needs_them() {
        let (x, s) = (value("x", &[4]), sum("a", "b"));
        let of = |f, a: &Typed, b: &Typed| expression(&Prim::Binary(f), &[a.clone(), b.clone()], None).text;
        assert_eq!(of(Binary::Add, &s, &x), "a + b + x");
        assert_eq!(of(Binary::Sub, &x, &s), "x - (a + b)");
        assert_eq!(of(Binary::Mul, &s, &x), "(a + b) * x");
        assert_eq!(of(Binary::Div, &x, &s), "x / (a + b)");
        let scale = Prim::Affine { mul: Real::new(-0.5), add: Real::new(1e-7) };
        assert_eq!(expression(&scale, std::slice::from_ref(&s), None).text, "(a + b) * (-0.5) + 1e-7");
        let mean = Prim::Reduce { fold: Fold::Mean, axes: [1].into_iter().collect(), keep: true };
        assert_eq!(expression(&mean, &[s], None).text, "(a + b).mean((1,), keepdim=True)");
    }

    #[test]
    fn sizes_of_the_batch() {
        let x = value("x", &[6, 2]);
        let to = |shape: &[Dim]| reshape(&x, shape);
        assert_eq!(to(&[Dim::BATCH, 12.into()]), "x.flatten(1)");
        assert_eq!(to(&[Dim::batches(12)]), "x.flatten()");
        assert_eq!(to(&[Dim::batches(3), 4.into()]), "x.reshape(-1, 4)");
        assert_eq!(slice(&x, 1, 1, 2, 2), "x[:, 1:4:2]");
        assert_eq!(slice(&x, 1, 0, 6, 1), "x[:, :]");
        let many = Typed { ty: TensorType::new(DType::F32, [Dim::batches(4)]), ..x.clone() };
        assert_eq!(slice(&many, 0, 1, 2, 1), "x[n:3 * n]");
        let ty = TensorType::new(DType::I64, [Dim::batches(2), 3.into()]);
        assert_eq!(full(&ty, Real::new(7.0), Some(&x)), "x.new_full((2 * n, 3), 7, dtype=torch.int64)");
        assert_eq!(full(&x.ty, Real::new(0.0), Some(&x)), "torch.zeros_like(x)");
        let ty = TensorType::new(DType::F32, [Dim::BATCH, 1.into()]);
        let mask = Prim::Mask { drop: ir::prim::Drop::Path, ty, p: Real::new(0.2) };
        assert_eq!(expression(&mask, &[], Some(&x)).text, "F.dropout(x.new_ones((n, 1)), 0.2)");
    }
}
