//! Files that are small and want to become large, and files that never end.

use super::samples::{BASELINE, black, deflate, gzip, hex, idx, ihdr, png, tar, zeros, zip};
use super::{counted, put, read};
use evaluators::data::Places;
use std::fs;
use std::io::Read;
use std::path::Path;
use tempfile::TempDir;

/// What reading may have in memory when it refuses, beside the file as it is.
const LITTLE: usize = 16 << 20;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A folder of images that is sound but for one file.
fn images(name: &str, bytes: &[u8]) -> TempDir {
    let f = folder();
    put(f.path(), "train/a/0.png", &black(2, 2));
    put(f.path(), "test/a/0.png", &black(2, 2));
    put(f.path(), name, bytes);
    f
}

/// What a source is refused with, and little memory is taken for it.
fn refusal(source: &str, places: &Places) -> String {
    let (peak, read) = counted(|| read(source, places));
    let error = read.expect_err("it is refused").to_string();
    assert!(peak < LITTLE, "{} MiB were taken before: {error}", peak >> 20);
    error
}

fn folder_refusal(f: &Path) -> String {
    refusal(&format!("folder:{}", f.display()), &Places::only(vec![]))
}

#[test]
fn a_png_that_unpacks_to_much() {
    let bomb = black(8000, 8000);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let error = folder_refusal(images("train/a/1.png", &bomb).path());
    assert!(
        error.contains("1.png: says that it is 8000 x 8000 pixels, 183.1 MiB decoded; an image may have"),
        "{error}"
    );
    assert!(
        error.contains("128.0 MiB, 1/64 of the 8.0 GiB that a data set may take: make it smaller, or raise"),
        "{error}"
    );
    // With a size all images become small, but not before they are decoded.
    let f = images("train/a/1.png", &bomb);
    let error = refusal(&format!("folder:{}:size=4", f.path().display()), &Places::only(vec![]));
    assert!(error.contains("1.png: says that it is 8000 x 8000 pixels"), "{error}");
}

#[test]
fn a_png_whose_header_claims_much() {
    for side in [60_000, u32::MAX >> 1] {
        let bomb = png(&[(b"IHDR", ihdr(side, side, 2)), (b"IDAT", deflate(zeros(100))), (b"IEND", vec![])]);
        let error = folder_refusal(images("test/a/1.png", &bomb).path());
        assert!(error.contains(&format!("1.png: says that it is {side} x {side} pixels")), "{error}");
    }
}

#[test]
fn words_in_a_png_that_unpack_to_much() {
    let words = [b"Comment\0\0".to_vec(), deflate(zeros(150 << 20))].concat();
    let profile = [b"icc\0\0".to_vec(), deflate(zeros(150 << 20))].concat();
    let data = deflate(zeros(4 * 5));
    let chunks = [(b"IHDR", ihdr(4, 4, 0)), (b"zTXt", words), (b"iCCP", profile), (b"IDAT", data), (b"IEND", vec![])];
    let f = folder();
    put(f.path(), "train/a/0.png", &png(&chunks));
    put(f.path(), "test/a/0.png", &png(&chunks));
    let source = format!("folder:{}", f.path().display());
    let (peak, read) = counted(|| read(&source, &Places::only(vec![])));
    assert!(peak < LITTLE, "{} MiB for 4 x 4 pixels", peak >> 20);
    assert_eq!(read.expect("its pixels are sound").images().expect("images").train.pixels, [0; 16]);
}

#[test]
fn a_jpeg_whose_header_claims_much() {
    let mut bomb = hex(BASELINE);
    let frame = bomb.windows(2).position(|w| w == [0xff, 0xc0]).expect("a frame");
    for (side, size) in [(16_000_u16, "732.4 MiB"), (65_000, "11.8 GiB")] {
        bomb[frame + 5..frame + 7].copy_from_slice(&side.to_be_bytes());
        bomb[frame + 7..frame + 9].copy_from_slice(&side.to_be_bytes());
        let error = folder_refusal(images("train/a/1.jpg", &bomb).path());
        assert!(error.contains(&format!("1.jpg: says that it is {side} x {side} pixels, {size} decoded")), "{error}");
    }
}

