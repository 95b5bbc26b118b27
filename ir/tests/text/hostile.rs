//! Texts that are no modules: an error with a place, never a panic, and never more than linear time.

use crate::random::{Tape, tape};
use crate::roundtrip::config;
use ir::{Expr, Graph, Module, OpRegistry, OpTemplate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Parses by every rule; what parses must print and parse again.
fn survives_as_text(text: &str) -> Result<(), TestCaseError> {
    match text.parse::<Module>() {
        Ok(module) => {
            let printed = module.to_string();
            let again: Module = printed.parse().map_err(|e| TestCaseError::fail(format!("{e}\n{printed}")))?;
            prop_assert_eq!(&again, &module);
            prop_assert_eq!(again.to_string(), printed);
        }
        Err(e) => {
            let lines = text.split('\n').count();
            prop_assert!((1..=lines).contains(&(e.line as usize)), "{e}");
            let line = text.split('\n').nth(e.line as usize - 1).unwrap_or_default();
            prop_assert!((1..=line.chars().count() + 1).contains(&(e.column as usize)), "{e}");
            prop_assert!(!e.message.is_empty());
        }
    }
    let _ = text.parse::<Graph>();
    let _ = text.parse::<OpTemplate>();
    if let Ok(x) = text.parse::<Expr>() {
        prop_assert_eq!(x.to_string().parse::<Expr>().expect("what is printed parses"), x);
    }
    Ok(())
}

fn survives_as_json(text: &str) -> Result<(), TestCaseError> {
    match Module::from_json(text, &OpRegistry::default()) {
        Ok(module) => {
            let json = module.to_json();
            let again = Module::from_json(&json, &OpRegistry::default());
            prop_assert_eq!(again.as_ref(), Ok(&module), "{}", json);
            let from_text = module.to_string().parse::<Module>();
            prop_assert_eq!(from_text, Ok(module));
        }
        Err(e) => prop_assert!(!e.place.is_empty() && !e.message.is_empty()),
    }
    Ok(())
}

const TOKENS: &[&str] = &[
    "module",
    "graph",
    "entry",
    "decision",
    "constraint",
    "return",
    "choice",
    "select",
    "repeat",
    "as",
    "in",
    "of",
    "any",
    "real",
    "log",
    "step",
    "default",
    "weights",
    "group",
    "not",
    "and",
    "or",
    "true",
    "false",
    "relu",
    "add",
    "conv2d",
    "custom",
    "out",
    "k",
    "name",
    "reduce",
    "sum",
    "mean",
    "f32",
    "N",
    "4N",
    "@g",
    "@main",
    "%x",
    "%y",
    "%x.1",
    "?d",
    "?op",
    "\"a b\"",
    "a",
    "b",
    "0",
    "1",
    "4",
    "2.5",
    "1e3",
    "-",
    "+",
    "*",
    "**",
    "/",
    "//",
    "%",
    "<",
    "<=",
    ">",
    ">=",
    "==",
    "!=",
    "=",
    ":",
    ",",
    ",",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "{",
    "}",
    "..",
    "..=",
    ";",
    "\n",
    "min",
    "if",
    "9223372036854775808",
    "module @m {",
    "graph @g(%x) {",
    "decision ?d in",
    "%y = relu %x",
    "return %x",
    "constraint",
    "choice ?d (%x) {",
    "= choice",
    "{out=",
    "k=3}",
];

/// Inserts, deletes, replaces or doubles a slice.
fn mutate(text: &mut String, kind: u8, at: &Index, length: usize, other: &str) {
    let ends: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    let first = at.index(ends.len());
    let (start, end) = (ends[first], ends[(first + length).min(ends.len() - 1)]);
    match kind % 4 {
        0 => text.insert_str(start, other),
        1 => text.replace_range(start..end, ""),
        2 => text.replace_range(start..end, other),
        _ => {
            let slice = text[start..end].to_owned();
            text.insert_str(end, &slice);
        }
    }
}

fn mutations(most: usize) -> impl Strategy<Value = Vec<(u8, Index, usize, String)>> {
    let other = prop_oneof![
        4 => select(TOKENS).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => select(&["\"", "null", "{}", "[]", "1e400", "-", "\\u0000", "\"attrs\": {}", ","][..]).prop_map(str::to_owned),
    ];
    vec((any::<u8>(), any::<Index>(), 0usize..12, other), 1..most)
}

fn golden(i: &Index) -> &'static str {
    const FILES: &[&str] = &[
        include_str!("../golden/text/cell_space.in.lir"),
        include_str!("../golden/text/everything.in.lir"),
        include_str!("../golden/text/expressions.in.lir"),
    ];
    FILES[i.index(FILES.len())]
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        survives_as_text(&text)?;
        survives_as_json(&text)?;
    }

    #[test]
    fn token_soup(tokens in vec(select(TOKENS), 0..120), blank in any::<bool>()) {
        survives_as_text(&tokens.join(if blank { " " } else { "" }))?;
    }

    #[test]
    fn mutated_texts(file in any::<Index>(), edits in mutations(6)) {
        let mut text = golden(&file).to_owned();
        for (kind, at, length, other) in &edits {
            mutate(&mut text, *kind, at, *length, other);
        }
        survives_as_text(&text)?;
    }

    #[test]
    fn mutated_random_texts(tape in tape(300), edits in mutations(4)) {
        let module = Tape::new(&tape).module();
        let (mut text, mut json) = (module.to_string(), module.to_json());
        for (kind, at, length, other) in &edits {
            mutate(&mut text, *kind, at, *length, other);
            mutate(&mut json, *kind, at, *length, other);
        }
        survives_as_text(&text)?;
        survives_as_json(&json)?;
    }

    #[test]
    fn mutated_json(file in any::<Index>(), edits in mutations(4)) {
        let module: Module = golden(&file).parse().expect("a golden file");
        let mut json = module.to_json();
        for (kind, at, length, other) in &edits {
            mutate(&mut json, *kind, at, *length, other);
        }
        survives_as_json(&json)?;
    }
}

