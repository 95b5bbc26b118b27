//! Which assignments are tried, and what is wrong under them.
//!
//! A fault is told with the fewest decisions that were found to cause it: those of a failing assignment go back to the
//! base, half of them at a time, then a quarter, as long as the fault stays (Zeller and Hildebrandt 2002, "Simplifying
//! and Isolating Failure-Inducing Input").

use super::MAX_VALUES;
use super::assign::{Slots, Stream};
use super::coverage::Reach;
use super::rules::{Completion, Rules};
use crate::activity::guards;
use crate::cost::{ModelError, faulty_joint_values};
use crate::decision::Pick;
use crate::fault::{Fault, Faults};
use crate::module::Module;
use crate::program::{Decide, Elaboration};
use std::cell::Cell;

/// Nodes that are looked at while values are tried one at a time.
const VALUES_WORK: u64 = 1 << 22;
/// Nodes that are looked at while values are tried together: all assignments, joint values, random ones.
const WORK: u64 = 1 << 20;
/// What an elaboration costs besides its nodes, in nodes.
const OVERHEAD: u64 = 64;
/// Assignments up to which all are tried.
const MAX_ALL: u64 = 1 << 10;
/// Random assignments.
const SAMPLES: u64 = 64;
/// Faulty joint values of the same decisions that are elaborated: their faults are likely one.
const MAX_FAULTY: usize = 8;
/// Evaluations of constraints to find out which joint values they allow.
const JOINT_TRIES: u64 = 1 << 18;

/// A walk through the assignments of a module.
pub(super) struct Search<'a> {
    module: &'a Module,
    slots: &'a Slots<'a>,
    rules: &'a Rules<'a>,
    /// An assignment that the constraints allow, if one is known: the defaults, or near them.
    base: Vec<Pick>,
    /// Nodes that were looked at.
    work: Cell<u64>,
    /// What was found.
    pub faults: Vec<Fault>,
}

/// Values of single decisions by number: the decisions in order, of each the members, of each the values.
struct Values<'a> {
    slots: &'a Slots<'a>,
    /// How many there are up to each place, and in all.
    before: Vec<u64>,
}

impl<'a> Values<'a> {
    fn of(slots: &'a Slots<'a>) -> Self {
        let mut before = Vec::with_capacity(slots.len() + 1);
        let mut sum = 0u64;
        for slot in 0..slots.len() {
            before.push(sum);
            sum += slots.decision(slot).domain.size().unwrap_or(3).min(MAX_VALUES);
        }
        before.push(sum);
        Self { slots, before }
    }

    fn len(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// How many values there are in truth; a real interval has its ends and its middle.
    fn all(&self) -> u64 {
        let sizes = (0..self.slots.len()).map(|s| self.slots.decision(s).domain.size().unwrap_or(3));
        sizes.fold(0, u64::saturating_add)
    }

    fn get(&self, number: u64) -> Option<(usize, Pick)> {
        let slot = self.before.partition_point(|b| *b <= number) - 1;
        let (i, domain) = (number - self.before[slot], &self.slots.decision(slot).domain);
        let pick = match domain.size() {
            None => domain.quantile(i as f64 / 2.0)?,
            Some(n) if n <= MAX_VALUES => Pick::index(i),
            // Spread over the domain, both ends among them.
            Some(n) => Pick::index((u128::from(i) * u128::from(n - 1) / u128::from(MAX_VALUES - 1)) as u64),
        };
        Some((slot, pick))
    }
}

impl<'a> Search<'a> {
    pub fn new(
        module: &'a Module,
        slots: &'a Slots<'a>,
        rules: &'a Rules<'a>,
        base: Vec<Pick>,
        faults: Vec<Fault>,
    ) -> Self {
        Self { module, slots, rules, base, work: Cell::new(0), faults }
    }

    /// What is wrong under an assignment.
    fn under(&self, picks: &[Pick]) -> Vec<Fault> {
        self.work.set(self.work.get() + OVERHEAD);
        let decide = self.slots.under(picks);
        let run = Elaboration::new(self.module, &decide).everything().metered(&self.work).run_all();
        run.err().map_or_else(Vec::new, |Faults(faults)| faults)
    }

