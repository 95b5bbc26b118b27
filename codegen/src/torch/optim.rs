//! Optimizers on flat buffers.

use super::{ExecError, Params, Place, ffi, to_array, to_tensor};
use crate::array::Weights;
use ir::Name;
use tch::{TchError, Tensor};

/// An update rule with its state. Everything that it keeps is a vector as long as the flat parameters.
pub trait Optimizer: std::fmt::Debug {
    /// Moves `params.flat` by its gradient at a learning rate.
    ///
    /// # Errors
    /// If the device fails.
    fn step(&mut self, params: &mut Params, rate: f64) -> Result<(), ExecError>;

    /// The state, for a checkpoint.
    ///
    /// # Errors
    /// If the device fails.
    fn state(&self) -> Result<Weights, ExecError>;

    /// Takes a state back.
    ///
    /// # Errors
    /// If it is not of this optimizer, or the device fails.
    fn restore(&mut self, state: &Weights) -> Result<(), ExecError>;
}

/// Stochastic gradient descent with momentum, as PyTorch's `SGD` (the first velocity is the first gradient).
#[derive(Debug)]
pub struct Sgd {
    /// Factor of the velocity.
    pub momentum: f64,
    /// Whether the gradient is taken ahead (Nesterov 1983).
    pub nesterov: bool,
    /// Factor of the weights that is added to the gradient.
    pub weight_decay: f64,
    velocity: Option<Tensor>,
}

impl Sgd {
    /// A fresh optimizer.
    #[must_use]
    pub fn new(momentum: f64, nesterov: bool, weight_decay: f64) -> Self {
        Self { momentum, nesterov, weight_decay, velocity: None }
    }

    /// The velocity, flat, once a step has been made with momentum.
    #[must_use]
    pub fn velocity(&self) -> Option<&Tensor> {
        self.velocity.as_ref()
    }
}

impl Sgd {
    /// A step on some parts of the flat vectors alone: what lies outside keeps its weights and its velocity, as weights
    /// without a gradient do in PyTorch. See [`Params::places`].
    ///
    /// # Errors
    /// If the device fails.
    pub fn step_within(&mut self, params: &mut Params, rate: f64, places: &[Place]) -> Result<(), ExecError> {
        let _guard = tch::no_grad_guard();
        if self.momentum != 0.0 {
            match &mut self.velocity {
                Some(v) => home(v, &params.flat)?,
                // The first velocity is the first gradient: momentum times nothing, and that.
                none => *none = Some(params.flat.f_zeros_like()?),
            }
        }
        for place in places {
            let part = |t: &Tensor| place.view(t);
            let velocity = self.velocity.as_ref().filter(|_| self.momentum != 0.0).map(part).transpose()?;
            self.update(part(&params.flat)?, part(&params.grad)?, velocity, rate)?;
        }
        Ok(())
    }

    /// The arguments are views: what they are views of is changed.
    fn update(
        &self,
        mut weights: Tensor,
        mut grad: Tensor,
        velocity: Option<Tensor>,
        rate: f64,
    ) -> Result<(), ExecError> {
        if self.weight_decay != 0.0 {
            ffi::axpy(&mut grad, &weights, self.weight_decay)?;
        }
        let Some(mut velocity) = velocity else { return Ok(ffi::axpy(&mut weights, &grad, -rate)?) };
        let _ = velocity.f_mul_scalar_(self.momentum)?;
        ffi::axpy(&mut velocity, &grad, 1.0)?;
        if self.nesterov {
            ffi::axpy(&mut grad, &velocity, self.momentum)?;
            ffi::axpy(&mut weights, &grad, -rate)?;
        } else {
            ffi::axpy(&mut weights, &velocity, -rate)?;
        }
        Ok(())
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, params: &mut Params, rate: f64) -> Result<(), ExecError> {
        let all = [Place { start: 0, len: params.flat.numel() as i64, part: None }];
        self.step_within(params, rate, &all)
    }

    fn state(&self) -> Result<Weights, ExecError> {
        self.velocity.iter().map(|v| Ok((Name::new_static("velocity"), to_array(v)?))).collect()
    }

