//! Whatever the document, the reader returns; and what it reads survives both forms.
#![no_main]

use ir::{Module, OpRegistry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let registry = OpRegistry::default();
    let Ok(module) = Module::from_json(text, &registry) else { return };
    let json = module.to_json();
    let again = Module::from_json(&json, &registry).expect("what is written can be read");
    assert_eq!(again, module);
    assert_eq!(again.to_json(), json);
    let from_text: Module = module.to_string().parse().expect("what is printed parses");
    assert_eq!(from_text, module);
});
