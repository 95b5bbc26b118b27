//! The architecture that parameters stand for: the strongest that the space admits.
//!
//! * Of a layer choice the strongest candidate is taken (never zero where an input choice follows, as in DARTS), of inputs
//!   the strongest by their best candidate: at least `min` of them, and up to `max` while they are stronger than the mean.
//! * Where a constraint refuses that, the legal architecture of the greatest product of strengths is taken: of the candidates
//!   of all layer choices, and of inputs that of the candidate taken there, over the mean. Without a constraint it is the same.
//! * The search for it is exact, unless it looks at too many: then it is the best that can be had from a legal one by
//!   changing one decision after another.

use super::OneShotError;
use super::alpha::Alphas;
use super::choice::{self, Choice, Kind};
use super::mixture::{Drawn, Mixture, argmax, softmax};
use super::supernet::{Supernet, is_fed};
use ir::Pick;
use mutators::{Cheapest, Price, Sample, Space};

/// Most values of a decision where a constraint asks for more than the strongest of each.
const MOST: u64 = 1 << 16;
/// What zero costs where an input choice follows: more than all that strengths can.
const ZERO: f64 = 1e6;
/// What it costs to go back on a decision that was made for good.
const DECIDED: f64 = 1e9;
/// What has no strength at all.
const NONE: f64 = 1e-300;

/// How strong candidates are.
pub(super) struct Preference<'a> {
    choices: &'a [Choice],
    /// By decision and candidate; of inputs that layer choices feed the share by parameters of their own, ones without.
    strength: Vec<Vec<f64>>,
    /// Whether an input choice follows.
    feeds: Vec<bool>,
    /// What no parameter has a say in any more.
    decided: &'a [Option<Vec<usize>>],
}

impl<'a> Preference<'a> {
    pub fn new(choices: &'a [Choice], alphas: &Alphas, mixture: Mixture, decided: &'a [Option<Vec<usize>>]) -> Self {
        let strength = |(c, alpha): (&Choice, &[f64])| match is_fed(c) {
            true => softmax(alpha).into_iter().chain(std::iter::repeat(1.0)).take(c.arms.len()).collect(),
            false => mixture.strength(alpha),
        };
        let strength = choices.iter().zip(alphas.values()).map(strength).collect();
        let feeds = (0..choices.len()).map(|i| choices.iter().any(|c| c.feeds.contains(&Some(i)))).collect();
        Self { choices, strength, feeds, decided }
    }

    /// Whether a candidate counts where another could be taken.
    fn counts(&self, decision: usize, arm: usize) -> bool {
        let arms = &self.choices[decision].arms;
        !(self.feeds[decision] && arms[arm].is_zero && arms.len() > 1)
    }

    /// The strongest candidate that counts, and how strong it is.
    fn best(&self, decision: usize) -> (usize, f64) {
        let held = self.strength[decision].iter().enumerate();
        let held: Vec<f64> = held.map(|(a, s)| if self.counts(decision, a) { *s } else { f64::NEG_INFINITY }).collect();
        let arm = argmax(&held);
        (arm, held[arm])
    }

    /// How strong each input is, by its best candidate.
    fn inputs(&self, decision: usize) -> Vec<f64> {
        let c = &self.choices[decision];
        let own = self.strength[decision].iter();
        if !is_fed(c) {
            return own.copied().collect();
        }
        let best = c.feeds.iter().map(|f| self.best(f.expect("invariant: all are fed")).1);
        best.zip(own).map(|(best, own)| best * own).collect()
    }

    /// The strongest architecture, whether the space admits it or not.
    pub fn architecture(&self) -> Vec<Vec<usize>> {
        let of = |(i, c): (usize, &Choice)| match (&self.decided[i], c.kind) {
            (Some(decided), _) => decided.clone(),
            (None, Kind::Inputs { min, max }) => {
                let strength = self.inputs(i);
                let mean = mean(&strength);
                let mut order: Vec<usize> = (0..strength.len()).collect();
                order.sort_by(|a, b| strength[*b].total_cmp(&strength[*a]));
                let above = strength.iter().filter(|s| **s > mean).count();
                order.truncate(above.clamp(min, max));
                order.sort_unstable();
                order
            }
            (None, Kind::Layer | Kind::Depth | Kind::Number) => vec![self.best(i).0],
        };
        self.choices.iter().enumerate().map(of).collect()
    }

