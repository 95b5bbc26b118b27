//! The IDX format of MNIST and Fashion-MNIST (LeCun, Cortes and Burges).
//!
//! Big-endian: two zero bytes, the type (8 is a byte), the number of dimensions, a 32-bit word per dimension, the data.

use super::DataError;
use super::files::{self, Member, Wanted};
use super::images::{Images, Split};
use std::path::Path;

/// What a folder holds, without `.gz`.
pub(super) const FILES: [Wanted; 4] = [
    Wanted::published("train-images-idx3-ubyte", 16 + 60_000 * 28 * 28),
    Wanted::published("train-labels-idx1-ubyte", 8 + 60_000),
    Wanted::published("t10k-images-idx3-ubyte", 16 + 10_000 * 28 * 28),
    Wanted::published("t10k-labels-idx1-ubyte", 8 + 10_000),
];

/// Reads the four files of a folder, plain or gzipped. `[1, H, W]`, as H and W are in the files.
pub(super) fn read(folder: &Path, name: &str, classes: &[&str]) -> Result<Images, DataError> {
    let mut members = files::read(folder, &FILES, None)?.into_iter();
    let mut next = || members.next().expect("invariant: as many members as names");
    let (train, size) = split(&next(), &next())?;
    let (test, test_size) = split(&next(), &next())?;
    if size != test_size {
        let reason = format!("training images of {size:?} pixels, test images of {test_size:?}; they must agree");
        return Err(DataError::malformed(folder.display().to_string(), reason));
    }
    let [height, width] = size;
    let classes = classes.iter().map(|&c| c.to_owned()).collect();
    let images = Images { name: name.to_owned(), channels: 1, height, width, classes, train, test };
    images.checked(&folder.display().to_string())
}

/// Images with their labels, and `[H, W]`.
fn split(images: &Member, labels: &Member) -> Result<(Split, [usize; 2]), DataError> {
    let ([n, height, width], pixels) = values::<3>(images)?;
    let ([m], labels_) = values::<1>(labels)?;
    if n != m {
        return Err(DataError::malformed(
            &labels.origin,
            format!("{m} labels for the {n} images of {}", images.origin),
        ));
    }
    let labels = labels_.iter().map(|&l| u16::from(l)).collect();
    Ok((Split { pixels: pixels.to_vec(), labels }, [height, width]))
}

