//! Augmentation of a whole batch by tensor operations.
//!
//! * The random numbers of a batch come from one stream, five per image in fixed order, whatever is switched on: one
//!   augmentation does not change the draws of another.
//! * They are drawn on the host; the device only computes with them.

use super::split::stream;
use mutators::draw::below;
use tch::{Device, Kind, TchError, Tensor};

/// What is done at random to the training images, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Augment {
    /// Pads by so many black pixels on every side and crops the old size at a random place; 0 for none.
    pub crop_padding: usize,
    /// Mirrors left and right, every other image.
    pub flip: bool,
    /// Blanks a square of this side around a random pixel, after normalising, so that it has the mean colour; what
    /// reaches over the border is lost (DeVries and Taylor 2017). An odd side is taken as the even one below; 0 for none.
    pub cutout: usize,
}

impl Augment {
    /// What CIFAR is trained with: crops from 4 pixels of padding, flips, and cutout of some side.
    #[must_use]
    pub fn cifar(cutout: usize) -> Self {
        Self { crop_padding: 4, flip: true, cutout }
    }

    /// Whether pixels move.
    pub(super) fn moves(self) -> bool {
        self.crop_padding > 0 || self.flip
    }
}

/// The random numbers of an image.
#[derive(Clone, Copy, Debug)]
enum Drawn {
    /// Row of the crop's corner in the padded image, `0..=2 * padding`.
    Top,
    /// Its column.
    Left,
    /// 1 where the image is mirrored.
    Flip,
    /// Row of the pixel around which is blanked.
    Row,
    /// Its column.
    Column,
}

/// The random numbers of a batch of n images.
#[derive(Debug)]
pub(super) struct Draws {
    /// `[5, n, 1]`, i64, on the device: the numbers in the order of [`Drawn`].
    all: Tensor,
}

impl Draws {
    /// Those of n images of `[height, width]`.
    pub fn new(augment: Augment, size: [i64; 2], n: usize, key: [u64; 3], device: Device) -> Result<Self, TchError> {
        let all = Tensor::f_from_slice(&draw(augment, size, n, key).concat())?;
        Ok(Self { all: all.f_view([5, n as i64, 1])?.f_to_device(device)? })
    }

    /// One number of each image, `[n, 1]`.
    fn column(&self, which: Drawn) -> Result<Tensor, TchError> {
        self.all.f_select(0, which as i64)
    }
}

fn draw(augment: Augment, [height, width]: [i64; 2], n: usize, key: [u64; 3]) -> [Vec<i64>; 5] {
    let mut rng = stream(b"augment ", key);
    let offsets = 2 * augment.crop_padding as u64 + 1;
    let bounds = [offsets, offsets, 2, height as u64, width as u64];
    let mut drawn = bounds.map(|_| Vec::with_capacity(n));
    for _ in 0..n {
        for (list, bound) in drawn.iter_mut().zip(bounds) {
            list.push(below(&mut rng, bound) as i64);
        }
    }
    if !augment.flip {
        drawn[Drawn::Flip as usize].fill(0);
    }
    drawn
}

/// Crops and mirrors `[n, C, H, W]` of bytes: one gather.
pub(super) fn moved(images: &Tensor, augment: Augment, draws: &Draws) -> Result<Tensor, TchError> {
    let (n, c, h, w) = images.size4()?;
    let p = augment.crop_padding as i64;
    let padded = if p > 0 { images.f_constant_pad_nd([p, p, p, p])? } else { images.shallow_clone() };
    let integers = (Kind::Int64, images.device());
    let rows = draws.column(Drawn::Top)?.f_add(&Tensor::f_arange(h, integers)?)?;
    // From left to right, or where mirrored from right to left: w - 1 - x = x + (w - 1 - 2 x).
    let ahead = Tensor::f_arange(w, integers)?;
    let turn = ahead.f_mul_scalar(-2)?.f_add_scalar(w - 1)?;
    let columns = draws.column(Drawn::Left)?.f_add(&ahead)?.f_add(&draws.column(Drawn::Flip)?.f_mul(&turn)?)?;
    let rows = rows.f_mul_scalar(w + 2 * p)?.f_unsqueeze(2)?;
    let places = rows.f_add(&columns.f_unsqueeze(1)?)?.f_view([n, 1, h * w])?.f_expand([n, c, h * w], false)?;
    padded.f_view([n, c, -1])?.f_gather(2, &places, false)?.f_view([n, c, h, w])
}

