//! Finding the groups of nodes that recur, and telling whether one box can stand for them.

use super::super::view::{Act, Item};
use crate::expr::Expr;
use crate::graph::Val;
use crate::op::OpTemplate;
use crate::value::{Name, Value};
use rustc_hash::FxHashMap;

/// The greatest number of nodes of a group, and the least number of groups: with fewer, what is the same for all cannot
/// be told from what came before.
const LONGEST: usize = 12;
const FEWEST: usize = 3;

/// Where a value of a group's node comes from.
#[derive(Clone, PartialEq)]
pub(super) enum From {
    /// The same group.
    Inner(usize, u8),
    /// So many groups before.
    Before(usize, usize, u8),
    Outer(Val),
}

/// Equal groups in a row.
pub(super) struct Run {
    pub start: usize,
    pub period: usize,
    pub times: usize,
    pub pattern: Vec<Vec<From>>,
    /// The node of a group, and its output, that later groups read.
    pub result: (usize, u8),
    /// What the first group reads as the result of one and of two groups before it.
    pub initial: Vec<Val>,
    /// Values of which all groups' are read in a row.
    pub collected: Vec<(usize, u8)>,
}

pub(super) struct Finder<'a> {
    pub items: &'a [Item],
    pub outputs: &'a [Val],
    pub at: &'a FxHashMap<Name, usize>,
    pub users: &'a [Vec<usize>],
}

impl Finder<'_> {
    /// The runs of the graph, none of which overlaps another.
    pub(super) fn all(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut start = 0;
        while start < self.items.len() {
            let best = (1..=LONGEST)
                .filter_map(|p| self.run(start, p))
                .max_by_key(|r| (r.times * r.period, LONGEST - r.period));
            let best = best.map(|run| self.turned(run));
            start = best.as_ref().map_or(start + 1, |r| r.start + r.times * r.period);
            runs.extend(best);
        }
        runs
    }

    /// The longest run of groups of `period` nodes from a node on.
    fn run(&self, start: usize, period: usize) -> Option<Run> {
        let third = start + 2 * period;
        let pattern: Vec<Vec<From>> = (0..period).map(|q| self.sources(start, period, 2, q)).collect::<Option<_>>()?;
        (third + period <= self.items.len()).then_some(())?;
        let mut before = pattern.iter().flatten().filter_map(|f| match f {
            From::Before(l, q, out) => Some((*l, (*q, *out))),
            _ => None,
        });
        let (first, result) = before.next()?;
        let mut lags = first;
        for (l, other) in before {
            (other == result).then_some(())?;
            lags = lags.max(l);
        }
        matches!(self.items[start + result.0].act, Act::Call(_)).then_some(())?;
        let mut initial: Vec<Option<Val>> = vec![None; lags];
        let mut times = 0;
        while self.group(start, period, times, &pattern, &mut initial) {
            times += 1;
        }
        let initial: Vec<Val> = initial.into_iter().collect::<Option<_>>()?;
        let mut run = Run { start, period, times, pattern, result, initial, collected: Vec::new() };
        while run.times >= FEWEST {
            if let Some(collected) = self.collected(&run) {
                run.collected = collected;
                return Some(run);
            }
            run.times -= 1;
        }
        None
    }

    /// The same groups cut elsewhere, where fewer nodes read what was before: a step begins with what is new to it.
    fn turned(&self, run: Run) -> Run {
        let before = |r: &Run| r.pattern.iter().flatten().filter(|f| matches!(f, From::Before(..))).count();
        let others = (run.start + 1..run.start + run.period).filter_map(|start| self.run(start, run.period));
        let (times, own) = (run.times, before(&run));
        others.filter(|r| r.times >= times && before(r) < own).min_by_key(before).unwrap_or(run)
    }

    fn sources(&self, start: usize, period: usize, t: usize, q: usize) -> Option<Vec<From>> {
        let group = start + t * period;
        self.items
            .get(group + q)?
            .operands
            .iter()
            .map(|v| {
                let i = *self.at.get(&v.node)?;
                if i >= group {
                    return (i < group + q).then(|| From::Inner(i - group, v.out));
                }
                if i < start || i + 2 * period < group {
                    return Some(From::Outer(v.clone()));
                }
                let back = (group - 1 - i) / period + 1;
                Some(From::Before(back, (i - start) % period, v.out))
            })
            .collect()
    }

    /// Whether group `t` follows the pattern; the first groups say what the initial results are.
    fn group(&self, start: usize, period: usize, t: usize, pattern: &[Vec<From>], initial: &mut [Option<Val>]) -> bool {
        for (q, sources) in pattern.iter().enumerate() {
            let Some(item) = self.items.get(start + t * period + q) else { return false };
            let one = &self.items[start + period + q];
            if !same(&self.items[start + q], one, item, t) || item.operands.len() != sources.len() {
                return false;
            }
            let Some(found) = self.sources(start, period, t, q) else { return false };
            for ((found, expected), val) in found.iter().zip(sources).zip(&item.operands) {
                match expected {
                    From::Before(l, ..) if t < *l => {
                        let place = &mut initial[l - t - 1];
                        let outside = self.at.get(&val.node).is_some_and(|i| *i < start);
                        if !outside || place.as_ref().is_some_and(|known| known != val) {
                            return false;
                        }
                        *place = Some(val.clone());
                    }
                    expected if found == expected => {}
                    _ => return false,
                }
            }
        }
        true
    }

    /// The values of which all groups' are read in a row, if nothing else is read but the last results.
    fn collected(&self, run: &Run) -> Option<Vec<(usize, u8)>> {
        let end = run.start + run.times * run.period;
        let mut collected: Vec<(usize, u8)> = Vec::new();
        for i in run.start..end {
            let (t, q) = ((i - run.start) / run.period, (i - run.start) % run.period);
            let name = &self.items[i].name;
            let is_late = |out: u8| (q, out) == run.result && t + run.initial.len() >= run.times;
            for user in self.users[i].iter().filter(|u| **u >= end) {
                if *user == usize::MAX {
                    self.outputs.iter().filter(|v| v.node == *name).all(|v| is_late(v.out)).then_some(())?;
                    continue;
                }
                let operands = &self.items[*user].operands;
                for out in operands.iter().filter(|v| v.node == *name).map(|v| v.out) {
                    let all: Vec<Val> = (0..run.times).map(|t| run.val(self.items, t, (q, out))).collect();
                    if operands.windows(all.len()).any(|w| w == &all[..]) {
                        if !collected.contains(&(q, out)) {
                            collected.push((q, out));
                        }
                    } else if !is_late(out) {
                        return None;
                    }
                }
            }
        }
        Some(collected)
    }
}

