//! Numbers of several values at once: weights times the share of the values that keep them.
//!
//! A weight `W` runs as `W * sum_v p_v m_v`, where `m_v` is one on the slice that value `v` leaves, and zero elsewhere: a
//! width `{1: .5, 2: .3, 3: .2}` multiplies the channels by 1, .5 and .2. Numbers that shape a weight independently
//! multiply; those that shape it together (the inputs of an expanded layer, `width * ratio`) are summed over their joint
//! values. Stamoulis et al. 2019, "Single-Path NAS"; Wan et al. 2020, "FBNetV2".
//!
//! * With one value sure, what is computed is that value's network: [`check`] refuses whatever could not be.
//! * The gradient with respect to `p_v` is `<dL/dW', W * m_v>`, `W'` being what ran.

use super::Route;
use super::fits::{check, misfit};
use super::subnet::Subnets;
use crate::one_shot::OneShotError;
use crate::one_shot::choice::{Choice, Kind};
use codegen::torch::{Params, Slice};
use ir::cost::{Envelope, WeightShapes};
use smallvec::SmallVec;
use tch::{Kind as Element, Tensor};

/// What runs mixtures.
#[derive(Debug)]
pub(super) struct Mixed {
    /// The weights as they run, and their gradients, in the places of the shared ones.
    twin: Params,
    /// The same by the greatest network's numbers.
    pub params: Params,
    /// What each shared number is multiplied by.
    share: Tensor,
    blends: Vec<Blend>,
}

/// A weight that numbers shape.
#[derive(Debug)]
struct Blend {
    weight: usize,
    clusters: Vec<Cluster>,
}

/// Numbers that shape a weight together, and the slice that each of their joint values leaves.
#[derive(Debug)]
struct Cluster {
    choices: Vec<usize>,
    slices: Vec<(SmallVec<[usize; 4]>, Slice)>,
}

impl Mixed {
    pub fn new(
        strategy: &str,
        choices: &[Choice],
        envelope: &Envelope,
        subnets: &mut Subnets,
        whole: &Params,
    ) -> Result<Self, OneShotError> {
        check(strategy, choices, envelope, subnets)?;
        let of_decision: Vec<Option<usize>> = envelope
            .decisions
            .iter()
            .map(|d| choices.iter().position(|c| c.kind == Kind::Number && c.label == *d))
            .collect();
        let mut blends = Vec::new();
        for (weight, shapes) in envelope.weights.iter().enumerate().filter(|(_, w)| !w.scope.is_empty()) {
            if whole.grad_of(weight).is_none() {
                continue;
            }
            let scope: Option<Vec<usize>> = shapes.scope.iter().map(|d| of_decision[*d]).collect();
            let clusters = scope.and_then(|scope| clusters(&scope, choices, shapes));
            let clusters = clusters.ok_or_else(|| {
                let labels = shapes.scope.iter().map(|d| envelope.decisions[*d].as_str()).collect::<Vec<_>>();
                misfit(strategy, &labels, &format!("gives `{}` no shape by some of its values", shapes.path))
            })?;
            blends.push(Blend { weight, clusters });
        }
        let twin = whole.twin()?;
        let greatest = subnets.greatest();
        let params = twin.sliced(subnets.at(&greatest, None, whole)?.predict.plan())?;
        Ok(Self { params, share: twin.flat.f_ones_like()?, twin, blends })
    }

    /// Makes the weights that a route runs with.
    pub fn blend(&mut self, route: &Route, choices: &[Choice], whole: &Params) -> Result<(), OneShotError> {
        let _guard = tch::no_grad_guard();
        let shares = Shares::of(route, choices)?;
        for blend in &self.blends {
            let mut total: Option<Tensor> = None;
            for cluster in &blend.clusters {
                let part = cluster.share(&shares, whole.get(blend.weight))?;
                total = Some(match total {
                    None => part,
                    Some(t) => t.f_mul(&part)?,
                });
            }
            let Some(total) = total else { continue };
            let place = whole.places(|w| w == blend.weight).swap_remove(0);
            place.view(&self.share)?.f_copy_(&total.f_view([-1])?)?;
        }
        self.twin.flat.f_copy_(&whole.flat.f_mul(&self.share)?)?;
        Ok(())
    }

    /// Hands the gradients of the weights that ran back to the shared ones.
    pub fn hand_back(&self, whole: &mut Params) -> Result<(), OneShotError> {
        let _guard = tch::no_grad_guard();
        whole.grad.f_copy_(&self.twin.grad.f_mul(&self.share)?)?;
        Ok(())
    }

