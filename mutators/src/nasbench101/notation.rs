//! The field's notation of a cell: its adjacency matrix and its list of operations.
//!
//! Printed as `[[0,1,1],[0,0,1],[0,0,0]] [input,conv3x3-bn-relu,output]`. Read with any white
//! space, names bare or in single or double quotes, a comma between matrix and list or none,
//! and the pair in parentheses or not; a list may end in a comma.

use std::fmt;
use std::str::FromStr;

use super::{CellError, CellSpec, MAX_VERTICES, Op101, column_start};

impl fmt::Display for CellSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for x in 0..self.n() {
            f.write_str(if x == 0 { "[" } else { ",[" })?;
            for y in 0..self.n() {
                let comma = if y == 0 { "" } else { "," };
                write!(f, "{comma}{}", u8::from(self.has_edge(x, y)))?;
            }
            f.write_str("]")?;
        }
        f.write_str("] [input")?;
        for op in self.ops() {
            write!(f, ",{op}")?;
        }
        f.write_str(",output]")
    }
}

impl FromStr for CellSpec {
    type Err = CellError;

    fn from_str(text: &str) -> Result<Self, CellError> {
        let mut reader = Reader { text, at: 0 };
        let paired = reader.eat('(');
        let (n, adj) = reader.matrix()?;
        reader.eat(',');
        let ops = reader.ops(n)?;
        if paired {
            reader.eat(',');
            reader.expect(')', "`)`")?;
        }
        if reader.peek().is_some() {
            return Err(reader.unexpected("the end"));
        }
        CellSpec::new(n, adj, &ops)
    }
}

/// Reads tokens of a text from left to right. `at` is a byte offset on a character boundary.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next character that isn't white space, left in place.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    /// Takes `wanted` if it comes next.
    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char, name: &'static str) -> Result<(), CellError> {
        if self.eat(wanted) { Ok(()) } else { Err(self.unexpected(name)) }
    }

    /// Where the next token starts.
    fn next_at(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// A place in the text as a person counts it. For errors only: it reads the text again.
    fn place(&self, at: usize) -> usize {
        self.text[..at].chars().count() + 1
    }

    fn unexpected(&mut self, expected: &'static str) -> CellError {
        let found = self.peek().map_or("the end".to_owned(), |c| format!("`{c}`"));
        CellError::Syntax { expected, found, at: self.place(self.at) }
    }

    /// A list in brackets, each item read by `item`.
    fn list(&mut self, mut item: impl FnMut(&mut Self, usize) -> Result<(), CellError>) -> Result<(), CellError> {
        self.expect('[', "`[`")?;
        for index in 0.. {
            if self.eat(']') {
                break;
            }
            item(self, index)?;
            if !self.eat(',') {
                self.expect(']', "`,` or `]`")?;
                break;
            }
        }
        Ok(())
    }

    /// The square matrix: number of vertices and adjacency bits.
    fn matrix(&mut self) -> Result<(usize, u32), CellError> {
        let (mut adj, mut rows, mut columns) = (0, 0, None);
        self.list(|reader, row| {
            let start = reader.next_at();
            let mut found = 0;
            reader.list(|reader, column| {
                let at = reader.next_at();
                let set = if reader.eat('1') {
                    true
                } else if reader.eat('0') {
                    false
                } else {
                    return Err(reader.unexpected("`0` or `1`"));
                };
                if set && column <= row {
                    return Err(CellError::LowerTriangle { row, column, at: reader.place(at) });
                }
                // Larger matrices are refused below; their bits have no place.
                if set && column < MAX_VERTICES {
                    adj |= 1 << (column_start(column) + row);
                }
                found += 1;
                Ok(())
            })?;
            let expected = *columns.get_or_insert(found);
            if found != expected {
                return Err(CellError::Row { row, found, expected, at: reader.place(start) });
            }
            rows += 1;
            Ok(())
        })?;
        let columns = columns.unwrap_or(0);
        if rows != columns {
            return Err(CellError::Square { rows, columns });
        }
        if !(2..=MAX_VERTICES).contains(&rows) {
            return Err(CellError::Vertices { found: rows });
        }
        Ok((rows, adj))
    }

    /// The list of operations of `n` vertices, `input` and `output` left out.
    fn ops(&mut self, n: usize) -> Result<Vec<Op101>, CellError> {
        let mut ops = Vec::new();
        let mut count = 0;
        self.list(|reader, index| {
            let at = reader.next_at();
            let name = reader.name()?;
            count += 1;
            let wrong = |expected| CellError::Op { index, found: name.to_owned(), expected, at: reader.place(at) };
            match (index, name) {
                (0, "input") => {}
                (0, _) => return Err(wrong(Some("input"))),
                (i, "output") if i == n - 1 => {}
                (i, _) if i == n - 1 => return Err(wrong(Some("output"))),
                _ => ops.push(Op101::from_name(name).ok_or_else(|| wrong(None))?),
            }
            Ok(())
        })?;
        if count != n {
            return Err(CellError::Ops { found: count.saturating_sub(2), expected: n - 2 });
        }
        Ok(ops)
    }

    /// A name, bare or in quotes.
    fn name(&mut self) -> Result<&'a str, CellError> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\''));
        self.at += quote.map_or(0, char::len_utf8);
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.unexpected("the name of an operation"));
        }
        self.at += length;
        if let Some(quote) = quote {
            self.expect(quote, "the closing quote")?;
        }
        Ok(&rest[..length])
    }
}
