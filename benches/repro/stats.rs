//! Means, intervals, and logs that a person can read.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value;

/// Resamples of a bootstrap.
const RESAMPLES: usize = 1000;

/// Mean and sample standard deviation.
pub fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}

/// The middle value; the mean of the two middle ones.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = q * (sorted.len() as f64 - 1.0);
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (at - at.floor()) * (sorted[high] - sorted[low])
}

/// The 95 % percentile interval of a statistic of `n` items, resampled by their indices (Efron 1979). `None` where it is
/// undefined on a resample.
pub fn bootstrap(n: usize, statistic: impl Fn(&[usize]) -> Option<f64>) -> Option<(f64, f64)> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut draw = || -> Vec<usize> { (0..n).map(|_| (rng.next_u64() % n as u64) as usize).collect() };
    let found: Vec<f64> = (0..RESAMPLES).map(|_| statistic(&draw())).collect::<Option<_>>()?;
    Some((quantile(&found, 0.025), quantile(&found, 0.975)))
}

/// Numbers of a log.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

/// Rounded for a log.
pub fn rounded(values: &[f64], digits: i32) -> Vec<f64> {
    let scale = 10f64.powi(digits);
    values.iter().map(|v| (v * scale).round() / scale).collect()
}

/// JSON with a line per record and per point of one: small in a repository, and diffs stay readable.
pub fn compact(log: &Value) -> String {
    let mut out = String::new();
    write(log, 0, &mut out);
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let nested =
        |v: &Value| matches!(v, Value::Object(_)) || v.as_array().is_some_and(|a| a.iter().any(Value::is_object));
    let indent = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Object(map) if map.values().any(nested) => {
            out.push('{');
            for (i, (key, v)) in map.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                indent(out, depth + 1);
                out.push_str(&format!("{}: ", Value::from(key.as_str())));
                write(v, depth + 1, out);
            }
            indent(out, depth);
            out.push('}');
        }
        Value::Array(items) if items.iter().any(nested) => {
            out.push('[');
            for (i, v) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                indent(out, depth + 1);
                write(v, depth + 1, out);
            }
            indent(out, depth);
            out.push(']');
        }
        flat => out.push_str(&flat.to_string()),
    }
}
