//! The JSON of a result: pinned, and documented field by field.

use super::support::{folder, golden, ok, tests, timeless_json};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

fn searched(args: &[&str]) -> Value {
    timeless_json(&ok(&tests(), &[&["search"], args, &["--quiet", "--json", "-"]].concat()))
}

fn toy() -> Value {
    searched(&["toy", "--strategy", "random", "--evaluator", "cost:metric=params", "--trials", "10", "--seed", "2"])
}

fn nasbench201() -> Value {
    searched(&["nasbench201", "--protocol", "nasbench201-paper", "--strategy", "random", "--seed", "1"])
}

#[test]
fn is_pinned() {
    for (name, value) in [("search_toy.json", toy()), ("search_nasbench201.json", nasbench201())] {
        let text = serde_json::to_string_pretty(&value).expect("JSON") + "\n";
        golden(name, &text);
    }
}

/// Paths of all fields, as `docs/json.md` writes them; inside a metric or a value there are none.
pub fn fields(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    let opaque = ["objective", "incumbent.search", "incumbent.report", "study.metrics", "ledger.caveats"];
    if opaque.contains(&path) {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                // Keys are sorted, so a field is listed before what is in it.
                out.insert(path.clone());
                fields(inner, &path, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, &format!("{path}[]"), out)),
        _ => {}
    }
}

/// The fields in the tables of a chapter of `docs/json.md`.
pub fn documented(chapter: &str) -> BTreeSet<String> {
    let docs = fs::read_to_string(tests().join("../../docs/json.md")).expect("the docs are in the repository");
    let start = docs.find(&format!("# {chapter}\n")).expect("the chapter is there") + 1;
    let text = docs[start..].split("\n## ").next().unwrap_or_default();
    let fields = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    fields.map(|(field, _)| field.to_owned()).collect()
}

#[test]
fn every_field_is_documented_and_every_documented_field_is_there() {
    let documented = documented("The result of a search as JSON");
    let mut found = BTreeSet::new();
    fields(&toy(), "", &mut found);
    fields(&nasbench201(), "", &mut found);
    fields(&super::failures::searched().1, "", &mut found);
    assert_eq!(found, documented);
}

#[test]
fn metrics_and_values_have_the_documented_keys() {
    let result = nasbench201();
    let keys = |v: &Value| v.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&result["objective"]), ["direction", "name", "unit"]);
    assert_eq!(keys(&result["incumbent"]["search"][0]), ["direction", "name", "unit", "value"]);
    assert_eq!(keys(&result["incumbent"]["report"][0]), ["direction", "name", "of", "rank", "regret", "unit", "value"]);
    assert_eq!(result["schema"], "lanista.search");
    assert_eq!(result["version"], 1);
    assert_eq!(result["study"]["crossing"], "discarded");
    let spent = result["ledger"]["simulated_seconds"].as_f64().expect("a number");
    assert!(spent <= 12_000.0, "the crossing query is discarded: {spent}");
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    let f = folder();
    let file = f.path().join("r.json");
    fs::write(&file, "old").expect("a file");
    ok(
        f.path(),
        &["search", "toy", "--strategy", "random", "--evaluator", "cost", "--trials", "3", "--json", "r.json"],
    );
    assert!(timeless_json(&fs::read_to_string(&file).expect("written"))["incumbent"].is_object());
}
