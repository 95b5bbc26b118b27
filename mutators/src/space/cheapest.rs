//! The cheapest legal sample, by a best-first search over decisions.
//!
//! * Decisions that neither a constraint nor a price ties together are parts, each searched for itself. A rule sees whole
//!   samples, so that it ties all of them.
//! * A constraint prunes as soon as it is broken whatever the open decisions come to.
//! * The first whole assignment that comes up is the cheapest of its part. If none comes up, there is no legal sample.
//! * Decisions that a constraint names play a part in every sample, so that it never sees one asleep.

use super::Space;
use crate::draw;
use crate::error::MutateError;
use crate::sample::Sample;
use crate::schema::Schema;
use ir::decision::Pick;
use ir::eval::{Empty, Env, EvalError};
use ir::expr::BinOp;
use ir::{Expr, Value};
use petgraph::unionfind::UnionFind;
use rand::Rng;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Assignments that the search of a part looks at before it gives up.
const MAX_STEPS: usize = 1 << 17;
/// Values of a decision that are all tried where any sample will do; of more, and of an interval, so many are drawn.
const MAX_VALUES: u64 = 256;

/// What values cost.
pub trait Price {
    /// The picks of a slot that are considered, those to be tried first among equals first.
    fn candidates(&self, slot: usize) -> Vec<Pick>;

    /// What a pick costs, not less than 0, where the slots that it [follows](Price::follows) are as in `picks`.
    fn of(&self, slot: usize, pick: Pick, picks: &[Pick]) -> f64;

    /// The slots that the price of a slot depends on. These follow none.
    fn follows(&self, _slot: usize) -> Vec<usize> {
        Vec::new()
    }
}

/// What came of the search for the cheapest legal sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Cheapest {
    /// None is cheaper.
    Found(Sample),
    /// No legal sample is made of the candidates.
    Nothing,
    /// The search ended before it found one.
    GivenUp,
}

impl Space {
    /// The cheapest legal sample. What a decision costs that plays no part in it does not count.
    ///
    /// # Errors
    /// If the space is dynamic.
    pub fn cheapest(&self, price: &dyn Price) -> Result<Cheapest, MutateError> {
        let schema = self.static_schema("searched for its cheapest sample")?;
        let mut picks = vec![Pick::INACTIVE; schema.slots().len()];
        for part in self.parts(schema, price) {
            match part.search(self, schema, price) {
                Ok(Some(found)) => part.slots.iter().zip(found).for_each(|(slot, pick)| picks[*slot] = pick),
                Ok(None) => return Ok(Cheapest::Nothing),
                Err(GivenUp) => return Ok(Cheapest::GivenUp),
            }
        }
        let found = whole(schema, &picks);
        Ok(if self.check(&found).is_ok() { Cheapest::Found(found) } else { Cheapest::GivenUp })
    }

