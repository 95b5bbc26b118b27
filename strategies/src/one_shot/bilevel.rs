//! The two-level problem of differentiable search: architecture parameters by the validation loss, weights by the
//! training loss.
//!
//! The gradient of `L_valid(w - xi (L_train'(w) + ..), a)` with respect to `a` is, with `v = dL_valid/dw` there,
//! `dL_valid/da - xi d2L_train/(da dw) v`, and the product with `v` is a central difference of `dL_train/da` along `v`.
//! Liu, Simonyan and Yang 2019, "DARTS: Differentiable Architecture Search", section 2.3.

use tch::{Kind, TchError, Tensor};

/// The images that a loss is taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Weights learn from them.
    Train,
    /// The architecture learns from them.
    Valid,
}

/// A loss on one side and the gradients that were asked for.
#[derive(Debug)]
pub struct Gradients {
    /// The loss.
    pub loss: f64,
    /// With respect to the weights, flat; what a problem computes into a buffer of its own is copied.
    pub weights: Option<Tensor>,
    /// With respect to the factors of each decision's candidates; none for a decision that plays no part.
    pub arch: Vec<Option<Vec<f64>>>,
}

/// Two losses over shared weights.
pub trait Problem {
    /// Why a loss cannot be had.
    type Error: From<TchError>;

    /// The weights, flat. What is written to them counts in the next loss.
    fn weights(&mut self) -> &mut Tensor;

    /// A loss with gradients at the weights as they are.
    ///
    /// # Errors
    /// If it cannot be computed.
    fn gradients(&mut self, side: Side, weights: bool, arch: bool) -> Result<Gradients, Self::Error>;
}

/// The architecture's gradient at the weights as they are: `xi = 0`.
///
/// # Errors
/// As the problem's.
pub fn first_order<P: Problem>(problem: &mut P) -> Result<Gradients, P::Error> {
    problem.gradients(Side::Valid, false, true)
}

/// How the weights are expected to move.
#[derive(Debug)]
pub struct Step<'a> {
    /// The learning rate, `xi`.
    pub rate: f64,
    /// Factor of the velocity.
    pub momentum: f64,
    /// Factor of the weights that is added to their gradient.
    pub weight_decay: f64,
    /// The optimizer's velocity, if it has one already.
    pub velocity: Option<&'a Tensor>,
}

/// The architecture's gradient where the weights will be after one step of stochastic gradient descent. The weights are
/// the same afterwards.
///
/// # Errors
/// As the problem's; the weights are put back then, too.
pub fn second_order<P: Problem>(problem: &mut P, step: &Step<'_>) -> Result<Gradients, P::Error> {
    let _guard = tch::no_grad_guard();
    let start = problem.weights().f_detach_copy()?;
    let found = look_ahead(problem, step, &start);
    problem.weights().f_copy_(&start)?;
    found
}