#[test]
fn archives_that_unpack_to_much() {
    // An image that is none, but for its first bytes.
    let member = || b"\x89PNG\r\n\x1a\n".chain(zeros(200 << 20));
    let mut header = tar::Header::new_gnu();
    header.set_size(8 + (200 << 20));
    header.set_mode(0o644);
    header.set_path("train/a/1.png").expect("short");
    header.set_cksum();
    let stream = header.as_bytes().chain(member()).chain(zeros(4096 - 8));
    let f = images("more.tgz", &gzip(stream));
    let error = folder_refusal(f.path());
    assert!(
        error.contains("more.tgz: unpacks to more than 100 times its") && error.contains("unpack it yourself"),
        "{error}"
    );
    // A plain archive, most of which is a hole in the file.
    let f = images("more.tar", header.as_bytes());
    let file = fs::OpenOptions::new().write(true).open(f.path().join("more.tar")).expect("a file");
    file.set_len(512 + 8 + (200 << 20) + 4096 - 8).expect("a hole");
    let error = folder_refusal(f.path());
    assert!(error.contains("more.tar: train/a/1.png: has 200.0 MiB; an image may have 128.0 MiB"), "{error}");
    let mut packed = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    packed.start_file("train/a/1.png", zip::write::SimpleFileOptions::default()).expect("memory");
    std::io::copy(&mut member(), &mut packed).expect("memory");
    let f = images("more.zip", &packed.finish().expect("memory").into_inner());
    let error = folder_refusal(f.path());
    assert!(error.contains("more.zip: train/a/1.png: has 200.0 MiB; an image may have 128.0 MiB"), "{error}");
    // What nobody asked for is not held, but it takes time to pass over.
    let mut header = tar::Header::new_gnu();
    header.set_size(700 << 20);
    header.set_path("film.avi").expect("short");
    header.set_cksum();
    let bomb = gzip(header.as_bytes().chain(zeros((700 << 20) + 1024)));
    let f = images("more.tgz", &bomb);
    let error = folder_refusal(f.path());
    assert!(
        error.contains("more.tgz: unpacks to more than 100 times its") && error.contains("unpack it yourself"),
        "{error}"
    );
}

#[test]
fn a_name_in_an_archive_that_is_no_name() {
    // GNU's way to name a member by more than a hundred letters: a member that holds the name.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(150 << 20);
    header.set_path("././@LongLink").expect("short");
    header.set_cksum();
    let names = std::io::repeat(b'a').take(150 << 20);
    let f = images("more.tgz", &gzip(header.as_bytes().chain(names).chain(zeros(1024))));
    let error = folder_refusal(f.path());
    assert!(error.contains("more.tgz: is damaged: a member has a name of more than 1.0 MiB"), "{error}");
}

