//! The derivative of each primitive.

use super::Tape;
use crate::plan::{Grad, Kernel, PlanError, Step, Wanted};
use ir::op::Pair;
use ir::prim::{Binary, Emit, Prim, Unary, Var};
use smallvec::{SmallVec, smallvec};

impl Tape {
    /// Adds the gradients of a primitive's operands for `g`, that of its first result.
    pub(super) fn rule(&mut self, prim: &Prim, step: &Step, g: Var) -> Result<(), PlanError> {
        let x = &step.operands[..];
        let y = step.first;
        match prim {
            Prim::Unary(f) => self.unary(*f, x[0], y, g),
            Prim::Binary(f) => self.binary(*f, [x[0], x[1]], g)?,
            Prim::Affine { mul, .. } => {
                let gx = self.at.prim(Prim::scale(mul.get()), &[g])?;
                self.add(x[0], gx);
            }
            Prim::Conv2d { stride, pad, dilation, groups } => {
                let want = self.wanted(x);
                let (stride, pad, dilation, groups) = (*stride, *pad, *dilation, *groups);
                let grad = Grad::Conv2d { stride, pad, dilation, groups, want };
                self.three(grad, &[g, x[0], x[1]], x);
            }
            Prim::Linear => {
                let want = self.wanted(x);
                self.three(Grad::Linear { want }, &[g, x[0], x[1]], x);
            }
            Prim::BatchNorm { eps, batch, affine, track, .. } => {
                let (eps, batch, affine, track) = (*eps, *batch, *affine, *track);
                let weights = &x[..if affine { 3 } else { 1 }];
                let want = self.wanted(weights);
                let mut operands: SmallVec<[Var; 7]> = smallvec![g, x[0], y.output(1), y.output(2)];
                operands.extend(affine.then(|| x[1]));
                if track {
                    operands.extend_from_slice(&x[x.len() - 2..]);
                }
                self.three(Grad::BatchNorm { eps, batch, affine, track, want }, &operands, weights);
            }
            Prim::LayerNorm { trailing, .. } => {
                let grad = Grad::LayerNorm { trailing: *trailing, want: self.wanted(x) };
                self.normalised(grad, x, y, g);
            }
            Prim::GroupNorm { groups, .. } => {
                let grad = Grad::GroupNorm { groups: *groups, want: self.wanted(x) };
                self.normalised(grad, x, y, g);
            }
            Prim::Softmax { axis, log } => self.single(Grad::Softmax { axis: *axis, log: *log }, &[g, y], x[0]),
            Prim::MaxPool(window) => {
                let grad = Grad::MaxPool { window: *window, x: self.type_of(x[0]) };
                self.single(grad, &[g, y.output(1)], x[0]);
            }
            Prim::AvgPool { window, count_include_pad } => {
                let (window, count_include_pad) = (*window, *count_include_pad);
                self.single(Grad::AvgPool { window, count_include_pad, x: self.type_of(x[0]) }, &[g], x[0]);
            }
            Prim::AdaptiveAvgPool { .. } => self.single(Grad::AdaptiveAvgPool { x: self.type_of(x[0]) }, &[g], x[0]),
            Prim::Reduce { fold, axes, .. } => {
                let grad = Grad::Reduce { fold: *fold, axes: axes.clone(), x: self.type_of(x[0]) };
                self.single(grad, &[g], x[0]);
            }
            Prim::Concat { axis } => self.concat(*axis, x, g)?,
            Prim::Slice { axis, start, step, .. } => {
                let grad = Grad::Slice { axis: *axis, start: *start, step: *step, x: self.type_of(x[0]) };
                self.single(grad, &[g], x[0]);
            }
            Prim::Pad { before, .. } => self.pad(*before, x[0], g)?,
            Prim::Reshape { .. } => {
                let shape = self.type_of(x[0]).shape;
                let gx = self.at.prim(Prim::Reshape { shape }, &[g])?;
                self.add(x[0], gx);
            }
            Prim::Permute { perm } => {
                let mut back = perm.clone();
                perm.iter().enumerate().for_each(|(i, a)| back[*a as usize] = i as u32);
                let gx = self.at.prim(Prim::Permute { perm: back }, &[g])?;
                self.add(x[0], gx);
            }
            Prim::CrossEntropy { smoothing } => {
                let grad = Grad::CrossEntropy { smoothing: *smoothing };
                self.single(grad, &[g, y.output(1), x[1]], x[0]);
            }
            // A product's broadcasting has too many cases for a rule that would be worth its lines.
            Prim::Matmul | Prim::Embedding => self.autograd(prim, x, g),
            Prim::Full { .. } | Prim::Mask { .. } => {}
        }
        Ok(())
    }

