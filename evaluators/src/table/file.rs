//! An embedded table file: what it is, where it is from, and how it is checked.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::read::GzDecoder;

use super::TableError;
use super::rows::Rows;
use crate::digest;

/// A gzip-compressed CSV file with a header line, known to the last bit.
#[derive(Debug)]
#[non_exhaustive]
pub struct TableFile {
    /// Name of the table, as it is written in options.
    pub name: &'static str,
    /// Name of the file in `evaluators/data`.
    pub file: &'static str,
    /// The compressed bytes.
    pub bytes: &'static [u8],
    /// SHA-256 of the compressed bytes, in lower-case hexadecimal.
    pub sha256: &'static str,
    /// Number of rows, without the header.
    pub rows: usize,
    /// Licence of the data.
    pub licence: &'static str,
    /// Where the data is from.
    pub source: &'static str,
}

impl TableFile {
    /// Checks the embedded bytes: their SHA-256, and that they inflate to as many rows as they
    /// should, each with a field for each name in the header.
    ///
    /// # Errors
    /// When one of these is not so.
    pub fn verify(&'static self) -> Result<(), TableError> {
        self.load(|rows| rows.skim())
    }

    /// Checks a file of the user's in the same way.
    ///
    /// # Errors
    /// When it can't be read, or isn't this table.
    pub fn verify_path(&'static self, path: &Path) -> Result<(), TableError> {
        self.load_path(path, |rows| rows.skim())
    }

    /// Checks the embedded bytes and has `read` make a table of their rows.
    pub(super) fn load<T>(
        &'static self,
        read: impl FnOnce(&mut Rows<'_>) -> Result<T, TableError>,
    ) -> Result<T, TableError> {
        self.check(self.bytes, || "the embedded file".to_owned())?;
        self.decode(self.bytes, read)
    }

    /// Does the same with a file of the user's.
    pub(super) fn load_path<T>(
        &'static self,
        path: &Path,
        read: impl FnOnce(&mut Rows<'_>) -> Result<T, TableError>,
    ) -> Result<T, TableError> {
        let bytes = self.fetch(path).map_err(|source| TableError::Read {
            table: self.name,
            path: path.to_owned(),
            source: Arc::new(source),
        })?;
        self.check(&bytes, || path.display().to_string())?;
        self.decode(&bytes, read)
    }

    /// The bytes of `path`, at most one more than the table has: enough to see that it is another.
    fn fetch(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.bytes.len() + 1);
        File::open(path)?.take(self.bytes.len() as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn check(&self, bytes: &[u8], origin: impl FnOnce() -> String) -> Result<(), TableError> {
        let found = digest::sha256(bytes);
        if found == self.sha256 {
            return Ok(());
        }
        Err(TableError::Checksum { table: self.name, origin: origin(), expected: self.sha256, found })
    }

    fn decode<T>(
        &'static self,
        bytes: &[u8],
        read: impl FnOnce(&mut Rows<'_>) -> Result<T, TableError>,
    ) -> Result<T, TableError> {
        let text =
            inflate(bytes).map_err(|source| TableError::Inflate { table: self.name, source: Arc::new(source) })?;
        let mut rows = Rows::new(self.name, &text);
        let table = read(&mut rows)?;
        let found = rows.count();
        if found != self.rows {
            return Err(TableError::Rows { table: self.name, expected: self.rows, found });
        }
        Ok(table)
    }
}

/// Inflates a gzip file of one member.
fn inflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // The last four bytes are the inflated size; the bytes were checked before, so it is true.
    let size = bytes.last_chunk().map_or(0, |tail| u32::from_le_bytes(*tail));
    let mut text = vec![0; size as usize];
    let mut decoder = GzDecoder::new(bytes);
    decoder.read_exact(&mut text)?;
    // The end has to be read too: that is when the decoder compares its own checksum.
    match decoder.read(&mut [0])? {
        0 => Ok(text),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "more data than the file says")),
    }
}

/// Declares the [`TableFile`] static of a file in `data/`.
macro_rules! table_file {
    ($(#[$doc:meta])* $static:ident = { $name:literal, $file:literal, $rows:literal, $sha256:literal, $licence:literal, $source:literal $(,)? }) => {
        $(#[$doc])*
        pub static $static: $crate::table::TableFile = $crate::table::TableFile {
            name: $name,
            file: $file,
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/", $file)),
            sha256: $sha256,
            rows: $rows,
            licence: $licence,
            source: $source,
        };
    };
}

pub(super) use table_file;

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast())
            .read_to_end(&mut out)
            .expect("memory");
        out
    }

    fn file(text: &str, rows: usize) -> &'static TableFile {
        let bytes: &'static [u8] = gzip(text).leak();
        let sha256 = digest::sha256(bytes);
        Box::leak(Box::new(TableFile {
            name: "tiny",
            file: "tiny.csv.gz",
            bytes,
            sha256: sha256.leak(),
            rows,
            licence: "none needed",
            source: "this test",
        }))
    }

    fn numbers(rows: &mut Rows<'_>) -> Result<Vec<u32>, TableError> {
        rows.expect_header("a")?;
        let mut out = Vec::new();
        while rows.advance()? {
            out.push(rows.natural()?);
        }
        Ok(out)
    }

    #[test]
    fn rows_are_counted() {
        assert_eq!(file("a\n1\n2\n", 2).load(numbers).expect("two rows"), [1, 2]);
        let error = file("a\n1\n2\n", 3).load(numbers).expect_err("a row is missing");
        assert!(error.to_string().contains("2 rows, expected 3"), "{error}");
    }

    #[test]
    fn a_changed_bit_is_found_before_inflating() {
        let good = file("a\n1\n2\n", 2);
        let mut bytes = good.bytes.to_vec();
        bytes[12] ^= 1;
        let bad: &'static TableFile = Box::leak(Box::new(TableFile { bytes: bytes.leak(), ..*good }));
        let error = bad.load(numbers).expect_err("damaged");
        assert!(matches!(error, TableError::Checksum { .. }), "{error}");
        assert!(error.to_string().contains("the embedded file has SHA-256"), "{error}");
    }

    #[test]
    fn paths_are_checked_the_same_way() {
        let table = file("a\n1\n2\n", 2);
        let folder = std::env::temp_dir().join(format!("lanista-table-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("tiny.csv.gz");
        std::fs::write(&path, table.bytes).expect("a file");
        assert_eq!(table.load_path(&path, numbers).expect("the same bytes"), [1, 2]);
        std::fs::write(&path, gzip("a\n1\n3\n")).expect("a file");
        let error = table.load_path(&path, numbers).expect_err("another table");
        assert!(error.to_string().contains("tiny.csv.gz has SHA-256"), "{error}");
        std::fs::remove_dir_all(&folder).expect("ours");
        let error = table.load_path(&path, numbers).expect_err("it is gone");
        assert!(matches!(error, TableError::Read { .. }), "{error}");
    }
}
