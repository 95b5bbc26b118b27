//! The families of nodes, which share a shape and a colour.

/// The family of a node, or of an operation on an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// An input of the graph; kept in the first layer.
    Input,
    /// An output of the graph; kept in the last layer.
    Output,
    /// A tensor of a cell picture, drawn as a circle.
    Tensor,
    /// A convolution, plain, depthwise, separable or dilated.
    Conv,
    /// A linear map: a dense layer, a matrix product, attention.
    Linear,
    /// A normalization.
    Norm,
    /// An activation function.
    Activation,
    /// A pooling.
    Pool,
    /// A node that joins tensors: add, mul, concat.
    Merge,
    /// A change of shape without arithmetic: reshape, flatten, slice.
    Shape,
    /// A call of another graph, drawn in a panel of its own.
    Call,
    /// A choice that is still open.
    Choice,
    /// Anything else, the identity included.
    Other,
}

impl NodeKind {
    /// Every kind, in the order of a legend.
    pub const ALL: [Self; 13] = [
        Self::Input,
        Self::Output,
        Self::Tensor,
        Self::Conv,
        Self::Linear,
        Self::Norm,
        Self::Activation,
        Self::Pool,
        Self::Merge,
        Self::Shape,
        Self::Call,
        Self::Choice,
        Self::Other,
    ];

    /// The word for the kind in a legend.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Tensor => "tensor",
            Self::Conv => "convolution",
            Self::Linear => "linear",
            Self::Norm => "normalization",
            Self::Activation => "activation",
            Self::Pool => "pooling",
            Self::Merge => "merge",
            Self::Shape => "shape",
            Self::Call => "cell",
            Self::Choice => "choice",
            Self::Other => "other",
        }
    }

    /// The kind that an operation's name suggests, for names that no registry knows: the
    /// operations of DARTS (`dil_conv_5x5`), of NAS-Bench-101 (`maxpool3x3`) and of
    /// NAS-Bench-201 (`nor_conv_1x1`), and the usual layer names. The first rule that fits wins.
    ///
    /// ```
    /// use ir::draw::NodeKind;
    /// assert_eq!(NodeKind::of_op("sep_conv_3x3"), NodeKind::Conv);
    /// assert_eq!(NodeKind::of_op("skip_connect"), NodeKind::Other);
    /// ```
    #[must_use]
    pub fn of_op(name: &str) -> Self {
        const RULES: [(NodeKind, &[&str]); 8] = [
            (NodeKind::Choice, &["choice", "mixed"]),
            (NodeKind::Conv, &["conv"]),
            (NodeKind::Pool, &["pool"]),
            (NodeKind::Norm, &["norm"]),
            (NodeKind::Activation, &["relu", "gelu", "silu", "swish", "sigmoid", "tanh", "softmax"]),
            (NodeKind::Linear, &["linear", "dense", "matmul", "attention"]),
            (NodeKind::Merge, &["add", "sub", "mul", "div", "concat"]),
            (NodeKind::Shape, &["reshape", "flatten", "transpose", "slice", "split"]),
        ];
        let name = name.to_ascii_lowercase();
        RULES
            .iter()
            .find(|(_, words)| words.iter().any(|word| name.contains(word)))
            .map_or(Self::Other, |(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::NodeKind;

    #[test]
    fn names_of_the_benchmarks_find_their_family() {
        for (name, kind) in [
            ("conv1x1-bn-relu", NodeKind::Conv),
            ("maxpool3x3", NodeKind::Pool),
            ("avg_pool_3x3", NodeKind::Pool),
            ("nor_conv_1x1", NodeKind::Conv),
            ("BatchNorm2d", NodeKind::Norm),
            ("none", NodeKind::Other),
        ] {
            assert_eq!(NodeKind::of_op(name), kind, "{name}");
        }
    }
}
