//! Small files of every format, sound, and parts to make others of.

use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Compression, Crc};
use std::io::{Cursor, Read, Write};

pub fn hex(text: &str) -> Vec<u8> {
    let digit = |i: usize| u8::from_str_radix(&text[i..i + 2], 16).expect("a hexadecimal number");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// Pillow 13's `save` of 16 x 16 pixels `(16 x, 16 y, 8 (x + y))` with `quality=50, optimize=True`.
pub const BASELINE: &str = "\
    ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740\
    485c4e404457453738506d51575f626768673e4d71797064785c656763ffdb0043011112121815182f1a1a2f63423842636363636363636363636363\
    6363636363636363636363636363636363636363636363636363636363636363636363636363ffc00011080010001003012200021101031101ffc400\
    1500010100000000000000000000000000000506ffc4001810000203000000000000000000000000000004052131ffc4001401010000000000000000\
    0000000000000000ffc4001811000301010000000000000000000000000002042131ffda000c03010002110311003f009b5a3f285d68fca125a3f285\
    d68fca08e20bf9a7ffd9";

/// The same with `progressive=True`.
pub const PROGRESSIVE: &str = "\
    ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740\
    485c4e404457453738506d51575f626768673e4d71797064785c656763ffdb0043011112121815182f1a1a2f63423842636363636363636363636363\
    6363636363636363636363636363636363636363636363636363636363636363636363636363ffc20011080010001003012200021101031101ffc400\
    1500010100000000000000000000000000000405ffc40014010100000000000000000000000000000000ffda000c030100021003100000019ab4b0ff\
    c400161000030000000000000000000000000000000203ffda0008010100010502598b31662ccfffc400151101010000000000000000000000000000\
    0300ffda0008010301013f0107bfffc4001511010100000000000000000000000000000100ffda0008010201013f011bffc400141001000000000000\
    00000000000000000020ffda0008010100063f021fffc40014100100000000000000000000000000000020ffda0008010100013f21001fffda000c03\
    01000200030000001063ffc400161100030000000000000000000000000000002131ffda0008010301013f109b3fffc4001411010000000000000000\
    0000000000000000ffda0008010201013f107fffc400161000030000000000000000000000000000002131ffda0008010100013f109224892248ffd9";

pub fn gzip(from: impl Read) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    copy(from, &mut out);
    out.finish().expect("memory")
}

fn copy(mut from: impl Read, to: &mut impl Write) {
    std::io::copy(&mut from, to).expect("memory");
}

/// So many zeros.
pub fn zeros(count: u64) -> impl Read {
    std::io::repeat(0).take(count)
}

/// A PNG file with these chunks.
pub fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in chunks {
        let mut crc = Crc::new();
        crc.update(*name);
        crc.update(data);
        out.extend((data.len() as u32).to_be_bytes());
        out.extend([&name[..], data, &crc.sum().to_be_bytes()].concat());
    }
    out
}

/// The header of a PNG of 8-bit samples: 0 is grey, 2 is colour.
pub fn ihdr(width: u32, height: u32, colour: u8) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, colour, 0, 0, 0]].concat()
}

pub fn deflate(from: impl Read) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
    copy(from, &mut out);
    out.finish().expect("memory")
}

/// A whole PNG of one colour, black.
pub fn black(width: u32, height: u32) -> Vec<u8> {
    let raw = zeros((1 + 3 * u64::from(width)) * u64::from(height));
    png(&[(b"IHDR", ihdr(width, height, 2)), (b"IDAT", deflate(raw)), (b"IEND", vec![])])
}

/// A grey PNG of 4 x 4 pixels, which count from a first value.
pub fn grey(first: u8) -> Vec<u8> {
    // The first byte of a row is its filter.
    let rows: Vec<u8> =
        (0..4).flat_map(|y| [0, first + 4 * y, first + 4 * y + 1, first + 4 * y + 2, first + 4 * y + 3]).collect();
    png(&[(b"IHDR", ihdr(4, 4, 0)), (b"IDAT", deflate(&rows[..])), (b"IEND", vec![])])
}

/// A `.tar` of these files, with the blocks that end it.
pub fn tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, &bytes[..]).expect("memory");
    }
    tar.into_inner().expect("memory")
}

pub fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("memory");
        zip.write_all(bytes).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

/// An IDX file of bytes.
pub fn idx(sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let head = [0, 0, 8, sizes.len() as u8];
    [&head[..], &sizes.iter().flat_map(|s| s.to_be_bytes()).collect::<Vec<u8>>(), data].concat()
}
