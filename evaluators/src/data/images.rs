//! Labelled images in memory.

use super::DataError;
use super::split;

/// A data set of labelled images, all of one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// What it is called: `cifar10`.
    pub name: String,
    /// Channels, C: 1 is grey, 3 is red, green, blue.
    pub channels: usize,
    /// Height in pixels, H.
    pub height: usize,
    /// Width in pixels, W.
    pub width: usize,
    /// The name of every label.
    pub classes: Vec<String>,
    /// What is trained on.
    pub train: Split,
    /// What is only ever tested on.
    pub test: Split,
}

/// A list of labelled images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// `[N, C, H, W]`, contiguous.
    pub pixels: Vec<u8>,
    /// `[N]`, each below the number of classes.
    pub labels: Vec<u16>,
}

impl Split {
    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// A part of a data set.
///
/// Architecture search must not see the test images: it trains on one half of the training images, `SearchTrain`, and
/// validates on the other, `SearchValid` (Liu et al. 2019, DARTS; Dong and Yang 2020, NAS-Bench-201). The halves are drawn
/// by seed, class by class, so that both have the same share of every class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// All training images.
    Train,
    /// The test images.
    Test,
    /// One half of the training images.
    SearchTrain {
        /// Which halves.
        seed: u64,
    },
    /// The other half.
    SearchValid {
        /// Which halves.
        seed: u64,
    },
}

impl Images {
    /// `[C, H, W]`.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// Pixel values per image, C·H·W.
    pub fn numel(&self) -> usize {
        self.shape().iter().product()
    }

    /// The split that a part is taken from.
    pub fn split(&self, part: Part) -> &Split {
        match part {
            Part::Test => &self.test,
            Part::Train | Part::SearchTrain { .. } | Part::SearchValid { .. } => &self.train,
        }
    }

    /// The indices of a part's images in [`Images::split`], in ascending order.
    pub fn indices(&self, part: Part) -> Vec<u32> {
        let all = 0..self.split(part).len() as u32;
        let (seed, wanted) = match part {
            Part::Train | Part::Test => return all.collect(),
            Part::SearchTrain { seed } => (seed, false),
            Part::SearchValid { seed } => (seed, true),
        };
        let second = split::stratified(&self.train.labels, self.classes.len(), 2, seed);
        all.zip(second).filter(|(_, chosen)| *chosen == wanted).map(|(i, _)| i).collect()
    }

    /// The training images without one in so many, and those, class by class, drawn by seed; both in ascending order. Of
    /// one in two they are the halves of architecture search.
    pub fn holdout(&self, one_in: usize, seed: u64) -> (Vec<u32>, Vec<u32>) {
        let held = split::stratified(&self.train.labels, self.classes.len(), one_in.max(1), seed);
        (0..self.train.len() as u32).partition(|i| !held[*i as usize])
    }

    /// Checks that counts, shapes and labels agree. `origin` is what an error points at.
    pub(super) fn checked(self, origin: &str) -> Result<Self, DataError> {
        let refuse = |reason: String| Err(DataError::Malformed { origin: origin.to_owned(), reason });
        for (name, split) in [("training", &self.train), ("test", &self.test)] {
            if split.is_empty() {
                return refuse(format!("it has no {name} images"));
            }
            if split.pixels.len() != split.len() * self.numel() {
                return refuse(format!(
                    "{} {name} labels with {} bytes of pixels, {} per image are expected",
                    split.len(),
                    split.pixels.len(),
                    self.numel()
                ));
            }
            let classes = self.classes.len();
            if let Some(i) = split.labels.iter().position(|&l| usize::from(l) >= classes) {
                let label = split.labels[i];
                return refuse(format!("{name} image {i} has label {label}, but there are {classes} classes"));
            }
        }
        Ok(self)
    }
}

/// Mean and standard deviation of every channel, of pixels in `0..=1`: an image is normalised to `(x / 255 - mean) / std`.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalise {
    /// `[C]`.
    pub mean: Vec<f64>,
    /// `[C]`, positive.
    pub std: Vec<f64>,
}

