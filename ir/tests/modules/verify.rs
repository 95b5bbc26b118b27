//! The verifier's files, `tests/golden/verify/*.lir`: a comment `; error: part of the message` stands on the line that
//! has the fault. A file without such comments verifies; one with comments has these faults, and no others.

use ir::fault::Fault;
use ir::{Faults, Module};
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
