//! Networks so small that their scores can be worked out in a few lines.

use crate::graph;
use codegen::Lowering;
use codegen::init::{initialise, initialise_by};
use codegen::torch::to_array;
use evaluators::data::Batch;
use evaluators::zero_cost::{Classifier, Proxy, random_batch, score};
use ir::Program;
use ir::prim::Mode;

const N: usize = 6;
const SEED: u64 = 5;

type Matrix = Vec<Vec<f64>>;

fn rows(values: &[f64], width: usize) -> Matrix {
    values.chunks(width).map(<[f64]>::to_vec).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn batch(program: &Program) -> Batch {
    random_batch(&Classifier::of(program).expect("a classifier"), N, SEED).expect("a batch")
}

/// The images of a batch, one in each row.
fn images(batch: &Batch) -> Matrix {
    let x = to_array(&batch.inputs).expect("an array");
    rows(&x.to_f64(), x.shape[1..].iter().product())
}

fn scores(program: &Program, proxies: &[Proxy]) -> Vec<f64> {
    score(program, proxies, &batch(program), SEED).expect("scores")
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} where {expected} is expected");
}

/// `softmax(W x + b)`: every gradient has a closed form.
struct Regression {
    x: Matrix,
    w: Matrix,
    z: Matrix,
    p: Matrix,
    /// `dL/dz`
    gz: Matrix,
    /// `dL/dW`
    gw: Matrix,
}

const REGRESSION: (&str, &str) = ("f32[N, 2, 3, 3]", "%f = flatten %x\n %y = linear %f {out=4}\n return %y");

fn regression(program: &Program) -> Regression {
    let batch = batch(program);
    let labels = to_array(&batch.labels).expect("an array").to_f64();
    let x = images(&batch);
    let weights = initialise(&Lowering::of(program, Mode::Train).expect("lowers").finish(), SEED);
    let w = rows(&weights["y.weight"].to_f64(), x[0].len());
    let b = weights["y.bias"].to_f64();
    let z: Matrix = x.iter().map(|x| w.iter().zip(&b).map(|(w, b)| dot(w, x) + b).collect()).collect();
    let softmax = |z: &Vec<f64>| {
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        z.iter().map(|z| z.exp() / total).collect::<Vec<f64>>()
    };
    let p: Matrix = z.iter().map(softmax).collect();
    let hit = |n: usize, c: usize| f64::from(u8::from(labels[n] == c as f64));
    let gz: Matrix = (0..N).map(|n| (0..4).map(|c| (p[n][c] - hit(n, c)) / N as f64).collect()).collect();
    let gw = outer(&gz, &x);
    Regression { x, w, z, p, gz, gw }
}

/// `sum over n of a_n b_n^T`
fn outer(a: &Matrix, b: &Matrix) -> Matrix {
    let at = |c: usize, d: usize| a.iter().zip(b).map(|(a, b)| a[c] * b[d]).sum();
    (0..a[0].len()).map(|c| (0..b[0].len()).map(|d| at(c, d)).collect()).collect()
}

#[test]
fn gradients_of_a_regression() {
    let program = graph(REGRESSION.0, REGRESSION.1);
    let r = regression(&program);
    let each = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        r.w.iter().flatten().zip(r.gw.iter().flatten()).map(|(w, g)| f(*w, *g)).sum()
    };
    let found = scores(&program, &[Proxy::Plain, Proxy::Fisher, Proxy::Snip, Proxy::GradNorm, Proxy::Grasp]);
    near(found[0], each(&|w, g| w * g), 1e-4);
    let channel = |c: usize| (0..N).map(|n| (r.z[n][c] * r.gz[n][c]).powi(2)).sum::<f64>() / N as f64 / 2.0;
    near(found[1], 18.0 * (0..4).map(channel).sum::<f64>(), 1e-4);
    near(found[2], each(&|w, g| (w * g).abs()), 1e-4);
    near(found[3], each(&|_, g| g * g).sqrt(), 1e-4);
    // H applied to the gradient: the change of the gradient along it.
    let change: Matrix = (0..N)
        .map(|n| {
            let dz: Vec<f64> = r.gw.iter().map(|v| dot(v, &r.x[n])).collect();
            let mean = dot(&r.p[n], &dz);
            r.p[n].iter().zip(&dz).map(|(p, dz)| p * (dz - mean) / N as f64).collect()
        })
        .collect();
    let hg = outer(&change, &r.x);
    let product: f64 = r.w.iter().flatten().zip(hg.iter().flatten()).map(|(w, h)| w * h).sum();
    near(found[4], -product, 1e-4);
}

#[test]
fn norms_and_flow_of_a_regression() {
    let program = graph(REGRESSION.0, REGRESSION.1);
    let found = scores(&program, &[Proxy::L2Norm, Proxy::Synflow, Proxy::JacobCov]);
    let r = regression(&program);
    near(found[0], r.w.iter().flatten().map(|w| w * w).sum::<f64>().sqrt(), 1e-6);
    let plan = Lowering::of(&program, Mode::Train).expect("lowers").finish();
    let kaiming = initialise_by(&plan, Proxy::Synflow.scheme(), SEED);
    near(found[1], kaiming["y.weight"].to_f64().iter().map(|w| w.abs()).sum(), 1e-12);
    // Every image has the same gradient: one eigenvalue is N, the others are 0.
    let (k, n) = (1e-5_f64, N as f64);
    let expected = -((n + k).ln() + 1.0 / (n + k) + (n - 1.0) * (k.ln() + 1.0 / k));
    near(found[2], expected, 1e-4);
}

