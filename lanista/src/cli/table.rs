//! `table`: the embedded benchmark tables.

use super::args::{ListArgs, TableCommand};
use super::failure::Failure;
use super::grid::{Align, Grid, thousands};
use super::list::pretty;
use super::output;
use super::progress::Counted;
use evaluators::table::{FILES, TableFile};
use serde_json::json;
use std::path::Path;

/// Lists the tables, or checks one.
pub fn table(command: TableCommand) -> Result<(), Failure> {
    match command {
        TableCommand::List(args) => list(&args),
        TableCommand::Verify { name, table_file: Some(path) } => verify_file(&name, &path),
        TableCommand::Verify { name, table_file: None } => verify(&name),
    }
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    if args.json {
        let list: Vec<_> = FILES
            .iter()
            .map(|f| {
                json!({
                    "name": f.name, "file": f.file, "rows": f.rows, "bytes": f.bytes.len(), "sha256": f.sha256,
                    "licence": f.licence, "source": f.source,
                })
            })
            .collect();
        return output::print(&pretty(&list)?);
    }
    let mut grid = Grid::new([Align::Left, Align::Right, Align::Left, Align::Left]);
    for f in FILES {
        grid.row([f.name.to_owned(), format!("{} rows", thousands(f.rows as u64)), f.licence.into(), f.source.into()]);
    }
    output::print(&grid.to_string())
}

/// Checks the embedded table against its checksum, its row count, and what the networks' own graphs count.
fn verify(name: &str) -> Result<(), Failure> {
    let shown = Counted::new("networks");
    let report = evaluators::verify_table(name, &|done, of| shown.tell(done, of))?;
    output::print(&format!("{report}\n"))?;
    match report.agrees() {
        true => Ok(()),
        false => Err(Failure::search(format!("table `{name}`: records disagree, see the list"))),
    }
}

/// Checks that a file is the table, to the last bit.
fn verify_file(name: &str, path: &Path) -> Result<(), Failure> {
    let file: Option<&TableFile> = FILES.iter().find(|f| f.name == name).copied();
    let Some(file) = file else {
        let near = ir::text::nearest(name, FILES.iter().map(|f| f.name));
        let hint = ir::text::did_you_mean(near.as_deref());
        let known: Vec<&str> = FILES.iter().map(|f| f.name).collect();
        return Err(Failure::usage(format!("no table is called `{name}`{hint}; there are {}", known.join(", "))));
    };
    file.verify_path(path).map_err(Failure::usage)?;
    output::print(&format!(
        "{}: is table `{name}`: {} rows, SHA-256 {}\n",
        path.display(),
        thousands(file.rows as u64),
        file.sha256
    ))
}
