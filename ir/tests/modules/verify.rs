//! The verifier's files, `tests/golden/verify/*.lir`: a comment `; error: part of the message` stands on the line that
//! has the fault. A file without such comments verifies; one with comments has these faults, and no others.

use crate::random::{Random, Sample, module};
use ir::decision::Pick;
use ir::eval::member_name;
use ir::fault::Fault;
use ir::verify::Reach;
use ir::{Faults, Module, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The line where a fault lies: that of its node, or its graph; a fault of the module lies anywhere.
fn line_of(text: &str, fault: &Fault) -> Option<usize> {
    let graph = fault.graph.as_ref()?;
    let mut inside = false;
    let mut header = None;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("graph @") {
            let name: String = rest.chars().take_while(|c| !"<( ".contains(*c)).collect();
            inside = *graph == name;
            if inside {
                header = Some(i);
            }
        }
        let starts =
            |node: &str| line.strip_prefix('%').and_then(|l| l.strip_prefix(node)).is_some_and(|l| l.starts_with(" ="));
        if inside && fault.node.as_ref().is_some_and(|n| starts(n)) {
            return Some(i);
        }
    }
    header
}

#[test]
fn files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/verify");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() >= 20);
    let mut failures = Vec::new();
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a text");
        let module: Module = match text.parse() {
            Ok(module) => module,
            Err(e) => {
                failures.push(format!("{name}:{e}"));
                continue;
            }
        };
        let supernet = text.starts_with("; supernet");
        let result = if supernet {
            let open = |_: &str, _: Option<i64>| None;
            ir::verify(&module).and_then(|_| ir::Elaboration::supernet(&module, &open).run())
        } else {
            ir::verify(&module)
        };
        let mut found = match result {
            Ok(_) => Vec::new(),
            Err(Faults(faults)) => faults,
        };
        for (i, line) in text.lines().enumerate() {
            let Some((_, part)) = line.split_once("; error: ") else { continue };
            let at = found
                .iter()
                .position(|f| f.to_string().contains(part.trim_end()) && line_of(&text, f).is_none_or(|l| l == i));
            match at {
                Some(at) => drop(found.remove(at)),
                None => failures.push(format!("{name}:{}: no fault says `{part}`", i + 1)),
            }
        }
        for f in found {
            failures.push(format!("{name}:{}: {f}", line_of(&text, &f).map_or(0, |l| l + 1)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The decisions that a module's networks look at, each with its values; `None` where one is real.
fn used(module: &Module) -> Option<Vec<(String, Vec<Value>)>> {
    let found = ir::activity::guards(module);
    found
        .iter()
        .map(|(name, _)| {
            let label = name.split_once('[').map_or(name.as_str(), |(label, _)| label);
            let domain = &module.decision(label).expect("declared").domain;
            let values = (0..domain.size()?).map(|r| domain.value(Pick::index(r)).expect("in range"));
            Some((name.to_string(), values.collect()))
        })
        .collect()
}

#[test]
fn what_is_sound_builds_whatever_the_sample() {
    let (mut whole, mut sampled, mut refused) = (0, 0, 0);
    for seed in 0..3000 {
        let module = module(seed);
        match ir::verify::examine(&module) {
            Ok(examined) if examined.coverage.is_exhaustive() => {
                whole += 1;
                let used = used(&module).expect("no real interval");
                let n: usize = used.iter().map(|(_, values)| values.len()).product();
                if let Reach::All(tried) = examined.coverage.reach {
                    assert_eq!(tried, n as u64);
                }
                for number in 0..n {
                    let mut rest = number;
                    let mut values = HashMap::new();
                    for (name, domain) in &used {
                        values.insert(name.clone(), domain[rest % domain.len()].clone());
                        rest /= domain.len();
                    }
                    let decide = |label: &str, i: Option<i64>| values.get(&member_name(label, i)).cloned();
                    let built = ir::Elaboration::new(&module, &decide).run();
                    assert!(built.is_ok(), "seed {seed}: {}\n{values:?}\n{module}", built.expect_err("not built"));
                }
            }
            Ok(examined) => {
                let Reach::Meeting { .. } = examined.coverage.reach else { continue };
                sampled += 1;
                let mut random = Random(seed ^ 0xabcd);
                for _ in 0..100 {
                    let sample = Sample::draw(&module, &mut random);
                    let built = ir::Elaboration::new(&module, &sample).run();
                    assert!(built.is_ok(), "seed {seed}: {}\n{sample:?}\n{module}", built.expect_err("not built"));
                }
            }
            Err(_) => refused += 1,
        }
    }
    eprintln!("whole {whole}, sampled {sampled}, refused {refused}");
    assert!(whole > 600 && sampled > 300 && refused > 300, "{whole} {sampled} {refused}");
}

/// A module whose faults are mostly those of several values together, with `more` decisions that matter to none.
fn entangled(random: &mut Random, more: usize) -> Module {
    let widths = *random.pick(&["[4, 8]", "[4, 6, 12]", "2..=12 step 2"]);
    let kernels = *random.pick(&["[1, 3]", "[1, 3, 7]", "1..=5"]);
    let groups = *random.pick(&["?g", "if(?side == p, 1, ?g)", "min(?g, ?w)", "2 ** (?g - 1)"]);
    let out = *random.pick(&["12", "?w", "?w * ?g", "24 // ?g"]);
    let kernel = *random.pick(&["?k", "?k + ?g", "if(?kind == q, ?k, 1)"]);
    let pad = *random.pick(&["0", "?k // 2"]);
    let size = *random.pick(&[4, 6, 8]);
    let constraint = *random.pick(&[
        "true",
        "?g < 3",
        "?kind == p or ?w % ?g == 0",
        "?side != q or ?kind != q",
        "?k < ?w and (?g == 1 or ?side == p)",
        "?w + ?g + ?k == 6",
    ]);
    let decisions: String = (0..more).map(|i| format!("  decision ?z{i} in [relu, gelu]\n")).collect();
    let nodes: String =
        (0..more).map(|i| format!("    %z{} = choice ?z{i} (%z{i}) {{relu: relu, gelu: gelu}}\n", i + 1)).collect();
    let text = format!(
        "module @m {{
  entry @main
  decision ?kind in [p, q]
  decision ?side in [p, q]
  decision ?g in 1..=4
  decision ?w in {widths}
  decision ?k in {kernels}
{decisions}  constraint {constraint}
  graph @cell<n>(%x) {{
    %y = conv2d %x {{out={out}, k=1, groups=n}}
    return %y
  }}
  graph @main(%x: f32[N, 4, {size}, {size}]) {{
    %a = conv2d %x {{out=?w, k=1}}
    %b = choice ?kind (%a) {{p: identity, q: @cell<{groups}>}}
    %z0 = choice ?side (%b) {{p: identity, q: conv2d {{out=4, k={kernel}, pad={pad}}}}}
{nodes}    return %z{more}
  }}
}}"
    );
    text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn the_verdict_is_that_of_every_assignment() {
    let mut random = Random(7);
    let mut counts = [0; 4];
    for round in 0..300 {
        // Few assignments are all tried, many are not.
        let more = if round % 2 == 0 { 0 } else { 12 };
        let module = entangled(&mut random, more);
        let used: Vec<(String, Vec<Value>)> = used(&module).expect("no real interval");
        let core: Vec<_> = used.into_iter().filter(|(name, _)| !name.starts_with('z')).collect();
        let n: usize = core.iter().map(|(_, values)| values.len()).product();
        let decide_with = |values: &HashMap<String, Value>, label: &str, i: Option<i64>| {
            values.get(&member_name(label, i)).cloned().or_else(|| ir::verify::default_of(&module, label, i))
        };
        let (mut faulty, mut legal) = (0, 0);
        for number in 0..n {
            let mut rest = number;
            let mut values = HashMap::new();
            for (name, domain) in &core {
                values.insert(name.clone(), domain[rest % domain.len()].clone());
                rest /= domain.len();
            }
            let decide = |label: &str, i: Option<i64>| decide_with(&values, label, i);
            let allowed = module.constraints.iter().all(|c| c.eval_bool(&Decided(&decide)) == Ok(true));
            legal += usize::from(allowed);
            faulty += usize::from(allowed && ir::Elaboration::new(&module, &decide).run().is_err());
        }
        let defaults = |label: &str, i: Option<i64>| ir::verify::default_of(&module, label, i);
        let default_fails = ir::Elaboration::new(&module, &defaults).run().is_err();
        let found = ir::verify::examine(&module);
        let sound = legal > 0 && faulty == 0 && !default_fails;
        match &found {
            Ok(examined) => {
                assert!(sound, "{faulty} of {legal} fail\n{module}");
                assert_eq!(examined.coverage.is_exhaustive(), n << more <= 1024);
            }
            Err(faults) => assert!(!sound, "{faults}\n{module}"),
        }
        counts[usize::from(sound) + 2 * usize::from(more > 0)] += 1;
        // Each fault shows under the assignment that it names, and under none that leaves out one of its values.
        for fault in found.err().into_iter().flat_map(|f| f.0) {
            let Some(under) = &fault.under else { continue };
            let parts: Vec<(String, Value)> = under
                .split(", ?")
                .map(|part| {
                    let (name, value) = part.trim_start_matches('?').split_once(" = ").expect("a value");
                    (name.to_owned(), value.parse().expect("a value"))
                })
                .collect();
            let fails = |parts: &[(String, Value)]| {
                let values: HashMap<String, Value> = parts.iter().cloned().collect();
                let decide = |label: &str, i: Option<i64>| decide_with(&values, label, i);
                let found = ir::Elaboration::new(&module, &decide).run().err().map_or(Vec::new(), |f| f.0);
                let allowed = module.constraints.iter().all(|c| c.eval_bool(&Decided(&decide)) == Ok(true));
                allowed && found.iter().any(|f| (&f.graph, &f.node) == (&fault.graph, &fault.node))
            };
            assert!(fails(&parts), "{fault}\n{module}");
            for left in 0..parts.len() {
                let mut fewer = parts.clone();
                fewer.remove(left);
                assert!(!fails(&fewer), "{fault}: ?{} is not needed\n{module}", parts[left].0);
            }
        }
    }
    eprintln!("faulty and sound: {counts:?}");
    assert!(counts.iter().all(|n| *n > 20), "{counts:?}");
}

/// Decisions as a constraint sees them.
struct Decided<'a>(&'a dyn Fn(&str, Option<i64>) -> Option<Value>);

impl ir::Env for Decided<'_> {
    fn param(&self, _: &str) -> Option<i64> {
        None
    }
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        (self.0)(label, index)
    }
}

