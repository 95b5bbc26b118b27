//! Plans as text, for people and for golden files.

use super::{Act, Fused, Grad, Kernel, Plan, SiteKind, Wanted};
use std::fmt::{self, Display, Formatter};

impl Display for Wanted {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let flag = |on: bool, c: &'static str| if on { c } else { "" };
        write!(f, "{}{}{}", flag(self.x, "x"), flag(self.w, "w"), flag(self.b, "b"))
    }
}

impl Display for Grad {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unary(u) => write!(f, "{}'", format!("{u:?}").to_lowercase()),
            Self::Conv2d { want, .. } => write!(f, "conv2d' {{{want}}}"),
            Self::Linear { want } => write!(f, "linear' {{{want}}}"),
            Self::BatchNorm { want, batch, .. } => {
                write!(f, "batch_norm' {{{want}{}}}", if *batch { ", batch" } else { "" })
            }
            Self::LayerNorm { want, .. } => write!(f, "layer_norm' {{{want}}}"),
            Self::GroupNorm { want, .. } => write!(f, "group_norm' {{{want}}}"),
            Self::Softmax { log, .. } => write!(f, "{}softmax'", if *log { "log_" } else { "" }),
            Self::MaxPool { .. } => f.write_str("max_pool'"),
            Self::AvgPool { .. } => f.write_str("avg_pool'"),
            Self::AdaptiveAvgPool { .. } => f.write_str("adaptive_avg_pool'"),
            Self::Reduce { fold, .. } => write!(f, "{}'", format!("{fold:?}").to_lowercase()),
            Self::Slice { axis, start, step, .. } => write!(f, "slice' {{axis={axis}, start={start}, step={step}}}"),
            Self::SumTo { .. } => f.write_str("sum_to"),
            Self::CrossEntropy { .. } => f.write_str("cross_entropy'"),
            Self::Arm { site, arm } => write!(f, "arm' {{site={site}, arm={arm}}}"),
            Self::ArmWeight { site, arm } => write!(f, "arm_weight' {{site={site}, arm={arm}}}"),
            Self::Weights { site } => write!(f, "weights' {{site={site}}}"),
            Self::Stats { .. } => f.write_str("stats'"),
            Self::Normalised => f.write_str("normalised'"),
            Self::Depthwise { act, want, .. } => write!(f, "depthwise' {{{want}{act}}}"),
            Self::Pointwise { act, norm, want, .. } => {
                write!(f, "pointwise' {{{want}{act}{}}}", if *norm { ", norm" } else { "" })
            }
            Self::Autograd { prim, .. } => write!(f, "autograd' {{{prim}}}"),
        }
    }
}

impl Display for Act {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let flag = |on: bool, text: &'static str| if on { text } else { "" };
        write!(f, "{}{}", flag(self.scaled, ", scaled"), flag(self.relu, ", relu"))
    }
}

impl Display for Fused {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stats { eps, momentum, .. } => write!(f, "stats {{eps={eps}, momentum={momentum}}}"),
            Self::Depthwise { stride, pad, dilation, act } => {
                let each = |p: &ir::op::Pair| if p.h == p.w { p.h.to_string() } else { format!("{}x{}", p.h, p.w) };
                write!(f, "depthwise {{stride={}, pad={}, dilation={}{act}}}", each(stride), each(pad), each(dilation))
            }
            Self::Pointwise { stride, act } => write!(f, "pointwise {{stride={}{act}}}", stride.h),
            Self::Sum { terms, relu } => {
                let scaled: Vec<&str> = terms.iter().map(|s| if *s { "scaled" } else { "plain" }).collect();
                write!(f, "affine_sum {{{}{}}}", scaled.join(" + "), if *relu { ", relu" } else { "" })
            }
        }
    }
}

impl Display for Kernel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prim(p) => p.fmt(f),
            Self::Mix(site) => write!(f, "mix {{site={site}}}"),
            Self::Sum => f.write_str("sum"),
            Self::Fused(x) => x.fmt(f),
            Self::Grad(g) => g.fmt(f),
        }
    }
}

impl Display for Plan {
    /// Inputs, weights, sites, then a line per step: results, kernel, operands, type; `!` marks a step that overwrites its
    /// first operand, and what follows `free` ends there.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for v in &self.inputs {
            writeln!(f, "input {v}: {}", self.type_of(*v))?;
        }
        for w in &self.weights {
            writeln!(f, "weight {} = {}: {}", w.var, w.path, self.type_of(w.var))?;
        }
        for (i, s) in self.sites.iter().enumerate() {
            let kind = match s.kind {
                SiteKind::Choice => "choice".to_owned(),
                SiteKind::Select(reduce) => format!("select {reduce:?}").to_lowercase(),
                SiteKind::Repeat => "repeat".to_owned(),
            };
            let arms: Vec<&str> = s.arms.iter().map(|a| a.as_str()).collect();
            writeln!(f, "site {i} = {} ?{}: {kind} of {}", s.path, s.label, arms.join(", "))?;
        }
        for (i, step) in self.steps.iter().enumerate() {
            if i == self.forward {
                writeln!(f, "backward")?;
            }
            let list = |vars: &mut dyn Iterator<Item = ir::prim::Var>| {
                vars.map(|v| v.to_string()).collect::<Vec<_>>().join(", ")
            };
            let (results, operands) = (list(&mut step.results()), list(&mut step.operands.iter().copied()));
            let mark = if self.in_place.get(i) == Some(&true) { "!" } else { "" };
            write!(f, "  {results} = {}{mark} {operands}: {}", step.kernel, self.type_of(step.first))?;
            match self.frees.get(i) {
                Some(frees) if !frees.is_empty() => writeln!(f, "  free {}", list(&mut frees.iter().copied()))?,
                _ => writeln!(f)?,
            }
        }
        writeln!(f, "outputs {}", self.outputs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }
}
