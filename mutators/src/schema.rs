//! Schemas: the decisions of a space in order, with families written out and guards by position.

use ir::activity::{Guard, guards};
use ir::decision::{Decision, Domain, Pick};
use ir::eval::member_name;
use ir::{Module, Name, Value};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// One decision of a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its label, `op[3]` for a family's member.
    pub label: Name,
    /// The values it may take.
    pub domain: Arc<Domain>,
    /// Number of values; `None` for a real interval.
    pub size: Option<u64>,
    /// The value where nothing is decided.
    pub default: Pick,
    /// Prior weights of its values.
    pub weights: Option<Arc<[f64]>>,
    /// The group that it belongs to, by position.
    pub group: usize,
    /// When it plays a part: a disjunction of conjunctions of "that slot has one of these ranks". `None`: always.
    pub guard: Option<Vec<Vec<(usize, Vec<u64>)>>>,
}

/// The decisions of a space, in the order in which samples list them.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    slots: Vec<Slot>,
    /// Slots such that a guard's come before those that it guards.
    order: Vec<usize>,
    /// Slots by group.
    groups: Vec<Vec<usize>>,
    /// First slot of a label; a family's members follow each other.
    first: FxHashMap<Name, usize>,
    conditional: bool,
}

impl Schema {
    /// The schema of a space: the decisions of its base module as the mutators leave it by default, and those that the
    /// mutators ask for themselves (always active).
    ///
    /// A decision of the base is guarded by all that uses it in the base or in the mutated module; one that a mutator
    /// declares is always active, as other samples may put it elsewhere.
    #[must_use]
    pub fn of(base: &Module, module: &Module, extra: &[Decision]) -> Self {
        let found = merged_guards(base, module);
        let mut slots = Vec::new();
        // Groups by name, in the order in which they come up.
        let mut names: FxHashMap<Name, usize> = FxHashMap::default();
        let mut first = FxHashMap::default();
        let all = module.decisions.iter().map(|d| (d, true)).chain(extra.iter().map(|d| (d, false)));
        for (d, in_module) in all {
            first.insert(d.label.clone(), slots.len());
            let (domain, weights) = (Arc::new(d.domain.clone()), d.weights.as_deref().map(Arc::from));
            for i in 0..d.family.unwrap_or(1) {
                let label = Name::new(member_name(&d.label, d.family.map(|_| i64::from(i))));
                let group = d.group.clone().unwrap_or_else(|| label.clone());
                let next = names.len();
                let group = *names.entry(group).or_insert(next);
                slots.push(Slot {
                    // A family's member that no graph uses is as good as absent; a plain decision may be a mutator's.
                    guard: match found.get(&label) {
                        None if in_module && d.family.is_some() => Some(Vec::new()),
                        _ => None,
                    },
                    label,
                    domain: domain.clone(),
                    size: domain.size(),
                    default: d.default,
                    weights: weights.clone(),
                    group,
                });
            }
        }
        let place: FxHashMap<Name, usize> = slots.iter().enumerate().map(|(i, s)| (s.label.clone(), i)).collect();
        for slot in &mut slots {
            if let Some(Guard::AnyOf(any)) = found.get(&slot.label) {
                let conjunction = |c: &Vec<ir::activity::Literal>| {
                    c.iter().map(|l| Some((*place.get(&l.decision)?, l.ranks.clone()))).collect::<Option<Vec<_>>>()
                };
                slot.guard = any.iter().map(conjunction).collect();
            }
        }
        let conditional = slots.iter().any(|s| s.guard.is_some());
        let mut groups = vec![Vec::new(); names.len()];
        slots.iter().enumerate().for_each(|(i, s)| groups[s.group].push(i));
        let order = guard_order(&slots);
        Self { slots, order, groups, first, conditional }
    }

    /// A schema of decisions that were recorded as they were made.
    #[must_use]
    pub(crate) fn recorded(record: Vec<(Name, Arc<Domain>)>) -> Self {
        let slots: Vec<Slot> = record
            .into_iter()
            .enumerate()
            .map(|(i, (label, domain))| Slot {
                label,
                size: domain.size(),
                domain,
                default: Pick::index(0),
                weights: None,
                group: i,
                guard: None,
            })
            .collect();
        Self {
            order: (0..slots.len()).collect(),
            groups: (0..slots.len()).map(|i| vec![i]).collect(),
            first: slots.iter().enumerate().map(|(i, s)| (s.label.clone(), i)).collect(),
            conditional: false,
            slots,
        }
    }

