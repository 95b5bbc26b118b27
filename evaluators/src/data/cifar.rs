//! The binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009).
//!
//! Records without a header: one label (CIFAR-10) or a coarse and a fine label (CIFAR-100), then 1,024 red, 1,024 green
//! and 1,024 blue values, row by row. Class names lie beside them, a line each.

use super::DataError;
use super::bounded::Bound;
use super::files::{self, Member, Wanted};
use super::images::{Images, Split};
use std::path::Path;

const SIDE: usize = 32;
const CHANNELS: usize = 3;
const PIXELS: usize = CHANNELS * SIDE * SIDE;

/// How one of the two is laid out.
#[derive(Debug)]
pub(super) struct Layout {
    pub name: &'static str,
    /// Class names, then training files, then the test file.
    pub files: &'static [Wanted],
    pub archive: &'static str,
    /// Label bytes in a record, of which the last is taken.
    labels: usize,
    classes: usize,
}

/// Class names, a line each; the published files have less than 1 KiB.
const fn names(name: &'static str) -> Wanted {
    Wanted { name, bound: Bound::Stated("a file of class names", 1 << 12) }
}

/// So many records, each with so many labels.
const fn records(name: &'static str, count: usize, labels: usize) -> Wanted {
    Wanted::published(name, (count * (labels + PIXELS)) as u64)
}

/// Ten classes.
pub(super) const CIFAR10: Layout = Layout {
    name: "cifar10",
    files: &[
        names("batches.meta.txt"),
        records("data_batch_1.bin", 10_000, 1),
        records("data_batch_2.bin", 10_000, 1),
        records("data_batch_3.bin", 10_000, 1),
        records("data_batch_4.bin", 10_000, 1),
        records("data_batch_5.bin", 10_000, 1),
        records("test_batch.bin", 10_000, 1),
    ],
    archive: "cifar-10-binary.tar.gz",
    labels: 1,
    classes: 10,
};

/// A hundred fine classes.
pub(super) const CIFAR100: Layout = Layout {
    name: "cifar100",
    files: &[names("fine_label_names.txt"), records("train.bin", 50_000, 2), records("test.bin", 10_000, 2)],
    archive: "cifar-100-binary.tar.gz",
    labels: 2,
    classes: 100,
};

/// Reads a folder with the files or the archive. `[3, 32, 32]`.
pub(super) fn read(folder: &Path, layout: &Layout) -> Result<Images, DataError> {
    let members = files::read(folder, layout.files, Some(layout.archive))?;
    let [class_names, train_files @ .., test_file] = &members[..] else {
        unreachable!("invariant: a layout has class names, training files and a test file")
    };
    let mut train = Split::default();
    for file in train_files {
        append(&mut train, file, layout)?;
    }
    let mut test = Split::default();
    append(&mut test, test_file, layout)?;
    let images = Images {
        name: layout.name.to_owned(),
        channels: CHANNELS,
        height: SIDE,
        width: SIDE,
        classes: read_names(class_names, layout)?,
        train,
        test,
    };
    images.checked(&folder.display().to_string())
}

fn append(split: &mut Split, file: &Member, layout: &Layout) -> Result<(), DataError> {
    let record = layout.labels + PIXELS;
    if !file.bytes.len().is_multiple_of(record) || file.bytes.is_empty() {
        let reason = format!("{} bytes are no whole number of records of {record}", file.bytes.len());
        return Err(DataError::malformed(&file.origin, reason));
    }
    for (i, bytes) in file.bytes.chunks_exact(record).enumerate() {
        let (labels, pixels) = bytes.split_at(layout.labels);
        let label = labels[layout.labels - 1];
        if usize::from(label) >= layout.classes {
            let reason = format!("record {i} has label {label}; there are {} classes", layout.classes);
            return Err(DataError::malformed(&file.origin, reason));
        }
        split.labels.push(u16::from(label));
        split.pixels.extend_from_slice(pixels);
    }
    Ok(())
}

