//! Constraints: which assignments they allow, and how one that they do not is led to one that they do.
//!
//! Constraints that share no decision, directly or through others, are independent: each group of them is decided by
//! itself, by nested loops over its decisions in which a constraint is evaluated as soon as it can be.

use super::assign::{Slots, Stream};
use super::coverage::Constraints;
use super::declared;
use crate::decision::Pick;
use crate::expr::Expr;
use crate::fault::Fault;
use crate::module::Module;
use rustc_hash::FxHashMap;

/// Evaluations of constraints after which nested loops are given up.
const MAX_TRIES: u64 = 1 << 16;
/// Random assignments that are tried after that.
const MAX_DRAWS: u64 = 1 << 12;
/// Joint values of a group up to which each constraint is evaluated under all.
const MAX_JOINT: u64 = 1 << 12;

/// Whether an assignment could be led to one that the constraints allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completion {
    /// It is one now.
    Legal,
    /// There is none.
    Illegal,
    /// None was found.
    Unknown,
}

/// Constraints that have decisions in common.
struct Group<'m> {
    slots: Vec<usize>,
    /// Each with the decisions that it may look at.
    constraints: Vec<(&'m Expr, Vec<usize>)>,
}

/// The constraints of a module.
pub(super) struct Rules<'m> {
    slots: &'m Slots<'m>,
    groups: Vec<Group<'m>>,
}

impl<'m> Rules<'m> {
    pub fn of(module: &'m Module, slots: &'m Slots<'m>) -> Self {
        let mut groups: Vec<Group<'m>> = Vec::new();
        // The group of each decision that some constraint looks at.
        let mut of: FxHashMap<usize, usize> = FxHashMap::default();
        for constraint in &module.constraints {
            let reads = reads(constraint, slots);
            let mut touched: Vec<usize> = reads.iter().filter_map(|s| of.get(s).copied()).collect();
            touched.sort_unstable();
            touched.dedup();
            let target = touched.first().copied().unwrap_or_else(|| {
                groups.push(Group { slots: Vec::new(), constraints: Vec::new() });
                groups.len() - 1
            });
            for other in touched.into_iter().skip(1) {
                let moved = std::mem::take(&mut groups[other].slots);
                of.extend(moved.iter().map(|s| (*s, target)));
                groups[target].slots.extend(moved);
                let moved = std::mem::take(&mut groups[other].constraints);
                groups[target].constraints.extend(moved);
            }
            for slot in &reads {
                if of.insert(*slot, target).is_none() {
                    groups[target].slots.push(*slot);
                }
            }
            groups[target].constraints.push((constraint, reads));
        }
        groups.retain(|g| !g.constraints.is_empty());
        groups.iter_mut().for_each(|g| g.slots.sort_unstable());
        Self { slots, groups }
    }

