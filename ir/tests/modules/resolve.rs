//! Resolving a module and elaborating it tell of one network.

use crate::random::{Random, Sample, module};
use ir::{Convention, Elaboration, Module};
use std::cell::RefCell;

const SEEDS: u64 = 500;

/// Runs a check over random modules with a few samples each; prints the module if it fails.
pub fn each(check: impl Fn(&Module, &Sample, &mut Random)) {
    for seed in 0..SEEDS {
        let module = module(seed);
        let mut random = Random(seed ^ 0x5a5a);
        for _ in 0..4 {
            let sample = Sample::draw(&module, &mut random);
            let run = std::panic::AssertUnwindSafe(|| check(&module, &sample, &mut random));
            if let Err(e) = std::panic::catch_unwind(run) {
                eprintln!("seed {seed}\n{module}\n{sample:?}");
                std::panic::resume_unwind(e);
            }
        }
    }
}

fn undecided(_: &str, _: Option<i64>) -> Option<ir::Value> {
    None
}

#[test]
fn random_modules_mostly_verify() {
    let good = (0..SEEDS).filter(|seed| ir::verify(&module(*seed)).is_ok()).count();
    assert!(good as u64 > SEEDS / 3, "{good} of {SEEDS}");
    assert!((good as u64) < SEEDS, "{good} of {SEEDS}");
}

#[test]
fn resolved_is_elaborated() {
    let fine = RefCell::new(0);
    each(|module, sample, _| {
        let elaborated = Elaboration::new(module, sample).run();
        let resolved = match module.resolve(sample) {
            Ok(m) => m,
            Err(e) => {
                assert!(elaborated.is_err(), "{e}");
                return;
            }
        };
        assert!(resolved.decisions.is_empty());
        let again = Elaboration::new(&resolved, &undecided).run();
        match (elaborated, again) {
            (Ok(a), Ok(b)) => {
                *fine.borrow_mut() += 1;
                assert_eq!(a.hash(), b.hash(), "{resolved}");
                for c in Convention::ALL {
                    assert_eq!(a.cost(c), b.cost(c), "{resolved}");
                }
                let flat = a.flat_module("flat").expect("no decision is open");
                let flat_program = ir::verify(&flat).expect("a flat network verifies");
                assert_eq!(flat_program.hash(), a.hash());
                // Written out, an operand that its callee ignores has no user left.
                let (flat_cost, cost) = (flat_program.cost(Convention::Thop), a.cost(Convention::Thop));
                assert!(flat_cost.params <= cost.params && flat_cost.macs <= cost.macs);
                let text = resolved.to_string();
                let parsed: Module = text.parse().expect("what is printed parses");
                assert_eq!(parsed, resolved, "{text}");
                assert_eq!(parsed.to_string(), text);
                assert!(ir::verify(&resolved).is_ok());
            }
            (Err(_), Err(_)) => {}
            (a, b) => panic!("{:?} but resolved {:?}\n{resolved}", a.err(), b.err()),
        }
    });
    assert!(fine.into_inner() > SEEDS, "too few modules without faults");
}
