//! Which paths of a supernet a run takes.

use super::ExecError;
use crate::plan::{Kernel, Plan, SiteKind, Source};
use ir::Reduce;
use ir::prim::Var;
use tch::Tensor;

/// What a run does at one site.
#[derive(Debug)]
pub struct Pick {
    /// The arms that are taken, ascending; all of them if `None`.
    pub arms: Option<Vec<u32>>,
    /// A factor per arm, `[arms]`; one each if `None`.
    pub weights: Option<Tensor>,
}

impl Pick {
    pub(crate) const ALL: Self = Self { arms: None, weights: None };

    /// A single arm.
    #[must_use]
    pub fn path(arm: u32) -> Self {
        Self { arms: Some(vec![arm]), weights: None }
    }

    /// All arms, weighted.
    #[must_use]
    pub fn mixture(weights: Tensor) -> Self {
        Self { arms: None, weights: Some(weights) }
    }

    pub(crate) fn takes(&self, arm: u32) -> bool {
        self.arms.as_ref().is_none_or(|a| a.contains(&arm))
    }

    /// Whether no arm is taken.
    pub(crate) fn is_nothing(&self) -> bool {
        self.arms.as_ref().is_some_and(Vec::is_empty)
    }

    /// How many of so many arms are taken.
    pub(crate) fn count(&self, arms: usize) -> usize {
        self.arms.as_ref().map_or(arms, Vec::len)
    }
}

/// What a run does at each site of a plan.
#[derive(Debug)]
pub struct Selection {
    /// By the number of the site.
    pub sites: Vec<Pick>,
}

impl Selection {
    /// Which forward steps lead to an output through taken arms only.
    ///
    /// # Errors
    /// If the selection does not fit the plan's sites.
    pub fn active(&self, plan: &Plan) -> Result<Vec<bool>, ExecError> {
        if self.sites.len() != plan.sites.len() {
            let asked = format!("{} sites in all, where the graph has {}", self.sites.len(), plan.sites.len());
            let arms = plan.sites.first().map_or(0, |s| s.arms.len());
            return Err(ExecError::Selection { site: String::new(), arms, asked });
        }
        for (pick, site) in self.sites.iter().zip(&plan.sites) {
            let arms = site.arms.len();
            let outside = pick.arms.as_ref().is_some_and(|a| a.iter().any(|a| *a as usize >= arms));
            // The sum of no inputs is zero; that none is applied, or is put side by side, says nothing.
            let sums = matches!(site.kind, SiteKind::Select(reduce) if reduce != Reduce::Concat);
            let outside = outside || (pick.is_nothing() && !sums);
            let weights = pick.weights.as_ref().is_some_and(|w| w.size() != [arms as i64]);
            if outside || weights {
                let asked = format!("{pick:?}");
                return Err(ExecError::Selection { site: site.path.to_string(), arms, asked });
            }
        }
        let mut active = vec![false; plan.forward];
        let mut stack: Vec<Var> = plan.outputs.clone();
        while let Some(v) = stack.pop() {
            let Source::Step(s) = plan.values[v.index()].source else { continue };
            let s = s as usize;
            if s >= plan.forward || std::mem::replace(&mut active[s], true) {
                continue;
            }
            let step = &plan.steps[s];
            match step.kernel {
                Kernel::Mix(site) => {
                    let pick = &self.sites[site as usize];
                    let arms = plan.sites[site as usize].joined.iter().zip(&step.operands);
                    stack.extend(arms.filter(|(arm, _)| pick.takes(**arm)).map(|(_, v)| *v));
                }
                _ => stack.extend(&step.operands),
            }
        }
        Ok(active)
    }
}
