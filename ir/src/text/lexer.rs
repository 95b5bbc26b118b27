//! Tokens of the text form, one at a time, so that a long text costs no memory.
//!
//! A position is a byte offset until an error needs its line and column.

use super::{MAX_NAME, ParseError};
use crate::value::Name;

/// A token. Names come without their sigil and quotes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// The end of the text.
    End,
    /// An identifier or keyword.
    Word(&'a str),
    /// `%name` or `%name.1`.
    Value { name: Name, out: u8 },
    /// `@name`.
    Graph(Name),
    /// `?name`.
    Decision(Name),
    /// A whole number; its sign is a token of its own.
    Int(u64),
    /// A number with a fraction or an exponent.
    Real(f64),
    /// A multiple of the batch size, `4N`.
    Batch(u32),
    /// A string between double quotes.
    Text(Name),
    /// An operator or a bracket.
    Sign(&'static str),
}

impl Token<'_> {
    /// The token as messages name it.
    pub(super) fn describe(&self) -> String {
        let short = |text: &str| text.chars().take(40).collect::<String>();
        match self {
            Self::End => "the end of the text".into(),
            Self::Word(w) => format!("`{}`", short(w)),
            Self::Value { name, out: 0 } => format!("`%{}`", short(name)),
            Self::Value { name, out } => format!("`%{}.{out}`", short(name)),
            Self::Graph(name) => format!("`@{}`", short(name)),
            Self::Decision(name) => format!("`?{}`", short(name)),
            Self::Int(i) => format!("`{i}`"),
            Self::Real(x) => format!("`{x:?}`"),
            Self::Batch(n) => format!("`{n}N`"),
            Self::Text(text) => format!("{:?}", short(text)),
            Self::Sign(s) => format!("`{s}`"),
        }
    }
}

/// Unicode's byte order mark.
pub(crate) const MARK: char = '\u{feff}';

/// Longest first, so that `**` is not read as two stars.
const SIGNS: &[&str] = &[
    "..=", "..", "**", "//", "<=", ">=", "==", "!=", "{", "}", "(", ")", "[", "]", "<", ">", "=", ":", ",", "+", "-",
    "*", "/", "%",
];

fn is_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_'
}

