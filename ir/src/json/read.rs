//! From a document to its module.

use super::JsonError;
use super::doc::{DecisionDoc, ModuleDoc};
use super::place::Place;
use super::read_graph::graph;
use crate::decision::{Decision, Domain};
use crate::expr::Expr;
use crate::module::Module;
use crate::op::OpRegistry;
use crate::text::{MAX_FAMILY, MAX_HEIGHT, MAX_ITEMS, MAX_NAME, MAX_NESTING, ParseError, Tall, parse_expr_below};
use crate::value::{Name, Value, is_identifier};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value as Json;
use std::str::FromStr;
use std::sync::Arc;

pub(super) type Read<T> = Result<T, JsonError>;

pub(super) fn module(doc: ModuleDoc, registry: &OpRegistry) -> Read<Module> {
    let root = Place::Root;
    let mut module = Module::new(name(doc.module, root.field("module"))?, name(doc.entry, root.field("entry"))?);
    let place = root.field("decisions");
    let mut known: FxHashMap<Name, usize> = FxHashMap::default();
    for (i, doc) in doc.decisions.into_iter().enumerate() {
        let place = place.item(i);
        let decision = decision(doc, place)?;
        match known.get(&decision.label) {
            None => {
                known.insert(decision.label.clone(), module.decisions.len());
                module.decisions.push(decision);
            }
            Some(first) if module.decisions[*first] == decision => {}
            Some(first) => {
                let first = &module.decisions[*first];
                return place.fail(format!(
                    "found `{decision}`, which is declared as `{first}` before, expected one declaration of a label; \
                     rename one of the two"
                ));
            }
        }
    }
    let place = root.field("constraints");
    for (i, doc) in doc.constraints.iter().enumerate() {
        module.constraints.push(expr(doc, place.item(i))?);
    }
    let place = root.field("graphs");
    let mut names: FxHashSet<Name> = FxHashSet::default();
    for (i, doc) in doc.graphs.iter().enumerate() {
        let place = place.item(i);
        let graph = graph(doc, place, registry)?;
        if !names.insert(graph.name().clone()) {
            return place.fail(format!("found a second graph `@{}`, expected another name", graph.name()));
        }
        module.graphs.push(Arc::new(graph));
    }
    Ok(module)
}

pub(super) fn name(name: Name, place: Place<'_>) -> Read<Name> {
    if name.len() <= MAX_NAME {
        return Ok(name);
    }
    place.fail(format!("found a name of {} bytes, expected at most {MAX_NAME}", name.len()))
}

pub(super) fn identifier(text: &Name, place: Place<'_>) -> Read<Name> {
    if is_identifier(text) && text.len() <= MAX_NAME {
        return Ok(text.clone());
    }
    place.fail(format!("found `{text}`, expected a name of letters, digits and `_` that is no reserved word"))
}

/// Reads a string in the text form's syntax.
pub(super) fn spelled<T: FromStr<Err = ParseError>>(text: &str, place: Place<'_>) -> Read<T> {
    text.parse().map_err(|e| misspelled(text, &e, place))
}

pub(super) fn misspelled(text: &str, error: &ParseError, place: Place<'_>) -> JsonError {
    let short: String = text.chars().take(60).collect();
    place.error(format!("in `{short}` at {error}"))
}

pub(super) fn too_many<T>(found: usize, most: usize, what: &str, place: Place<'_>) -> Read<T> {
    place.fail(format!("found {found} {what}, expected at most {most}"))
}

fn decision(doc: DecisionDoc, place: Place<'_>) -> Read<Decision> {
    let domain_at = place.field("domain");
    let domain = match &doc.domain {
        Json::String(text) => spelled::<Domain>(text, domain_at)?,
        Json::Array(_) => match literal(&doc.domain, domain_at, 0)? {
            Value::List(values) => Domain::Categorical(values),
            other => return domain_at.fail(format!("found `{other}`, expected a list")),
        },
        other => {
            return domain_at.fail(format!("found {}, expected a list of values, or a string", kind(other)));
        }
    };
    let label = name(doc.label, place.field("label"))?;
    let mut decision = Decision::new(label, domain).map_err(|e| domain_at.error(e))?;
    if let Some(n) = doc.family {
        if n > MAX_FAMILY {
            return too_many(n as usize, MAX_FAMILY as usize, "members", place.field("family"));
        }
        decision = decision.family(n);
    }
    if let Some(weights) = doc.weights {
        if weights.len() > MAX_ITEMS {
            return too_many(weights.len(), MAX_ITEMS, "weights", place.field("weights"));
        }
        decision = decision.weighted(weights).map_err(|e| place.field("weights").error(e))?;
    }
    if let Some(default) = &doc.default {
        let at = place.field("default");
        decision = decision.with_default(&literal(default, at, 0)?).map_err(|e| at.error(e))?;
    }
    if let Some(group) = doc.group {
        decision = decision.grouped(group);
    }
    Ok(decision)
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// A number or a boolean, which mean the same in a literal and in an expression.
fn scalar(json: &Json, place: Place<'_>) -> Read<Value> {
    match json {
        Json::Bool(b) => Ok(Value::Bool(*b)),
        Json::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(i), _) => Ok(Value::Int(i)),
            (None, Some(x)) if !n.is_u64() => Ok(Value::from(x)),
            _ => place.fail(format!("found the number {n}, expected at most {}", i64::MAX)),
        },
        other => place.fail(format!("found {}, expected a number, a boolean, a string or a list", kind(other))),
    }
}

/// A list whose items `item` reads, within the text form's limits.
pub(super) fn items<T>(
    list: &[Json],
    place: Place<'_>,
    nesting: u32,
    mut item: impl FnMut(&Json, Place<'_>, u32) -> Read<T>,
) -> Read<Vec<T>> {
    if list.len() > MAX_ITEMS {
        return too_many(list.len(), MAX_ITEMS, "list items", place);
    }
    if nesting == MAX_NESTING {
        return place.fail(format!("found lists nested more than {MAX_NESTING} deep, expected a simpler document"));
    }
    list.iter().enumerate().map(|(i, x)| item(x, place.item(i), nesting + 1)).collect()
}

fn literal(json: &Json, place: Place<'_>, nesting: u32) -> Read<Value> {
    match json {
        Json::String(text) => Ok(Value::label(text)),
        Json::Array(list) => items(list, place, nesting, literal).map(Value::List),
        other => scalar(other, place),
    }
}

pub(super) fn tall(json: &Json, place: Place<'_>, nesting: u32) -> Read<Tall> {
    let x = match json {
        Json::String(text) => parse_expr_below(text, nesting).map_err(|e| misspelled(text, &e, place))?,
        Json::Array(list) => Tall::over(items(list, place, nesting, tall)?, Expr::List),
        other => Expr::Lit(scalar(other, place)?).into(),
    };
    if x.height > MAX_HEIGHT {
        return place.fail(format!("found an expression of more than {MAX_HEIGHT} levels, expected a simpler one"));
    }
    Ok(x)
}

pub(super) fn expr(json: &Json, place: Place<'_>) -> Read<Expr> {
    tall(json, place, 0).map(|x| x.expr)
}
