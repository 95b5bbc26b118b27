//! Bad input: one clear line with place and remedy, exit code 2, nothing written or lost.

use super::support::{folder, ok, refused, run_in};
use std::fs;
use std::path::Path;

fn search<'a>(space: &'a str, strategy: &'a str, evaluator: &'a str) -> Vec<&'a str> {
    vec!["search", space, "--strategy", strategy, "--evaluator", evaluator, "--trials", "3"]
}

#[track_caller]
fn has(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn unknown_names_come_with_the_nearest() {
    let f = folder();
    let r = |args: &[&str]| refused(f.path(), args);
    has(&r(&search("nasbench20l", "random", "cost")), &["nasbench20l", "did you mean `nasbench201`?"]);
    has(&r(&search("toy", "randon", "cost")), &["randon", "did you mean `random`?"]);
    has(&r(&search("toy", "random", "cots")), &["cots", "did you mean `cost`?"]);
    has(&r(&search("darts:chanels=3", "random", "cost")), &["`darts`", "chanels", "did you mean `channels`?"]);
    has(&r(&search("toy", "random:repalce=true", "cost")), &["`random`", "did you mean `replace`?"]);
    has(&r(&search("toy", "random", "cost:metrics=params")), &["`cost`", "did you mean `metric`?"]);
    has(&r(&search("toy", "random", "cost:metric=parms")), &["metric=parms", "did you mean `params`?"]);
    has(&r(&["serch", "toy"]), &["serch", "'search'"]);
    has(&r(&["cost", "toy", "--convention", "thp"]), &["thp", "did you mean `thop`?"]);
    has(&r(&["show", "toy", "--fromat", "svg"]), &["--fromat", "--format"]);
    has(&r(&["table", "verify", "nasbench102"]), &["nasbench102", "did you mean `nasbench101`?"]);
    assert_eq!(fs::read_dir(f.path()).expect("there").count(), 0, "nothing is written");
}

#[test]
fn usage_errors_lead_to_the_help_of_their_command() {
    let f = folder();
    for (args, help) in [
        (&["serch", "toy"][..], "`lanista --help`"),
        (&["search"], "`lanista search --help`"),
        (&["show", "toy", "--fromat", "svg"], "`lanista show --help`"),
        (&["table", "verify"], "`lanista table verify --help`"),
        (&["train", "toy"], "`lanista train --help`"),
    ] {
        let message = refused(f.path(), args);
        assert!(message.ends_with(&format!("see {help}")), "{message}");
    }
    // A file whose name reads like that of a space.
    fs::write(f.path().join("mine"), ok(f.path(), &["show", "toy"])).expect("a file");
    has(&refused(f.path(), &["show", "mine"]), &["mine: is no space, but a file; write ./mine"]);
    ok(f.path(), &["show", "./mine"]);
}

#[test]
fn options_out_of_range() {
    let f = folder();
    let r = |args: &[&str]| refused(f.path(), args);
    has(&r(&search("toy", "regularized-evolution:population=0", "cost")), &["population=0", "lies in 1..="]);
    has(&r(&search("darts:layers=1000", "random", "cost")), &["layers=1000", "lies in 3..=100"]);
    has(&r(&search("darts:layers=many", "random", "cost")), &["layers=many", "cannot be read"]);
    has(&r(&search("nasbench201", "random", "nasbench201:epochs=13")), &["epochs=13", "12, 200"]);
    has(
        &r(&["search", "toy", "--strategy", "random", "--evaluator", "cost", "--trials", "0"]),
        &["--trials", "at least 1"],
    );
    has(
        &r(&["search", "toy", "--strategy", "random", "--evaluator", "cost", "--time-budget", "-1"]),
        &["--time-budget"],
    );
    has(
        &r(&["search", "toy", "--strategy", "random", "--evaluator", "cost", "--trials", "1", "--jobs", "0"]),
        &["--jobs"],
    );
}

#[test]
fn what_a_search_lacks() {
    let f = folder();
    let r = |args: &[&str]| refused(f.path(), args);
    has(&r(&["search", "toy", "--evaluator", "cost", "--trials", "1"]), &["--strategy", "lanista strategies"]);
    has(
        &r(&["search", "nasbench201", "--strategy", "random", "--trials", "1"]),
        &["--evaluator", "nasbench201", "cost"],
    );
    has(&r(&["search", "toy", "--strategy", "random", "--evaluator", "cost"]), &["--trials", "--time-budget"]);
    has(&r(&search("toy", "random", "nasbench201")), &["nasbench201", "toy"]);
}

#[test]
fn flags_against_a_protocol() {
    let f = folder();
    let paper = |extra: &[&str]| {
        let args = [&["search", "nasbench201", "--protocol", "nasbench201-paper"], extra].concat();
        refused(f.path(), &args)
    };
    has(&paper(&["--trials", "3"]), &["--trials", "12000 simulated seconds"]);
    has(&paper(&["--evaluator", "nasbench201"]), &["--evaluator", "epochs=12"]);
    has(&paper(&["--jobs", "2"]), &["--jobs", "one trial at a time"]);
    has(&paper(&["--strategy", "regularized-evolution:population=20"]), &["population=20", "population=10"]);
    has(&refused(f.path(), &["search", "toy", "--protocol", "nasbench201-paper"]), &["`toy`", "nasbench201"]);
    ok(
        f.path(),
        &["search", "nasbench201", "--protocol", "nasbench201-paper", "--strategy", "regularized-evolution:sample=3"],
    );
}

#[test]
fn samples_of_another_space() {
    let f = folder();
    let r = |args: &[&str]| refused(f.path(), args);
    has(&r(&["show", "toy", "--sample", "e01=none"]), &["space `toy`", "`e01`", "op, width, skip"]);
    has(&r(&["show", "toy", "--sample", "op=conv,width=8"]), &["op=conv", "conv1x1"]);
    has(&r(&["show", "toy", "--sample", "op=pool"]), &["width", "add"]);
    has(&r(&["show", "toy", "--sample", "op=pool,op=pool"]), &["op", "twice"]);
    has(&r(&["show", "toy", "--sample", "nonsense"]), &["nonsense", "label=value"]);
    has(&r(&["show", "toy", "--genotype", "|x~0|"]), &["`toy`", "no notation"]);
    has(&r(&["cost", "nasbench201", "--genotype", "|none~0|+|none~0|"]), &["nasbench201"]);
    has(&r(&["show", "toy", "--sample", "op=pool", "--random", "3"]), &["--sample", "--random"]);
}

/// A file, what is wrong with it, and where.
const MALFORMED: &[(&str, &str, &[&str])] = &[
    ("no_brace.lir", "module @m {\n  graph @main(%x: f32[N, 3]) {\n    return %x\n", &["no_brace.lir:", "expected"]),
    (
        "op.lir",
        "module @m {\n  graph @main(%x: f32[N, 3]) {\n    %y = rellu %x\n    return %y\n  }\n}\n",
        &["op.lir:3:10:", "did you mean `relu`?"],
    ),
    (
        "shapes.lir",
        "module @m {\n  graph @main(%x: f32[N, 3, 8, 8]) {\n    %a = conv2d %x {out=4, k=3}\n    %b = add %x, %a\n    return %b\n  }\n}\n",
        &["shapes.lir:4:5:", "%b (add)", "[N, 3, 8, 8]", "[N, 4, 6, 6]"],
    ),
    (
        "cycle.lir",
        "module @m {\n  graph @main(%x: f32[N, 3]) {\n    %a = add %x, %b\n    %b = relu %a\n    return %b\n  }\n}\n",
        &["cycle.lir:", "%a", "%b", "cycle"],
    ),
    (
        "label.lir",
        "module @m {\n  decision ?k in [1, 3]\n  decision ?k in [1, 5]\n  graph @main(%x: f32[N, 3]) {\n    return %x\n  }\n}\n",
        &["label.lir:3:", "?k", "rename"],
    ),
    (
        "node.lir",
        "module @m {\n  graph @main(%x: f32[N, 3]) {\n    %y = relu %x\n    %y = relu %x\n    return %y\n  }\n}\n",
        &["node.lir:4:5:", "`%y`", "twice"],
    ),
    ("json.json", "{\"module\": 3}", &["json.json"]),
    (
        "deep.lir",
        "module @m { constraint ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1",
        &["deep.lir:1:"],
    ),
];

#[test]
fn malformed_modules() {
    let f = folder();
    for (name, text, parts) in MALFORMED {
        fs::write(f.path().join(name), text).expect("a file");
        for command in ["verify", "show", "cost", "hash"] {
            has(&refused(f.path(), &[command, name]), parts);
        }
        has(&refused(f.path(), &search(name, "random", "cost")), parts);
    }
    fs::write(f.path().join("bytes.lir"), b"module @m {\n\xff").expect("a file");
    has(&refused(f.path(), &["verify", "bytes.lir"]), &["bytes.lir:2:", "UTF-8"]);
    has(&refused(f.path(), &["verify", "absent.lir"]), &["absent.lir", "check the path"]);
    has(&refused(f.path(), &["verify", "."]), &[".: cannot be read"]);
    // Every file is checked, and every fault told.
    let run = run_in(f.path(), &["verify", "shapes.lir", "op.lir"]);
    assert_eq!((run.code, run.err.lines().count()), (2, 2), "{}", run.err);
}

#[test]
fn paths_that_cannot_be_written() {
    let f = folder();
    fs::create_dir(f.path().join("folder")).expect("a folder");
    let r = |extra: &[&str]| refused(f.path(), &[&search("toy", "random", "cost")[..], extra].concat());
    has(&r(&["--json", "none/x.json"]), &["--json none/x.json", "the folder does not exist", "create it"]);
    has(&r(&["--json", "folder"]), &["--json folder", "is a folder"]);
    has(&r(&["--journal", "none/x.jsonl"]), &["none/x.jsonl", "cannot create the journal"]);
    has(&r(&["--journal", "folder"]), &["folder", "journal"]);
    has(&r(&["--journal", "same", "--json", "same"]), &["--journal same and --json same are one file; name two"]);
    has(&refused(f.path(), &["show", "toy", "--output", "none/x.svg"]), &["--output none/x.svg", "create it"]);
    has(&refused(f.path(), &["demo", "--output", "/dev/null/x"]), &["--output /dev/null/x"]);
    assert_eq!(fs::read_dir(f.path()).expect("there").count(), 1, "nothing is written");
}

#[test]
fn a_search_that_cannot_start_leaves_no_journal_and_keeps_an_old_one() {
    let f = folder();
    let mut args = search("toy", "random", "nasbench201");
    args.extend(["--journal", "new.jsonl"]);
    refused(f.path(), &args);
    assert!(!f.path().join("new.jsonl").exists());
    fs::write(f.path().join("old.jsonl"), "mine").expect("a file");
    *args.last_mut().expect("not empty") = "old.jsonl";
    refused(f.path(), &args);
    has(
        &refused(f.path(), &[&search("toy", "random", "cost")[..], &["--journal", "old.jsonl"]].concat()),
        &["old.jsonl", "exists already"],
    );
    assert_eq!(fs::read_to_string(f.path().join("old.jsonl")).expect("still there"), "mine");
}

#[test]
fn a_table_with_a_wrong_checksum() {
    let f = folder();
    let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evaluators/data/nasbench201.csv.gz");
    let mut bytes = fs::read(good).expect("the table is in the repository");
    bytes[1000] ^= 1;
    fs::write(f.path().join("bad.csv.gz"), bytes).expect("a file");
    let message = refused(f.path(), &["table", "verify", "nasbench201", "--table-file", "bad.csv.gz"]);
    has(&message, &["table `nasbench201`", "bad.csv.gz has SHA-256", "restore it"]);
    has(
        &refused(f.path(), &["table", "verify", "nasbench201", "--table-file", "absent"]),
        &["absent", "check the path"],
    );
}

#[test]
fn a_failed_search_has_exit_code_1() {
    let f = folder();
    let args =
        ["search", "toy", "--strategy", "random:replace=true", "--evaluator", "cost", "--simulated-budget", "10"];
    let run = run_in(f.path(), &args);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    has(run.err.lines().last().unwrap_or_default(), &["error: the search failed", "no simulated time"]);
}
