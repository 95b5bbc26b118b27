//! What a node does under its decisions: the elaborator, node by node.

use super::elaborate::{Args, Elaborator, Scope};
use super::select::{chosen_inputs, is_label, reduce_op};
use super::{Action, InstanceId, unknown_graph};
use crate::eval::member_name;
use crate::expr::{DecisionRef, Expr};
use crate::fault::{What, list};
use crate::graph::{Body, Callee, Candidate, Reduce};
use crate::op::Types;
use crate::ty::TensorType;
use crate::value::{Name, Value};
use smallvec::smallvec;

/// Greatest depth of a repeat.
pub(crate) const MAX_DEPTH: i64 = 4096;

/// A fault of this node, or one below it that is recorded already.
pub(super) enum Trouble {
    Here(Box<What>),
    Below,
}

impl From<What> for Trouble {
    fn from(what: What) -> Self {
        Self::Here(Box::new(what))
    }
}

impl Elaborator<'_> {
    /// The action of a node that has so many operands, and its output types; `x` are the types of those it keeps.
    pub fn body(
        &mut self,
        body: &Body,
        operands: usize,
        x: &[&TensorType],
        scope: &Scope<'_>,
    ) -> Result<(Action, Types), Trouble> {
        match body {
            Body::Input => unreachable!("invariant: inputs are handled by the caller"),
            Body::Op(op) => {
                let op = op.instantiate(scope).map_err(What::Op)?;
                let types = op.infer(x).map_err(What::Op)?;
                Ok((Action::Op(op), types))
            }
            Body::Call(callee) => self.call(callee, x, scope).map(|(id, types)| (Action::Call(id), types)),
            Body::Choice { decision, candidates } => self.choice(decision, candidates, x, scope),
            Body::Select { decision, reduce } => self.select(decision, *reduce, operands, x, scope),
            Body::Repeat { depth, index, callee } => self.repeat(depth, index.as_ref(), callee, x, scope),
        }
    }

    fn call(&mut self, callee: &Callee, x: &[&TensorType], scope: &Scope<'_>) -> Result<(InstanceId, Types), Trouble> {
        let module = self.run.module;
        let graph = module.graph(&callee.graph).ok_or_else(|| unknown_graph(module, &callee.graph))?;
        let arity = |of, expected: usize, found: usize| {
            let fits = expected == found;
            let graph = graph.name.clone();
            if fits { Ok(()) } else { Err(What::CallArity { graph, of, expected, found }) }
        };
        arity("parameters", graph.params.len(), callee.args.len())?;
        arity("inputs", graph.inputs.len(), x.len())?;
        let args = callee.args.iter().map(|a| a.eval_int(scope)).collect::<Result<Args, _>>().map_err(What::Eval)?;
        let id = self.instance(graph, args, x.iter().map(|t| (*t).clone()).collect()).ok_or(Trouble::Below)?;
        let instance = &self.instances[id];
        Ok((id, instance.types_of(&instance.outputs).into_iter().cloned().collect()))
    }

    fn candidate(&mut self, c: &Candidate, x: &[&TensorType], scope: &Scope<'_>) -> Result<(Action, Types), Trouble> {
        match c {
            Candidate::Op(op) => {
                let op = op.instantiate(scope).map_err(What::Op)?;
                let types = op.infer(x).map_err(What::Op)?;
                Ok((Action::Op(op), types))
            }
            Candidate::Call(callee) => self.call(callee, x, scope).map(|(id, types)| (Action::Call(id), types)),
        }
    }

    /// The value of a node's decision; `None` if it stays open.
    fn decided(&self, decision: &DecisionRef, scope: &Scope<'_>) -> Result<(String, Option<Value>), Trouble> {
        let (label, index) = decision.resolve(scope).map_err(What::Eval)?;
        let value = self.run.decide.value(&label, index);
        let name = member_name(&label, index);
        if value.is_none() && !self.run.open {
            return Err(What::Eval(crate::eval::EvalError::OpenDecision(name)).into());
        }
        Ok((name, value))
    }

    fn choice(
        &mut self,
        decision: &DecisionRef,
        candidates: &[(Name, Candidate)],
        x: &[&TensorType],
        scope: &Scope<'_>,
    ) -> Result<(Action, Types), Trouble> {
        let (label, value) = self.decided(decision, scope)?;
        if let Some(value) = value {
            let chosen = candidates.iter().find(|(name, _)| is_label(&value, name));
            let names = || candidates.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(", ");
            let (_, chosen) =
                chosen.ok_or_else(|| What::NoCandidate { value: value.to_string(), candidates: names() })?;
            return self.candidate(chosen, x, scope);
        }
        let mut made: Vec<(Name, Action)> = Vec::with_capacity(candidates.len());
        let mut common: Option<Types> = None;
        for (name, c) in candidates {
            let (action, types) = self.candidate(c, x, scope)?;
            match &common {
                Some(first) if *first != types => {
                    return Err(Trouble::Here(Box::new(What::Unequal {
                        first: format!("`{}`", candidates[0].0),
                        first_types: list(first),
                        second: format!("`{name}`"),
                        second_types: list(&types),
                    })));
                }
                Some(_) => {}
                None => common = Some(types),
            }
            made.push((name.clone(), action));
        }
        let types = common.ok_or_else(|| What::Decision("a choice needs at least one candidate".into()))?;
        Ok((Action::Choice(label.into(), made), types))
    }

    fn select(
        &mut self,
        decision: &DecisionRef,
        reduce: Reduce,
        operands: usize,
        x: &[&TensorType],
        scope: &Scope<'_>,
    ) -> Result<(Action, Types), Trouble> {
        let (label, value) = self.decided(decision, scope)?;
        let Some(value) = value else {
            // Open: any subset must give the same type, so all operands must have one, and concatenation is impossible
            // unless the number of chosen inputs is fixed.
            let types = self.open_select(decision, reduce, x)?;
            return Ok((Action::Select(label.into(), reduce), types));
        };
        let chosen = chosen_inputs(&value, operands).map_err(What::Decision)?;
        let op = reduce_op(reduce, chosen.len()).map_err(What::Decision)?;
        let types = op.infer(x).map_err(What::Op)?;
        Ok((Action::Op(op), types))
    }

    fn open_select(&self, decision: &DecisionRef, reduce: Reduce, x: &[&TensorType]) -> Result<Types, Trouble> {
        if let Some(i) = (1..x.len()).find(|i| x[*i] != x[0]) {
            return Err(Trouble::Here(Box::new(What::Unequal {
                first: "operand 0".into(),
                first_types: x[0].to_string(),
                second: format!("operand {i}"),
                second_types: x[i].to_string(),
            })));
        }
        let size = match self.run.module.decision(&decision.label).map(|d| &d.domain) {
            Some(crate::Domain::Subset { min, max, .. }) if min == max => Some(*min as usize),
            Some(crate::Domain::Subset { .. }) => None,
            _ => Some(1),
        };
        match (reduce, size) {
            (Reduce::Sum | Reduce::Mean, _) if !x.is_empty() => Ok(smallvec![x[0].clone()]),
            (Reduce::Concat, Some(k)) if k > 0 && !x.is_empty() => {
                let parts: Vec<&TensorType> = std::iter::repeat_n(x[0], k).collect();
                let op = reduce_op(reduce, k).map_err(What::Decision)?;
                Ok(op.infer(&parts).map_err(What::Op)?)
            }
            _ => Err(What::Decision(format!(
                "an open `select {decision}` cannot concatenate a varying number of inputs"
            ))
            .into()),
        }
    }

    fn repeat(
        &mut self,
        depth: &Expr,
        index: Option<&Name>,
        callee: &Callee,
        x: &[&TensorType],
        scope: &Scope<'_>,
    ) -> Result<(Action, Types), Trouble> {
        let (label, depths) = self.depths(depth, scope)?;
        let deepest = *depths.last().expect("invariant: a repeat has at least one depth");
        let mut threaded: Vec<TensorType> = x.iter().map(|t| (*t).clone()).collect();
        if threaded.is_empty() {
            return Err(What::Decision("a repeat needs at least one operand".into()).into());
        }
        let mut calls = Vec::with_capacity(deepest as usize);
        let mut after = vec![threaded[0].clone()];
        let mut elaborated = deepest;
        if deepest == 0 && (self.run.everything || self.run.open) {
            // Only to see that the block keeps the type.
            elaborated = 1;
            self.loose = true;
        }
        for i in 0..elaborated {
            let inner = scope.repetition(index, i);
            let types: Vec<&TensorType> = threaded.iter().collect();
            let (id, mut outs) = self.call(callee, &types, &inner)?;
            if outs.len() != 1 {
                return Err(repeat_fault(depths[0], callee, &after[0], &outs));
            }
            threaded[0] = outs.swap_remove(0);
            after.push(threaded[0].clone());
            calls.push(id);
        }
        calls.truncate(deepest as usize);
        let last = &after[after.len() - 1];
        if let Some(d) = depths.iter().find(|d| after[**d as usize] != *last) {
            return Err(repeat_fault(*d, callee, &after[*d as usize], std::slice::from_ref(last)));
        }
        let types = smallvec![last.clone()];
        match label {
            Some(label) if depths.len() > 1 => Ok((Action::Repeat { label, depths, calls }, types)),
            _ => Ok((Action::Chain(calls), types)),
        }
    }

    /// The possible depths of a repeat: one if it is decided, else one per value of the single decision that it names,
    /// whose label comes along.
    fn depths(&self, depth: &Expr, scope: &Scope<'_>) -> Result<(Option<Name>, Vec<u32>), Trouble> {
        let check = |d: i64| {
            if (0..=MAX_DEPTH).contains(&d) { Ok(d as u32) } else { Err(Trouble::from(What::Depth(d))) }
        };
        let mut open = Vec::new();
        for d in depth.decisions() {
            if let (name, None) = self.decided(d, scope)?
                && open.iter().all(|(_, known)| *known != name)
            {
                open.push((d, name));
            }
        }
        let [(decision, name)] = &open[..] else {
            if open.is_empty() {
                return Ok((None, vec![check(depth.eval_int(scope).map_err(What::Eval)?)?]));
            }
            return Err(What::Decision(format!(
                "an open depth may depend on one decision, but `{depth}` names several"
            ))
            .into());
        };
        let (label, member) = decision.resolve(scope).map_err(What::Eval)?;
        let domain = self.run.module.decision(&label).map(|d| &d.domain);
        let size = domain.and_then(crate::Domain::size).filter(|n| *n <= 4096);
        let (Some(domain), Some(size)) = (domain, size) else {
            return Err(
                What::Decision(format!("the depth's decision `?{name}` must have a small discrete domain")).into()
            );
        };
        let mut depths = Vec::new();
        for value in (0..size).filter_map(|i| domain.value(crate::Pick::index(i))) {
            let literal = depth.rewrite(&|e| match e {
                Expr::Decision(d) if d.resolve(scope) == Ok((label.clone(), member)) => Some(Expr::Lit(value.clone())),
                _ => None,
            });
            depths.push(check(literal.eval_int(scope).map_err(What::Eval)?)?);
        }
        depths.sort_unstable();
        depths.dedup();
        Ok((Some(Name::new(name)), depths))
    }
}

fn repeat_fault(depth: u32, callee: &Callee, before: &TensorType, after: &[TensorType]) -> Trouble {
    Trouble::from(What::RepeatType {
        depth: i64::from(depth),
        block: callee.graph.clone(),
        before: before.clone(),
        after: list(after),
    })
}