    fn wanted(&self, x: &[Var]) -> Wanted {
        let at = |i: usize| x.get(i).is_some_and(|v| self.is_live(*v));
        Wanted { x: at(0), w: at(1), b: at(2) }
    }

    /// One gradient, for one operand.
    fn single(&mut self, grad: Grad, operands: &[Var], x: Var) {
        if self.is_live(x) {
            let ty = self.type_of(x);
            let gx = self.grad(grad, operands, ty);
            self.add(x, gx);
        }
    }

    /// Up to three gradients of one kernel, for input, weight and bias.
    fn three(&mut self, grad: Grad, operands: &[Var], x: &[Var]) {
        if !x.iter().any(|v| self.is_live(*v)) {
            return;
        }
        let types: SmallVec<[_; 3]> = (0..3).map(|i| self.type_of(x[i.min(x.len() - 1)])).collect();
        let first = self.at.step(Kernel::Grad(grad), operands, types);
        for (k, v) in x.iter().enumerate() {
            self.add(*v, first.output(k as u32));
        }
    }

    fn normalised(&mut self, grad: Grad, x: &[Var], y: Var, g: Var) {
        let operands: SmallVec<[Var; 6]> =
            [g, x[0], y.output(1), y.output(2)].into_iter().chain(x[1..].iter().copied()).collect();
        self.three(grad, &operands, x);
    }

    fn autograd(&mut self, prim: &Prim, x: &[Var], g: Var) {
        let mut want = [false; 3];
        x.iter().zip(&mut want).for_each(|(v, w)| *w = self.is_live(*v));
        let operands: SmallVec<[Var; 4]> = [g].into_iter().chain(x.iter().copied()).collect();
        self.three(Grad::Autograd { prim: prim.clone(), want }, &operands, x);
    }

    fn unary(&mut self, f: Unary, x: Var, y: Var, g: Var) {
        let saved = if Grad::saves_result(f) { y } else { x };
        self.single(Grad::Unary(f), &[g, saved], x);
    }

    fn binary(&mut self, f: Binary, [a, b]: [Var; 2], g: Var) -> Result<(), PlanError> {
        match f {
            Binary::Add => {
                self.add_to_shape(a, g);
                self.add_to_shape(b, g);
            }
            Binary::Sub => {
                self.add_to_shape(a, g);
                if self.is_live(b) {
                    let minus = self.at.prim(Prim::scale(-1.0), &[g])?;
                    self.add_to_shape(b, minus);
                }
            }
            Binary::Mul => {
                for (v, other) in [(a, b), (b, a)] {
                    if self.is_live(v) {
                        let gv = self.at.prim(Prim::Binary(Binary::Mul), &[g, other])?;
                        self.add_to_shape(v, gv);
                    }
                }
            }
            Binary::Div => {
                let ga = self.at.prim(Prim::Binary(Binary::Div), &[g, b])?;
                self.add_to_shape(a, ga);
                if self.is_live(b) {
                    // -(g / b) (a / b)
                    let ratio = self.at.prim(Prim::Binary(Binary::Div), &[a, b])?;
                    let product = self.at.prim(Prim::Binary(Binary::Mul), &[ga, ratio])?;
                    let gb = self.at.prim(Prim::scale(-1.0), &[product])?;
                    self.add_to_shape(b, gb);
                }
            }
        }
        Ok(())
    }

    fn concat(&mut self, axis: u32, x: &[Var], g: Var) -> Result<(), PlanError> {
        let mut start = 0;
        for v in x {
            let len = self.type_of(*v).shape[axis as usize].per_example() as u32;
            if self.is_live(*v) {
                let piece =
                    if x.len() == 1 { g } else { self.at.prim(Prim::Slice { axis, start, len, step: 1 }, &[g])? };
                self.add(*v, piece);
            }
            start += len;
        }
        Ok(())
    }

    fn pad(&mut self, before: Pair, x: Var, g: Var) -> Result<(), PlanError> {
        let ty = self.type_of(x);
        let len = |axis: usize| ty.shape[axis].per_example() as u32;
        let rows = self.at.prim(Prim::Slice { axis: 2, start: before.h, len: len(2), step: 1 }, &[g])?;
        let gx = self.at.prim(Prim::Slice { axis: 3, start: before.w, len: len(3), step: 1 }, &[rows])?;
        self.add(x, gx);
        Ok(())
    }
}
