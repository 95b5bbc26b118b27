//! Golden files: texts that a person has read, to which what is made now is held.

use super::{REQUIRE_ALL, required};
use std::ffi::OsStr;
use std::path::Path;

/// The variable that writes golden files anew, in place of comparing with them: `make bless`.
const BLESS: &str = "LANISTA_BLESS";

/// Compares a text with a golden file; with `LANISTA_BLESS=1` writes the file.
///
/// # Errors
/// With both texts, if they differ.
///
/// # Panics
/// If `LANISTA_BLESS` has another value than `1`, or any where `LANISTA_REQUIRE_ALL` is `1`: continuous integration compares.
/// And if the file cannot be written.
pub fn golden(path: &Path, text: &str) -> Result<(), String> {
    compare(path, text, std::env::var_os(BLESS).as_deref(), required())
}

fn compare(path: &Path, text: &str, bless: Option<&OsStr>, required: bool) -> Result<(), String> {
    if let Some(value) = bless {
        assert!(!required, "{BLESS} is set, and {REQUIRE_ALL}=1 lets no golden file be written; unset one of them");
        assert!(value == "1", "{BLESS}={} is not 1, the value that writes golden files", value.display());
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if expected == text {
        return Ok(());
    }
    if bless.is_some() {
        std::fs::write(path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        return Ok(());
    }
    let file = path.display();
    Err(format!(
        "{file} differs; if the change is meant, run `make bless` and read the diff\n--- expected\n{expected}\n--- found\n{text}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of a test's own, with a text.
    fn file(name: &str, text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("lanista-golden-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("a file");
        path
    }

    #[test]
    fn equal_texts_agree_and_others_are_shown() {
        let path = file("compared", "old\n");
        assert_eq!(compare(&path, "old\n", None, true), Ok(()));
        let said = compare(&path, "new\n", None, false).expect_err("they differ");
        assert!(said.ends_with("--- expected\nold\n\n--- found\nnew\n"), "{said}");
        assert_eq!(std::fs::read_to_string(&path).expect("a text"), "old\n");
        std::fs::remove_file(path).expect("it is there");
    }

    #[test]
    fn one_blesses() {
        let path = file("blessed", "old\n");
        assert_eq!(compare(&path, "new\n", Some("1".as_ref()), false), Ok(()));
        assert_eq!(std::fs::read_to_string(&path).expect("a text"), "new\n");
        std::fs::remove_file(path).expect("it is there");
    }

    #[test]
    #[should_panic(expected = "LANISTA_BLESS is set, and LANISTA_REQUIRE_ALL=1 lets no golden file be written")]
    fn continuous_integration_compares() {
        let _ = compare(Path::new("nowhere"), "", Some("1".as_ref()), true);
    }

    #[test]
    #[should_panic(expected = "LANISTA_BLESS=yes is not 1")]
    fn nothing_else_blesses() {
        let _ = compare(Path::new("nowhere"), "", Some("yes".as_ref()), false);
    }

    /// No other way to write golden files is left.
    #[test]
    fn all_tests_ask_here() {
        let mut open = vec![super::super::repository()];
        let mut asking = Vec::new();
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let entry = entry.expect("an entry");
                let (path, name) = (entry.path(), entry.file_name());
                let hidden = name.to_string_lossy().starts_with('.') || name == "target";
                if entry.file_type().expect("a type").is_dir() && !hidden {
                    open.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("testing/src/golden.rs") {
                    let text = std::fs::read_to_string(&path).expect("a text");
                    asking.extend(text.contains(&format!("\"{BLESS}\"")).then_some(path));
                }
            }
        }
        assert_eq!(asking, Vec::<std::path::PathBuf>::new());
    }
}
