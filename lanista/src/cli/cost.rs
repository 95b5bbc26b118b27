//! `cost`: parameters, and operations by the field's counting conventions.

use super::args::CostArgs;
use super::failure::Failure;
use super::grid::{Align, Grid, thousands};
use super::list::pretty;
use super::output;
use super::source::Source;
use ir::Convention;
use serde_json::{Map, Value, json};

/// Prints the cost of a network, or of a supernet with all its candidates.
pub fn cost(args: &CostArgs) -> Result<(), Failure> {
    let source = Source::load(&args.target)?;
    let sample = source.select(&args.selection)?;
    let program = source.program(sample.as_ref())?;
    let conventions = args.convention.map_or(Convention::ALL.to_vec(), |c| vec![c]);
    let counts: Vec<(Convention, ir::cost::Cost)> = conventions.into_iter().map(|c| (c, program.cost(c))).collect();
    let params = counts[0].1.params;
    let supernet = sample.is_none() && !source.is_decided();
    if args.json {
        let macs: Map<String, Value> = counts.iter().map(|(c, n)| (c.to_string(), n.macs.into())).collect();
        let sample = sample.map(|s| s.to_string());
        return output::print(&pretty(
            &json!({"target": args.target, "sample": sample, "supernet": supernet, "params": params, "macs": macs}),
        )?);
    }
    let mut grid = Grid::new([Align::Left, Align::Right]);
    grid.row(["params".to_owned(), thousands(params)]);
    for (convention, n) in counts {
        grid.row([format!("MACs ({convention})"), thousands(n.macs)]);
    }
    let note = if supernet {
        "Of the supernet: every candidate of every choice counts, and open numbers are at their greatest.\n"
    } else {
        ""
    };
    output::print(&format!("{grid}{note}"))
}
