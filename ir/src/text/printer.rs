//! The printer: two spaces per level, one line per node; only a long list of candidates or values is wrapped.

use crate::decision::{Decision, Domain};
use crate::expr::Expr;
use crate::graph::{Body, Candidate, Graph, Node, Val};
use crate::module::Module;
use crate::op::OpTemplate;
use crate::ty::TensorType;
use crate::value::{Name, Sigil, Value, is_identifier};
use std::fmt::{self, Write};

/// Widest line that holds a list of candidates or values.
const WIDTH: usize = 110;

/// The output types to print after a node; `None` for none.
type Annotate<'a> = &'a dyn Fn(&Node) -> Option<Vec<TensorType>>;

/// Prints a graph with the types that `annotate` gives each node; `|n| n.declared.clone()` gives the stated ones.
#[must_use]
pub fn print_graph(graph: &Graph, annotate: &dyn Fn(&Node) -> Option<Vec<TensorType>>) -> String {
    let mut out = String::new();
    write_graph(&mut out, graph, "", annotate).expect("invariant: writing to a string cannot fail");
    out
}

/// Prints a module with the types that `annotate` gives each node of each graph.
#[must_use]
pub fn print_module(module: &Module, annotate: &dyn Fn(&Graph, &Node) -> Option<Vec<TensorType>>) -> String {
    let mut out = String::new();
    write_module(&mut out, module, annotate).expect("invariant: writing to a string cannot fail");
    out
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_graph(self, &|node| node.declared.clone()))
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_module(self, &|_, node| node.declared.clone()))
    }
}

/// The expression that means a literal inside of a graph: a label that reads like one of the parameters is quoted.
pub(crate) fn literal_in(value: &Value, params: &[Name]) -> Expr {
    match value {
        Value::Str(s) if is_identifier(s) && !params.contains(s) => Expr::Ident(s.clone()),
        Value::List(items) => Expr::List(items.iter().map(|v| literal_in(v, params)).collect()),
        v => Expr::Lit(v.clone()),
    }
}

fn write_module(
    out: &mut String,
    module: &Module,
    annotate: &dyn Fn(&Graph, &Node) -> Option<Vec<TensorType>>,
) -> fmt::Result {
    writeln!(out, "module {} {{", Sigil('@', &module.name))?;
    writeln!(out, "  entry {}", Sigil('@', &module.entry))?;
    for (i, decision) in module.decisions.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { "" });
        write_decision(out, decision)?;
    }
    for (i, constraint) in module.constraints.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { "" });
        writeln!(out, "  constraint {constraint}")?;
    }
    for graph in &module.graphs {
        out.push('\n');
        write_graph(out, graph, "  ", &|node| annotate(graph, node))?;
    }
    out.push_str("}\n");
    Ok(())
}

/// A declaration on one line, or with its values on lines of their own.
fn write_decision(out: &mut String, decision: &Decision) -> fmt::Result {
    let line = decision.to_string();
    let values = match &decision.domain {
        Domain::Categorical(values) | Domain::Subset { of: values, .. } => values.as_slice(),
        _ => &[],
    };
    let list = Value::List(values.to_vec()).to_string();
    let domain = decision.domain.to_string();
    let family = decision.family.map_or(String::new(), |n| format!("[0..{n}]"));
    let before = format!("decision {}{family} in ", Sigil('?', &decision.label)).len();
    let start = domain.strip_suffix(&list).map(|prefix| before + prefix.len());
    match start {
        Some(start) if line.len() + 2 > WIDTH && !values.is_empty() => {
            writeln!(out, "  {}[", &line[..start])?;
            fill(out, "    ", values.iter().map(ToString::to_string))?;
            writeln!(out, "  ]{}", &line[start + list.len()..])
        }
        _ => writeln!(out, "  {line}"),
    }
}

/// Items with commas, as many on a line as fit.
fn fill(out: &mut String, indent: &str, items: impl Iterator<Item = String>) -> fmt::Result {
    let mut column = 0;
    for item in items {
        let width = item.chars().count() + 2;
        if column > 0 && column + width > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            write!(out, "{indent}{item},")?;
            column = indent.len() + width;
        } else {
            write!(out, " {item},")?;
            column += width;
        }
    }
    out.push('\n');
    Ok(())
}

