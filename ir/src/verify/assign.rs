//! Assignments: a pick for every decision and every member of a family.

use crate::decision::{Decision, Pick};
use crate::eval::{Env, member_name};
use crate::module::Module;
use crate::program::Decide;
use crate::value::Value;
use rustc_hash::FxHashMap;
use std::fmt::Write;

/// The decisions of a module with their families written out, by place.
pub(super) struct Slots<'m> {
    places: Vec<(&'m Decision, Option<i64>)>,
    /// The first place of a label; a family's members follow one another.
    first: FxHashMap<&'m str, usize>,
}

impl<'m> Slots<'m> {
    /// Those of a module whose declarations are sound.
    pub fn of(module: &'m Module) -> Self {
        let mut slots = Self { places: Vec::new(), first: FxHashMap::default() };
        for d in &module.decisions {
            slots.first.insert(d.label.as_str(), slots.places.len());
            slots.places.extend((0..d.family.unwrap_or(1)).map(|i| (d, d.family.map(|_| i64::from(i)))));
        }
        slots
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn decision(&self, slot: usize) -> &'m Decision {
        self.places[slot].0
    }

    /// The label of a place as samples print it.
    pub fn name(&self, slot: usize) -> String {
        let (d, member) = self.places[slot];
        member_name(&d.label, member)
    }

    /// The place of a decision or a family's member.
    pub fn position(&self, label: &str, member: Option<i64>) -> Option<usize> {
        let first = *self.first.get(label)?;
        let d = self.places[first].0;
        d.has(member).then(|| first + member.map_or(0, |i| i as usize))
    }

    /// All places of a label.
    pub fn members(&self, label: &str) -> std::ops::Range<usize> {
        match self.first.get(label) {
            Some(first) => *first..first + self.places[*first].0.family.unwrap_or(1) as usize,
            None => 0..0,
        }
    }

    /// Every decision's default.
    pub fn defaults(&self) -> Vec<Pick> {
        self.places.iter().map(|(d, _)| d.default).collect()
    }

    pub fn under<'a>(&'a self, picks: &'a [Pick]) -> Under<'a> {
        Under { slots: self, picks }
    }

    /// `?op = conv, ?w = 3`: what is not at its default.
    pub fn describe(&self, picks: &[Pick]) -> String {
        let mut text = String::new();
        for (slot, pick) in picks.iter().enumerate() {
            let d = self.decision(slot);
            if *pick != d.default
                && let Some(value) = d.domain.value(*pick)
            {
                let comma = if text.is_empty() { "" } else { ", " };
                write!(text, "{comma}?{} = {value}", self.name(slot)).expect("a string can be written");
            }
        }
        text
    }
}

/// Decisions as an assignment has them.
pub(super) struct Under<'a> {
    slots: &'a Slots<'a>,
    picks: &'a [Pick],
}

impl Decide for Under<'_> {
    fn value(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let slot = self.slots.position(label, index)?;
        self.slots.decision(slot).domain.value(self.picks[slot])
    }
}

impl Env for Under<'_> {
    fn param(&self, _: &str) -> Option<i64> {
        None
    }
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        self.value(label, index)
    }
}

/// A random stream (SplitMix64, Steele, Lea and Flood 2014) of a fixed seed.
pub(super) struct Stream(u64);

impl Stream {
    pub fn new() -> Self {
        Self(0)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A pick of a decision's domain, uniform.
    pub fn pick(&mut self, d: &Decision) -> Pick {
        let x = self.next();
        match d.domain.size() {
            Some(n) => Pick::index(((u128::from(x) * u128::from(n)) >> 64) as u64),
            None => d.domain.quantile((x >> 11) as f64 / (1u64 << 53) as f64).unwrap_or(d.default),
        }
    }
}
