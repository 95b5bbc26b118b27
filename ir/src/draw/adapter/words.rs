//! The words of a drawing: attributes, arguments, types and counts in few characters.

use super::scope::Place;
use crate::expr::{DecisionRef, Expr};
use crate::graph::{Callee, Graph};
use crate::module::Module;
use crate::op::OpTemplate;
use crate::ty::{DType, TensorType};
use crate::value::{Name, Value};

/// The attributes that a reader looks for: channels, window, stride; of other ops all that differ from the defaults.
pub(super) fn attributes(op: &OpTemplate) -> Option<String> {
    let attrs = op.attrs();
    let get = |name: &str| attrs.iter().find(|(n, _)| n == name).map(|(_, x)| x);
    let windowed = get("k").is_some();
    let mut parts: Vec<String> = Vec::new();
    if let Some(out) = get("out") {
        parts.push(format!("→ {out}"));
    }
    if let Some(k) = get("k") {
        parts.push(window(k));
    }
    for (name, x) in &attrs {
        match name.as_str() {
            "out" | "k" | "bias" => {}
            // How the border is treated is seldom looked for.
            "pad" | "count_include_pad" | "ceil" if windowed => {}
            "stride" if windowed && *x == Expr::int(1) => {}
            "stride" | "dilation" | "groups" => parts.push(format!("{name} {x}")),
            _ => parts.push(format!("{name}={x}")),
        }
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `3x3` for 3, `1x7` for `[1, 7]`, `k x k` for an expression.
pub(super) fn window(k: &Expr) -> String {
    match k {
        Expr::List(sides) => sides.iter().map(ToString::to_string).collect::<Vec<_>>().join("x"),
        Expr::Lit(Value::Int(k)) => format!("{k}x{k}"),
        k => format!("{k} x {k}"),
    }
}

/// The arguments of a call with their parameters' names, `c=16, k=3`; an argument that is called like its parameter
/// stands alone.
pub(super) fn arguments(module: &Module, callee: &Callee) -> Option<String> {
    let params = module.graph(&callee.graph).map(|g| g.params()).unwrap_or_default();
    let unnamed = Name::new_static("");
    let named = callee.args.iter().enumerate().map(|(i, arg)| (params.get(i).unwrap_or(&unnamed).clone(), arg.clone()));
    pairs(&named.collect::<Vec<_>>())
}

/// Parameters with their values.
pub(super) fn pairs(params: &[(Name, Expr)]) -> Option<String> {
    let parts = params.iter().map(|(name, x)| {
        if name.is_empty() || *x == Expr::Ident(name.clone()) { x.to_string() } else { format!("{name}={x}") }
    });
    let text = parts.collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

/// The number under which a repeat's arguments see the call: `i = 0 … 2`.
pub(super) fn numbers(index: &Name, depth: &Expr) -> String {
    match depth {
        Expr::Lit(Value::Int(n)) => format!("{index} = 0 … {}", n - 1),
        _ => format!("{index} = 0, 1, …"),
    }
}

/// A graph with its parameters, `cell<c>`, or with its arguments where it is drawn for them alone, `cell<c=16>`.
pub(super) fn heading(graph: &Graph, place: &Place) -> String {
    let params = graph.params();
    if params.is_empty() {
        return graph.name().to_string();
    }
    let text = match &place.args {
        None => params.join(", "),
        Some(args) => params.iter().zip(args).map(|(p, a)| format!("{p}={a}")).collect::<Vec<_>>().join(", "),
    };
    format!("{}<{text}>", graph.name())
}

/// What open decisions may be, those of one domain in a line: `?c0, ?c1 in [8, 16]`.
pub(super) fn domains(module: &Module, decisions: &[&DecisionRef], width: usize) -> Vec<String> {
    let mut lines: Vec<(Vec<String>, String)> = Vec::new();
    for d in decisions {
        let Some(declared) = module.decision(&d.label) else { continue };
        let (name, domain) = (d.to_string(), declared.domain.to_string());
        match lines.iter_mut().find(|(_, known)| *known == domain) {
            Some((names, _)) if names.contains(&name) => {}
            Some((names, _)) => names.push(name),
            None => lines.push((vec![name], domain)),
        }
    }
    let lines = lines.into_iter().map(|(names, domain)| format!("{} in {domain}", names.join(", ")));
    lines.flat_map(|line| wrap(&line, width)).collect()
}

/// A text in lines of some width, broken after commas.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split_inclusive(", ") {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.trim_end().chars().count() <= width => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// What the field calls an operation on an edge: `none`, `skip_connect`, `avg_pool_3x3`, `sep_conv_3x3`.
pub(super) fn operation(op: &OpTemplate) -> String {
    match op.name() {
        "zero" => "none".into(),
        "identity" => "skip_connect".into(),
        name => {
            let k = op.attrs().into_iter().find(|(n, _)| n == "k");
            k.map_or_else(|| name.into(), |(_, k)| format!("{name}_{}", window(&k).replace(' ', "")))
        }
    }
}

/// The same for a call: the graph's name, with its window if its parameter `k` is a number here.
pub(super) fn called(module: &Module, callee: &Callee) -> String {
    let graph = module.graph(&callee.graph);
    let k = graph.and_then(|g| g.params().iter().position(|p| p == "k"));
    match k.and_then(|k| callee.args.get(k)) {
        Some(k @ Expr::Lit(Value::Int(_))) => format!("{}_{}", callee.graph, window(k)),
        _ => callee.graph.to_string(),
    }
}

/// A type without the element type of most networks: `[N, 16, 32, 32]`.
pub(super) fn tensor(ty: &TensorType) -> String {
    let text = ty.to_string();
    match text.strip_prefix(DType::F32.as_str()) {
        Some(shape) => shape.to_owned(),
        None => text,
    }
}

/// `830`, `28.5 k`, `3.35 M`, `1.53 G`.
pub(super) fn count(n: u64) -> String {
    let x = n as f64;
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{:.1} k", x / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} M", x / 1e6),
        _ => format!("{:.2} G", x / 1e9),
    }
}

/// Labels in lines of some width, separated by bars.
pub(super) fn bars<'a>(labels: impl IntoIterator<Item = &'a Name>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for label in labels {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + label.chars().count() <= width => {
                line.push_str(" | ");
                line.push_str(label);
            }
            last => {
                // A line that goes on says so.
                if let Some(line) = last {
                    line.push_str(" |");
                }
                lines.push(label.to_string());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_short() {
        let text = |op: &str| attributes(&OpTemplate::parse(op, &["c".into()]).expect("an op")).unwrap_or_default();
        assert_eq!(text("conv2d {out=c, k=3, stride=2, pad=1, bias=false}"), "→ c, 3x3, stride 2");
        assert_eq!(text("conv2d {out=64, k=[1, 7], groups=64}"), "→ 64, 1x7, groups 64");
        assert_eq!(text("avg_pool {k=3, stride=1, pad=1, count_include_pad=false}"), "3x3");
        assert_eq!(text("dropout {p=0.2}"), "p=0.2");
        assert_eq!(text("relu"), "");
    }

    #[test]
    fn counts_are_short() {
        assert_eq!([3, 28_000, 3_349_342, 1_530_000_000].map(count), ["3", "28.0 k", "3.35 M", "1.53 G"]);
    }

    #[test]
    fn labels_fill_lines() {
        let labels: Vec<Name> = ["none", "skip", "conv", "pool"].map(Name::new_static).into();
        assert_eq!(bars(&labels, 11), ["none | skip |", "conv | pool"]);
    }
}
