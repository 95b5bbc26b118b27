//! How good a path is on what is held out.

use super::{Supernet, hits};
use crate::one_shot::OneShotError;
use codegen::torch::{Run, Selection, Turn};
use evaluators::data::Batch;
use evaluators::train::Score;
use tch::{Reduction, Tensor};

impl Supernet {
    /// Loss and accuracy on what is held out, with running statistics.
    ///
    /// # Errors
    /// If the device fails.
    pub fn measure(&mut self, selection: &Selection) -> Result<Score, OneShotError> {
        let _turn = Turn::take(self.recipe.device, self.recipe.threads)?;
        let (mut loss, mut right, mut images) = (0.0, 0, 0);
        for index in 0..self.loaders.valid.batches() {
            let batch = self.loaders.valid.batch(0, index)?;
            let run = Run { selection: Some(selection), ..Run::default() };
            let out = self.predict.run(&mut self.params, &[batch.images], &run)?.outputs;
            let n = batch.labels.size()[0];
            let mean = out[0].f_cross_entropy_loss::<Tensor>(&batch.labels, None, Reduction::Mean, -100, 0.0)?;
            loss += mean.f_double_value(&[])? * n as f64;
            right += hits(&out[0], &batch.labels)?;
            images += n;
        }
        let n = images.max(1) as f64;
        Ok(Score { loss: loss / n, accuracy: 100.0 * right as f64 / n, images: images as usize })
    }

    /// Measures a path with running statistics of its own, taken over some batches of training images: those of the
    /// supernet are of all paths together. Guo et al. 2020, "Single Path One-Shot", section 3.4. The statistics are put
    /// back.
    ///
    /// # Errors
    /// If the device fails.
    pub fn measure_recalibrated(&mut self, selection: &Selection, batches: usize) -> Result<Score, OneShotError> {
        let _turn = Turn::take(self.recipe.device, self.recipe.threads)?;
        let _guard = tch::no_grad_guard();
        let kept = self.params.buffers.f_detach_copy()?;
        let score = self.recalibrate(selection, batches).and_then(|()| self.measure(selection));
        self.params.buffers.f_copy_(&kept)?;
        score
    }

    /// A running statistic after `k` batches from 0 is short of the weight that is still on its start: divided by what
    /// is on the batches, it is their weighted mean. One run from 0 and one from 1 tell how much a batch counts.
    fn recalibrate(&mut self, selection: &Selection, batches: usize) -> Result<(), OneShotError> {
        let after = |net: &mut Self, start: f64| -> Result<Tensor, OneShotError> {
            let _ = net.params.buffers.f_fill_(start)?;
            let batch = net.train_batch(0)?;
            net.forward(&batch, selection)?;
            Ok(net.params.buffers.f_detach_copy()?)
        };
        let kept = after(self, 1.0)?;
        let kept = kept.f_sub(&after(self, 0.0)?)?;
        let count = batches.clamp(1, self.loaders.weights.batches());
        for index in 1..count {
            let batch = self.train_batch(index)?;
            self.forward(&batch, selection)?;
        }
        let counted = kept.f_pow_tensor_scalar(count as f64)?.f_neg()?.f_add_scalar(1.0)?;
        // What no run has touched keeps all of its start; it plays no part.
        let counted = counted.f_clamp_min(1e-6)?;
        let _ = self.params.buffers.f_div_(&counted)?;
        Ok(())
    }

    fn train_batch(&mut self, index: usize) -> Result<Batch, OneShotError> {
        Ok(self.loaders.weights.batch(0, index)?)
    }

    /// A training pass for its statistics alone, which counts as none.
    fn forward(&mut self, batch: &Batch, selection: &Selection) -> Result<(), OneShotError> {
        let runs = self.runs;
        self.try_path(batch, selection)?;
        self.runs = runs;
        Ok(())
    }
}
