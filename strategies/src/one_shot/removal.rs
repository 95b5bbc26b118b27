//! Reading an architecture off a trained supernet by what it misses most.
//!
//! Decisions are made one after another in a random order, layer choices and depths first, inputs then. Of a layer choice
//! that candidate is kept without which the accuracy on what is held out is lowest; of inputs the one is dropped, again and
//! again, that is missed least. Between two decisions the supernet is tuned. Wang et al. 2021, "Rethinking Architecture
//! Selection in Differentiable NAS".

use super::OneShotError;
use super::choice::{Choice, Kind};
use super::mixture::Drawn;
use super::supernet::Supernet;
use codegen::init::stream;
use mutators::draw;

/// How an architecture is read off what was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOff {
    /// By the strength of each candidate.
    Strength,
    /// By what the supernet misses most, after it is trained.
    Removal {
        /// Epochs of tuning between two decisions.
        tune: u32,
    },
}

/// Batches over which running statistics are taken without a candidate.
const RECALIBRATED: usize = 20;

/// The decisions in the order in which they are made; none where strength decides.
pub(super) fn order(read_off: ReadOff, choices: &[Choice], seed: u64) -> Vec<usize> {
    if read_off == ReadOff::Strength {
        return Vec::new();
    }
    let mut rng = stream(seed, &[b"removal"]);
    let is_input = |i: &usize| matches!(choices[*i].kind, Kind::Inputs { .. });
    let (mut inputs, mut order): (Vec<usize>, Vec<usize>) = (0..choices.len()).partition(is_input);
    for part in [&mut order, &mut inputs] {
        for i in (1..part.len()).rev() {
            part.swap(i, draw::below(&mut rng, i as u64 + 1) as usize);
        }
    }
    order.extend(inputs);
    order
}

/// The candidates of a decision that are kept, where all decisions are as drawn.
pub(super) fn decide(
    net: &mut Supernet,
    settled: &[Option<Drawn>],
    decision: usize,
) -> Result<Vec<usize>, OneShotError> {
    let choice = net.choices()[decision].clone();
    let feeds = net.choices().iter().any(|c| c.feeds.contains(&Some(decision)));
    let mut among = |arms: &[usize]| -> Result<Worth, OneShotError> {
        let mut drawn = settled.to_vec();
        drawn[decision] = Some(match &settled[decision] {
            Some(drawn) => drawn.clone().among(arms.to_vec()),
            None => Drawn::taken(arms),
        });
        let selection = net.selection(&drawn)?;
        let score = net.measure_recalibrated(&selection, RECALIBRATED)?;
        Ok((net.worth(score.loss, score.accuracy / 100.0), -score.loss))
    };
    match choice.kind {
        Kind::Layer | Kind::Depth | Kind::Number => {
            Ok(vec![most_missed(&candidates(&choice, feeds), choice.arms.len(), &mut among)?])
        }
        Kind::Inputs { min, max } => least_missed_dropped(choice.arms.len(), (min, max), &mut among),
    }
}

/// What may be kept: never zero where an input choice follows, as strength has it.
fn candidates(choice: &Choice, feeds: bool) -> Vec<usize> {
    let counts = |a: &usize| !(feeds && choice.arms[*a].is_zero && choice.arms.len() > 1);
    (0..choice.arms.len()).filter(counts).collect()
}

/// What a supernet is worth, and among equals how low its loss is: the greater, the better.
type Worth = (f64, f64);

/// How good the supernet is with some candidates of a decision alone.
type Among<'a> = &'a mut dyn FnMut(&[usize]) -> Result<Worth, OneShotError>;

/// Of some candidates out of `arms` the one that is missed most, the first among equals.
fn most_missed(candidates: &[usize], arms: usize, among: Among<'_>) -> Result<usize, OneShotError> {
    let mut found: Option<(usize, Worth)> = None;
    for out in candidates.iter().copied().filter(|_| candidates.len() > 1) {
        let left: Vec<usize> = (0..arms).filter(|a| *a != out).collect();
        let score = among(&left)?;
        if found.as_ref().is_none_or(|(_, worst)| score < *worst) {
            found = Some((out, score));
        }
    }
    Ok(found.map_or(candidates[0], |(arm, _)| arm))
}

