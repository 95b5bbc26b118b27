//! The conformance suite of spaces and mutators: what a researcher applies to one of their own.

use crate::chooser::{Enumerate, Random, Replay};
use crate::sample::Sample;
use crate::space::{Size, Space};
use ir::GraphHash;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Spaces of at most this many samples are enumerated.
const MAX_ENUMERATED: u128 = 5_000;

/// Applies the suite to a space, as a module of tests. A mutator of one's own is tested as the space of a base module
/// with the mutator.
///
/// ```
/// mod toy {
///     mutators::space_conformance!(mutators::spaces::build("toy").expect("the space builds"));
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! space_conformance {
    ($space:expr) => {
        #[test]
        fn every_sample_verifies() {
            $crate::conformance::every_sample_verifies(&$space);
        }
        #[test]
        fn base_is_unchanged() {
            $crate::conformance::base_is_unchanged(&$space);
        }
        #[test]
        fn replay_gives_the_same_network() {
            $crate::conformance::replay_gives_the_same_network(&$space);
        }
        #[test]
        fn printed_samples_parse_back() {
            $crate::conformance::printed_samples_parse_back(&$space);
        }
        #[test]
        fn every_decision_is_reached() {
            $crate::conformance::every_decision_is_reached(&$space);
        }
        #[test]
        fn enumeration_agrees_with_the_size() {
            $crate::conformance::enumeration_agrees_with_the_size(&$space);
        }
        #[test]
        fn edits_stay_in_the_space() {
            $crate::conformance::edits_stay_in_the_space(&$space);
        }
    };
}

fn samples(space: &Space, n: u64) -> Vec<Sample> {
    let mut rng = ChaCha8Rng::seed_from_u64(0x5eed);
    (0..n)
        .map(|_| space.sample(&mut rng).unwrap_or_else(|e| panic!("drawing a sample of `{}`: {e}", space.name())))
        .collect()
}

fn hash(space: &Space, sample: &Sample) -> GraphHash {
    space.program(sample).unwrap_or_else(|e| panic!("`{sample}`: {e}")).hash()
}

/// Every drawn sample gives a network without decisions that verifies, and is the elaborated one.
///
/// # Panics
/// If one does not.
pub fn every_sample_verifies(space: &Space) {
    for sample in samples(space, 20) {
        let module = space.module(&sample).unwrap_or_else(|e| panic!("`{sample}`: {e}"));
        assert!(module.decisions.is_empty(), "`{sample}` leaves decisions open");
        let program = ir::verify(&module).unwrap_or_else(|e| panic!("`{sample}`: {e}"));
        assert_eq!(program.hash(), hash(space, &sample), "`{sample}`: the module and its program differ");
    }
}

/// Mutating leaves the base module as it was.
///
/// # Panics
/// If it does not.
pub fn base_is_unchanged(space: &Space) {
    let before = space.base().to_string();
    for sample in samples(space, 5) {
        space.module(&sample).unwrap_or_else(|e| panic!("`{sample}`: {e}"));
    }
    assert_eq!(space.base().to_string(), before);
}

/// What was recorded under a random chooser gives the same network when it is replayed.
///
/// # Panics
/// If it does not.
pub fn replay_gives_the_same_network(space: &Space) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut checked = 0;
    for _ in 0..1_000 {
        let Ok((recorded, first)) = space.record(&mut Random::new(&mut rng)) else { continue };
        let (again, second) = space.record(&mut Replay::new(&recorded)).unwrap_or_else(|e| panic!("`{recorded}`: {e}"));
        assert_eq!(recorded, again);
        let hash = |m: &ir::Module| ir::verify(m).unwrap_or_else(|e| panic!("`{recorded}`: {e}")).hash();
        assert_eq!(hash(&first), hash(&second), "`{recorded}`");
        checked += 1;
        if checked == 10 {
            return;
        }
    }
    assert!(checked > 0, "no random sample of `{}` gives a network", space.name());
}

/// A printed sample, and its genotype if there is a notation, read back as the same sample.
///
/// # Panics
/// If one does not.
pub fn printed_samples_parse_back(space: &Space) {
    for sample in samples(space, 50) {
        let text = sample.to_string();
        let parsed: Sample = text.parse().unwrap_or_else(|e| panic!("`{text}`: {e}"));
        let bound = space.bind(&parsed).unwrap_or_else(|e| panic!("`{text}`: {e}"));
        assert_eq!(bound.to_string(), text);
        assert_eq!(bound, sample);
        if let Some(genotype) = space.genotype(&sample) {
            let read = space.parse_genotype(&genotype).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(space.genotype(&read), Some(genotype), "`{text}`");
        }
    }
}

