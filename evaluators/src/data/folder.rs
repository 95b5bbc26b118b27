//! A folder of images: a subfolder per split, in it a subfolder per class, in it PNG and JPEG files.
//!
//! The splits are `train`, and `test` or else `val`, `valid` or `validation`; where there is a `test`, the others are not
//! read. An archive of the same layout, or several in the folder, serve as well.

use super::DataError;
use super::decode::{Picture, decode};
use super::files::{each_member, is_archive};
use super::images::{Images, Split};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const TRAIN: &str = "train";
/// In the order of preference.
const TESTS: [&str; 4] = ["test", "val", "valid", "validation"];
const READ: [&str; 3] = ["png", "jpg", "jpeg"];
/// Images that are not read: passing over them in silence would train on less than what is there.
const NOT_READ: [&str; 9] = ["bmp", "gif", "webp", "tif", "tiff", "ppm", "pgm", "avif", "jxl"];

/// An image that was found, not decoded yet.
#[derive(Debug)]
struct Item {
    split: String,
    class: String,
    file: String,
    contents: Contents,
}

#[derive(Debug)]
enum Contents {
    File(PathBuf),
    Packed { bytes: Vec<u8>, origin: String },
}

/// Reads a folder or an archive. All images must have one size, unless they are to be made squares of a side.
pub(super) fn read(path: &Path, name: &str, side: Option<usize>) -> Result<Images, DataError> {
    let origin = path.display().to_string();
    let mut items = find(path)?;
    // The order of a directory is the file system's; ours depends on names alone.
    items.sort_by(|a, b| (&a.split, &a.class, &a.file).cmp(&(&b.split, &b.class, &b.file)));
    let test = TESTS.iter().find(|t| items.iter().any(|i| i.split == **t));
    let classes: BTreeSet<&str> = items.iter().filter(|i| i.split == TRAIN).map(|i| &*i.class).collect();
    let (Some(test), false) = (test, classes.is_empty()) else {
        let lacks = if classes.is_empty() { TRAIN } else { TESTS[0] };
        let reason =
            format!("has no images in {lacks}/CLASS/; expected are PNG or JPEG in train/CLASS/ and test/CLASS/");
        return Err(DataError::malformed(origin, reason));
    };
    let classes: Vec<String> = classes.into_iter().map(str::to_owned).collect();
    if classes.len() > usize::from(u16::MAX) {
        return Err(DataError::malformed(
            origin,
            format!("has {} classes; at most {} are read", classes.len(), u16::MAX),
        ));
    }
    let of = |wanted: &str| -> Result<Vec<(u16, &Item)>, DataError> {
        let items = items.iter().filter(|i| i.split == wanted);
        items
            .map(|item| match classes.binary_search(&item.class) {
                Ok(label) => Ok((label as u16, item)),
                Err(_) => {
                    let reason = format!("{wanted}/{0}: there are no training images of class {0}", item.class);
                    Err(DataError::malformed(&*origin, reason))
                }
            })
            .collect()
    };
    let (train, test) = (of(TRAIN)?, of(test)?);
    let mut train = decoded(&train, side)?;
    let mut test = decoded(&test, side)?;
    if train.iter().chain(&test).any(|(_, p, _)| p.channels == 3) {
        let colour = |list: Vec<Labelled>| list.into_iter().map(|(l, p, o)| (l, p.coloured(), o)).collect();
        (train, test) = (colour(train), colour(test));
    }
    let (_, first, _) = &train[0];
    let size = [first.channels, first.height, first.width];
    let [channels, height, width] = size;
    let (train, test) = (packed(&train, size)?, packed(&test, size)?);
    Images { name: name.to_owned(), channels, height, width, classes, train, test }.checked(&origin)
}

/// A label, the image, and where it is from.
type Labelled = (u16, Picture, String);

fn decoded(items: &[(u16, &Item)], side: Option<usize>) -> Result<Vec<Labelled>, DataError> {
    let decode_one = |&(label, item): &(u16, &Item)| {
        let (picture, origin) = match &item.contents {
            Contents::File(path) => {
                let bytes = fs::read(path).map_err(|e| DataError::read(path, e))?;
                let origin = path.display().to_string();
                (decode(&bytes, &origin)?, origin)
            }
            Contents::Packed { bytes, origin } => (decode(bytes, origin)?, origin.clone()),
        };
        Ok((label, side.map_or_else(|| picture.clone(), |s| picture.square(s)), origin))
    };
    items.par_iter().map(decode_one).collect()
}

