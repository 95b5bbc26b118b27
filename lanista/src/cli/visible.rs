//! What people see: names come from files and flags, and a terminal obeys control characters in them.
//!
//! * Whatever is printed for people goes through here, on its way to standard output, standard error or a bar.
//! * JSON keeps its meaning: there a character is escaped as JSON does it.

use ir::text::is_hidden;
use std::fmt::Write;

pub use ir::text::visible;

/// A text on one line: what breaks lines is a space, and what nobody sees is escaped.
pub fn one_line(text: &str) -> String {
    visible(&text.replace(['\n', '\r', '\t'], " ")).into_owned()
}

/// A document of JSON that means the same, without hidden characters.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_hidden(c) {
            // Outside of strings JSON has none.
            let units = &mut [0; 2];
            for unit in c.encode_utf16(units) {
                write!(out, "\\u{unit:04x}").expect("invariant: a string takes it");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_on_one_line() {
        assert_eq!(one_line("a\nb\u{1b}[31m\u{202e}c\td"), "a b\\u{1b}[31m\\u{202e}c d");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let evil = "\u{7f}\u{9b}\u{202e}\u{e0041}é";
        let text = json(&serde_json::to_string_pretty(&[evil]).expect("JSON"));
        assert_eq!(text, "[\n  \"\\u007f\\u009b\\u202e\\udb40\\udc41é\"\n]");
        assert_eq!(serde_json::from_str::<[String; 1]>(&text).expect("JSON"), [evil]);
    }
}
