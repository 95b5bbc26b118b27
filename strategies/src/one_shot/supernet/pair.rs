//! One step's two batches as a two-level problem.

use super::{Route, Supernet};
use crate::one_shot::OneShotError;
use crate::one_shot::bilevel::{Gradients, Problem, Side};
use evaluators::data::Batch;
use tch::Tensor;

/// A step's two batches under one draw of factors and of masks: what a central difference is taken of is one function, and
/// not a new one in each pass.
pub(in crate::one_shot) struct Pair<'a> {
    net: &'a mut Supernet,
    train: &'a Batch,
    valid: &'a Batch,
    selection: &'a Route,
    drop_path: f64,
    /// Whose masks all passes have.
    run: u64,
}

impl<'a> Pair<'a> {
    /// The batches, and the factor of drop path's own probabilities.
    pub fn new(
        net: &'a mut Supernet,
        (train, valid): (&'a Batch, &'a Batch),
        selection: &'a Route,
        drop_path: f64,
    ) -> Self {
        let run = net.begin_run();
        Self { net, train, valid, selection, drop_path, run }
    }
}

impl Problem for Pair<'_> {
    type Error = OneShotError;

    fn weights(&mut self) -> &mut Tensor {
        &mut self.net.params.flat
    }

    fn gradients(&mut self, side: Side, weights: bool, arch: bool) -> Result<Gradients, OneShotError> {
        let batch = if side == Side::Train { self.train } else { self.valid };
        let (pass, arch) = self.net.pass_of(self.run, batch, self.selection, (weights, arch), self.drop_path)?;
        let weights = if weights { Some(self.net.params.grad.f_detach_copy()?) } else { None };
        Ok(Gradients { loss: pass.loss, weights, arch })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cycled;
    use super::super::testing::supernet;
    use super::*;
    use crate::one_shot::Drawn;
    use crate::one_shot::bilevel::{Step, first_order, second_order};
    use evaluators::train::Precision;

    /// Factors, some decision's some candidate moved.
    fn factors(net: &Supernet, moved: Option<(usize, usize, f64)>) -> Route {
        let mut factors = vec![vec![0.3, 0.7], vec![0.5, 0.2, 0.3]];
        if let Some((decision, arm, by)) = moved {
            factors[decision][arm] += by;
        }
        let drawn: Vec<_> = factors.into_iter().map(|f| Some(Drawn::fixed(f))).collect();
        net.selection(&drawn).expect("fits")
    }

    const RATE: f64 = 2.0;
    const MOMENTUM: f64 = 0.9;
    const DECAY: f64 = 3e-3;

    /// The validation loss after a step of the weights, with the masks of one run.
    fn composed(
        net: &mut Supernet,
        (train, valid): (&Batch, &Batch),
        route: &Route,
        velocity: &Tensor,
        run: u64,
    ) -> f64 {
        let _guard = tch::no_grad_guard();
        let start = net.params.flat.detach_copy();
        net.pass_of(run, train, route, (true, false), 1.0).expect("runs");
        let direction = &net.params.grad + &start * DECAY + velocity * MOMENTUM;
        net.params.flat.copy_(&(&start - direction * RATE));
        let loss = net.pass_of(run, valid, route, (false, false), 1.0).expect("runs").0.loss;
        net.params.flat.copy_(&start);
        loss
    }

    /// What is subtracted from the first order's gradient is a derivative of the training loss as it was dropped.
    #[test]
    fn second_order_is_the_gradient_of_the_composition_where_paths_are_dropped() {
        let mut net = supernet(Precision::F64);
        let train = net.loaders.weights.batch(0, 0).expect("a batch");
        let valid = cycled(&mut net.loaders.arch, 0).expect("a batch");
        let velocity = net.params.flat.ones_like() * 0.01;
        let step = Step { rate: RATE, momentum: MOMENTUM, weight_decay: DECAY, velocity: Some(&velocity) };
        let (route, run) = (factors(&net, None), net.runs());
        let mut pair = Pair::new(&mut net, (&train, &valid), &route, 1.0);
        let found = second_order(&mut pair, &step).expect("gradients");
        let first = first_order(&mut pair).expect("gradients");
        let runs = net.runs();
        let (mut bend, mut other) = (0.0_f64, 0.0_f64);
        for (decision, arms) in [2, 3].into_iter().enumerate() {
            for arm in 0..arms {
                let mut at = |by: f64, run: u64| {
                    let route = factors(&net, Some((decision, arm, by)));
                    composed(&mut net, (&train, &valid), &route, &velocity, run)
                };
                let exact = (at(1e-4, run) - at(-1e-4, run)) / 2e-4;
                let elsewhere = (at(1e-4, run + 1) - at(-1e-4, run + 1)) / 2e-4;
                let of = |g: &Gradients| g.arch[decision].as_ref().expect("plays a part")[arm];
                assert!((of(&found) - exact).abs() < 1e-5, "{decision}.{arm}: {} for {exact}", of(&found));
                bend = bend.max((of(&first) - exact).abs());
                other = other.max((elsewhere - exact).abs());
            }
        }
        assert_eq!(runs, run + 1, "a step draws its masks once");
        assert!(bend > 1e-3, "the second order counts: {bend}");
        assert!(other > 1e-3, "masks count: {other}");
    }

    /// The masks of a run are those of its number, whichever gradients are asked for, also where kernels are fused.
    #[test]
    fn the_masks_of_a_run_do_not_depend_on_what_is_asked_for() {
        let mut net = supernet(Precision::F32);
        let batch = net.loaders.weights.batch(0, 0).expect("a batch");
        let route = factors(&net, None);
        let mut loss = |run, wanted| net.pass_of(run, &batch, &route, wanted, 1.0).expect("runs").0.loss;
        let whole = loss(7, (true, true));
        for wanted in [(true, false), (false, true), (false, false)] {
            assert!((loss(7, wanted) - whole).abs() < 1e-6, "{wanted:?}: {} for {whole}", loss(7, wanted));
        }
        assert!((loss(8, (true, true)) - whole).abs() > 1e-4);
    }
}
