//! Files that are not as they were written.

use sha2::{Digest, Sha256};

/// A number that a seed determines, by SplitMix64 (Steele, Lea and Flood 2014).
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Damages a file in one of ten ways, and says in which. A seed gives the same damage again; the bytes always differ.
///
/// # Panics
/// If there is no byte.
#[must_use]
pub fn damaged(bytes: &[u8], seed: u64) -> (Vec<u8>, String) {
    let mut state = seed;
    loop {
        let (changed, how) = once(bytes, &mut state);
        if changed != bytes {
            return (changed, how);
        }
    }
}

fn once(bytes: &[u8], state: &mut u64) -> (Vec<u8>, String) {
    assert!(!bytes.is_empty(), "there is something to damage");
    let mut below = |n: usize| (draw(state) % n.max(1) as u64) as usize;
    let mut out = bytes.to_vec();
    let at = below(bytes.len());
    let end = (at + 1 + below(40)).min(bytes.len());
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let (line, other) = (below(lines.len()), below(lines.len()));
    // What is no text may have one line only, which has nothing to change places with.
    let how = match below(if lines.len() > 1 { 10 } else { 7 }) {
        0 => {
            let bit = below(8);
            out[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} is flipped")
        }
        1 => {
            out[at] = below(256) as u8;
            format!("byte {at} is {}", out[at])
        }
        2 => {
            out.drain(at..end);
            format!("bytes {at}..{end} are missing")
        }
        3 => {
            let more: Vec<u8> = (at..end).map(|_| below(256) as u8).collect();
            out.splice(at..at, more);
            format!("{} bytes stand before byte {at}", end - at)
        }
        4 => {
            out[at..end].fill(0);
            format!("bytes {at}..{end} are zero")
        }
        5 => {
            out.truncate(at);
            format!("the file ends at byte {at}")
        }
        // A number becomes another one: what reads like a file that was never damaged.
        6 => {
            let digits: Vec<usize> = (0..bytes.len()).filter(|i| bytes[*i].is_ascii_digit()).collect();
            let at = digits.get(below(digits.len())).copied().unwrap_or(at);
            out[at] = b'0' + below(10) as u8;
            format!("byte {at} is the digit {}", char::from(out[at]))
        }
        7 => {
            lines.remove(line);
            out = lines.concat();
            format!("line {} is missing", line + 1)
        }
        8 => {
            lines.swap(line, other);
            out = lines.concat();
            format!("lines {} and {} change places", line + 1, other + 1)
        }
        _ => {
            lines.insert(other, lines[line]);
            out = lines.concat();
            format!("line {} stands before line {} too", line + 1, other + 1)
        }
    };
    (out, how)
}

/// A journal with the checksums that its lines ought to have, as `docs/json.md` describes them: what somebody would write
/// who edits one by hand and knows how. A line without one gets one.
#[must_use]
pub fn resealed(journal: &str) -> String {
    const KEY: &str = ",\"sum\":\"";
    let (mut out, mut before) = (String::new(), String::new());
    for line in journal.lines() {
        let content = line.rfind(KEY).map_or_else(|| line.strip_suffix('}').unwrap_or(line), |at| &line[..at]);
        let digest = Sha256::digest(format!("{before}{content}"));
        before = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        out += &format!("{content}{KEY}{before}\"}}\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_damage_and_seeds_give_all_kinds() {
        let bytes = b"{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n";
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..400 {
            let (changed, how) = damaged(bytes, seed);
            assert_ne!(changed, bytes, "seed {seed}: {how}");
            assert_eq!(damaged(bytes, seed), (changed, how.clone()));
            kinds.insert(how.chars().filter(|c| !c.is_ascii_digit()).collect::<String>());
        }
        assert!(kinds.len() >= 10, "{kinds:?}");
    }
}
