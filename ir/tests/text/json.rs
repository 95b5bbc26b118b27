//! Errors of the JSON form, with their places.

use ir::{Module, OpRegistry};

fn error(json: &str) -> String {
    match Module::from_json(json, &OpRegistry::default()) {
        Ok(_) => panic!("should fail: {json}"),
        Err(e) => e.to_string(),
    }
}

/// A module of one graph with these nodes.
fn nodes(nodes: &str) -> String {
    format!(
        r#"{{"module": "m", "entry": "g", "graphs": [{{"name": "g", "params": ["c"], "inputs": [{{"name": "x"}}],
            "nodes": [{nodes}], "outputs": ["%x"]}}]}}"#
    )
}

/// A module of these decisions.
fn decisions(decisions: &str) -> String {
    format!(r#"{{"module": "m", "entry": "g", "graphs": [], "decisions": [{decisions}]}}"#)
}

#[test]
fn documented_example_is_the_text_form_too() {
    let docs = include_str!("../../src/json/mod.rs");
    let example = docs.split("```json").nth(1).and_then(|s| s.split("```").next()).expect("an example");
    let json: String = example.lines().map(|l| l.trim_start_matches("//!")).collect::<Vec<_>>().join("\n");
    let module = Module::from_json(&json, &OpRegistry::default()).expect("the example is a module");
    assert_eq!(module.to_string().parse::<Module>(), Ok(module.clone()));
    assert_eq!(Module::from_json(&module.to_json(), &OpRegistry::default()), Ok(module));
}

/// Editors on Windows put it before the first character; it is none of the text, and moves no column.
#[test]
fn a_byte_order_mark_is_no_part_of_a_text() {
    let plain: Module = "module @m { entry @g graph @g(%x: f32[N, 3]) { return %x } }".parse().expect("a module");
    let marked = format!("\u{feff}{plain}");
    assert_eq!(marked.parse::<Module>().as_ref(), Ok(&plain));
    let json = format!("\u{feff}{}", plain.to_json());
    assert_eq!(Module::from_json(&json, &OpRegistry::default()).as_ref(), Ok(&plain));
    let place = |text: &str| text.parse::<Module>().map_err(|e| (e.line, e.column));
    assert_eq!(place("\u{feff}modul @m {}"), place("modul @m {}"));
    assert!("\u{feff}\u{feff}module @m {}".parse::<Module>().is_err(), "one mark is enough");
}

#[test]
fn errors_name_the_place() {
    let cases = [
        ("{".to_owned(), "line 1 column 1: EOF while parsing an object"),
        (
            r#"{"module": "m", "entry": "g", "graphs": [], "extra": 1}"#.into(),
            "line 1 column 51: unknown field `extra`",
        ),
        (r#"{"module": "m", "graphs": []}"#.into(), "line 1 column 29: missing field `entry`"),
        (
            r#"{"module": "m", "entry": "g", "graphs": [], "constraints": ["?a +"]}"#.into(),
            "constraints[0]: in `?a +` at 1:5: found the end of the text, expected an expression",
        ),
        (
            r#"{"module": "m", "entry": "g", "graphs": [], "constraints": [{"a": 1}]}"#.into(),
            "constraints[0]: found an object, expected a number, a boolean, a string or a list",
        ),
        (
            r#"{"module": "m", "entry": "g", "graphs": [], "constraints": [18446744073709551615]}"#.into(),
            "constraints[0]: found the number 18446744073709551615, expected at most 9223372036854775807",
        ),
        (decisions(r#"{"label": "d", "domain": "4..=1"}"#), "decisions[0].domain: in `4..=1` at 1:1: the bounds of"),
        (decisions(r#"{"label": "d", "domain": []}"#), "decisions[0].domain: the domain `[]` is empty"),
        (decisions(r#"{"label": "d", "domain": 4}"#), "decisions[0].domain: found a number, expected a list of values"),
        (
            decisions(r#"{"label": "d", "domain": ["a"], "default": "b"}"#),
            "decisions[0].default: the default `b` is not in `[a]`",
        ),
        (
            decisions(r#"{"label": "d", "domain": ["a"], "weights": [1, 2]}"#),
            "decisions[0].weights: 2 weights for 1 values",
        ),
        (
            decisions(r#"{"label": "d", "domain": ["a"], "family": 70000}"#),
            "decisions[0].family: found 70000 members, expected at most 65536",
        ),
        (
            decisions(r#"{"label": "d", "domain": ["a"]}, {"label": "d", "domain": ["b"]}"#),
            "decisions[1]: found `decision ?d in [b]`, which is declared as `decision ?d in [a]` before",
        ),
        (
            nodes(r#"{"name": "y", "op": "rleu", "inputs": ["%x"]}"#),
            "graphs[0].nodes[0].op: no op is called `rleu` (did you mean `relu`?)",
        ),
        (
            nodes(r#"{"name": "y", "op": "conv2d", "attrs": {"out": 1, "k": "k +"}, "inputs": ["%x"]}"#),
            "graphs[0].nodes[0].attrs.k: in `k +` at 1:4: found the end of the text",
        ),
        (
            nodes(r#"{"name": "y", "op": "conv2d", "attrs": {"out": "c", "k": true}, "inputs": ["%x"]}"#),
            "graphs[0].nodes[0].attrs.k: attribute `k` expects a whole number, or a list of two",
        ),
        (
            nodes(r#"{"name": "y", "op": "conv2d", "attrs": {"out": 1, "out": 1}, "inputs": ["%x"]}"#),
            "found the attribute `out` again, expected it once",
        ),
        (nodes(r#"{"name": "y", "inputs": ["%x"]}"#), "graphs[0].nodes[0]: found none of the fields `op`, `call`"),
        (
            nodes(r#"{"name": "y", "op": "relu", "call": "g", "inputs": ["%x"]}"#),
            "graphs[0].nodes[0]: found both `op` and `call`, expected only one of",
        ),
        (
            nodes(r#"{"name": "y", "op": "relu", "args": [1], "inputs": ["%x"]}"#),
            "graphs[0].nodes[0]: found the field `args`, which does not belong to a `op`",
        ),
        (
            nodes(r#"{"name": "y", "choice": "?d", "inputs": ["%x"]}"#),
            "graphs[0].nodes[0]: found no field `candidates`, expected one",
        ),
        (
            nodes(
                r#"{"name": "y", "choice": "?d", "candidates": [{"label": "a", "op": "relu"}, {"label": "a", "call": "g"}]}"#,
            ),
            "graphs[0].nodes[0].candidates[1]: found a second candidate labelled `a`, expected a label once",
        ),
        (
            nodes(r#"{"name": "y", "select": "?d", "reduce": "max", "inputs": ["%x"]}"#),
            "graphs[0].nodes[0].reduce: found `max`, expected sum, mean or concat",
        ),
        (
            nodes(r#"{"name": "y", "repeat": 2, "block": "g", "index": "not", "inputs": ["%x"]}"#),
            "graphs[0].nodes[0].index: found `not`, expected a name of letters",
        ),
        (
            nodes(r#"{"name": "y", "op": "relu", "inputs": ["x"]}"#),
            "graphs[0].nodes[0].inputs[0]: in `x` at 1:1: found `x`, expected a value such as `%x`",
        ),
        (
            nodes(r#"{"name": "y", "op": "relu", "inputs": ["%x"], "type": ["f31[N]"]}"#),
            "graphs[0].nodes[0].type[0]: in `f31[N]` at 1:1: found `f31`, expected one of the element types",
        ),
        (
            nodes(r#"{"name": "y", "op": "add", "inputs": ["%x", "%z"]}"#),
            "graphs[0].nodes[0].inputs[1]: @g: %y uses `%z`, which is not defined",
        ),
        (
            nodes(r#"{"name": "x", "op": "relu", "inputs": ["%x"]}"#),
            "graphs[0].nodes[0]: @g: the name `%x` is used twice",
        ),
        (
            nodes(r#"{"name": "y", "op": "relu", "inputs": ["%z"]}, {"name": "z", "op": "relu", "inputs": ["%y"]}"#),
            "form a cycle; a computation graph must be acyclic",
        ),
        (nodes("").replace(r#"["%x"]"#, "[]"), "graphs[0].outputs: @g returns nothing"),
        (nodes("").replace(r#"["%x"]"#, r#"["%x", "%w"]"#), "graphs[0].outputs[1]: @g: return uses `%w`"),
        (nodes("").replace(r#"["c"]"#, r#"["c", "c"]"#), "graphs[0].params: @g: the parameter `c` is declared twice"),
        (nodes("").replace(r#"["c"]"#, r#"["a b"]"#), "graphs[0].params[0]: found `a b`, expected a name of letters"),
    ];
    for (json, part) in cases {
        let e = error(&json);
        assert!(e.contains(part), "{e}\n  should hold: {part}\n{json}");
    }
}

#[test]
fn nesting_is_bounded_as_in_the_text_form() {
    let nested = |n: usize| {
        let list = format!("{}1{}", "[".repeat(n), "]".repeat(n));
        format!(r#"{{"module": "m", "entry": "g", "graphs": [], "constraints": [{list}]}}"#)
    };
    let module = Module::from_json(&nested(64), &OpRegistry::default()).expect("64 levels are allowed");
    assert_eq!(module.to_string().parse::<Module>(), Ok(module));
    assert!(error(&nested(65)).contains("lists nested more than 64 deep"));
    assert!(error(&nested(1000)).contains("recursion limit exceeded"));
}
