//! Networks leave for other tools: as PyTorch source that needs nothing but torch, or as an ONNX model.
//!
//! * An export is a pure function of the program: the same program gives the same bytes.
//! * What is exported is one network. A supernet, whose choices are open, is refused with the labels of the decisions.
//! * Weights are finite, and keep the paths that checkpoints know them by, `stage1.cell0.conv.weight`.

pub mod onnx;
pub mod pytorch;
mod taken;

use crate::array::Weights;
use ir::program::Action;
use ir::{Name, Program};

/// Why a network cannot be exported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// A supernet.
    #[error("only one network can be exported, and this leaves open {}; choose a sample", decisions(.0))]
    Open(Vec<Name>),
    /// An op without a lowering, or with one that is wrong.
    #[error("node `{node}`: {source}")]
    Emit {
        /// The node.
        node: String,
        /// Why.
        source: ir::prim::EmitError,
    },
    /// A primitive that the format cannot say.
    #[error("node `{node}`: primitive `{prim}` cannot be exported: {why}")]
    Prim {
        /// The node.
        node: String,
        /// The primitive.
        prim: String,
        /// Why.
        why: &'static str,
    },
    /// Weights of another network.
    #[error("{0}")]
    Weights(String),
    /// Weights of a run that diverged.
    #[error(
        "weight `{path}` holds {count} numbers of {of} that are not finite in single precision; \
         export weights from before the training diverged"
    )]
    NotFinite {
        /// The weight.
        path: Name,
        /// How many of its numbers.
        count: usize,
        /// How many there are.
        of: usize,
    },
    /// A model that the format cannot hold.
    #[error("the model takes {0} bytes, and an ONNX file can have 2147483647")]
    Size(usize),
    /// Two nodes whose weights have one path.
    #[error("two weights have the path `{0}`; rename one of their nodes")]
    Path(String),
}

/// Refuses weights that are not numbers, or greater than the single precision that networks run in.
///
/// # Errors
/// If there is one; the first by path is named.
pub fn finite(weights: &Weights) -> Result<(), ExportError> {
    for (path, array) in weights {
        let values = array.to_f32();
        let count = values.iter().filter(|v| !v.is_finite()).count();
        if count > 0 {
            return Err(ExportError::NotFinite { path: path.clone(), count, of: values.len() });
        }
    }
    Ok(())
}

fn decisions(labels: &[Name]) -> String {
    const TOLD: usize = 4;
    let mut text: Vec<String> = labels.iter().take(TOLD).map(|l| format!("`?{l}`")).collect();
    if labels.len() > TOLD {
        text.push(format!("{} more", labels.len() - TOLD));
    }
    text.join(", ")
}

/// Refuses a program with open decisions.
fn decided(program: &Program) -> Result<(), ExportError> {
    fn open(action: &Action, labels: &mut Vec<Name>) {
        let label = match action {
            Action::Choice(label, _) | Action::Select(label, _) | Action::Repeat { label, .. } => label,
            Action::Input | Action::Op(_) | Action::Call(_) | Action::Chain(_) => return,
        };
        if !labels.contains(label) {
            labels.push(label.clone());
        }
    }
    let mut labels = Vec::new();
    let used = program.multiplicities();
    for (instance, _) in program.instances.iter().zip(used).filter(|(_, times)| *times > 0) {
        instance.steps.iter().for_each(|s| open(&s.action, &mut labels));
    }
    if labels.is_empty() { Ok(()) } else { Err(ExportError::Open(labels)) }
}
