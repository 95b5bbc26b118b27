//! Zero-cost proxies: scores of networks that are not trained.
//!
//! * [`Proxy`] defines each: its loss, sign, initialisation, batch normalisation and weights. Scores compare networks
//!   under one proxy, batch and seed, and mean nothing by themselves.
//! * A network is an image classifier; its plan is made for each pass, run once on the CPU, and dropped.
//! * The same network, batch, seed and number of libtorch's threads give the same score, whatever runs beside it.
//! * [`score`] is the library's way in, [`ZeroCost`] the evaluator's.

mod batch;
mod error;
mod evaluator;
mod grasp;
mod jacobian;
mod network;
mod proxy;
mod saliency;
mod synflow;
mod zen;

pub use batch::{draw_batch, random_batch};
pub use error::ZeroCostError;
pub use evaluator::ZeroCost;
pub use network::Classifier;
pub use proxy::Proxy;

use crate::data::Batch;
use ir::Program;
use saliency::SALIENCIES;

/// Scores a network by some proxies, in their order. Those that need the gradient of the loss share one run. Of the batch
/// a proxy looks at what [`Proxy::sees_images`] and [`Proxy::sees_labels`] say; [`Proxy::Zen`] draws as many images.
///
/// ```
/// use evaluators::zero_cost::{Classifier, Proxy, random_batch, score};
///
/// let space = mutators::spaces::build("nasbench201:channels=4,cells=1")?;
/// let text = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|";
/// let program = space.program(&space.parse_genotype(text)?)?;
/// let batch = random_batch(&Classifier::of(&program)?, 16, 0)?;
/// let scores = score(&program, &[Proxy::Synflow, Proxy::Naswot], &batch, 0)?;
/// assert!(scores.iter().all(|s| s.is_finite() && *s > 0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the network is no image classifier, the batch does not fit it, a proxy is undefined for it or its score is no finite
/// number, or libtorch refuses.
pub fn score(program: &Program, proxies: &[Proxy], batch: &Batch, seed: u64) -> Result<Vec<f64>, ZeroCostError> {
    let classifier = Classifier::of(program)?;
    batch::check(batch, &classifier)?;
    let shared: Vec<Proxy> = proxies.iter().copied().filter(|p| SALIENCIES.contains(p)).collect();
    let mut shared = match shared.is_empty() {
        true => Vec::new(),
        false => saliency::saliencies(program, &shared, batch, seed)?,
    }
    .into_iter();
    let mut scores = Vec::with_capacity(proxies.len());
    for proxy in proxies {
        let score = match proxy {
            Proxy::Synflow => synflow::synflow(program, &classifier, seed)?,
            Proxy::Grasp => grasp::grasp(program, batch, seed)?,
            Proxy::JacobCov => jacobian::jacob_cov(program, batch, seed)?,
            Proxy::Naswot => jacobian::naswot(program, batch, seed)?,
            Proxy::Zen => zen::zen(program, &classifier, batch::images_in(batch), seed)?,
            Proxy::L2Norm => saliency::l2_norm(program, seed)?,
            Proxy::Snip | Proxy::GradNorm | Proxy::Fisher | Proxy::Plain => {
                shared.next().expect("invariant: a score for each that was asked for")
            }
        };
        if !score.is_finite() {
            return Err(ZeroCostError::Undefined { proxy: *proxy, why: format!("it is {score}") });
        }
        scores.push(score);
    }
    Ok(scores)
}
