//! A folder of images: a subfolder per split, in it a subfolder per class, in it PNG and JPEG files.
//!
//! The splits are `train`, and `test` or else `val`, `valid` or `validation`; where there is a `test`, the others are not
//! read. An archive of the same layout, or several in the folder, serve as well.
//!
//! * All names are known before the first image is read, so that what is missing, or there twice, costs no time.
//! * In memory are the pixels that are kept, and beside them a few images at a time.

use super::DataError;
use super::archive::{each_member, is_archive};
use super::bounded::{Budget, Limits};
use super::decode::{Picture, decode};
use super::images::{Images, Split};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const TRAIN: &str = "train";
/// In the order of preference.
const TESTS: [&str; 4] = ["test", "val", "valid", "validation"];
const READ: [&str; 3] = ["png", "jpg", "jpeg"];
/// Images that are not read: passing over them in silence would train on less than what is there.
const NOT_READ: [&str; 9] = ["bmp", "gif", "webp", "tif", "tiff", "ppm", "pgm", "avif", "jxl"];
/// Images that are taken out of an archive before they are decoded, all at once.
const AT_ONCE: usize = 256;

/// An image that was found, not read yet. The order of a directory is the file system's; ours depends on names alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    split: String,
    class: String,
    file: String,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    File(PathBuf),
    Packed { archive: PathBuf, path: String },
}

impl Place {
    fn origin(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Packed { archive, path } => format!("{}: {path}", archive.display()),
        }
    }
}

/// Reads a folder or an archive. All images must have one size, unless they are to be made squares of a side.
pub(super) fn read(path: &Path, name: &str, side: Option<usize>, limits: Limits) -> Result<Images, DataError> {
    let origin = path.display().to_string();
    let budget = limits.budget();
    let mut items = find(path, &budget)?;
    items.sort();
    let same = |w: &&[Item]| (&w[0].split, &w[0].class, &w[0].file) == (&w[1].split, &w[1].class, &w[1].file);
    if let Some([a, b]) = items.windows(2).find(same) {
        let reason = format!("is there twice, here and in {}; take one away", b.place.origin());
        return Err(DataError::malformed(a.place.origin(), reason));
    }
    let test = TESTS.iter().find(|t| items.iter().any(|i| i.split == **t));
    let classes: BTreeSet<String> = items.iter().filter(|i| i.split == TRAIN).map(|i| i.class.clone()).collect();
    let (Some(test), false) = (test, classes.is_empty()) else {
        let lacks = if classes.is_empty() { TRAIN } else { TESTS[0] };
        let reason =
            format!("has no images in {lacks}/CLASS/; expected are PNG or JPEG in train/CLASS/ and test/CLASS/");
        return Err(DataError::malformed(origin, reason));
    };
    let classes: Vec<String> = classes.into_iter().collect();
    if classes.len() > usize::from(u16::MAX) {
        return Err(DataError::malformed(
            origin,
            format!("has {} classes; at most {} are read", classes.len(), u16::MAX),
        ));
    }
    items.retain(|i| i.split == TRAIN || i.split == *test);
    let label = |item: &Item| match classes.binary_search(&item.class) {
        Ok(label) => Ok(label as u16),
        Err(_) => {
            let reason = format!("{test}/{0}: there are no training images of class {0}", item.class);
            Err(DataError::malformed(&*origin, reason))
        }
    };
    let labels: Vec<u16> = items.iter().map(label).collect::<Result<_, _>>()?;
    let mut pictures = Reader { items: &items, side, limits, budget: &budget, origin: &origin }.read()?;
    if pictures.iter().any(|p| p.channels == 3) {
        let grey = pictures.iter().filter(|p| p.channels == 1);
        budget.take(grey.map(|p| 2 * p.pixels.len() as u64).sum(), &origin)?;
        pictures = pictures.into_iter().map(Picture::coloured).collect();
    }
    // `test` stands before `train`, and `val` behind it.
    let first = items.iter().position(|i| i.split == TRAIN).map_or(0, |i| i);
    let size = [pictures[first].channels, pictures[first].height, pictures[first].width];
    let [channels, height, width] = size;
    let (mut train, mut test) = (Split::default(), Split::default());
    let count = items.iter().filter(|i| i.split == TRAIN).count();
    train.pixels.reserve_exact(count * size.iter().product::<usize>());
    test.pixels.reserve_exact((items.len() - count) * size.iter().product::<usize>());
    for ((item, label), picture) in items.iter().zip(labels).zip(pictures) {
        if [picture.channels, picture.height, picture.width] != size {
            let reason = format!(
                "is {} x {} pixels, the first image {width} x {height}; make them equal, or give size=N",
                picture.width, picture.height
            );
            return Err(DataError::malformed(item.place.origin(), reason));
        }
        let split = if item.split == TRAIN { &mut train } else { &mut test };
        split.labels.push(label);
        picture.append_to(&mut split.pixels);
    }
    Images { name: name.to_owned(), channels, height, width, classes, train, test }.checked(&origin)
}