    /// A legal sample that is no dearer than a legal one, by moves of one decision, and of two that are tied together, as
    /// long as one makes it cheaper.
    ///
    /// # Errors
    /// If the space is dynamic.
    pub fn cheaper(&self, sample: &Sample, price: &dyn Price) -> Result<Sample, MutateError> {
        let schema = self.static_schema("searched for its cheapest sample")?;
        let candidates: Vec<Vec<Pick>> = (0..schema.slots().len()).map(|s| price.candidates(s)).collect();
        let total = |sample: &Sample| -> f64 {
            let picks = sample.picks();
            let active = (0..picks.len()).filter(|s| picks[*s].is_active());
            active.map(|s| price.of(s, picks[s], picks)).sum()
        };
        let moves = self.parts(schema, price).into_iter().flat_map(|p| p.moves()).collect::<Vec<_>>();
        let (mut found, mut least, mut looked) = (sample.clone(), total(sample), 0);
        let mut is_moving = true;
        while std::mem::take(&mut is_moving) {
            for [first, second] in &moves {
                for (a, b) in candidates[*first].iter().flat_map(|a| candidates[*second].iter().map(move |b| (a, b))) {
                    if first == second && a != b {
                        continue;
                    }
                    let mut picks: Box<[Pick]> = found.picks().into();
                    (picks[*first], picks[*second]) = (*a, *b);
                    schema.settle(&mut picks, &mut |s| s.default);
                    let moved = Sample::new(schema.clone(), picks);
                    let cost = total(&moved);
                    looked += 1;
                    if cost < least && self.check(&moved).is_ok() {
                        (found, least, is_moving) = (moved, cost, true);
                    }
                }
                if looked > MAX_STEPS {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// Whether some constraint is broken by picks of which those that are [inactive](Pick::INACTIVE) are open, whatever they
    /// come to. A rule, which sees whole samples, is not asked.
    #[must_use]
    pub fn contradicts(&self, picks: &[Pick]) -> bool {
        let Some(schema) = &self.schema else { return false };
        let env = Partly { schema, picks };
        self.constraints.iter().any(|c| truth(c, &env) == Some(false))
    }

    /// A legal sample where draws have not found any, by a search that draws the order of the values.
    pub(super) fn any_legal(&self, rng: &mut dyn Rng) -> Result<Cheapest, MutateError> {
        let schema = self.static_schema("searched for a legal sample")?;
        let candidates = schema.slots().iter().map(|s| match s.domain.size().filter(|n| *n <= MAX_VALUES) {
            Some(n) => {
                let mut all: Vec<Pick> = (0..n).map(Pick::index).collect();
                draw::shuffle(rng, &mut all);
                all
            }
            None => (0..MAX_VALUES).map(|_| draw::pick(rng, &s.domain, s.weights.as_deref())).collect(),
        });
        let any = Any(candidates.collect());
        self.cheapest(&any)
    }

    /// The parts that can be searched apart.
    fn parts(&self, schema: &Schema, price: &dyn Price) -> Vec<Part<'_>> {
        let slots = schema.slots().len();
        let follows: Vec<Vec<usize>> = (0..slots).map(|s| price.follows(s)).collect();
        let named: Vec<Vec<usize>> = self.constraints.iter().map(|c| slots_of(c, schema)).collect();
        let mut ties = UnionFind::new(slots);
        let mut tie = |a: usize, b: usize| {
            ties.union(a, b);
        };
        follows.iter().enumerate().for_each(|(slot, all)| all.iter().for_each(|f| tie(slot, *f)));
        named.iter().for_each(|all| all.windows(2).for_each(|pair| tie(pair[0], pair[1])));
        if !self.rules.is_empty() {
            (1..slots).for_each(|slot| tie(0, slot));
        }
        let group = ties.into_labeling();
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); slots];
        (0..slots).for_each(|s| groups[group[s]].push(s));
        groups.retain(|slots| !slots.is_empty());
        groups.sort_by_key(|slots| slots[0]);
        let part = |mut slots: Vec<usize>| {
            // What a price depends on comes before it.
            slots.sort_by_key(|s| !follows[*s].is_empty());
            let touching = |slot: &usize| {
                let names = self.constraints.iter().zip(&named).filter(|(_, all)| all.contains(slot));
                names.map(|(c, _)| c).collect()
            };
            Part { constraints: slots.iter().map(touching).collect(), slots }
        };
        let mut parts: Vec<Part<'_>> = groups.into_iter().map(part).collect();
        // A constraint that names nothing holds for all or for none.
        let closed = self.constraints.iter().zip(&named).filter(|(_, all)| all.is_empty()).map(|(c, _)| c);
        if let Some(first) = parts.first_mut() {
            first.constraints[0].extend(closed);
        }
        parts
    }
}

/// Anything will do.
struct Any(Vec<Vec<Pick>>);

impl Price for Any {
    fn candidates(&self, slot: usize) -> Vec<Pick> {
        self.0[slot].clone()
    }

    fn of(&self, _: usize, _: Pick, _: &[Pick]) -> f64 {
        0.0
    }
}

/// A part's search that has looked at too much.
struct GivenUp;

/// Decisions that belong together.
struct Part<'a> {
    /// In the order in which they are decided.
    slots: Vec<usize>,
    /// The constraints that name each.
    constraints: Vec<Vec<&'a Expr>>,
}

/// A decision on the way to a whole assignment.
struct Step {
    before: usize,
    pick: Pick,
    price: f64,
}

/// A step to go on from: the cheapest first, then the furthest, then the latest.
struct Open {
    /// What it costs at least in the end.
    least: f64,
    depth: usize,
    step: usize,
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_price = other.least.total_cmp(&self.least);
        by_price.then(self.depth.cmp(&other.depth)).then(self.step.cmp(&other.step))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

impl Part<'_> {
    /// Its slots, each with itself, and the pairs of them.
    fn moves(&self) -> Vec<[usize; 2]> {
        let alone = self.slots.iter().map(|s| [*s, *s]);
        let pairs = self.slots.iter().enumerate().flat_map(|(i, a)| self.slots[..i].iter().map(move |b| [*a, *b]));
        alone.chain(pairs).collect()
    }

