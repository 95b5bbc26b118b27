//! How good a path is on what is held out.

use super::{Pass, Route, Supernet};
use crate::one_shot::OneShotError;
use codegen::torch::Turn;
use evaluators::data::Batch;
use evaluators::train::{Score, measure};
use tch::Tensor;

/// What ENAS multiplies the inverse of a perplexity by.
const PER_PERPLEXITY: f64 = 80.0;

impl Supernet {
    /// What a path is worth by its loss and the share that it tells right: of images that share, of text 80 over the
    /// perplexity. Pham et al. 2018, "Efficient Neural Architecture Search via Parameter Sharing", sections 3.1 and 3.2.
    pub(in crate::one_shot) fn worth(&self, loss: f64, share: f64) -> f64 {
        if self.is_text { PER_PERPLEXITY * (-loss).exp() } else { share }
    }

    /// Loss and accuracy on what is held out, with running statistics.
    ///
    /// # Errors
    /// If the device fails.
    pub fn measure(&mut self, route: &Route) -> Result<Score, OneShotError> {
        let _turn = Turn::take(self.recipe.device, self.recipe.threads)?;
        let mixes = route.mixes(&self.choices);
        if mixes {
            self.blend(route)?;
        }
        let arms = self.subnets.arms(route);
        let subnet = self.subnets.at(&arms, None, &self.params)?;
        let selection = subnet.selection(route);
        let params = match &mut self.mixed {
            Some(mixed) if mixes => &mut mixed.params,
            _ => &mut subnet.params,
        };
        let score = measure(&subnet.predict, params, &mut self.loaders.valid, Some(&selection))?;
        Ok(score.expect("invariant: something is held out"))
    }

    /// Measures a path with running statistics of its own, taken over some batches of training images: those of the
    /// supernet are of all paths together. Guo et al. 2020, "Single Path One-Shot", section 3.4. The statistics are put
    /// back.
    ///
    /// # Errors
    /// If the device fails.
    pub fn measure_recalibrated(&mut self, route: &Route, batches: usize) -> Result<Score, OneShotError> {
        let _turn = Turn::take(self.recipe.device, self.recipe.threads)?;
        let _guard = tch::no_grad_guard();
        let kept = self.params.buffers.f_detach_copy()?;
        let score = self.recalibrate(route, batches).and_then(|()| self.measure(route));
        self.params.buffers.f_copy_(&kept)?;
        score
    }

    /// A running statistic after `k` batches from 0 is short of the weight that is still on its start: divided by what
    /// is on the batches, it is their weighted mean. One run from 0 and one from 1 tell how much a batch counts.
    fn recalibrate(&mut self, route: &Route, batches: usize) -> Result<(), OneShotError> {
        let after = |net: &mut Self, start: f64| -> Result<Tensor, OneShotError> {
            let _ = net.params.buffers.f_fill_(start)?;
            let batch = net.train_batch(0)?;
            net.forward(&batch, route)?;
            Ok(net.params.buffers.f_detach_copy()?)
        };
        let kept = after(self, 1.0)?;
        let kept = kept.f_sub(&after(self, 0.0)?)?;
        let count = batches.clamp(1, self.loaders.weights.batches());
        for index in 1..count {
            let batch = self.train_batch(index)?;
            self.forward(&batch, route)?;
        }
        let counted = kept.f_pow_tensor_scalar(count as f64)?.f_neg()?.f_add_scalar(1.0)?;
        // What no run has touched keeps all of its start; it plays no part.
        let counted = counted.f_clamp_min(1e-6)?;
        let _ = self.params.buffers.f_div_(&counted)?;
        Ok(())
    }

    /// A training pass for its loss and the gradients of factors, that leaves no trace: statistics are put back, and it
    /// counts as none, so that the next one draws the same masks.
    pub(in crate::one_shot) fn probe(
        &mut self,
        batch: &Batch,
        route: &Route,
    ) -> Result<(Pass, Vec<Option<Vec<f64>>>), OneShotError> {
        let _guard = tch::no_grad_guard();
        let kept = self.params.buffers.f_detach_copy()?;
        let found = self.pass_of(self.runs, batch, route, (false, true), 0.0);
        self.params.buffers.f_copy_(&kept)?;
        found
    }

    fn train_batch(&mut self, index: usize) -> Result<Batch, OneShotError> {
        Ok(self.loaders.weights.batch(0, index)?)
    }

    /// A training pass for its statistics alone, which counts as none.
    fn forward(&mut self, batch: &Batch, route: &Route) -> Result<(), OneShotError> {
        self.pass_of(self.runs, batch, route, (false, false), 0.0)?;
        Ok(())
    }
}