/// Reads what was found.
struct Reader<'a> {
    items: &'a [Item],
    side: Option<usize>,
    limits: Limits,
    budget: &'a Budget,
    origin: &'a str,
}

impl Reader<'_> {
    /// The images in the order of the items.
    fn read(&self) -> Result<Vec<Picture>, DataError> {
        let mut pictures: Vec<Option<Picture>> = vec![None; self.items.len()];
        let mut packed: FxHashMap<&Path, FxHashMap<&str, usize>> = FxHashMap::default();
        let mut files = Vec::new();
        for (i, item) in self.items.iter().enumerate() {
            match &item.place {
                Place::File(path) => files.push((i, path)),
                Place::Packed { archive, path } => _ = packed.entry(archive).or_default().insert(path, i),
            }
        }
        let bound = self.limits.picture();
        for files in files.chunks(AT_ONCE) {
            let read = |(i, path): &(usize, &PathBuf)| self.decode(*i, &bound.read_file(path)?);
            self.keep(files.par_iter().map(read).collect::<Result<_, _>>()?, &mut pictures)?;
        }
        let mut archives: Vec<_> = packed.into_iter().collect();
        archives.sort_by_key(|(archive, _)| *archive);
        for (archive, members) in archives {
            let (mut waiting, mut bytes) = (Vec::new(), 0);
            let mut flush = |waiting: &mut Vec<(usize, Vec<u8>)>| {
                let read = |(i, bytes): (usize, Vec<u8>)| self.decode(i, &bytes);
                let decoded = std::mem::take(waiting).into_par_iter().map(read).collect::<Result<_, _>>()?;
                self.keep(decoded, &mut pictures)
            };
            each_member(archive, &mut |path, read| {
                let Some(i) = members.get(path) else { return Ok(()) };
                let image = read(bound)?;
                bytes += image.len() as u64;
                waiting.push((*i, image));
                if waiting.len() >= AT_ONCE || bytes >= bound.bytes() {
                    bytes = 0;
                    flush(&mut waiting)?;
                }
                Ok(())
            })?;
            flush(&mut waiting)?;
        }
        let changed = || DataError::malformed(self.origin, "changed while it was read; read it again");
        pictures.into_iter().map(|p| p.ok_or_else(changed)).collect()
    }

    fn decode(&self, i: usize, bytes: &[u8]) -> Result<(usize, Picture), DataError> {
        let picture = decode(bytes, &self.items[i].place.origin(), self.limits.picture())?;
        Ok((
            i,
            match self.side {
                Some(side) => picture.square(side),
                None => picture,
            },
        ))
    }

    /// Keeps images, if there is room for all as large as the largest of them.
    fn keep(&self, decoded: Vec<(usize, Picture)>, pictures: &mut [Option<Picture>]) -> Result<(), DataError> {
        let largest = decoded.iter().map(|(_, p)| p.pixels.len() as u64).max().unwrap_or(0);
        self.budget.foresee(largest.saturating_mul(self.items.len() as u64), self.origin)?;
        for (i, picture) in decoded {
            self.budget.take(picture.pixels.len() as u64, self.origin)?;
            pictures[i] = Some(picture);
        }
        Ok(())
    }
}

fn find(path: &Path, budget: &Budget) -> Result<Vec<Item>, DataError> {
    let mut items = Vec::new();
    let mut add = |[split, class, file]: [&str; 3], place: Place| {
        let origin = place.origin();
        if is_image(file, &origin)? {
            budget.take(
                (size_of::<Item>() + 2 * (origin.len() + split.len() + class.len() + file.len())) as u64,
                &origin,
            )?;
            let [split, class, file] = [split, class, file].map(str::to_owned);
            items.push(Item { split, class, file, place });
        }
        Ok(())
    };
    if !path.is_dir() {
        unpack(path, &mut add)?;
        return Ok(items);
    }
    for entry in entries(path)? {
        if !entry.is_dir() {
            if is_archive(&entry) {
                unpack(&entry, &mut add)?;
            }
            continue;
        }
        let split = name(&entry);
        if split != TRAIN && !TESTS.contains(&&*split) {
            continue;
        }
        for class in entries(&entry)?.into_iter().filter(|p| p.is_dir()) {
            for file in entries(&class)?.into_iter().filter(|p| !p.is_dir()) {
                add([&split, &name(&class), &name(&file)], Place::File(file.clone()))?;
            }
        }
    }
    Ok(items)
}