/// Quadratic work on any of these would take minutes.
#[test]
fn long_texts_take_linear_time() {
    const N: usize = 100_000;
    let many = |item: &dyn Fn(usize) -> String| (0..N).map(item).collect::<String>();
    let module = |items: &str| format!("module @m {{ entry @g {items} }}");
    let graph = |nodes: &str| module(&format!("graph @g(%n0: f32[N]) {{ {nodes} return %n1 }}"));
    let texts = [
        graph(&many(&|i| format!("%n{} = relu %n{i}\n", i + 1))),
        graph(&many(&|i| format!("%n{} = relu %n{}\n", i + 1, (i + 1) % N + 1))),
        graph(&many(&|i| format!("%n{} = relu %n{}\n", i + 1, i + 5))),
        graph(&format!("%n1 = add {} %n0", "%n0, ".repeat(N / 2))),
        graph(&format!("%n1 = add {} %n0", "%n0, ".repeat(N))),
        graph(&format!("%n1 = choice ?d (%n0) {{ {} }}", many(&|i| format!("l{}: relu, ", i / 2)))),
        graph(&"%a".repeat(N)),
        module(&many(&|i| format!("decision ?d{i} in [a, b]\n"))),
        module(&many(&|i| format!("graph @g{i}(%x) {{ return %x }}\n"))),
        module(&format!("decision ?d in [{}]", many(&|i| format!("{i}, ")))),
        module(&format!("decision ?d in [{}]", "[".repeat(N))),
        module(&format!("constraint {}", "(".repeat(N))),
        module(&format!("constraint {}1", "not ".repeat(N))),
        module(&format!("constraint {}1", "2 ** ".repeat(N))),
        module(&format!("constraint {}1", "1 + ".repeat(N))),
        module(&format!("constraint min({}1)", "1, ".repeat(N))),
        module(&format!("constraint {}", "?d[".repeat(N))),
        module(&format!("constraint \"{}\"", "a".repeat(10 * N))),
        module(&format!("constraint {}", "9".repeat(10 * N))),
        module(&format!("constraint {}.0", "9".repeat(10 * N))),
        "a".repeat(10 * N),
        ";".repeat(10 * N),
        "\"".repeat(10 * N),
        "%".repeat(10 * N),
        "[".repeat(N),
        "{\"module\":".repeat(N),
        format!("{{\"module\": \"m\", \"entry\": \"g\", \"graphs\": [], \"constraints\": [{}1]}}", "1, ".repeat(N)),
    ];
    for text in &texts {
        let result = text.parse::<Module>();
        let from_json = Module::from_json(text, &OpRegistry::default());
        if let Ok(module) = result.as_ref().or(from_json.as_ref().map_err(|_| &())) {
            assert_eq!(module.to_string().parse::<Module>().as_ref(), Ok(module));
        }
        let short: String = text.chars().take(80).collect();
        if let Err(e) = result {
            assert!(e.message.len() < 2000, "{short}: an error of {} bytes", e.message.len());
        }
    }
}
