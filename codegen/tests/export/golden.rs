//! Golden files of exported source.

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
    testing::golden(&path, text).unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn a_cell_network_of_nasbench201() {
    let cell = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|";
    let program = network("nasbench201:channels=8,cells=2", cell);
    golden("nasbench201.py", &pytorch::source(&program, "nasbench201:channels=8,cells=2").expect("exports"));
}
