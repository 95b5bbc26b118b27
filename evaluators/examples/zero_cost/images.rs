//! A batch of CIFAR-10.

use evaluators::zero_cost::Batch;
use std::error::Error;
use tch::Tensor;

pub fn batch() -> Result<Batch, Box<dyn Error>> {
    let x: Vec<f32> =
        std::fs::read("/tmp/cifar.x")?.chunks(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let y: Vec<i64> = std::fs::read("/tmp/cifar.y")?.chunks(8).map(|b| i64::from(b[0])).collect();
    Ok(Batch { images: Tensor::from_slice(&x).view([-1, 3, 32, 32]), labels: Tensor::from_slice(&y) })
}