/// Blanks a square in every image of `[n, C, H, W]`, in place.
pub(super) fn blanked(images: &mut Tensor, side: usize, draws: &Draws) -> Result<(), TchError> {
    let (_, _, h, w) = images.size4()?;
    let integers = (Kind::Int64, images.device());
    let half = (side / 2) as i64;
    // Whether a row or column, `[n, size]`, lies in `centre - half .. centre + half`.
    let inside = |which: Drawn, size: i64| {
        let away = Tensor::f_arange(size, integers)?.f_sub(&draws.column(which)?)?;
        away.f_ge(-half)?.f_logical_and(&away.f_lt(half)?)
    };
    let rows = inside(Drawn::Row, h)?.f_unsqueeze(2)?;
    let blank = rows.f_logical_and(&inside(Drawn::Column, w)?.f_unsqueeze(1)?)?;
    // A product, which is cheaper than filling by a mask that is broadcast.
    let keep = blank.f_logical_not()?.f_unsqueeze(1)?.f_to_kind(images.kind())?;
    let _ = images.f_mul_(&keep)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u64; 3] = [5, 6, 7];

    /// An image as nested loops move it: padded by black, cut out at a corner, mirrored.
    fn reference(image: &[u8], [c, h, w]: [i64; 3], p: i64, [top, left, flip]: [i64; 3]) -> Vec<u8> {
        let mut out = Vec::new();
        for channel in 0..c {
            for y in 0..h {
                for x in 0..w {
                    let x = if flip == 1 { w - 1 - x } else { x };
                    let (y, x) = (y + top - p, x + left - p);
                    let inside = (0..h).contains(&y) && (0..w).contains(&x);
                    out.push(if inside { image[((channel * h + y) * w + x) as usize] } else { 0 });
                }
            }
        }
        out
    }

    fn bytes(t: &Tensor) -> Vec<u8> {
        Vec::try_from(t.reshape([-1])).expect("bytes")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn crops_and_flips_are_those_of_a_loop(
            n in 1_usize..6, c in 1_i64..4, h in 1_i64..9, w in 1_i64..9, p in 0_usize..5, flip: bool, seed: u64,
        ) {
            let augment = Augment { crop_padding: p, flip, cutout: 0 };
            let key = [seed, 0, 0];
            let size = (n as i64 * c * h * w) as usize;
            let pixels: Vec<u8> = (0..size).map(|i| (i * 31 % 255 + 1) as u8).collect();
            let images = Tensor::from_slice(&pixels).view([n as i64, c, h, w]);
            let draws = Draws::new(augment, [h, w], n, key, Device::Cpu).expect("room");
            let moved = bytes(&moved(&images, augment, &draws).expect("room"));
            let drawn = draw(augment, [h, w], n, key);
            for (i, (old, new)) in pixels.chunks(size / n).zip(moved.chunks(size / n)).enumerate() {
                let at = [drawn[0][i], drawn[1][i], drawn[2][i]];
                prop_assert_eq!(new, reference(old, [c, h, w], p as i64, at), "image {} at {:?}", i, at);
            }
        }

        #[test]
        fn cutout_blanks_a_square(
            n in 1_usize..6, c in 1_i64..4, h in 1_i64..9, w in 1_i64..9, side in 1_usize..12, seed: u64,
        ) {
            let augment = Augment { cutout: side, ..Augment::default() };
            let key = [seed, 1, 0];
            let draws = Draws::new(augment, [h, w], n, key, Device::Cpu).expect("room");
            let mut images = Tensor::ones([n as i64, c, h, w], (Kind::Double, Device::Cpu));
            blanked(&mut images, side, &draws).expect("room");
            let drawn = draw(augment, [h, w], n, key);
            let half = (side / 2) as i64;
            for (i, (row, column)) in drawn[3].iter().zip(&drawn[4]).enumerate() {
                for (channel, y, x) in (0..c).flat_map(|k| (0..h).flat_map(move |y| (0..w).map(move |x| (k, y, x)))) {
                    let blank = (row - half..row + half).contains(&y) && (column - half..column + half).contains(&x);
                    let value = images.double_value(&[i as i64, channel, y, x]);
                    prop_assert_eq!(value, if blank { 0.0 } else { 1.0 }, "image {} at {}, {}", i, y, x);
                }
            }
        }
    }

    #[test]
    fn draws_are_uniform_and_independent_of_what_is_on() {
        let all = Augment { crop_padding: 4, flip: true, cutout: 8 };
        let [top, left, flip, row, column] = draw(all, [16, 32], 20_000, KEY);
        for (list, bound) in [(&top, 9), (&left, 9), (&flip, 2), (&row, 16), (&column, 32)] {
            for value in 0..bound {
                let n = list.iter().filter(|v| **v == value).count() as f64;
                let mean = 20_000.0 / bound as f64;
                assert!((n - mean).abs() < 5.0 * mean.sqrt(), "{value} of {bound}: {n} times");
            }
            assert!(list.iter().all(|v| (0..bound).contains(v)));
        }
        assert_eq!(draw(Augment { flip: false, ..all }, [16, 32], 20_000, KEY)[3], row);
        assert_eq!(draw(Augment { crop_padding: 0, ..all }, [16, 32], 20_000, KEY)[2], flip);
    }
}
