//! What breaks a promise does not pass the conformance suite: one sabotaged space for each of its checks.
//!
//! `base_is_unchanged` has none: a mutator gets the base by a shared reference, so there is no way to change it.

use ir::graph::Body;
use ir::{Decision, Domain, Module, Name, OpTemplate, Patch, Value};
use mutators::{Chooser, Genotype, MutateError, Mutator, Pool, Rule, Sample, Space, conformance, spaces};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const BASE: &str = "module @m { entry @main
    graph @main(%x: f32[N, 8, 4, 4]) { %y = conv2d %x {out=8, k=3, pad=1} return %y } }";

/// What is wrong with a mutator that chooses the groups of a convolution.
#[derive(Debug)]
enum Fault {
    /// It offers groups that do not divide the channels.
    IllTyped,
    /// It remembers how often it was called.
    Remembers(AtomicU64),
}

impl Mutator for Fault {
    fn label(&self) -> &str {
        "sabotaged"
    }

    fn decisions(&self, _: &Module) -> Option<Vec<Decision>> {
        Some(vec![Decision::new("groups", self.domain()).expect("a domain")])
    }

    fn mutate(&self, _: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError> {
        let groups = chooser.choose("groups", &self.domain())?;
        let groups = match self {
            Self::Remembers(calls) => 1 << (calls.fetch_add(1, Ordering::Relaxed) % 3),
            _ => groups.as_int().unwrap_or(1),
        };
        let mut patch = Patch::new(self.label());
        let template = OpTemplate::parse(&format!("conv2d {{out=8, k=3, pad=1, groups={groups}}}"), &[])?;
        patch.replace("main", "y", Body::Op(template));
        Ok(patch)
    }
}

impl Fault {
    fn domain(&self) -> Domain {
        let groups: &[i64] = if matches!(self, Self::IllTyped) { &[1, 2, 3] } else { &[1, 2, 4] };
        Domain::Categorical(groups.iter().copied().map(Value::Int).collect())
    }
}

fn sabotaged(fault: Fault) -> Space {
    Space::new(BASE.parse().expect("well-formed")).expect("verifies").with(Arc::new(fault)).expect("a space")
}

fn toy() -> Space {
    spaces::build("toy").expect("it is in the hub")
}

#[test]
#[should_panic(expected = "`groups=3`")]
fn a_sample_that_is_no_network() {
    conformance::every_sample_verifies(&sabotaged(Fault::IllTyped));
}

#[test]
#[should_panic(expected = "assertion `left == right` failed: `groups=")]
fn a_mutator_that_remembers() {
    conformance::replay_gives_the_same_network(&sabotaged(Fault::Remembers(AtomicU64::new(0))));
}

/// Writes all samples alike.
#[derive(Debug)]
struct Alike;

impl Genotype for Alike {
    fn write(&self, sample: &Sample) -> String {
        sample.to_string()
    }
    fn read(&self, _: &str) -> Result<Vec<(Name, Value)>, String> {
        Ok(toy().default_sample().expect("defaults").pairs().map(|(l, v)| (l.clone(), v)).collect())
    }
}

#[test]
#[should_panic(expected = "assertion `left == right` failed: `op=")]
fn a_notation_that_reads_another_sample() {
    conformance::printed_samples_parse_back(&toy().notated(Arc::new(Alike)));
}

/// Admits samples by their text.
#[derive(Debug)]
struct Only(&'static str);

impl Rule for Only {
    fn describe(&self) -> &str {
        self.0
    }
    fn admits(&self, sample: &Sample) -> bool {
        sample.to_string().contains(self.0)
    }
}

#[test]
#[should_panic(expected = "decision `skip` takes 1 values in 500 samples")]
fn a_decision_that_has_one_value() {
    conformance::every_decision_is_reached(&toy().ruled(Arc::new(Only("skip=1"))));
}

/// A pool of toy networks with a fault.
#[derive(Debug)]
enum Toys {
    /// Two members have one sample.
    Double,
    /// A sample is said to stand for another member.
    Shifted,
    /// Nothing is near.
    Apart,
    /// A member is near itself.
    Near,
}

impl Toys {
    fn samples() -> Vec<Sample> {
        toy().enumerate(0).expect("static").map(|s| s.expect("legal")).collect()
    }
}

impl Pool for Toys {
    fn describe(&self) -> &str {
        "sabotaged"
    }
    fn members(&self) -> u64 {
        24
    }
    fn member(&self, sample: &Sample) -> Option<u64> {
        let place = Self::samples().iter().position(|s| s == sample)? as u64;
        Some(if matches!(self, Self::Shifted) { (place + 1) % 24 } else { place })
    }
    fn pairs(&self, member: u64) -> Vec<(Name, Value)> {
        let place = if matches!(self, Self::Double) { member / 2 * 2 } else { member };
        Self::samples()[place as usize].pairs().map(|(l, v)| (l.clone(), v)).collect()
    }
    fn neighbours(&self, member: u64) -> Vec<u64> {
        match self {
            Self::Apart => Vec::new(),
            Self::Near => vec![member],
            _ => vec![(member + 1) % 24],
        }
    }
}

#[test]
#[should_panic(expected = "does not stand for member 1 of the pool")]
fn a_pool_that_lists_a_sample_twice() {
    conformance::enumeration_agrees_with_the_size(&toy().pooled(Arc::new(Toys::Double)));
}

#[test]
#[should_panic(expected = "does not stand for member 0 of the pool")]
fn a_pool_that_mistakes_its_members() {
    conformance::enumeration_agrees_with_the_size(&toy().pooled(Arc::new(Toys::Shifted)));
}

#[test]
#[should_panic(expected = "no edit leads from any of 20 samples of `toy`")]
fn a_pool_without_neighbours() {
    conformance::edits_stay_in_the_space(&toy().pooled(Arc::new(Toys::Apart)));
}

#[test]
#[should_panic(expected = "an edit changed nothing")]
fn a_pool_whose_members_are_near_themselves() {
    conformance::edits_stay_in_the_space(&toy().pooled(Arc::new(Toys::Near)));
}

#[test]
#[should_panic(expected = "no edit leads from any of 20 samples of `m`")]
fn a_constraint_that_no_edit_can_keep() {
    let text = "module @m { entry @main decision ?a in [1, 2] decision ?b in [1, 2] constraint ?a == ?b
        graph @main(%x: f32[N, 4]) { %y = linear %x {out=?a + ?b} return %y } }";
    conformance::edits_stay_in_the_space(&Space::new(text.parse().expect("well-formed")).expect("verifies"));
}

/// Asks two questions as it goes.
#[derive(Debug)]
struct Twice;

impl Mutator for Twice {
    fn label(&self) -> &str {
        "twice"
    }
    fn mutate(&self, _: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError> {
        for key in ["a", "b"] {
            chooser.choose(key, &Fault::IllTyped.domain())?;
        }
        Ok(Patch::new(self.label()))
    }
}

/// Admits equal answers.
#[derive(Debug)]
struct Equal;

impl Rule for Equal {
    fn describe(&self) -> &str {
        "a is b"
    }
    fn admits(&self, sample: &Sample) -> bool {
        sample.get("a") == sample.get("b")
    }
}

#[test]
#[should_panic(expected = "no edit leads from any of 20 samples of `m`")]
fn a_rule_that_no_edit_can_keep() {
    let space = Space::new(BASE.parse().expect("well-formed")).expect("verifies");
    let space = space.with(Arc::new(Twice)).expect("a space").ruled(Arc::new(Equal));
    conformance::edits_stay_in_the_space(&space);
}
