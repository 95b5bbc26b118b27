//! Training: what it leaves, and what it refuses.

use super::support::{SMALL, folder, ok, refused, result, run_in};
use codegen::checkpoint::Checkpoint;
use std::collections::BTreeSet;
use std::fs;

const SPACE: &str = "nasbench201:image=1x8x8,channels=2,cells=1";
const SHORT: &str = "train:data=digits,epochs=2,images=100,batch=50,valid=1/10";

fn with_network() -> tempfile::TempDir {
    let f = folder();
    fs::write(f.path().join("small.lir"), SMALL).expect("a file");
    f
}

#[track_caller]
fn has(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn what_a_run_leaves() {
    let f = with_network();
    let args = ["train", "small.lir", "--data", "digits", "--epochs", "3", "--threads", "1", "--out", "a/run"];
    let run = run_in(f.path(), &args);
    assert_eq!(run.code, 0, "{}", run.err);
    has(&run.out, &["accuracy, %: * training", "parameters", "test ", "359 images", "are in a/run"]);
    assert_eq!(run.err.lines().count(), 3, "a line per epoch: {}", run.err);
    has(run.err.lines().next().expect("a line"), &["epoch 1 of 3, loss ", "accuracy ", "images/s", " left"]);
    let read = |file: &str| fs::read_to_string(f.path().join("a/run").join(file)).expect(file);
    let json: serde_json::Value = serde_json::from_str(&read("history.json")).expect("JSON");
    let mut fields = BTreeSet::new();
    super::json::fields(&json, "", &mut fields);
    let (of_recipe, fields): (BTreeSet<String>, BTreeSet<String>) =
        fields.into_iter().partition(|f| f.starts_with("recipe."));
    assert!(of_recipe.contains("recipe.label_smoothing"), "{of_recipe:?}");
    // Nothing is held out, so that there is no best validation.
    let documented = super::json::documented("The result of a training");
    assert_eq!(fields, documented.into_iter().filter(|f| !f.starts_with("best.")).collect());
    assert_eq!((&json["schema"], &json["data"]), (&"lanista.training".into(), &"digits".into()));
    assert_eq!(json["epochs"].as_array().expect("epochs").len(), 3);
    assert_eq!((&json["recipe"]["valid"], &json["best"]), (&"none".into(), &serde_json::Value::Null));
    assert!(json["test"]["accuracy"].as_f64().expect("a number") > 60.0, "{json}");
    assert_eq!(read("history.csv").lines().count(), 4);
    assert!(read("curve.svg").starts_with("<svg"));
    // The network can be read back, and its hash is that of the weights.
    let hash = ok(f.path(), &["hash", "a/run/network.lir"]);
    assert_eq!(hash.trim(), json["hash"].as_str().expect("a hash"));
    let saved = Checkpoint::load(&f.path().join("a/run/weights.safetensors")).expect("weights");
    assert_eq!(saved.metadata["graph"], hash.trim());
    assert_eq!(saved.arrays["v1.weight"].shape, [8, 1, 3, 3]);

    let before = fs::read(f.path().join("a/run/weights.safetensors")).expect("weights");
    has(&refused(f.path(), &args), &["--out a/run: holds checkpoint.safetensors already", "--resume"]);
    assert_eq!(fs::read(f.path().join("a/run/weights.safetensors")).expect("weights"), before);
    // Without a folder nothing is written.
    let g = with_network();
    ok(g.path(), &["train", "small.lir", "--data", "digits", "--epochs", "1", "--quiet"]);
    assert_eq!(fs::read_dir(g.path()).expect("there").count(), 1);
}

#[test]
fn bad_input_is_one_line_and_leaves_nothing() {
    let f = with_network();
    let out = ["--out", "run"];
    let r = |target: &str, data: &str, more: &[&str]| {
        let args = [&["train", target, "--data", data], more, &out].concat();
        let message = refused(f.path(), &args);
        assert!(!f.path().join("run").exists(), "{message}");
        message
    };
    has(&r("small.lir", "digits", &["--device", "gpu"]), &["device=gpu", "cpu, cuda and cuda:N"]);
    has(&r("small.lir", "digit", &[]), &["digit", "did you mean `digits`?"]);
    has(&r("small.lir", "cifar10", &["--data-dir", "."]), &["cifar10", "lanista data fetch cifar10"]);
    has(&r("small.lir", "digits", &["--recipe", "drats"]), &["did you mean `darts`?"]);
    has(&r("small.lir", "digits", &["--recipe", "plain:lrr=1"]), &["`lrr`", "did you mean `lr`?"]);
    has(&r("small.lir", "digits", &["--recipe", "plain:lr=1", "--lr", "2"]), &["`lr` twice"]);
    has(&r("small.lir", "digits", &["--epochs", "0"]), &["epochs=0", "lies in 1..="]);
    has(&r("nasbench201", "digits", &["--random", "1"]), &["f32[N, 3, 32, 32]", "1 x 8 x 8", "image=1x8x8"]);
    has(&r("nasbench201:image=1x8x8,classes=7", "digits", &["--random", "1"]), &["f32[N, 7]", "classes=10"]);
    has(&r(SPACE, "digits", &[]), &["has open decisions", "--sample"]);
    let huge = "nasbench201:image=1x8x8,channels=200,cells=40";
    let all = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
    has(
        &r(huge, "digits", &["--genotype", all, "--batch", "1400"]),
        &["training needs ", "are available", "smaller batch"],
    );
    has(&r("small.lir", "digits", &["--resume"]), &["--out run: has no checkpoint.safetensors to resume from"]);
    assert_eq!(refused(f.path(), &["train", "small.lir"]).lines().count(), 1);
    let lost = refused(f.path(), &["train", "small.lir", "--data", "digits", "--resume"]);
    has(&lost, &["--resume needs --out"]);
    // The driver's own tool tells whether there is a GPU.
    let gpu = std::process::Command::new("nvidia-smi").arg("-L").output().is_ok_and(|o| o.status.success());
    if !gpu {
        has(&r("small.lir", "digits", &["--device", "cuda"]), &["device `cuda:0`", "--device cpu"]);
    }
}

/// A file is told where it says what does not fit; a space of the hub has options for it.
#[test]
fn what_a_file_must_say_to_fit_a_data_set() {
    let f = with_network();
    let other = SMALL.replace("f32[N, 1, 8, 8]", "f32[N, 3, 12, 12]");
    fs::write(f.path().join("large.lir"), other).expect("a file");
    fs::write(f.path().join("seven.lir"), SMALL.replace("out=10", "out=7")).expect("a file");
    fs::write(
        f.path().join("open.lir"),
        SMALL
            .replace("f32[N, 1, 8, 8]", "f32[N, 1, 9, 9]")
            .replace("  graph @main", "  decision ?p in [0, 1]\n  graph @main"),
    )
    .expect("a file");
    let has_file = |message: &str, parts: &[&str]| {
        has(message, parts);
        for option in ["SPACE", "image=", "classes="] {
            assert!(!message.contains(option), "{message}");
        }
    };
    let train = |file: &'static str| refused(f.path(), &["train", file, "--data", "digits"]);
    has_file(
        &train("large.lir"),
        &["large.lir:3:15: @main: takes f32[N, 3, 12, 12]", "is 1 x 8 x 8", "f32[N, 1, 8, 8] as the type of %x"],
    );
    has_file(&train("seven.lir"), &["seven.lir:3:9: @main: output 0 is f32[N, 7]", "10 classes", "{out=10}"]);
    let searched = |strategy: &'static str, more: &[&'static str]| {
        let args = ["search", "open.lir", "--strategy", strategy, "--evaluator", "train:data=digits,epochs=1"];
        refused(f.path(), &[&args[..], more].concat())
    };
    has_file(&searched("random", &["--trials", "1"]), &["open.lir:4:15: @main: takes f32[N, 1, 9, 9]"]);
    has_file(&searched("spos", &[]), &["open.lir:4:15: @main: takes f32[N, 1, 9, 9]"]);
}