/// The dimensions and bytes of a file of D dimensions.
fn values<const D: usize>(file: &Member) -> Result<([usize; D], &[u8]), DataError> {
    let refuse = |reason: String| DataError::malformed(&file.origin, reason);
    let magic = [0, 0, 8, D as u8];
    let Some((head, rest)) = file.bytes.split_first_chunk::<4>() else {
        return Err(refuse(format!("{} bytes are no IDX file", file.bytes.len())));
    };
    if *head != magic {
        return Err(refuse(format!(
            "starts with {head:02x?}, an IDX file of bytes in {D} dimensions with {magic:02x?}"
        )));
    }
    let Some((words, data)) = rest.split_at_checked(4 * D) else {
        return Err(refuse("is cut off in its header".to_owned()));
    };
    let mut sizes = [0; D];
    for (size, word) in sizes.iter_mut().zip(words.as_chunks::<4>().0) {
        *size = u32::from_be_bytes(*word) as usize;
    }
    let expected = sizes.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
    if expected != Some(data.len()) {
        return Err(refuse(format!("says {sizes:?} values, but {} bytes follow", data.len())));
    }
    Ok((sizes, data))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::read::GzEncoder;
    use std::fs;
    use std::io::Read;
    use tempfile::TempDir;

    pub fn idx(sizes: &[u32], data: &[u8]) -> Vec<u8> {
        let head = [0, 0, 8, sizes.len() as u8];
        [&head[..], &sizes.iter().flat_map(|s| s.to_be_bytes()).collect::<Vec<u8>>(), data].concat()
    }

    pub fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        GzEncoder::new(bytes, Compression::fast()).read_to_end(&mut out).expect("memory");
        out
    }

    /// Three training images and two test images of 2 x 3, gzipped or not.
    fn folder(gzipped: bool) -> TempDir {
        let f = tempfile::tempdir().expect("a folder");
        let pixels: Vec<u8> = (0..30).collect();
        let files =
            [idx(&[3, 2, 3], &pixels[..18]), idx(&[3], &[0, 2, 1]), idx(&[2, 2, 3], &pixels[18..]), idx(&[2], &[2, 0])];
        for (name, bytes) in FILES.map(|f| f.name).iter().zip(files) {
            match gzipped {
                true => fs::write(f.path().join(format!("{name}.gz")), gzip(&bytes)),
                false => fs::write(f.path().join(name), bytes),
            }
            .expect("a file");
        }
        f
    }

    const CLASSES: [&str; 3] = ["a", "b", "c"];

    fn refusal(folder: &TempDir) -> String {
        read(folder.path(), "tiny", &CLASSES).expect_err("it is damaged").to_string()
    }

    #[test]
    fn plain_and_gzipped_are_one() {
        let plain = read(folder(false).path(), "tiny", &CLASSES).expect("sound");
        assert_eq!(plain, read(folder(true).path(), "tiny", &CLASSES).expect("sound"));
        assert_eq!(
            (plain.shape(), &*plain.train.labels, &*plain.test.labels),
            ([1, 2, 3], &[0, 2, 1][..], &[2, 0][..])
        );
        assert_eq!(plain.test.pixels, (18..30).collect::<Vec<u8>>());
    }

    #[test]
    fn damaged_files_are_told_with_their_name() {
        let change = |name: &str, bytes: &[u8]| {
            let f = folder(false);
            fs::write(f.path().join(name), bytes).expect("a file");
            refusal(&f)
        };
        let [images, labels, ..] = FILES.map(|f| f.name);
        let e = change(images, &[0, 0, 8, 1, 0, 0, 0, 0]);
        assert!(e.contains("train-images-idx3-ubyte: starts with [00, 00, 08, 01], an IDX file"), "{e}");
        let e = change(images, &idx(&[3, 2, 3], &[0; 17]));
        assert!(e.contains("says [3, 2, 3] values, but 17 bytes follow"), "{e}");
        let e = change(images, &idx(&[u32::MAX, u32::MAX, u32::MAX], &[0; 17]));
        assert!(e.contains("but 17 bytes follow"), "{e}");
        let e = change(images, &idx(&[3, 2, 3], &[])[..9]);
        assert!(e.contains("is cut off in its header"), "{e}");
        assert!(change(images, &[0, 0]).contains("2 bytes are no IDX file"));
        let e = change(labels, &idx(&[2], &[0, 1]));
        assert!(e.contains("train-labels-idx1-ubyte: 2 labels for the 3 images of"), "{e}");
        let e = change(labels, &idx(&[3], &[0, 1, 3]));
        assert!(e.contains("training image 2 has label 3, but there are 3 classes"), "{e}");
        let e = change(FILES[2].name, &idx(&[2, 3, 3], &[0; 18]));
        assert!(e.contains("training images of [2, 3] pixels, test images of [3, 3]"), "{e}");
    }

    #[test]
    fn a_gzip_file_that_is_cut_off_or_changed() {
        let f = folder(true);
        let path = f.path().join(format!("{}.gz", FILES[0].name));
        let good = fs::read(&path).expect("there");
        for end in [good.len() - 1, good.len() / 2, 5] {
            fs::write(&path, &good[..end]).expect("a file");
            let e = refusal(&f);
            assert!(e.contains("ubyte.gz: is cut off"), "{end}: {e}");
        }
        let mut bad = good;
        let at = bad.len() - 6;
        bad[at] ^= 1;
        fs::write(&path, bad).expect("a file");
        assert!(refusal(&f).contains("ubyte.gz: is damaged: "), "{}", refusal(&f));
        fs::remove_file(&path).expect("there");
        assert!(refusal(&f).contains("train-images-idx3-ubyte: cannot be read"), "{}", refusal(&f));
    }
}