#[test]
fn a_file_of_the_catalogue_that_unpacks_to_much() {
    let f = folder();
    let places = || Places::only(vec![f.path().to_owned()]);
    for name in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
        let bytes = if name.contains("idx1") { idx(&[1], &[0]) } else { idx(&[1, 28, 28], &[0; 784]) };
        put(f.path(), &format!("mnist/{name}-ubyte.gz"), &gzip(&bytes[..]));
    }
    put(f.path(), "mnist/t10k-images-idx3-ubyte.gz", &gzip(zeros(100 << 20)));
    let error = refusal("mnist", &places());
    assert!(error.contains("ubyte.gz: holds more than 7.5 MiB; the published file has 7840016 bytes"), "{error}");
    assert!(error.contains("remove the file and run `lanista data fetch mnist`"), "{error}");
    for (i, part) in ["train", "valid", "test"].iter().enumerate() {
        put(f.path(), &format!("ptb/ptb.{part}.txt"), &vec![b'\n'; if i == 0 { 6_000_000 } else { 10 }]);
    }
    let error = refusal("ptb", &places());
    assert!(error.contains("ptb.train.txt: has 5.7 MiB; the published file has 5101618 bytes"), "{error}");
    let text: Vec<(&str, Vec<u8>)> =
        ["train", "valid", "test"].map(|p| (p, vec![b'\n'; if p == "test" { 100 << 20 } else { 10 }])).into();
    let names = text.iter().map(|(p, _)| format!("wikitext-2/wiki.{p}.tokens")).collect::<Vec<_>>();
    let files: Vec<(&str, Vec<u8>)> = names.iter().map(String::as_str).zip(text.into_iter().map(|(_, b)| b)).collect();
    put(f.path(), "wikitext-2/wikitext-2-v1.zip", &zip(&files));
    drop(files);
    let error = refusal("wikitext-2", &places());
    assert!(error.contains("wiki.test.tokens: has 100.0 MiB; a file of WikiText-2 may have 64.0 MiB"), "{error}");
}

/// The files of a small CIFAR-10, one image in each.
fn cifar() -> Vec<(String, Vec<u8>)> {
    let names = (0..10).map(|i| format!("class {i}\n")).collect::<String>().into_bytes();
    let batch = |i: usize| (format!("data_batch_{i}.bin"), vec![i as u8; 3073]);
    let mut files = vec![("batches.meta.txt".to_owned(), names)];
    files.extend((1..6).map(batch));
    files.push(("test_batch.bin".to_owned(), vec![9; 3073]));
    files
}

#[test]
fn a_tar_that_was_cut_between_two_files() {
    let paths = ["train/a/0.png", "test/a/0.png", "train/a/1.png"];
    let files: Vec<(&str, Vec<u8>)> = paths.into_iter().map(|p| (p, black(2, 2))).collect();
    let (whole, two) = (tar(&files), tar(&files[..2]));
    let f = folder();
    let source = |name: &str| format!("folder:{}", f.path().join(name).display());
    let places = Places::only(vec![]);
    put(f.path(), "whole.tar", &whole);
    let images = read(&source("whole.tar"), &places).expect("sound");
    assert_eq!(images.images().expect("images").train.len(), 2);
    // Where the second file ends the archive is one of two files, all but its end.
    for (cut, name) in [(two.len() - 1024, "none"), (two.len() - 512, "one")] {
        for packed in [false, true] {
            let (bytes, end) = (&two[..cut], if packed { "tgz" } else { "tar" });
            let name = format!("{name}.{end}");
            put(f.path(), &name, &if packed { gzip(bytes) } else { bytes.to_vec() });
            let error = read(&source(&name), &places).expect_err("it is cut").to_string();
            let expected =
                format!("{name}: is cut off: it lacks the blocks of zeros that end a .tar; copy or pack it again");
            assert!(error.ends_with(&expected), "{error}");
        }
    }
    put(f.path(), "joined.tar", &[two, whole].concat());
    let error = read(&source("joined.tar"), &places).expect_err("they are joined").to_string();
    assert!(
        error.ends_with("joined.tar: goes on behind its end, as joined archives do; give each as a file"),
        "{error}"
    );
    // An archive of the catalogue, whose files are all in what is left.
    let files = cifar();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(n, b)| (&**n, b.clone())).collect();
    let bytes = tar(&files);
    put(f.path(), "cifar10/cifar-10-binary.tar.gz", &gzip(&bytes[..bytes.len() - 1024]));
    let error = read("cifar10", &Places::only(vec![f.path().to_owned()])).expect_err("it is cut").to_string();
    assert!(error.contains("cifar-10-binary.tar.gz: is cut off: it lacks the blocks of zeros"), "{error}");
    let twice = [&files[..], &files[1..2]].concat();
    put(f.path(), "cifar10/cifar-10-binary.tar.gz", &gzip(&tar(&twice)[..]));
    let error =
        read("cifar10", &Places::only(vec![f.path().to_owned()])).expect_err("a file is there twice").to_string();
    assert!(error.contains("cifar-10-binary.tar.gz: holds data_batch_1.bin more than once"), "{error}");
}