#[test]
fn checkpoints_of_something_else() {
    let f = with_network();
    let run = |network: &'static str, more: &[&'static str]| {
        let args = ["train", network, "--data", "digits", "--epochs", "2", "--threads", "1", "--out", "run", "--quiet"];
        [&args[..], more].concat()
    };
    ok(f.path(), &run("small.lir", &[]));
    let checkpoint = f.path().join("run/checkpoint.safetensors");
    let saved = fs::read(&checkpoint).expect("a checkpoint");
    let other = SMALL.replace("conv2d %x {out=8, k=3, pad=1", "conv2d %x {out=8, k=1");
    fs::write(f.path().join("other.lir"), other).expect("a file");
    let r = |args: &[&str]| {
        let message = refused(f.path(), args);
        assert_eq!(fs::read(&checkpoint).expect("a checkpoint"), saved, "{message}");
        message
    };
    has(
        &r(&run("other.lir", &["--resume"])),
        &[
            "run/checkpoint.safetensors: ",
            "another graph",
            "`v1.weight` is [8, 1, 3, 3] there, [8, 1, 1, 1] here",
            "resume with the network that it was started with",
        ],
    );
    has(&r(&run("small.lir", &["--resume", "--seed", "1"])), &["its seed is 0, not 1"]);
    has(&r(&run("small.lir", &["--resume", "--batch", "10"])), &["its batch is 64, not 10"]);
    fs::write(&checkpoint, &saved[..saved.len() - 7]).expect("truncates");
    has(
        &refused(f.path(), &run("small.lir", &["--resume"])),
        &["checkpoint.safetensors is not a whole safetensors file"],
    );
}