/// Every decision takes at least two values among 500 draws, unless it has one; inactive ones have none. Of a pool, whose
/// members may have values in common, there is more than one sample.
///
/// # Panics
/// If a decision is never reached.
pub fn every_decision_is_reached(space: &Space) {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for sample in samples(space, 500) {
        for (label, value) in sample.pairs() {
            let values = seen.entry(label.to_string()).or_default();
            let value = value.to_string();
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    if let Some(pool) = space.pool() {
        let varied = seen.values().any(|values| values.len() > 1);
        assert!(varied || pool.members() < 2, "500 draws from the pool give one sample");
        return;
    }
    for slot in space.schema().iter().flat_map(|s| s.slots()) {
        let values = seen.get(slot.label.as_str()).map_or(0, Vec::len);
        let wanted = if slot.size == Some(1) { 1 } else { 2 };
        assert!(values >= wanted, "decision `{}` takes {values} values in 500 samples", slot.label);
    }
}

/// Enumeration yields as many distinct legal samples as the space counts; a dynamic space's tree of choices ends.
///
/// # Panics
/// If the numbers differ.
pub fn enumeration_agrees_with_the_size(space: &Space) {
    if space.is_dynamic() {
        let mut chooser = Enumerate::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..MAX_ENUMERATED {
            let (sample, _) = space.record(&mut chooser).unwrap_or_else(|e| panic!("{e}"));
            assert!(seen.insert(sample.to_string()), "`{sample}` is enumerated twice");
            if !chooser.advance() {
                return;
            }
        }
        return;
    }
    match space.size() {
        Size::Exactly(n) if n <= MAX_ENUMERATED => {
            let mut seen = std::collections::HashSet::new();
            for sample in space.enumerate(0).unwrap_or_else(|e| panic!("{e}")) {
                let sample = sample.unwrap_or_else(|e| panic!("{e}"));
                if let Some(pool) = space.pool() {
                    let (own, stands) = (pool.member(&sample), seen.len() as u64);
                    assert_eq!(own, Some(stands), "`{sample}` does not stand for member {stands} of the pool");
                }
                assert!(seen.insert(sample.to_string()), "`{sample}` is enumerated twice");
            }
            assert_eq!(seen.len() as u128, n, "enumerated against counted");
        }
        Size::Exactly(_) | Size::AtMost(_) => {
            // Too many to list: the first ones must be distinct and legal.
            let mut seen = std::collections::HashSet::new();
            for sample in space.enumerate(0).unwrap_or_else(|e| panic!("{e}")).take(200) {
                let sample = sample.unwrap_or_else(|e| panic!("{e}"));
                space.check(&sample).unwrap_or_else(|e| panic!("`{sample}`: {e}"));
                assert!(seen.insert(sample.to_string()), "`{sample}` is enumerated twice");
            }
        }
        Size::Unbounded => {}
    }
}

/// An edit gives another legal sample whose network verifies. Where there is more than one sample some can be edited, and
/// none that has neighbours cannot.
///
/// # Panics
/// If it does not.
pub fn edits_stay_in_the_space(space: &Space) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let starts = samples(space, 20);
    let mut walked = false;
    for start in &starts {
        let mut sample = start.clone();
        for _ in 0..3 {
            let edited = match space.edit(&sample, &mut rng) {
                Ok(edited) => edited,
                Err(e) => {
                    let stuck = space.is_dynamic()
                        || space.neighbours(&sample).is_ok_and(|near| near.legal(space).next().is_none());
                    assert!(stuck, "`{sample}` has neighbours and no edit: {e}");
                    break;
                }
            };
            assert_ne!(edited, sample, "an edit changed nothing");
            space.check(&edited).unwrap_or_else(|e| panic!("`{edited}`: {e}"));
            space.program(&edited).unwrap_or_else(|e| panic!("`{edited}`: {e}"));
            (walked, sample) = (true, edited);
        }
    }
    let one = starts.windows(2).all(|two| two[0] == two[1]);
    assert!(walked || one, "no edit leads from any of {} samples of `{}`", starts.len(), space.name());
}
