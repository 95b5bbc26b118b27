//! What is printed parses to an equal value, and prints as the same bytes again; the same through JSON.

use crate::random::{Tape, tape};
use ir::{Callee, Decision, Domain, Expr, Graph, Module, OpRegistry, TensorType, Value};
use proptest::prelude::*;
use std::fmt::{Debug, Display};
use std::str::FromStr;

pub fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn both_ways<T: FromStr<Err = ir::ParseError> + Display + Debug + PartialEq>(value: &T) -> Result<(), TestCaseError> {
    let text = value.to_string();
    let again: T = match text.parse() {
        Ok(again) => again,
        Err(e) => return Err(TestCaseError::fail(format!("{e}\n{text}"))),
    };
    prop_assert_eq!(&again, value, "{}", text);
    prop_assert_eq!(again.to_string(), text);
    Ok(())
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn modules_keep_their_meaning(tape in tape(700)) {
        let module = Tape::new(&tape).module();
        both_ways(&module)?;
        for graph in &module.graphs {
            both_ways::<Graph>(graph)?;
        }
        for decision in &module.decisions {
            both_ways::<Decision>(decision)?;
            both_ways::<Domain>(&decision.domain)?;
        }
        let json = module.to_json();
        let again = match Module::from_json(&json, &OpRegistry::default()) {
            Ok(again) => again,
            Err(e) => return Err(TestCaseError::fail(format!("{e}\n{json}"))),
        };
        prop_assert_eq!(&again, &module, "{}", json);
        prop_assert_eq!(again.to_json(), json);
        prop_assert_eq!(again.to_string(), module.to_string());
        let compact = serde_json::to_string(&module).expect("a document");
        prop_assert_eq!(serde_json::from_str::<Module>(&compact).expect("a module"), module);
    }

    #[test]
    fn expressions_keep_their_tree(tape in tape(400)) {
        both_ways(&Tape::new(&tape).expr(8))?;
    }
}

#[test]
fn core_values_are_one_liners() {
    fn same<T: FromStr<Err = ir::ParseError> + Display>(texts: &[&str]) {
        for text in texts {
            match text.parse::<T>() {
                Ok(value) => assert_eq!(value.to_string(), *text),
                Err(e) => panic!("{text}: {e}"),
            }
        }
    }
    same::<Value>(&[
        "3",
        "-9223372036854775808",
        "2.0",
        "1e-5",
        "true",
        "skip_connect",
        "\"3x3\"",
        "[1, [a, \"b c\"]]",
    ]);
    same::<Domain>(&[
        "[a, b]",
        "1..=4",
        "-4..=4 step 2",
        "2 of 4",
        "any of [a, b]",
        "1..=2 of 3",
        "real 0.1..=1.0 log",
    ]);
    same::<TensorType>(&["f32[N, 16, 32, 32]", "bool[]", "i64[4N, 0N]"]);
    same::<Callee>(&["@cell", "@cell<16, c * 2, (a > b)>", "@\"my cell\"<-1>", "@cell/3"]);
    same::<ir::DecisionRef>(&["?op", "?op[i + 1]", "?\"a/b\"[?x]"]);
    same::<ir::OpTemplate>(&["relu", "conv2d {out=16, k=3, pad=1}", "conv2d {out=?width * 2, k=[1, 7]}"]);
    same::<Decision>(&["decision ?op[0..4] in [conv, pool] default conv weights [0.2, 0.8] group node1"]);
    same::<Expr>(&["a - (b - c)", "-(1)", "-1", "--1", "-x ** 2", "(-x) ** 2", "2 ** -1", "not a == b", "\"c\" + c"]);
}

#[test]
fn types_come_from_the_caller() {
    let text = "graph @g(%x) {\n  %y = relu %x\n  %z = split %y {sizes=[1, 1]}\n  return %z.1\n}\n";
    let graph: Graph = text.parse().expect("a graph");
    let annotated = ir::text::print_graph(&graph, &|node| {
        let types = if node.name == "z" { 2 } else { 1 };
        Some(vec![TensorType::image(1, 2, 3); types])
    });
    assert_eq!(
        annotated,
        "graph @g(%x: f32[N, 1, 2, 3]) {\n  %y = relu %x : f32[N, 1, 2, 3]\n  \
         %z = split %y {sizes=[1, 1]} : f32[N, 1, 2, 3], f32[N, 1, 2, 3]\n  return %z.1\n}\n"
    );
    let stated: Graph = annotated.parse().expect("a graph");
    assert_eq!(stated.to_string(), annotated);
    assert_eq!(ir::text::print_graph(&stated, &|_| None), text);
}
