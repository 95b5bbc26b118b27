//! `data`: the data sets that have a name.

use super::args::{DataCommand, PlacesArgs};
use super::failure::Failure;
use super::grid::{Align, Grid, thousands};
use super::list::pretty;
use super::output;
use super::progress::Downloading;
use evaluators::data::{self, Contents, DATASETS, Entry, Places, Source};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Lists the data sets, or downloads one.
pub fn data(command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::List { list, places } => self::list(&places.places(), list.json),
        DataCommand::Fetch { name, places, quiet } => fetch(name, &places.places(), *quiet),
    }
}

impl PlacesArgs {
    /// Where data sets are looked for.
    pub fn places(&self) -> Places {
        Places::standard(self.data_dir.as_deref())
    }
}

/// Where a data set is.
enum Place {
    Embedded,
    Folder(PathBuf),
    Nowhere,
}

fn place(entry: &Entry, places: &Places) -> Place {
    match places.find(entry) {
        Some(folder) => Place::Folder(folder),
        None if entry.downloads.is_empty() => Place::Embedded,
        None => Place::Nowhere,
    }
}

fn list(places: &Places, json: bool) -> Result<(), Failure> {
    if json {
        let list: Vec<Value> = DATASETS.iter().map(|e| described(e, places)).collect();
        return output::print(&pretty(&list)?);
    }
    let mut grid = Grid::new([
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Left,
        Align::Right,
        Align::Left,
        Align::Left,
        Align::Left,
    ]);
    for e in DATASETS {
        let [kind, images, shape, classes] = match e.contents {
            Contents::Images { shape: [c, h, w], classes, train, test } => [
                "images".to_owned(),
                format!("{} + {}", thousands(train as u64), thousands(test as u64)),
                format!("{c}x{h}x{w}"),
                format!("{classes} classes"),
            ],
            Contents::Text => ["text".to_owned(), String::new(), String::new(), String::new()],
        };
        let place = match place(e, places) {
            Place::Embedded => "embedded".to_owned(),
            Place::Folder(folder) => folder.display().to_string(),
            Place::Nowhere => "not here".to_owned(),
        };
        grid.row([e.name.to_owned(), kind, images, shape, classes, place, e.licence.to_owned(), e.summary.to_owned()]);
    }
    output::print(&grid.to_string())
}

fn described(e: &Entry, places: &Places) -> Value {
    let found = place(e, places);
    let mut value = json!({
        "name": e.name, "summary": e.summary, "licence": e.licence, "source": e.source,
        "embedded": matches!(found, Place::Embedded),
        "folder": match found { Place::Folder(folder) => Some(folder.display().to_string()), _ => None },
        "bytes": e.downloads.iter().map(|d| d.bytes).sum::<u64>(),
    });
    let contents = match e.contents {
        Contents::Images { shape, classes, train, test } => {
            json!({"kind": "images", "shape": shape, "classes": classes, "train": train, "test": test})
        }
        Contents::Text => json!({"kind": "text"}),
    };
    if let (Some(value), Value::Object(contents)) = (value.as_object_mut(), contents) {
        value.extend(contents);
    }
    value
}

fn fetch(name: &str, places: &Places, quiet: bool) -> Result<(), Failure> {
    let Source::Known(entry) = name.parse()? else {
        return Err(Failure::usage(format!(
            "`{name}` is on this machine; only data sets that have a name are fetched"
        )));
    };
    let mut shown = Downloading::new(quiet, entry.downloads.iter().map(|d| d.bytes).sum());
    let fetched = data::fetch(entry, places, &mut |t| shown.tell(&t));
    shown.finish();
    let fetched = fetched?;
    let what = match (fetched.downloaded, fetched.present) {
        (0, n) => format!("all {n} files were there, with the right checksums"),
        (n, 0) => format!("{n} downloaded, with the right checksums"),
        (n, m) => format!("{n} downloaded, {m} were there, all with the right checksums"),
    };
    output::print(&format!("{}: {what}\n{}\n", fetched.folder.display(), terms(entry)))
}

/// What whoever uses the data should know.
fn terms(entry: &Entry) -> String {
    format!("{}: licence {}; {}", entry.name, entry.licence, entry.source)
}
