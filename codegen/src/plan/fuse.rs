//! Fusion for the CPU: batch norm and ReLU folded into the convolutions and sums that read them.
//!
//! * A batch norm in training is split in two: the statistics, which read every pixel, and `scale * z + shift`, which
//!   is left to the readers. A ReLU is left to the readers too. So neither result is stored, for the forward pass or the
//!   backward pass, where a reader can do without it.
//! * Depthwise and pointwise convolutions and sums can; whoever else reads such a value gets it written out.
//! * It comes before differentiation: the fused kernels have rules of their own.

use super::kernel::{Act, Fused, Kernel};
use super::lower::Lowering;
use super::{Plan, Source, Step, Value};
use ir::op::Pair;
use ir::prim::{Binary, Prim, Unary, Var};
use ir::{Name, TensorType};
use smallvec::{SmallVec, smallvec};

/// What a value of the plan before is now.
#[derive(Clone)]
struct Known {
    /// The stored value that it is made of.
    base: Var,
    /// Scale and shift of a batch norm that is still to be applied.
    norm: Option<[Var; 2]>,
    /// Whether a ReLU is still to be applied.
    relu: bool,
    /// The value itself, once somebody needed it.
    written: Option<Var>,
}

impl Known {
    fn stored(v: Var) -> Self {
        Self { base: v, norm: None, relu: false, written: Some(v) }
    }

    fn act(&self) -> Act {
        Act { scaled: self.norm.is_some(), relu: self.relu }
    }

    /// The operands that a fused reader takes: `base` and perhaps scale and shift.
    fn norm(&self) -> impl Iterator<Item = Var> + use<> {
        self.norm.into_iter().flatten()
    }
}

struct Fusion {
    old: Plan,
    new: Lowering,
    known: Vec<Option<Known>>,
}

impl Lowering {
    /// Folds batch norms and ReLUs into what reads them, for a run on the CPU in the channels-last layout. Values get new
    /// numbers: outputs, inputs and weights keep their places.
    ///
    /// # Panics
    /// If the plan has a backward pass already.
    #[must_use]
    pub fn fuse(self) -> Self {
        assert_eq!(self.plan.forward, 0, "invariant: fusion comes before differentiation");
        let mut new = Self::empty(ir::prim::Emit::mode(&self));
        let mut known = vec![None; self.plan.values.len()];
        let mut old = self.plan;
        for (v, Value { ty, source }) in old.values.iter().enumerate() {
            if !matches!(source, Source::Step(_)) {
                known[v] = Some(Known::stored(new.value(ty.clone(), *source)));
            }
        }
        let moved = |v: &Var| known[v.index()].as_ref().map_or(*v, |k| k.base);
        new.plan.inputs = old.inputs.iter().map(moved).collect();
        new.plan.input_grads = std::mem::take(&mut old.input_grads);
        new.plan.weights = std::mem::take(&mut old.weights);
        new.plan.weights.iter_mut().for_each(|w| w.var = moved(&w.var));
        new.plan.weight_grads = std::mem::take(&mut old.weight_grads);
        new.plan.sites = std::mem::take(&mut old.sites);
        let steps = std::mem::take(&mut old.steps);
        let mut fusion = Fusion { old, new, known };
        for step in &steps {
            fusion.step(step);
        }
        let outputs: Vec<Var> = fusion.old.outputs.clone();
        fusion.new.plan.outputs = outputs.iter().map(|v| fusion.write(*v)).collect();
        fusion.new
    }
}

impl Fusion {
    fn get(&self, v: Var) -> &Known {
        self.known[v.index()].as_ref().expect("invariant: operands come first")
    }

    fn ty(&self, v: Var) -> &TensorType {
        self.old.type_of(v)
    }

    fn step(&mut self, step: &Step) {
        self.new.node = Name::clone(&step.node);
        if let Kernel::Prim(prim) = &step.kernel
            && self.fused(prim, step).is_some()
        {
            return;
        }
        let operands: SmallVec<[Var; 5]> = step.operands.iter().map(|v| self.write(*v)).collect();
        let types: Vec<TensorType> = step.results().map(|v| self.ty(v).clone()).collect();
        let first = self.new.step(step.kernel.clone(), &operands, types);
        for (k, v) in step.results().enumerate() {
            self.known[v.index()] = Some(Known::stored(first.output(k as u32)));
        }
    }

