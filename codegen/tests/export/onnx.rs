//! ONNX models: what is refused, and that a model is the same each time. That it is right, `tests/parity` checks.

use crate::pytorch::{network, supernet};
use codegen::Lowering;
use codegen::array::Weights;
use codegen::export::{ExportError, onnx};
use codegen::init::initialise;
use ir::Program;
use ir::prim::Mode;

fn weights(program: &Program) -> Weights {
    initialise(&Lowering::of(program, Mode::Eval).expect("lowers").finish(), 1)
}

#[test]
fn is_the_same_each_time() {
    let net = network("%c = conv2d %x {out=4, k=3}\n%y = gelu %c\nreturn %y, %x, %y");
    let model = || onnx::model(&net, &weights(&net), "test").expect("exports");
    assert_eq!(model(), model());
}

#[test]
fn refuses_the_weights_of_another_network() {
    let net = network("%c = conv2d %x {out=4, k=3}\nreturn %c");
    let other = network("%c = conv2d %x {out=5, k=3}\nreturn %c");
    let error = onnx::model(&net, &weights(&other), "test").expect_err("another network's");
    let text = "the checkpoint is of another graph: `c.weight` is [5, 3, 3, 3] there, [4, 3, 3, 3] here; \
                `c.bias` is [5] there, [4] here";
    assert_eq!(error.to_string(), text);
}

#[test]
fn refuses_a_supernet() {
    let open = supernet("%y = choice ?op (%x) {a: relu, b: tanh}\nreturn %y");
    assert_eq!(onnx::model(&open, &Weights::new(), "test"), Err(ExportError::Open(vec!["op".into()])));
}
