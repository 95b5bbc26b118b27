//! The images that a space's networks take: `image=3x32x32`, and the classes that they tell apart: `classes=10`.

use crate::error::MutateError;
use crate::options::Options;
use ir::TensorType;
use std::fmt;
use std::str::FromStr;

/// Greatest side and number of channels.
const MOST: u32 = 65_536;
/// Greatest side of images for networks that were made for 32 pixels: their stems keep the size, so that twice the side is
/// four times the work.
pub(super) const SMALL: u32 = 64;

/// Channels, height and width of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image([u32; 3]);

impl Image {
    /// A square image in colour.
    pub const fn colour(side: u32) -> Self {
        Self([3, side, side])
    }

    /// The lesser and the greater of height and width.
    pub fn sides(self) -> (u32, u32) {
        let [_, h, w] = self.0;
        (h.min(w), h.max(w))
    }

    /// The type of a batch: `f32[N, 3, 32, 32]`.
    pub fn ty(self) -> TensorType {
        let [c, h, w] = self.0;
        TensorType::image(c, h, w)
    }
}

impl FromStr for Image {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sizes: Option<Vec<u32>> = text.split('x').map(|n| n.parse().ok()).collect();
        match sizes.as_deref() {
            Some(&[c, h, w]) if [c, h, w].iter().all(|n| (1..=MOST).contains(n)) => Ok(Self([c, h, w])),
            _ => Err(format!("write CHANNELSxHEIGHTxWIDTH, 3x32x32, each in 1..={MOST}")),
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [c, h, w] = self.0;
        write!(f, "{c}x{h}x{w}")
    }
}

/// Takes the options `image` and `classes`.
pub(super) fn take(options: &mut Options, image: Image, classes: u32) -> Result<(Image, u32), MutateError> {
    Ok((options.take("image", image)?, self::classes(options, classes)?))
}

/// The same for a network that was made for images of up to [`SMALL`] pixels.
pub(super) fn take_small(options: &mut Options, image: Image, classes: u32) -> Result<(Image, u32), MutateError> {
    let (image, classes) = take(options, image, classes)?;
    if image.sides().1 > SMALL {
        let reason = format!(
            "is too large: the network was made for 32 pixels, its stem keeps the size, and it takes sides of up to {SMALL}; \
             resize the images, or use `darts` or `proxyless`, which have a form for ImageNet"
        );
        return Err(options.refuse("image", &image.to_string(), reason).into());
    }
    Ok((image, classes))
}

/// Takes the option `classes`.
pub(super) fn classes(options: &mut Options, classes: u32) -> Result<u32, MutateError> {
    Ok(options.take_in("classes", classes, 1, 100_000)?)
}

#[cfg(test)]
mod tests {
    use super::super::build;

    /// Every space whose networks take images; DARTS' without a head, which needs larger ones.
    fn for_images() -> impl Iterator<Item = &'static str> {
        let names = super::super::SPACES.iter().filter(|s| s.options.contains("image=")).map(|s| s.name);
        names.map(|name| if name == "darts" { "darts:layers=3,auxiliary=false" } else { name })
    }

    #[test]
    fn every_space_is_built_for_given_images() {
        for text in for_images() {
            let joint = if text.contains(':') { ',' } else { ':' };
            let space = build(&format!("{text}{joint}image=1x8x8,classes=7")).expect(text);
            let program = space.program(&space.default_sample().expect("a sample")).expect("a network");
            let main = program.main();
            assert_eq!(main.types[main.inputs[0] as usize].to_string(), "f32[N, 1, 8, 8]", "{text}");
            assert_eq!(main.types[main.outputs[0] as usize].to_string(), "f32[N, 7]", "{text}");
        }
        let head = build("darts:layers=3,image=3x64x64,classes=7").expect("a head fits");
        let program = head.program(&head.default_sample().expect("a sample")).expect("a network");
        let main = program.main();
        assert_eq!(main.types[main.outputs[1] as usize].to_string(), "f32[N, 7]");
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let joint = |name: &str| format!("{name}{}", if name.contains(':') { ',' } else { ':' });
        for name in for_images().filter(|name| !["toy", "proxyless"].contains(name)) {
            let error = build(&format!("{}image=3x96x96", joint(name))).expect_err(name).to_string();
            assert!(error.contains("64") && error.lines().count() == 1, "{error}");
        }
        for (text, part) in [
            ("image=3x224x96", "is for neither of its networks"),
            ("image=3x65x65", "CIFAR's takes sides of up to 64 pixels, ImageNet's from 128"),
            ("image=3x32x30", "multiples of 4"),
            ("image=3x225x225", "multiples of 32"),
            ("image=3x28x28", "too small for the auxiliary head, which needs 32; add auxiliary=false"),
            ("image=3x192x192", "too small for the auxiliary head, which needs 224; add auxiliary=false"),
        ] {
            let error = build(&format!("darts:{text}")).expect_err(text).to_string();
            assert!(error.starts_with(&format!("`darts`: {text} ")) && error.contains(part), "{error}");
        }
        for (text, part) in [("image=8x8", "CHANNELSxHEIGHTxWIDTH"), ("image=1x0x8", "1..="), ("classes=0", "1..=")] {
            let error = build(&format!("toy:{text}")).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
