//! Packs the NAS-Bench tables that are not embedded as they came.
//!
//! `cargo run -p lanista-evaluators --example pack_tables -- [SOURCES [DESTINATION]]` reads the
//! CSV files in SOURCES (`../shared/data`) and writes to DESTINATION (`evaluators/data`):
//!
//! - `nasbench101.csv.gz`, `nasbench101_pool.csv.gz`: cells in canonical numbering, sorted by
//!   code, with the benchmark's numbering where channels depend on it;
//! - `nasbench201_naslib_params.csv.gz`: the parameters of NAS-Bench-201 networks;
//! - `nasbench201_zero_cost.csv.gz`: published zero-cost proxies of NAS-Bench-201 networks on
//!   CIFAR-10, which is not embedded: tests and the example `zero_cost` read it.
//!
//! Numbers are copied as they are written. The output depends on the input alone (and on the
//! compressor's release), so its SHA-256, which is printed, goes into the source.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use mutators::nasbench101::{CellSpec, Op101};
use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let sources = arguments.next().unwrap_or_else(|| here.join("../../shared/data"));
    let destination = arguments.next().unwrap_or_else(|| here.join("data"));

    let full = cells(&sources.join("nasbench101_test108.csv.gz"), &["params", "test_acc"])?;
    write(&destination.join("nasbench101.csv.gz"), "n,adj,ops,order,params,test_acc", &full)?;

    let pool = cells(
        &sources.join("nasbench101_20k_val_4_12_36_108.csv.gz"),
        &["params", "4_val_acc", "12_val_acc", "36_val_acc", "108_val_acc", "train_time_108_s", "test_acc_108_mean"],
    )?;
    write(
        &destination.join("nasbench101_pool.csv.gz"),
        "n,adj,ops,order,params,val_acc_4,val_acc_12,val_acc_36,val_acc_108,train_time_108_s,test_acc",
        &pool,
    )?;

    let params = naslib_params(&sources.join("naslib_zerocost_subset.csv.gz"))?;
    write(&destination.join("nasbench201_naslib_params.csv.gz"), "index,dataset,params_m", &params)?;

    let header = format!("index,{},{}", FULL.join(","), SUBSET.join(","));
    write(&destination.join("nasbench201_zero_cost.csv.gz"), &header, &zero_cost(&sources)?)
}

/// Columns of all architectures: two of FreeREA's, one of NASLib's.
const FULL: [&str; 3] = ["synflow", "naswot", "zen"];
/// Columns of the architectures that NASLib's subset holds.
const SUBSET: [&str; 8] = ["nwot", "jacov", "grad_norm", "snip", "fisher", "grasp", "plain", "l2_norm"];

/// Lines of an index and the columns above, by index; empty fields where NASLib's subset lacks the architecture.
fn zero_cost(sources: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut naslib = std::collections::HashMap::new();
    let columns = [&["space", "dataset", "nb201_index"][..], &SUBSET].concat();
    read(&sources.join("naslib_zerocost_subset.csv.gz"), &columns, |fields| {
        if let ["nasbench201", "cifar10", index, scores @ ..] = fields {
            naslib.insert((*index).to_owned(), scores.join(","));
        }
        Ok(())
    })?;
    let absent = ",".repeat(SUBSET.len() - 1);
    let mut lines = Vec::new();
    let columns = FULL.map(|name| format!("c10_{name}"));
    let columns = [&["index"][..], &columns.each_ref().map(String::as_str)].concat();
    read(&sources.join("nb201_zerocost_full.csv.gz"), &columns, |fields| {
        let other = naslib.get(fields[0]).unwrap_or(&absent);
        lines.push((fields[0].parse::<u32>()?, format!("{},{other}", fields.join(","))));
        Ok(())
    })?;
    lines.sort();
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

/// Calls `row` with the named fields of each record of a gzip CSV file.
fn read(
    path: &Path,
    columns: &[&str],
    mut row: impl FnMut(&[&str]) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut reader = csv::Reader::from_reader(GzDecoder::new(bytes.as_slice()));
    let header = reader.headers()?;
    let mut places = Vec::new();
    for column in columns {
        let place = header.iter().position(|name| name == *column);
        places.push(place.ok_or_else(|| format!("{}: no column {column}", path.display()))?);
    }
    for record in reader.records() {
        let record = record?;
        let fields: Vec<&str> = places.iter().map(|&place| &record[place]).collect();
        row(&fields)?;
    }
    Ok(())
}

/// Lines `n,adj,ops,order,` and the named columns, by code.
fn cells(path: &Path, columns: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut lines = Vec::new();
    read(path, &[&["n", "adj", "ops"], columns].concat(), |fields| {
        let [n, adj, ops, values @ ..] = fields else {
            return Err("the columns of the cell are missing".into());
        };
        let ops: Option<Vec<Op101>> = ops.bytes().map(|digit| Op101::from_digit(digit.wrapping_sub(b'0'))).collect();
        let ops = ops.ok_or("an operation is not 0, 1 or 2")?;
        let cell = CellSpec::new(n.parse()?, adj.parse()?, &ops)?;
        let (canonical, order) = canonical_and_order(&cell).ok_or("an order is not topological")?;
        let mut line = format!("{},{},", canonical.n(), canonical.adj());
        for op in canonical.ops() {
            write!(line, "{}", op.digit())?;
        }
        write!(line, ",{order},{}", values.join(","))?;
        lines.push((canonical.packed(), line));
        Ok(())
    })?;
    lines.sort();
    if lines.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("{}: two rows have isomorphic cells", path.display()).into());
    }
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

/// The canonical numbering, and the order that takes it back to `cell`'s own: empty when the
/// channels of all vertices are the same in both.
fn canonical_and_order(cell: &CellSpec) -> Option<(CellSpec, String)> {
    let order = cell.canonical_order();
    let canonical = cell.renumber(&order)?;
    let same = [128, 256, 512].into_iter().all(|output| {
        let own = cell.channels(128, output);
        let new = canonical.channels(128, output);
        order.iter().zip(&new[1..]).all(|(&v, &channels)| own[v] == channels)
    });
    let mut digits = String::new();
    if !same {
        for v in 1..cell.n() - 1 {
            let place = order.iter().position(|&o| o == v)?;
            write!(digits, "{}", place + 1).ok()?;
        }
    }
    Some((canonical, digits))
}

/// Lines `index,dataset,params_m` of the NAS-Bench-201 rows, by index and dataset.
fn naslib_params(path: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut lines = Vec::new();
    read(path, &["space", "dataset", "nb201_index", "params"], |fields| {
        if let ["nasbench201", dataset, index, params] = fields {
            let dataset = dataset.to_lowercase();
            let index: u32 = index.parse()?;
            let line = format!("{index},{dataset},{params}");
            lines.push((index, dataset, line));
        }
        Ok(())
    })?;
    lines.sort();
    Ok(lines.into_iter().map(|(_, _, line)| line).collect())
}

/// Writes the lines as a gzip file without a time stamp, and says what was written.
fn write(path: &Path, header: &str, lines: &[String]) -> Result<(), Box<dyn Error>> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    writeln!(encoder, "{header}")?;
    for line in lines {
        writeln!(encoder, "{line}")?;
    }
    let bytes = encoder.finish()?;
    let mut sha256 = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(sha256, "{byte:02x}")?;
    }
    fs::write(path, &bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    eprintln!("{} rows, {} bytes, {sha256}  {}", lines.len(), bytes.len(), path.display());
    Ok(())
}
