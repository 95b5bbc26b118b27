//! Golden files: each sample's SVG and DOT, byte for byte. `LANISTA_BLESS=1` writes them anew.

use std::path::PathBuf;

use super::samples;

fn compare(name: &str, text: &str, stale: &mut Vec<String>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/draw").join(name);
    if std::env::var_os("LANISTA_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, text).expect("a golden file can be written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    if golden != text {
        stale.push(name.to_owned());
    }
}

#[test]
fn drawings_match_their_golden_files() {
    let mut stale = Vec::new();
    for (name, drawing) in samples::all() {
        compare(&format!("{name}.svg"), &drawing.to_svg(), &mut stale);
        compare(&format!("{name}.dot"), &drawing.to_dot(), &mut stale);
    }
    assert!(
        stale.is_empty(),
        "{stale:?} differ from the golden files; if the change is meant, run the test with \
         LANISTA_BLESS=1, look at the drawings, and commit them"
    );
}