fn look_ahead<P: Problem>(problem: &mut P, step: &Step<'_>, start: &Tensor) -> Result<Gradients, P::Error> {
    let now = problem.gradients(Side::Train, true, false)?;
    let mut direction = now.weights.expect("invariant: asked for").f_add(&start.f_mul_scalar(step.weight_decay)?)?;
    if let Some(velocity) = step.velocity {
        direction = direction.f_add(&velocity.f_mul_scalar(step.momentum)?)?;
    }
    problem.weights().f_copy_(&start.f_sub(&direction.f_mul_scalar(step.rate)?)?)?;
    let mut ahead = problem.gradients(Side::Valid, true, true)?;
    let along = ahead.weights.take().expect("invariant: asked for");
    let norm = along.f_norm()?.f_to_kind(Kind::Double)?.f_double_value(&[])?;
    if norm == 0.0 {
        return Ok(ahead);
    }
    // As the paper's code: a step of 0.01 in all.
    let epsilon = 0.01 / norm;
    let mut at = |sign: f64| -> Result<Vec<Option<Vec<f64>>>, P::Error> {
        problem.weights().f_copy_(&start.f_add(&along.f_mul_scalar(sign * epsilon)?)?)?;
        Ok(problem.gradients(Side::Train, false, true)?.arch)
    };
    let (plus, minus) = (at(1.0)?, at(-1.0)?);
    for ((grad, plus), minus) in ahead.arch.iter_mut().zip(plus).zip(minus) {
        let (Some(grad), Some(plus), Some(minus)) = (grad, plus, minus) else { continue };
        for ((g, p), m) in grad.iter_mut().zip(plus).zip(minus) {
            *g -= step.rate * (p - m) / (2.0 * epsilon);
        }
    }
    Ok(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `L_train = 1/2 |w|^2 k + a.(Bw) + |w|^4/4`, `L_valid = 1/2 |w - c|^2 + a.(Dw)`, with matrices B and D `[2, 3]`.
    struct Toy {
        w: Tensor,
        a: [f64; 2],
    }

    const K: f64 = 1.5;

    impl Toy {
        fn new() -> Self {
            Self { w: Tensor::from_slice(&[0.4, -0.3, 0.8]), a: [0.7, -0.2] }
        }
        fn b() -> Tensor {
            Tensor::from_slice(&[0.5, -1.0, 2.0, 1.5, 0.3, -0.7]).view([2, 3])
        }
        fn d() -> Tensor {
            Tensor::from_slice(&[-0.4, 0.9, 0.1, 0.2, 1.1, 0.6]).view([2, 3])
        }
        fn c() -> Tensor {
            Tensor::from_slice(&[1.0, 0.0, -1.0])
        }
        fn a(&self) -> Tensor {
            Tensor::from_slice(&self.a)
        }
        fn train_gradient(&self, w: &Tensor) -> Tensor {
            w * K + Self::b().tr().mv(&self.a()) + w * w.dot(w)
        }
    }

    impl Problem for Toy {
        type Error = TchError;

        fn weights(&mut self) -> &mut Tensor {
            &mut self.w
        }

        fn gradients(&mut self, side: Side, _: bool, _: bool) -> Result<Gradients, TchError> {
            let (w, a) = (&self.w, self.a());
            let (loss, weights, arch) = match side {
                Side::Train => {
                    let square = w.dot(w);
                    let loss = &square * (K / 2.0) + a.dot(&Self::b().mv(w)) + square.square() / 4.0;
                    (loss, self.train_gradient(w), Self::b().mv(w))
                }
                Side::Valid => {
                    let gap = w - Self::c();
                    (gap.dot(&gap) / 2.0 + a.dot(&Self::d().mv(w)), gap + Self::d().tr().mv(&a), Self::d().mv(w))
                }
            };
            let arch = Vec::<f64>::try_from(arch)?;
            Ok(Gradients { loss: loss.double_value(&[]), weights: Some(weights), arch: vec![Some(arch), None] })
        }
    }

    const DECAY: f64 = 0.1;
    const MOMENTUM: f64 = 0.9;
    const RATE: f64 = 0.05;

    fn velocity() -> Tensor {
        Tensor::from_slice(&[0.2, 0.1, -0.3])
    }

    /// The validation loss after the step.
    fn composed(a: [f64; 2]) -> f64 {
        let toy = Toy { a, ..Toy::new() };
        let direction = toy.train_gradient(&toy.w) + &toy.w * DECAY + velocity() * MOMENTUM;
        let mut moved = Toy { w: &toy.w - direction * RATE, a };
        moved.gradients(Side::Valid, false, false).expect("a loss").loss
    }

    #[test]
    fn second_order_is_the_gradient_of_the_composition() {
        let mut toy = Toy::new();
        let before = Vec::<f64>::try_from(&toy.w).expect("three numbers");
        let velocity = velocity();
        let step = Step { rate: RATE, momentum: MOMENTUM, weight_decay: DECAY, velocity: Some(&velocity) };
        let found = second_order(&mut toy, &step).expect("gradients").arch;
        let found = found[0].as_ref().expect("the first decision plays a part");
        for i in 0..2 {
            let moved = |by: f64| {
                let mut a = toy.a;
                a[i] += by;
                composed(a)
            };
            let exact = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((exact - found[i]).abs() < 1e-8, "{i}: {exact} {}", found[i]);
            // Where the quotient is lost, as below, what is left is the first order: this test would catch it.
            let first = first_order(&mut Toy::new()).expect("gradients").arch;
            assert!((first[0].as_ref().expect("plays a part")[i] - exact).abs() > 1e-3);
        }
        assert_eq!(Vec::<f64>::try_from(&toy.w).expect("three numbers"), before);
    }

    /// A central difference is divided by both steps: `(x-y).div_(2*R)` in the authors' code (quark0/darts, `cnn/architect.py`,
    /// line 91). A re-implementation multiplies by one of them, `(p-n) / 2.*eps` (khanrc/pt.darts, `architect.py`, line
    /// 108), which is `epsilon^2` of it: next to nothing is left of the second order.
    #[test]
    fn the_difference_is_divided_by_both_steps() {
        let mut toy = Toy::new();
        let ahead = toy.gradients(Side::Valid, true, true).expect("gradients");
        let along = ahead.weights.expect("asked for");
        let epsilon = 0.01 / along.norm().double_value(&[]);
        let mut at = |sign: f64| {
            toy.w = &Toy::new().w + &along * (sign * epsilon);
            toy.gradients(Side::Train, false, true).expect("gradients").arch[0].clone().expect("plays a part")
        };
        let (plus, minus) = (at(1.0), at(-1.0));
        let exact = Vec::<f64>::try_from(Toy::b().mv(&along)).expect("two numbers");
        for i in 0..2 {
            let authors = (plus[i] - minus[i]) / (2.0 * epsilon);
            let slip = (plus[i] - minus[i]) / 2.0 * epsilon;
            assert!((authors - exact[i]).abs() < 1e-9, "{authors} {}", exact[i]);
            assert!((slip - exact[i] * epsilon * epsilon).abs() < 1e-9 && slip.abs() < 1e-3 * exact[i].abs(), "{slip}");
        }
    }
}
