//! The bridge on what no plan gives it: tensors of another device, images without channels, sizes beyond any memory,
//! failures halfway.

use super::*;
use crate::torch::{Device, Runtime};
use std::ffi::c_int;
use tch::Kind;

unsafe extern "C" {
    fn lanista_test_meta(like: *const C_tensor, out: *mut *mut C_tensor) -> *const c_char;
    fn lanista_test_allocate(bytes: u64) -> *const c_char;
    fn lanista_test_fail(letters: u64) -> *const c_char;
    fn lanista_test_threads(items: i64) -> c_int;
}

const PLAIN: Folded<'static> = Folded { norm: None, relu: true };

fn start() {
    Runtime::init(Device::Cpu, Some(1)).expect("the processor is there");
}

fn ones(sizes: &[i64]) -> Tensor {
    Tensor::ones(sizes, (Kind::Float, tch::Device::Cpu))
}

fn image(channels: i64) -> Tensor {
    channels_last(&ones(&[2, channels, 4, 4])).expect("a copy")
}

/// A tensor like another that no kernel may read.
fn meta(like: &Tensor) -> Tensor {
    // SAFETY: a live tensor, room for one result.
    one(|out| unsafe { lanista_test_meta(raw(like), out) }).expect("takes no memory")
}

fn refused<T>(result: Result<T, TchError>, part: &str) {
    let text = result.err().expect("it is refused").to_string();
    assert!(text.contains(part), "{part}: {text}");
}

/// Each kernel compares each operand with its image: what is not in the host's memory has no numbers to read.
#[test]
fn operands_of_another_device_are_refused() {
    start();
    let (x, c, factors) = (image(3), ones(&[3]), ones(&[3, 3]));
    let (depth, point) = (ones(&[3, 1, 1, 1]), ones(&[3, 3, 1, 1]));
    let (no_c, no_x) = (meta(&c), meta(&x));
    let window = [1, 1, 1, 1, 0, 0, 1, 1];
    let away = |name: &str| format!("{name}: expected Float on cpu, found Float on meta");
    let folded = Folded { norm: Some((&c, &no_c)), relu: true };
    refused(depthwise(&no_x, &depth, &window, PLAIN), "input: expected a tensor on the CPU, found meta");
    refused(depthwise(&x, &meta(&depth), &window, PLAIN), &away("weight"));
    refused(depthwise(&x, &depth, &window, folded), &away("shift"));
    refused(depthwise_backward(&x, &x, &meta(&depth), &window, PLAIN, [true; 2]), &away("weight"));
    refused(pointwise(&x, &meta(&point), &[1, 1], PLAIN), &away("weight"));
    refused(pointwise(&x, &point, &[1, 1], folded), &away("shift"));
    let through = Some((&x, &factors));
    pointwise_backward(&x, through, &x, &point, &[1, 1], PLAIN, [true; 2]).expect("fits");
    let no_factors = meta(&factors);
    let through = Some((&x, &no_factors));
    refused(pointwise_backward(&x, through, &x, &point, &[1, 1], PLAIN, [true; 2]), &away("factors"));
    refused(batch_norm_stats(&x, Some((&c, &no_c)), None, 0.1, 1e-5), &away("bias"));
    refused(batch_norm_stats(&x, None, Some((&c, &no_c)), 0.1, 1e-5), &away("running statistic"));
    refused(batch_norm_reduce(&x, &x, Some(&no_c), (&c, &c)), &away("weight"));
    refused(batch_norm_reduce(&x, &x, None, (&c, &no_c)), &away("invstd"));
    refused(batch_norm_apply(&x, &x, &no_factors), &away("factors"));
    refused(affine_sum(&[(&x, Some((&no_c, &c)))], false), &away("scale"));
    let double = c.to_kind(Kind::Double);
    refused(affine_sum(&[(&x, Some((&double, &c)))], false), "scale: expected Float on cpu, found Double on cpu");
}