/// Finds the images of an archive.
fn unpack(archive: &Path, add: &mut dyn FnMut([&str; 3], Place) -> Result<(), DataError>) -> Result<(), DataError> {
    each_member(archive, &mut |path, _| {
        let mut parts = path.rsplit('/');
        let (Some(file), Some(class), Some(split)) = (parts.next(), parts.next(), parts.next()) else { return Ok(()) };
        if split != TRAIN && !TESTS.contains(&split) {
            return Ok(());
        }
        add([split, class, file], Place::Packed { archive: archive.to_owned(), path: path.to_owned() })
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
        read(folder.path(), "tiny", None, Limits::DEFAULT).expect_err("it is damaged").to_string()
    }

    #[test]
    fn classes_and_files_are_in_the_order_of_their_names() {
        let f = folder(&PATHS);
        put(&f, "train/a/notes.txt", b"not an image");
        put(&f, "train/a/.hidden.png", b"not one either");
        put(&f, "other/a/1.png", b"no split");
        let images = read(f.path(), "tiny", None, Limits::DEFAULT).expect("sound");
        assert_eq!((images.shape(), &*images.classes), ([1, 2, 2], &["a".to_owned(), "b".to_owned()][..]));
        assert_eq!(images.train.labels, [0, 0, 1]);
        assert_eq!(images.train.pixels, [3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1]);
        assert_eq!(images.test.labels, [0, 1]);
        assert_eq!(images.test.pixels, [5, 5, 5, 5, 4, 4, 4, 4]);
    }

    #[test]
    fn archives_serve_as_well() {
        let f = folder(&PATHS);
        let expected = read(f.path(), "tiny", None, Limits::DEFAULT).expect("sound");
        let packed = tempfile::tempdir().expect("a folder");
        for split in ["train", "test"] {
            let mut tar =
                tar::Builder::new(fs::File::create(packed.path().join(format!("{split}.tar"))).expect("a file"));
            tar.append_dir_all(format!("./{split}"), f.path().join(split)).expect("files");
            tar.finish().expect("a file");
        }
        assert_eq!(read(packed.path(), "tiny", None, Limits::DEFAULT).expect("sound"), expected);
        let whole = packed.path().join("all.tar");
        let mut tar = tar::Builder::new(fs::File::create(&whole).expect("a file"));
        tar.append_dir_all("some/where", f.path()).expect("files");
        tar.finish().expect("a file");
        assert_eq!(read(&whole, "tiny", None, Limits::DEFAULT).expect("sound"), expected);
    }

    #[test]
    fn one_colour_image_makes_all_colour() {
        let f = folder(&PATHS);
        put(&f, "test/a/9.png", &png(png::ColorType::Rgba, 2, 7));
        let images = read(f.path(), "tiny", None, Limits::DEFAULT).expect("sound");
        assert_eq!(images.shape(), [3, 2, 2]);
        assert_eq!(images.train.pixels[..12], [3; 12]);
    }

    #[test]
    fn sizes_agree_or_are_made_to() {
        let f = folder(&PATHS);
        put(&f, "test/a/9.png", &grey(4, 7));
        let e = refusal(&f);
        assert!(e.contains("9.png: is 4 x 4 pixels, the first image 2 x 2; make them equal, or give size=N"), "{e}");
        let images = read(f.path(), "tiny", Some(3), Limits::DEFAULT).expect("sound");
        assert_eq!((images.shape(), images.test.pixels[0]), ([1, 3, 3], 7));
    }

    #[test]
    fn val_is_read_where_there_is_no_test() {
        let images =
            read(folder(&["train/a/1.png", "val/a/1.png"]).path(), "tiny", None, Limits::DEFAULT).expect("sound");
        assert_eq!(images.test.pixels, [2; 4]);
        let f = folder(&["train/a/1.png", "val/a/1.png", "test/a/1.png"]);
        assert_eq!(read(f.path(), "tiny", None, Limits::DEFAULT).expect("sound").test.pixels, [3; 4]);
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
        let e = read(&f.path().join("absent"), "tiny", None, Limits::DEFAULT).expect_err("absent").to_string();
        assert!(e.contains("absent: cannot be read"), "{e}");
    }
}
