//! Reading an architecture off a trained supernet by what it misses most.
//!
//! Decisions are made one after another in a random order, layer choices and depths first, inputs then. Of a layer choice
//! that candidate is kept without which the accuracy on what is held out is lowest; of inputs the one is dropped, again and
//! again, that is missed least. Between two decisions the supernet is tuned. Wang et al. 2021, "Rethinking Architecture
//! Selection in Differentiable NAS".

use super::OneShotError;
use super::choice::{Choice, Kind};
use super::learner::Learner;
use super::mixture::{Drawn, Mixture};
use super::strongest::Preference;
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

/// The candidates of a decision that are kept, where all decisions are as drawn: only such that some legal architecture has
/// them beside what is decided.
pub(super) fn decide(
    net: &mut Supernet,
    learner: &Learner,
    settled: &[Option<Drawn>],
    decision: usize,
    mixture: Mixture,
) -> Result<Vec<usize>, OneShotError> {
    let choices = net.choices().to_vec();
    let (choice, preference) = (&choices[decision], learner.preference(&choices, mixture));
    let feeds = choices.iter().any(|c| c.feeds.contains(&Some(decision)));
    let mut judge = Trained { net, settled, decision, preference };
    match choice.kind {
        Kind::Layer | Kind::Depth | Kind::Number => {
            let candidates = candidates(choice, feeds, &judge)?;
            Ok(vec![most_missed(&candidates, choice.arms.len(), &mut judge)?])
        }
        Kind::Inputs { min, max } => least_missed_dropped(choice.arms.len(), (min, max), &mut judge),
    }
}

/// What a supernet is worth, and among equals how low its loss is: the greater, the better.
type Worth = (f64, f64);

/// Tells what is to be told of some candidates of a decision alone.
trait Judge {
    /// How good the supernet is with them.
    fn worth(&mut self, arms: &[usize]) -> Result<Worth, OneShotError>;

    /// Whether some legal architecture has none but them, or exactly them.
    fn admits(&self, arms: &[usize], exactly: bool) -> Result<bool, OneShotError>;
}

/// A trained supernet, with one decision to make.
struct Trained<'a> {
    net: &'a mut Supernet,
    settled: &'a [Option<Drawn>],
    decision: usize,
    preference: Preference<'a>,
}

impl Judge for Trained<'_> {
    fn worth(&mut self, arms: &[usize]) -> Result<Worth, OneShotError> {
        let mut drawn = self.settled.to_vec();
        drawn[self.decision] = Some(match &self.settled[self.decision] {
            Some(drawn) => drawn.clone().among(arms.to_vec()),
            None => Drawn::taken(arms),
        });
        let selection = self.net.selection(&drawn)?;
        let score = self.net.measure_recalibrated(&selection, RECALIBRATED)?;
        Ok((self.net.worth(score.loss, score.accuracy / 100.0), -score.loss))
    }

    fn admits(&self, arms: &[usize], exactly: bool) -> Result<bool, OneShotError> {
        self.preference.can_have(self.net.space(), self.decision, arms, exactly)
    }
}

/// What may be kept: never zero where an input choice follows, as strength has it, unless nothing else is legal.
fn candidates(choice: &Choice, feeds: bool, judge: &dyn Judge) -> Result<Vec<usize>, OneShotError> {
    let counts = |a: &usize| !(feeds && choice.arms[*a].is_zero && choice.arms.len() > 1);
    let (usual, zeros): (Vec<usize>, Vec<usize>) = (0..choice.arms.len()).partition(counts);
    for some in [&usual, &zeros] {
        let mut legal = Vec::new();
        for arm in some {
            if judge.admits(&[*arm], true)? {
                legal.push(*arm);
            }
        }
        if !legal.is_empty() {
            return Ok(legal);
        }
    }
    // What was decided before admits nothing: the architecture that is read off goes back on some of it.
    Ok(usual)
}

/// Of some candidates out of `arms` the one that is missed most, the first among equals.
fn most_missed(candidates: &[usize], arms: usize, judge: &mut dyn Judge) -> Result<usize, OneShotError> {
    let mut found: Option<(usize, Worth)> = None;
    for out in candidates.iter().copied().filter(|_| candidates.len() > 1) {
        let left: Vec<usize> = (0..arms).filter(|a| *a != out).collect();
        let score = judge.worth(&left)?;
        if found.as_ref().is_none_or(|(_, worst)| score < *worst) {
            found = Some((out, score));
        }
    }
    Ok(found.map_or(candidates[0], |(arm, _)| arm))
}

