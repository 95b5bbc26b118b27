//! Data sets as a program uses them: looked up, read once, and refused with a remedy.
#![cfg(feature = "data")]

use evaluators::data::{DATASETS, DataError, Images, Normalise, Part, Places, Source, entry};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use testing::{require, require_python};

/// Where Debian's package puts Fashion-MNIST.
const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn source(text: &str) -> Source {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn images(text: &str, places: &[&Path]) -> Result<Arc<Images>, DataError> {
    source(text).images(&Places::only(places.iter().map(|p| p.to_path_buf()).collect()))
}

#[test]
fn names_are_read_back() {
    for text in ["digits", "cifar100", "folder:/a/b:c", "folder:/a/b:size=32", "text:/x"] {
        assert_eq!(source(text).to_string(), text);
    }
    let refusal = |text: &str| text.parse::<Source>().expect_err("no data set").to_string();
    assert_eq!(
        refusal("fashion_mnist"),
        "no data set is called `fashion_mnist` (did you mean `fashion-mnist`?); there are cifar10, cifar100, digits, \
         fashion-mnist, mnist, ptb, wikitext-2, folder:PATH and text:PATH"
    );
    assert!(refusal("folder:").contains("write the path after the colon"));
    assert!(refusal("folder:x:size=0").contains("size is a number of pixels in 1..=4096"));
    assert!(refusal(&"x".repeat(10_000)).len() < 300);
}

#[test]
fn what_is_missing_is_told_with_places_and_remedy() {
    let (a, b) = (folder(), folder());
    let error = images("cifar10", &[a.path(), b.path()]).expect_err("it is not there").to_string();
    let expected = format!(
        "data set `cifar10` is not here: looked in {}, {}; run `lanista data fetch cifar10`, or name its folder with --data-dir",
        a.path().display(),
        b.path().display()
    );
    assert_eq!(error, expected);
    put(b.path(), "mnist/train-images-idx3-ubyte.gz", "");
    let error = images("mnist", &[a.path(), b.path()]).expect_err("a part is there").to_string();
    assert!(
        error.contains(&format!("({} lacks train-labels-idx1-ubyte)", b.path().join("mnist").display())),
        "{error}"
    );
    let error = images("folder:/does/not/exist", &[]).expect_err("it is not there").to_string();
    assert!(error.starts_with("/does/not/exist: cannot be read: "), "{error}");
}

#[test]
fn the_first_place_that_has_all_is_taken() {
    let (a, b) = (folder(), folder());
    for place in [&a, &b] {
        for file in ["ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"] {
            put(place.path(), &format!("ptb/{file}"), "some words\n");
        }
    }
    let places = Places::only(vec![a.path().into(), b.path().into()]);
    let ptb = entry("ptb").expect("a data set");
    assert_eq!(places.find(ptb), Some(a.path().join("ptb")));
    fs::remove_file(a.path().join("ptb/ptb.test.txt")).expect("there");
    assert_eq!(places.find(ptb), Some(b.path().join("ptb")));
    assert_eq!(places.target(ptb), Some(a.path().join("ptb")));
    let text = source("ptb").text(&places).expect("sound");
    assert_eq!((text.name.as_str(), text.train.len(), text.vocabulary.len()), ("ptb", 3, 4));
    let error = source("ptb").images(&places).expect_err("text").to_string();
    assert!(error.starts_with("data set `ptb` is text, images are needed here"), "{error}");
    let error = source("digits").text(&places).expect_err("images").to_string();
    assert!(error.starts_with("data set `digits` is images, text is needed here"), "{error}");
}

#[test]
fn a_file_of_a_known_data_set_that_is_damaged() {
    let f = folder();
    put(f.path(), "cifar100/cifar-100-binary.tar.gz", "no archive");
    let error = images("cifar100", &[f.path()]).expect_err("damaged").to_string();
    assert!(
        error.starts_with("data set `cifar100`: ") && error.contains("cifar-100-binary.tar.gz: is damaged"),
        "{error}"
    );
    assert!(error.ends_with("remove the file and run `lanista data fetch cifar100`, or correct it"), "{error}");
}

#[test]
fn a_data_set_is_read_once() {
    let f = folder();
    for file in ["train.txt", "valid.txt", "test.txt"] {
        put(f.path(), file, "a b c\n");
    }
    let wanted = source(&format!("text:{}", f.path().display()));
    let places = Places::only(vec![]);
    let texts: Vec<_> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| wanted.text(&places).expect("sound"))).collect();
        readers.into_iter().map(|r| r.join().expect("no panic")).collect()
    });
    assert!(texts.iter().all(|t| Arc::ptr_eq(t, &texts[0])), "all have the same memory");
    // What failed is tried again.
    let other = folder();
    let wanted = source(&format!("text:{}", other.path().display()));
    assert!(wanted.text(&places).is_err());
    for file in ["train.txt", "valid.txt", "test.txt"] {
        put(other.path(), file, "a\n");
    }
    assert!(wanted.text(&places).is_ok());
}

