//! `show`, `cost`, `hash`, `verify`, `table`.

use super::support::{command, folder, golden, ok, run, tests};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const ALL_3X3: &str = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
const DARTS_V1: &str = "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), \
    ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], \
    normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), \
    ('max_pool_3x3', 0), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], \
    reduce_concat=range(2, 6))";

fn cost(args: &[&str]) -> serde_json::Value {
    let args: Vec<&str> = ["cost", "--json"].iter().chain(args).copied().collect();
    serde_json::from_str(&ok(&tests(), &args)).expect("JSON")
}

#[test]
fn published_costs() {
    let all = cost(&["nasbench201", "--genotype", ALL_3X3]);
    assert_eq!((&all["params"], &all["macs"]["nasbench"]), (&1_531_546.into(), &220_119_690.into()));
    let v1 = cost(&["darts:channels=36,layers=20,auxiliary=false", "--genotype", DARTS_V1]);
    assert_eq!((&v1["params"], &v1["macs"]["nasbench"]), (&3_169_414.into(), &500_987_530.into()));
    let supernet = cost(&["darts:network=search"]);
    assert_eq!((&supernet["params"], &supernet["macs"]["nasbench"]), (&1_930_618.into(), &300_255_754.into()));
    assert_eq!(supernet["supernet"], true);
    let one = cost(&["toy", "--random", "0", "--convention", "thop"]);
    assert_eq!(one["macs"].as_object().map(serde_json::Map::len), Some(1));
    golden("cost.txt", &ok(&tests(), &["cost", "nasbench201", "--genotype", ALL_3X3]));
}

#[test]
fn a_sample_and_its_genotype_are_one_network() {
    let sample =
        "e01=nor_conv_3x3,e02=nor_conv_3x3,e12=nor_conv_3x3,e03=nor_conv_3x3,e13=nor_conv_3x3,e23=nor_conv_3x3";
    let by_sample = ok(&tests(), &["hash", "nasbench201", "--sample", sample]);
    assert_eq!(by_sample, ok(&tests(), &["hash", "nasbench201", "--genotype", ALL_3X3]));
    assert_eq!(by_sample.len(), 33, "32 digits and a line break");
}

#[test]
fn what_is_shown_is_read_back() {
    let folder = folder();
    for space in ["toy", "darts:channels=4,layers=6", "nasbench201"] {
        let lir = folder.path().join("net.lir");
        let json = folder.path().join("net.json");
        for selection in [&[][..], &["--random", "5"][..]] {
            let show = |extra: &[&str]| {
                let args: Vec<&str> = ["show", space].iter().chain(selection).chain(extra).copied().collect();
                ok(folder.path(), &args)
            };
            show(&["--output", "net.lir"]);
            show(&["--format", "json", "--output", "net.json"]);
            let text = std::fs::read_to_string(&lir).expect("written");
            assert_eq!(ok(folder.path(), &["show", "net.lir"]), text);
            assert_eq!(ok(folder.path(), &["show", "./net.json"]), text);
            assert_eq!(
                std::fs::read_to_string(&json).expect("written"),
                ok(folder.path(), &["show", "net.lir", "--format", "json"])
            );
            assert_eq!(
                ok(folder.path(), &["hash", "net.lir"]),
                ok(folder.path(), &[&["hash", space][..], selection].concat()),
                "{space}"
            );
            let verified = ok(folder.path(), &["verify", "net.lir", "net.json"]);
            assert_eq!(verified.lines().count(), 2, "{verified}");
            assert!(verified.contains("is sound"), "{verified}");
        }
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).expect("there").map(|e| e.expect("there").file_name()).collect();
    assert_eq!(left.len(), 2, "no temporary file is left: {left:?}");
}

#[test]
fn drawings() {
    let svg = ok(&tests(), &["show", "nasbench201", "--random", "1", "--format", "svg"]);
    assert!(svg.starts_with("<svg") && svg.contains("</svg>"));
    let cell = "|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|skip_connect~0|none~1|none~2|";
    for format in ["svg", "dot"] {
        let text = ok(&tests(), &["show", "nasbench201", "--genotype", cell, "--format", format]);
        for op in ["nor_conv_1x1", "nor_conv_3x3"] {
            assert!(text.contains(op), "an operation has the name of the choice: {op} in {text}");
        }
        let open = ok(&tests(), &["show", "nasbench201", "--format", format]);
        assert!(open.contains("e01"), "an open choice has the name of its decision");
    }
}

/// The texts of a drawing, in SVG or DOT, without its style and geometry.
fn words(drawing: &str) -> String {
    let svg = drawing.split("<text").skip(1).filter_map(|t| t.split_once('>')?.1.split_once("</text>")).map(|(t, _)| t);
    let dot = drawing.lines().filter_map(|l| l.split_once("label=")).map(|(_, label)| label);
    if drawing.starts_with("<svg") { svg.collect::<Vec<_>>().join("\n") } else { dot.collect::<Vec<_>>().join("\n") }
}

