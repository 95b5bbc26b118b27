//! Spaces whose mutators decide as they go.

use evaluators::{Candidate, Function, Metric};
use ir::graph::Body;
use ir::{Domain, Module, OpTemplate, Patch, Value};
use mutators::{Chooser, MutateError, Mutator, Space};
use std::collections::HashSet;
use std::sync::Arc;
use strategies::{Experiment, ExperimentError, Memory, StopReason, Study, build};

/// The second activation is chosen only if the first is not `relu`: 7 samples.
#[derive(Debug)]
struct Activations;

fn body(name: &Value) -> Result<Body, MutateError> {
    Ok(Body::Op(OpTemplate::parse(&name.to_string(), &[])?))
}

impl Mutator for Activations {
    fn label(&self) -> &str {
        "activations"
    }
    fn mutate(&self, _: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError> {
        let names = Domain::Categorical(vec!["relu".into(), "tanh".into(), "gelu".into()]);
        let first = chooser.choose("first", &names)?;
        let second = if first == "relu".into() { first.clone() } else { chooser.choose("second", &names)? };
        let mut patch = Patch::new(self.label());
        patch.replace("main", "a", body(&first)?);
        patch.replace("main", "b", body(&second)?);
        Ok(patch)
    }
}

fn space() -> Space {
    let text = "module @m { entry @main graph @main(%x: f32[N, 4]) {
        %a = sigmoid %x %y = linear %a {out=8} %b = sigmoid %y return %b } }";
    let module: Module = text.parse().expect("well-formed");
    Space::new(module).and_then(|s| s.with(Arc::new(Activations))).expect("it applies")
}

fn search(strategy: &str, jobs: usize, memory: &mut Memory) -> Result<Study, ExperimentError> {
    let space = space();
    let length = Function::new("length", Metric::maximize("length", ""), |c: &Candidate<'_>| {
        c.program()?;
        Ok(c.sample().to_string().replace("relu", "").len() as f64)
    });
    let strategy = build(strategy).expect("it is in the hub");
    Experiment::new(&space, strategy, &length).trials(40).jobs(jobs).store(memory).run()
}

#[test]
fn what_needs_no_list_of_decisions_works() {
    for name in ["random", "random:dedup=true", "regularized-evolution:population=4,sample=2"] {
        for jobs in [1, 3] {
            let mut memory = Memory::new();
            let whole = search(name, jobs, &mut memory).expect("it runs");
            let distinct: HashSet<String> = whole.trials.iter().map(|t| t.sample.to_string()).collect();
            assert_eq!(distinct.len(), 7, "{name}: {distinct:?}");
            assert_eq!(whole.unique_samples().len(), 7);
            assert_eq!(matches!(whole.stop, StopReason::Exhausted { .. }), name.starts_with("random"));
            let mut cut = memory.cut(3);
            assert_eq!(search(name, jobs, &mut cut).expect("it resumes").trials, whole.trials, "{name}");
        }
    }
}

#[test]
fn what_needs_one_is_refused() {
    for (name, what) in [("grid", "enumerated"), ("local-search", "walked neighbour by neighbour")] {
        let err = search(name, 1, &mut Memory::new()).map(|s| s.stop.to_string());
        let text = err.unwrap_or_else(|e| e.to_string());
        assert!(text.contains("is dynamic") && text.contains(what), "{name}: {text}");
    }
}