    fn restore(&mut self, state: &Weights) -> Result<(), ExecError> {
        self.velocity = state.get("velocity").map(to_tensor).transpose()?;
        Ok(())
    }
}

/// Brings a restored state to where the parameters are.
fn home(state: &mut Tensor, like: &Tensor) -> Result<(), TchError> {
    if state.device() != like.device() {
        *state = state.f_to_device(like.device())?;
    }
    Ok(())
}

/// Adam (Kingma and Ba 2015), or AdamW (Loshchilov and Hutter 2019) if the decay is `decoupled`; as PyTorch's.
#[derive(Debug)]
pub struct Adam {
    /// Decay rates of the two moments.
    pub betas: (f64, f64),
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Whether the decay acts on the weights, not through the gradient.
    pub decoupled: bool,
    steps: i64,
    moments: Option<(Tensor, Tensor)>,
}

impl Adam {
    /// A fresh optimizer.
    #[must_use]
    pub fn new(betas: (f64, f64), eps: f64, weight_decay: f64, decoupled: bool) -> Self {
        Self { betas, eps, weight_decay, decoupled, steps: 0, moments: None }
    }

    fn moments(&mut self, like: &Tensor) -> Result<&mut (Tensor, Tensor), TchError> {
        if self.moments.is_none() {
            self.moments = Some((like.f_zeros_like()?, like.f_zeros_like()?));
        }
        let moments = self.moments.as_mut().expect("invariant: just made");
        home(&mut moments.0, like)?;
        home(&mut moments.1, like)?;
        Ok(moments)
    }
}

impl Optimizer for Adam {
    fn step(&mut self, params: &mut Params, rate: f64) -> Result<(), ExecError> {
        let _guard = tch::no_grad_guard();
        if self.weight_decay != 0.0 {
            if self.decoupled {
                let _ = params.flat.f_mul_scalar_(1.0 - rate * self.weight_decay)?;
            } else {
                ffi::axpy(&mut params.grad, &params.flat, self.weight_decay)?;
            }
        }
        self.steps += 1;
        let ((b1, b2), eps, n) = (self.betas, self.eps, self.steps as f64);
        let (first, second) = self.moments(&params.flat)?;
        let _ = first.f_mul_scalar_(b1)?;
        ffi::axpy(first, &params.grad, 1.0 - b1)?;
        let _ = second.f_mul_scalar_(b2)?;
        ffi::axpy(second, &params.grad.f_square()?, 1.0 - b2)?;
        let mut root = second.f_sqrt()?;
        let _ = root.f_div_scalar_((1.0 - b2.powf(n)).sqrt())?.f_add_scalar_(eps)?;
        let update = first.f_div(&root)?;
        ffi::axpy(&mut params.flat, &update, -rate / (1.0 - b1.powf(n)))?;
        Ok(())
    }

    fn state(&self) -> Result<Weights, ExecError> {
        let mut out = Weights::new();
        if let Some((first, second)) = &self.moments {
            out.insert(Name::new_static("first"), to_array(first)?);
            out.insert(Name::new_static("second"), to_array(second)?);
            out.insert(Name::new_static("steps"), to_array(&Tensor::f_from_slice(&[self.steps])?)?);
        }
        Ok(out)
    }

    fn restore(&mut self, state: &Weights) -> Result<(), ExecError> {
        self.moments = match (state.get("first"), state.get("second")) {
            (Some(a), Some(b)) => Some((to_tensor(a)?, to_tensor(b)?)),
            _ => None,
        };
        self.steps = state.get("steps").map_or(0, |a| a.to_f64().first().copied().unwrap_or(0.0) as i64);
        Ok(())
    }
}

/// Scales the gradient down to a norm of at most `limit`; returns the norm that it had. As PyTorch's
/// `clip_grad_norm_`, which adds `1e-6` to the norm it divides by.
///
/// # Errors
/// If the device fails.
pub fn clip_grad_norm(params: &mut Params, limit: f64) -> Result<f64, ExecError> {
    let _guard = tch::no_grad_guard();
    let norm = params.grad.f_norm()?.f_double_value(&[])?;
    let factor = limit / (norm + 1e-6);
    if factor < 1.0 {
        let _ = params.grad.f_mul_scalar_(factor)?;
    }
    Ok(norm)
}
