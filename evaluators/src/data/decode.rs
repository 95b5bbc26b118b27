//! PNG and JPEG to pixels, and pixels to another size.

use super::DataError;
use super::bounded::Bound;
use crate::bytes::Bytes;
use std::collections::VecDeque;
use std::io::Cursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// A decoded image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// 1 or 3; an alpha channel is left out.
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    /// `[H, W, C]`.
    pub pixels: Vec<u8>,
}

/// Decodes a PNG or JPEG file, told apart by their first bytes, if it is no larger than it may be.
pub(super) fn decode(bytes: &[u8], origin: &str, bound: Bound) -> Result<Picture, DataError> {
    let file = Encoded { bytes, origin, bound };
    if bytes.starts_with(b"\x89PNG") {
        file.png()
    } else if bytes.starts_with(&[0xff, 0xd8]) {
        file.jpeg()
    } else {
        Err(DataError::malformed(origin, "is neither PNG nor JPEG inside; convert it, or take it away"))
    }
}

/// An image file, and how large the image may be.
struct Encoded<'a> {
    bytes: &'a [u8],
    origin: &'a str,
    bound: Bound,
}

impl Encoded<'_> {
    fn damaged(&self, reason: impl std::fmt::Display) -> DataError {
        DataError::malformed(self.origin, format!("cannot be decoded: {reason}"))
    }

    /// Bytes of an image of so many pixels, which a header claims: asked before there is memory for it.
    fn size(&self, width: usize, height: usize, samples: usize) -> Result<usize, DataError> {
        let bytes = [width, height, samples].iter().fold(1_u64, |n, d| n.saturating_mul(*d as u64));
        let is = || format!("says that it is {width} x {height} pixels, {} decoded", Bytes(bytes));
        self.bound.check(bytes, self.origin, is)?;
        Ok(bytes as usize)
    }

    fn png(&self) -> Result<Picture, DataError> {
        // Of its own the decoder needs a few rows.
        let limits = png::Limits { bytes: self.bound.bytes() as usize };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(self.bytes), limits);
        // Palettes become colours, 16 bits become 8; words and colour profiles, which may be packed, are passed over.
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let (width, height) = decoder.read_header_info().map_err(|e| self.damaged(e))?.size();
        self.size(width as usize, height as usize, 1)?;
        let mut reader = decoder.read_info().map_err(|e| self.damaged(e))?;
        let samples = reader.output_color_type().0.samples();
        let mut pixels = vec![0; self.size(width as usize, height as usize, samples)?];
        let info = reader.next_frame(&mut pixels).map_err(|e| self.damaged(e))?;
        pixels.truncate(info.buffer_size());
        let (samples, size) = (info.color_type.samples(), info.width as usize * info.height as usize);
        // The last of two or of four is alpha.
        let channels = if samples > 2 { 3 } else { 1 };
        if samples != channels {
            for at in 0..size {
                pixels.copy_within(at * samples..at * samples + channels, at * channels);
            }
            pixels.truncate(size * channels);
            pixels.shrink_to_fit();
        }
        Ok(Picture { channels, height: info.height as usize, width: info.width as usize, pixels })
    }

    fn jpeg(&self) -> Result<Picture, DataError> {
        let side = usize::from(u16::MAX);
        // Strict: half of an image is none. How large it may be is for us to say.
        let options = DecoderOptions::default().set_strict_mode(true).set_max_width(side).set_max_height(side);
        let mut decoder = JpegDecoder::new_with_options(Cursor::new(self.bytes), options);
        decoder.decode_headers().map_err(|e| self.damaged(e))?;
        let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
        let (space, channels) = if grey { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
        let (width, height) = decoder.dimensions().unwrap_or_default();
        let size = self.size(width, height, channels)?;
        decoder.set_options(options.jpeg_set_out_colorspace(space));
        let pixels = decoder.decode().map_err(|e| self.damaged(e))?;
        if size == 0 || pixels.len() != size {
            return Err(self.damaged(format!("{} values for {width} x {height} pixels", pixels.len())));
        }
        Ok(Picture { channels, height, width, pixels })
    }
}