#[test]
fn it_says_what_it_has_tried() {
    let module = |decisions: &str, attributes: &str| -> Module {
        let text = format!(
            "module @m {{\n  entry @main\n{decisions}  graph @main(%x: f32[N, 4, 8, 8]) {{\n    \
             %y = conv2d %x {{{attributes}}}\n    return %y\n  }}\n}}"
        );
        text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"))
    };
    let said = |m: &Module| ir::verify::examine(m).unwrap_or_else(|e| panic!("{e}\n{m}")).coverage.to_string();
    assert_eq!(said(&module("", "out=4, k=1")), "nothing is left to decide");
    let few = "  decision ?w in 1..=6\n  decision ?k in [1, 3]\n  constraint ?w > ?k\n";
    assert_eq!(said(&module(few, "out=?w, k=?k")), "all 8 assignments; the constraints can be fulfilled");
    let many = "  decision ?w in 1..=900\n  decision ?k in [1, 3]\n";
    assert_eq!(
        said(&module(many, "out=?w, k=?k")),
        "66 of 902 values one at a time, all joint values of decisions that meet in a node, 64 random assignments"
    );
    let most = "  decision ?w in 1..=900000\n  decision ?k in [1, 3]\n";
    assert_eq!(
        said(&module(most, "out=?w, k=?k")),
        "66 of 900002 values one at a time, 64 random assignments, not all joint values of decisions that meet: \
         @main: %y: its cost or type depends on ?w together, which have more than 65536 joint values; \
         elaborate each sample instead"
    );
    // A needle: no nested loop and no draw finds it.
    let hidden = "  decision ?w in 1..=900000\n  decision ?k in 1..=900000\n  constraint ?w * ?k == 611953\n  \
                  constraint ?w > 600000\n  constraint ?k > 0 and ?w > ?k\n";
    let text = said(&module(hidden, "out=?w, k=1"));
    assert!(
        text.ends_with("whether the constraints can be fulfilled is not known: none of 69632 assignments did"),
        "{text}"
    );
}

