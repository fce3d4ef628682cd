//! Damaged copies of good files for each reader.

use distil_progress::Progress;
use std::io::Write;
use std::path::Path;

use distil_damage::{Counting, assault, cases, mutant};
use flate2::{Compression, Crc, write::GzEncoder, write::ZlibEncoder};
use image::ImageFormat;

use crate::picture::tests::written;
use crate::{DataConfig, DatasetName, datasets::tiny_imagenet, hostile};

#[global_allocator]
static HEAP: Counting = Counting;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn as_is(_: &mut [u8]) {}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_of(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Makes the checksum of every header of a tar file right again.
fn tar_checksums(bytes: &mut [u8]) {
    let (blocks, _) = bytes.as_chunks_mut::<512>();
    for block in blocks {
        if &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
    }
}

/// Makes the checksum of every chunk of a PNG right again.
fn png_checksums(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(end) = at.checked_add(length).and_then(|end| end.checked_add(12)) else { return };
        if end > bytes.len() {
            return;
        }
        let mut crc = Crc::new();
        crc.update(&bytes[at + 4..end - 4]);
        bytes[end - 4..end].copy_from_slice(&crc.sum().to_be_bytes());
        at = end;
    }
}

#[test]
fn idx_plain_and_gzipped() {
    let good = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3][..], &[9; 12]].concat();
    let labels = [0u8, 0, 8, 1, 0, 0, 0, 3, 2, 0, 9].to_vec();
    let accepted = assault(&[good.clone(), labels], as_is, hostile::idx);
    assert!((1..cases()).contains(&accepted), "{accepted}");
    assault(&[gzip(&good)], as_is, hostile::idx_gzip);
}

#[test]
fn cifar_records_and_archives() {
    let file = [&[3, 7][..], &[5; 3072]].concat();
    let whole =
        tar_of(&[("c/train.bin", file.clone()), ("c/readme", vec![1; 9]), ("c/test.bin", file.clone())]);
    assault(std::slice::from_ref(&whole), tar_checksums, hostile::cifar_tar);
    assault(&[gzip(&whole)], as_is, hostile::cifar_tar_gzip);
    let accepted = assault(&[file], as_is, hostile::cifar_records);
    assert!((cases() / 10..cases()).contains(&accepted), "{accepted}");
}

#[test]
fn pickles_of_cifar() {
    use crate::pickle::tests::{array, list, pickle_of};
    let good = pickle_of(&[("labels", list(&[3, 9])), ("data", array([2, 3072], &[7; 6144]))]);
    // Few bytes are not pixels: most copies are whole pickles, and a text in it is all that is short.
    let accepted = assault(&[good], as_is, hostile::cifar_python);
    assert!((cases() / 10..cases()).contains(&accepted), "{accepted}");
    let small = pickle_of(&[("labels", list(&[])), ("data", array([0, 3], &[]))]);
    assault(&[small], as_is, hostile::pickle);
}

/// The variables of a plain `.mat` file, compressed after they were damaged.
fn recompressed(bytes: &[u8]) -> Vec<u8> {
    let (header, body) = bytes.split_at(bytes.len().min(128));
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    let packed = encoder.finish().unwrap();
    let tag = [15u32.to_le_bytes(), (packed.len() as u32).to_le_bytes()].concat();
    [header, &tag, &packed].concat()
}

#[test]
fn matlab_files() {
    let names = ["svhn-plain.mat", "svhn-compressed.mat", "svhn-one.mat"];
    let accepted = assault(&names.map(fixture), as_is, hostile::svhn);
    assert!((1..cases()).contains(&accepted), "{accepted}");
    assault(&[fixture("meta.mat")], as_is, hostile::mat);
    // Behind the compression, where the checksum of the stream is right.
    let plain = {
        let packed = fixture("meta.mat");
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&packed[136..]), &mut body).unwrap();
        [&packed[..128], &body].concat()
    };
    assault(&[plain, fixture("svhn-one.mat")], as_is, |bytes| {
        hostile::mat(bytes) | hostile::mat(&recompressed(bytes))
    });
}

#[test]
fn tar_files_within_tar_files() {
    let inner = tar_of(&[("n01440764_1.JPEG", vec![1; 90]), ("n01440764_2.JPEG", vec![2; 700])]);
    let outer = tar_of(&[("n01440764.tar", inner.clone()), ("n02102040.tar", inner)]);
    assault(&[outer], tar_checksums, hostile::tar);
}

#[test]
fn zip_files() {
    let files = [
        ("t/a.JPEG".to_owned(), vec![5; 100]),
        ("t/b.JPEG".to_owned(), (0..=255).collect::<Vec<u8>>()),
        ("t/c.txt".to_owned(), Vec::new()),
    ];
    assault(&[tiny_imagenet::tests::zip_of(&files)], as_is, hostile::zip);
}

