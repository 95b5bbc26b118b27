//! From a drawing to pixels: TensorBoard shows no SVG.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use std::sync::{Arc, OnceLock};

/// No longer side than this, in pixels.
const LARGEST: f32 = 4096.0;
/// Pixels per unit of the drawing.
const SCALE: f32 = 1.5;

/// A picture in PNG form.
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub png: Vec<u8>,
}

/// Fonts that come along, so that a machine without fonts draws the same.
fn options() -> &'static Options<'static> {
    static OPTIONS: OnceLock<Options<'static>> = OnceLock::new();
    let make = || {
        let mut options = Options { font_family: "Ubuntu".to_owned(), ..Options::default() };
        let fonts = Arc::make_mut(&mut options.fontdb);
        fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        // For the arrows, which the first one lacks.
        fonts.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
        let family = fonts.faces().next().and_then(|f| f.families.first()).map(|(name, _)| name.clone());
        if let Some(family) = family {
            fonts.set_sans_serif_family(family.clone());
            options.font_family = family;
        }
        options
    };
    OPTIONS.get_or_init(make)
}

/// Renders a drawing on white.
pub fn render(svg: &str) -> Result<Picture, String> {
    let tree = Tree::from_str(svg, options()).map_err(|e| format!("the drawing cannot be read: {e}"))?;
    let size = tree.size();
    let scale = SCALE.min(LARGEST / size.width().max(size.height()));
    let pixels = |side: f32| (side * scale).ceil().max(1.0) as u32;
    let (width, height) = (pixels(size.width()), pixels(size.height()));
    let mut map = Pixmap::new(width, height).ok_or("the drawing is too large")?;
    map.fill(resvg::tiny_skia::Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut map.as_mut());
    let png = map.encode_png().map_err(|e| format!("the picture cannot be encoded: {e}"))?;
    Ok(Picture { width, height, png })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters leave ink: the font is found.
    #[test]
    fn text_is_drawn() {
        let svg = |text: &str| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"20\"><text x=\"2\" y=\"15\" \
                 font-family=\"Helvetica,sans-serif\" font-size=\"14\">{text}</text></svg>"
            )
        };
        let ink = |text: &str| {
            let picture = render(&svg(text)).expect("is drawn");
            assert_eq!((picture.width, picture.height), (120, 30));
            let map = Pixmap::decode_png(&picture.png).expect("is a PNG");
            map.pixels().iter().filter(|p| p.red() < 128).count()
        };
        assert_eq!(ink(""), 0);
        assert!(ink("conv") > 20, "{}", ink("conv"));
        assert!(ink("conv conv") > ink("conv"));
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        assert!(render("<svg").err().expect("no SVG").starts_with("the drawing cannot be read"));
    }
}
