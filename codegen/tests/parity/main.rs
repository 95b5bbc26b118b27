//! Exported networks in PyTorch, against our own runs: outputs, every gradient, running statistics; and in onnxruntime.
//!
//! A tensor's distance is max|ours - theirs| / max|theirs|. Each test writes its cases to a folder, and one Python process
//! checks them all.
#![cfg(feature = "torch")]

mod cases;
#[allow(dead_code, reason = "shared with the tests of the executor")]
#[path = "../torch/common.rs"]
mod common;
mod kinks;
mod module;
mod networks;
mod odd;
mod onnx;
mod ops;
mod prims;
mod suite;
