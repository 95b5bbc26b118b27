//! Hashing programs: all calls written out, names left behind.

use super::dag::{Colour, Dag};
use super::stable::{GraphHash, StableHasher};
use crate::graph::Reduce;
use crate::op::Op;
use crate::program::Step;
use crate::program::{Action, Instance, InstanceId, Program};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

const INPUT: u64 = 1;
const OP: u64 = 2;
const CHOICE: u64 = 3;
const SELECT: u64 = 4;
const REPEAT: u64 = 5;
const WEIGHTS: u64 = 6;

/// Nodes of the graph that is hashed, with their output numbers.
type Ports = SmallVec<[(u32, u8); 4]>;

/// Which nodes of the graph that is hashed have weights in common. Weights that several nodes have become a node of their
/// own that feeds them; a first writing finds out which, a second one adds them.
#[derive(Default)]
struct Ties {
    /// By the weights' path: the nodes that have them.
    users: FxHashMap<String, Vec<u32>>,
    /// The node of those that several nodes have, once it is there.
    shared: FxHashMap<String, Option<u32>>,
}

impl Ties {
    /// The node of the weights of that path, if others have them too.
    fn node(&mut self, path: &str, dag: &mut Dag) -> Option<(u32, u8)> {
        let place = self.shared.get_mut(path)?;
        Some((*place.get_or_insert_with(|| dag.push(Colour::of(&StableHasher::new(WEIGHTS)), false, [])), 0))
    }
}

/// Where a node is written: the path of what calls it, and the ties; nothing in a network that has none.
type At<'a> = Option<(String, &'a mut Ties)>;

/// The same for what a step calls.
fn inside<'a>(at: &'a mut At<'_>, instance: &Instance, step: &Step) -> At<'a> {
    // A name may have a slash, but no control character is likely to stand in one.
    at.as_mut().map(|(path, ties)| (format!("{path}\0{}", instance.weights_name(step)), &mut **ties))
}

impl Program {
    /// The canonical hash of the network: equal for isomorphic networks, stable across runs and releases.
    ///
    /// All calls are written out; node names, the order of a commutative op's operands, dead nodes and `identity`
    /// nodes do not matter. Open choices count with their decisions' labels and candidates.
    #[must_use]
    pub fn hash(&self) -> GraphHash {
        let labels: Vec<Vec<Colour>> = self.labels();
        self.dag(self.entry, &labels).hash(self.main().inputs.len() as u32)
    }

    /// The label of each step of each instance.
    fn labels(&self) -> Vec<Vec<Colour>> {
        let mut all: Vec<Vec<Colour>> = Vec::with_capacity(self.instances.len());
        for instance in &self.instances {
            let labels = instance.steps.iter().map(|s| self.label(&s.action, &all)).collect();
            all.push(labels);
        }
        all
    }

    fn label(&self, action: &Action, done: &[Vec<Colour>]) -> Colour {
        let mut h;
        match action {
            Action::Op(op) => {
                h = StableHasher::new(OP);
                op.feed(&mut h);
            }
            // Inputs get theirs when the network's are numbered; calls are written out.
            Action::Input | Action::Call(_) | Action::Chain(_) => return Colour::default(),
            Action::Choice(decision, candidates) => {
                h = StableHasher::new(CHOICE);
                h.text(decision);
                for (name, candidate) in candidates {
                    h.text(name);
                    self.feed(candidate, done, &mut h);
                }
            }
            Action::Select(decision, reduce) => {
                h = StableHasher::new(SELECT);
                h.text(decision);
                h.text(Reduce::as_str(*reduce));
            }
            Action::Repeat { depths, calls, .. } => {
                h = StableHasher::new(REPEAT);
                depths.iter().for_each(|d| h.word(u64::from(*d)));
                calls.iter().for_each(|i| self.feed(&Action::Call(*i), done, &mut h));
            }
        }
        Colour::of(&h)
    }

    fn feed(&self, action: &Action, done: &[Vec<Colour>], h: &mut StableHasher) {
        let Colour(a, b) = match action {
            Action::Call(i) => {
                let hash = self.dag(*i, done).hash(self.instances[*i].inputs.len() as u32).0;
                Colour((hash >> 64) as u64, hash as u64)
            }
            other => self.label(other, done),
        };
        h.word(a);
        h.word(b);
    }

