//! Golden files of exported source; `LANISTA_BLESS=1` writes them anew.

use codegen::export::pytorch;
use std::path::Path;

/// The program of a space's sample or genotype.
pub fn network(space: &str, genotype: &str) -> ir::Program {
    let space = mutators::spaces::build(space).unwrap_or_else(|e| panic!("{e}"));
    let sample = space.parse_genotype(genotype).unwrap_or_else(|e| panic!("{e}"));
    space.program(&sample).unwrap_or_else(|e| panic!("{e}"))
}

#[track_caller]
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/golden").join(name);
    if std::env::var_os("LANISTA_BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&path, text).expect("a golden file can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == text,
        "{name} differs; if the change is meant, run `make bless` and read the diff\n--- expected\n{expected}\n--- found\n{text}"
    );
}

#[test]
fn a_cell_network_of_nasbench201() {
    let cell = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|";
    let program = network("nasbench201:channels=8,cells=2", cell);
    golden("nasbench201.py", &pytorch::source(&program, "nasbench201:channels=8,cells=2").expect("exports"));
}
