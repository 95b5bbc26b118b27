//! Passes over a finished list of steps: dead steps dropped, memory given up at the last use.

use super::{Plan, Source};
use ir::prim::Var;
use smallvec::SmallVec;

impl Plan {
    /// Drops the steps that lead to nothing wanted. A step that updates a buffer stays if its result does.
    pub(crate) fn drop_dead(&mut self) {
        let mut live = vec![false; self.values.len()];
        self.wanted().for_each(|v| live[v.index()] = true);
        let mut keep = vec![false; self.steps.len()];
        for (i, step) in self.steps.iter().enumerate().rev() {
            if step.results().any(|v| live[v.index()]) {
                keep[i] = true;
                step.operands.iter().for_each(|v| live[v.index()] = true);
            }
        }
        let mut number = vec![0; self.steps.len()];
        let mut kept = 0;
        for (i, k) in keep.iter().enumerate() {
            number[i] = kept;
            kept += u32::from(*k);
        }
        self.forward = keep[..self.forward].iter().filter(|k| **k).count();
        let mut keep = keep.into_iter();
        self.steps.retain(|_| keep.next().expect("invariant: a flag per step"));
        for value in &mut self.values {
            if let Source::Step(s) = &mut value.source {
                *s = number[*s as usize];
            }
        }
    }

    /// Says what is freed after each step, which gradients are to be stored, and which steps may overwrite their first
    /// operand.
    pub(crate) fn schedule(&mut self) {
        let mut last: Vec<Option<usize>> = vec![None; self.values.len()];
        for (i, step) in self.steps.iter().enumerate() {
            step.results().for_each(|v| last[v.index()] = Some(i));
            step.operands.iter().for_each(|v| last[v.index()] = Some(i));
        }
        let mut pinned = vec![false; self.values.len()];
        self.kept().for_each(|v| pinned[v.index()] = true);
        let root = self.storage();
        let mut frees: Vec<SmallVec<[Var; 2]>> = vec![SmallVec::new(); self.steps.len()];
        for (v, value) in self.values.iter().enumerate() {
            if let (Some(at), false, false) = (last[v], pinned[v], matches!(value.source, Source::Weight(_))) {
                frees[at].push(Var(v as u32));
            }
        }
        // How many values that live after a step share each storage.
        let mut sharers = vec![0_u32; self.values.len()];
        self.inputs.iter().for_each(|v| sharers[root[v.index()].index()] += 1);
        let mut in_place = vec![false; self.steps.len()];
        for (i, step) in self.steps.iter().enumerate() {
            if let Some(x) = step.operands.first()
                && step.kernel.can_overwrite()
                && self.type_of(*x) == self.type_of(step.first)
                && frees[i].contains(x)
                && sharers[root[x.index()].index()] == 1
                && step.operands[1..].iter().all(|v| root[v.index()] != root[x.index()])
            {
                in_place[i] = matches!(self.values[root[x.index()].index()].source, Source::Step(_));
            }
            step.results().for_each(|v| sharers[root[v.index()].index()] += 1);
            frees[i].iter().for_each(|v| sharers[root[v.index()].index()] -= 1);
        }
        let mut stores = vec![SmallVec::new(); self.steps.len()];
        for (w, grad) in self.weight_grads.iter().enumerate() {
            if let Some(v) = grad
                && let Source::Step(s) = self.values[v.index()].source
            {
                stores[s as usize].push((*v, w as u32));
            }
        }
        self.frees = frees;
        self.stores = stores;
        self.in_place = in_place;
    }

    /// The value whose memory each value may share: itself, or that of the operand that it is a view of.
    fn storage(&self) -> Vec<Var> {
        let mut of: Vec<Var> = (0..self.values.len() as u32).map(Var).collect();
        for step in &self.steps {
            let views = step.kernel.views(step.operands.len(), !self.sites.is_empty());
            for x in &step.operands[..views] {
                // A result that may be any of several operands makes one storage of all of them.
                let (from, to) = (root(&mut of, *x), root(&mut of, step.first));
                of[to.index()] = from;
            }
        }
        (0..of.len() as u32).map(|v| root(&mut of, Var(v))).collect()
    }
}

/// The end of a chain of links, which is made shorter on the way (union by disjoint-set forests; Tarjan 1975).
fn root(of: &mut [Var], mut v: Var) -> Var {
    while of[v.index()] != v {
        let next = of[v.index()];
        of[v.index()] = of[next.index()];
        v = next;
    }
    v
}
