//! Reads the rows of an inflated CSV file, field by field, without allocating.
//!
//! The files are the project's own or checked by their hash, so the format is the plain one: no
//! quotes, `\n` after every row. What deviates is an error with its place, never a panic.

use super::TableError;

/// Powers of ten that an `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Powers of ten, to make room for up to eight digits.
const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Value and number of the digits that eight characters begin with.
///
/// All eight are looked at as one word: a loop that ends at the first other character ends at
/// an unforeseeable place, and the mispredicted branch costs more than all the arithmetic.
#[inline]
fn leading_digits(chunk: [u8; 8]) -> (u64, usize) {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    // Digits become 0 to 9. What isn't one has its top bit set here, or gets it by adding 0x76.
    // Such a sum may carry, but only into characters after it, which don't count any more.
    let word = u64::from_le_bytes(chunk) ^ (EACH * 0x30);
    let others = (word | word.wrapping_add(EACH * 0x76)) & (EACH * 0x80);
    let length = others.trailing_zeros() as usize / 8;
    if length == 0 {
        return (0, 0);
    }
    // The first character is in the lowest byte: shifted up, it has zeros before it, and the
    // characters after the digits are gone.
    let word = word << (64 - 8 * length);
    // Add neighbours up, to numbers of two, four, then eight digits.
    let word = word.wrapping_mul(10).wrapping_add(word >> 8) & 0x00ff_00ff_00ff_00ff;
    let word = word.wrapping_mul(100).wrapping_add(word >> 16) & 0x0000_ffff_0000_ffff;
    let word = word.wrapping_mul(10_000).wrapping_add(word >> 32) & 0xffff_ffff;
    (word, length)
}

/// A cursor over the fields. Read the header, then call [`advance`](Self::advance) before each
/// row and one of the field methods for each of its fields.
pub(super) struct Rows<'a> {
    table: &'static str,
    text: &'a [u8],
    /// Start of the next field.
    at: usize,
    /// Rows begun.
    rows: usize,
    /// Fields of the row that were read.
    fields: usize,
    /// Whether the last field read was its row's last.
    ended: bool,
}

impl<'a> Rows<'a> {
    pub fn new(table: &'static str, text: &'a [u8]) -> Self {
        Rows { table, text, at: 0, rows: 0, fields: 0, ended: false }
    }

    /// Rows begun so far, without the header.
    pub fn count(&self) -> usize {
        self.rows
    }

