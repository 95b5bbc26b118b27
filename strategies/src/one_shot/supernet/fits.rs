//! Whether a mixture of numbers can be one of its networks: step by step, the greatest network beside the others.
//!
//! **Invariant:** a step keeps prefixes: where its operands, cut to another network's extents, are that network's, so is
//! its result. A weight that is masked behind its slice reads nothing of what lies behind a prefix. What cannot promise
//! that is refused: another number of steps, another stride or window, a norm over channels that come and go, channels
//! put behind those that do.

use super::subnet::Subnets;
use crate::one_shot::OneShotError;
use crate::one_shot::choice::Choice;
use codegen::{Kernel, Lowering, Plan, Step};
use ir::cost::Envelope;
use ir::prim::{Mode, Prim, Var};
use ir::{Dim, Name};
use std::collections::BTreeSet;

/// Most joint values of numbers that meet in a node.
const MOST: usize = 4096;

/// Decisions that cannot be mixed, and what they do.
pub(super) fn misfit(strategy: &str, labels: &[&str], what: &str) -> OneShotError {
    OneShotError::Decision {
        strategy: strategy.to_owned(),
        label: labels.join(", ?"),
        what: format!("{what}, so that a mixture of its values is none of networks"),
        remedy: "use a strategy that takes one path at a time, such as spos, random-one-shot, enas or gdas",
    }
}

/// Compares the greatest network with that of every value of every number, and of all joint values of those that meet
/// somewhere.
///
/// # Errors
/// If some mixture would not be one of networks.
pub(super) fn check(
    strategy: &str,
    choices: &[Choice],
    envelope: &Envelope,
    subnets: &Subnets,
) -> Result<(), OneShotError> {
    let refuse = |labels: &[&str], what: &str| Err(misfit(strategy, labels, what));
    let numbers: Vec<&Name> = subnets.numbers().map(|(_, c)| &c.label).collect();
    let place = |d: &usize| numbers.iter().position(|n| **n == envelope.decisions[*d]);
    if let Some(n) = envelope.depths.iter().find_map(place) {
        return refuse(&[numbers[n]], "decides how often a block is repeated, by an expression");
    }
    let greatest = subnets.greatest();
    let mut settings: BTreeSet<Vec<usize>> = BTreeSet::new();
    let alone = (0..numbers.len()).map(|n| vec![n]);
    let together = envelope.meetings.iter().map(|m| m.iter().filter_map(place).collect::<Vec<_>>());
    let sizes: Vec<usize> = subnets.numbers().map(|(_, c)| c.arms.len()).collect();
    for meeting in alone.chain(together) {
        let n = meeting.iter().map(|n| sizes[*n]).product::<usize>();
        if n > MOST {
            let labels = meeting.iter().map(|n| numbers[*n].as_str()).collect::<Vec<_>>();
            return refuse(&labels, &format!("meets in one node with more than {MOST} joint values"));
        }
        for mut i in 0..n {
            let mut arms = greatest.clone();
            for at in meeting.iter().rev() {
                (arms[*at], i) = (i % sizes[*at], i / sizes[*at]);
            }
            settings.insert(arms);
        }
    }
    let lowered = |arms: &[usize]| -> Result<[Lowering; 2], OneShotError> {
        let program = subnets.program(arms)?;
        Ok([Lowering::of(&program, Mode::Train)?, Lowering::of(&program, Mode::Eval)?])
    };
    let great = lowered(&greatest)?;
    if let Some((labels, what)) = lost(&great[0].plan().weights, envelope, choices) {
        return refuse(&labels, &what);
    }
    for arms in settings.iter().filter(|a| **a != greatest) {
        let moved = (0..arms.len()).filter(|n| arms[*n] != greatest[*n]).map(|n| numbers[n].as_str());
        let labels: Vec<&str> = moved.collect();
        for (great, small) in great.iter().zip(&lowered(arms)?) {
            if let Err(what) = (Pair { great: great.plan(), small: small.plan() }).fits() {
                return refuse(&labels, &what);
            }
        }
    }
    Ok(())
}

/// A weight that the greatest values lack, or have in a smaller shape: what shapes it, and that.
fn lost<'a>(weights: &[codegen::Weight], envelope: &Envelope, choices: &'a [Choice]) -> Option<(Vec<&'a str>, String)> {
    let held =
        |w: &&ir::cost::WeightShapes| weights.iter().any(|own| own.path == w.path && own.spec.shape == w.spec.shape);
    let lost = envelope.weights.iter().find(|w| !held(w))?;
    let of = |d: &usize| choices.iter().find(|c| c.label == envelope.decisions[*d]).map(|c| c.label.as_str());
    let what = format!("does not give `{}` its greatest shape {:?} by its greatest value", lost.path, lost.spec.shape);
    Some((lost.scope.iter().filter_map(of).collect(), what))
}

