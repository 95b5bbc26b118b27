//! `show` and `hash`.

use super::args::{Format, HashArgs, ShowArgs};
use super::failure::Failure;
use super::output::{self, Outputs};
use super::source::Source;
use super::visible;
use ir::draw::Drawing;

/// Shows a space or a network.
pub fn show(args: &ShowArgs) -> Result<(), Failure> {
    if args.graph.is_some() && matches!(args.format, Format::Text | Format::Json) {
        let text = "--graph draws one graph alone, and a module is text or JSON as a whole; add --format svg or dot";
        return Err(Failure::usage(text));
    }
    let source = Source::load(&args.target)?;
    let mut outputs = Outputs::default();
    source.register(&mut outputs)?;
    let file = outputs.file("--output", args.output.as_deref())?;
    let sample = source.select(&args.selection)?;
    let module = source.module(sample.as_ref())?;
    let drawing = || {
        let whole = match &sample {
            Some(sample) => source.space.drawing(sample)?,
            None => Drawing::of(&module),
        };
        let Some(name) = &args.graph else { return Ok(whole) };
        let graphs = whole.graphs().join(", ");
        let unknown = || Failure::usage(format!("no graph called `{name}` is drawn here; --graph takes {graphs}"));
        whole.only(name).ok_or_else(unknown)
    };
    let text = match args.format {
        Format::Text => module.to_string(),
        Format::Json => visible::json(&module.to_json()),
        Format::Dot => drawing()?.to_dot(),
        Format::Svg => drawing()?.to_svg(),
    };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let text = format!("{text}{end}");
    match &file {
        Some(file) => file.write(text),
        None => output::print(&text),
    }
}

/// Prints the canonical hash of a network, or of a supernet.
pub fn hash(args: &HashArgs) -> Result<(), Failure> {
    let source = Source::load(&args.target)?;
    let sample = source.select(&args.selection)?;
    output::print(&format!("{}\n", source.program(sample.as_ref())?.hash()))
}
