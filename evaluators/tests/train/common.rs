//! Networks and runs for the tests.

use codegen::array::Weights;
use evaluators::data::digits;
use evaluators::train::{Dataset, Recipe, TrainError, Trainer};
use ir::Program;

/// A small classifier of the digits with everything that has a state: batch norm, dropout, drop path, two heads.
pub const NETWORK: &str = "module @m {
  entry @main
  graph @main(%x: f32[N, 1, 8, 8]) {
    %v1 = conv2d %x {out=8, k=3, pad=1, bias=false}
    %n1 = batch_norm %v1
    %r1 = relu %n1
    %v2 = conv2d %r1 {out=8, k=3, pad=1, bias=false}
    %n2 = batch_norm %v2
    %d = drop_path %n2 {p=0.3}
    %s = add %r1, %d
    %p = global_avg_pool %s
    %f = flatten %p
    %o = dropout %f {p=0.1}
    %logits = linear %o {out=10}
    %g = global_avg_pool %r1
    %h = flatten %g
    %auxiliary = linear %h {out=10}
    return %logits, %auxiliary
  }
}";

pub fn program(text: &str) -> Program {
    let module: ir::Module = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
    ir::verify(&module).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// A recipe that ends in a moment.
pub fn short() -> Recipe {
    Recipe { epochs: 2, batch: 50, images: 300, valid: 4, crop: 1, flip: true, cutout: 2, ..Recipe::default() }
}

pub fn trainer(text: &str, recipe: &Recipe) -> Result<Trainer, TrainError> {
    let dataset = Dataset::new(digits().expect("embedded"), recipe.device)?;
    Trainer::new(&program(text), &dataset, recipe)
}

/// Trains to the end.
pub fn finish(mut trainer: Trainer) -> Weights {
    while !trainer.is_done() {
        trainer.epoch().expect("trains");
    }
    trainer.weights().expect("weights")
}

/// The losses of the first steps.
pub fn losses(text: &str, recipe: &Recipe, steps: usize) -> Vec<f64> {
    let mut trainer = trainer(text, recipe).expect("a trainer");
    (0..steps).map(|_| trainer.step().expect("a step").loss.expect("on the processor it is read at once")).collect()
}
