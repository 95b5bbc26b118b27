//! `show` and `hash`.

use super::args::{Format, HashArgs, ShowArgs};
use super::failure::Failure;
use super::output;
use super::shim::Shim as _;
use super::source::Source;

/// Shows a space or a network.
pub fn show(args: &ShowArgs) -> Result<(), Failure> {
    let source = Source::load(&args.target)?;
    let sample = source.select(&args.selection)?;
    let module = source.module(sample.as_ref())?;
    let text = match args.format {
        Format::Text => module.to_string(),
        Format::Json => module.to_json(),
        Format::Dot => module.to_dot(),
        Format::Svg => module.to_svg(),
    };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    output::print_to(args.output.as_deref(), &format!("{text}{end}"))
}

/// Prints the canonical hash of a network, or of a supernet.
pub fn hash(args: &HashArgs) -> Result<(), Failure> {
    let source = Source::load(&args.target)?;
    let sample = source.select(&args.selection)?;
    output::print(&format!("{}\n", source.program(sample.as_ref())?.hash()))
}