fn packed(list: &[Labelled], size: [usize; 3]) -> Result<Split, DataError> {
    let mut split = Split::default();
    split.pixels.reserve_exact(list.len() * size.iter().product::<usize>());
    for (label, picture, origin) in list {
        let found = [picture.channels, picture.height, picture.width];
        if found != size {
            let reason = format!(
                "is {} x {} pixels, the first image {} x {}; make them equal, or give size=N",
                picture.width, picture.height, size[2], size[1]
            );
            return Err(DataError::malformed(origin, reason));
        }
        split.labels.push(*label);
        picture.append_to(&mut split.pixels);
    }
    Ok(split)
}

fn find(path: &Path) -> Result<Vec<Item>, DataError> {
    let mut items = Vec::new();
    if !path.is_dir() {
        unpack(path, &mut items)?;
        return Ok(items);
    }
    for entry in entries(path)? {
        if !entry.is_dir() {
            if is_archive(&entry) {
                unpack(&entry, &mut items)?;
            }
            continue;
        }
        let split = name(&entry);
        if split != TRAIN && !TESTS.contains(&&*split) {
            continue;
        }
        for class in entries(&entry)?.into_iter().filter(|p| p.is_dir()) {
            for file in entries(&class)?.into_iter().filter(|p| !p.is_dir()) {
                if is_image(&name(&file), &file.display().to_string())? {
                    let contents = Contents::File(file.clone());
                    items.push(Item { split: split.clone(), class: name(&class), file: name(&file), contents });
                }
            }
        }
    }
    Ok(items)
}

fn unpack(archive: &Path, items: &mut Vec<Item>) -> Result<(), DataError> {
    each_member(archive, &mut |path, read| {
        let mut parts = path.rsplit('/');
        let (Some(file), Some(class), Some(split)) = (parts.next(), parts.next(), parts.next()) else { return Ok(()) };
        let origin = format!("{}: {path}", archive.display());
        if (split == TRAIN || TESTS.contains(&split)) && is_image(file, &origin)? {
            let [split, class, file] = [split, class, file].map(str::to_owned);
            items.push(Item { split, class, file, contents: Contents::Packed { bytes: read()?, origin } });
        }
        Ok(())
    })
}