    /// Leads the defaults to an assignment that fulfils all constraints.
    ///
    /// # Errors
    /// Constraints that have no value, or cannot be fulfilled.
    pub fn start(&self, picks: &mut [Pick]) -> Result<Constraints, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut known = if self.groups.is_empty() { Constraints::None } else { Constraints::Fulfilled };
        let mut stream = Stream::new();
        for group in &self.groups {
            let before = faults.len();
            self.values(group, picks, &mut faults);
            if faults.len() > before {
                continue;
            }
            let mut tries = MAX_TRIES;
            match self.lead(group, picks, &[], &mut tries) {
                Completion::Legal => {}
                Completion::Illegal => {
                    let constraints: Vec<String> = group.constraints.iter().map(|(c, _)| format!("`{c}`")).collect();
                    let names: Vec<String> = group.slots.iter().map(|s| format!("?{}", self.slots.name(*s))).collect();
                    let (those, all) = (shortened(&constraints), shortened(&names));
                    faults.push(declared(match names.is_empty() {
                        true => format!("the constraint {those} is never fulfilled; loosen it"),
                        false => format!("no values of {all} fulfil the constraints {those}; loosen one"),
                    }));
                }
                Completion::Unknown if self.drawn(group, picks, &mut stream) => {}
                Completion::Unknown => known = Constraints::Unknown { tries: MAX_TRIES + MAX_DRAWS },
            }
        }
        if faults.is_empty() { Ok(known) } else { Err(faults) }
    }

    /// Whether an assignment fulfils all constraints; in one that has no value none does.
    pub fn allow(&self, picks: &[Pick]) -> bool {
        self.groups.iter().all(|g| self.fulfils(g, picks))
    }

    /// Leads an assignment to one that the constraints allow, and that keeps the picks of some places.
    pub fn complete(&self, picks: &mut [Pick], fixed: &[usize], tries: &mut u64) -> Completion {
        let mut all = Completion::Legal;
        for group in &self.groups {
            match self.lead(group, picks, fixed, tries) {
                Completion::Legal => {}
                Completion::Illegal => return Completion::Illegal,
                Completion::Unknown => all = Completion::Unknown,
            }
        }
        all
    }

    /// Takes back what [`Rules::complete`] did to the decisions that meet one in constraints.
    pub fn restore(&self, picks: &mut [Pick], base: &[Pick], slot: usize) {
        for group in self.groups.iter().filter(|g| g.slots.contains(&slot)) {
            group.slots.iter().for_each(|s| picks[*s] = base[*s]);
        }
    }

    fn fulfils(&self, group: &Group<'_>, picks: &[Pick]) -> bool {
        group.constraints.iter().all(|(c, _)| c.eval_bool(&self.slots.under(picks)) == Ok(true))
    }

    /// Evaluates each constraint under the defaults, and if these are few, under all joint values that those before allow.
    fn values(&self, group: &Group<'_>, picks: &[Pick], faults: &mut Vec<Fault>) {
        let sizes = group.slots.iter().map(|s| self.slots.decision(*s).domain.size());
        let joint = sizes.into_iter().try_fold(1u64, |n, size| n.checked_mul(size?).filter(|n| *n <= MAX_JOINT));
        let mut picks = picks.to_vec();
        let mut told = vec![false; group.constraints.len()];
        for number in 0..=joint.unwrap_or(0) {
            // The defaults come first.
            if let Some(mut rest) = number.checked_sub(1) {
                for slot in &group.slots {
                    let n = self.slots.decision(*slot).domain.size().unwrap_or(1);
                    picks[*slot] = Pick::index(rest % n);
                    rest /= n;
                }
            }
            for (told, (c, _)) in told.iter_mut().zip(&group.constraints) {
                match c.eval_bool(&self.slots.under(&picks)) {
                    Ok(true) => {}
                    Ok(false) if number > 0 => break,
                    Ok(false) => {}
                    Err(e) if !*told => {
                        *told = true;
                        let mut fault = declared(format!("constraint {c}: {e}"));
                        fault.under = Some(self.slots.describe(&picks)).filter(|text| !text.is_empty());
                        faults.push(fault);
                    }
                    Err(_) => {}
                }
            }
        }
    }

    /// Draws a group's decisions until its constraints hold.
    fn drawn(&self, group: &Group<'_>, picks: &mut [Pick], stream: &mut Stream) -> bool {
        let before: Vec<Pick> = group.slots.iter().map(|s| picks[*s]).collect();
        for _ in 0..MAX_DRAWS {
            group.slots.iter().for_each(|s| picks[*s] = stream.pick(self.slots.decision(*s)));
            if self.fulfils(group, picks) {
                return true;
            }
        }
        group.slots.iter().zip(before).for_each(|(s, p)| picks[*s] = p);
        false
    }

    /// Leads the decisions of a group to values that its constraints allow: what they have is tried first.
    fn lead(&self, group: &Group<'_>, picks: &mut [Pick], fixed: &[usize], tries: &mut u64) -> Completion {
        if self.fulfils(group, picks) {
            return Completion::Legal;
        }
        let free: Vec<usize> = group.slots.iter().copied().filter(|s| !fixed.contains(s)).collect();
        let place: FxHashMap<usize, usize> = free.iter().enumerate().map(|(i, s)| (*s, i + 1)).collect();
        // After how many of the free decisions a constraint can be evaluated.
        let mut due: Vec<Vec<&Expr>> = vec![Vec::new(); free.len() + 1];
        for (c, reads) in &group.constraints {
            due[reads.iter().filter_map(|s| place.get(s).copied()).max().unwrap_or(0)].push(c);
        }
        let hold = |after: usize, picks: &[Pick], tries: &mut u64| {
            due[after].iter().all(|c| {
                *tries = tries.saturating_sub(1);
                c.eval_bool(&self.slots.under(picks)) == Ok(true)
            })
        };
        let start: Vec<Pick> = free.iter().map(|s| picks[*s]).collect();
        let restore = |picks: &mut [Pick]| free.iter().zip(&start).for_each(|(s, p)| picks[*s] = *p);
        if !hold(0, picks, tries) {
            return Completion::Illegal;
        }
        let mut next = vec![0u64; free.len()];
        let (mut at, mut dense) = (0, true);
        while at < free.len() {
            if *tries == 0 {
                restore(picks);
                return Completion::Unknown;
            }
            let slot = free[at];
            match self.nth(slot, start[at], next[at]) {
                Some(pick) => {
                    next[at] += 1;
                    picks[slot] = pick;
                    if hold(at + 1, picks, tries) {
                        at += 1;
                        if let Some(n) = next.get_mut(at) {
                            *n = 0;
                        }
                    }
                }
                None => {
                    dense &= self.slots.decision(slot).domain.size().is_some();
                    picks[slot] = start[at];
                    if at == 0 {
                        restore(picks);
                        return if dense { Completion::Illegal } else { Completion::Unknown };
                    }
                    at -= 1;
                }
            }
        }
        Completion::Legal
    }

    /// The picks of a decision: first the one that it has, then the others in order; of a real interval some quantiles.
    fn nth(&self, slot: usize, own: Pick, n: u64) -> Option<Pick> {
        let domain = &self.slots.decision(slot).domain;
        let Some(n) = n.checked_sub(1) else { return Some(own) };
        match domain.size() {
            Some(size) => {
                let rank = if n >= own.rank() { n + 1 } else { n };
                (rank < size).then_some(Pick::index(rank))
            }
            None => domain.quantile([0.0, 0.25, 0.5, 0.75, 1.0].get(usize::try_from(n).ok()?).copied()?),
        }
    }
}

/// The places that a constraint may look at: all members of a family whose index is not a number.
fn reads(constraint: &Expr, slots: &Slots<'_>) -> Vec<usize> {
    let mut reads = Vec::new();
    for d in constraint.decisions() {
        let index = d.index.as_ref().map(|i| i.constant(&[]).and_then(|v| v.as_int()));
        match index {
            Some(None) => reads.extend(slots.members(&d.label)),
            Some(member @ Some(_)) => reads.extend(slots.position(&d.label, member)),
            None => reads.extend(slots.position(&d.label, None)),
        }
    }
    reads.sort_unstable();
    reads.dedup();
    reads
}

/// The first few, with commas.
fn shortened(items: &[String]) -> String {
    const TOLD: usize = 6;
    let mut text = items.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    if items.len() > TOLD {
        text.push_str(&format!(" and {} more", items.len() - TOLD));
    }
    text
}