fn read_names(file: &Member, layout: &Layout) -> Result<Vec<String>, DataError> {
    let text = String::from_utf8_lossy(&file.bytes);
    let names: Vec<String> = text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
    if names.len() != layout.classes {
        let reason = format!("{} class names, {} are expected", names.len(), layout.classes);
        return Err(DataError::malformed(&file.origin, reason));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::super::idx::tests::gzip;
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// A record whose pixels tell its number.
    fn record(labels: &[u8], number: u8) -> Vec<u8> {
        let mut bytes = labels.to_vec();
        bytes.extend((0..PIXELS).map(|i| (i % 251) as u8 ^ number));
        bytes
    }

    /// The files of a small data set: one image in each file of records.
    fn contents(layout: &Layout) -> Vec<(&'static str, Vec<u8>)> {
        let names: String = (0..layout.classes).map(|i| format!("class {i}\n")).collect();
        let one = |(i, file): (usize, &Wanted)| match i {
            // The published file ends with an empty line.
            0 => (file.name, format!("{names}\n").into_bytes()),
            _ => (file.name, record(&[19, i as u8][2 - layout.labels..], i as u8)),
        };
        layout.files.iter().enumerate().map(one).collect()
    }

    fn folder(layout: &Layout) -> TempDir {
        let f = tempfile::tempdir().expect("a folder");
        contents(layout).iter().for_each(|(name, bytes)| fs::write(f.path().join(name), bytes).expect("a file"));
        f
    }

    fn archive(layout: &Layout) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, bytes) in contents(layout) {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("inside/{name}"), &bytes[..]).expect("memory");
        }
        gzip(&tar.into_inner().expect("memory"))
    }

    #[test]
    fn folder_and_archive_are_one() {
        for layout in [CIFAR10, CIFAR100] {
            let plain = read(folder(&layout).path(), &layout).expect("sound");
            let n = layout.files.len() as u16;
            assert_eq!(plain.train.labels, (1..n - 1).collect::<Vec<u16>>(), "the fine label, file by file");
            assert_eq!(plain.test.labels, [n - 1]);
            assert_eq!(plain.test.pixels, record(&[], (n - 1) as u8));
            assert_eq!((plain.shape(), plain.classes.len()), ([3, 32, 32], layout.classes));
            assert_eq!(plain.classes[3], "class 3");
            let f = tempfile::tempdir().expect("a folder");
            fs::write(f.path().join(layout.archive), archive(&layout)).expect("a file");
            assert_eq!(read(f.path(), &layout).expect("sound"), plain);
        }
    }

    #[test]
    fn damaged_files_are_told_with_their_name() {
        let change = |name: &str, bytes: &[u8]| {
            let f = folder(&CIFAR10);
            fs::write(f.path().join(name), bytes).expect("a file");
            read(f.path(), &CIFAR10).expect_err("it is damaged").to_string()
        };
        let e = change("data_batch_2.bin", &record(&[10], 0));
        assert!(e.contains("data_batch_2.bin: record 0 has label 10; there are 10 classes"), "{e}");
        let e = change("test_batch.bin", &record(&[1], 0)[..3000]);
        assert!(e.contains("test_batch.bin: 3000 bytes are no whole number of records of 3073"), "{e}");
        assert!(change("test_batch.bin", &[]).contains("0 bytes"));
        assert!(change("batches.meta.txt", b"cat\ndog\n").contains("2 class names, 10 are expected"));
    }

    #[test]
    fn archives_that_are_cut_off_or_changed() {
        let f = tempfile::tempdir().expect("a folder");
        let path = f.path().join(CIFAR10.archive);
        let good = archive(&CIFAR10);
        let refusal = |bytes: &[u8]| {
            fs::write(&path, bytes).expect("a file");
            read(f.path(), &CIFAR10).expect_err("it is damaged").to_string()
        };
        for end in [good.len() - 3, good.len() / 2, 100] {
            let e = refusal(&good[..end]);
            assert!(e.contains("cifar-10-binary.tar.gz: is cut off"), "{end}: {e}");
        }
        let mut bad = good.clone();
        let at = bad.len() - 6;
        bad[at] ^= 1;
        let e = refusal(&bad);
        assert!(e.contains("cifar-10-binary.tar.gz: is damaged"), "{e}");
        let e = refusal(&gzip(&[0; 1024]));
        assert!(e.contains("cifar-10-binary.tar.gz: holds no batches.meta.txt"), "{e}");
        // Compressed soundly, but the archive inside ends within a file.
        let mut inside = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&good[..]), &mut inside).expect("sound");
        let e = refusal(&gzip(&inside[..3000]));
        assert!(e.contains("is cut off") || e.contains("is damaged"), "{e}");
    }
}
