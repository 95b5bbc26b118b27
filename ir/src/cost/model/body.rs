//! What a node makes and costs: ops, calls, choices, selects and repeats, for all decisions at once.

use super::build::{Arg, Asked, Builder, Factor, Note, Part, Scope, Slot, Stop};
use super::table::{Limit, Table, equal, wild};
use crate::cost::Cost;
use crate::expr::{DecisionRef, Expr};
use crate::graph::{Body, Callee, Candidate, Reduce};
use crate::op::{Op, OpTemplate, Types};
use crate::program::{MAX_DEPTH, chosen_inputs, is_label, kept_inputs, reduce_op};
use crate::ty::TensorType;
use crate::value::Name;
use smallvec::SmallVec;

impl Builder<'_> {
    /// A node on operands of these types.
    pub(super) fn body(
        &mut self,
        body: &Body,
        x: &[Slot],
        scope: &Scope<'_>,
        at: &dyn Fn(Limit) -> Stop,
    ) -> Result<Part, Stop> {
        match body {
            Body::Input => Ok(Part::default()),
            Body::Op(op) => self.op(op, x, scope).map_err(at),
            Body::Select { decision, reduce } => self.select(decision, *reduce, x, scope).map_err(at),
            Body::Call(callee) => {
                let mut part = self.call(callee, x, scope, at)?;
                part.factors.extend(x.iter().map(|slot| self.present(slot)));
                Ok(part)
            }
            Body::Choice { decision, candidates } => {
                let mut part = self.choice(decision, candidates, x, scope, at)?;
                part.factors.extend(x.iter().map(|slot| self.present(slot)));
                Ok(part)
            }
            Body::Repeat { depth, index, callee } => self.repeat(depth, index.as_ref(), callee, x, scope, at),
        }
    }

    /// What an op makes and costs where it can be made, from a table of both.
    fn made(&self, table: &Table<Option<(Types, Cost)>>) -> Part {
        let vars = self.explorer.vars.borrow();
        let n = table.values.iter().flatten().map(|(types, _)| types.len()).max().unwrap_or(0);
        let out = |k: usize| table.map(&vars, |v| v.as_ref().and_then(|(types, _)| types.get(k).cloned()), wild);
        let outs = (0..n).map(out).collect();
        let cost = table.map(&vars, |v| v.as_ref().map(|(_, cost)| *cost), equal);
        Part { outs, factors: vec![cost], ..Part::default() }
    }

    /// An op with its weights, wherever it can be made.
    fn noted(&self, template: &OpTemplate, x: &[Slot], scope: &Scope<'_>) -> Result<Option<Note>, Limit> {
        if !self.notes {
            return Ok(None);
        }
        let made = self.explorer.table(wild, &mut |ask| {
            let op = template.instantiate(&Asked { scope, ask }).ok()?;
            let x: SmallVec<[&TensorType; 4]> = x.iter().map(|s| s.at(ask)?.as_ref()).collect::<Option<_>>()?;
            let (types, weights) = (op.infer(&x).ok()?, op.weights(&x));
            Some((op, types, weights))
        })?;
        Ok(Some(Note::Op(String::new(), made)))
    }

    fn infer(&self, op: &Op, x: &[&TensorType]) -> Option<(Types, Cost)> {
        let types = op.infer(x).ok()?;
        let cost = Cost::of(op, self.convention, x, &types);
        Some((types, cost))
    }

    fn op(&self, template: &OpTemplate, x: &[Slot], scope: &Scope<'_>) -> Result<Part, Limit> {
        let table = self.explorer.table(equal, &mut |ask| {
            let op = template.instantiate(&Asked { scope, ask }).ok()?;
            let x: SmallVec<[&TensorType; 4]> = x.iter().map(|s| s.at(ask)?.as_ref()).collect::<Option<_>>()?;
            self.infer(&op, &x)
        })?;
        Ok(Part { notes: self.noted(template, x, scope)?.into_iter().collect(), ..self.made(&table) })
    }

    fn select(&self, d: &DecisionRef, reduce: Reduce, x: &[Slot], scope: &Scope<'_>) -> Result<Part, Limit> {
        let table = self.explorer.table(equal, &mut |ask| {
            let (label, index) = d.resolve(&Asked { scope, ask }).ok()?;
            let value = ask.value(&label, index)?;
            let op = reduce_op(reduce, chosen_inputs(&value, x.len()).ok()?.len()).ok()?;
            let kept = kept_inputs(&value, x.len()).ok()?;
            let x: SmallVec<[&TensorType; 4]> = kept.iter().map(|i| x[*i].at(ask)?.as_ref()).collect::<Option<_>>()?;
            self.infer(&op, &x)
        })?;
        Ok(self.made(&table))
    }

    fn call(
        &mut self,
        callee: &Callee,
        x: &[Slot],
        scope: &Scope<'_>,
        at: &dyn Fn(Limit) -> Stop,
    ) -> Result<Part, Stop> {
        let module = self.explorer.module;
        let graph = module.graph(&callee.graph);
        let Some(graph) = graph.filter(|g| g.inputs.len() == x.len() && g.params.len() == callee.args.len()) else {
            return Ok(Part::fault());
        };
        let mut faults: Vec<Factor> = Vec::new();
        let mut args: Vec<Arg> = Vec::with_capacity(callee.args.len());
        for arg in &callee.args {
            let table = self.explorer.table(equal, &mut |ask| arg.eval_int(&Asked { scope, ask }).ok()).map_err(at)?;
            let vars = self.explorer.vars.borrow();
            faults.push(table.map(&vars, |v| v.map(|_| Cost::default()), equal));
            args.push(table.map(&vars, |v| *v, wild));
        }
        let body = self.graph(graph, &args, x)?;
        let factors = body.factors.iter().cloned().chain(faults).collect();
        Ok(Part { outs: body.outs.clone(), factors, notes: body.notes.clone() })
    }

    fn choice(
        &mut self,
        decision: &DecisionRef,
        candidates: &[(Name, Candidate)],
        x: &[Slot],
        scope: &Scope<'_>,
        at: &dyn Fn(Limit) -> Stop,
    ) -> Result<Part, Stop> {
        let chosen = self.explorer.table(equal, &mut |ask| {
            let (label, index) = decision.resolve(&Asked { scope, ask }).ok()?;
            let value = ask.value(&label, index)?;
            candidates.iter().position(|(name, _)| is_label(&value, name))
        });
        let chosen = chosen.map_err(at)?;
        let mut factors = vec![chosen.map(&self.explorer.vars.borrow(), |c| c.map(|_| Cost::default()), equal)];
        let mut notes = Vec::new();
        let mut parts: Vec<Option<Vec<Slot>>> = Vec::with_capacity(candidates.len());
        for (i, (name, candidate)) in candidates.iter().enumerate() {
            if !chosen.values.contains(&Some(i)) {
                parts.push(None);
                continue;
            }
            let part = match candidate {
                Candidate::Op(op) => self.op(op, x, scope).map_err(at)?,
                Candidate::Call(callee) => self.call(callee, x, scope, at)?,
            };
            let guard = chosen.map(&self.explorer.vars.borrow(), |c| *c == Some(i), equal);
            for factor in part.factors {
                factors.push(self.under(&guard, factor).map_err(at)?);
            }
            notes.extend(Note::under(name, part.notes));
            parts.push(Some(part.outs));
        }
        let n = parts.iter().flatten().map(Vec::len).max().unwrap_or(0);
        let mut outs = Vec::with_capacity(n);
        for k in 0..n {
            let out = self.explorer.table(wild, &mut |ask| {
                let part = parts[(*chosen.at(ask)?)?].as_ref()?;
                part.get(k)?.at(ask)?.clone()
            });
            outs.push(out.map_err(at)?);
        }
        Ok(Part { outs, factors, notes })
    }

    fn repeat(
        &mut self,
        depth: &Expr,
        index: Option<&Name>,
        callee: &Callee,
        x: &[Slot],
        scope: &Scope<'_>,
        at: &dyn Fn(Limit) -> Stop,
    ) -> Result<Part, Stop> {
        let Some(first) = x.first() else { return Ok(Part::fault()) };
        let depths = self.explorer.table(equal, &mut |ask| {
            let depth = depth.eval_int(&Asked { scope, ask }).ok()?;
            (0..=MAX_DEPTH).contains(&depth).then_some(depth)
        });
        let depths = depths.map_err(at)?;
        let deepest = depths.values.iter().flatten().copied().max().unwrap_or(0);
        let mut factors = vec![depths.map(&self.explorer.vars.borrow(), |d| d.map(|_| Cost::default()), equal)];
        factors.push(self.present(first));
        let mut notes = Vec::new();
        if self.notes {
            notes.push(Note::Depth(depths.scope.clone()));
        }
        let mut threaded = x.to_vec();
        let mut after = vec![first.clone()];
        for i in 0..deepest {
            let inner = Scope { index: index.map(|n| (n, i)), ..*scope };
            let mut part = self.call(callee, &threaded, &inner, at)?;
            if part.outs.len() != 1 {
                part.factors.push(Table::constant(None));
            }
            if i == 0 {
                part.factors.extend(x.iter().skip(1).map(|slot| self.present(slot)));
            }
            let reached = depths.map(&self.explorer.vars.borrow(), |d| d.is_some_and(|d| d > i), equal);
            for factor in part.factors {
                factors.push(self.under(&reached, factor).map_err(at)?);
            }
            notes.extend(Note::under(&i.to_string(), part.notes));
            threaded[0] = part.outs.into_iter().next().unwrap_or_else(|| Table::constant(None));
            after.push(threaded[0].clone());
        }
        let out = self.explorer.table(wild, &mut |ask| after[(*depths.at(ask)?)? as usize].at(ask)?.clone());
        Ok(Part { outs: vec![out.map_err(at)?], factors, notes })
    }
}
