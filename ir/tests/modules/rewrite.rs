//! Rewriting keeps what a network computes, and comes to one end.

use crate::meaning::outputs;
use crate::random::Sample;
use crate::resolve::each;
use ir::rewrite::{ALL, CommonSubexpressions, DeadCode, Identities, RewriteError, Rule, Zeros, rewrite};
use ir::{Elaboration, Module, Program};
use std::cell::Cell;
use std::path::{Path, PathBuf};

const LIMIT: usize = 10_000;

fn run(module: &Module, sample: &Sample) -> Option<Program> {
    Elaboration::new(module, sample).run().ok()
}

fn types(program: &Program) -> Vec<String> {
    program.main().types_of(&program.main().outputs).iter().map(ToString::to_string).collect()
}

#[test]
fn networks_compute_the_same_afterwards() {
    let changed = Cell::new(0);
    each(|module, sample, _| {
        let Some(program) = run(module, sample) else { return };
        let resolved = module.resolve(sample).expect("it elaborates");
        let flat = program.flat_module("flat").expect("decided");
        for (what, before) in [("resolved", &resolved), ("flat", &flat)] {
            let after = rewrite(before, &ALL, LIMIT).unwrap_or_else(|e| panic!("{what}: {e}\n{before}"));
            let (a, b) = (run(before, sample).expect("valid"), run(&after, sample).expect("valid"));
            assert_eq!(types(&a), types(&b), "{what}\n{before}\n{after}");
            assert_eq!(outputs(&a), outputs(&b), "{what}\n{before}\n{after}");
            assert_eq!(rewrite(&after, &ALL, 0).as_ref(), Ok(&after), "{what}: rules still apply\n{after}");
            if after != *before {
                changed.set(changed.get() + 1);
            }
        }
    });
    assert!(changed.get() > 1000);
}

#[test]
fn each_rule_keeps_what_every_sample_computes() {
    each(|module, sample, _| {
        if ir::verify(module).is_err() {
            return;
        }
        let Some(before) = run(module, sample) else { return };
        let rules: [&dyn Rule; 4] = [&CommonSubexpressions, &DeadCode, &Identities, &Zeros];
        for rule in rules {
            let after = rewrite(module, &[rule], LIMIT).unwrap_or_else(|e| panic!("{e}"));
            let program = run(&after, sample).unwrap_or_else(|| panic!("{} spoils the module\n{after}", rule.name()));
            assert_eq!(types(&before), types(&program), "{}\n{after}", rule.name());
            assert_eq!(outputs(&before), outputs(&program), "{}\n{after}", rule.name());
        }
    });
}

#[test]
fn equal_networks_end_equal() {
    each(|module, sample, random| {
        let Some(program) = run(module, sample) else { return };
        let flat = program.flat_module("flat").expect("decided");
        let graph = crate::hash::disguised(flat.graph(&flat.entry).expect("an entry"), random);
        let mut other = Module::new("other", "disguised");
        other.set_graph(graph);
        let end = |m: &Module| ir::verify(&rewrite(m, &ALL, LIMIT).expect("rewrites")).expect("verifies").hash();
        assert_eq!(end(&flat), end(&other), "{flat}\n{other}");
    });
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rewrite")
}

/// `name.in.lir`, whose first line names the rules after `; rules: `, becomes `name.lir`.
#[test]
fn golden_files() {
    let mut failures = Vec::new();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder()).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    files.retain(|path| path.to_string_lossy().ends_with(".in.lir"));
    assert!(files.len() >= 5);
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a text");
        let names = text.lines().next().and_then(|l| l.strip_prefix("; rules: ")).expect("a first line with rules");
        let rules: Vec<&dyn Rule> =
            names.split(", ").map(|n| *ALL.iter().find(|r| r.name() == n).expect("a rule")).collect();
        let module: Module = text.parse().unwrap_or_else(|e| panic!("{}:{e}", path.display()));
        let after = match rewrite(&module, &rules, LIMIT) {
            Ok(after) => after.to_string(),
            Err(e) => format!("{e}\n"),
        };
        let target = PathBuf::from(path.to_string_lossy().replace(".in.lir", ".lir"));
        failures.extend(testing::golden(&target, &after).err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_limit_and_a_bad_patch_name_rule_and_node() {
    #[derive(Debug)]
    struct Spoil;
    impl Rule for Spoil {
        fn name(&self) -> &'static str {
            "spoil"
        }
        fn apply(&self, site: &ir::rewrite::Site<'_>) -> Option<ir::rewrite::Rewrite> {
            let mut patch = ir::Patch::new("spoil");
            let graph = site.graph().name();
            let wide = patch.add(graph, "wide", "linear {out=3}", ["x"]).expect("an op");
            patch.shunt(graph, "y", &wide);
            Some(ir::rewrite::Rewrite { nodes: vec!["y".into()], patch })
        }
    }
    let text = "module @m {
  entry @g
  graph @g(%x: f32[N, 4]) {
    %y = relu %x
    %z = add %x, %y
    return %z
  }
}";
    let module: Module = text.parse().expect("parses");
    let error = rewrite(&module, &[&Spoil], 5).expect_err("shapes do not match");
    assert!(matches!(error, RewriteError::Patch { .. }));
    assert_eq!(
        error.to_string(),
        "rule `spoil` at %y of @g: patch `spoil`: @g: %z (add): shapes do not match: f32[N, 4] and f32[N, 3]"
    );
    let text = text.replace("relu", "identity");
    let error = rewrite(&text.parse().expect("parses"), &[&Identities], 0).expect_err("a limit");
    assert_eq!(
        error.to_string(),
        "rule `identity` still applies, to %y of @g, after 0 patches; raise the limit, or leave the rule out"
    );
}
