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
}

/// Lists the spaces.
pub fn spaces(args: &ListArgs) -> Result<(), Failure> {
    components(args, SPACES.iter().map(|e| Line { name: e.name, summary: e.summary, options: e.options.to_owned() }))
}

/// Lists the strategies.
pub fn strategies(args: &ListArgs) -> Result<(), Failure> {
    components(
        args,
        STRATEGIES
            .iter()
            .map(|e| Line { name: e.name, summary: e.summary, options: format!("{},dedup=false", e.options) })
            .chain(ONE_SHOT.iter().map(|e| Line { name: e.name, summary: e.summary, options: e.options.to_owned() })),
    )
}

/// Lists the evaluators.
pub fn evaluators(args: &ListArgs) -> Result<(), Failure> {
    components(
        args,
        EVALUATORS.iter().map(|e| Line { name: e.name, summary: e.summary, options: e.options.to_owned() }),
    )
}

fn components(args: &ListArgs, lines: impl Iterator<Item = Line>) -> Result<(), Failure> {
    if args.json {
        let list: Vec<_> =
            lines.map(|l| json!({"name": l.name, "summary": l.summary, "options": options(&l.options)})).collect();
        return output::print(&pretty(&list)?);
    }
    let mut grid = Grid::words(2);
    for l in lines {
        let options = if l.options.is_empty() { String::new() } else { format!(" [{}]", l.options) };
        grid.row([l.name.to_owned(), format!("{}{options}", l.summary)]);
    }
    output::print(&grid.to_string())
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