/// Whether a file is to be read; an error if it is an image that cannot be.
fn is_image(file: &str, origin: &str) -> Result<bool, DataError> {
    let extension = file.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    if NOT_READ.contains(&&*extension) {
        return Err(DataError::malformed(origin, "is neither PNG nor JPEG; convert it, or take it away"));
    }
    Ok(READ.contains(&&*extension) && !file.starts_with('.'))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let list = fs::read_dir(folder).map_err(|e| DataError::read(folder, e))?;
    list.map(|entry| Ok(entry.map_err(|e| DataError::read(folder, e))?.path())).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn png(color: png::ColorType, side: u32, value: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, side, side);
        encoder.set_color(color);
        let mut writer = encoder.write_header().expect("memory");
        let bytes = vec![value; (side * side) as usize * color.samples()];
        writer.write_image_data(&bytes).expect("memory");
        writer.finish().expect("memory");
        out
    }

    fn grey(side: u32, value: u8) -> Vec<u8> {
        png(png::ColorType::Grayscale, side, value)
    }

    const PATHS: [&str; 5] = ["train/b/1.png", "train/a/2.png", "train/a/1.PNG", "test/b/1.png", "test/a/9.png"];

    /// Files with these paths, filled with 1, 2, 3, ..
    fn folder(paths: &[&str]) -> TempDir {
        let f = tempfile::tempdir().expect("a folder");
        for (path, value) in paths.iter().zip(1..) {
            put(&f, path, &grey(2, value));
        }
        f
    }

    fn put(folder: &TempDir, path: &str, bytes: &[u8]) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    fn refusal(folder: &TempDir) -> String {
        read(folder.path(), "tiny", None).expect_err("it is damaged").to_string()
    }

    #[test]
    fn classes_and_files_are_in_the_order_of_their_names() {
        let f = folder(&PATHS);
        put(&f, "train/a/notes.txt", b"not an image");
        put(&f, "train/a/.hidden.png", b"not one either");
        put(&f, "other/a/1.png", b"no split");
        let images = read(f.path(), "tiny", None).expect("sound");
        assert_eq!((images.shape(), &*images.classes), ([1, 2, 2], &["a".to_owned(), "b".to_owned()][..]));
        assert_eq!(images.train.labels, [0, 0, 1]);
        assert_eq!(images.train.pixels, [3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1]);
        assert_eq!(images.test.labels, [0, 1]);
        assert_eq!(images.test.pixels, [5, 5, 5, 5, 4, 4, 4, 4]);
    }

    #[test]
    fn archives_serve_as_well() {
        let f = folder(&PATHS);
        let expected = read(f.path(), "tiny", None).expect("sound");
        let packed = tempfile::tempdir().expect("a folder");
        for split in ["train", "test"] {
            let mut tar =
                tar::Builder::new(fs::File::create(packed.path().join(format!("{split}.tar"))).expect("a file"));
            tar.append_dir_all(format!("./{split}"), f.path().join(split)).expect("files");
            tar.finish().expect("a file");
        }
        assert_eq!(read(packed.path(), "tiny", None).expect("sound"), expected);
        let whole = packed.path().join("all.tar");
        let mut tar = tar::Builder::new(fs::File::create(&whole).expect("a file"));
        tar.append_dir_all("some/where", f.path()).expect("files");
        tar.finish().expect("a file");
        assert_eq!(read(&whole, "tiny", None).expect("sound"), expected);
    }

    #[test]
    fn one_colour_image_makes_all_colour() {
        let f = folder(&PATHS);
        put(&f, "test/a/9.png", &png(png::ColorType::Rgba, 2, 7));
        let images = read(f.path(), "tiny", None).expect("sound");
        assert_eq!(images.shape(), [3, 2, 2]);
        assert_eq!(images.train.pixels[..12], [3; 12]);
    }

    #[test]
    fn sizes_agree_or_are_made_to() {
        let f = folder(&PATHS);
        put(&f, "test/a/9.png", &grey(4, 7));
        let e = refusal(&f);
        assert!(e.contains("9.png: is 4 x 4 pixels, the first image 2 x 2; make them equal, or give size=N"), "{e}");
        let images = read(f.path(), "tiny", Some(3)).expect("sound");
        assert_eq!((images.shape(), images.test.pixels[0]), ([1, 3, 3], 7));
    }

    #[test]
    fn val_is_read_where_there_is_no_test() {
        let images = read(folder(&["train/a/1.png", "val/a/1.png"]).path(), "tiny", None).expect("sound");
        assert_eq!(images.test.pixels, [2; 4]);
        let f = folder(&["train/a/1.png", "val/a/1.png", "test/a/1.png"]);
        assert_eq!(read(f.path(), "tiny", None).expect("sound").test.pixels, [3; 4]);
    }

    #[test]
    fn what_is_no_folder_of_images() {
        let e = refusal(&folder(&["train/a/1.png"]));
        assert!(e.contains("has no images in test/CLASS/"), "{e}");
        assert!(refusal(&folder(&["test/a/1.png"])).contains("has no images in train/CLASS/"));
        let e = refusal(&folder(&["train/a/1.png", "test/b/1.png"]));
        assert!(e.contains("test/b: there are no training images of class b"), "{e}");
        let f = folder(&PATHS);
        put(&f, "train/a/1.webp", b"RIFF");
        assert!(refusal(&f).contains("1.webp: is neither PNG nor JPEG; convert it"), "{}", refusal(&f));
        let f = folder(&PATHS);
        put(&f, "train/b/1.png", &grey(2, 1)[..40]);
        assert!(refusal(&f).contains("1.png: cannot be decoded"), "{}", refusal(&f));
        let e = read(&f.path().join("absent"), "tiny", None).expect_err("absent").to_string();
        assert!(e.contains("absent: cannot be read"), "{e}");
    }
}
