//! Slices: smaller weights as parts of greater ones, so that layers of several widths and kernel sizes share theirs.
//!
//! * Along the axes of channels and features a slice is a prefix, along those of a convolution's kernel the centre,
//!   floored: 5 to 3 is `[1:4]`, 5 to 2 is `[1:3]`. Yu et al. 2019, "Slimmable Neural Networks"; Cai et al. 2020,
//!   "Once-for-All".
//! * A slice is a view: nothing is copied, and what is written to it lands in the whole.

use smallvec::SmallVec;
use tch::{TchError, Tensor};

/// A box in a tensor: along each axis the first index and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice(SmallVec<[(i64, i64); 4]>);

impl Slice {
    /// Where a weight of one shape lies in another's; `None` if it does not fit.
    #[must_use]
    pub fn of(small: &[u32], great: &[u32]) -> Option<Self> {
        let fits = small.len() == great.len() && small.iter().zip(great).all(|(s, g)| s <= g);
        // Of [out, in, height, width] the last two are the kernel.
        let first = |axis: usize, s: u32, g: u32| if small.len() == 4 && axis >= 2 { (g - s) / 2 } else { 0 };
        let axes = small.iter().zip(great).enumerate();
        fits.then(|| Self(axes.map(|(axis, (s, g))| (i64::from(first(axis, *s, *g)), i64::from(*s))).collect()))
    }

    /// The view of a tensor.
    ///
    /// # Errors
    /// If the tensor is smaller.
    pub fn view(&self, whole: &Tensor) -> Result<Tensor, TchError> {
        let mut view = whole.shallow_clone();
        for (axis, (start, len)) in self.0.iter().enumerate() {
            view = view.f_narrow(axis as i64, *start, *len)?;
        }
        Ok(view)
    }
}

/// Where a weight lies in a flat vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first number.
    pub start: i64,
    /// How many there are, those of the whole weight.
    pub len: i64,
    /// The shape of the whole and what part of it is meant, unless that is all.
    pub part: Option<(Vec<i64>, Slice)>,
}

impl Place {
    /// The view of a flat vector: the whole weight flat, a part in its shape.
    ///
    /// # Errors
    /// If the vector is another's.
    pub fn view(&self, flat: &Tensor) -> Result<Tensor, TchError> {
        let whole = flat.f_narrow(0, self.start, self.len)?;
        match &self.part {
            None => Ok(whole),
            Some((shape, slice)) => slice.view(&whole.f_view(&shape[..])?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(t: &Tensor) -> Vec<i64> {
        Vec::try_from(t.flatten(0, -1)).expect("whole numbers")
    }

    #[test]
    fn channels_take_a_prefix_and_kernels_the_floored_centre() {
        let along = |small, great| Slice::of(&[1, 1, small, 1], &[1, 1, great, 1]).expect("fits").0[2];
        assert_eq!((along(3, 5), along(2, 5), along(1, 5), along(5, 5)), ((1, 3), (1, 2), (2, 1), (0, 5)));
        assert_eq!((along(1, 2), along(2, 4), along(1, 4)), ((0, 1), (1, 2), (1, 1)));
        let whole = Tensor::arange(2 * 3 * 5 * 5, (tch::Kind::Int64, tch::Device::Cpu)).view([2, 3, 5, 5]);
        let part = Slice::of(&[1, 2, 3, 1], &[2, 3, 5, 5]).expect("fits").view(&whole).expect("a view");
        assert_eq!(numbers(&part), [7, 12, 17, 32, 37, 42]);
        // Features and statistics have no kernel.
        assert_eq!(Slice::of(&[2, 3], &[4, 9]).expect("fits").0[..], [(0, 2), (0, 3)]);
        assert_eq!(Slice::of(&[2], &[4]).expect("fits").0[..], [(0, 2)]);
    }

    #[test]
    fn what_is_greater_does_not_fit() {
        assert_eq!(Slice::of(&[3, 1], &[2, 4]), None);
        assert_eq!(Slice::of(&[3], &[3, 1]), None);
    }

    #[test]
    fn a_part_of_a_flat_vector_is_a_view() {
        let flat = Tensor::zeros([14], (tch::Kind::Int64, tch::Device::Cpu));
        let slice = Slice::of(&[2, 1], &[3, 4]).expect("fits");
        let place = Place { start: 2, len: 12, part: Some((vec![3, 4], slice)) };
        let _ = place.view(&flat).expect("a view").fill_(1);
        assert_eq!(numbers(&flat), [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        let whole = Place { start: 13, len: 1, part: None };
        assert_eq!(whole.view(&flat).expect("a view").size(), [1]);
    }
}
