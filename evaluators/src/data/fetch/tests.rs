//! Downloads from a server that behaves, and from some that do not.

use super::super::{DataError, Download};
use super::download::{Patience, download};
use super::server::{Answer, Server};
use crate::digest;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// As usual, but a server on this machine is slow after a fifth of a second.
const BRISK: Patience = Patience { pace: (1000, Duration::from_millis(200)), ..Patience::USUAL };

fn contents() -> Vec<u8> {
    (0..300_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 16).to_le_bytes()).collect()
}

fn described(bytes: &[u8]) -> Download {
    Download { file: "file.bin", addresses: &[], bytes: bytes.len() as u64, sha256: digest::sha256(bytes).leak() }
}

fn get(file: &Download, servers: &[&Server], folder: &Path) -> Result<bool, DataError> {
    let addresses: Vec<String> = servers.iter().map(|s| s.address.clone()).collect();
    download("test", file, &addresses, folder, &BRISK, &mut |_| {})
}

/// The names in a folder.
fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("a folder");
    entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_file_is_downloaded_once() {
    let (f, bytes) = (folder(), contents());
    let server = Server::new(bytes.clone(), &[]);
    let file = described(&bytes);
    let mut seen = Vec::new();
    let addresses = [server.address.clone()];
    let made = download("test", &file, &addresses, f.path(), &BRISK, &mut |t| seen.push((t.bytes, t.of)));
    assert!(made.expect("it is served"));
    assert!(seen.is_sorted() && seen.last() == Some(&(file.bytes, file.bytes)), "{seen:?}");
    assert_eq!(fs::read(f.path().join("file.bin")).expect("there"), bytes);
    assert_eq!(names(&f), ["file.bin"]);
    assert!(!get(&file, &[&server], f.path()).expect("it is there"));
    assert_eq!(server.asked(), [0], "the second time, nobody is asked");
}

#[test]
fn a_connection_that_ends_early_is_taken_up_where_it_ended() {
    let (f, bytes) = (folder(), contents());
    let server =
        Server::new(bytes.clone(), &[Answer::Cut(100_000), Answer::Cut(1), Answer::Cut(0), Answer::Cut(50_000)]);
    assert!(get(&described(&bytes), &[&server], f.path()).expect("in five parts"));
    assert_eq!(server.asked(), [0, 100_000, 100_001, 100_001, 150_001]);
    assert_eq!(fs::read(f.path().join("file.bin")).expect("there"), bytes);
}

#[test]
fn a_process_that_was_killed_goes_on() {
    let (f, bytes) = (folder(), contents());
    fs::write(f.path().join("file.bin.part"), &bytes[..70_000]).expect("a file");
    let server = Server::new(bytes.clone(), &[]);
    assert!(get(&described(&bytes), &[&server], f.path()).expect("the rest"));
    assert_eq!(server.asked(), [70_000]);
    assert_eq!(fs::read(f.path().join("file.bin")).expect("there"), bytes);
    assert_eq!(names(&f), ["file.bin"]);
}

#[test]
fn all_bytes_but_the_name_need_no_server() {
    let (f, bytes) = (folder(), contents());
    fs::write(f.path().join("file.bin.part"), &bytes).expect("a file");
    let server = Server::new(bytes.clone(), &[]);
    assert!(get(&described(&bytes), &[&server], f.path()).expect("all is there"));
    assert_eq!(server.asked(), [0; 0]);
}

#[test]
fn servers_without_ranges_start_anew() {
    let bytes = contents();
    for answer in [Answer::Whole, Answer::WrongRange] {
        let f = folder();
        fs::write(f.path().join("file.bin.part"), &bytes[..1000]).expect("a file");
        let server = Server::new(bytes.clone(), &[answer]);
        assert!(get(&described(&bytes), &[&server], f.path()).expect("all of it"));
        assert_eq!(fs::read(f.path().join("file.bin")).expect("there"), bytes);
        assert_eq!(server.asked()[0], 1000);
    }
}