fn write_graph(out: &mut String, graph: &Graph, indent: &str, annotate: Annotate<'_>) -> fmt::Result {
    write!(out, "{indent}graph {}", Sigil('@', &graph.name))?;
    if !graph.params.is_empty() {
        write!(out, "<{}>", graph.params.join(", "))?;
    }
    out.push('(');
    for (i, input) in graph.inputs().enumerate() {
        write!(out, "{}{}", if i == 0 { "" } else { ", " }, Sigil('%', &input.name))?;
        if let Some(ty) = annotate(input).as_deref().and_then(<[_]>::first) {
            write!(out, ": {ty}")?;
        }
    }
    out.push_str(") {\n");
    for i in &graph.order {
        let node = &graph.net[*i];
        if node.body == Body::Input {
            continue;
        }
        let operands: Vec<Val> = graph.ports(*i).iter().map(|p| graph.val(*p)).collect();
        write!(out, "{indent}  {} = ", Sigil('%', &node.name))?;
        write_body(out, &node.body, &operands, &graph.params, indent)?;
        if let Some(weights) = &node.weights {
            write!(out, " weights {}", Value::Str(weights.clone()))?;
        }
        for (i, ty) in annotate(node).iter().flatten().enumerate() {
            write!(out, "{}{ty}", if i == 0 { " : " } else { ", " })?;
        }
        out.push('\n');
    }
    write!(out, "{indent}  return ")?;
    write_values(out, graph.outputs())?;
    writeln!(out, "\n{indent}}}")
}

fn write_values(out: &mut String, values: impl IntoIterator<Item = Val>) -> fmt::Result {
    for (i, val) in values.into_iter().enumerate() {
        write!(out, "{}{val}", if i == 0 { "" } else { ", " })?;
    }
    Ok(())
}

fn write_body(out: &mut String, body: &Body, operands: &[Val], params: &[Name], indent: &str) -> fmt::Result {
    let arguments = |out: &mut String| {
        out.push('(');
        write_values(out, operands.iter().cloned())?;
        out.push(')');
        Ok(())
    };
    match body {
        Body::Input => Ok(()),
        Body::Op(op) => {
            out.push_str(op.name());
            for (i, val) in operands.iter().enumerate() {
                write!(out, "{}{val}", if i == 0 { " " } else { ", " })?;
            }
            let bare = out.len();
            write_attrs(out, op, params)?;
            // Braces keep the next line's `%name` from reading as an operand.
            out.push_str(if operands.is_empty() && out.len() == bare { " {}" } else { "" });
            Ok(())
        }
        Body::Call(callee) => {
            write!(out, "{callee}")?;
            arguments(out)
        }
        Body::Choice { decision, candidates } => {
            write!(out, "choice {decision} ")?;
            arguments(out)?;
            write_candidates(out, candidates, params, indent)
        }
        Body::Select { decision, reduce } => {
            write!(out, "select {decision} ")?;
            arguments(out)?;
            write!(out, " {{reduce={}}}", reduce.as_str())
        }
        Body::Repeat { depth, index, callee } => {
            write!(out, "repeat {depth} ")?;
            if let Some(index) = index {
                write!(out, "as {index} ")?;
            }
            write!(out, "{callee}")?;
            arguments(out)
        }
    }
}

/// The attributes in braces; nothing if there are none.
fn write_attrs(out: &mut String, op: &OpTemplate, params: &[Name]) -> fmt::Result {
    let attrs: Vec<(Name, Expr)> = match op {
        OpTemplate::Fixed(op) => op.attrs().into_iter().map(|(n, v)| (n, literal_in(&v, params))).collect(),
        OpTemplate::Open { attrs, .. } => attrs.clone(),
    };
    for (i, (name, x)) in attrs.iter().enumerate() {
        write!(out, "{}{name}={x}", if i == 0 { " {" } else { ", " })?;
    }
    out.push_str(if attrs.is_empty() { "" } else { "}" });
    Ok(())
}

fn write_candidates(out: &mut String, candidates: &[(Name, Candidate)], params: &[Name], indent: &str) -> fmt::Result {
    let mut items = Vec::with_capacity(candidates.len());
    for (label, candidate) in candidates {
        let mut item = format!("{}: ", Value::Str(label.clone()));
        match candidate {
            Candidate::Op(op) => {
                item.push_str(op.name());
                write_attrs(&mut item, op, params)?;
            }
            Candidate::Call(callee) => write!(item, "{callee}")?,
        }
        items.push(item);
    }
    let line = out.rfind('\n').map_or(out.len(), |i| out.len() - i - 1);
    let wide = line + items.iter().map(|i| i.len() + 2).sum::<usize>() + 2 > WIDTH;
    if !wide || items.is_empty() {
        return write!(out, " {{{}}}", items.join(", "));
    }
    out.push_str(" {\n");
    for item in items {
        writeln!(out, "{indent}    {item},")?;
    }
    write!(out, "{indent}  }}")
}