/// Two networks of one space.
struct Pair<'a> {
    great: &'a Plan,
    small: &'a Plan,
}

/// A size in both networks.
type Two = (Dim, Dim);

impl Pair<'_> {
    fn fits(&self) -> Result<(), String> {
        let (a, b) = (self.great, self.small);
        let same =
            |a: &Step, b: &Step| a.operands == b.operands && a.first == b.first && a.outs == b.outs && a.node == b.node;
        let weights = a.weights.iter().map(|w| &w.path).eq(b.weights.iter().map(|w| &w.path));
        let wired = a.steps.len() == b.steps.len() && a.steps.iter().zip(&b.steps).all(|(a, b)| same(a, b));
        if !weights || !wired || a.values.len() != b.values.len() {
            return Err("decides which steps the network has".to_owned());
        }
        for (great, small) in a.steps.iter().zip(&b.steps) {
            self.step(great, small).map_err(|why| format!("{why} at `{}`", great.node))?;
        }
        match a.outputs.iter().find(|v| !self.changed(**v).is_empty()) {
            Some(_) => Err("changes the shape of what the network gives".to_owned()),
            None => Ok(()),
        }
    }

    /// The sizes of a value in both.
    fn sizes(&self, v: Var) -> Vec<Two> {
        let (a, b) = (&self.great.type_of(v).shape, &self.small.type_of(v).shape);
        a.iter().copied().zip(b.iter().copied()).collect()
    }

    /// The axes along which a value is smaller in one.
    fn changed(&self, v: Var) -> Vec<usize> {
        let (a, b) = (self.great.type_of(v).rank(), self.small.type_of(v).rank());
        let sizes = self.sizes(v);
        (0..a.max(b)).filter(|i| sizes.get(*i).is_none_or(|(a, b)| a != b)).collect()
    }

    fn step(&self, great: &Step, small: &Step) -> Result<(), &'static str> {
        let (x, y) = (&great.operands, great.first);
        let changed: Vec<Vec<usize>> = x.iter().map(|v| self.changed(*v)).collect();
        let refuse = |bad: bool, why: &'static str| if bad { Err(why) } else { Ok(()) };
        let (a, b) = match (&great.kernel, &small.kernel) {
            (Kernel::Prim(a), Kernel::Prim(b)) => (a, b),
            (Kernel::Mix(a), Kernel::Mix(b)) if a == b => return Ok(()),
            _ => return Err("decides what is computed"),
        };
        match (a, b) {
            (Prim::Conv2d { .. }, Prim::Conv2d { .. }) => return self.convolution(a, b, x, y),
            (Prim::Full { value: a, .. }, Prim::Full { value: b, .. }) if a == b => return Ok(()),
            (Prim::Mask { drop: a, p, .. }, Prim::Mask { drop: b, p: q, .. }) if (a, p) == (b, q) => return Ok(()),
            (Prim::Reshape { .. }, Prim::Reshape { .. }) => {
                // Of [N, C, ...] in the order of memory, fewer channels are a prefix.
                let first = |axes: &[usize]| axes.is_empty() || *axes == [1];
                let batch = |v: Var| self.sizes(v).first().is_some_and(|(a, b)| *a == Dim::BATCH && a == b);
                let fits = first(&changed[0]) && first(&self.changed(y)) && batch(x[0]) && batch(y);
                return refuse(!fits, "cuts through axes whose sizes it changes");
            }
            _ if a != b => return Err(attribute(a, b)),
            _ => {}
        }
        let channels = |axes: &[usize]| axes.is_empty() || *axes == [1];
        match a {
            Prim::Unary(_) | Prim::Affine { .. } | Prim::Linear | Prim::Permute { .. } => Ok(()),
            Prim::Binary(_) => {
                let result = self.sizes(y);
                let joins = |v: &Var| {
                    let own = self.sizes(*v);
                    let skip = result.len() - own.len();
                    let one = (Dim::from(1), Dim::from(1));
                    own.iter().zip(&result[skip..]).all(|(own, all)| own == all || *own == one)
                };
                refuse(!x.iter().all(joins), "stretches what it changes")
            }
            Prim::BatchNorm { .. } => refuse(!channels(&changed[0]), "changes what statistics are taken over"),
            Prim::LayerNorm { trailing, .. } => {
                let kept = self.sizes(x[0]).len() - *trailing as usize;
                refuse(changed[0].iter().any(|axis| *axis >= kept), "changes what is normalised together")
            }
            Prim::GroupNorm { .. } => refuse(!changed[0].is_empty(), "changes what is normalised together"),
            Prim::Softmax { axis, .. } => {
                refuse(changed[0].contains(&(*axis as usize)), "changes what is normalised together")
            }
            Prim::MaxPool(_) | Prim::AvgPool { .. } | Prim::AdaptiveAvgPool { .. } | Prim::Pad { .. } => {
                refuse(!channels(&changed[0]), "changes the size of an image")
            }
            Prim::Reduce { axes, .. } => {
                refuse(axes.iter().any(|a| changed[0].contains(&(*a as usize))), "changes what is folded together")
            }
            Prim::Concat { axis } => {
                let inner = &changed[..changed.len() - 1];
                let moves = inner.iter().any(|axes| axes.contains(&(*axis as usize)));
                refuse(moves, "moves the channels that are put behind those that it changes")
            }
            Prim::Slice { axis, .. } => refuse(self.changed(y).contains(&(*axis as usize)), "changes what is cut out"),
            Prim::Matmul | Prim::CrossEntropy { .. } => {
                refuse(changed.iter().any(|c| !c.is_empty()), "changes a product of two values")
            }
            Prim::Embedding => refuse(changed.iter().any(|c| !c.is_empty()), "changes what is looked up"),
            Prim::Conv2d { .. } | Prim::Full { .. } | Prim::Mask { .. } | Prim::Reshape { .. } => Ok(()),
        }
    }

    /// A convolution whose kernel is the centre of the greater one reads the same pixels.
    fn convolution(&self, a: &Prim, b: &Prim, x: &[Var], y: Var) -> Result<(), &'static str> {
        let (
            Prim::Conv2d { stride: s, pad: p, dilation: d, groups: g },
            Prim::Conv2d { stride: t, pad: q, dilation: e, groups: h },
        ) = (a, b)
        else {
            unreachable!("invariant: the caller has matched")
        };
        if s != t || d != e {
            return Err("changes a convolution's stride or dilation");
        }
        let channels = |axes: &[usize]| axes.is_empty() || *axes == [1];
        if !channels(&self.changed(x[0])) || !channels(&self.changed(y)) {
            return Err("changes the size of an image");
        }
        let kernel = self.sizes(x[1]);
        let size = |axis: usize| -> (u32, u32) {
            let known = |d: Dim| d.known().unwrap_or(0);
            (known(kernel[axis].0), known(kernel[axis].1))
        };
        let centred = |axis: usize, p: u32, q: u32, dilation: u32| {
            let (great, small) = size(axis);
            great >= small && p.checked_sub(q) == Some(dilation * ((great - small) / 2))
        };
        if !centred(2, p.h, q.h, d.h) || !centred(3, p.w, q.w, d.w) {
            return Err("changes a convolution's margin otherwise than its kernel, by half of what that loses");
        }
        let channels = |v: Var| -> (u32, u32) {
            let (a, b) = self.sizes(v)[1];
            (a.known().unwrap_or(0), b.known().unwrap_or(0))
        };
        let ((inputs, fewer), (outputs, less)) = (channels(x[0]), channels(y));
        let plain = g == h && (*g == 1 || (inputs == fewer && outputs == less));
        // Each input has outputs of its own, as many in both.
        let depthwise = *g == inputs && *h == fewer && outputs * fewer == less * inputs;
        if plain || depthwise { Ok(()) } else { Err("changes which channels a group of a convolution holds") }
    }
}

/// What another attribute changes.
fn attribute(a: &Prim, b: &Prim) -> &'static str {
    match (a, b) {
        (Prim::MaxPool(_), Prim::MaxPool(_)) | (Prim::AvgPool { .. }, Prim::AvgPool { .. }) => {
            "changes the window of a pooling"
        }
        (Prim::GroupNorm { .. }, Prim::GroupNorm { .. }) | (Prim::LayerNorm { .. }, Prim::LayerNorm { .. }) => {
            "changes what is normalised together"
        }
        (Prim::Slice { .. }, Prim::Slice { .. }) => "changes what is cut out",
        _ => "decides what is computed",
    }
}
