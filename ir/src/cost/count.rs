//! Counting a program's parameters and operations.

use super::Convention;
use crate::op::{Op, Role};
use crate::program::{Action, Instance, Program, Step};
use crate::ty::TensorType;
use serde::Serialize;
use std::ops::{Add, AddAssign};

/// What a network costs for one example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Learned parameters.
    pub params: u64,
    /// Operations by the convention that was asked for.
    pub macs: u64,
}

impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { params: self.params.saturating_add(other.params), macs: self.macs.saturating_add(other.macs) }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Cost {
    /// The cost of `n` copies.
    #[must_use]
    pub fn times(self, n: u64) -> Self {
        Self { params: self.params.saturating_mul(n), macs: self.macs.saturating_mul(n) }
    }

    /// The cost of one op on inputs that it accepts.
    #[must_use]
    pub fn of(op: &Op, convention: Convention, x: &[&TensorType], y: &[TensorType]) -> Self {
        let weights = op.weights(x);
        let params =
            weights.iter().filter(|w| w.role == Role::Parameter).map(super::super::op::WeightSpec::numel).sum();
        Self { params, macs: op.macs(convention, x, y) }
    }
}

impl Program {
    /// The cost of the whole network: of every node that an output needs, through a `zero` too; in a supernet of every
    /// candidate. Weights that nodes share count once.
    #[must_use]
    pub fn cost(&self, convention: Convention) -> Cost {
        let (times, owned) = (self.multiplicities(), self.weight_multiplicities());
        let mut total = Cost::default();
        for ((instance, n), owned) in self.instances.iter().zip(times).zip(owned).filter(|((_, n), _)| *n > 0) {
            let mut own = Cost::default();
            for s in &instance.steps {
                let Cost { params, macs } = step(instance, s, convention);
                own += Cost { params: if s.tied.is_none() { params } else { 0 }, macs };
            }
            total += Cost { params: own.times(owned).params, macs: own.times(n).macs };
        }
        total
    }
}

/// The cost of a step's own ops; calls count where they are defined.
fn step(instance: &Instance, s: &Step, convention: Convention) -> Cost {
    let x = instance.types_of(&s.operands);
    let y = instance.results(s);
    match &s.action {
        Action::Op(op) => Cost::of(op, convention, &x, y),
        Action::Choice(_, candidates) => candidates
            .iter()
            .map(|(_, c)| match c {
                Action::Op(op) => Cost::of(op, convention, &x, y),
                _ => Cost::default(),
            })
            .fold(Cost::default(), Cost::add),
        _ => Cost::default(),
    }
}