    /// The decisions in order.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The decisions by group.
    #[must_use]
    pub fn groups(&self) -> &[Vec<usize>] {
        &self.groups
    }

    /// The position of a decision or a family's member.
    #[must_use]
    pub fn position(&self, label: &str, index: Option<i64>) -> Option<usize> {
        let first = *self.first.get(label)?;
        match index {
            None => Some(first),
            Some(i) => {
                let at = first.checked_add(usize::try_from(i).ok()?)?;
                let slot = self.slots.get(at)?;
                let inner = slot.label.strip_prefix(label)?.strip_prefix('[')?.strip_suffix(']')?;
                (inner.parse() == Ok(i)).then_some(at)
            }
        }
    }

    /// The position of a label as samples print it.
    #[must_use]
    pub fn find(&self, label: &str) -> Option<usize> {
        match label.strip_suffix(']').and_then(|l| l.rsplit_once('[')) {
            Some((family, index)) => {
                self.position(family, Some(index.parse().ok()?)).or_else(|| self.first.get(label).copied())
            }
            None => self.position(label, None).filter(|i| self.slots[*i].label == label),
        }
    }

    /// Whether a slot plays a part, given the picks of those before it in guard order.
    #[must_use]
    pub fn is_active(&self, slot: usize, picks: &[Pick]) -> bool {
        match &self.slots[slot].guard {
            None => true,
            Some(any) => any.iter().any(|all| {
                all.iter().all(|(s, ranks)| picks[*s].is_active() && ranks.binary_search(&picks[*s].rank()).is_ok())
            }),
        }
    }

    /// Slots in an order in which guards come before what they guard.
    #[must_use]
    pub fn guard_order(&self) -> &[usize] {
        &self.order
    }

    /// Whether any decision depends on others.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.conditional
    }

    /// Marks what plays no part, and fills what plays one but is marked so.
    pub(crate) fn settle(&self, picks: &mut [Pick], fill: &mut dyn FnMut(&Slot) -> Pick) {
        if !self.conditional {
            return;
        }
        for &i in &self.order {
            if !self.is_active(i, picks) {
                picks[i] = Pick::INACTIVE;
            } else if !picks[i].is_active() {
                picks[i] = fill(&self.slots[i]);
            }
        }
    }

    /// The value of a slot's pick, or its default's where it plays no part.
    #[must_use]
    pub fn value(&self, slot: usize, pick: Pick) -> Option<Value> {
        let s = &self.slots[slot];
        s.domain.value(if pick.is_active() { pick } else { s.default })
    }
}

fn merged_guards(base: &Module, mutated: &Module) -> FxHashMap<Name, Guard> {
    let mut found: FxHashMap<Name, Guard> = guards(base).into_iter().collect();
    if base == mutated {
        return found;
    }
    for (label, guard) in guards(mutated) {
        let merged = match (found.remove(&label), guard) {
            (Some(Guard::AnyOf(mut known)), Guard::AnyOf(more)) => {
                known.extend(more);
                Guard::AnyOf(known)
            }
            _ => Guard::Always,
        };
        found.insert(label, merged);
    }
    found
}

/// The declared order, but each slot after those that guard it.
fn guard_order(slots: &[Slot]) -> Vec<usize> {
    fn visit(slots: &[Slot], i: usize, seen: &mut [bool], order: &mut Vec<usize>) {
        if std::mem::replace(&mut seen[i], true) {
            return;
        }
        for (s, _) in slots[i].guard.iter().flatten().flatten() {
            visit(slots, *s, seen, order);
        }
        order.push(i);
    }
    let (mut seen, mut order) = (vec![false; slots.len()], Vec::with_capacity(slots.len()));
    (0..slots.len()).for_each(|i| visit(slots, i, &mut seen, &mut order));
    order
}