/// The names of pax and GNU, which no header has room for, among them.
#[test]
fn archives_of_class_folders() {
    let long = format!("p/a/{}.png", "n".repeat(200));
    let names = ["p/a/1.png", "p/b/photo", &long, "p/b/notes.txt", "__MACOSX/p/a/._1.png"];
    let files = names.map(|name| (name, fixture("palette.png")[..120].to_vec()));
    let accepted = assault(&[tar_of(&files)], tar_checksums, hostile::folders_in_tar);
    assert!((1..cases()).contains(&accepted), "{accepted}");
    let files = files.map(|(name, bytes)| (name.to_owned(), bytes));
    assault(&[tiny_imagenet::tests::zip_of(&files)], as_is, hostile::folders_in_zip);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_files() {
    use crate::parquet_images::tests::{NOTE, rows, written};
    // Where the library panics, the program's hook is silent, too; a backtrace would take memory.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !distil_files::panic_is_expected() {
            usual(panic);
        }
    }));
    let files = [written(&rows(8), 5, Some(NOTE)), written(&rows(3), 100, None)];
    let accepted = assault(&files, as_is, hostile::parquet);
    assert!((1..cases()).contains(&accepted), "{accepted}");
}

#[test]
fn tables_of_labels() {
    let tables = ["file,label\na.png,cat\n\"b, c.png\",dog\n", "id;species;split\n1;a;train\n2;b;test\n"];
    let accepted = assault(&tables.map(|table| table.as_bytes().to_vec()), as_is, hostile::label_table);
    assert!((1..cases()).contains(&accepted), "{accepted}");
}

const OTHER_KINDS: [ImageFormat; 6] = [
    ImageFormat::WebP,
    ImageFormat::Bmp,
    ImageFormat::Gif,
    ImageFormat::Tiff,
    ImageFormat::Pnm,
    ImageFormat::Qoi,
];

fn encoded(format: ImageFormat) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(9, 7, |x, y| image::Rgb([x as u8 * 20, y as u8 * 30, 7]));
    written(picture, format)
}

#[test]
fn pictures() {
    let read = |channels| move |bytes: &[u8]| hostile::picture(bytes, channels);
    let jpegs = ["plain.jpg", "progressive.jpg", "cmyk.jpg", "rotated.jpg"].map(fixture);
    let accepted = assault(&jpegs, as_is, read(3));
    assert!((1..cases()).contains(&accepted), "{accepted}");
    assault(&OTHER_KINDS.map(encoded), as_is, read(3));
    assault(&["deep.png", "palette.png"].map(fixture), png_checksums, read(1));
}

#[test]
fn answers_of_imagenet() {
    let rows = |row: &str| row.repeat(8).into_bytes();
    let table =
        [&b"ImageId,PredictionString\n"[..], b"ILSVRC2012_val_00000001,n01440764 1 2 3 4 \n"].concat();
    assault(&[table, rows("n01440764\n"), rows("7\n")], as_is, |bytes| {
        hostile::imagenet_answers(bytes, &fixture_meta())
    });
    let kit = tar_of(&[
        ("d/meta.mat", fixture_meta()),
        ("d/ILSVRC2012_validation_ground_truth.txt", b"7\n3\n12\n".to_vec()),
    ]);
    assault(&[kit], tar_checksums, hostile::imagenet_kit);
}

fn fixture_meta() -> Vec<u8> {
    include_bytes!("../tests/fixtures/meta.mat").to_vec()
}

/// Whole folders on disk, with damaged pictures and odd names; far fewer cases, because each writes files.
#[test]
fn image_folders() {
    let seeds = ["plain.jpg", "palette.png", "deep.png"].map(fixture);
    let names = ["a", "b", ".c", "__MACOSX", "d\u{1b}[0m", "train", "val", "é", "con"];
    let mut loaded = 0;
    for case in 0..(cases() / 100) {
        let root = tempfile::tempdir().unwrap();
        let mut rng = distil_random::stream(0, "image folders", case);
        let mut below = |bound| distil_random::below(&mut rng, bound);
        let good = below(2) == 0;
        for image in 0..12 {
            let class = names[below(if good { 2 } else { names.len() })];
            let folder = root.path().join(["", "train", "val"][if good { 0 } else { below(3) }]).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            let seed = &seeds[below(3)];
            let bytes = if good { seed.clone() } else { mutant(seed, 12 * case + image) };
            let extension = ["png", "JPEG", "jpg"][below(3)];
            std::fs::write(folder.join(format!("{image}.{extension}")), bytes).unwrap();
        }
        let config = DataConfig {
            path: Some(root.path().to_owned()),
            resolution: Some(4),
            ..DataConfig::new(DatasetName::Folder)
        };
        let data = config.load(Progress::none());
        if let Err(error) = &data {
            let message = error.to_string();
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
        loaded += u64::from(data.is_ok());
    }
    assert!((cases() / 250..cases() / 100).contains(&loaded), "{loaded}");
}
