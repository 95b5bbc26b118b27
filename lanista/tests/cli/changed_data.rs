//! Data that changed under a run: what it began it does not end, with other images than it began with.

use super::support::{folder, ok, refused, run_in};
use std::fs;
use std::path::Path;

const SPACE: &str = "nasbench201:image=1x8x8,channels=2,cells=1,classes=2";

/// Grey images of 8 x 8 pixels, all of one value.
const BLACK: &str = "89504e470d0a1a0a0000000d4948445200000008000000080800000000e164e1570000000c4944415478da6360a00e0000004800011045efd2\
    0000000049454e44ae426082";
const GREY: &str = "89504e470d0a1a0a0000000d4948445200000008000000080800000000e164e1570000000e4944415478da6368800206ca180080842001\
    10e86a170000000049454e44ae426082";
const WHITE: &str = "89504e470d0a1a0a0000000d4948445200000008000000080800000000e164e1570000000e4944415478da63f80f050c943100f7c03fc1\
    af5c0fcd0000000049454e44ae426082";

fn put(folder: &Path, path: &str, image: &str) {
    let image: String = image.split_whitespace().collect();
    let digit = |i: usize| u8::from_str_radix(&image[i..i + 2], 16).expect("a hexadecimal number");
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, (0..image.len()).step_by(2).map(digit).collect::<Vec<u8>>()).expect("a file");
}

/// Twenty images of two classes, and one of each to test on.
fn with_images() -> tempfile::TempDir {
    let f = folder();
    for i in 0..10 {
        put(f.path(), &format!("images/train/dark/{i}.png"), BLACK);
        put(f.path(), &format!("images/train/light/{i}.png"), WHITE);
    }
    put(f.path(), "images/test/dark/0.png", BLACK);
    put(f.path(), "images/test/light/0.png", WHITE);
    f
}

/// Whatever goes on where it ended does so with the images that it began with, and with no others.
#[track_caller]
fn goes_on_with_the_same_images(f: &Path, resume: &[&str], kept: &str) {
    let before = fs::read(f.join(kept)).expect("it is kept");
    put(f, "images/train/dark/3.png", GREY);
    let message = refused(f, resume);
    assert!(message.contains("SHA-256") && message.contains("labels, or words"), "{message}");
    assert!(message.contains(kept), "{message}");
    assert!(fs::read(f.join(kept)).expect("it is kept") == before, "what is refused is left as it is");
    put(f, "images/train/dark/3.png", BLACK);
    ok(f, resume);
}

#[test]
fn a_training_is_not_resumed() {
    let f = with_images();
    let train = [
        "train",
        SPACE,
        "--data",
        "folder:images",
        "--epochs",
        "1",
        "--batch",
        "8",
        "--random",
        "1",
        "--out",
        "run",
        "--quiet",
    ];
    ok(f.path(), &train);
    let resume = [&train[..], &["--resume"]].concat();
    goes_on_with_the_same_images(f.path(), &resume, "run/checkpoint.safetensors");
}

#[test]
fn a_one_shot_search_is_not_resumed() {
    let f = with_images();
    let evaluator = "train:data=folder:images,epochs=1,batch=4";
    let search = ["search", SPACE, "--strategy", "gdas", "--evaluator", evaluator, "--checkpoint", "kept", "--quiet"];
    ok(f.path(), &search);
    goes_on_with_the_same_images(f.path(), &search, "kept");
}

#[test]
fn a_journal_is_not_resumed() {
    let f = with_images();
    let evaluator = "train:data=folder:images,epochs=1,batch=8,valid=1/4";
    let search =
        ["search", SPACE, "--strategy", "random", "--evaluator", evaluator, "--trials", "2", "--journal", "kept"];
    let run = run_in(f.path(), &search);
    assert_eq!(run.code, 0, "{}", run.err);
    // A journal that has ended is only read; so this one ends within its second trial.
    let text = fs::read_to_string(f.path().join("kept")).expect("it is kept");
    let two: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    fs::write(f.path().join("kept"), two).expect("it is writable");
    goes_on_with_the_same_images(f.path(), &["resume", "kept", "--quiet"], "kept");
}