#[test]
fn a_run_that_diverges_fails_with_its_reason() {
    let f = with_network();
    let args = ["train", "small.lir", "--data", "digits", "--lr", "100000", "--out", "run", "--quiet"];
    let run = run_in(f.path(), &args);
    assert_eq!(run.code, 1, "{}", run.err);
    assert_eq!((run.err.lines().count(), run.out.as_str()), (1, ""), "{}", run.err);
    has(&run.err, &["the training failed: epoch 1, step ", "the loss is ", "lower learning rate"]);
    assert!(!f.path().join("run/weights.safetensors").exists());
}

#[test]
fn a_search_by_training() {
    let f = folder();
    let search = |more: &[&'static str]| {
        let args = ["search", SPACE, "--strategy", "random", "--evaluator", SHORT, "--trials", "3", "--quiet"];
        [&args[..], more].concat()
    };
    ok(f.path(), &search(&["--journal", "j.jsonl", "--json", "a.json"]));
    ok(f.path(), &search(&["--json", "b.json"]));
    let found = result(&f.path().join("a.json"));
    assert_eq!(found, result(&f.path().join("b.json")));
    assert_eq!(found["incumbent"]["search"][0]["name"], "digits validation accuracy");
    assert_eq!(found["incumbent"]["report"][0]["name"], "digits test accuracy");
    assert_eq!(found["ledger"]["report_lookups"], 1);
    let journal = fs::read_to_string(f.path().join("j.jsonl")).expect("a journal");
    assert!(journal.lines().nth(1).expect("a trial").contains("\"reports\":[[1,"), "{journal}");
    has(&ok(f.path(), &["resume", "j.jsonl", "--quiet"]), &["digits validation accuracy"]);
    has(&refused(f.path(), &search(&["--jobs", "2"])), &["one trial at a time", "--jobs 1"]);
    let args = ["search", "toy", "--strategy", "random", "--evaluator", SHORT, "--trials", "1"];
    has(&refused(f.path(), &args), &["f32[N, 3, 16, 16]", "1 x 8 x 8"]);
}

#[test]
fn the_demo() {
    let f = folder();
    let args = ["demo-train", "--trials", "30", "--channels", "2", "--epochs", "2", "--quiet"];
    let text = ok(f.path(), &args);
    has(&text, &["found, ", "% on CIFAR-10 by the table", "accuracy, %: * training, o validation", "test "]);
    for file in ["network.py", "network.onnx", "weights.safetensors", "network.lir", "history.csv", "curve.svg"] {
        assert!(fs::metadata(f.path().join("out/demo-train").join(file)).is_ok_and(|m| m.len() > 0), "{file}");
    }
    let again = ok(f.path(), &args);
    let timeless =
        |text: &str| -> Vec<String> { text.lines().filter(|l| !l.starts_with("epochs ")).map(str::to_owned).collect() };
    assert_eq!(timeless(&again), timeless(&text));
}

/// Real images: the network of the examples reaches 90 % within five epochs.
#[test]
fn fashion_mnist() {
    let entry = evaluators::data::entry("fashion-mnist").expect("it is in the catalogue");
    let there = evaluators::data::Places::standard(None).find(entry).is_some();
    if !testing::require("Fashion-MNIST", there) {
        return;
    }
    let network = super::support::tests().join("../examples/fashion_cnn.lir");
    let network = network.to_str().expect("a path in UTF-8");
    let f = folder();
    let args =
        ["train", network, "--data", "fashion-mnist", "--epochs", "5", "--batch", "128", "--out", "run", "--quiet"];
    ok(f.path(), &args);
    let text = fs::read_to_string(f.path().join("run/history.json")).expect("a history");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let accuracy = json["test"]["accuracy"].as_f64().expect("a number");
    assert!(accuracy >= 90.0, "{accuracy} %");
}