#[test]
fn members_that_are_no_files() {
    let entry = |kind, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_path("train/a/1.png").expect("short");
        header.set_link_name("train/a/0.png").expect("short");
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let end = vec![0; 1024];
    for kind in [tar::EntryType::Link, tar::EntryType::Symlink, tar::EntryType::Fifo, tar::EntryType::Block] {
        let f = images("more.tar", &[entry(kind, 0), end.clone()].concat());
        let error = folder_refusal(f.path());
        assert!(error.contains("more.tar: train/a/1.png: is a link, a device or a file with holes; pack"), "{error}");
    }
    // A file with holes: 512 bytes of it are there, and terabytes are not.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(512);
    header.set_path("train/a/1.png").expect("short");
    let gnu = header.as_gnu_mut().expect("GNU's");
    gnu.set_real_size(1 << 42);
    gnu.sparse[0].set_offset((1 << 42) - 512);
    gnu.sparse[0].set_length(512);
    header.set_cksum();
    let f = images("more.tar", &[header.as_bytes().to_vec(), vec![7; 512], end.clone()].concat());
    let error = folder_refusal(f.path());
    assert!(error.contains("more.tar: train/a/1.png: is a link, a device or a file with holes; pack"), "{error}");
    // Nobody asks for this one.
    header.set_path("film.avi").expect("short");
    header.set_cksum();
    let f = images("more.tar", &[header.as_bytes().to_vec(), vec![7; 512], end].concat());
    let read = read(&format!("folder:{}", f.path().display()), &Places::only(vec![]));
    assert_eq!(read.expect("sound").images().expect("images").train.len(), 1);
}

#[test]
fn an_image_that_is_there_twice() {
    // An archive that was unpacked and left where it was: half of the images would be validated on as well.
    let f = images("train.tar", &tar(&[("train/a/0.png", black(2, 2))]));
    let error = folder_refusal(f.path());
    let here = f.path().join("train/a/0.png");
    let there = f.path().join("train.tar");
    let expected =
        format!("{}: is there twice, here and in {}: train/a/0.png; take one away", here.display(), there.display());
    assert_eq!(error, expected);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_to_files_and_to_nothing_else() {
        let f = images("x", b"");
        fs::rename(f.path().join("train/a/0.png"), f.path().join("elsewhere.png")).expect("a file");
        symlink(f.path().join("elsewhere.png"), f.path().join("train/a/0.png")).expect("a link");
        let source = format!("folder:{}", f.path().display());
        assert!(read(&source, &Places::only(vec![])).is_ok(), "a link to a file is that file");
        symlink("/dev/zero", f.path().join("train/a/1.png")).expect("a link");
        // By another name: what was read once is kept.
        let error = folder_refusal(&f.path().join("."));
        assert!(
            error.ends_with("1.png: is a device, a pipe or a socket, where a file belongs; take it away"),
            "{error}"
        );
        // A pipe that nobody writes into.
        fs::remove_file(f.path().join("train/a/1.png")).expect("there");
        let pipe = f.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("it runs").success());
        symlink(&pipe, f.path().join("train/a/1.png")).expect("a link");
        let error = folder_refusal(&f.path().join("./."));
        assert!(
            error.ends_with("1.png: is a device, a pipe or a socket, where a file belongs; take it away"),
            "{error}"
        );
        // In place of all of it.
        let error = folder_refusal(&pipe);
        assert!(error.contains("pipe: is a device, a pipe or a socket"), "{error}");
        for name in ["train.txt", "valid.txt", "test.txt"] {
            symlink("/dev/zero", f.path().join(name)).expect("a link");
        }
        let error = refusal(&format!("text:{}", f.path().display()), &Places::only(vec![]));
        assert!(error.contains("has no text"), "{error}");
    }
}
