//! Characters that are not seen, and texts in which they are.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character shows nothing of itself, or changes how its neighbours are shown: control characters, which a
/// terminal obeys, breaks of lines and paragraphs, marks and overrides of the writing direction, and format characters
/// without a width. The list is fixed, so that what is printed does not depend on a library's Unicode version.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    let of_unicode = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || of_unicode
}

/// A text whose hidden characters are written as `\u{1b}`, but for line breaks.
///
/// ```
/// assert_eq!(ir::text::visible("a\u{1b}[31m\u{202e}b\n"), "a\\u{1b}[31m\\u{202e}b\n");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let bad = |c: char| c != '\n' && is_hidden(c);
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if bad(c) { write_escaped(&mut out, c).expect("invariant: a string takes it") } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// `\u{1b}`, as the lexer reads it.
pub(crate) fn write_escaped(out: &mut impl Write, c: char) -> std::fmt::Result {
    write!(out, "\\u{{{:x}}}", u32::from(c))
}