fn is_continue(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// Whether a name needs no quotes after `%` or `@`: identifier characters, with `/` between parts.
pub(crate) fn is_path(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.bytes().next().is_some_and(is_start)
        && text.split('/').all(|part| !part.is_empty() && part.bytes().all(is_continue))
}

/// Line and column, from 1, of a byte offset.
pub(super) fn position(text: &str, offset: usize) -> (u32, u32) {
    // An editor does not count the byte order mark as a column.
    let before = text[..offset].trim_start_matches(MARK);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// Reads tokens off a text.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Starts behind the byte order mark that some editors put before a text.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: if text.starts_with(MARK) { MARK.len_utf8() } else { 0 } }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Continues from a byte offset, which must be one of a token, or inside of one made of ASCII.
    pub(super) fn seek(&mut self, offset: usize) {
        self.at = offset;
    }

    pub(super) fn error(&self, offset: usize, message: impl Into<String>) -> ParseError {
        let (line, column) = position(self.text, offset);
        ParseError { line, column, message: message.into() }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_blank(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b) = bytes.get(self.at) {
            match b {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b';' => self.at = self.text[self.at..].find('\n').map_or(bytes.len(), |n| self.at + n),
                _ => break,
            }
        }
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let len = rest.bytes().position(|b| !keep(b)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// The next token and its byte offset.
    pub(super) fn next(&mut self) -> Result<(usize, Token<'a>), ParseError> {
        self.skip_blank();
        let start = self.at;
        let named = is_start(self.byte(1)) || self.byte(1) == b'"';
        let token = match self.byte(0) {
            0 if start >= self.text.len() => Token::End,
            b'%' if named => self.value(start)?,
            b'@' if named => Token::Graph(self.name(start, true)?),
            b'?' if named => Token::Decision(self.name(start, false)?),
            b'@' => return Err(self.error(start, "found `@`, expected a graph's name after it, such as `@cell`")),
            b'?' => return Err(self.error(start, "found `?`, expected a decision's label after it, such as `?width`")),
            b'"' => Token::Text(self.string(start)?),
            b if b.is_ascii_digit() => self.number(start)?,
            b if is_start(b) => {
                let word = self.take_while(is_continue);
                self.check_length(start, word)?;
                Token::Word(word)
            }
            _ => match SIGNS.iter().find(|s| self.text[start..].starts_with(**s)) {
                Some(sign) => {
                    self.at += sign.len();
                    Token::Sign(sign)
                }
                None => return Err(self.unknown(start)),
            },
        };
        Ok((start, token))
    }

    fn unknown(&self, start: usize) -> ParseError {
        let c = self.text[start..].chars().next().unwrap_or(' ');
        let hint = match c {
            '#' => "; a comment starts with `;`",
            '&' | '|' | '!' => "; the boolean operators are `and`, `or` and `not`",
            '\'' => "; strings stand between double quotes",
            _ => "",
        };
        self.error(start, format!("found {c:?}, expected a name, a number or an operator{hint}"))
    }

    fn check_length(&self, start: usize, name: &str) -> Result<(), ParseError> {
        if name.len() <= MAX_NAME {
            return Ok(());
        }
        Err(self.error(start, format!("found a name of {} bytes, expected at most {MAX_NAME}", name.len())))
    }

    /// What follows a sigil: an identifier, a path of them, or a quoted string.
    fn name(&mut self, start: usize, path: bool) -> Result<Name, ParseError> {
        self.at = start + 1;
        if self.byte(0) == b'"' {
            let name = self.string(start + 1)?;
            self.check_length(start, &name)?;
            return Ok(name);
        }
        let begin = self.at;
        self.take_while(is_continue);
        while path && self.byte(0) == b'/' && is_continue(self.byte(1)) {
            self.at += 1;
            self.take_while(is_continue);
        }
        let name = &self.text[begin..self.at];
        self.check_length(start, name)?;
        Ok(Name::new(name))
    }

    fn value(&mut self, start: usize) -> Result<Token<'a>, ParseError> {
        let name = self.name(start, true)?;
        if self.byte(0) != b'.' || !self.byte(1).is_ascii_digit() {
            return Ok(Token::Value { name, out: 0 });
        }
        self.at += 1;
        let begin = self.at;
        let digits = self.take_while(|b| b.is_ascii_digit());
        let out = digits
            .parse()
            .map_err(|_| self.error(begin, format!("found output {}, expected a number up to 255", shorten(digits))))?;
        Ok(Token::Value { name, out })
    }

    fn number(&mut self, start: usize) -> Result<Token<'a>, ParseError> {
        let digits = self.take_while(|b| b.is_ascii_digit());
        let mut real = false;
        if self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
            real = true;
            self.at += 1;
            self.take_while(|b| b.is_ascii_digit());
        }
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
            real = true;
            self.at += 1 + sign;
            self.take_while(|b| b.is_ascii_digit());
        }
        let number = &self.text[start..self.at];
        if is_start(self.byte(0)) {
            let word = self.take_while(is_continue);
            if word == "N" && !real {
                let factor = digits.parse().map_err(|_| self.too_large(start, number, "4294967295"))?;
                return Ok(Token::Batch(factor));
            }
            let whole = shorten(&self.text[start..self.at]);
            let message =
                format!("found `{whole}`, expected a number or a name; write \"{whole}\" in quotes if it is a label");
            return Err(self.error(start, message));
        }
        if real {
            let x: f64 = number.parse().unwrap_or(f64::INFINITY);
            return if x.is_finite() { Ok(Token::Real(x)) } else { Err(self.too_large(start, number, "1.8e308")) };
        }
        number.parse().map(Token::Int).map_err(|_| self.too_large(start, number, "9223372036854775807"))
    }

    fn too_large(&self, start: usize, number: &str, most: &str) -> ParseError {
        self.error(start, format!("found the number `{}`, expected at most {most}", shorten(number)))
    }

    fn string(&mut self, start: usize) -> Result<Name, ParseError> {
        self.at = start + 1;
        let mut out = String::new();
        let mut chars = self.text[self.at..].char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    return Ok(Name::new(out));
                }
                '\n' => break,
                '\\' => out.push(match chars.next() {
                    Some((_, '"')) => '"',
                    Some((_, '\\')) => '\\',
                    Some((_, 'n')) => '\n',
                    Some((_, 't')) => '\t',
                    Some((_, 'r')) => '\r',
                    Some((u, 'u')) => {
                        let (c, length) = self.code_point(self.at + i, &self.text[self.at + u + 1..])?;
                        // The braces and digits are ASCII.
                        chars.nth(length - 1);
                        c
                    }
                    other => {
                        let found = other.map_or(String::new(), |(_, c)| c.to_string());
                        let message =
                            format!("found the escape `\\{found}`, expected one of \\\" \\\\ \\n \\t \\r \\u{{..}}");
                        return Err(self.error(self.at + i, message));
                    }
                }),
                c => out.push(c),
            }
        }
        Err(self.error(start, "found a string without an end, expected a closing `\"` on the same line"))
    }

    /// The character of an escape `\u{1b}` at a place, from what follows the `u`, and the length of that.
    fn code_point(&self, place: usize, rest: &str) -> Result<(char, usize), ParseError> {
        let digits = rest.strip_prefix('{').and_then(|r| r.split_once('}')).map(|(digits, _)| digits);
        let digits = digits.filter(|d| (1..=6).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_hexdigit()));
        let read = digits.and_then(|d| Some((char::from_u32(u32::from_str_radix(d, 16).ok()?)?, d.len() + 2)));
        read.ok_or_else(|| {
            self.error(place, "found the escape `\\u`, expected it with a character's number, such as \\u{1b}")
        })
    }
}

/// The first characters of a text that may be long.
fn shorten(text: &str) -> String {
    if text.len() <= 40 { text.to_owned() } else { format!("{}...", text.chars().take(40).collect::<String>()) }
}