    /// Tries each value of each decision in turn; returns how many were tried, and how many there are.
    pub fn each_value(&mut self) -> (u64, u64) {
        let (module, slots, rules, base) = (self.module, self.slots, self.rules, self.base.clone());
        visit_values(module, slots, rules, &base, &mut |picks| {
            let before = self.work.get();
            for mut fault in self.under(picks) {
                let same = |f: &Fault| f.what == fault.what && f.node == fault.node && f.graph == fault.graph;
                if !self.faults.iter().any(same) {
                    fault.under = Some(slots.describe(picks)).filter(|text| !text.is_empty());
                    self.faults.push(fault);
                }
            }
            self.work.get() - before
        })
    }

    /// Tries values together.
    pub fn together(&mut self) -> Reach {
        let used: Vec<usize> = self.used();
        if used.is_empty() {
            return Reach::Decided;
        }
        let start = self.work.get();
        self.under(&self.base.clone());
        let each = (self.work.get() - start).max(1);
        let sizes = used.iter().map(|s| self.slots.decision(*s).domain.size());
        let all = sizes.into_iter().try_fold(1u64, |n, size| n.checked_mul(size?));
        if let Some(n) = all.filter(|n| *n <= MAX_ALL && n.saturating_mul(each) <= WORK) {
            return Reach::All(self.all(&used, n));
        }
        let stopped = match self.joint() {
            Ok(true) => None,
            Ok(false) => Some("the constraints allow too few of them to tell which".to_owned()),
            Err(ModelError::Faults(Faults(faults))) => {
                self.faults.extend(faults);
                None
            }
            Err(e) => Some(e.to_string()),
        };
        let samples = self.draw(&used, each);
        match stopped {
            None => Reach::Meeting { samples },
            Some(why) => Reach::Sampled { samples, why },
        }
    }

    /// The decisions that some network looks at.
    fn used(&self) -> Vec<usize> {
        let place = |name: &str| {
            let member = name.strip_suffix(']').and_then(|n| n.rsplit_once('['));
            let member = member.and_then(|(label, i)| self.slots.position(label, Some(i.parse().ok()?)));
            member.or_else(|| self.slots.position(name, None))
        };
        let mut used: Vec<usize> = guards(self.module).iter().filter_map(|(name, _)| place(name)).collect();
        used.sort_unstable();
        used.dedup();
        used
    }

    /// Tries all assignments of some decisions that the constraints allow; returns their number.
    fn all(&mut self, used: &[usize], n: u64) -> u64 {
        let mut picks = self.base.clone();
        let mut allowed = 0;
        for number in 0..n {
            let mut rest = number;
            for slot in used.iter().rev() {
                let size = self.slots.decision(*slot).domain.size().unwrap_or(1);
                picks[*slot] = Pick::index(rest % size);
                rest /= size;
            }
            if self.rules.allow(&picks) {
                allowed += 1;
                self.note(&picks);
            }
        }
        allowed
    }

    /// Tries the joint values of decisions that meet in a node and under which some node has a fault. Returns whether it is
    /// known of all of them whether the constraints allow them.
    fn joint(&mut self) -> Result<bool, ModelError> {
        let (mut tries, mut known) = (JOINT_TRIES, true);
        let (slots, rules) = (self.slots, self.rules);
        // The decisions whose joint values are at hand, and how many of these were elaborated.
        let mut elaborated: (Vec<usize>, usize) = (Vec::new(), 0);
        faulty_joint_values(self.module, &mut |joint| {
            let places: Option<Vec<usize>> = joint.iter().map(|((l, m), _)| slots.position(l, *m)).collect();
            let Some(places) = places else { return };
            if elaborated.0 != places {
                elaborated = (places, 0);
            }
            if elaborated.1 == MAX_FAULTY {
                return;
            }
            let mut picks = self.base.clone();
            for (slot, (_, rank)) in elaborated.0.iter().zip(joint) {
                picks[*slot] = Pick::index(*rank);
            }
            match rules.complete(&mut picks, &elaborated.0, &mut tries) {
                Completion::Legal => {
                    elaborated.1 += 1;
                    self.note(&picks);
                }
                Completion::Illegal => {}
                Completion::Unknown => known = false,
            }
        })?;
        Ok(known)
    }

