//! The text form: golden files.

use ir::Module;

#[test]
fn first() {
    let text = include_str!("golden/text/first.in.lir");
    let m: Module = match text.replace("%split.1\n    }", "%s\n }").parse() {
        Ok(m) => m,
        Err(e) => panic!("{e}"),
    };
    let printed = m.to_string();
    eprintln!("{printed}");
    let again: Module = match printed.parse() {
        Ok(m) => m,
        Err(e) => panic!("{e}"),
    };
    assert_eq!(again, m);
    assert_eq!(again.to_string(), printed);
}
