//! A network as two plans: one that trains, one that predicts.

use super::error::TrainError;
use super::recipe::{Precision, Recipe};
use crate::data::Images;
use codegen::torch::Device;
use codegen::{Lowering, Plan, PlanError, Wrt};
use ir::op::Role;
use ir::prim::{Emit, EmitError, Mode, Prim};
use ir::value::Real;
use ir::{DType, Dim, GraphHash, Program, TensorType};
use std::sync::Arc;

/// A classifier of a data set's images.
#[derive(Clone, Debug)]
pub struct Network {
    /// Takes images and labels; gives the loss, the logits, and the gradients of the weights.
    pub train: Arc<Plan>,
    /// Takes images; gives the logits.
    pub eval: Arc<Plan>,
    /// The graph's canonical hash.
    pub hash: GraphHash,
    /// Number of classes.
    pub classes: usize,
}

impl Network {
    /// Plans for a network that fits a data set.
    ///
    /// The loss is the cross-entropy of the first output, and that of every further one times the recipe's weight of
    /// auxiliary heads. Predictions are the first output's.
    ///
    /// # Errors
    /// If the network is for other images or classes, has open decisions, or cannot be lowered.
    pub fn of(program: &Program, images: &Images, recipe: &Recipe) -> Result<Self, TrainError> {
        let train = training_plan(program, images, recipe, &Wrt::weights())?;
        let eval = prediction_plan(program, images)?;
        Ok(Self { train: Arc::new(train), eval: Arc::new(eval), hash: program.hash(), classes: images.classes.len() })
    }

    /// Number of learned weights.
    #[must_use]
    pub fn params(&self) -> u64 {
        let learned = self.train.weights.iter().filter(|w| w.spec.role == Role::Parameter);
        learned.map(|w| w.spec.numel()).sum()
    }

    /// Whether some learned weight leads nowhere, so that no run writes its gradient.
    pub(super) fn has_idle_weights(&self) -> bool {
        let weights = self.train.weights.iter().zip(&self.train.weight_grads);
        weights.into_iter().any(|(w, g)| w.spec.role == Role::Parameter && g.is_none())
    }
}

/// A plan that takes images and labels, and gives the loss and the logits of the first output, with the gradients that
/// are asked for. In an open program each open decision is a [`Site`](codegen::Site).
///
/// # Errors
/// As [`Network::of`].
pub fn training_plan(program: &Program, images: &Images, recipe: &Recipe, wrt: &Wrt) -> Result<Plan, TrainError> {
    check(program, images)?;
    let mut plan = Lowering::of(program, Mode::Train)?;
    let loss = loss(&mut plan, recipe).map_err(PlanError::from)?;
    let logits = plan.outputs()[0];
    plan.set_outputs([loss, logits]);
    // The fused kernels are for the processor, and in single precision.
    if recipe.device == Device::Cpu && recipe.precision == Precision::F32 {
        plan = plan.fuse();
    }
    let loss = plan.outputs()[0];
    Ok(plan.differentiate(loss, wrt)?.finish())
}

/// A plan that takes images and gives the logits of the first output, as a trained network predicts.
///
/// # Errors
/// As [`Network::of`].
pub fn prediction_plan(program: &Program, images: &Images) -> Result<Plan, TrainError> {
    check(program, images)?;
    let mut plan = Lowering::of(program, Mode::Eval)?;
    let logits = plan.outputs()[0];
    plan.set_outputs([logits]);
    Ok(plan.finish())
}

/// Adds labels as an input, and the loss.
fn loss(plan: &mut Lowering, recipe: &Recipe) -> Result<ir::prim::Var, EmitError> {
    let outputs = plan.outputs().to_vec();
    let labels = plan.input(TensorType::new(DType::I64, [Dim::BATCH]));
    let prim = Prim::CrossEntropy { smoothing: Real::new(recipe.label_smoothing) };
    let mut total = plan.prim(prim.clone(), &[outputs[0], labels])?;
    for output in outputs.iter().skip(1).filter(|_| recipe.auxiliary > 0.0) {
        let one = plan.prim(prim.clone(), &[*output, labels])?;
        let scaled = plan.prim(Prim::scale(recipe.auxiliary), &[one])?;
        total = plan.prim(Prim::ADD, &[total, scaled])?;
    }
    Ok(total)
}

/// Whether a network takes the images and tells the classes.
fn check(program: &Program, images: &Images) -> Result<(), TrainError> {
    let main = program.main();
    let signature = |found: String| Err(TrainError::Signature { found });
    let [input] = main.inputs[..] else { return signature(format!("takes {} inputs", main.inputs.len())) };
    let takes = &main.types[input as usize];
    let [c, h, w] = images.shape().map(|d| d as u32);
    if takes.rank() != 4 || !takes.dtype.is_float() {
        return signature(format!("takes {takes}"));
    }
    if takes.shape != TensorType::image(c, h, w).shape {
        return Err(TrainError::Image {
            takes: takes.to_string(),
            data: images.name.clone(),
            image: format!("{c} x {h} x {w}"),
            option: format!("{c}x{h}x{w}"),
        });
    }
    if main.outputs.is_empty() {
        return signature("has no outputs".to_owned());
    }
    for (output, v) in main.outputs.iter().enumerate() {
        let found = &main.types[*v as usize];
        if found.rank() != 2 || found.shape[0] != Dim::BATCH {
            return signature(format!("has {found} as output {output}"));
        }
        if found.shape[1].known() != u32::try_from(images.classes.len()).ok() {
            return Err(TrainError::Classes {
                output,
                found: found.to_string(),
                data: images.name.clone(),
                classes: images.classes.len(),
            });
        }
    }
    Ok(())
}
