//! Random samples of every shipped space.

use crate::kinks::off_kinks;
use crate::suite::{How, Report, Suite};
use codegen::torch::{Device, Layout};
use ir::Program;
use ir::prim::Mode;
use mutators::spaces::SPACES;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tch::Kind;

/// A space at a size for tests, nothing dropped at random, and how many samples of it.
fn small(space: &str) -> (String, usize) {
    let (options, samples) = match space {
        "darts" => (":channels=4,layers=3,drop_path=0", 2),
        "enas-macro" => (":channels=4,image=3x8x8", 2),
        "enas-micro" => (":channels=4,layers=3,image=3x8x8", 2),
        "nasbench101" => (":channels=8,cells=1", 3),
        "nasbench201" => (":channels=4,cells=1", 5),
        "natsbench-size" => ("", 1),
        "recurrent" => (":vocab=9,hidden=5,steps=4", 3),
        "proxyless" => (":width=0.125,image=3x16x16,classes=10", 2),
        _ => ("", 3),
    };
    (format!("{space}{options}"), samples)
}

/// The sampled networks with their names.
pub fn samples() -> Vec<(String, Program)> {
    let mut out = Vec::new();
    for entry in SPACES {
        let (text, count) = small(entry.name);
        let space = mutators::spaces::build(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        for _ in 0..count {
            let sample = space.sample(&mut rng).expect("samples");
            out.push((format!("{text} {sample}"), space.program(&sample).expect("builds")));
        }
    }
    out
}

fn far(title: &str, report: &Report, prefixes: &[&str], limit: f64) -> Option<String> {
    let (tensor, gap) = report.worst(prefixes);
    (gap > limit).then(|| format!("{title}: {tensor} {gap:.1e}, more than {limit:.1e}"))
}

#[test]
fn samples_of_spaces_agree() {
    let Some(python) = testing::require_python(&[]) else { return };
    let mut suite = Suite::new();
    let mut runs = Vec::new();
    for (i, (title, program)) in samples().into_iter().enumerate() {
        let net = suite.network(&title, &program);
        let inputs = off_kinks(&net, i as u64);
        for mode in [Mode::Train, Mode::Eval] {
            for (kind, layout, fused) in [
                (Kind::Double, if i % 2 == 0 { Layout::ChannelsLast } else { Layout::Contiguous }, false),
                (Kind::Double, Layout::ChannelsLast, true),
                (Kind::Float, Layout::Contiguous, false),
                (Kind::Float, Layout::ChannelsLast, true),
            ] {
                // The fused kernels are the processor's.
                if fused && crate::common::start() != Device::Cpu {
                    continue;
                }
                suite.run(&net, How { mode, kind, layout, fused }, &inputs);
                let fused = if fused { " fused" } else { "" };
                runs.push((format!("{title} {mode:?} {kind:?} {layout:?}{fused}"), mode, kind));
            }
        }
    }
    let mut wrong = Vec::new();
    for (report, (title, mode, kind)) in suite.check(python, "check.py").iter().zip(&runs) {
        let everything = ["output.", "grad.", "input_grad.", "after."];
        match (kind, mode) {
            (Kind::Double, _) => wrong.extend(far(title, report, &everything, 1e-9)),
            (_, Mode::Eval) => wrong.extend(far(title, report, &everything, 1e-4)),
            // A batch's statistics amplify rounding, so the yardstick of the gradients is PyTorch's own error on this
            // network, that of its worst tensor.
            (_, Mode::Train) => {
                let own = report.rows().map(|(.., own)| own).fold(0.0, f64::max);
                wrong.extend(far(title, report, &["output.", "after."], 1e-4));
                wrong.extend(far(title, report, &["grad.", "input_grad."], 3.0 * own));
            }
        }
    }
    assert!(wrong.is_empty(), "not as PyTorch:\n{}", wrong.join("\n"));
}
