//! Golden files: each sample's SVG and DOT, byte for byte.

use std::path::PathBuf;

use super::samples;

fn compare(name: &str, text: &str, stale: &mut Vec<String>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/draw").join(name);
    // Drawings are too long for a message.
    stale.extend(testing::golden(&path, text).is_err().then(|| name.to_owned()));
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
        "{stale:?} differ from the golden files; if the change is meant, run `make bless`, look at the drawings, and commit \
         them"
    );
}