/// In a chain, what flows through each layer is the sum of the logits.
#[test]
fn flow_is_conserved_from_layer_to_layer() {
    let chain = |convs: usize| {
        let mut body = String::new();
        let mut x = "x".to_owned();
        for i in 0..convs {
            body += &format!("%c{i} = conv2d %{x} {{out=3, k=3, pad=1}}\n %b{i} = batch_norm %c{i}\n");
            body += &format!("%r{i} = relu %b{i}\n");
            x = format!("r{i}");
        }
        graph("f32[N, 3, 6, 6]", &format!("{body} %f = flatten %{x}\n %y = linear %f {{out=5}}\n return %y"))
    };
    let program = chain(3);
    let flow = scores(&program, &[Proxy::Synflow])[0];
    let plan = Lowering::of(&program, Mode::Train).expect("lowers").finish();
    let weights = initialise_by(&plan, Proxy::Synflow.scheme(), SEED);
    // The sum of the logits by plain loops: absolute kernels on an image of ones.
    let mut image = vec![1.0; 3 * 36];
    for i in 0..3 {
        image = convolved(&image, &weights[format!("c{i}.weight").as_str()].to_f64());
    }
    let w = rows(&weights["y.weight"].to_f64(), image.len());
    let total: f64 = w.iter().map(|w| w.iter().zip(&image).map(|(w, x)| w.abs() * x).sum::<f64>()).sum();
    near(flow, 4.0 * total, 1e-10);
}

/// 3x3, margin 1, of three channels of 6x6, by absolute kernels.
fn convolved(x: &[f64], w: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; 3 * 36];
    for (o, i, kh, kw) in (0..81_usize).map(|n| (n / 27, n / 9 % 3, n / 3 % 3, n % 3)) {
        for (h, v) in (0..36_usize).map(|p| (p / 6, p % 6)) {
            let (row, column) = ((h + kh).wrapping_sub(1), (v + kw).wrapping_sub(1));
            if row < 6 && column < 6 {
                y[o * 36 + h * 6 + v] += w[o * 27 + i * 9 + kh * 3 + kw].abs() * x[i * 36 + row * 6 + column];
            }
        }
    }
    y
}

#[test]
fn states_of_rectifiers() {
    let once = graph("f32[N, 2, 3, 3]", "%r = relu %x\n %f = flatten %r\n %y = linear %f {out=4}\n return %y");
    let twice = "%r = relu %x\n %s = relu %x\n %t = add %r, %s\n %f = flatten %t\n %y = linear %f {out=4}\n return %y";
    let twice = graph("f32[N, 2, 3, 3]", twice);
    let x = images(&batch(&once));
    let same = |i: usize, j: usize| x[i].iter().zip(&x[j]).filter(|(a, b)| (**a > 0.0) == (**b > 0.0)).count() as f64;
    let kernel: Matrix = (0..N).map(|i| (0..N).map(|j| same(i, j)).collect()).collect();
    let expected = log_determinant(kernel);
    near(scores(&once, &[Proxy::Naswot])[0], expected, 1e-9);
    // Each rectifier counts as often as it is applied: K doubles.
    near(scores(&twice, &[Proxy::Naswot])[0], expected + N as f64 * 2.0_f64.ln(), 1e-9);
}

/// By Gauss's elimination with pivots.
fn log_determinant(mut m: Matrix) -> f64 {
    let mut log = 0.0;
    for k in 0..m.len() {
        let pivot = (k..m.len()).max_by(|a, b| m[*a][k].abs().total_cmp(&m[*b][k].abs())).expect("a row");
        m.swap(k, pivot);
        log += m[k][k].abs().ln();
        let top = m[k].clone();
        for row in &mut m[k + 1..] {
            let factor = row[k] / top[k];
            row.iter_mut().zip(&top).for_each(|(v, t)| *v -= factor * t);
        }
    }
    log
}

#[test]
fn zen_of_a_network_that_only_pools_is_that_of_its_input() {
    let tail = "%f = flatten %p\n %y = linear %f {out=4}\n return %y";
    let bare = graph("f32[N, 3, 16, 16]", &format!("%p = global_avg_pool %x\n {tail}"));
    // The mean of |e| is sqrt(2 / pi).
    let expected = (0.01 * 768.0 * (2.0 / std::f64::consts::PI).sqrt()).ln();
    near(scores(&bare, &[Proxy::Zen])[0], expected, 0.01);
    // Normalised, the features change as before. After two passes the running variance is 0.81 of its start at 1 and 0.19
    // of the batch's, which is the mean number of pixels under a kernel: standard normal products.
    let conv = "%v = conv2d %x {out=64, k=3, pad=1, bias=false}\n %b = batch_norm %v\n %p = global_avg_pool %b\n";
    let normalised = graph("f32[N, 3, 16, 16]", &format!("{conv} {tail}"));
    let inside: f64 = 3.0 * (14.0 * 14.0 * 9.0 + 4.0 * 14.0 * 6.0 + 4.0 * 4.0) / 256.0;
    let features = (0.01 * 64.0 * 256.0 * (2.0 / std::f64::consts::PI).sqrt()).ln();
    let expected = features + 0.5 * (0.81 + 0.19 * inside).ln();
    near(scores(&normalised, &[Proxy::Zen])[0], expected, 0.02);
}
