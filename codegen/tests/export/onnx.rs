//! ONNX models: what is refused, and that a model is the same each time. That it is right, `tests/parity` checks.

use crate::pytorch::{network, supernet};
use codegen::Lowering;
use codegen::array::{Array, Weights};
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
fn refuses_weights_that_are_not_finite() {
    let net = network("%c = conv2d %x {out=4, k=3}\n%y = batch_norm %c\nreturn %y");
    let spoilt = |path: &str, at: usize, value: f64| {
        let mut weights = weights(&net);
        let array = weights.get_mut(path).expect("it is there");
        let mut values = array.to_f64();
        values[at] = value;
        *array = Array::f64(array.shape.clone(), values);
        onnx::model(&net, &weights, "test")
    };
    spoilt("c.weight", 5, 1e30).expect("it is finite");
    // The last is finite in double precision only, and a model is in single.
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e39] {
        for (path, of) in [("c.weight", 108), ("y.running_var", 4)] {
            let error = spoilt(path, 3, value).expect_err("it is not finite").to_string();
            let text = format!(
                "weight `{path}` holds 1 numbers of {of} that are not finite in single precision; \
                 export weights from before the training diverged"
            );
            assert_eq!(error, text);
        }
    }
}

#[test]
fn refuses_a_supernet() {
    let open = supernet("%y = choice ?op (%x) {a: relu, b: tanh}\nreturn %y");
    assert_eq!(onnx::model(&open, &Weights::new(), "test"), Err(ExportError::Open(vec!["op".into()])));
}