    /// The gradients of the numbers' factors, by decision; none for one that shapes no weight that was used.
    pub fn gradients(
        &self,
        route: &Route,
        choices: &[Choice],
        whole: &Params,
        used: &[bool],
    ) -> Result<Vec<Option<Vec<f64>>>, OneShotError> {
        let _guard = tch::no_grad_guard();
        let shares = Shares::of(route, choices)?;
        let mut sums: Vec<Tensor> = Vec::new();
        let mut terms: Vec<(usize, usize, f64)> = Vec::new();
        for blend in self.blends.iter().filter(|b| used[b.weight]) {
            let grad = self.twin.grad_of(blend.weight).expect("invariant: only learned weights blend");
            let moved = grad.f_mul(whole.get(blend.weight))?;
            for (c, cluster) in blend.clusters.iter().enumerate() {
                let mut part = moved.shallow_clone();
                for (_, other) in blend.clusters.iter().enumerate().filter(|(o, _)| *o != c) {
                    part = part.f_mul(&other.share(&shares, whole.get(blend.weight))?)?;
                }
                for (arms, slice) in &cluster.slices {
                    for (at, choice) in cluster.choices.iter().enumerate() {
                        let others = cluster.choices.iter().zip(arms).enumerate().filter(|(o, _)| *o != at);
                        let factor: f64 = others.map(|(_, (c, a))| shares.0[*c][*a]).product();
                        terms.push((*choice, arms[at], factor));
                        sums.push(slice.view(&part)?.f_sum(Element::Double)?);
                    }
                }
            }
        }
        let mut grads = vec![None; choices.len()];
        if sums.is_empty() {
            return Ok(grads);
        }
        let sums = Vec::<f64>::try_from(Tensor::f_stack(&sums, 0)?.f_to_device(tch::Device::Cpu)?)?;
        for ((choice, arm, factor), sum) in terms.into_iter().zip(sums) {
            let grad: &mut Vec<f64> = grads[choice].get_or_insert_with(|| vec![0.0; choices[choice].arms.len()]);
            grad[arm] += factor * sum;
        }
        Ok(grads)
    }
}

/// The share of each arm, by decision.
struct Shares(Vec<Vec<f64>>);

impl Shares {
    /// Of a number with one value that is all of it.
    fn of(route: &Route, choices: &[Choice]) -> Result<Self, OneShotError> {
        let one = |choice: usize| -> Result<Vec<f64>, OneShotError> {
            let Some(factors) = route.factors(choice) else {
                let sure = route.number(choice);
                return Ok((0..choices[choice].arms.len()).map(|a| f64::from(u8::from(sure == Some(a)))).collect());
            };
            Ok(Vec::<f64>::try_from(factors.f_to_kind(Element::Double)?.f_to_device(tch::Device::Cpu)?)?)
        };
        Ok(Self((0..choices.len()).map(one).collect::<Result<_, _>>()?))
    }
}

impl Cluster {
    /// What its numbers multiply a weight by.
    fn share(&self, shares: &Shares, like: &Tensor) -> Result<Tensor, OneShotError> {
        let total = like.f_zeros_like()?;
        for (arms, slice) in &self.slices {
            let share: f64 = self.choices.iter().zip(arms).map(|(c, a)| shares.0[*c][*a]).product();
            if share != 0.0 {
                let _ = slice.view(&total)?.f_add_scalar_(share)?;
            }
        }
        Ok(total)
    }
}

