//! Open choices at run time: joining the arms, and handing gradients back to them.

use super::prim::Results;
use super::{Frame, Pick};
use crate::plan::{SiteKind, Step};
use ir::Reduce;
use smallvec::{SmallVec, smallvec};
use tch::{TchError, Tensor};

impl Frame<'_> {
    pub fn pick(&self, site: u32) -> &Pick {
        self.run.selection.map_or(&Pick::ALL, |s| &s.sites[site as usize])
    }

    fn reduce(&self, site: u32) -> Reduce {
        match self.exec.plan.sites[site as usize].kind {
            SiteKind::Select(reduce) => reduce,
            SiteKind::Choice | SiteKind::Repeat => Reduce::Sum,
        }
    }

    /// The factor of an arm: its weight, if the run gives weights, and a mean's share. `None` for one.
    fn factor(&self, site: u32, arm: u32) -> Result<Option<Tensor>, TchError> {
        let pick = self.pick(site);
        let arms = self.exec.plan.sites[site as usize].arms.len();
        let mean = self.reduce(site) == Reduce::Mean;
        let share = if mean && pick.weights.is_none() { 1.0 / pick.count(arms) as f64 } else { 1.0 };
        match &pick.weights {
            Some(w) => Ok(Some(w.f_get(i64::from(arm))?)),
            None if share == 1.0 => Ok(None),
            None => Ok(Some(Tensor::f_full([0_i64; 0], share, (self.exec.kind, self.exec.device.into()))?)),
        }
    }

    pub fn mix(&self, site: u32, step: &Step) -> Result<Results, TchError> {
        let pick = self.pick(site);
        let mut total: Option<Tensor> = None;
        let mut parts: SmallVec<[&Tensor; 4]> = SmallVec::new();
        let joined = self.exec.plan.sites[site as usize].joined.iter().zip(&step.operands);
        for (arm, v) in joined.filter(|(arm, _)| pick.takes(**arm)) {
            let x = self.get(*v);
            if self.reduce(site) == Reduce::Concat {
                parts.push(x);
                continue;
            }
            let x = match self.factor(site, *arm)? {
                Some(w) => x.f_mul(&w)?,
                None => x.shallow_clone(),
            };
            total = Some(match total {
                Some(t) => t.f_add(&x)?,
                None => x,
            });
        }
        if !parts.is_empty() {
            total = Some(Tensor::f_cat(&parts, 1)?);
        }
        let total = match total {
            Some(total) => total,
            None => self.filled(self.exec.plan.type_of(step.first), 0.0)?,
        };
        Ok(smallvec![Some(total)])
    }

    /// The gradient of an arm that the run takes.
    pub fn arm(&self, site: u32, arm: u32, g: &Tensor) -> Result<Option<Tensor>, TchError> {
        let pick = self.pick(site);
        if !pick.takes(arm) {
            return Ok(None);
        }
        if self.reduce(site) == Reduce::Concat {
            let place = (0..arm).filter(|a| pick.takes(*a)).count() as i64;
            let arms = self.exec.plan.sites[site as usize].arms.len();
            let len = g.size()[1] / pick.count(arms) as i64;
            return Ok(Some(g.f_narrow(1, place * len, len)?));
        }
        match self.factor(site, arm)? {
            Some(w) => Ok(Some(g.f_mul(&w)?)),
            None => Ok(Some(g.shallow_clone())),
        }
    }

    /// The gradient of an arm's weight, if the run gives weights and takes the arm.
    pub fn arm_weight(&self, site: u32, arm: u32, g: &Tensor, x: &Tensor) -> Result<Option<Tensor>, TchError> {
        let pick = self.pick(site);
        if pick.weights.is_none() || !pick.takes(arm) {
            return Ok(None);
        }
        Ok(Some(g.f_mul(x)?.f_sum(None)?))
    }

    /// The gradients of all the arms' weights, zero where an arm was not taken or is zeros itself.
    pub fn site_weights(&self, site: u32, step: &Step) -> Result<Tensor, TchError> {
        let site = &self.exec.plan.sites[site as usize];
        let zero = Tensor::f_zeros([0_i64; 0], (self.exec.kind, self.exec.device.into()))?;
        let mut row: Vec<&Tensor> = vec![&zero; site.arms.len()];
        for (arm, v) in site.joined.iter().zip(&step.operands) {
            if let Some(grad) = &self.values[v.index()] {
                row[*arm as usize] = grad;
            }
        }
        Tensor::f_stack(&row, 0)
    }
}
