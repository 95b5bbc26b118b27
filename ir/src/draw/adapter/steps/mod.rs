//! Nodes that recur: a group of nodes that stands several times in a row, each time on the results of the groups before
//! it, is drawn once with its number, as a repeat is.
//!
//! A group is folded only if the single box says all of the wiring: every group has the same nodes (attributes may count
//! up), a value of a group before it is the *result* of one of the two before it, all else that it reads is the same for
//! all, and what is read behind the last group is its result, the one before that, or one value of every group in order.

mod find;

use super::view::{Act, Item, View};
use super::words;
use crate::expr::{BinOp, Expr};
use crate::graph::Val;
use crate::op::{OpRegistry, OpTemplate};
use crate::value::Name;
use find::{Finder, From, Run, step};
use rustc_hash::FxHashMap;

/// Several equal steps, as one node.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    pub title: String,
    pub times: usize,
    pub detail: Vec<String>,
    /// What each output is, if it is not the last result.
    pub outputs: Vec<Option<String>>,
}

/// The view with its recurring groups folded, and a panel for each group that is more than one node.
pub(super) fn fold<'a>(view: View<'a>) -> (View<'a>, Vec<View<'a>>) {
    let at: FxHashMap<Name, usize> = view.items.iter().enumerate().map(|(i, item)| (item.name.clone(), i)).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); view.items.len()];
    for (i, item) in view.items.iter().enumerate() {
        item.operands.iter().filter_map(|v| at.get(&v.node)).for_each(|x| users[*x].push(i));
    }
    // An output of the graph is a use by nobody inside.
    view.outputs.iter().filter_map(|v| at.get(&v.node)).for_each(|x| users[*x].push(usize::MAX));
    let finder = Finder { items: &view.items, outputs: &view.outputs, at: &at, users: &users };
    let runs = finder.all();
    if runs.is_empty() {
        return (view, Vec::new());
    }
    let mut panels: Vec<View<'a>> = Vec::new();
    let (mut items, mut next) = (Vec::new(), 0);
    let mut moved: FxHashMap<Val, Val> = FxHashMap::default();
    let mut gathered: Vec<(Vec<Val>, Val)> = Vec::new();
    for run in &runs {
        items.extend_from_slice(&view.items[next..run.start]);
        next = run.start + run.times * run.period;
        let (item, panel) = run.item(&view);
        for d in 0..run.initial.len() {
            moved.insert(
                run.val(&view.items, run.times - 1 - d, run.result),
                Val { node: item.name.clone(), out: d as u8 },
            );
        }
        for (k, what) in run.collected.iter().enumerate() {
            let all = (0..run.times).map(|t| run.val(&view.items, t, *what)).collect();
            let out = (run.initial.len() + k) as u8;
            gathered.push((all, Val { node: item.name.clone(), out }));
        }
        items.push(item);
        panels.extend(panel.filter(|p| panels.iter().all(|q| !p.same_as(q))));
    }
    items.extend_from_slice(&view.items[next..]);
    for item in &mut items {
        for (all, one) in &gathered {
            if let Some(i) = item.operands.windows(all.len()).position(|w| w == &all[..]) {
                item.operands.splice(i..i + all.len(), [one.clone()]);
                item.roles.splice(i..i + all.len(), [None]);
            }
        }
        item.operands.iter_mut().for_each(|v| {
            if let Some(new) = moved.get(v) {
                *v = new.clone();
            }
        });
    }
    let outputs = view.outputs.iter().map(|v| moved.get(v).unwrap_or(v).clone()).collect();
    (View { items, outputs, ..view }, panels)
}

