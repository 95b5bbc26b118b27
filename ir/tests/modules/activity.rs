//! A decision that a guard calls inactive changes nothing, and is never asked for.

use crate::random::{Random, Sample};
use crate::resolve::each;
use ir::activity::{Guard, guards};
use ir::eval::member_name;
use ir::{Convention, Elaboration, Module, Value};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

fn active(module: &Module, sample: &Sample) -> HashSet<String> {
    let found = guards(module);
    // A literal holds only if its own decision is active: settle until nothing changes.
    let mut active: HashSet<String> = HashSet::new();
    loop {
        let before = active.len();
        for (label, guard) in &found {
            let holds = match guard {
                Guard::Always => true,
                Guard::AnyOf(any) => any.iter().any(|all| {
                    all.iter().all(|l| {
                        let rank = sample.0[l.decision.as_str()].0.rank();
                        active.contains(l.decision.as_str()) && l.ranks.contains(&rank)
                    })
                }),
            };
            if holds {
                active.insert(label.to_string());
            }
        }
        if active.len() == before {
            return active;
        }
    }
}

#[test]
fn inactive_decisions_do_not_matter() {
    let inactive = Cell::new(0);
    each(|module, sample, random: &mut Random| {
        let active = active(module, sample);
        let asked = RefCell::new(HashSet::new());
        let watch = |label: &str, index: Option<i64>| {
            let name = member_name(label, index);
            asked.borrow_mut().insert(name.clone());
            sample.0.get(&name).map(|(_, v): &(_, Value)| v.clone())
        };
        let resolved = module.resolve(&watch);
        let Ok(program) = Elaboration::new(module, &watch).run() else { return };
        assert!(resolved.is_ok());
        let asked = asked.into_inner();
        assert!(asked.is_subset(&active), "asked {:?}", asked.difference(&active).collect::<Vec<_>>());
        for label in sample.0.keys().filter(|l| !active.contains(*l)) {
            inactive.set(inactive.get() + 1);
            let mut other = sample.clone();
            other.redraw(module, label, random);
            let changed = Elaboration::new(module, &other).run().expect("an inactive decision makes no fault");
            assert_eq!(changed.hash(), program.hash(), "?{label}");
            assert_eq!(changed.cost(Convention::Thop), program.cost(Convention::Thop), "?{label}");
        }
    });
    assert!(inactive.get() > 1000);
}