#[test]
fn a_server_that_never_gets_further_is_given_up() {
    let (f, bytes) = (folder(), contents());
    let cut = [Answer::Cut(5000), Answer::WrongRange].repeat(50);
    let server = Server::new(bytes.clone(), &cut);
    let error = get(&described(&bytes), &[&server], f.path()).expect_err("it gives up").to_string();
    assert!(error.contains("bytes from 5000 were asked for, `bytes 4999-1199999/1200000` came"), "{error}");
    assert!(server.asked().len() < 10, "{:?}", server.asked());
}

#[test]
fn what_an_old_version_left_is_healed() {
    let (f, bytes) = (folder(), contents());
    fs::write(f.path().join("file.bin.part"), vec![1; 500]).expect("a file");
    let server = Server::new(bytes.clone(), &[]);
    // The first attempt ends with a wrong checksum, the second address gets a clean start.
    assert!(get(&described(&bytes), &[&server, &server], f.path()).expect("at the second attempt"));
    assert_eq!(server.asked(), [500, 0]);
    fs::remove_file(f.path().join("file.bin")).expect("there");
    fs::write(f.path().join("file.bin.part"), vec![1; bytes.len() + 7]).expect("a file");
    assert!(get(&described(&bytes), &[&server], f.path()).expect("what is too long is dropped"));
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let (f, bytes) = (folder(), contents());
    let mut other = bytes.clone();
    other[5] ^= 1;
    let server = Server::new(other, &[]);
    let error = get(&described(&bytes), &[&server], f.path()).expect_err("another file").to_string();
    assert!(error.contains("gives SHA-256") && error.contains("is expected; check the network"), "{error}");
    assert_eq!(names(&f), [""; 0]);
}

#[test]
fn the_next_address_is_asked() {
    let (f, bytes) = (folder(), contents());
    let mut other = bytes.clone();
    other[5] ^= 1;
    let gone = Server::new(vec![], &[Answer::Status(404)]);
    let wrong = Server::new(other, &[]);
    let good = Server::new(bytes.clone(), &[]);
    assert!(get(&described(&bytes), &[&gone, &wrong, &good], f.path()).expect("at the third address"));
    assert_eq!((gone.asked().len(), wrong.asked(), good.asked()), (1, vec![0], vec![0]));
}

#[test]
fn a_file_that_is_nowhere() {
    let (f, bytes) = (folder(), contents());
    let gone = Server::new(vec![], &[Answer::Status(404)]);
    let error = get(&described(&bytes), &[&gone], f.path()).expect_err("404").to_string();
    assert!(error.starts_with("data set `test` cannot be downloaded: http://127.0.0.1:"), "{error}");
    assert!(error.contains("it answers 404") && error.ends_with("check the network, or try later"), "{error}");
    assert_eq!(names(&f), [""; 0]);
}

#[test]
fn a_server_that_gives_up_leaves_what_came() {
    let (f, bytes) = (folder(), contents());
    let cuts = [Answer::Cut(9000), Answer::Cut(0), Answer::Cut(0), Answer::Cut(0)];
    let server = Server::new(bytes.clone(), &cuts);
    let error = get(&described(&bytes), &[&server], f.path()).expect_err("it gives up").to_string();
    assert!(
        error.contains(&format!("9000 of {} bytes are kept, and the same command goes on", bytes.len())),
        "{error}"
    );
    assert_eq!(names(&f), ["file.bin.part"]);
    assert!(get(&described(&bytes), &[&server], f.path()).expect("now it answers"));
    assert_eq!(server.asked().last(), Some(&9000));
}

#[test]
fn a_file_that_is_too_long_or_too_short() {
    let bytes = contents();
    let f = folder();
    let long = Server::new([&bytes[..], b"more"].concat(), &[]);
    let error = get(&described(&bytes), &[&long], f.path()).expect_err("too long").to_string();
    assert!(error.contains("it has more than the 1200000 bytes"), "{error}");
    let short = Server::new(bytes[..1000].to_vec(), &[]);
    let error = get(&described(&bytes), &[&short], f.path()).expect_err("too short").to_string();
    assert!(error.contains("it has less than the 1200000 bytes"), "{error}");
    assert!(!f.path().join("file.bin").exists());
}

