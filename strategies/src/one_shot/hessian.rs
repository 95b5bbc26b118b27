//! The greatest eigenvalue of a Hessian, by power iteration on products with it.
//!
//! Zela et al. 2020, "Understanding and Robustifying Differentiable Architecture Search" watch that of the validation loss
//! in the architecture parameters: where it is high, what is read off is far from what was trained.

use codegen::init::{normal, stream};

/// The length of the step of a product's central difference.
const STEP: f64 = 0.01;
/// Products at most, for each of the two ends of the spectrum.
const MOST: usize = 30;
/// The relative change at which an eigenvalue stands.
const CLOSE: f64 = 1e-3;

/// A gradient at some place.
type Gradient<'a, E> = &'a mut dyn FnMut(&[f64]) -> Result<Vec<f64>, E>;

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// `H v` at a place: a central difference of the gradient along `v`, whose length is 1.
fn product<E>(gradient: Gradient<'_, E>, at: &[f64], v: &[f64]) -> Result<Vec<f64>, E> {
    let mut moved = |by: f64| gradient(&at.iter().zip(v).map(|(x, v)| x + by * v).collect::<Vec<_>>());
    let (plus, minus) = (moved(STEP)?, moved(-STEP)?);
    Ok(plus.iter().zip(&minus).map(|(p, m)| (p - m) / (2.0 * STEP)).collect())
}

/// What an iteration ends with.
struct Dominant {
    /// The Rayleigh quotient of the last vector: the eigenvalue, if one alone is of the greatest magnitude.
    quotient: f64,
    /// The length of its product: the greatest magnitude.
    length: f64,
}

/// Of `H + shift`.
fn dominant<E>(gradient: Gradient<'_, E>, at: &[f64], shift: f64, start: &[f64]) -> Result<Dominant, E> {
    let mut v: Vec<f64> = start.iter().map(|x| x / norm(start)).collect();
    let mut last = Dominant { quotient: 0.0, length: 0.0 };
    for _ in 0..MOST {
        let mut next = product(gradient, at, &v)?;
        next.iter_mut().zip(&v).for_each(|(n, v)| *n += shift * v);
        let found = Dominant { quotient: next.iter().zip(&v).map(|(n, v)| n * v).sum(), length: norm(&next) };
        if found.length == 0.0 {
            return Ok(found);
        }
        v = next.iter().map(|x| x / found.length).collect();
        let still = (found.length - last.length).abs() <= CLOSE * found.length;
        last = found;
        if still {
            break;
        }
    }
    Ok(last)
}

/// The greatest eigenvalue of the Hessian at a place, from the gradient around it. Power iteration finds the greatest
/// magnitude; unless it is that of a positive eigenvalue, the spectrum is shifted by it and iterated once more.
pub(super) fn greatest_eigenvalue<E>(gradient: Gradient<'_, E>, at: &[f64], seed: u64) -> Result<f64, E> {
    let mut rng = stream(seed, &[b"hessian"]);
    let start: Vec<f64> = at.iter().map(|_| f64::from(normal(&mut rng).0)).collect();
    let Dominant { quotient, length } = dominant(gradient, at, 0.0, &start)?;
    if quotient >= 0.99 * length {
        return Ok(quotient);
    }
    Ok(dominant(gradient, at, length, &start)?.quotient - length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// `f = 1/2 x'Ax + sum(x^4) / 12` has the Hessian `A + diag(x^2)`.
    fn gradient(a: &[[f64; 3]; 3]) -> impl FnMut(&[f64]) -> Result<Vec<f64>, Infallible> {
        let a = *a;
        move |x| Ok((0..3).map(|i| (0..3).map(|j| a[i][j] * x[j]).sum::<f64>() + x[i].powi(3) / 3.0).collect())
    }

    fn eigenvalue(a: &[[f64; 3]; 3], at: &[f64; 3]) -> f64 {
        let Ok(found) = greatest_eigenvalue(&mut gradient(a), at, 5);
        found
    }

    #[test]
    fn of_known_hessians() {
        // Its eigenvalues are 4, 2 and -1.
        let a = [[3.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, -1.0]];
        assert!((eigenvalue(&a, &[0.0; 3]) - 4.0).abs() < 0.02);
        // 1 is added to the first two at (1, 1, 0).
        assert!((eigenvalue(&a, &[1.0, 1.0, 0.0]) - 5.0).abs() < 0.02);
        // The greatest magnitude is that of a negative one: of -4, -2, 1 it is 1 that counts.
        let b = a.map(|row| row.map(|x| -x));
        assert!((eigenvalue(&b, &[0.0; 3]) - 1.0).abs() < 0.02);
        // Two of the greatest magnitude, 2 and -2.
        let c = [[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        assert!((eigenvalue(&c, &[0.0; 3]) - 2.0).abs() < 0.02);
        assert!(eigenvalue(&[[0.0; 3]; 3], &[0.0; 3]).abs() < 1e-3);
    }

    /// The difference is divided by both steps, and not multiplied by one: see the same of [`bilevel`](super::super::bilevel).
    #[test]
    fn a_product_is_exact() {
        let a = [[3.0, 1.0, 0.5], [1.0, 2.0, -0.3], [0.5, -0.3, -1.0]];
        let v = [0.6, 0.0, 0.8];
        let at = [0.3, -0.4, 0.2];
        let Ok(found) = product(&mut gradient(&a), &at, &v);
        let moved = |by: f64| {
            let Ok(g) = gradient(&a)(&[at[0] + by * v[0], at[1], at[2] + by * v[2]]);
            g
        };
        let (plus, minus) = (moved(STEP), moved(-STEP));
        for i in 0..3 {
            let exact = (0..3).map(|j| a[i][j] * v[j]).sum::<f64>() + at[i] * at[i] * v[i];
            assert!((found[i] - exact).abs() < 1e-4, "{i}: {} {exact}", found[i]);
            let slip = (plus[i] - minus[i]) / 2.0 * STEP;
            assert!((slip - exact).abs() > 0.1, "{i}: {slip} {exact}");
        }
    }
}
