//! Every op by itself, in single precision.

use crate::cases::{CASES, Case, RANDOM};
use crate::suite::{How, Suite, distinct};
use codegen::torch::Layout;
use ir::OpRegistry;
use ir::prim::Mode;
use tch::Kind;

/// Of an op, in single precision.
const NEAR: f64 = 1e-5;

#[test]
fn every_op_has_a_case() {
    let without: Vec<String> = OpRegistry::default()
        .kinds()
        .iter()
        .map(|kind| kind.name().to_owned())
        // `custom` stands for an op without a meaning.
        .filter(|name| name != "custom" && !CASES.iter().any(|c| c.op == name))
        .collect();
    assert!(without.is_empty(), "these ops lack a case in cases.rs: {without:?}");
}

fn run(suite: &mut Suite, case: &Case, modes: &[(Mode, Layout)]) -> Vec<String> {
    let program = case.program();
    let net = suite.network(&case.title(), &program);
    let inputs: Vec<_> =
        case.types().iter().enumerate().map(|(i, ty)| distinct(ty, 3, i as u64, (-7.0, 7.0))).collect();
    modes
        .iter()
        .map(|(mode, layout)| {
            suite.run(&net, How { mode: *mode, kind: Kind::Float, layout: *layout, fused: false }, &inputs);
            format!("{} {mode:?}", case.title())
        })
        .collect()
}

#[test]
fn ops_agree_in_single_precision() {
    let Some(python) = testing::require_python(&[]) else { return };
    let mut suite = Suite::new();
    let mut titles = Vec::new();
    for case in CASES {
        let modes = [(Mode::Train, Layout::ChannelsLast), (Mode::Eval, Layout::Contiguous)];
        titles.extend(run(&mut suite, case, &modes));
    }
    for case in RANDOM {
        titles.extend(run(&mut suite, case, &[(Mode::Eval, Layout::ChannelsLast)]));
    }
    let mut far = Vec::new();
    for (report, title) in suite.check(python, "check.py").iter().zip(titles) {
        if let Some(error) = &report.error {
            far.push(format!("{title}: {error}"));
            continue;
        }
        far.extend(
            report.rows().filter(|(_, gap, _)| *gap > NEAR).map(|(n, gap, _)| format!("{title}: {n} {gap:.1e}")),
        );
    }
    assert!(far.is_empty(), "farther than {NEAR:.0e} from PyTorch:\n{}", far.join("\n"));
}