    /// The names in the header line.
    pub fn header(&mut self) -> Result<Vec<&'a str>, TableError> {
        let mut names = Vec::new();
        while !self.ended {
            let name = self.field()?;
            names.push(std::str::from_utf8(name).map_err(|_| self.wrong("a name", name))?);
        }
        Ok(names)
    }

    /// Reads the header line, which must be `expected`.
    pub fn expect_header(&mut self, expected: &'static str) -> Result<(), TableError> {
        for wanted in expected.split(',') {
            let name = self.field()?;
            if name != wanted.as_bytes() {
                return Err(self.wrong(wanted, name));
            }
        }
        Ok(())
    }

    /// Reads everything, header included, and looks at nothing but the number of fields.
    pub fn skim(&mut self) -> Result<(), TableError> {
        let fields = self.header()?.len();
        while self.advance()? {
            for _ in 0..fields {
                self.field()?;
            }
        }
        Ok(())
    }

    /// Goes to the next row; false at the end of the file.
    pub fn advance(&mut self) -> Result<bool, TableError> {
        if !self.ended {
            let rest = self.field()?;
            return Err(self.wrong("the end of the line", rest));
        }
        if self.at == self.text.len() {
            return Ok(false);
        }
        self.rows += 1;
        self.fields = 0;
        self.ended = false;
        Ok(true)
    }

    /// The next field of the row, as it is.
    #[inline]
    pub fn field(&mut self) -> Result<&'a [u8], TableError> {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|&b| b == b',' || b == b'\n');
        let Some(length) = length.filter(|_| !self.ended) else {
            self.fields += 1;
            return Err(self.wrong("a field", b"the end of the line"));
        };
        self.fields += 1;
        self.ended = rest[length] == b'\n';
        self.at += length + 1;
        Ok(&rest[..length])
    }

    /// The digits from `at` on, put behind those of `value` (the result wraps around if they are
    /// too many), and the place after them.
    #[inline]
    fn digits(&self, mut at: usize, mut value: u64) -> (u64, usize) {
        while let Some(chunk) = self.text.get(at..).and_then(<[u8]>::first_chunk) {
            let (digits, length) = leading_digits(*chunk);
            value = value.wrapping_mul(TENS[length]).wrapping_add(digits);
            at += length;
            if length < 8 {
                return (value, at);
            }
        }
        while let Some(digit) = self.text.get(at).map(|byte| byte.wrapping_sub(b'0')) {
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        (value, at)
    }

    /// Takes the field that ends before `at`, if a field does end there.
    #[inline]
    fn ends_at(&mut self, at: usize) -> bool {
        let ends = match self.text.get(at) {
            Some(b',' | b'\n') if self.ended => false,
            Some(b',') => true,
            Some(b'\n') => {
                self.ended = true;
                true
            }
            _ => false,
        };
        if ends {
            self.at = at + 1;
            self.fields += 1;
        }
        ends
    }

    /// The error for a field that is not what was `expected`.
    #[cold]
    fn refuse(&mut self, expected: &'static str) -> TableError {
        match self.field() {
            Ok(field) => self.wrong(expected, field),
            Err(error) => error,
        }
    }

    /// The next field as a natural number.
    #[inline]
    pub fn natural(&mut self) -> Result<u32, TableError> {
        let (value, end) = self.digits(self.at, 0);
        // Nine digits always fit.
        if matches!(end - self.at, 1..=9) && self.ends_at(end) {
            return Ok(value as u32);
        }
        Err(self.refuse("a natural number of at most 9 digits"))
    }

    /// The next field as a decimal number.
    #[inline]
    pub fn decimal(&mut self) -> Result<f64, TableError> {
        self.decimal_or_missing(0)?.ok_or_else(|| self.wrong("a decimal number", b""))
    }

    /// The next field as a fraction, in percent: its decimal point is moved by two places.
    #[inline]
    pub fn percent(&mut self) -> Result<f64, TableError> {
        self.decimal_or_missing(2)?.ok_or_else(|| self.wrong("a decimal number", b""))
    }

    /// The next field as a decimal number times `10^shift`; `None` when it is empty.
    ///
    /// Digits are gathered in an integer, then divided by a power of ten. Both are exact, so the
    /// one division rounds correctly, to the very number that `str::parse` gives.
    #[inline]
    pub fn decimal_or_missing(&mut self, shift: usize) -> Result<Option<f64>, TableError> {
        let start = self.at;
        let (mut value, mut end) = self.digits(start, 0);
        let (mut digits, mut places) = (end - start, 0);
        let point = self.text.get(end) == Some(&b'.');
        if point {
            let whole = end + 1;
            (value, end) = self.digits(whole, value);
            places = end - whole;
            digits += places;
        }
        // Fifteen digits are exact in an `f64`, and too few to wrap around.
        if digits > 15 || (digits == 0 && point) || !self.ends_at(end) {
            return Err(self.refuse("a decimal number of at most 15 digits"));
        }
        Ok(match digits {
            0 => None,
            _ if places >= shift => Some(value as f64 / POWERS[places - shift]),
            _ => Some(value as f64 * POWERS[shift - places]),
        })
    }

    /// The error that the field read last is not what was `expected`.
    #[cold]
    pub fn wrong(&self, expected: &'static str, found: &[u8]) -> TableError {
        TableError::Field {
            table: self.table,
            line: self.rows + 1,
            field: self.fields,
            expected,
            found: String::from_utf8_lossy(&found[..found.len().min(40)]).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decimals_are_those_of_the_standard_library(whole in 0..999_999u32, places in 0..8usize, fraction in any::<u32>()) {
            let fraction = format!("{fraction:010}");
            let text = format!("{whole}.{}", &fraction[..places]);
            let line = format!("{text},0{text}\n");
            let mut rows = Rows::new("t", line.as_bytes());
            let exact: f64 = text.parse().expect("a number");
            prop_assert_eq!(rows.decimal().expect("a number"), exact);
            let shifted: f64 = format!("{text}e2").parse().expect("a number");
            prop_assert_eq!(rows.percent().expect("a number"), shifted);
        }

        #[test]
        fn naturals_read_back(a in 0..1_000_000_000u32, b in 0..100_000u32, zeros in 0..4usize) {
            let line = format!("{a},{}{b}\n", "0".repeat(zeros));
            let mut rows = Rows::new("t", line.as_bytes());
            prop_assert_eq!(rows.natural().expect("a number"), a);
            prop_assert_eq!(rows.natural().expect("a number"), b);
            prop_assert!(rows.natural().is_err());
        }

        #[test]
        fn leading_digits_are_those_of_a_loop(chunk in any::<[u8; 8]>(), digits in 0..9usize) {
            let mut chunk = chunk;
            for byte in &mut chunk[..digits] {
                *byte = b'0' + *byte % 10;
            }
            let taken: Vec<u64> =
                chunk.iter().map(|b| u64::from(b.wrapping_sub(b'0'))).take_while(|d| *d < 10).collect();
            let value = taken.iter().fold(0, |value, digit| value * 10 + digit);
            prop_assert_eq!(leading_digits(chunk), (value, taken.len()));
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(prop::sample::select(b"019.,\nx-\xff".to_vec()), 0..60)) {
            let mut rows = Rows::new("t", &bytes);
            let _ = rows.header();
            while let Ok(true) = rows.advance() {
                let _ = rows.natural();
                let _ = rows.decimal_or_missing(2);
            }
        }
    }

    #[test]
    fn errors_have_a_place() {
        let mut rows = Rows::new("t", b"a,b\n1,2\n3,x\n");
        rows.expect_header("a,b").expect("the header");
        assert!(rows.advance().expect("a row"));
        assert_eq!((rows.natural().expect("a"), rows.natural().expect("b")), (1, 2));
        assert!(rows.advance().expect("a row"));
        rows.natural().expect("a");
        let error = rows.natural().expect_err("x").to_string();
        assert!(error.contains("table `t`, line 3, field 2: expected a natural number"), "{error}");

        for (text, expected) in [
            (&b"b\n"[..], "line 1, field 1: expected a, found `b`"),
            (b"a\n1,2\n", "line 2, field 2: expected the end of the line, found `2`"),
            (b"a\n1", "line 2, field 1: expected a field"),
            (b"a\n\n", "line 2, field 1: expected a natural number of at most 9 digits, found ``"),
            (b"a\n4294967296\n", "expected a natural number of at most 9 digits, found `4294967296`"),
        ] {
            let mut rows = Rows::new("t", text);
            let error = (|| {
                rows.expect_header("a")?;
                while rows.advance()? {
                    rows.natural()?;
                }
                Ok::<(), TableError>(())
            })()
            .expect_err("malformed")
            .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
