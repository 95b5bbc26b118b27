//! Poolings in ONNX, with PyTorch's windows.
//!
//! The format's `ceil_mode` has meant different things in different versions, so it is not used: the margins are written
//! so that exactly PyTorch's windows fit.

use super::build::{Build, elements};
use super::prims::two;
use super::proto::{AttributeProto as Attr, dtype};
use ir::TensorType;
use ir::op::Pair;
use ir::prim::Window;

/// Height and width.
fn image(ty: &TensorType) -> [i64; 2] {
    [2, 3].map(|axis| ty.shape[axis].per_example() as i64)
}

/// What must follow the image, beyond its end, for the last window to fit.
fn after(w: Window, x: &TensorType, y: &TensorType) -> [i64; 2] {
    let (size, out, k, stride, pad) = (image(x), image(y), two(w.k), two(w.stride), two(w.pad));
    [0, 1].map(|i| ((out[i] - 1) * stride[i] + k[i] - size[i] - pad[i]).max(0))
}

fn window(w: Window, [top, left]: [i64; 2], [bottom, right]: [i64; 2]) -> [Attr; 3] {
    [
        Attr::ints("kernel_shape", two(w.k)),
        Attr::ints("strides", two(w.stride)),
        Attr::ints("pads", [top, left, bottom, right]),
    ]
}

/// The maximum of each window.
pub fn max(b: &mut Build, w: Window, x: &str, of: &TensorType, y: &TensorType) -> String {
    let attributes = window(w, two(w.pad), after(w, of, y));
    if of.dtype.is_float() {
        return b.op("MaxPool", &[x], attributes);
    }
    let cast = b.cast(x, dtype::DOUBLE);
    let pooled = b.op("MaxPool", &[&cast], attributes);
    b.cast(&pooled, elements(of.dtype))
}

/// The mean of each window.
pub fn mean(b: &mut Build, w: Window, count_pad: bool, x: &str, of: &TensorType, y: &TensorType) -> String {
    let end = after(w, of, y);
    let count = Attr::int("count_include_pad", 0);
    if !count_pad || w.pad == Pair::both(0) {
        let [k, s, p] = window(w, two(w.pad), end);
        return b.op("AveragePool", &[x], [k, s, p, count]);
    }
    // PyTorch divides by what a window covers of image and margin, not by what lies beyond: so the margin becomes part of
    // the image, and what is beyond becomes the margin.
    let pad = two(w.pad);
    let pads = b.ints(&[0, 0, pad[0], pad[1], 0, 0, pad[0], pad[1]]);
    let padded = b.op("Pad", &[x, &pads], []);
    let [k, s, p] = window(w, [0, 0], [0, 1].map(|i| (end[i] - pad[i]).max(0)));
    b.op("AveragePool", &[&padded], [k, s, p, count])
}

/// The mean over a grid of windows: window `i` of `n` over a side `s` covers `floor(i s / n)` to `ceil((i + 1) s / n)`.
pub fn adaptive(b: &mut Build, out: Pair, x: &str, of: &TensorType) -> String {
    let [h, w] = image(of).map(|n| n as u32);
    if h.is_multiple_of(out.h) && w.is_multiple_of(out.w) {
        let k = [i64::from(h / out.h), i64::from(w / out.w)];
        return b.op("AveragePool", &[x], [Attr::ints("kernel_shape", k), Attr::ints("strides", k)]);
    }
    // Rows and columns are averaged one after the other, each by a product with a matrix.
    let rows = b.floats(&[out.h, h], averages(out.h, h));
    let columns = averages(out.w, w);
    let turned = (0..w * out.w).map(|i| columns[((i % out.w) * w + i / out.w) as usize]);
    let columns = b.floats(&[w, out.w], turned);
    let tall = b.op("MatMul", &[&rows, x], []);
    b.op("MatMul", &[&tall, &columns], [])
}

/// The matrix `[out, size]` that averages windows of a side.
fn averages(out: u32, size: u32) -> Vec<f64> {
    let mut matrix = vec![0.0; (out * size) as usize];
    for i in 0..out {
        let (from, to) = (i * size / out, ((i + 1) * size).div_ceil(out));
        let row = &mut matrix[(i * size) as usize..((i + 1) * size) as usize];
        row[from as usize..to as usize].fill(1.0 / f64::from(to - from));
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::averages;

    #[test]
    fn windows_overlap_where_they_must() {
        let third = 1.0 / 3.0;
        assert_eq!(averages(2, 5), [third, third, third, 0.0, 0.0, 0.0, 0.0, third, third, third]);
        assert_eq!(averages(3, 2), [1.0, 0.0, 0.5, 0.5, 0.0, 1.0]);
    }
}