/// The inputs that are left when the one that is missed least is dropped down to `max`, and down to `min` as long as the
/// supernet is no worse without it.
fn least_missed_dropped(
    arms: usize,
    (min, max): (usize, usize),
    judge: &mut dyn Judge,
) -> Result<Vec<usize>, OneShotError> {
    let mut kept: Vec<usize> = (0..arms).collect();
    while kept.len() > min.max(1) {
        let mut found: Option<(usize, Worth)> = None;
        for out in kept.clone() {
            let left: Vec<usize> = kept.iter().copied().filter(|a| *a != out).collect();
            if !judge.admits(&left, false)? {
                continue;
            }
            let score = judge.worth(&left)?;
            if found.as_ref().is_none_or(|(_, best)| *best < score) {
                found = Some((out, score));
            }
        }
        // Where none can be dropped, what is left is what is legal.
        let Some((out, score)) = found else { break };
        if kept.len() <= max && score < judge.worth(&kept)? && judge.admits(&kept, true)? {
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

    /// Accuracies that add up over what is there, and the legal sets of candidates, if not all are.
    struct Sums<'a> {
        worth: &'a [f64],
        legal: Option<&'a [&'a [usize]]>,
    }

    impl Judge for Sums<'_> {
        fn worth(&mut self, arms: &[usize]) -> Result<Worth, OneShotError> {
            assert!(!self.worth.is_empty(), "nothing to measure");
            let sum = arms.iter().map(|a| self.worth[*a]).sum();
            Ok((sum, sum))
        }

        fn admits(&self, arms: &[usize], exactly: bool) -> Result<bool, OneShotError> {
            let fits = |legal: &&[usize]| match exactly {
                true => *legal == arms,
                false => legal.iter().all(|a| arms.contains(a)),
            };
            Ok(self.legal.is_none_or(|legal| legal.iter().any(fits)))
        }
    }

    fn sums(worth: &[f64]) -> Sums<'_> {
        Sums { worth, legal: None }
    }

    #[test]
    fn what_is_missed_most_is_kept() {
        let worth = [3.0, 1.0, 7.0, 5.0];
        assert_eq!(most_missed(&[0, 1, 2, 3], 4, &mut sums(&worth)).expect("measured"), 2);
        assert_eq!(most_missed(&[0, 1, 3], 4, &mut sums(&worth)).expect("measured"), 3, "the third may not be kept");
        assert_eq!(most_missed(&[1], 4, &mut sums(&[])).expect("no choice"), 1);
    }

    /// What is dropped leaves something legal, and what is left is.
    #[test]
    fn what_is_missed_least_is_dropped_as_far_as_it_is_legal() {
        let kept = |worth: &[f64], limits, legal: &[&[usize]]| {
            least_missed_dropped(worth.len(), limits, &mut Sums { worth, legal: Some(legal) }).expect("measured")
        };
        let worth = [3.0, 1.0, 7.0, -5.0];
        assert_eq!(kept(&worth, (2, 2), &[&[0, 1], &[1, 3]]), [0, 1]);
        assert_eq!(kept(&worth, (1, 4), &[&[0, 1, 3]]), [0, 1, 3], "less would be more, but is not legal");
        assert_eq!(kept(&worth, (1, 4), &[&[1], &[3]]), [1], "three are worth more, but no three are legal");
        assert_eq!(kept(&[1.0; 3], (3, 3), &[&[0, 1, 2]]), [0, 1, 2]);
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
        let kept = |feeds, legal| candidates(&choices[4], feeds, &Sums { worth: &[], legal }).expect("told");
        assert_eq!((kept(true, None), kept(false, None)), (vec![1, 2], vec![0, 1, 2]));
        let legal: &[&[usize]] = &[&[0], &[2]];
        assert_eq!(
            (kept(true, Some(legal)), kept(true, Some(&legal[..1]))),
            (vec![2], vec![0]),
            "zero if all else fails"
        );
    }
}
