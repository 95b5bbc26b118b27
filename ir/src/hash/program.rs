//! Hashing programs: all calls written out, names left behind.

use super::dag::{Colour, Dag};
use super::stable::{GraphHash, StableHasher};
use crate::graph::Reduce;
use crate::op::Op;
use crate::program::{Action, Instance, InstanceId, Program};
use smallvec::SmallVec;

const INPUT: u64 = 1;
const OP: u64 = 2;
const CHOICE: u64 = 3;
const SELECT: u64 = 4;
const REPEAT: u64 = 5;

/// Nodes of the graph that is hashed, with their output numbers.
type Ports = SmallVec<[(u32, u8); 4]>;

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
        let outputs = self.write(root, &inputs, labels, &mut dag);
        outputs.into_iter().for_each(|(node, out)| dag.output(node, out));
        dag
    }

    /// Writes an instance out for these inputs; returns its outputs.
    fn write(&self, id: InstanceId, inputs: &[(u32, u8)], labels: &[Vec<Colour>], dag: &mut Dag) -> Ports {
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
                    values.extend(self.write(*callee, &x, labels, dag));
                }
                Action::Chain(calls) => {
                    let mut x: Ports = step.operands.iter().map(operand).collect();
                    for callee in calls {
                        x[0] = self.write(*callee, &x, labels, dag)[0];
                    }
                    values.push(x[0]);
                }
                action => {
                    let commutative = matches!(action, Action::Op(op) if op.is_commutative());
                    let node = dag.push(*label, commutative, step.operands.iter().map(operand));
                    values.extend((0..step.outs).map(|k| (node, k as u8)));
                }
            }
        }
        instance.outputs.iter().map(|v| values[*v as usize]).collect()
    }
}
