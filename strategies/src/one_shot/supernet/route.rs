//! What a run of the supernet does at each of its decisions.

use crate::one_shot::choice::{Choice, Kind};
use codegen::torch::Pick;
use tch::Tensor;

/// A path or a mixture: what a run does at each decision, by place in [`Supernet::choices`](super::Supernet::choices).
#[derive(Debug)]
pub struct Route {
    picks: Vec<Pick>,
}

impl Route {
    pub(super) fn new(picks: Vec<Pick>) -> Self {
        Self { picks }
    }

    /// The same at a site of a decision.
    pub(super) fn at(&self, choice: usize) -> Pick {
        let Pick { arms, weights } = &self.picks[choice];
        Pick { arms: arms.clone(), weights: weights.as_ref().map(Tensor::shallow_clone) }
    }

    /// The arm of a number, if it has one value.
    pub(super) fn number(&self, choice: usize) -> Option<usize> {
        match self.picks[choice].arms.as_deref() {
            Some([arm]) => Some(*arm as usize),
            _ => None,
        }
    }

    /// The factors of a decision's arms, if some were drawn.
    pub(super) fn factors(&self, choice: usize) -> Option<&Tensor> {
        self.picks[choice].weights.as_ref()
    }

    /// Whether some number has several values at once.
    pub(super) fn mixes(&self, choices: &[Choice]) -> bool {
        choices.iter().enumerate().any(|(i, c)| c.kind == Kind::Number && self.number(i).is_none())
    }
}
