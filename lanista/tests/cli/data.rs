//! `data list` and `data fetch`.
#![cfg(feature = "data")]

use super::support::{command, folder, ok, refused, tests};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use testing::require;

/// Where Debian's package puts Fashion-MNIST.
const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";

/// Runs `data` where nothing is found but what a test puts into `folder`, or the system has.
fn run(folder: &Path, args: &[&str], mirror: Option<&str>) -> Output {
    let mut command = command(folder, &[&["data"], args].concat());
    command.env("HOME", folder).env_remove("XDG_CACHE_HOME").env_remove("LANISTA_DATA");
    command.env("LANISTA_DATA_MIRROR", mirror.unwrap_or("http://127.0.0.1:1"));
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it prints UTF-8")
}

#[test]
fn the_list_tells_what_there_is() {
    let list = ok(&tests(), &["data", "list"]);
    let digits = list.lines().find(|l| l.starts_with("digits")).expect("it is a data set");
    for part in ["images", "1,438 + 359", "1x8x8", "10 classes", "embedded", "BSD-3-Clause"] {
        assert!(digits.contains(part), "{part}: {digits}");
    }
    let f = folder();
    for name in ["ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"] {
        fs::create_dir_all(f.path().join("here/ptb")).expect("a folder");
        fs::write(f.path().join("here/ptb").join(name), "a b\n").expect("a file");
    }
    let run = run(f.path(), &["list", "--json", "--data-dir", "here"], None);
    let list: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let find = |name: &str| list.as_array().expect("a list").iter().find(|e| e["name"] == name).expect("listed");
    assert_eq!((&find("ptb")["folder"], &find("ptb")["kind"]), (&"here/ptb".into(), &"text".into()));
    assert_eq!(find("cifar10")["folder"], serde_json::Value::Null);
    assert_eq!((&find("cifar10")["train"], &find("cifar10")["bytes"]), (&50_000.into(), &170_052_171.into()));
    assert_eq!(find("digits")["embedded"], true);
}

#[test]
fn what_cannot_be_fetched() {
    let f = folder();
    let message = refused(f.path(), &["data", "fetch", "cifra10"]);
    assert!(message.contains("`cifra10` (did you mean `cifar10`?); there are cifar10, cifar100, digits"), "{message}");
    let message = refused(f.path(), &["data", "fetch", "digits"]);
    assert!(message.contains("`digits` cannot be fetched: it is embedded"), "{message}");
    let message = refused(f.path(), &["data", "fetch", "folder:x"]);
    assert!(message.contains("`folder:x` is on this machine"), "{message}");
    fs::create_dir_all(f.path().join("d/mnist")).expect("a folder");
    fs::write(f.path().join("d/mnist/train-images-idx3-ubyte.gz"), "mine").expect("a file");
    let message = refused(f.path(), &["data", "fetch", "mnist", "--data-dir", "d"]);
    assert!(message.contains("d/mnist/train-images-idx3-ubyte.gz: SHA-256 is"), "{message}");
    assert!(
        message.contains("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609 is expected"),
        "{message}"
    );
    assert_eq!(fs::read(f.path().join("d/mnist/train-images-idx3-ubyte.gz")).expect("there"), b"mine");
}

/// Serves files by the ends of their paths, without ranges; 404 for others.
fn serve(files: Vec<(String, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/mirror/", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines: Vec<String> =
                BufReader::new(&stream).lines().map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
            let path = lines.first().and_then(|l| l.split(' ').nth(1)).unwrap_or_default();
            let file = files.iter().find(|(name, _)| path == format!("/mirror/{name}"));
            let (status, body) = file.map_or(("404 Not Found", &[][..]), |(_, bytes)| ("200 OK", bytes));
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            // A client that goes away ends its connection, not the server.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    address
}

/// Fashion-MNIST as it is published: Debian's package has left the names and times out of the gzip headers.
fn published() -> Vec<(String, Vec<u8>)> {
    let times = [
        ("train-images-idx3-ubyte", 1_504_176_606_u32),
        ("train-labels-idx1-ubyte", 1_504_176_606),
        ("t10k-images-idx3-ubyte", 1_504_176_627),
        ("t10k-labels-idx1-ubyte", 1_504_176_627),
    ];
    let original = |(name, time): (&str, u32)| {
        let bytes = fs::read(format!("{DEBIAN}/{name}.gz")).expect("the package is there");
        let (head, body) = bytes.split_at(10);
        let original = [&[0x1f, 0x8b, 8, 8], &time.to_le_bytes()[..], &head[8..], name.as_bytes(), &[0], body].concat();
        (format!("fashion-mnist/{name}.gz"), original)
    };
    times.into_iter().map(original).collect()
}

#[test]
fn a_data_set_is_fetched_from_a_mirror() {
    if !require("Fashion-MNIST (Debian's dataset-fashion-mnist)", Path::new(DEBIAN).is_dir()) {
        return;
    }
    let f = folder();
    let mirror = serve(published());
    let first = run(f.path(), &["fetch", "fashion-mnist"], Some(&mirror));
    let (out, err) = (text(&first.stdout), text(&first.stderr));
    assert_eq!(first.status.code(), Some(0), "{err}");
    let into = f.path().join(".cache/lanista/fashion-mnist");
    assert!(out.starts_with(&format!("{}: 4 downloaded, with the right checksums\n", into.display())), "{out}");
    assert!(out.contains("licence MIT"), "{out}");
    assert!(err.lines().count() >= 5 && err.contains("of 30.9 MB"), "{err}");
    assert_eq!(fs::read_dir(&into).expect("a folder").count(), 4, "nothing else is left");
    fs::remove_file(into.join("t10k-labels-idx1-ubyte.gz")).expect("there");
    let second = run(f.path(), &["fetch", "fashion-mnist", "--quiet"], Some(&mirror));
    assert!(text(&second.stdout).contains("1 downloaded, 3 were there"), "{}", text(&second.stdout));
    assert_eq!(text(&second.stderr), "");
    let third = run(f.path(), &["fetch", "fashion-mnist"], None);
    assert!(text(&third.stdout).contains("all 4 files were there"), "{}", text(&third.stdout));
    let list = run(f.path(), &["list"], None);
    assert!(text(&list.stdout).contains(into.to_str().expect("UTF-8")), "the user's own comes before the system's");
}

#[test]
fn a_mirror_with_another_file_is_not_believed() {
    let f = folder();
    // Of the right size, so that only the checksum tells.
    let files = vec![("ptb/ptb.train.txt".to_owned(), vec![b'x'; 5_101_618])];
    let run = run(f.path(), &["fetch", "ptb", "--data-dir", "d"], Some(&serve(files)));
    let err = text(&run.stderr);
    let line = err.lines().last().unwrap_or_default();
    assert_eq!(run.status.code(), Some(1), "{err}");
    assert!(line.starts_with("error: data set `ptb` cannot be downloaded: http://127.0.0.1:"), "{line}");
    assert!(line.contains("/mirror/ptb/ptb.train.txt gives SHA-256"), "{line}");
    let left = fs::read_dir(f.path().join("d/ptb")).expect("a folder").count();
    assert_eq!(left, 0, "nothing is left");
}
