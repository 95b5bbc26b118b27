//! The proxies by name.

use codegen::init::Scheme;
use mutators::OptionError;
use std::fmt;

/// What a network is scored by before it is trained. More is better for each, in the sign that is used here.
///
/// `W` is the set of weights of convolutions and linear layers; biases, scales and shifts are not in it. `L` is the
/// cross-entropy of the batch, its mean over the images. Where a proxy sums over weights, those that no path leads to the
/// loss count 0. Batch normalisation uses the statistics of the batch, except in synflow, which has none. What is drawn
/// at random is drawn once, from the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proxy {
    /// `sum over w in W of |w dR/dw|`, with `R` the sum of the logits. Needs no data: the input is one image of ones.
    /// All weights are made absolute, batch normalisation is bypassed, weights start by [`Scheme::KaimingNormalFanOut`],
    /// everything is in double precision, as `R` may be as large as 1e50. Tanaka et al. 2020, "Pruning neural networks
    /// without any data by iteratively conserving synaptic flow"; for whole networks Abdelfattah et al. 2021, "Zero-Cost
    /// Proxies for Lightweight NAS".
    Synflow,
    /// `sum over w in W of |w dL/dw|`. Lee, Ajanthan and Torr 2019, "SNIP"; Abdelfattah et al. 2021.
    Snip,
    /// `-sum over w in W of w (H g)_w`, with `g = dL/dw` and `H` the second derivative of `L`, both over `W`; one batch,
    /// and the logits are not cooled (temperature 1). The sign is that of Abdelfattah et al. 2021. Wang, Zhang and Grosse
    /// 2020, "Picking Winning Tickets Before Training by Preserving Gradient Flow".
    Grasp,
    /// `sum over layers of ||dL/dw||`, the Euclidean norm of the gradient of each layer's weight in `W`. Abdelfattah et
    /// al. 2021.
    GradNorm,
    /// `sum over channels of f n`: with `y` the output of a convolution or linear layer, a channel's `f` is half the mean
    /// over images of `(sum over pixels of y dL/dy)^2`, and `n` is the number of weights that make the channel. Turner et
    /// al. 2020, "BlockSwap", after Theis et al. 2018; summed over weights as by Abdelfattah et al. 2021.
    Fisher,
    /// `-sum over eigenvalues v of log(v + k) + 1 / (v + k)`, `k = 1e-5`, of the correlations between the images'
    /// gradients: each row is `dR/dx` of one image, with `R` the sum of all logits. Undefined if the logits do not depend
    /// on an image. Mellor et al. 2020, "Neural Architecture Search without Training", first version.
    JacobCov,
    /// `log |det K|`, where `K_ij` is the number of rectifiers (`relu`, `relu6`) that are in the same state, on or off,
    /// for images `i` and `j`. A rectifier counts as often as the network applies it, also where no path leads from it to
    /// the logits. Undefined if two images have the same states. Mellor et al. 2021, "Neural Architecture Search without
    /// Training".
    Naswot,
    /// `log(mean over images of ||f(x) - f(x + 0.01 e)||_1) + sum over batch normalisations of log s`. `x` and `e` are
    /// standard normal, of the batch's size: no data is needed. `f` is the value whose image the network folds last, the
    /// input of the global pooling; weights are standard normal; `s^2` is the mean over channels of the running variance
    /// after both passes, so that a normalisation that tracks none does not count. Lin et al. 2021, "Zen-NAS".
    Zen,
    /// `sum over w in W of w dL/dw`, with its sign. Abdelfattah et al. 2021, after Mozer and Smolensky 1988,
    /// "Skeletonization".
    Plain,
    /// `sum over layers of ||w||`, the Euclidean norm of each layer's weight in `W`. Needs no data. Abdelfattah et al.
    /// 2021.
    L2Norm,
}

impl Proxy {
    /// Every proxy.
    pub const ALL: [Self; 10] = [
        Self::Synflow,
        Self::Snip,
        Self::Grasp,
        Self::GradNorm,
        Self::Fisher,
        Self::JacobCov,
        Self::Naswot,
        Self::Zen,
        Self::Plain,
        Self::L2Norm,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synflow => "synflow",
            Self::Snip => "snip",
            Self::Grasp => "grasp",
            Self::GradNorm => "grad_norm",
            Self::Fisher => "fisher",
            Self::JacobCov => "jacob_cov",
            Self::Naswot => "naswot",
            Self::Zen => "zen",
            Self::Plain => "plain",
            Self::L2Norm => "l2_norm",
        }
    }

    /// How the weights start that it is computed with.
    #[must_use]
    pub fn scheme(self) -> Scheme {
        match self {
            Self::Synflow => Scheme::KaimingNormalFanOut,
            Self::Zen => Scheme::Normal { std: 1.0 },
            _ => Scheme::Default,
        }
    }

    /// Whether it looks at the images of the batch.
    #[must_use]
    pub fn sees_images(self) -> bool {
        !matches!(self, Self::Synflow | Self::Zen | Self::L2Norm)
    }

    /// Whether it looks at their labels.
    #[must_use]
    pub fn sees_labels(self) -> bool {
        self.sees_images() && !matches!(self, Self::JacobCov | Self::Naswot)
    }

    /// Takes the option `proxy`.
    pub(super) fn take(options: &mut mutators::Options) -> Result<Self, OptionError> {
        let name = options.take_one("proxy", Self::Synflow.as_str(), &Self::ALL.map(Self::as_str))?;
        Ok(Self::ALL.into_iter().find(|p| p.as_str() == name).expect("invariant: one of the names was taken"))
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
