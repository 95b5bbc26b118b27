//! `spaces`, `strategies`, `evaluators`, `ops`: a line each.

use super::args::ListArgs;
use super::failure::Failure;
use super::grid::Grid;
use super::output;
use super::visible;
use evaluators::EVALUATORS;
use ir::OpRegistry;
use mutators::spaces::SPACES;
use serde_json::json;
use strategies::{ONE_SHOT, STRATEGIES};

/// Something with a name, a summary, and options with defaults.
struct Line {
    name: &'static str,
    summary: &'static str,
    options: String,
    needs_torch: bool,
}

impl Line {
    fn of(name: &'static str, summary: &'static str, options: &str, needs_torch: bool) -> Self {
        Self { name, summary, options: options.to_owned(), needs_torch }
    }
}

/// Lists the spaces.
pub fn spaces(args: &ListArgs) -> Result<(), Failure> {
    components(args, SPACES.iter().map(|e| Line::of(e.name, e.summary, e.options, false)))
}

/// Lists the strategies.
pub fn strategies(args: &ListArgs) -> Result<(), Failure> {
    components(
        args,
        STRATEGIES
            .iter()
            .map(|e| Line::of(e.name, e.summary, &format!("{},dedup=false", e.options), e.needs_torch))
            .chain(ONE_SHOT.iter().map(|e| Line::of(e.name, e.summary, e.options, true))),
    )
}

/// Lists the evaluators.
pub fn evaluators(args: &ListArgs) -> Result<(), Failure> {
    components(args, EVALUATORS.iter().map(|e| Line::of(e.name, e.summary, e.options, e.needs_torch)))
}

fn components(args: &ListArgs, lines: impl Iterator<Item = Line>) -> Result<(), Failure> {
    if args.json {
        let one = |l: Line| {
            let Line { name, summary, needs_torch, .. } = l;
            json!({"name": name, "summary": summary, "options": options(&l.options), "needs_torch": needs_torch})
        };
        return output::print(&pretty(&lines.map(one).collect::<Vec<_>>())?);
    }
    let lines: Vec<Line> = lines.collect();
    let marks = lines.iter().any(|l| l.needs_torch);
    let mut grid = Grid::words(if marks { 3 } else { 2 });
    for l in &lines {
        let options = if l.options.is_empty() { String::new() } else { format!(" [{}]", l.options) };
        let text = format!("{}{options}", l.summary);
        match marks {
            true => grid.row([l.name, if l.needs_torch { "torch" } else { "" }, &text]),
            false => grid.row([l.name, &text]),
        }
    }
    output::print(&grid.to_string())?;
    if marks && cfg!(not(feature = "torch")) {
        output::note(
            "what is marked `torch` needs libtorch, which this program was built without; run `make setup-torch`, and \
             build with `cargo build --features torch`",
        );
    }
    Ok(())
}

/// `channels=16, dataset=cifar10|cifar100` as names with defaults, and with choices where those are listed.
fn options(text: &str) -> Vec<serde_json::Value> {
    let pairs = text.split(',').filter_map(|pair| pair.trim().split_once('='));
    pairs
        .map(|(name, values)| {
            let choices: Vec<&str> = values.split('|').collect();
            match choices[..] {
                [default] => json!({"name": name, "default": default}),
                _ => json!({"name": name, "default": choices[0], "choices": choices}),
            }
        })
        .collect()
}

/// Lists the ops with their attributes; those without a question mark are required.
pub fn ops(args: &ListArgs) -> Result<(), Failure> {
    let kinds = OpRegistry::default().kinds();
    if args.json {
        let list: Vec<_> = kinds
            .iter()
            .map(|k| {
                let attrs: Vec<_> = k.attrs().iter().map(|a| json!({"name": a.name, "required": a.required})).collect();
                json!({"name": k.name(), "summary": k.summary(), "attributes": attrs})
            })
            .collect();
        return output::print(&pretty(&list)?);
    }
    let mut grid = Grid::words(3);
    for k in &kinds {
        let attrs: Vec<String> =
            k.attrs().iter().map(|a| if a.required { a.name.to_owned() } else { format!("{}?", a.name) }).collect();
        let attrs = if attrs.is_empty() { String::new() } else { format!("{{{}}}", attrs.join(", ")) };
        grid.row([k.name().to_owned(), attrs, k.summary().to_owned()]);
    }
    output::print(&grid.to_string())
}

/// JSON as the command line prints it: indented, with a final line break.
pub fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|e| Failure::usage(format!("cannot be written as JSON: {e}")))?;
    Ok(visible::json(&text) + "\n")
}
