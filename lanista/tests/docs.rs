//! What the documents say is so: examples in prose are examples that run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("it is in the repository")
}

/// The fenced blocks of a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Runs a shell script in an empty folder, with `lanista` on its path; every command must succeed.
fn shell(script: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let binary = Path::new(env!("CARGO_BIN_EXE_lanista")).parent().expect("a folder").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(binary).chain(std::env::split_paths(&path))).expect("a path");
    fs::write(folder.path().join("my_space.lir"), blocks(&read("README.md"), "text")[0]).expect("a file");
    fs::write(folder.path().join("my_network.lir"), blocks(&read("docs/lir.md"), "text")[0]).expect("a file");
    let run = Command::new("sh").args(["-euc", script]).current_dir(folder.path()).env("PATH", path).output();
    let run = run.expect("a shell");
    assert!(run.status.success(), "{script}\n{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn the_readme_has_the_quickstart() {
    let readme = read("README.md");
    let example = read("lanista/examples/quickstart.rs");
    let code = example.split_once("\n\n").map(|(_, code)| code).expect("a comment, then code");
    let code = code.replace("#![allow(clippy::print_stdout, reason = \"an example shows what it found\")]\n\n", "");
    assert_eq!(blocks(&readme, "rust"), [code.as_str()]);
}

#[test]
fn commands_of_the_readme_run() {
    let readme = read("README.md");
    let script = blocks(&readme, "sh").into_iter().find(|block| block.contains("lanista search")).expect("commands");
    shell(script);
}

/// What needs libtorch is shown apart.
#[test]
#[cfg(feature = "torch")]
fn commands_of_the_readme_that_need_libtorch_run() {
    let readme = read("README.md");
    let script = blocks(&readme, "sh").into_iter().find(|block| block.contains("lanista train")).expect("commands");
    shell(script);
}

#[test]
fn commands_of_the_help_texts_run() {
    for command in [&["--help"][..], &["search", "--help"], &["show", "--help"], &["export", "--help"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_lanista")).args(command).output().expect("runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let examples = text.split("Examples:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("examples");
        shell(examples);
    }
}

#[test]
fn texts_in_documents_are_modules() {
    for (file, n) in [("README.md", 1), ("docs/lir.md", 1)] {
        let text = read(file);
        let modules: Vec<_> = blocks(&text, "text").into_iter().filter(|t| t.contains("module @")).collect();
        assert_eq!(modules.len(), n, "{file}");
        for module in modules {
            let module: ir::Module = module.parse().unwrap_or_else(|e| panic!("{file}: {e}"));
            ir::verify(&module).unwrap_or_else(|e| panic!("{file}: {e}"));
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for file in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/cli.md", "docs/lir.md", "docs/json.md"] {
        let text = read(file);
        let folder = root().join(file);
        let folder = folder.parent().expect("a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") {
                assert!(folder.join(link).exists(), "{file}: {link}");
            }
        }
    }
}
