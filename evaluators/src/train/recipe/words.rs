//! Settings that are one of a few words.

/// An enum whose variants are words of the command line, of checkpoints and of reports.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const WORDS: &[&str] = &[$($word),+];

            /// Its word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The setting of a word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

words! {
    /// A recipe by name: where the other settings start from.
    Preset {
        /// Stochastic gradient descent for small images.
        Plain = "plain",
        /// How DARTS trains what it found (Liu, Simonyan and Yang 2019): 600 epochs, cutout, drop path, auxiliary head.
        Darts = "darts",
        /// How DARTS searches (Liu, Simonyan and Yang 2019): 50 epochs, half of the images for the architecture.
        DartsSearch = "darts-search",
        /// How DARTS searches a recurrent cell (Liu, Simonyan and Yang 2019): 50 epochs at a learning rate of 20.
        DartsRnnSearch = "darts-rnn-search",
        /// How every cell of NAS-Bench-201 was trained (Dong and Yang 2020): 200 epochs, crops and flips.
        Nasbench201 = "nasbench201",
    }

    /// How weights are updated.
    Algorithm {
        /// Stochastic gradient descent with momentum.
        Sgd = "sgd",
        /// Adam (Kingma and Ba 2015).
        Adam = "adam",
        /// AdamW (Loshchilov and Hutter 2019).
        AdamW = "adamw",
    }

    /// How the learning rate falls.
    Annealing {
        /// Half a cosine, from `lr` to `min_lr`.
        Cosine = "cosine",
        /// A straight line from `lr` to `min_lr`.
        Linear = "linear",
        /// By `gamma` at each of the milestones.
        Step = "step",
        /// Not at all.
        Constant = "constant",
    }

    /// How often the learning rate is set.
    Cadence {
        /// For every batch.
        Step = "step",
        /// For every epoch.
        Epoch = "epoch",
    }

    /// Which share of the graph's own probabilities drop path uses.
    DropPath {
        /// `epoch / epochs`, counted from 0, as DARTS.
        Linear = "linear",
        /// All of it, always.
        Constant = "constant",
        /// Nothing is dropped.
        Off = "off",
    }

    /// Precision of weights and activations.
    Precision {
        /// Single.
        F32 = "f32",
        /// Double.
        F64 = "f64",
    }
}