    /// The picks of its slots; none if no assignment is legal.
    fn search(&self, space: &Space, schema: &Arc<Schema>, price: &dyn Price) -> Result<Option<Vec<Pick>>, GivenUp> {
        let candidates: Vec<Vec<Pick>> = self.slots.iter().map(|s| price.candidates(*s)).collect();
        let mut picks = vec![Pick::INACTIVE; schema.slots().len()];
        // What the slots from one on cost at least.
        let mut rest = vec![0.0; self.slots.len() + 1];
        for (at, slot) in self.slots.iter().enumerate().rev() {
            let least = candidates[at].iter().map(|p| price.of(*slot, *p, &picks)).fold(f64::INFINITY, f64::min);
            rest[at] = rest[at + 1] + if price.follows(*slot).is_empty() { least.min(f64::MAX) } else { 0.0 };
        }
        let mut steps: Vec<Step> = Vec::new();
        let mut heap = BinaryHeap::from([Open { least: rest[0], depth: 0, step: usize::MAX }]);
        while let Some(Open { depth, step, .. }) = heap.pop() {
            let (mut at, mut place, mut paid) = (step, depth, 0.0);
            picks.fill(Pick::INACTIVE);
            if let Some(last) = steps.get(step) {
                paid = last.price;
            }
            while let Some(s) = steps.get(at) {
                place -= 1;
                picks[self.slots[place]] = s.pick;
                at = s.before;
            }
            if depth == self.slots.len() {
                if space.rules.is_empty() || space.check(&whole(schema, &picks)).is_ok() {
                    return Ok(Some(self.slots.iter().map(|s| picks[*s]).collect()));
                }
                continue;
            }
            let slot = self.slots[depth];
            // The latest of equals comes up first.
            for pick in candidates[depth].iter().rev() {
                picks[slot] = *pick;
                let env = Partly { schema, picks: &picks };
                if self.constraints[depth].iter().any(|c| truth(c, &env) == Some(false)) {
                    continue;
                }
                let price = paid + price.of(slot, *pick, &picks);
                steps.push(Step { before: step, pick: *pick, price });
                if steps.len() > MAX_STEPS {
                    return Err(GivenUp);
                }
                heap.push(Open { least: price + rest[depth + 1], depth: depth + 1, step: steps.len() - 1 });
            }
        }
        Ok(None)
    }
}

/// The sample of some picks, those that play no part asleep.
fn whole(schema: &Arc<Schema>, picks: &[Pick]) -> Sample {
    let mut picks: Box<[Pick]> = picks.into();
    schema.settle(&mut picks, &mut |s| s.default);
    Sample::new(schema.clone(), picks)
}

/// The slots of the decisions that a constraint names: of a family by a computed index all of them.
fn slots_of(constraint: &Expr, schema: &Schema) -> Vec<usize> {
    let mut found = Vec::new();
    for d in constraint.decisions() {
        let index = d.index.as_ref().map(|i| i.eval_int(&Empty).ok());
        match index {
            None => found.extend(schema.position(&d.label, None)),
            Some(Some(i)) => found.extend(schema.position(&d.label, Some(i))),
            Some(None) => {
                let member = |l: &str| l.strip_prefix(d.label.as_str()).is_some_and(|rest| rest.starts_with('['));
                let all = schema.slots().iter().enumerate().filter(|(_, s)| member(&s.label));
                found.extend(all.map(|(i, _)| i));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Picks of which some are open.
struct Partly<'a> {
    schema: &'a Schema,
    picks: &'a [Pick],
}

impl Env for Partly<'_> {
    fn param(&self, _: &str) -> Option<i64> {
        None
    }

    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let slot = self.schema.position(label, index)?;
        self.schema.slots()[slot].domain.value(self.picks[slot])
    }
}

/// Whether a constraint holds or is broken whatever the open decisions come to; `None` if that depends on them. One
/// without a value is broken.
fn truth(x: &Expr, env: &dyn Env) -> Option<bool> {
    match x {
        Expr::Not(x) => truth(x, env).map(|b| !b),
        Expr::Binary(op @ (BinOp::And | BinOp::Or), x, y) => {
            let decides = *op == BinOp::Or;
            match (truth(x, env), truth(y, env)) {
                (Some(b), _) | (_, Some(b)) if b == decides => Some(decides),
                (Some(_), Some(_)) => Some(!decides),
                _ => None,
            }
        }
        _ => match x.eval_bool(env) {
            Ok(b) => Some(b),
            Err(EvalError::OpenDecision(_)) => None,
            Err(_) => Some(false),
        },
    }
}
