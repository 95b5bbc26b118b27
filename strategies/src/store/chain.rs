//! The checksums of a journal: each line's covers the line and, by the checksum before it, all lines before.
//!
//! The last key of a line is `sum`: the first 16 hexadecimal digits of the SHA-256 of the `sum` of the line before (of the
//! header nothing), followed by the line up to the comma before `"sum"`. A changed byte, and a line that is missing,
//! doubled or out of place, is noticed in the first line that is not as it was written.

use sha2::{Digest, Sha256};

const KEY: &[u8] = b",\"sum\":\"";
const END: &[u8] = b"\"}";
const DIGITS: usize = 16;

/// The checksum of the last line, in hexadecimal digits; before the header there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain(Option<[u8; DIGITS]>);

impl Chain {
    fn next(self, content: &[u8]) -> [u8; DIGITS] {
        let mut hash = Sha256::new();
        hash.update(self.0.as_ref().map_or(&[][..], |sum| sum));
        hash.update(content);
        let digest = hash.finalize();
        let mut digits = [0; DIGITS];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(digest.iter()) {
            pair.copy_from_slice(&[
                b"0123456789abcdef"[usize::from(byte >> 4)],
                b"0123456789abcdef"[usize::from(byte & 15)],
            ]);
        }
        digits
    }

    /// Ends a line that holds an object: adds its checksum and the line break. Returns what the next line goes on from.
    pub(super) fn seal(self, line: &mut Vec<u8>) -> Self {
        let brace = line.pop();
        debug_assert_eq!(brace, Some(b'}'), "a line is an object");
        let sum = self.next(line);
        line.extend_from_slice(KEY);
        line.extend_from_slice(&sum);
        line.extend_from_slice(END);
        line.push(b'\n');
        Self(Some(sum))
    }

    /// Checks a line without its line break. Returns the object without its checksum, and what the next line goes on from;
    /// or what is wrong.
    pub(super) fn check(self, line: &[u8]) -> Result<(Vec<u8>, Self), String> {
        let parts = line.strip_suffix(END).and_then(|rest| {
            let (rest, sum) = rest.split_last_chunk::<DIGITS>()?;
            Some((rest.strip_suffix(KEY)?, *sum))
        });
        let (content, sum) = parts.ok_or("the line is not as it was written: it does not end in a checksum")?;
        if sum != self.next(content) {
            return Err("the line, or one before it, is not as it was written: its checksum is another".into());
        }
        Ok(([content, b"}"].concat(), Self(Some(sum))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_is_read_back_and_a_changed_one_is_not() {
        let (mut first, mut second) = (b"{\"a\":1}".to_vec(), b"{\"b\":2}".to_vec());
        let chain = Chain::default().seal(&mut first);
        chain.seal(&mut second);
        // printf '{"a":1' | sha256sum
        assert_eq!(first, b"{\"a\":1,\"sum\":\"8b0f0d75aabe01bb\"}\n".to_vec());
        let (content, read) = Chain::default().check(&first[..first.len() - 1]).expect("as it was written");
        assert_eq!((content.as_slice(), read), (&b"{\"a\":1}"[..], chain));
        let line = &second[..second.len() - 1];
        chain.check(line).expect("as it was written");
        assert!(Chain::default().check(line).is_err(), "the line before is missing");
        for i in 0..line.len() {
            for bit in 0..8 {
                let mut changed = line.to_vec();
                changed[i] ^= 1 << bit;
                assert!(chain.check(&changed).is_err(), "bit {bit} of byte {i}");
            }
        }
    }
}