    /// A step's fused form, if it has one.
    fn fused(&mut self, prim: &Prim, step: &Step) -> Option<()> {
        let x = &step.operands[..];
        if self.ty(*x.first()?).rank() != 4 || !self.ty(x[0]).dtype.is_float() {
            return None;
        }
        let known = match prim {
            Prim::Unary(Unary::Relu) => {
                let known = self.get(x[0]).clone();
                if known.relu {
                    return None;
                }
                Known { relu: true, written: None, ..known }
            }
            Prim::BatchNorm { eps, momentum, batch: true, affine, track } => {
                let kernel = Fused::Stats { eps: *eps, momentum: *momentum, affine: *affine, track: *track };
                let operands: SmallVec<[Var; 5]> = x.iter().map(|v| self.write(*v)).collect();
                let c = self.ty(step.first.output(1)).clone();
                let types = [self.ty(x[0]).clone(), c.clone(), c.clone(), c.clone(), c];
                let first = self.new.step(Kernel::Fused(kernel), &operands, types);
                self.known[step.first.index() + 1] = Some(Known::stored(first.output(1)));
                self.known[step.first.index() + 2] = Some(Known::stored(first.output(2)));
                let norm = Some([first.output(3), first.output(4)]);
                Known { base: operands[0], norm, relu: false, written: None }
            }
            Prim::Conv2d { stride, pad, dilation, groups } if x.len() == 2 => {
                let known = self.get(x[0]).clone();
                let act = known.act();
                let (channels, w) = (self.ty(x[0]).shape[1], self.ty(x[1]).clone());
                let kernel = if w.shape[0] == channels && channels.known() == Some(*groups) && *groups > 1 {
                    Fused::Depthwise { stride: *stride, pad: *pad, dilation: *dilation, act }
                } else if *groups == 1 && *pad == Pair::both(0) && w.shape[2..] == [1.into(), 1.into()] {
                    Fused::Pointwise { stride: *stride, act }
                } else {
                    return None;
                };
                let w = self.write(x[1]);
                let operands: SmallVec<[Var; 4]> = [known.base, w].into_iter().chain(known.norm()).collect();
                let y = self.ty(step.first).clone();
                Known::stored(self.new.step(Kernel::Fused(kernel), &operands, [y]))
            }
            Prim::Binary(Binary::Add) if self.ty(x[0]) == self.ty(x[1]) => {
                let scaled = |k: &Known| k.norm.is_some() && !k.relu;
                if !x.iter().any(|v| scaled(self.get(*v))) {
                    return None;
                }
                let mut terms: SmallVec<[bool; 4]> = smallvec![];
                let mut operands: SmallVec<[Var; 6]> = smallvec![];
                for v in x {
                    let known = self.get(*v).clone();
                    terms.push(scaled(&known));
                    if scaled(&known) {
                        operands.push(known.base);
                        operands.extend(known.norm());
                    } else {
                        operands.push(self.write(*v));
                    }
                }
                let y = self.ty(step.first).clone();
                Known::stored(self.new.step(Kernel::Fused(Fused::Sum { terms, relu: false }), &operands, [y]))
            }
            // What is cut out of an image is rectified as the image is. (The gradient of a scaled image has that image's
            // sizes, so that one is written first.)
            Prim::Slice { axis: 2 | 3, .. } => {
                let known = self.get(x[0]).clone();
                if known.written.is_some() || known.norm.is_some() {
                    return None;
                }
                let y = self.ty(step.first).clone();
                let base = self.new.step(Kernel::Prim(prim.clone()), &[known.base], [y]);
                Known { base, written: None, ..known }
            }
            _ => return None,
        };
        self.known[step.first.index()] = Some(known);
        Some(())
    }

    /// The value itself; what was left to its readers is done now.
    fn write(&mut self, v: Var) -> Var {
        let known = self.get(v).clone();
        if let Some(written) = known.written {
            return written;
        }
        let y = self.ty(v).clone();
        let written = match known.norm {
            None => self.new.step(Kernel::Prim(Prim::Unary(Unary::Relu)), &[known.base], [y]),
            Some([scale, shift]) => {
                let kernel = Fused::Sum { terms: smallvec![true], relu: known.relu };
                self.new.step(Kernel::Fused(kernel), &[known.base, scale, shift], [y])
            }
        };
        if let Some(k) = &mut self.known[v.index()] {
            k.written = Some(written);
        }
        written
    }
}