#[test]
fn a_file_that_is_there_is_not_overwritten() {
    let (f, bytes) = (folder(), contents());
    fs::write(f.path().join("file.bin"), "mine").expect("a file");
    let server = Server::new(bytes.clone(), &[]);
    let error = get(&described(&bytes), &[&server], f.path()).expect_err("another file").to_string();
    assert!(error.contains("file.bin: SHA-256 is") && error.contains("remove it and fetch again"), "{error}");
    assert_eq!(fs::read(f.path().join("file.bin")).expect("there"), b"mine");
    assert_eq!(server.asked(), [0; 0]);
}

#[test]
fn two_downloads_of_one_file() {
    let (f, bytes) = (folder(), contents());
    let part = fs::File::create(f.path().join("file.bin.part")).expect("a file");
    part.try_lock().expect("nobody else has it");
    let server = Server::new(bytes.clone(), &[]);
    let error = get(&described(&bytes), &[&server], f.path()).expect_err("it is locked").to_string();
    assert!(error.contains("file.bin.part: is being downloaded by another process"), "{error}");
}

#[test]
fn no_server() {
    let (f, bytes) = (folder(), contents());
    let address = ["http://127.0.0.1:1/file.bin".to_owned()];
    let error =
        download("test", &described(&bytes), &address, f.path(), &BRISK, &mut |_| {}).expect_err("nobody is there");
    assert!(error.to_string().contains("http://127.0.0.1:1/file.bin: "), "{error}");
}

#[test]
fn a_server_that_drips_is_given_up() {
    let (f, bytes) = (folder(), contents());
    // Never silent for long, and never done: a byte in ten milliseconds.
    let server = Server::new(bytes.clone(), &[Answer::Drip(10); 3]);
    let error = get(&described(&bytes), &[&server], f.path()).expect_err("it gives up").to_string();
    let kept = fs::read(f.path().join("file.bin.part")).expect("what came is kept");
    assert!(!kept.is_empty() && kept.len() < 400 && bytes.starts_with(&kept), "{} bytes", kept.len());
    let expected = format!("; {} of 1200000 bytes are kept, and the same command goes on from there", kept.len());
    assert!(error.contains(": it is too slow, ") && error.ends_with(&expected), "{error}");
    assert_eq!(server.asked().len(), 3, "it was asked as often as one that brings nothing");
    assert!(get(&described(&bytes), &[&server], f.path()).expect("now it answers"));
    assert_eq!(server.asked().last(), Some(&kept.len()));
    assert_eq!(fs::read(f.path().join("file.bin")).expect("there"), bytes);
    // Another address is asked instead, and goes on where this one was given up.
    let f = folder();
    let (slow, good) = (Server::new(bytes.clone(), &[Answer::Drip(10); 3]), Server::new(bytes.clone(), &[]));
    assert!(get(&described(&bytes), &[&slow, &good], f.path()).expect("at the second address"));
    assert!(good.asked()[0] > 0, "{:?}", good.asked());
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    use std::os::unix::fs::symlink;
    let (f, bytes) = (folder(), contents());
    let server = Server::new(bytes.clone(), &[]);
    let mine = f.path().join("mine");
    fs::write(&mine, "a letter").expect("a file");
    let part = f.path().join("file.bin.part");
    for target in [mine.clone(), f.path().join("absent")] {
        symlink(&target, &part).expect("a link");
        let error = get(&described(&bytes), &[&server], f.path()).expect_err("a link").to_string();
        assert!(error.ends_with("file.bin.part: cannot be written: it is a symbolic link; take it away"), "{error}");
        fs::remove_file(&part).expect("the link is there");
    }
    assert_eq!(fs::read(&mine).expect("there"), b"a letter");
    assert_eq!(names(&f), ["mine"]);
    // A pipe takes the place of nothing either, and is not waited for.
    assert!(std::process::Command::new("mkfifo").arg(&part).status().expect("it runs").success());
    let error = get(&described(&bytes), &[&server], f.path()).expect_err("a pipe").to_string();
    assert!(error.contains("file.bin.part: is a device, a pipe or a socket, where a file belongs"), "{error}");
    fs::remove_file(&part).expect("there");
    symlink("/dev/zero", f.path().join("file.bin")).expect("a link");
    let error = get(&described(&bytes), &[&server], f.path()).expect_err("endless").to_string();
    assert!(error.contains("file.bin: is a device, a pipe or a socket, where a file belongs"), "{error}");
    assert_eq!(server.asked(), [0; 0]);
}
