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
        if pick.is_nothing() {
            let ty = self.exec.plan.type_of(step.first);
            let zeros = Tensor::f_zeros(&self.sizes(ty)[..], (self.exec.kind_of(ty.dtype), self.exec.device.into()))?;
            return Ok(smallvec![Some(zeros)]);
        }
        let mut total: Option<Tensor> = None;
        let mut parts: SmallVec<[&Tensor; 4]> = SmallVec::new();
        for (arm, v) in step.operands.iter().enumerate().filter(|(a, _)| pick.takes(*a as u32)) {
            let x = self.get(*v);
            if self.reduce(site) == Reduce::Concat {
                parts.push(x);
                continue;
            }
            let x = match self.factor(site, arm as u32)? {
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
        Ok(smallvec![total])
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

    /// The gradients of all the arms' weights, zero where an arm was not taken.
    pub fn site_weights(&self, site: u32, step: &Step) -> Result<Tensor, TchError> {
        let arms = self.exec.plan.sites[site as usize].arms.len();
        let zero = Tensor::f_zeros([0_i64; 0], (self.exec.kind, self.exec.device.into()))?;
        let row: Vec<&Tensor> = (0..arms)
            .map(|a| step.operands.get(a).and_then(|v| self.values[v.index()].as_ref()).unwrap_or(&zero))
            .collect();
        Tensor::f_stack(&row, 0)
    }
}
