//! The derivative of each fused kernel.

use super::Tape;
use crate::plan::{Act, Fused, Grad, Kernel, Source, Step, Wanted, normalised};
use ir::prim::{Unary, Var};
use smallvec::SmallVec;

impl Tape {
    /// Adds the gradients of a fused kernel's operands for `g`, that of its first result.
    pub(super) fn fused_rule(&mut self, fused: &Fused, step: &Step, g: Option<Var>) {
        let x = &step.operands[..];
        match fused {
            Fused::Stats { affine, .. } => {
                if let Some(g) = g {
                    self.stats(*affine, step, g);
                }
            }
            Fused::Depthwise { stride, pad, dilation, act } => {
                if let Some(g) = g {
                    let want = self.wanted_of(*act, x);
                    let (stride, pad, dilation) = (*stride, *pad, *dilation);
                    let grad = Grad::Depthwise { stride, pad, dilation, act: *act, want };
                    self.convolution(grad, &[g], *act, x);
                }
            }
            Fused::Pointwise { stride, act } => {
                let want = self.wanted_of(*act, x);
                let pointwise = |norm| Grad::Pointwise { stride: *stride, act: *act, norm, want };
                match (g, self.folded.remove(&step.first)) {
                    (None, Some([g, factors])) => {
                        self.convolution(pointwise(true), &[g, step.first, factors], *act, x);
                    }
                    (Some(g), None) => self.convolution(pointwise(false), &[g], *act, x),
                    (Some(plain), Some([g, factors])) => {
                        let ty = self.type_of(step.first);
                        let through = self.grad(Grad::Normalised, &[g, step.first, factors], ty.clone());
                        let sum = self.emit(Kernel::Sum, &[plain, through], ty);
                        self.convolution(pointwise(false), &[sum], *act, x);
                    }
                    (None, None) => {}
                }
            }
            Fused::Sum { terms, relu } => {
                let Some(g) = g else { return };
                let g = if *relu {
                    let ty = self.type_of(g);
                    self.grad(Grad::Unary(Unary::Relu), &[g, step.first], ty)
                } else {
                    g
                };
                let mut at = 0;
                for scaled in terms {
                    let term = if *scaled { normalised(x[at + 1]) } else { x[at] };
                    self.add(term, g);
                    at += if *scaled { 3 } else { 1 };
                }
            }
        }
    }

    /// What the gradient of a fused kernel's activation is added to: the batch norm's result, or the input itself.
    fn carrier(act: Act, x: &[Var]) -> Var {
        if act.scaled { normalised(x[2]) } else { x[0] }
    }

    fn wanted_of(&self, act: Act, x: &[Var]) -> Wanted {
        Wanted { x: self.is_live(Self::carrier(act, x)), w: self.is_live(x[1]), b: false }
    }

    fn convolution(&mut self, grad: Grad, g: &[Var], act: Act, x: &[Var]) {
        let (carrier, w) = (Self::carrier(act, x), x[1]);
        if !self.is_live(carrier) && !self.is_live(w) {
            return;
        }
        let operands: SmallVec<[Var; 7]> = g.iter().chain(x).copied().collect();
        let types = [self.type_of(carrier), self.type_of(w)];
        let first = self.at.step(Kernel::Grad(grad), &operands, types);
        self.add(carrier, first);
        self.add(w, first.output(1));
    }

    fn stats(&mut self, affine: bool, step: &Step, g: Var) {
        let x = &step.operands[..];
        let (z, mean, invstd) = (x[0], step.first.output(1), step.first.output(2));
        let c = self.type_of(mean);
        let factors = c.with_shape([ir::Dim::fixed(3), c.shape[0]]);
        let operands: SmallVec<[Var; 5]> = [g, z, mean, invstd].into_iter().chain(affine.then(|| x[1])).collect();
        let first = self.at.step(Kernel::Grad(Grad::Stats { affine }), &operands, [factors, c.clone(), c]);
        if affine {
            self.add(x[1], first.output(1));
            self.add(x[2], first.output(2));
        }
        if !self.is_live(z) {
            return;
        }
        // A pointwise convolution applies the factors while it reads the gradient.
        let producer = match self.at.plan().values[z.index()].source {
            Source::Step(s) => Some(&self.at.plan().steps[s as usize]),
            _ => None,
        };
        if producer.is_some_and(|p| p.first == z && matches!(p.kernel, Kernel::Fused(Fused::Pointwise { .. })))
            && !self.folded.contains_key(&z)
        {
            self.folded.insert(z, [g, first]);
        } else {
            let ty = self.type_of(z);
            let gz = self.grad(Grad::Normalised, &[g, z, first], ty);
            self.add(z, gz);
        }
    }
}