/// The numbers that shape a weight, as far apart as their slices let them; `None` if some joint value gives no shape.
fn clusters(scope: &[usize], choices: &[Choice], shapes: &WeightShapes) -> Option<Vec<Cluster>> {
    let sizes: Vec<usize> = scope.iter().map(|c| choices[*c].arms.len()).collect();
    let all: Vec<&[u32]> = shapes.shapes.iter().map(Option::as_deref).collect::<Option<_>>()?;
    let great = &shapes.spec.shape;
    let joint = |mut at: usize| -> Vec<usize> {
        let mut arms = vec![0; sizes.len()];
        for (arm, size) in arms.iter_mut().zip(&sizes).rev() {
            (*arm, at) = (at % size, at / size);
        }
        arms
    };
    let place = |arms: &[usize]| arms.iter().zip(&sizes).fold(0, |at, (a, n)| at * n + a);
    // Where everything else is as it gives the greatest weight.
    let top: Vec<usize> = joint(all.iter().position(|s| *s == &great[..])?);
    let depends = |axis: usize, at: usize| {
        (0..all.len()).any(|i| {
            let mut arms = joint(i);
            arms[at] = top[at];
            all[i][axis] != all[place(&arms)][axis]
        })
    };
    let axes: Vec<Vec<usize>> =
        (0..great.len()).map(|axis| (0..scope.len()).filter(|at| depends(axis, *at)).collect()).collect();
    // Numbers on one axis belong together, and so do those that share one.
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for axis in axes.iter().filter(|a| !a.is_empty()) {
        let (near, mut far): (Vec<_>, Vec<_>) = groups.into_iter().partition(|g| g.iter().any(|n| axis.contains(n)));
        let mut group: Vec<usize> = near.into_iter().flatten().chain(axis.iter().copied()).collect();
        group.sort_unstable();
        group.dedup();
        far.push(group);
        groups = far;
    }
    let cluster = |group: &Vec<usize>| {
        let n: usize = group.iter().map(|at| sizes[*at]).product();
        let one = |mut i: usize| {
            let mut arms = top.clone();
            for at in group.iter().rev() {
                (arms[*at], i) = (i % sizes[*at], i / sizes[*at]);
            }
            let slice = Slice::of(all[place(&arms)], great)?;
            Some((group.iter().map(|at| arms[*at]).collect(), slice))
        };
        let choices = group.iter().map(|at| scope[*at]).collect();
        Some(Cluster { choices, slices: (0..n).map(one).collect::<Option<_>>()? })
    };
    groups.iter().map(cluster).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_shot::numbers;
    use mutators::Space;

    /// The factors of a weight of a module, by path.
    fn share(decisions: &str, node: &str, shares: &[&[f64]], weight: &str) -> (Vec<i64>, Vec<f64>, usize) {
        let text = format!(
            "module @m {{ entry @main {decisions} graph @main(%x: f32[N, 2, 6, 6]) {{ %y = {node} return %y }} }}"
        );
        let space = Space::new(text.parse().expect("parses")).expect("verifies");
        let choices = numbers::numbers("test", &space).expect("numbers");
        let envelope = Envelope::of(space.base()).expect("an envelope");
        let shapes = envelope.weights.iter().find(|w| w.path == weight).expect("it is there");
        let scope: Vec<usize> = shapes
            .scope
            .iter()
            .map(|d| choices.iter().position(|c| c.label == envelope.decisions[*d]).expect("a number"))
            .collect();
        let clusters = clusters(&scope, &choices, shapes).expect("every value has a shape");
        let shares = Shares(shares.iter().map(|s| s.to_vec()).collect());
        let shape: Vec<i64> = shapes.spec.shape.iter().map(|d| i64::from(*d)).collect();
        let like = Tensor::zeros(&shape[..], (Element::Double, tch::Device::Cpu));
        let product = clusters.iter().fold(like.ones_like(), |all, c| all * c.share(&shares, &like).expect("a tensor"));
        (shape, Vec::try_from(product.flatten(0, -1)).expect("numbers"), clusters.len())
    }

    fn near(found: &[f64], truth: &[f64]) {
        assert_eq!(found.len(), truth.len());
        found.iter().zip(truth).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{found:?} {truth:?}"));
    }

    #[test]
    fn a_weighted_width_multiplies_the_prefix() {
        let (shape, found, _) =
            share("decision ?w in [1, 2, 3]", "conv2d %x {out=?w, k=1}", &[&[0.5, 0.3, 0.2]], "y.bias");
        assert_eq!(shape, [3]);
        near(&found, &[1.0, 0.5, 0.2]);
    }

    #[test]
    fn weighted_kernels_have_nested_centres() {
        let node = "conv2d %x {out=1, k=[1, ?k], groups=1, bias=false}";
        let (shape, found, _) = share("decision ?k in [2, 3, 5]", node, &[&[0.5, 0.3, 0.2]], "y.weight");
        assert_eq!(shape, [1, 2, 1, 5]);
        // 5 to 3 is [1:4], 5 to 2 is [1:3].
        near(&found[..5], &[0.2, 1.0, 1.0, 0.5, 0.2]);
        near(&found[5..], &found[..5]);
    }

    #[test]
    fn numbers_of_different_axes_multiply_and_those_of_one_are_summed_together() {
        let decisions = "decision ?w in [1, 2] decision ?k in [1, 3] decision ?e in [1, 2]";
        let node = "conv2d %x {out=?w * ?e, k=[1, ?k], bias=false}";
        let shares: [&[f64]; 3] = [&[0.25, 0.75], &[0.5, 0.5], &[0.1, 0.9]];
        let (shape, found, clusters) = share(decisions, node, &shares, "y.weight");
        assert_eq!((shape, clusters), (vec![4, 2, 1, 3], 2));
        // The width is 1, 2, 2 or 4 by .025, .225, .075 and .675.
        let along: Vec<f64> = found.iter().skip(1).step_by(6).copied().collect();
        near(&along, &[1.0, 0.975, 0.675, 0.675]);
        near(&found[18..21], &[0.3375, 0.675, 0.3375]);
    }
}
