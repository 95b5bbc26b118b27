//! Weights on the device: flat buffers and views into them.

use crate::array::{Array, Data, Weights};
use crate::checkpoint::{CheckpointError, check};
use crate::plan::Plan;
use crate::torch::{Device, ExecError};
use ir::Name;
use ir::op::Role;
use tch::{Kind, TchError, Tensor};

/// A plan's weights: all learned ones in one flat buffer, all running statistics in another, so that an optimizer's step,
/// a norm or a copy is a few operations on vectors. Each weight is a view.
#[derive(Debug)]
pub struct Params {
    /// Learned weights, flat.
    pub flat: Tensor,
    /// Their gradients, flat, in the same order.
    pub grad: Tensor,
    /// Running statistics, flat.
    pub buffers: Tensor,
    views: Vec<Tensor>,
    grads: Vec<Option<Tensor>>,
    /// Where each learned weight lies in the flat vectors: its first number, and how many.
    places: Vec<Option<(i64, i64)>>,
    paths: Vec<Name>,
}

impl Params {
    /// Weights for a plan.
    ///
    /// # Errors
    /// If `weights` is not of this plan, or the device refuses.
    pub fn new(plan: &Plan, weights: &Weights, device: Device, kind: Kind) -> Result<Self, ExecError> {
        check(plan, weights)?;
        let numel =
            |role| -> i64 { plan.weights.iter().filter(|w| w.spec.role == role).map(|w| w.spec.numel() as i64).sum() };
        let options = (kind, device.into());
        let flat = Tensor::f_zeros([numel(Role::Parameter)], options)?;
        let grad = Tensor::f_zeros([numel(Role::Parameter)], options)?;
        let buffers = Tensor::f_zeros([numel(Role::Buffer)], options)?;
        let mut params = Self { flat, grad, buffers, views: vec![], grads: vec![], places: vec![], paths: vec![] };
        let (mut at, mut buffer_at) = (0, 0);
        for w in &plan.weights {
            let n = w.spec.numel() as i64;
            let shape: Vec<i64> = w.spec.shape.iter().map(|d| i64::from(*d)).collect();
            let learned = w.spec.role == Role::Parameter;
            let (source, at) = if learned { (&params.flat, &mut at) } else { (&params.buffers, &mut buffer_at) };
            let mut view = source.f_narrow(0, *at, n)?.f_view(&shape[..])?;
            view.f_copy_(&to_tensor(&weights[&w.path])?)?;
            let grad = if learned { Some(params.grad.f_narrow(0, *at, n)?.f_view(&shape[..])?) } else { None };
            params.places.push(learned.then_some((*at, n)));
            *at += n;
            params.views.push(view);
            params.grads.push(grad);
            params.paths.push(w.path.clone());
        }
        Ok(params)
    }

    /// A weight.
    pub fn get(&self, weight: usize) -> &Tensor {
        &self.views[weight]
    }

    /// The gradient of a weight; of a running statistic there is none.
    #[must_use]
    pub fn grad_of(&self, weight: usize) -> Option<&Tensor> {
        self.grads[weight].as_ref()
    }

    /// The parts of the flat vectors that some weights take, neighbours joined: first number and length, ascending.
    #[must_use]
    pub fn ranges(&self, of: impl Fn(usize) -> bool) -> Vec<(i64, i64)> {
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for (start, len) in (0..self.places.len()).filter(|w| of(*w)).filter_map(|w| self.places[w]) {
            match ranges.last_mut() {
                Some((from, n)) if *from + *n == start => *n += len,
                _ => ranges.push((start, len)),
            }
        }
        ranges
    }

    /// The weights' paths.
    #[must_use]
    pub fn paths(&self) -> &[Name] {
        &self.paths
    }

    /// A copy in the host's memory.
    ///
    /// # Errors
    /// If the device fails.
    pub fn to_weights(&self) -> Result<Weights, ExecError> {
        self.paths.iter().zip(&self.views).map(|(p, v)| Ok((p.clone(), to_array(v)?))).collect()
    }

    /// Overwrites all weights.
    ///
    /// # Errors
    /// If `weights` lacks one, or the device fails.
    pub fn load(&mut self, plan: &Plan, weights: &Weights) -> Result<(), ExecError> {
        check(plan, weights)?;
        for (path, view) in self.paths.iter().zip(&mut self.views) {
            view.f_copy_(&to_tensor(&weights[path])?)?;
        }
        Ok(())
    }

    /// Sets all gradients to zero.
    ///
    /// # Errors
    /// If the device fails.
    pub fn zero_grad(&mut self) -> Result<(), ExecError> {
        let _ = self.grad.f_zero_()?;
        Ok(())
    }
}

/// An array as a tensor in the host's memory.
///
/// # Errors
/// If libtorch refuses.
pub fn to_tensor(array: &Array) -> Result<Tensor, TchError> {
    let shape: Vec<i64> = array.shape.iter().map(|d| *d as i64).collect();
    match &array.data {
        Data::F32(x) => Tensor::f_from_slice(x),
        Data::F64(x) => Tensor::f_from_slice(x),
        Data::I64(x) => Tensor::f_from_slice(x),
    }?
    .f_view(&shape[..])
}

/// A tensor as an array; what is not of double precision or whole is read in single precision.
///
/// # Errors
/// If the device fails.
pub fn to_array(t: &Tensor) -> Result<Array, ExecError> {
    let shape: Vec<usize> = t.size().iter().map(|d| *d as usize).collect();
    let n = t.numel();
    let t = t.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
    let data = match t.kind() {
        Kind::Double => {
            let mut x = vec![0.0; n];
            t.f_copy_data(&mut x, n)?;
            Data::F64(x)
        }
        Kind::Int64 => {
            let mut x = vec![0; n];
            t.f_copy_data(&mut x, n)?;
            Data::I64(x)
        }
        _ => {
            let mut x = vec![0.0_f32; n];
            t.f_to_kind(Kind::Float)?.f_copy_data(&mut x, n)?;
            Data::F32(x)
        }
    };
    Ok(Array { shape, data })
}

impl From<CheckpointError> for ExecError {
    fn from(e: CheckpointError) -> Self {
        Self::Weights(e.to_string())
    }
}
