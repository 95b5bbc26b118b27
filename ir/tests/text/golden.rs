//! Golden files in `tests/golden/text`.
//!
//! * `name.lir` prints as itself;
//! * `name.in.lir`, written freely, prints as `name.lir`;
//! * `errors/name.lir` fails at the line that ends with `; error: part of the message`.

use ir::Module;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/text")
}

/// Names of the files, ascending: `name.in.lir` before `name.lir`.
fn lir_files(folder: &Path) -> Vec<String> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.retain(|path| path.extension().is_some_and(|e| e == "lir"));
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    files.iter().map(name).collect()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("a text")
}

#[test]
fn valid_files_print_as_themselves() {
    let mut failures = Vec::new();
    for name in lir_files(&folder()) {
        // Read in its turn: blessed, `name.in.lir` has just written `name.lir`.
        let text = read(&folder(), &name);
        let module: Module = match text.parse() {
            Ok(module) => module,
            Err(e) => {
                failures.push(format!("{name}:{e}"));
                continue;
            }
        };
        let printed = module.to_string();
        let target = name.replace(".in.lir", ".lir");
        if printed.chars().any(|c| c != '\n' && ir::text::is_hidden(c)) {
            failures.push(format!("{name} prints characters that a terminal obeys"));
        }
        failures.extend(testing::golden(&folder().join(target), &printed).err());
        match printed.parse::<Module>() {
            Ok(again) if again == module => {}
            Ok(_) => failures.push(format!("{name} parses to another module than what it prints")),
            Err(e) => failures.push(format!("{name} prints what does not parse: {e}")),
        }
        match Module::from_json(&module.to_json(), &ir::OpRegistry::default()) {
            Ok(again) if again == module => {}
            Ok(_) => failures.push(format!("{name} changes on its way through JSON")),
            Err(e) => failures.push(format!("{name} in JSON: {e}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn error_files_fail_where_they_say() {
    let folder = folder().join("errors");
    let files = lir_files(&folder);
    assert!(files.len() >= 25, "only {} error files", files.len());
    let mut failures = Vec::new();
    for name in files {
        let text = read(&folder, &name);
        let marked = text.lines().zip(1u32..).find_map(|(line, n)| Some((n, line.split_once("; error: ")?.1)));
        let Some((line, part)) = marked else {
            failures.push(format!("{name} has no `; error: ` line"));
            continue;
        };
        match text.parse::<Module>() {
            Ok(_) => failures.push(format!("{name} parses, but should fail in line {line} with `{part}`")),
            Err(e) if e.line == line && e.message.contains(part.trim_end()) => {}
            Err(e) => failures.push(format!("{name}:{e}\n  should fail in line {line} with `{part}`")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