    /// The strongest architecture that the space admits, and its sample; `known` is a legal one, where some are not.
    pub fn legal(&self, space: &Space, known: Option<&Sample>) -> Result<(Vec<Vec<usize>>, Sample), OneShotError> {
        let mut arms = self.architecture();
        if let Ok(sample) = choice::sample(space, self.choices, &arms) {
            return Ok((arms, sample));
        }
        let Some(known) = known else {
            // Without a constraint this is no matter of legality.
            let sample = choice::sample(space, self.choices, &arms)?;
            return Ok((arms, sample));
        };
        let price = Strength::new(self, space);
        let sample = match space.cheapest(&price)? {
            Cheapest::Found(sample) => sample,
            Cheapest::Nothing | Cheapest::GivenUp => space.cheaper(known, &price)?,
        };
        for (arms, c) in arms.iter_mut().zip(self.choices) {
            // What plays no part stays what it was.
            if let Some(taken) = c.taken(&sample) {
                *arms = taken.into_iter().map(|a| a as usize).collect();
            }
        }
        Ok((arms, sample))
    }

    /// Whether some legal architecture has what is decided, and of one more decision some candidates alone: of inputs
    /// no others than these, or exactly these. What cannot be told counts as yes.
    pub fn can_have(
        &self,
        space: &Space,
        decision: usize,
        arms: &[usize],
        exactly: bool,
    ) -> Result<bool, OneShotError> {
        if !space.is_constrained() {
            return Ok(true);
        }
        let scope = Scope { values: Values::of(space, self.choices), of: self, decision, arms, exactly };
        Ok(space.cheapest(&scope)? != Cheapest::Nothing)
    }
}

/// The legal architecture that differs in the fewest decisions from one.
pub(super) fn nearest(net: &Supernet, arms: &[Vec<usize>]) -> Result<Sample, OneShotError> {
    let Some(known) = net.legal() else { return choice::sample(net.space(), net.choices(), arms) };
    let price = Differing { values: Values::of(net.space(), net.choices()), from: arms };
    match net.space().cheapest(&price)? {
        Cheapest::Found(sample) => Ok(sample),
        Cheapest::Nothing | Cheapest::GivenUp => Ok(net.space().cheaper(known, &price)?),
    }
}

/// Whether a constraint is broken by the candidates that are taken alone, whatever is taken elsewhere.
pub(super) fn contradicts(net: &Supernet, drawn: &[Option<Drawn>]) -> bool {
    let (space, values) = (net.space(), Values::of(net.space(), net.choices()));
    let picks = (0..values.slots.len()).map(|slot| {
        let sole = |pick: &Pick| {
            let (i, arms) = values.taken(slot, *pick)?;
            let taken = drawn[i].as_ref()?.arms.as_ref()?;
            (taken.len() == 1 && taken[..] == *arms).then_some(*pick)
        };
        values.picks(slot).iter().find_map(sole).unwrap_or(Pick::INACTIVE)
    });
    space.contradicts(&picks.collect::<Vec<_>>())
}

/// How many decisions are others.
struct Differing<'a> {
    values: Values,
    from: &'a [Vec<usize>],
}

impl Price for Differing<'_> {
    fn candidates(&self, slot: usize) -> Vec<Pick> {
        self.values.picks(slot)
    }

    fn of(&self, slot: usize, pick: Pick, _: &[Pick]) -> f64 {
        let same = self.values.taken(slot, pick).is_none_or(|(i, arms)| self.from[i] == arms);
        f64::from(u8::from(!same))
    }
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len().max(1) as f64
}

/// Refuses a decision of too many values, where a constraint may ask for any of them.
pub(super) fn check(strategy: &str, space: &Space) -> Result<(), OneShotError> {
    let schema = space.schema().filter(|_| space.is_constrained());
    let wide = schema.and_then(|s| s.slots().iter().find(|s| s.size.is_none_or(|n| n > MOST)));
    wide.map_or(Ok(()), |slot| {
        Err(OneShotError::Decision {
            strategy: strategy.to_owned(),
            label: slot.label.to_string(),
            what: format!("has more than {MOST} values, among which no constraint can be held to"),
            remedy: "let it choose among fewer, or drop the constraints",
        })
    })
}

/// The decisions of a space as those of its supernet.
struct Values {
    /// The decision of each slot, and what its values take there.
    slots: Vec<Option<(usize, Vec<Option<Vec<usize>>>)>>,
    /// The slot of each decision.
    places: Vec<Option<usize>>,
}

impl Values {
    fn of(space: &Space, choices: &[Choice]) -> Self {
        let schema = space.schema().expect("invariant: a supernet's space is static");
        let places: Vec<Option<usize>> = choices.iter().map(|c| schema.find(&c.label)).collect();
        let mut slots = vec![None; schema.slots().len()];
        for (i, place) in places.iter().enumerate() {
            let Some(slot) = *place else { continue };
            let domain = &schema.slots()[slot].domain;
            let size = domain.size().unwrap_or(0).min(MOST);
            let arms = |rank| choices[i].arms_of(&domain.value(Pick::index(rank))?);
            slots[slot] = Some((i, (0..size).map(arms).collect()));
        }
        Self { slots, places }
    }

