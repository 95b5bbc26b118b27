//! `export`.

use super::support::{folder, ok, refused};
use codegen::array::Data;
use codegen::checkpoint::Checkpoint;
use std::fs;
use std::path::Path;
use std::process::Command;

const SPACE: &str = "nasbench201:channels=4,cells=1";

fn export<'a>(extra: &[&'a str]) -> Vec<&'a str> {
    [&["export", SPACE, "--random", "7"], extra].concat()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("there");
    let mut names: Vec<String> = entries.map(|e| e.expect("there").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn pytorch_source_and_weights() {
    let f = folder();
    let text = ok(f.path(), &export(&["--format", "pytorch", "--output", "net.py"]));
    assert_eq!(files(f.path()), ["net.py", "net.safetensors"], "and no temporary file");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "net.py           the network as PyTorch source, which needs torch only");
    assert!(lines[1].starts_with("net.safetensors  its weights, ") && lines[1].contains("seed 0, untrained"), "{text}");
    let source = fs::read_to_string(f.path().join("net.py")).expect("written");
    assert!(source.starts_with(&format!("\"\"\"{SPACE} e01=")), "{source}");

    // In a folder; the same seed gives the same files, another one other weights.
    ok(f.path(), &export(&["--format", "pytorch", "--out", "."]));
    ok(f.path(), &export(&["--format", "pytorch", "-o", "other.py", "--seed", "1"]));
    let read = |name: &str| fs::read(f.path().join(name)).expect("written");
    let same = |a: &str, b: &str| read(a) == read(b);
    assert!(same("net.py", "network.py") && same("net.safetensors", "network.safetensors"));
    assert!(!same("net.safetensors", "other.safetensors"));

    // Given weights are the ones that are written.
    let text = ok(f.path(), &export(&["--format", "pytorch", "-o", "again.py", "--weights", "other.safetensors"]));
    assert!(text.contains("parameters from other.safetensors"), "{text}");
    assert!(same("again.safetensors", "other.safetensors"));
}

#[test]
fn what_is_exported_runs() {
    let Some(python) = testing::require_python(&["onnxruntime"]) else { return };
    let f = folder();
    ok(f.path(), &export(&["--format", "pytorch", "--output", "net.py"]));
    ok(f.path(), &export(&["--format", "onnx", "--output", "net.onnx", "--weights", "net.safetensors"]));
    let code = "import net, torch, onnxruntime as ort\n\
                x = torch.rand(2, 3, 32, 32)\n\
                ours = net.load('net.safetensors').eval()(x)\n\
                y, = ort.InferenceSession('net.onnx').run(None, {'x': x.numpy()})\n\
                print(float((ours - torch.from_numpy(y)).abs().max()), *ours.shape)";
    let run = Command::new(python).args(["-c", code]).current_dir(f.path()).output().expect("Python runs");
    let out = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let words: Vec<&str> = out.split_whitespace().collect();
    assert!(words[0].parse::<f64>().is_ok_and(|gap| gap < 1e-4), "{out}");
    assert_eq!(words[1..], ["2", "10"]);
}

#[test]
fn a_file_without_decisions_needs_no_sample() {
    let f = folder();
    ok(f.path(), &["show", SPACE, "--random", "3", "--output", "net.lir"]);
    ok(f.path(), &["export", "net.lir", "--format", "onnx", "--output", "net.onnx"]);
    ok(f.path(), &["export", SPACE, "--random", "3", "--format", "onnx", "--output", "same.onnx"]);
    let size = |name: &str| fs::metadata(f.path().join(name)).expect("written").len();
    // They differ in what the model says it is.
    assert!(size("net.onnx") > 20_000 && size("net.onnx").abs_diff(size("same.onnx")) < 200);
}

#[test]
fn bad_input() {
    let f = folder();
    let r = |args: &[&str]| refused(f.path(), args);
    let pytorch = ["--format", "pytorch", "--output", "net.py"];
    let space = r(&[&["export", SPACE][..], &pytorch].concat());
    assert!(space.contains("one network is exported") && space.contains("--sample"), "{space}");
    assert!(r(&export(&["--output", "net.py"])).contains("--format"));
    assert!(r(&export(&["--format", "pytorch"])).contains("--output"));
    assert!(r(&export(&["--format", "tensorflow", "--output", "x"])).contains("pytorch, onnx"));
    assert!(r(&export(&["--format", "onnx", "--output", "none/x.onnx"])).contains("create it"));
    let both = r(&export(&["--format", "onnx", "--output", "x", "--seed", "1", "--weights", "w"]));
    assert!(both.contains("--seed") && both.contains("--weights"), "{both}");
    assert!(r(&export(&[&pytorch[..], &["--weights", "absent"]].concat())).contains("--weights absent:"));
    assert_eq!(files(f.path()), [""; 0], "nothing is written");

    ok(f.path(), &export(&["--format", "pytorch", "--output", "net.py"]));
    let other = [&["export", "toy", "--random", "1", "--weights", "net.safetensors"][..], &pytorch].concat();
    let before = fs::read(f.path().join("net.py")).expect("written");
    let message = r(&other);
    assert!(message.starts_with("--weights net.safetensors: the checkpoint is of another graph: `"), "{message}");
    assert_eq!(before, fs::read(f.path().join("net.py")).expect("there"), "nothing is overwritten");
    let whole = fs::read(f.path().join("net.safetensors")).expect("written");
    fs::write(f.path().join("half.safetensors"), &whole[..whole.len() / 2]).expect("a file");
    let message = r(&export(&[&pytorch[..], &["--weights", "half.safetensors"]].concat()));
    assert!(message.contains("half.safetensors is not a whole safetensors file"), "{message}");

    fs::write(
        f.path().join("own.lir"),
        "module @m {\n  graph @main(%x: f32[N, 3]) {\n    %y = custom %x {name=mystery}\n    return %y\n  }\n}\n",
    )
    .expect("a file");
    let message = r(&[&["export", "own.lir"][..], &pytorch].concat());
    assert!(message.contains("node `y`") && message.contains("no lowering"), "{message}");
}

/// Weights of a run that diverged, one number of which is none.
#[test]
fn weights_that_are_not_finite() {
    let f = folder();
    ok(f.path(), &export(&["--format", "pytorch", "--output", "net.py"]));
    let whole = Checkpoint::load(&f.path().join("net.safetensors")).expect("written");
    for value in [f32::NAN, f32::INFINITY] {
        let mut bad = whole.clone();
        let mut arrays = bad.arrays.values_mut().filter_map(|array| match &mut array.data {
            Data::F32(numbers) => numbers.first_mut(),
            _ => None,
        });
        *arrays.next().expect("a weight") = value;
        drop(arrays);
        bad.save(&f.path().join("bad.safetensors")).expect("a file");
        let before = files(f.path());
        for format in ["pytorch", "onnx"] {
            let message =
                refused(f.path(), &export(&["--format", format, "-o", "bad.out", "--weights", "bad.safetensors"]));
            let place = "--weights bad.safetensors: weight `";
            assert!(message.starts_with(place) && message.contains("` holds 1 numbers of "), "{message}");
            assert!(message.contains("not finite") && message.contains("before the training diverged"), "{message}");
            assert_eq!(files(f.path()), before, "nothing is written");
        }
    }
}
