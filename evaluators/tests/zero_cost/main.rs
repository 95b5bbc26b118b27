//! Zero-cost proxies: against the published scores, against what small networks give by hand, and where they refuse.
#![cfg(feature = "torch")]

mod by_hand;
mod correlations;
mod everywhere;
mod published;
mod refusals;
mod synflow;

use ir::{Elaboration, Module, Program};

/// The program of a module without open decisions.
fn program(text: &str) -> Program {
    let module: Module = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
    Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// A module of one graph.
fn graph(input: &str, body: &str) -> Program {
    program(&format!("module @m {{\n entry @main\n graph @main(%x: {input}) {{\n{body}\n }}\n}}"))
}