/// Whether an item of group `t` is what those of the first two groups let expect.
fn same(zero: &Item, one: &Item, item: &Item, t: usize) -> bool {
    let alike = zero.chosen == item.chosen && zero.weights == item.weights && zero.types == item.types;
    alike
        && match (&zero.act, &one.act, &item.act) {
            (Act::Op(a), Act::Op(b), Act::Op(c)) => {
                a.name() == c.name() && counted(a, b).is_some_and(|at| at(t as i64) == c.attrs())
            }
            (Act::Call(a), _, Act::Call(c)) => a == c,
            (Act::Choice(d, a), _, Act::Choice(e, c)) => d == e && a == c,
            (Act::Select(d, a), _, Act::Select(e, c)) => d == e && a == c,
            (Act::Merge(a), _, Act::Merge(c)) => a == c,
            (Act::Nothing, _, Act::Nothing) => true,
            (Act::Repeat(d, i, a), _, Act::Repeat(e, j, c)) => d == e && i == j && a == c,
            _ => false,
        }
}

type Attributes = Vec<(Name, Expr)>;

/// The attributes of an op in group `t`, if they are equal or count up from the first group to the second.
fn counted(zero: &OpTemplate, one: &OpTemplate) -> Option<impl Fn(i64) -> Attributes + use<>> {
    let (a, b) = (zero.attrs(), one.attrs());
    let fits =
        a.len() == b.len() && a.iter().zip(&b).all(|((n, x), (m, y))| n == m && (x == y || step(x, y).is_some()));
    fits.then_some(move |t: i64| {
        let at = |x: &Expr, y: &Expr| match step(x, y) {
            Some((first, by)) => Expr::int(first + t * by),
            None => x.clone(),
        };
        a.iter().zip(&b).map(|((n, x), (_, y))| (n.clone(), at(x, y))).collect()
    })
}

/// A number that counts up: the first, and by how much.
pub(super) fn step(x: &Expr, y: &Expr) -> Option<(i64, i64)> {
    match (x, y) {
        (Expr::Lit(Value::Int(x)), Expr::Lit(Value::Int(y))) if x != y => Some((*x, y.checked_sub(*x)?)),
        _ => None,
    }
}

impl Run {
    /// A value of group `t`.
    pub(super) fn val(&self, items: &[Item], t: usize, (q, out): (usize, u8)) -> Val {
        Val { node: items[self.start + t * self.period + q].name.clone(), out }
    }
}
