//! A network as two plans: one that trains, one that predicts.

use super::error::TrainError;
use super::recipe::{Precision, Recipe};
use crate::data::{Data, Images, Text};
use codegen::torch::Device;
use codegen::{Lowering, Plan, PlanError, Wrt};
use ir::op::Role;
use ir::prim::{Emit, EmitError, Mode, Prim, Var};
use ir::value::Real;
use ir::{DType, Dim, GraphHash, Program, TensorType};
use std::sync::Arc;

/// A classifier of a data set's images, or a model of its text.
#[derive(Clone, Debug)]
pub struct Network {
    /// Takes images and labels, or words and those that follow; gives the loss, the logits, and the gradients of the
    /// weights.
    pub train: Arc<Plan>,
    /// Takes images or words; gives the logits.
    pub eval: Arc<Plan>,
    /// The graph's canonical hash.
    pub hash: GraphHash,
    /// Number of classes, or of words.
    pub classes: usize,
}

impl Network {
    /// Plans for a network that fits a data set.
    ///
    /// The loss is the cross-entropy of the first output, and that of every further one times the recipe's weight of
    /// auxiliary heads. Predictions are the first output's.
    ///
    /// # Errors
    /// If the network is for other images, classes or words, has open decisions, or cannot be lowered.
    pub fn of(program: &Program, data: &Data, recipe: &Recipe) -> Result<Self, TrainError> {
        let train = training_plan(program, data, recipe, &Wrt::weights())?;
        let eval = prediction_plan(program, data)?;
        Ok(Self { train: Arc::new(train), eval: Arc::new(eval), hash: program.hash(), classes: data.classes() })
    }

    /// Whether it is a model of text, so that what counts is the perplexity and not the accuracy.
    #[must_use]
    pub fn is_text(&self) -> bool {
        !self.eval.type_of(self.eval.inputs[0]).dtype.is_float()
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

/// A plan that takes inputs and labels, and gives the loss and the logits of the first output, with the gradients that
/// are asked for. In an open program each open decision is a [`Site`](codegen::Site).
///
/// # Errors
/// As [`Network::of`].
pub fn training_plan(program: &Program, data: &Data, recipe: &Recipe, wrt: &Wrt) -> Result<Plan, TrainError> {
    check(program, data)?;
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

/// A plan that takes inputs and gives the logits of the first output, as a trained network predicts.
///
/// # Errors
/// As [`Network::of`].
pub fn prediction_plan(program: &Program, data: &Data) -> Result<Plan, TrainError> {
    check(program, data)?;
    let mut plan = Lowering::of(program, Mode::Eval)?;
    let logits = plan.outputs()[0];
    plan.set_outputs([logits]);
    Ok(plan.finish())
}

/// Adds labels as an input, and the loss.
fn loss(plan: &mut Lowering, recipe: &Recipe) -> Result<Var, EmitError> {
    let outputs = plan.outputs().to_vec();
    // A label per image, or per word of a window.
    let labelled = |logits: &TensorType| logits.shape[..logits.rank() - 1].to_vec();
    let mut labels = plan.input(TensorType::new(DType::I64, labelled(plan.plan().type_of(outputs[0]))));
    labels = flat(plan, labels, 0)?;
    let prim = Prim::CrossEntropy { smoothing: Real::new(recipe.label_smoothing) };
    let logits = flat(plan, outputs[0], 1)?;
    let mut total = plan.prim(prim.clone(), &[logits, labels])?;
    for output in outputs.iter().skip(1).filter(|_| recipe.auxiliary > 0.0) {
        let logits = flat(plan, *output, 1)?;
        let one = plan.prim(prim.clone(), &[logits, labels])?;
        let scaled = plan.prim(Prim::scale(recipe.auxiliary), &[one])?;
        total = plan.prim(Prim::ADD, &[total, scaled])?;
    }
    Ok(total)
}

/// All axes but so many last ones as one.
fn flat(plan: &mut Lowering, x: Var, kept: usize) -> Result<Var, EmitError> {
    let shape = &plan.plan().type_of(x).shape;
    let first = shape.len() - kept;
    if first == 1 {
        return Ok(x);
    }
    let joined = shape[..first].iter().try_fold(Dim::fixed(1), |all, d| all.times(*d));
    let joined = joined.expect("invariant: checked, only the first axis is the batch's, and windows are short");
    let shape = [joined].into_iter().chain(shape[first..].iter().copied()).collect();
    plan.prim(Prim::Reshape { shape }, &[x])
}

/// Whether a network takes the data and tells the labels.
fn check(program: &Program, data: &Data) -> Result<(), TrainError> {
    let main = program.main();
    let [input] = main.inputs[..] else {
        return Err(TrainError::Signature { found: format!("takes {} inputs", main.inputs.len()) });
    };
    if main.outputs.is_empty() {
        return Err(TrainError::Signature { found: "has no outputs".to_owned() });
    }
    let takes = &main.types[input as usize];
    let outputs: Vec<&TensorType> = main.outputs.iter().map(|v| &main.types[*v as usize]).collect();
    match data {
        Data::Images(images) => classifies(takes, &outputs, images),
        Data::Text(text) => continues(takes, &outputs, text),
    }
}

/// How many words a network of text takes at a time.
pub(super) fn steps(program: &Program) -> usize {
    let main = program.main();
    main.types[main.inputs[0] as usize].shape.get(1).map_or(1, |d| d.per_example() as usize)
}

fn continues(takes: &TensorType, outputs: &[&TensorType], text: &Text) -> Result<(), TrainError> {
    let signature = |found: String| Err(TrainError::TextSignature { found });
    let [Dim::BATCH, steps] = takes.shape[..] else { return signature(format!("takes {takes}")) };
    if takes.dtype != DType::I64 || steps.known().is_none_or(|s| s == 0) {
        return signature(format!("takes {takes}"));
    }
    let words = text.vocabulary.len();
    for (output, found) in outputs.iter().enumerate() {
        match found.shape[..] {
            [Dim::BATCH, s, n] if s == steps && found.dtype.is_float() => {
                if n.known() != u32::try_from(words).ok() {
                    let (found, data) = (found.to_string(), text.name.clone());
                    return Err(TrainError::Words { output, found, data, words });
                }
            }
            _ => return signature(format!("has {found} as output {output}")),
        }
    }
    Ok(())
}

fn classifies(takes: &TensorType, outputs: &[&TensorType], images: &Images) -> Result<(), TrainError> {
    let signature = |found: String| Err(TrainError::Signature { found });
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
    for (output, found) in outputs.iter().enumerate() {
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