#[test]
fn verifying_counts_its_work() {
    // Each would take hours if every value, or every pair of values, were tried.
    let members = (0..2000).map(|i| format!("    %n{} = choice ?f[{i}] (%n{i}) {{a: relu, b: gelu}}\n", i + 1));
    let family = format!(
        "module @m {{\n  entry @main\n  decision ?f[0..65536] in [a, b]\n  graph @main(%n0: f32[N, 4]) {{\n{}    \
         return %n2000\n  }}\n}}",
        members.collect::<String>()
    );
    let module: Module = family.parse().expect("a module");
    let examined = ir::verify::examine(&module).expect("it is sound");
    let (tried, of) = examined.coverage.values;
    assert!(of == 131_072 && tried > 500 && tried < 10_000, "{tried} of {of}");
    let deep: String =
        (1..=65).map(|i| format!("  graph @g{}(%x) {{\n    %y = @g{i}(%x)\n    return %y\n  }}\n", i - 1)).collect();
    let deep = |n: usize| -> Module {
        let text = format!(
            "module @m {{\n  entry @main\n  graph @main(%x: f32[N]) {{\n    %y = @g{n}(%x)\n    return %y\n  }}\n{deep}  \
             graph @g65(%x) {{\n    return %x\n  }}\n}}"
        );
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    };
    let faults = ir::verify(&deep(0)).expect_err("66 graphs call one another");
    assert_eq!(faults.0.len(), 1, "{faults}");
    assert!(faults.to_string().contains("calls nest deeper than 64 here"), "{faults}");
}
