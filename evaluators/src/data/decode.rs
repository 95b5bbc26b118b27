//! PNG and JPEG to pixels, and pixels to another size.

use super::DataError;
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

/// Decodes a PNG or JPEG file, told apart by their first bytes.
pub(super) fn decode(bytes: &[u8], origin: &str) -> Result<Picture, DataError> {
    let damaged = |reason: String| DataError::malformed(origin, format!("cannot be decoded: {reason}"));
    if bytes.starts_with(b"\x89PNG") {
        decode_png(bytes).map_err(|e| damaged(e.to_string()))
    } else if bytes.starts_with(&[0xff, 0xd8]) {
        decode_jpeg(bytes).map_err(|e| damaged(format!("{e:?}")))
    } else {
        Err(DataError::malformed(origin, "is neither PNG nor JPEG inside; convert it, or take it away"))
    }
}

fn decode_png(bytes: &[u8]) -> Result<Picture, png::DecodingError> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    // Palettes become colours, 16 bits become 8.
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let size = reader.output_buffer_size().ok_or(png::DecodingError::LimitsExceeded)?;
    let mut buffer = vec![0; size];
    let info = reader.next_frame(&mut buffer)?;
    buffer.truncate(info.buffer_size());
    let samples = info.color_type.samples();
    // The last of two or of four is alpha.
    let channels = if samples > 2 { 3 } else { 1 };
    let pixels = match samples == channels {
        true => buffer,
        false => buffer.chunks_exact(samples).flat_map(|p| &p[..channels]).copied().collect(),
    };
    Ok(Picture { channels, height: info.height as usize, width: info.width as usize, pixels })
}

fn decode_jpeg(bytes: &[u8]) -> Result<Picture, zune_jpeg::errors::DecodeErrors> {
    let mut decoder = JpegDecoder::new(Cursor::new(bytes));
    decoder.decode_headers()?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (space, channels) = if grey { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
    // Strict: half of an image is none.
    decoder.set_options(DecoderOptions::default().jpeg_set_out_colorspace(space).set_strict_mode(true));
    let pixels = decoder.decode()?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    Ok(Picture { channels, height, width, pixels })
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
    pub fn square(&self, side: usize) -> Self {
        if (self.height, self.width) == (side, side) {
            return self.clone();
        }
        let scale = self.height.min(self.width) as f64 / side as f64;
        let taps = |length: usize| -> Vec<(usize, Vec<f64>)> {
            let margin = (length as f64 - scale * side as f64) / 2.0;
            (0..side).map(|i| triangle(margin + (i as f64 + 0.5) * scale, scale.max(1.0), length)).collect()
        };
        let c = self.channels;
        // Rows first: [H, side, C], then columns.
        let mut narrow = Vec::with_capacity(self.height * side * c);
        let columns = taps(self.width);
        for row in self.pixels.chunks_exact(self.width * c) {
            for (first, weights) in &columns {
                for channel in 0..c {
                    let values = weights.iter().zip(*first..).map(|(w, x)| w * f64::from(row[x * c + channel]));
                    narrow.push(values.sum::<f64>());
                }
            }
        }
        let mut pixels = Vec::with_capacity(side * side * c);
        for (first, weights) in taps(self.height) {
            for at in 0..side * c {
                let values = weights.iter().zip(first..).map(|(w, y)| w * narrow[y * side * c + at]);
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
            let picture = decode(&png(color, [2, 1], data), "x").expect("a PNG");
            assert_eq!(picture, Picture { channels, height: 1, width: 2, pixels: pixels.to_vec() });
        }
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let good = png(png::ColorType::Grayscale, [8, 8], &[7; 64]);
        for end in [5, 30, good.len() / 2, good.len() - 20] {
            let error = decode(&good[..end], "x.png").expect_err("cut off").to_string();
            assert!(error.starts_with("x.png: cannot be decoded"), "{error}");
        }
        assert!(decode(b"GIF89a", "x.gif").expect_err("a GIF").to_string().contains("neither PNG nor JPEG"));
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