/// The inputs that are left when the one that is missed least is dropped down to `max`, and down to `min` as long as the
/// supernet is no worse without it.
fn least_missed_dropped(arms: usize, (min, max): (usize, usize), among: Among<'_>) -> Result<Vec<usize>, OneShotError> {
    let mut kept: Vec<usize> = (0..arms).collect();
    while kept.len() > min.max(1) {
        let mut found: Option<(usize, Worth)> = None;
        for out in kept.clone() {
            let left: Vec<usize> = kept.iter().copied().filter(|a| *a != out).collect();
            let score = among(&left)?;
            if found.as_ref().is_none_or(|(_, best)| *best < score) {
                found = Some((out, score));
            }
        }
        let (out, score) = found.expect("invariant: there is an input to drop");
        if kept.len() <= max && score < among(&kept)? {
            break;
        }
        kept.retain(|a| *a != out);
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::super::choice::Arm;
    use super::*;
    use ir::Name;

    /// Accuracies that add up over what is there.
    fn sums<'a>(worth: &'a [f64]) -> impl FnMut(&[usize]) -> Result<Worth, OneShotError> + 'a {
        |arms| {
            let sum = arms.iter().map(|a| worth[*a]).sum();
            Ok((sum, sum))
        }
    }

    #[test]
    fn what_is_missed_most_is_kept() {
        let worth = [3.0, 1.0, 7.0, 5.0];
        assert_eq!(most_missed(&[0, 1, 2, 3], 4, &mut sums(&worth)).expect("measured"), 2);
        assert_eq!(most_missed(&[0, 1, 3], 4, &mut sums(&worth)).expect("measured"), 3, "the third may not be kept");
        assert_eq!(most_missed(&[1], 4, &mut |_| panic!("nothing to measure")).expect("no choice"), 1);
    }

    #[test]
    fn what_is_missed_least_is_dropped() {
        let worth = [3.0, 1.0, 7.0, -5.0];
        let kept = |limits, worth: &[f64]| least_missed_dropped(4, limits, &mut sums(worth)).expect("measured");
        assert_eq!(kept((2, 2), &worth), [0, 2]);
        assert_eq!(kept((1, 4), &worth), [0, 1, 2], "where the number is open, what does harm goes alone");
        assert_eq!(kept((1, 2), &worth), [0, 2]);
        assert_eq!(kept((4, 4), &worth), [0, 1, 2, 3]);
        assert_eq!(kept((1, 1), &[1.0, 1.0, 1.0, 2.0]), [3]);
    }

    #[test]
    fn the_order_is_of_the_seed_and_inputs_come_last() {
        let arm = |i: usize| Arm { name: Name::new(i.to_string()), is_zero: i == 0, is_free: false };
        let choice = |kind| Choice { label: Name::new("x"), kind, arms: (0..3).map(arm).collect(), feeds: vec![] };
        let mut choices: Vec<Choice> = (0..3).map(|_| choice(Kind::Inputs { min: 2, max: 2 })).collect();
        choices.extend((0..6).map(|i| choice(if i % 2 == 0 { Kind::Layer } else { Kind::Depth })));
        let of = |seed| order(ReadOff::Removal { tune: 1 }, &choices, seed);
        for seed in 0..5 {
            let found = of(seed);
            assert_eq!(found, of(seed));
            assert!(found[..6].iter().all(|i| *i >= 3) && found[6..].iter().all(|i| *i < 3), "{found:?}");
        }
        assert!((1..5).any(|seed| of(seed) != of(0)));
        assert!(order(ReadOff::Strength, &choices, 0).is_empty());
        assert_eq!((candidates(&choices[4], true), candidates(&choices[4], false)), (vec![1, 2], vec![0, 1, 2]));
    }
}