impl Picture {
    /// With three equal channels in place of one.
    #[must_use]
    pub fn coloured(self) -> Self {
        match self.channels {
            1 => Self { channels: 3, pixels: self.pixels.iter().flat_map(|&v| [v; 3]).collect(), ..self },
            _ => self,
        }
    }

    /// The shorter side scaled to `side`, and the middle square of that.
    ///
    /// A pixel is the mean of those around it, weighted by a triangle that is as wide as the scale (bilinear, without
    /// aliasing).
    #[must_use]
    pub fn square(self, side: usize) -> Self {
        if (self.height, self.width) == (side, side) {
            return self;
        }
        let scale = self.height.min(self.width) as f64 / side as f64;
        let taps = |length: usize| -> Vec<(usize, Vec<f64>)> {
            let margin = (length as f64 - scale * side as f64) / 2.0;
            (0..side).map(|i| triangle(margin + (i as f64 + 0.5) * scale, scale.max(1.0), length)).collect()
        };
        let c = self.channels;
        let columns = taps(self.width);
        let narrowed = |y: usize| -> Vec<f64> {
            let row = &self.pixels[y * self.width * c..(y + 1) * self.width * c];
            let mut narrow = Vec::with_capacity(side * c);
            for (first, weights) in &columns {
                for channel in 0..c {
                    let values = weights.iter().zip(*first..).map(|(w, x)| w * f64::from(row[x * c + channel]));
                    narrow.push(values.sum::<f64>());
                }
            }
            narrow
        };
        // Rows of `[side, C]`, each made once, and held as long as some row of the square sees it.
        let (mut rows, mut top) = (VecDeque::new(), 0);
        let mut pixels = Vec::with_capacity(side * side * c);
        for (first, weights) in taps(self.height) {
            while top < first {
                rows.pop_front();
                top += 1;
            }
            while rows.len() < weights.len() {
                rows.push_back(narrowed(top + rows.len()));
            }
            for at in 0..side * c {
                let values = weights.iter().zip(&rows).map(|(w, row)| w * row[at]);
                pixels.push(values.sum::<f64>().round().clamp(0.0, 255.0) as u8);
            }
        }
        Self { channels: c, height: side, width: side, pixels }
    }

    /// Appends it as `[C, H, W]`.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        for channel in 0..self.channels {
            out.extend(self.pixels.iter().skip(channel).step_by(self.channels));
        }
    }
}