#[test]
fn images_without_channels_have_results_without_channels() {
    start();
    let (x, c, factors) = (image(0), ones(&[0]), ones(&[3, 0]));
    let norm = Some((&c, &c));
    let folded = Folded { norm, relu: true };
    let window = [1, 1, 1, 1, 0, 0, 1, 1];
    assert_eq!(affine_sum(&[(&x, None), (&x, norm)], true).expect("a sum").size(), [2, 0, 4, 4]);
    assert_eq!(batch_norm_apply(&x, &x, &factors).expect("a gradient").size(), [2, 0, 4, 4]);
    let [gw, gb, factors] = batch_norm_reduce(&x, &x, Some(&c), (&c, &c)).expect("gradients");
    assert_eq!([gw.size(), gb.size(), factors.size()], [vec![0], vec![0], vec![3, 0]]);
    refused(batch_norm_stats(&x, norm, None, 0.1, 1e-5), "more than one value per channel");
    let depth = ones(&[0, 1, 1, 1]);
    assert_eq!(depthwise(&x, &depth, &window, folded).expect("a result").size(), [2, 0, 4, 4]);
    let gradients = depthwise_backward(&x, &x, &depth, &window, folded, [true; 2]).expect("gradients");
    assert_eq!(gradients.map(|g| g.expect("wanted").size()), [vec![2, 0, 4, 4], vec![0, 1, 1, 1]]);
    let point = ones(&[5, 0, 1, 1]);
    let y = pointwise(&x, &point, &[1, 1], folded).expect("a sum of nothing");
    assert_eq!((y.size(), y.abs().max().double_value(&[])), (vec![2, 5, 4, 4], 0.0));
    let gradients = pointwise_backward(&y, None, &x, &point, &[1, 1], folded, [true; 2]).expect("gradients");
    assert_eq!(gradients.map(|g| g.expect("wanted").size()), [vec![2, 0, 4, 4], vec![5, 0, 1, 1]]);
}

/// A size near the greatest number would wrap, and give a block of a page.
#[test]
fn sizes_beyond_memory_are_refused() {
    start();
    // SAFETY: a number.
    let allocate = |bytes: u64| check(unsafe { lanista_test_allocate(bytes) });
    for bytes in [u64::MAX, u64::MAX - 63, u64::MAX - 4096, 1 << 63, 1 << 61] {
        refused(allocate(bytes), "out of memory");
    }
    for bytes in [0, 1, 1 << 16, 1 << 20] {
        allocate(bytes).expect("there is memory");
    }
}

/// 64 MiB that nobody writes to cost an address. No other test takes as much.
#[test]
fn what_was_given_before_a_failure_is_dropped() {
    start();
    let held = || {
        reset_peak();
        peak_bytes()
    };
    let before = held();
    let failed = call::<2>(|out| {
        let mut t = Tensor::empty([64 << 20], (Kind::Uint8, tch::Device::Cpu));
        // SAFETY: room for two results; the bridge gives tensors away as this does.
        unsafe { *out = t.as_mut_ptr() };
        std::mem::forget(t);
        c"halfway".as_ptr()
    });
    refused(failed, "halfway");
    assert!(held() < before + (32 << 20), "{} bytes are held, {before} were", held());
}

/// An error is told whatever its length; it takes no memory, and none is freed.
#[test]
fn long_errors_are_cut() {
    // SAFETY: a number.
    let fail = |letters: u64| check(unsafe { lanista_test_fail(letters) }).expect_err("fails").to_string();
    assert!(fail(100).contains(&"x".repeat(100)));
    let long = fail(100_000);
    assert!(long.contains(&"x".repeat(8000)) && long.contains("x...") && long.len() < 9000, "{}", long.len());
    assert!(fail(0).len() < 100);
}

/// What `threads_do_not_change_a_bit` rests on: the work on an image is shared by as many threads as are set.
#[test]
fn parts_are_shared_by_threads() {
    for threads in [1, 2, 3, 5] {
        Runtime::init(Device::Cpu, Some(threads)).expect("the processor is there");
        // SAFETY: a number.
        assert_eq!(unsafe { lanista_test_threads(1024) }, threads as c_int);
    }
    start();
}
