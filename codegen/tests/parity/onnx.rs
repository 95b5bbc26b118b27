//! Exported models in onnxruntime: every op, samples of every shipped space, an op of one's own; in evaluation and single
//! precision, with two batch sizes.

use crate::cases::{CASES, RANDOM};
use crate::networks::samples;
use crate::suite::{Suite, distinct};
use crate::{odd, prims};
use ir::{Program, TensorType};

/// Of any output.
const NEAR: f64 = 1e-4;

fn add(suite: &mut Suite, titles: &mut Vec<String>, title: &str, program: &Program, range: (f32, f32)) {
    let main = program.main();
    let types: Vec<TensorType> = main.types_of(&main.inputs).into_iter().cloned().collect();
    let batches = [1, 3].map(|n| types.iter().enumerate().map(|(i, ty)| distinct(ty, n, i as u64, range)).collect());
    suite.onnx(title, program, &batches);
    titles.extend([1, 3].map(|n| format!("{title} with a batch of {n}")));
}

#[test]
fn models_agree_in_onnxruntime() {
    let Some(python) = testing::require_python(&["onnx", "onnxruntime"]) else { return };
    let mut suite = Suite::new();
    let mut titles = Vec::new();
    for case in CASES.iter().chain(RANDOM) {
        add(&mut suite, &mut titles, &case.title(), &case.program(), (-7.0, 7.0));
    }
    for (title, program) in samples() {
        add(&mut suite, &mut titles, &title, &program, (-2.0, 2.0));
    }
    for (name, program) in prims::networks() {
        add(&mut suite, &mut titles, name, &program, (-7.0, 7.0));
    }
    add(&mut suite, &mut titles, "odd names", &odd::network(), (-2.0, 2.0));
    let mut wrong = Vec::new();
    for (report, title) in suite.check(python, "check_onnx.py").iter().zip(titles) {
        if let Some(error) = &report.error {
            wrong.push(format!("{title}: {error}"));
            continue;
        }
        wrong.extend(
            report.rows().filter(|(_, gap, _)| *gap > NEAR).map(|(n, gap, _)| format!("{title}: {n} {gap:.1e}")),
        );
    }
    assert!(wrong.is_empty(), "not as here in onnxruntime:\n{}", wrong.join("\n"));
}
