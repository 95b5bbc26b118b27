//! Whatever the text, the parser returns; and what parses prints as something that parses to the same module.
#![no_main]

use ir::{Expr, Graph, Module};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = text.parse::<Graph>();
    if let Ok(x) = text.parse::<Expr>() {
        assert_eq!(x.to_string().parse::<Expr>().as_ref(), Ok(&x));
    }
    let Ok(module) = text.parse::<Module>() else { return };
    let printed = module.to_string();
    let again: Module = printed.parse().expect("what is printed parses");
    assert_eq!(again, module);
    assert_eq!(again.to_string(), printed);
});
