//! `latency`: measured latency of NAS-Bench-201 architectures on 27 devices (HELP, Lee et al., 2021).

use crate::cell201::Cells201;
use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Evaluation, Evaluator, Metric};
use crate::table::{DeviceId, Latencies, Nasbench201};
use mutators::{Options, Space};
use smallvec::smallvec;

/// The device where none is named.
const DEVICE: &str = "1080ti_1";

/// Milliseconds of a batch on one device.
///
/// ```
/// use evaluators::{Evaluator, Latency};
///
/// assert_eq!(Latency::new("raspi4")?.identity(), "latency:device=raspi4");
/// let error = Latency::new("raspi-4").unwrap_err().to_string();
/// assert!(error.contains("did you mean `raspi4`?"));
/// # Ok::<(), evaluators::EvaluateError>(())
/// ```
#[derive(Debug)]
pub struct Latency {
    identity: String,
    latencies: &'static Latencies,
    device: DeviceId,
    cells: Cells201,
    metric: [Metric; 1],
}

impl Latency {
    pub(crate) const HELP: &str = "device=1080ti_1 (27 devices)";

    /// On a device, such as `raspi4` or `1080ti_32`.
    ///
    /// # Errors
    /// If there is no such device, with the nearest name.
    pub fn new(device: &str) -> Result<Self, EvaluateError> {
        let latencies = Latencies::embedded()?;
        Ok(Self {
            identity: format!("latency:device={device}"),
            latencies,
            device: latencies.device(device)?,
            cells: Cells201::new(Nasbench201::embedded()?),
            metric: [Metric::minimize(format!("latency on {device}"), "ms")],
        })
    }

    pub(crate) fn build(mut options: Options) -> Result<Self, EvaluateError> {
        let device: String = options.take("device", DEVICE.to_owned())?;
        options.finish()?;
        Self::new(&device)
    }
}

impl Evaluator for Latency {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.metric
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        candidate.query.at_its_own(&self.identity)?;
        let arch = self.cells.find(&self.identity, candidate)?;
        Ok(Evaluation { values: smallvec![self.latencies.milliseconds(self.device, arch)], seconds: 0.0 })
    }

    fn caveats(&self) -> Vec<String> {
        vec!["latencies were measured once; looking one up costs no simulated time".to_owned()]
    }

    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        self.cells.accepts(&self.identity, space)
    }
}
