//! User-written mutators, static and dynamic: what they mean, and that they pass the suite.

use ir::graph::Body;
use ir::{Decision, Domain, Module, OpTemplate, Patch, Value};
use mutators::chooser::Record;
use mutators::{Chooser, MutateError, Mutator, Space};
use std::sync::Arc;

const BASE: &str = "module @m {
  entry @main
  graph @main(%x: f32[N, 8, 16, 16]) {
    %pool1 = custom %x {name=placeholder}
    %conv = conv2d %pool1 {out=8, k=3, pad=1}
    %pool2 = custom %conv {name=placeholder}
    return %pool2
  }
}";

fn pool(kind: &Value) -> Result<Body, MutateError> {
    let text = match kind.to_string().as_str() {
        "max" => "max_pool {k=3, stride=1, pad=1}",
        "avg" => "avg_pool {k=3, stride=1, pad=1}",
        _ => "global_avg_pool",
    };
    Ok(Body::Op(OpTemplate::parse(text, &[])?))
}

fn kinds() -> Domain {
    Domain::Categorical(vec!["max".into(), "avg".into(), "global".into()])
}

/// Fills one placeholder with a pooling. Static: one decision.
#[derive(Debug)]
struct Fill(&'static str);

impl Mutator for Fill {
    fn label(&self) -> &str {
        self.0
    }
    fn decisions(&self, _: &Module) -> Option<Vec<Decision>> {
        Some(vec![Decision::new(self.0, kinds()).expect("a domain")])
    }
    fn mutate(&self, _: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError> {
        let kind = chooser.choose(self.0, &kinds())?;
        let mut patch = Patch::new(self.0);
        patch.replace("main", self.0, pool(&kind)?);
        Ok(patch)
    }
}

/// Fills both; once the first is `max`, the second is too. Dynamic: what it asks depends on the answers.
#[derive(Debug)]
struct MaxIsCatching;

impl Mutator for MaxIsCatching {
    fn label(&self) -> &str {
        "max-is-catching"
    }
    fn mutate(&self, _: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError> {
        let first = chooser.choose("pool1", &kinds())?;
        let second = if first == "max".into() { first.clone() } else { chooser.choose("pool2", &kinds())? };
        let mut patch = Patch::new(self.label());
        patch.replace("main", "pool1", pool(&first)?);
        patch.replace("main", "pool2", pool(&second)?);
        Ok(patch)
    }
}

fn base() -> Module {
    BASE.parse().expect("syntax")
}

fn fixed() -> Space {
    let space = Space::new(base()).expect("a space");
    space.with(Arc::new(Fill("pool1"))).and_then(|s| s.with(Arc::new(Fill("pool2")))).expect("mutators")
}

fn dynamic() -> Space {
    Space::new(base()).and_then(|s| s.with(Arc::new(MaxIsCatching))).expect("a mutator")
}

mod fixed_space {
    mutators::space_conformance!(super::fixed());
}

mod dynamic_space {
    mutators::space_conformance!(super::dynamic());
}

/// Gives the candidates in turn, beginning with the given one.
struct Rotating(u64);

impl Chooser for Rotating {
    fn choose(&mut self, _: &str, domain: &Domain) -> Result<Value, MutateError> {
        let n = domain.size().expect("discrete");
        let value = domain.value(ir::Pick::index(self.0 % n)).expect("in range");
        self.0 += 1;
        Ok(value)
    }
}

#[test]
fn line_18_a_rotating_chooser() {
    let space = fixed();
    for (apply, expected) in [(1, ["avg", "global"]), (2, ["global", "max"])] {
        let mut rotating = Rotating(apply);
        let mut history = Record::new(&mut rotating);
        let mut module = base();
        for mutator in space.mutators() {
            module = mutator.mutate(&module, &mut history).and_then(|p| Ok(p.apply(&module)?)).expect("applies");
        }
        let sample = history.finish();
        let values: Vec<String> = sample.pairs().map(|(_, v)| v.to_string()).collect();
        assert_eq!(values, expected);
        assert_eq!(values.len(), space.mutators().len());
        assert_eq!(*space.base(), base());
    }
}

#[test]
fn line_19_a_dynamic_mutator() {
    let space = dynamic();
    assert!(space.is_dynamic());
    let err = space.enumerate(0).expect_err("dynamic").to_string();
    assert_eq!(err, "space `m` is dynamic (mutator `max-is-catching` decides as it goes), so it cannot be enumerated");
    let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(0);
    let mut sample = space.sample(&mut rng).expect("a sample");
    for _ in 0..100 {
        let module = space.module(&sample).expect("a network");
        let op = |node: &str| match &module.graph("main").expect("entry").node(node).expect("a node").body {
            Body::Op(op) => op.name().to_owned(),
            other => panic!("{other:?}"),
        };
        assert!(op("pool1") != "max_pool" || op("pool2") == "max_pool", "{sample}");
        assert_eq!(sample.pairs().count(), if op("pool1") == "max_pool" { 1 } else { 2 });
        sample = space.edit(&sample, &mut rng).expect("an edit");
    }
}

#[test]
fn a_patch_that_fits_nothing_says_so() {
    let err = Fill("pool3").mutate(&base(), &mut mutators::chooser::Defaults).expect("a patch").apply(&base());
    let err = err.expect_err("no such node").to_string();
    assert_eq!(err, "patch `pool3`: no node %pool3 in @main; it has %x, %pool1, %conv, %pool2");
}

/// Says that it asks for `kind`, and asks for more: at once, or only after an answer.
#[derive(Debug)]
struct AsksForMore {
    at_once: bool,
}

impl Mutator for AsksForMore {
    fn label(&self) -> &str {
        "asks-for-more"
    }
    fn decisions(&self, _: &Module) -> Option<Vec<Decision>> {
        Some(vec![
            Decision::new("kind", kinds()).expect("a domain"),
            Decision::new("other", kinds()).expect("a domain"),
        ])
    }
    fn mutate(&self, _: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError> {
        let kind = chooser.choose("kind", &kinds())?;
        chooser.choose("other", &kinds())?;
        if self.at_once || kind == "global".into() {
            chooser.choose("kernel", &Domain::Range { lo: 1, hi: 3, step: 1 })?;
        }
        let mut patch = Patch::new(self.label());
        patch.replace("main", "pool1", pool(&kind)?);
        Ok(patch)
    }
}

#[test]
fn a_mutator_that_asks_for_what_it_has_not_declared_is_named() {
    let expected = "mutator `asks-for-more` asks for `kernel`, but declares `kind`, `other`; add `kernel` to its \
                    `decisions`, or return `None` there to make it dynamic";
    let with = |at_once| Space::new(base()).expect("a space").with(Arc::new(AsksForMore { at_once }));
    assert_eq!(with(true).expect_err("undeclared").to_string(), expected);
    let late = with(false).expect("it asks for no more by default");
    let sample = |text: &str| late.bind(&text.parse().expect("a sample")).expect("a sample of the space");
    late.program(&sample("kind=max,other=max")).expect("it asks for no more");
    for error in [
        late.program(&sample("kind=global,other=max")).expect_err("undeclared"),
        late.module(&sample("kind=global,other=max")).expect_err("undeclared"),
        late.record(&mut Rotating(2)).expect_err("undeclared"),
    ] {
        assert_eq!(error.to_string(), expected);
    }
}