#[test]
fn what_the_catalogue_says_of_the_digits_is_so() {
    use evaluators::data::Contents;
    let digits = images("digits", &[]).expect("embedded");
    let (shape, classes) = (digits.shape(), digits.classes.len());
    let found = Contents::Images { shape, classes, train: digits.train.len(), test: digits.test.len() };
    assert_eq!(entry("digits").expect("a data set").contents, found);
    assert!(DATASETS.iter().all(|e| e.name == "digits" || !e.downloads.is_empty()));
}

#[test]
fn fashion_mnist_is_read() {
    if !require("Fashion-MNIST (Debian's dataset-fashion-mnist)", Path::new(DEBIAN).is_dir()) {
        return;
    }
    let set = images("fashion-mnist", &[Path::new("/usr/share/datasets")]).expect("sound");
    assert_eq!((set.shape(), set.train.len(), set.test.len()), ([1, 28, 28], 60_000, 10_000));
    for (labels, each) in [(&set.train.labels, 6000), (&set.test.labels, 1000)] {
        for class in 0..10 {
            assert_eq!(labels.iter().filter(|l| **l == class).count(), each, "class {class}");
        }
    }
    assert_eq!(set.classes[usize::from(set.train.labels[0])], "Ankle boot");
    // The constants are those of the data.
    let (used, measured) = (Normalise::of(&set), Normalise::measured(&set));
    assert!((used.mean[0] - measured.mean[0]).abs() < 5e-5, "{measured:?}");
    assert!((used.std[0] - measured.std[0]).abs() < 5e-5, "{measured:?}");
    assert_eq!(set.indices(Part::SearchTrain { seed: 0 }).len(), 30_000);
}

/// Writes images in many formats, and what Pillow reads from them: `NAME` and, beside it, `NAME.raw`.
const WRITE: &str = r#"
import os, sys
import numpy as np
from PIL import Image
root = sys.argv[1]
rng = np.random.default_rng(0)
y, x = np.mgrid[0:48, 0:64]
smooth = np.stack([x * 3, y * 5, (x + y) * 2], -1).clip(0, 255).astype(np.uint8)
noise = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
def put(folder, name, image, size=None, **options):
    path = os.path.join(root, folder, "train", "a", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image.save(path, **options)
    read = Image.open(path)
    read = read.convert("L" if read.mode in ("1", "L", "LA") else "RGB")
    if size:
        h, w = read.height, read.width
        margin = (max(h, w) - min(h, w)) / 2
        box = (margin, 0, w - margin, h) if w > h else (0, margin, w, h - margin)
        read = read.resize((size, size), Image.BILINEAR, box)
    with open(os.path.join(root, folder, name + ".raw"), "wb") as f:
        f.write(np.asarray(read).tobytes())
put("exact", "rgb.png", Image.fromarray(noise))
put("exact", "palette.png", Image.fromarray(noise).quantize(64))
put("exact", "alpha.png", Image.fromarray(np.dstack([smooth, noise[..., :1]]).astype(np.uint8)))
put("grey", "grey.png", Image.fromarray(noise[..., 0]))
put("grey", "grey.jpg", Image.fromarray(smooth[..., 1]), quality=90)
put("grey", "bits.png", Image.fromarray(noise[..., 0] > 127))
put("lossy", "baseline.jpg", Image.fromarray(smooth), quality=90, subsampling=0)
put("lossy", "progressive.jpeg", Image.fromarray(smooth), quality=90, subsampling=0, progressive=True)
put("scaled", "down.png", Image.fromarray(noise), size=16)
put("scaled", "up.png", Image.fromarray(noise[:9, :12]), size=16)
"#;

#[test]
fn images_are_decoded_and_scaled_as_pillow_does() {
    let Some(python) = require_python(&["PIL", "numpy"]) else { return };
    let f = folder();
    let run = std::process::Command::new(python).args(["-c", WRITE]).arg(f.path()).output().expect("it runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    for (set, option, tolerance) in [("exact", "", 0), ("grey", "", 2), ("lossy", "", 4), ("scaled", ":size=16", 1)] {
        let root: PathBuf = f.path().join(set);
        // A test split is needed, whatever it holds.
        fs::create_dir_all(root.join("test/a")).expect("a folder");
        let mut files: Vec<PathBuf> =
            fs::read_dir(root.join("train/a")).expect("there").map(|e| e.expect("an entry").path()).collect();
        files.sort();
        fs::copy(&files[0], root.join("test/a").join(files[0].file_name().expect("a file"))).expect("a copy");
        let read = images(&format!("folder:{}{option}", root.display()), &[]).expect("sound");
        let plane = read.height * read.width;
        for (file, found) in files.iter().zip(read.train.pixels.chunks_exact(read.numel())) {
            let name = file.file_name().and_then(|n| n.to_str()).expect("UTF-8");
            let expected = fs::read(root.join(format!("{name}.raw"))).expect("written");
            assert_eq!(expected.len(), found.len(), "{set}/{name}");
            for (i, value) in expected.iter().enumerate() {
                let (pixel, channel) = (i / read.channels, i % read.channels);
                let ours = found[channel * plane + pixel];
                assert!(ours.abs_diff(*value) <= tolerance, "{set}/{name}, pixel {pixel}: {ours}, Pillow has {value}");
            }
        }
    }
}