impl Run {
    /// The box of all groups, and the panel of one.
    fn item<'a>(&self, view: &View<'a>) -> (Item, Option<View<'a>>) {
        let group = &view.items[self.start..self.start + self.period];
        let last = &view.items[self.start + (self.times - 1) * self.period + self.result.0];
        let (title, params) = (title(&group[self.result.0]), self.params(view));
        let mut detail: Vec<String> = words::pairs(&params).into_iter().collect();
        let several = self.initial.len() > 1;
        match (several, self.period) {
            (true, 1) => detail.push("of h_{t-2}, h_{t-1}".to_owned()),
            (true, _) => detail.push("of the two before it".to_owned()),
            (false, _) => {}
        }
        if last.weights.is_some() {
            detail.push("with one set of weights".to_owned());
        }
        let title = if self.period == 1 { title } else { format!("{title} step") };
        let mut operands: Vec<Val> = self.initial.iter().rev().cloned().collect();
        let mut roles: Vec<Option<String>> =
            (0..operands.len()).rev().map(|d| several.then(|| format!("h_{{t-{}}}", d + 1))).collect();
        if operands.iter().all(|v| *v == operands[0]) {
            operands.truncate(1);
            roles = vec![None];
        }
        let outer = self.outer();
        roles.extend(outer.iter().map(|_| None));
        operands.extend(outer);
        let mut outputs = vec![None, Some("last but one".to_owned())];
        outputs.truncate(self.initial.len());
        outputs.extend(self.collected.iter().map(|_| Some(format!("all {}", self.times))));
        let types = last.types.as_ref().and_then(|own| {
            let mut types = vec![own.get(usize::from(self.result.1))?.clone(); self.initial.len()];
            for (q, out) in &self.collected {
                types.push(group[*q].types.as_ref()?.get(usize::from(*out))?.clone());
            }
            Some(types)
        });
        let panel = (self.period > 1).then(|| self.panel(view, &title, &params));
        let steps = Steps { title, times: self.times, detail, outputs };
        let act = Act::Steps(Box::new(steps));
        (Item { name: last.name.clone(), act, chosen: None, operands, roles, weights: None, types }, panel)
    }

    /// What all groups read from outside.
    fn outer(&self) -> Vec<Val> {
        let mut found: Vec<Val> = Vec::new();
        for source in self.pattern.iter().flatten() {
            if let From::Outer(v) = source
                && !found.contains(v)
            {
                found.push(v.clone());
            }
        }
        found
    }

    /// The arguments of the group's calls by the names of their parameters, of those that have one value in the group.
    fn params(&self, view: &View<'_>) -> Vec<(Name, Expr)> {
        let mut found: Vec<(Name, Expr, bool)> = Vec::new();
        for item in &view.items[self.start..self.start + self.period] {
            let Act::Call(callee) = &item.act else { continue };
            let Some(graph) = view.module.graph(&callee.graph) else { continue };
            for (name, x) in graph.params().iter().zip(&callee.args) {
                match found.iter_mut().find(|(n, ..)| n == name) {
                    Some((_, known, one)) => *one &= known == x,
                    None => found.push((name.clone(), x.clone(), true)),
                }
            }
        }
        found.into_iter().filter(|(.., one)| *one).map(|(name, x, _)| (name, x)).collect()
    }

    /// One group as a graph of its own, with the results before it as inputs.
    fn panel<'a>(&self, view: &View<'a>, title: &str, params: &[(Name, Expr)]) -> View<'a> {
        let names: Vec<&str> = params.iter().map(|(n, _)| n.as_str()).collect();
        let heading = if names.is_empty() { title.to_owned() } else { format!("{title}<{}>", names.join(", ")) };
        let before = |back: usize| Name::new(format!("h_{{t-{back}}}"));
        let input = |name: Name| Item {
            name,
            act: Act::Input,
            chosen: None,
            operands: Vec::new(),
            roles: Vec::new(),
            weights: None,
            types: None,
        };
        let mut items: Vec<Item> = (1..=self.initial.len()).rev().map(|back| input(before(back))).collect();
        let mut outer: Vec<Name> = Vec::new();
        self.outer().into_iter().for_each(|v| {
            if !outer.contains(&v.node) {
                outer.push(v.node);
            }
        });
        items.extend(outer.into_iter().map(|name| {
            let source = view.items.iter().find(|i| i.name == name);
            Item { types: source.and_then(|s| s.types.clone()), ..input(name) }
        }));
        let mut counts = false;
        for q in 0..self.period {
            let (zero, one) = (&view.items[self.start + q], &view.items[self.start + self.period + q]);
            let operands = self.pattern[q].iter().map(|from| match from {
                From::Inner(q, out) => Val { node: view.items[self.start + q].name.clone(), out: *out },
                From::Before(back, ..) => Val { node: before(*back), out: 0 },
                From::Outer(v) => v.clone(),
            });
            // The groups of other arguments have other types, and share this picture.
            let types = zero.types.clone().filter(|_| params.is_empty());
            let mut item = Item { operands: operands.collect(), types, ..zero.clone() };
            match (&mut item.act, &one.act) {
                (Act::Call(callee), _) => {
                    let graph = view.module.graph(&callee.graph);
                    for (name, x) in graph.map(|g| g.params()).unwrap_or_default().iter().zip(&mut callee.args) {
                        if params.iter().any(|(n, _)| n == name) {
                            *x = Expr::Ident(name.clone());
                        }
                    }
                }
                (Act::Op(op), Act::Op(next)) if op != next => {
                    counts = true;
                    *op = counting(op, next);
                }
                _ => {}
            }
            items.push(item);
        }
        let own = |(q, out): (usize, u8)| Val { node: view.items[self.start + q].name.clone(), out };
        let outputs = std::iter::once(self.result).chain(self.collected.iter().copied().filter(|c| *c != self.result));
        let (mut outputs, mut titles): (Vec<Val>, Vec<String>) =
            outputs.map(|o| (own(o), "collected".to_owned())).unzip();
        titles[0] = "h_{t}".to_owned();
        outputs.dedup();
        let note = counts.then(|| format!("t = 0 … {}", self.times - 1));
        View {
            module: view.module,
            graph: view.graph.clone(),
            heading,
            items,
            outputs,
            titles,
            note: note.into_iter().collect(),
        }
    }
}

/// What a step is called: the graph that gives its result.
fn title(item: &Item) -> String {
    match (&item.chosen, &item.act) {
        (Some(label), _) => label.to_string(),
        (None, Act::Call(callee)) => callee.graph.to_string(),
        _ => item.name.to_string(),
    }
}

/// An op whose attributes count up, with expressions of the step's number `t`.
fn counting(zero: &OpTemplate, one: &OpTemplate) -> OpTemplate {
    let at = |x: &Expr, y: &Expr| match step(x, y) {
        Some((first, by)) => {
            let t = Expr::ident("t");
            let scaled = if by == 1 { t } else { Expr::Binary(BinOp::Mul, Box::new(Expr::int(by)), Box::new(t)) };
            if first == 0 { scaled } else { Expr::Binary(BinOp::Add, Box::new(scaled), Box::new(Expr::int(first))) }
        }
        None => x.clone(),
    };
    let attrs = zero.attrs().iter().zip(one.attrs()).map(|((n, x), (_, y))| (n.clone(), at(x, &y))).collect();
    match OpRegistry::default().kind(zero.name()) {
        Ok(kind) => OpTemplate::Open { kind, attrs },
        Err(_) => zero.clone(),
    }
}