impl Normalise {
    /// What a data set's literature uses, else what its training images give.
    ///
    /// | data set | source |
    /// |---|---|
    /// | `cifar10` | Liu et al. 2019, DARTS |
    /// | `cifar100` | Dong and Yang 2020, NAS-Bench-201 |
    /// | `mnist`, `fashion-mnist` | the training images, to four digits |
    pub fn of(images: &Images) -> Self {
        let constant = |mean: &[f64], std: &[f64]| Self { mean: mean.to_vec(), std: std.to_vec() };
        match (images.name.as_str(), images.channels) {
            ("cifar10", 3) => {
                constant(&[0.491_399_68, 0.482_158_27, 0.446_531_24], &[0.247_032_33, 0.243_485_05, 0.261_587_68])
            }
            ("cifar100", 3) => {
                constant(&[129.3 / 255.0, 124.1 / 255.0, 112.4 / 255.0], &[68.2 / 255.0, 65.4 / 255.0, 70.4 / 255.0])
            }
            ("mnist", 1) => constant(&[0.1307], &[0.3081]),
            ("fashion-mnist", 1) => constant(&[0.2860], &[0.3530]),
            _ => Self::measured(images),
        }
    }

    /// Mean and standard deviation of the training images. A channel that never changes has standard deviation 1.
    pub fn measured(images: &Images) -> Self {
        let plane = images.height * images.width;
        let channels = images.channels;
        // Whole numbers: exact, in any order.
        let mut sums = vec![(0_u64, 0_u64); channels];
        for (i, values) in images.train.pixels.chunks_exact(plane).enumerate() {
            let (sum, squares) = &mut sums[i % channels];
            for &v in values {
                *sum += u64::from(v);
                *squares += u64::from(v) * u64::from(v);
            }
        }
        let n = (images.train.len() * plane).max(1) as f64;
        let moments = sums.iter().map(|&(sum, squares)| {
            let mean = sum as f64 / n / 255.0;
            let variance = squares as f64 / n / (255.0 * 255.0) - mean * mean;
            (mean, if variance > 1e-12 { variance.sqrt() } else { 1.0 })
        });
        let (mean, std) = moments.unzip();
        Self { mean, std }
    }

    /// Nothing but division by 255.
    #[must_use]
    pub fn none(channels: usize) -> Self {
        Self { mean: vec![0.0; channels], std: vec![1.0; channels] }
    }
}

#[cfg(test)]
mod tests {
    use super::super::digits;
    use super::*;

    #[test]
    fn halves_are_disjoint_complete_and_balanced() {
        let images = digits().expect("embedded");
        let [a, b] = [Part::SearchTrain { seed: 3 }, Part::SearchValid { seed: 3 }].map(|p| images.indices(p));
        let mut both = [a.clone(), b.clone()].concat();
        both.sort_unstable();
        assert_eq!(both, images.indices(Part::Train));
        for class in 0..images.classes.len() as u16 {
            let count = |half: &[u32]| half.iter().filter(|&&i| images.train.labels[i as usize] == class).count();
            assert!(count(&a).abs_diff(count(&b)) <= 1, "class {class}: {} and {}", count(&a), count(&b));
        }
        assert_ne!(images.indices(Part::SearchTrain { seed: 4 }), a);
        assert_eq!(images.holdout(2, 3), (a, b));
        assert_eq!(images.holdout(10, 3).1.len(), images.train.len() / 10);
        assert_eq!(images.indices(Part::Test).len(), images.test.len());
    }

    #[test]
    fn moments_are_those_of_the_pixels() {
        let train = Split { pixels: vec![0, 255, 51, 51, 255, 0, 51, 51], labels: vec![0, 1] };
        let images = Images {
            name: "two".into(),
            channels: 2,
            height: 1,
            width: 2,
            classes: vec!["a".into(), "b".into()],
            test: train.clone(),
            train,
        };
        let n = Normalise::of(&images);
        assert!((n.mean[0] - 0.5).abs() < 1e-12 && (n.std[0] - 0.5).abs() < 1e-12, "{n:?}");
        assert!((n.mean[1] - 0.2).abs() < 1e-12 && n.std[1] == 1.0, "{n:?}");
    }

    #[test]
    fn what_does_not_agree_is_refused() {
        let good = Images {
            name: "one".into(),
            channels: 1,
            height: 1,
            width: 1,
            classes: vec!["a".into()],
            train: Split { pixels: vec![7], labels: vec![0] },
            test: Split { pixels: vec![9], labels: vec![0] },
        };
        assert_eq!(good.clone().checked("x").expect("agrees"), good);
        let mut bad = good.clone();
        bad.test.labels[0] = 1;
        let error = bad.checked("x").expect_err("label").to_string();
        assert!(error.contains("test image 0 has label 1, but there are 1 classes"), "{error}");
        let mut bad = good.clone();
        bad.train.pixels.push(0);
        let error = bad.checked("x").expect_err("pixels").to_string();
        assert!(error.contains("1 training labels with 2 bytes of pixels"), "{error}");
        let bad = Images { test: Split::default(), ..good };
        assert!(bad.checked("x").expect_err("empty").to_string().contains("no test images"));
    }
}