    /// Tries random assignments that the constraints allow; returns their number.
    fn draw(&mut self, used: &[usize], each: u64) -> u64 {
        let mut stream = Stream::new();
        let (mut tries, mut drawn) = (JOINT_TRIES, 0);
        for _ in 0..SAMPLES.min(WORK / each + 1) {
            let mut picks = self.base.clone();
            used.iter().for_each(|s| picks[*s] = stream.pick(self.slots.decision(*s)));
            if self.rules.complete(&mut picks, &[], &mut tries) == Completion::Legal {
                drawn += 1;
                self.note(&picks);
            }
        }
        drawn
    }

    /// Notes what is wrong under an assignment, a fault per node, with the decisions that cause it.
    fn note(&mut self, picks: &[Pick]) {
        for fault in self.under(picks) {
            if self.faults.iter().any(|f| same_place(f, &fault)) {
                continue;
            }
            let (mut fault, picks) = self.reduced(fault, picks.to_vec());
            fault.under = Some(self.slots.describe(&picks)).filter(|text| !text.is_empty());
            self.faults.push(fault);
        }
    }

    /// The assignment with as many decisions as possible at the base, and the fault as it is then.
    fn reduced(&self, mut fault: Fault, mut picks: Vec<Pick>) -> (Fault, Vec<Pick>) {
        let mut apart: Vec<usize> = (0..picks.len()).filter(|s| picks[*s] != self.base[*s]).collect();
        let most = self.work.get() + WORK;
        let mut width = apart.len();
        while width > 0 {
            let mut from = 0;
            while from < apart.len() && self.work.get() < most {
                let window = from..(from + width).min(apart.len());
                let mut tried = picks.clone();
                apart[window.clone()].iter().for_each(|s| tried[*s] = self.base[*s]);
                let found = if self.rules.allow(&tried) { self.under(&tried) } else { Vec::new() };
                match found.into_iter().find(|f| same_place(f, &fault)) {
                    Some(found) => {
                        (fault, picks) = (found, tried);
                        apart.drain(window);
                    }
                    None => from += width,
                }
            }
            width /= 2;
        }
        (fault, picks)
    }
}

fn same_place(a: &Fault, b: &Fault) -> bool {
    (&a.graph, &a.node) == (&b.graph, &b.node)
}

/// Visits an assignment for each value of each decision but the base's, led to one that the constraints allow; `visit`
/// returns the work that it took. Where all of them would be too much, those that are visited are spread over them.
/// Returns how many values were tried, and how many there are.
fn visit_values(
    module: &Module,
    slots: &Slots<'_>,
    rules: &Rules<'_>,
    base: &[Pick],
    visit: &mut dyn FnMut(&[Pick]) -> u64,
) -> (u64, u64) {
    let (values, meter) = (Values::of(slots), Cell::new(OVERHEAD));
    drop(Elaboration::new(module, &slots.under(base)).everything().metered(&meter).run_all());
    let (n, most) = (values.len(), VALUES_WORK / meter.get() + 1);
    let (mut tried, mut tries, mut work) = (0, JOINT_TRIES, 0);
    let mut picks = base.to_vec();
    if picks != slots.defaults() {
        work += visit(&picks);
    }
    for number in 0..n.min(most) {
        let spread = (u128::from(number) * u128::from(n) / u128::from(most)) as u64;
        let Some((slot, pick)) = values.get(if n <= most { number } else { spread }) else { continue };
        tried += 1;
        if pick == base[slot] {
            continue;
        }
        picks[slot] = pick;
        if rules.complete(&mut picks, &[slot], &mut tries) == Completion::Legal {
            work += visit(&picks);
        }
        picks[slot] = base[slot];
        rules.restore(&mut picks, base, slot);
        if work > VALUES_WORK {
            break;
        }
    }
    (tried, values.all())
}

/// Visits each value of each decision but its default, the others near theirs, as far as the verifier tries them.
pub(crate) fn alternatives(module: &Module, visit: &mut dyn FnMut(&dyn Decide)) {
    let slots = Slots::of(module);
    let rules = Rules::of(module, &slots);
    let mut base = slots.defaults();
    if rules.start(&mut base).is_err() {
        base = slots.defaults();
    }
    let nodes: u64 = module.graphs.iter().map(|g| g.order.len() as u64).sum();
    visit_values(module, &slots, &rules, &base, &mut |picks| {
        visit(&slots.under(picks));
        OVERHEAD + nodes
    });
}