/// What a sample decides is a number in its drawing, in every space.
#[test]
fn drawings_of_networks_leave_nothing_open() {
    for space in [
        "toy",
        "darts",
        "enas-macro",
        "enas-micro",
        "nasbench101",
        "nasbench201",
        "natsbench-size",
        "proxyless",
        "recurrent:steps=5",
    ] {
        for format in ["svg", "dot"] {
            let text = words(&ok(&tests(), &["show", space, "--random", "3", "--format", format]));
            assert!(!text.is_empty() && !text.contains('?'), "{space}, {format}: {text}");
        }
    }
    let toy = words(&ok(&tests(), &["show", "toy", "--sample", "op=conv1x1,width=24,skip=0", "--format", "svg"]));
    assert!(toy.contains("c=24, k=3") && toy.contains("[N, 24, 16, 16]"), "{toy}");
    let open = words(&ok(&tests(), &["show", "toy", "--format", "svg"]));
    assert!(open.contains("[N, ?width, 16, 16]") && open.contains("?width in [8, 16, 24, 32]"), "{open}");
    assert!(!open.contains("[N, 8,"), "a default is no fixed shape: {open}");
}

#[test]
fn a_drawing_has_its_whole_title() {
    let cell = "|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|";
    for alone in [&[][..], &["--graph", "cell"]] {
        let args = [&["show", "nasbench201", "--genotype", cell, "--format", "svg"][..], alone].concat();
        let svg = ok(&tests(), &args);
        let lines = svg.lines().filter(|l| l.contains("\"heading left\"")).map(|l| words(&format!("<svg>{l}")));
        assert_eq!(lines.collect::<String>(), cell);
    }
}

/// A network of 20 cells is drawn with each kind of cell, and each kind of step, once.
#[test]
fn one_graph_is_drawn_alone() {
    let whole = ok(&tests(), &["show", "darts", "--random", "1", "--format", "svg"]);
    let height = |svg: &str| {
        let (_, rest) = svg.split_once(" height=\"").expect("has a height");
        rest.split_once('"').expect("ends").0.parse::<f64>().expect("a number")
    };
    assert!(height(&whole) < 2600.0, "{}", height(&whole));
    assert_eq!(words(&whole).matches("normal step ×").count(), 3);
    assert_eq!(words(&whole).matches("normal step&lt;c&gt;").count(), 1);
    let cell = ok(&tests(), &["show", "darts", "--random", "1", "--format", "svg", "--graph", "normal"]);
    assert!(height(&cell) < 500.0 && !words(&cell).contains("main"), "{cell}");
    let dot = ok(&tests(), &["show", "darts", "--random", "1", "--format", "dot", "--graph", "reduce"]);
    assert_eq!(dot.matches("subgraph").count(), 1);
    let unknown = run(&["show", "darts", "--random", "1", "--format", "svg", "--graph", "norm"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (2, ""));
    assert!(
        unknown.err.contains("no graph called `norm`") && unknown.err.contains("main, normal, reduce"),
        "{}",
        unknown.err
    );
    let text = run(&["show", "darts", "--graph", "normal"]);
    assert_eq!(text.code, 2);
    assert!(text.err.contains("--format svg or dot"), "{}", text.err);
}

#[test]
fn tables_are_checked() {
    let text = ok(&tests(), &["table", "verify", "nasbench201-latency"]);
    assert!(text.contains("rows 15625") && text.contains("no record disagrees"), "{text}");
    let file = tests().join("../../evaluators/data/nb201_latency_help.csv.gz");
    let file = file.to_str().expect("UTF-8");
    let text = ok(&tests(), &["table", "verify", "nasbench201-latency", "--table-file", file]);
    assert!(text.contains("is table `nasbench201-latency`"), "{text}");
}

#[test]
fn a_closed_pipe_is_no_error() {
    for args in [&["ops"][..], &["show", "darts"], &["table", "list"], &["--help"]] {
        let mut child = command(&tests(), args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
        let mut line = String::new();
        // The reader is dropped, and the pipe closed, after one line.
        BufReader::with_capacity(16, child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let done = child.wait_with_output().expect("it ends");
        let err = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!err.contains("panic") && !err.contains("error"), "{args:?}: {err}");
        assert_eq!(done.status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_pipe_or_device_is_written_as_it_is() {
    if cfg!(unix) {
        let run = run(&["show", "toy", "--output", "/dev/null"]);
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        assert!(std::fs::metadata("/dev/null").is_ok_and(|m| !m.is_file()));
    }
}
