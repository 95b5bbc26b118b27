//! Exports without libtorch: golden files, names, refusals.

mod golden;
mod onnx;
mod pytorch;
