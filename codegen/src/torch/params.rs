//! Weights on the device: flat buffers and views into them.

use crate::array::{Array, Data, Weights};
use crate::checkpoint::{CheckpointError, check};
use crate::plan::Plan;
use crate::torch::{Device, ExecError, Place, Slice};
use ir::Name;
use ir::op::Role;
use rustc_hash::FxHashMap;
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
    /// Where each weight lies in the flat vector of its role.
    places: Vec<Place>,
    paths: Vec<Name>,
    /// Whether some number in the flat vectors belongs to no weight here.
    partial: bool,
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
        let mut params = Self::empty([flat, grad, buffers]);
        let (mut at, mut buffer_at) = (0, 0);
        for w in &plan.weights {
            let (learned, shape) = (w.spec.role == Role::Parameter, extents(&w.spec.shape));
            let at = if learned { &mut at } else { &mut buffer_at };
            let place = Place { start: *at, len: w.spec.numel() as i64, part: None };
            *at += place.len;
            params.push(&w.path, &shape, learned, place)?.f_copy_(&to_tensor(&weights[&w.path])?)?;
        }
        Ok(params)
    }

    fn empty([flat, grad, buffers]: [Tensor; 3]) -> Self {
        let (views, grads, places, paths) = Default::default();
        Self { flat, grad, buffers, views, grads, places, paths, partial: false }
    }

    /// Adds the weight that lies at a place.
    fn push(&mut self, path: &Name, shape: &[i64], learned: bool, place: Place) -> Result<&mut Tensor, ExecError> {
        let view = |flat: &Tensor| -> Result<Tensor, TchError> {
            let view = place.view(flat)?;
            if place.part.is_none() { view.f_view(shape) } else { Ok(view) }
        };
        let (weight, grad) =
            if learned { (view(&self.flat)?, Some(view(&self.grad)?)) } else { (view(&self.buffers)?, None) };
        self.views.push(weight);
        self.grads.push(grad);
        self.places.push(place);
        self.paths.push(path.clone());
        Ok(self.views.last_mut().expect("invariant: just added"))
    }

    /// These weights as those of a smaller plan: each is the [`Slice`] of that of its path. They share the flat vectors:
    /// what a run or an optimizer does to a slice is done to the whole.
    ///
    /// # Errors
    /// If the plan has a weight that these have not, or a greater one.
    pub fn sliced(&self, plan: &Plan) -> Result<Self, ExecError> {
        let known: FxHashMap<&Name, usize> = self.paths.iter().enumerate().map(|(i, p)| (p, i)).collect();
        let buffers = [&self.flat, &self.grad, &self.buffers].map(Tensor::shallow_clone);
        let mut params = Self::empty(buffers);
        for w in &plan.weights {
            let misfit = |found: &str| ExecError::Weights(format!("`{}` {:?}: {found}", w.path, w.spec.shape));
            let of = *known.get(&w.path).ok_or_else(|| misfit("there is no such weight to take a part of"))?;
            let mut place = self.places[of].clone();
            let whole = self.views[of].size();
            let great: Vec<u32> = whole.iter().map(|d| *d as u32).collect();
            if great[..] != w.spec.shape[..] {
                let slice = Slice::of(&w.spec.shape, &great).filter(|_| place.part.is_none());
                let slice = slice.ok_or_else(|| misfit(&format!("it is no part of {great:?}")))?;
                place.part = Some((whole, slice));
            }
            params.push(&w.path, &extents(&w.spec.shape), w.spec.role == Role::Parameter, place)?;
        }
        params.partial = params.paths.len() < self.paths.len() || params.places.iter().any(|p| p.part.is_some());
        Ok(params)
    }

    /// Learned weights and gradients of their own, zero, in the same places; running statistics are shared.
    ///
    /// # Errors
    /// If the device refuses.
    pub fn twin(&self) -> Result<Self, ExecError> {
        let zeros = || self.flat.f_zeros_like();
        let mut twin = Self::empty([zeros()?, zeros()?, self.buffers.shallow_clone()]);
        twin.partial = self.partial;
        for (i, (path, view)) in self.paths.iter().zip(&self.views).enumerate() {
            twin.push(path, &view.size(), self.grads[i].is_some(), self.places[i].clone())?;
        }
        Ok(twin)
    }

    /// Whether some number in the flat vectors belongs to no weight here.
    pub(super) fn is_partial(&self) -> bool {
        self.partial
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

    /// Where some learned weights lie in the flat vectors, whole neighbours joined.
    #[must_use]
    pub fn places(&self, of: impl Fn(usize) -> bool) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        for place in (0..self.places.len()).filter(|w| of(*w) && self.grads[*w].is_some()).map(|w| &self.places[w]) {
            match places.last_mut() {
                Some(last) if last.start + last.len == place.start && last.part.is_none() && place.part.is_none() => {
                    last.len += place.len;
                }
                _ => places.push(place.clone()),
            }
        }
        places
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

fn extents(shape: &[u32]) -> Vec<i64> {
    shape.iter().map(|d| i64::from(*d)).collect()
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