/// The first of the pixels around a place, and their weights, which sum to 1.
fn triangle(centre: f64, reach: f64, length: usize) -> (usize, Vec<f64>) {
    let first = (centre - reach).floor().max(0.0) as usize;
    let end = ((centre + reach).ceil() as usize).min(length);
    let weight = |x: usize| (1.0 - ((x as f64 + 0.5 - centre) / reach).abs()).max(0.0);
    let weights: Vec<f64> = (first..end).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    (first, weights.into_iter().map(|w| w / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUND: Bound = Bound::Stated("an image", 1 << 20);

    fn png(color: png::ColorType, [width, height]: [u32; 2], data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(color);
        let mut writer = encoder.write_header().expect("memory");
        writer.write_image_data(data).expect("memory");
        writer.finish().expect("memory");
        out
    }

    #[test]
    fn alpha_is_left_out() {
        use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
        for (color, data, channels, pixels) in [
            (Grayscale, &[1, 2][..], 1, &[1, 2][..]),
            (GrayscaleAlpha, &[1, 9, 2, 9], 1, &[1, 2]),
            (Rgb, &[1, 2, 3, 4, 5, 6], 3, &[1, 2, 3, 4, 5, 6]),
            (Rgba, &[1, 2, 3, 9, 4, 5, 6, 9], 3, &[1, 2, 3, 4, 5, 6]),
        ] {
            let picture = decode(&png(color, [2, 1], data), "x", BOUND).expect("a PNG");
            assert_eq!(picture, Picture { channels, height: 1, width: 2, pixels: pixels.to_vec() });
        }
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let good = png(png::ColorType::Grayscale, [8, 8], &[7; 64]);
        for end in [5, 30, good.len() / 2, good.len() - 20] {
            let error = decode(&good[..end], "x.png", BOUND).expect_err("cut off").to_string();
            assert!(error.starts_with("x.png: cannot be decoded"), "{error}");
        }
        let error = decode(b"GIF89a", "x.gif", BOUND).expect_err("a GIF").to_string();
        assert!(error.contains("neither PNG nor JPEG"), "{error}");
    }

    #[test]
    fn what_a_header_claims_is_checked_first() {
        let good = png(png::ColorType::Rgb, [8, 8], &[7; 192]);
        let bound = |bytes| Bound::Stated("an image", bytes);
        assert_eq!(decode(&good, "x", bound(192)).expect("just as large as it may be").pixels, [7; 192]);
        let error = decode(&good, "x.png", bound(191)).expect_err("one byte more").to_string();
        assert_eq!(error, "x.png: says that it is 8 x 8 pixels, 192 B decoded; an image may have 191 B");
    }

    #[test]
    fn an_image_that_is_no_more_than_a_line() {
        // Of a line only what is around its middle is seen, however long it is.
        for (height, width) in [(1, 1 << 20), (1 << 20, 1)] {
            let pixels: Vec<u8> = (0..1 << 20).map(|i| (i >> 12) as u8).collect();
            let square = Picture { channels: 1, height, width, pixels }.square(64);
            assert!(square.pixels.iter().all(|v| *v == 127 || *v == 128), "{square:?}");
        }
    }

    #[test]
    fn planes_follow_each_other() {
        let picture = Picture { channels: 3, height: 1, width: 2, pixels: vec![1, 2, 3, 4, 5, 6] };
        let mut out = Vec::new();
        picture.append_to(&mut out);
        assert_eq!(out, [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn halving_takes_means() {
        // A block of 2 x 2 in the middle of a field of zeros.
        let mut pixels = vec![0; 64];
        for at in [27, 28, 35, 36] {
            pixels[at] = 160;
        }
        let picture = Picture { channels: 1, height: 8, width: 8, pixels };
        let small = picture.square(4);
        // The triangle has weights 1/8, 3/8, 3/8, 1/8, of which two lie on the block, across and down: 160 (1/2)^2.
        let expected = [[0, 0, 0, 0], [0, 40, 40, 0], [0, 40, 40, 0], [0, 0, 0, 0]];
        assert_eq!(small, Picture { channels: 1, height: 4, width: 4, pixels: expected.concat() });
    }

    proptest! {
        #[test]
        fn a_flat_image_stays_flat(h in 1_usize..40, w in 1_usize..40, side in 1_usize..40, value: u8) {
            let picture = Picture { channels: 3, height: h, width: w, pixels: vec![value; 3 * h * w] };
            let square = picture.square(side);
            prop_assert_eq!(square, Picture { channels: 3, height: side, width: side, pixels: vec![value; 3 * side * side] });
        }

        #[test]
        fn a_ramp_stays_a_ramp(n in 8_usize..60, side in 2_usize..8) {
            let pixels: Vec<u8> = (0..n * n).map(|i| (4 * (i % n)) as u8).collect();
            let square = Picture { channels: 1, height: n, width: n, pixels }.square(side);
            for row in square.pixels.chunks(side) {
                // The outermost see less than a whole triangle.
                for (x, value) in row.iter().enumerate().skip(1).take(side - 2) {
                    let expected = 4.0 * ((x as f64 + 0.5) * n as f64 / side as f64 - 0.5);
                    prop_assert!((f64::from(*value) - expected).abs() <= 4.0, "{value} for {expected}");
                }
            }
        }
    }
}