    fn dag(&self, root: InstanceId, labels: &[Vec<Colour>]) -> Dag {
        if self.instances.iter().all(|i| i.steps.iter().all(|s| s.tied.is_none())) {
            return self.written(root, labels, &mut None);
        }
        let mut ties = Ties::default();
        let dag = self.written(root, labels, &mut Some((String::new(), &mut ties)));
        let needed = dag.needed();
        let users = std::mem::take(&mut ties.users).into_iter();
        let several = |users: &Vec<u32>| users.iter().filter(|u| needed[**u as usize]).count() > 1;
        ties.shared = users.filter(|(_, users)| several(users)).map(|(path, _)| (path, None)).collect();
        if ties.shared.is_empty() { dag } else { self.written(root, labels, &mut Some((String::new(), &mut ties))) }
    }

    fn written(&self, root: InstanceId, labels: &[Vec<Colour>], at: &mut At<'_>) -> Dag {
        let mut dag = Dag::with_capacity(512);
        let instance = &self.instances[root];
        let mut inputs = Vec::with_capacity(instance.inputs.len());
        for (place, v) in instance.inputs.iter().enumerate() {
            let mut h = StableHasher::new(INPUT);
            h.word(place as u64);
            let ty = &instance.types[*v as usize];
            h.text(ty.dtype.as_str());
            ty.shape.iter().for_each(|d| h.word(d.per_example() << 1 | u64::from(d.is_batch())));
            inputs.push((dag.push(Colour::of(&h), false, []), 0));
        }
        let outputs = self.write(root, &inputs, labels, &mut dag, at);
        outputs.into_iter().for_each(|(node, out)| dag.output(node, out));
        dag
    }

    /// Writes an instance out for these inputs; returns its outputs.
    fn write(
        &self,
        id: InstanceId,
        inputs: &[(u32, u8)],
        labels: &[Vec<Colour>],
        dag: &mut Dag,
        at: &mut At<'_>,
    ) -> Ports {
        let instance: &Instance = &self.instances[id];
        let mut values: Vec<(u32, u8)> = Vec::with_capacity(instance.types.len());
        for (step, label) in instance.steps.iter().zip(&labels[id]) {
            let operand = |v: &u32| values[*v as usize];
            match &step.action {
                Action::Input => {
                    let place = instance.inputs.iter().position(|v| *v == step.first);
                    values.push(inputs[place.expect("invariant: an input's value is listed")]);
                }
                Action::Op(Op::Identity(_)) => values.push(operand(&step.operands[0])),
                Action::Call(callee) => {
                    let x: Ports = step.operands.iter().map(operand).collect();
                    values.extend(self.write(*callee, &x, labels, dag, &mut inside(at, instance, step)));
                }
                Action::Chain(calls) => {
                    let mut x: Ports = step.operands.iter().map(operand).collect();
                    let mut chain = inside(at, instance, step);
                    for (i, callee) in calls.iter().enumerate() {
                        let mut call = chain.as_mut().map(|(path, ties)| (format!("{path}\0{i}"), &mut **ties));
                        x[0] = self.write(*callee, &x, labels, dag, &mut call)[0];
                    }
                    values.push(x[0]);
                }
                action => {
                    let commutative = matches!(action, Action::Op(op) if op.is_commutative());
                    let mut x: Ports = step.operands.iter().map(operand).collect();
                    let held = action.has_weights(&instance.types_of(&step.operands));
                    let mut tied = if held { inside(at, instance, step) } else { None };
                    x.extend(tied.as_mut().and_then(|(path, ties)| ties.node(path, dag)));
                    let node = dag.push(*label, commutative, x);
                    if let Some((path, ties)) = tied {
                        ties.users.entry(path).or_default().push(node);
                    }
                    values.extend((0..step.outs).map(|k| (node, k as u8)));
                }
            }
        }
        instance.outputs.iter().map(|v| values[*v as usize]).collect()
    }
}
