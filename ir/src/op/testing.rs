//! One-line checks for the ops' unit tests.

use super::{Init, Op, OpRegistry, Role};
use crate::cost::Convention;
use crate::ty::{DType, Dim, TensorType};
use crate::value::{Name, Value};

/// The op of that name, with the defaults for attributes that are not given.
pub(super) fn op(name: &str, attrs: &[(&str, Value)]) -> Op {
    let attrs: Vec<_> = attrs.iter().map(|(n, v)| (Name::new(n), v.clone())).collect();
    OpRegistry::default().kind(name).and_then(|k| k.make(&attrs)).expect("a legal op")
}

/// A list of integers.
pub(super) fn list(items: &[i64]) -> Value {
    Value::List(items.iter().map(|i| Value::Int(*i)).collect())
}

/// The type that prints as `text`.
pub(super) fn ty(text: &str) -> TensorType {
    let (dtype, rest) = text.split_once('[').expect("dtype[...]");
    let dims = rest.trim_end_matches(']').split(", ").filter(|d| !d.is_empty()).map(|d| match d.strip_suffix('N') {
        Some("") => Dim::BATCH,
        Some(factor) => Dim::batches(factor.parse().expect("a factor")),
        None => Dim::fixed(d.parse().expect("a size")),
    });
    let out = TensorType::new(DType::from_name(dtype).expect("a dtype"), dims);
    assert_eq!(out.to_string(), text);
    out
}

/// The printed output types, or the error's message.
pub(super) fn infer(op: &Op, x: &[&str]) -> String {
    let x: Vec<_> = x.iter().map(|t| ty(t)).collect();
    match op.infer(&x.iter().collect::<Vec<_>>()) {
        Ok(y) => y.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Err(e) => e.to_string(),
    }
}

/// The counts by every convention: nasbench, thop, ptflops.
pub(super) fn macs(op: &Op, x: &[&str]) -> [u64; 3] {
    let x: Vec<_> = x.iter().map(|t| ty(t)).collect();
    let x: Vec<_> = x.iter().collect();
    let y = op.infer(&x).expect("fits");
    Convention::ALL.map(|c| op.macs(c, &x, &y))
}

/// The weights: name, role if a buffer, shape and initialisation.
pub(super) fn weights(op: &Op, x: &[&str]) -> String {
    let x: Vec<_> = x.iter().map(|t| ty(t)).collect();
    let weights = op.weights(&x.iter().collect::<Vec<_>>());
    let each = weights.iter().map(|w| {
        let role = if w.role == Role::Buffer { "buffer " } else { "" };
        let init = match w.init {
            Init::Zeros => "zeros".to_owned(),
            Init::Ones => "ones".to_owned(),
            Init::FanInUniform { fan_in } => format!("fan_in {fan_in}"),
        };
        format!("{role}{}{:?} {init}", w.name, w.shape.as_slice())
    });
    each.collect::<Vec<_>>().join(", ")
}