    /// The decision of a slot, and what is taken there at a pick.
    fn taken(&self, slot: usize, pick: Pick) -> Option<(usize, &[usize])> {
        let (decision, arms) = self.slots[slot].as_ref()?;
        Some((*decision, arms.get(pick.rank() as usize)?.as_deref()?))
    }

    /// The picks of a slot that take something.
    fn picks(&self, slot: usize) -> Vec<Pick> {
        match &self.slots[slot] {
            Some((_, arms)) => {
                let some = arms.iter().enumerate().filter(|(_, a)| a.is_some());
                some.map(|(rank, _)| Pick::index(rank as u64)).collect()
            }
            // What plays a part nowhere.
            None => vec![Pick::index(0)],
        }
    }
}

/// Logarithms of how much weaker an architecture is than the strongest.
struct Strength<'a> {
    of: &'a Preference<'a>,
    values: Values,
    /// Of inputs: the mean of their strengths, and the gain of the strongest.
    inputs: Vec<(f64, f64)>,
}

impl<'a> Strength<'a> {
    fn new(of: &'a Preference<'a>, space: &Space) -> Self {
        let strongest = of.architecture();
        let inputs = (0..of.choices.len()).map(|i| {
            let strength = if matches!(of.choices[i].kind, Kind::Inputs { .. }) { of.inputs(i) } else { Vec::new() };
            let mean = mean(&strength);
            let gain = strength.iter().enumerate().filter(|(a, _)| strongest[i].contains(a));
            (mean, gain.map(|(_, s)| gained(*s, mean)).sum())
        });
        Self { values: Values::of(space, of.choices), inputs: inputs.collect(), of }
    }
}

/// The gain of an input.
fn gained(strength: f64, mean: f64) -> f64 {
    (strength.max(NONE) / mean.max(NONE)).ln()
}

impl Price for Strength<'_> {
    fn candidates(&self, slot: usize) -> Vec<Pick> {
        self.values.picks(slot)
    }

    fn of(&self, slot: usize, pick: Pick, picks: &[Pick]) -> f64 {
        let (preference, Some((i, arms))) = (self.of, self.values.taken(slot, pick)) else { return 0.0 };
        if let Some(decided) = &preference.decided[i] {
            return if decided[..] == *arms { 0.0 } else { DECIDED };
        }
        let (c, strength) = (&preference.choices[i], &preference.strength[i]);
        if !matches!(c.kind, Kind::Inputs { .. }) {
            let zero = if preference.counts(i, arms[0]) { 0.0 } else { ZERO };
            return zero + (preference.best(i).1.max(NONE) / strength[arms[0]].max(NONE)).ln().max(0.0);
        }
        let of_input = |input: usize| -> f64 {
            let Some(Some(feed)) = c.feeds.get(input).filter(|_| is_fed(c)) else { return strength[input] };
            let taken = self.values.places[*feed].and_then(|s| self.values.taken(s, picks[s]));
            // Of one that is not known, or plays no part, the best.
            let own = match taken {
                Some((_, arms)) if preference.counts(*feed, arms[0]) => preference.strength[*feed][arms[0]],
                Some(_) => NONE,
                None => preference.best(*feed).1,
            };
            own * strength[input]
        };
        let (mean, most) = self.inputs[i];
        (most - arms.iter().map(|a| gained(of_input(*a), mean)).sum::<f64>()).max(0.0)
    }

    fn follows(&self, slot: usize) -> Vec<usize> {
        let fed = self.values.slots[slot].as_ref().map(|(i, _)| &self.of.choices[*i]).filter(|c| is_fed(c));
        let feeds = fed.iter().flat_map(|c| &c.feeds);
        feeds.filter_map(|f| self.values.places[(*f)?]).collect()
    }
}

/// What is decided, and some candidates of one more decision; anything elsewhere.
struct Scope<'a> {
    values: Values,
    of: &'a Preference<'a>,
    decision: usize,
    arms: &'a [usize],
    exactly: bool,
}

impl Price for Scope<'_> {
    fn candidates(&self, slot: usize) -> Vec<Pick> {
        let mut picks = self.values.picks(slot);
        picks.retain(|p| match self.values.taken(slot, *p) {
            Some((i, arms)) if i == self.decision && self.exactly => arms == self.arms,
            Some((i, arms)) if i == self.decision => arms.iter().all(|a| self.arms.contains(a)),
            Some((i, arms)) => self.of.decided[i].as_ref().is_none_or(|d| d[..] == *arms),
            None => true,
        });
        picks
    }

    fn of(&self, _: usize, _: Pick, _: &[Pick]) -> f64 {
        0.0
    }
}

#[cfg(test)]
mod tests;
