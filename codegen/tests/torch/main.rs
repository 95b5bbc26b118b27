//! Plans on libtorch: our backward pass against finite differences and against libtorch's own autograd.
#![cfg(feature = "torch")]

mod autograd;
mod common;
mod finite;
mod fused;
mod layout;
mod masks;
mod optim;
mod random;
mod supernet;
