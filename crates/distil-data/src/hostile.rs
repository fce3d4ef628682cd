//! The readers of this crate as functions of bytes, for tests of damaged copies and for the fuzz targets in `tests/fuzz`.
//! Each says whether it found nothing wrong, and panics where a reader breaks its word.

use std::io::Cursor;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::datasets::svhn;
use crate::{
    archive, bounded::MOST_EXPANSION, cifar, idx, imagenet, label_table, mat, pickle, picture, source::Window,
};
use crate::{tar_index, zip_index};

fn path() -> &'static Path {
    Path::new("fixture")
}

/// A file of images or labels in IDX format.
pub fn idx(bytes: &[u8]) -> bool {
    let images = idx::parse_images(path(), &mut &bytes[..], bytes.len() as u64);
    if let Ok(images) = &images {
        assert_eq!(images.bytes().map(<[u8]>::len), Some(bytes.len() - 16));
    }
    images.is_ok() | idx::parse_labels(path(), &mut &bytes[..], bytes.len() as u64, 10).is_ok()
}

/// A gzipped file of images in IDX format.
pub fn idx_gzip(bytes: &[u8]) -> bool {
    let most = MOST_EXPANSION * bytes.len() as u64;
    idx::parse_images(path(), &mut MultiGzDecoder::new(bytes), most).is_ok()
}

/// A file of CIFAR-100's records.
pub fn cifar_records(bytes: &[u8]) -> bool {
    cifar::parse(cifar::Cifar::Hundred, path(), bytes, &mut Vec::new(), &mut Vec::new()).is_ok()
}

/// A tar file of such files.
pub fn cifar_tar(bytes: &[u8]) -> bool {
    let files = cifar::read_archive(cifar::Cifar::Hundred, path(), bytes);
    // What an archive promises is never more than it has.
    files.is_ok_and(|files| files.values().all(|file| file.len() <= bytes.len()))
}

/// A gzipped tar file of such files.
pub fn cifar_tar_gzip(bytes: &[u8]) -> bool {
    cifar::read_archive(cifar::Cifar::Hundred, path(), MultiGzDecoder::new(bytes)).is_ok()
}

/// A file of the Python version of CIFAR-10.
pub fn cifar_python(bytes: &[u8]) -> bool {
    cifar::parse_python(cifar::Cifar::Ten, path(), bytes, &mut Vec::new(), &mut Vec::new()).is_ok()
}

/// Any pickle.
pub fn pickle(bytes: &[u8]) -> bool {
    pickle::parse(path(), bytes).is_ok()
}

/// A MATLAB file of SVHN's form.
pub fn svhn(bytes: &[u8]) -> bool {
    svhn::parse(path(), &mut &bytes[..], bytes.len() as u64).is_ok()
}

/// Any MATLAB file.
pub fn mat(bytes: &[u8]) -> bool {
    mat::read(path(), &mut &bytes[..], bytes.len() as u64).is_ok()
}

/// A Parquet file of pictures and labels.
#[cfg(feature = "parquet")]
pub fn parquet(bytes: &[u8]) -> bool {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), bytes).expect("a temporary file can be written");
    let Ok(table) = crate::parquet_images::Table::open(file.path()) else { return false };
    let pictures = (0..table.rows().min(100)).map(|row| table.picture(file.path(), row).is_ok());
    let all = pictures.fold(true, |all, fine| all & fine);
    table.labels().is_ok() && all
}

/// A tar file of tar files, as ImageNet comes.
pub fn tar(bytes: &[u8]) -> bool {
    let length = bytes.len() as u64;
    let mut classes = Vec::new();
    let walk = tar_index::each_member(path(), Cursor::new(bytes), [0, length], |_, member| {
        classes.push(member);
        Ok(())
    });
    let images = classes.iter().map(|class| {
        let window = Window::new(Cursor::new(bytes), class.offset, class.length);
        tar_index::each_member(path(), window, [class.offset, class.length], |_, image| {
            assert!(image.offset + image.length <= class.offset + class.length);
            image.read(path(), Cursor::new(bytes)).map(drop)
        })
    });
    walk.is_ok() & images.fold(true, |fine, images| fine & images.is_ok())
}

/// A zip file; every member is unpacked.
pub fn zip(bytes: &[u8]) -> bool {
    let mut reader = Cursor::new(bytes);
    let members = zip_index::members(path(), &mut reader, bytes.len() as u64).unwrap_or_default();
    let fine = members.iter().map(|(_, member)| member.read(path(), &mut reader).is_ok());
    fine.fold(!members.is_empty(), |all, fine| all & fine)
}

/// A zip file of pictures in class folders.
pub fn folders_in_zip(bytes: &[u8]) -> bool {
    archive::placed(path(), archive::Form::Zip, Cursor::new(bytes)).is_ok()
}

/// A tar file of pictures in class folders, and the same as it comes out of gzip.
pub fn folders_in_tar(bytes: &[u8]) -> bool {
    let placed = archive::placed(path(), archive::Form::Tar, Cursor::new(bytes));
    placed.is_ok() & archive::streamed(path(), bytes, 1 << 20).is_ok()
}

/// A table of files and labels.
pub fn label_table(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).ok();
    let rows = text.and_then(|text| label_table::parse(path(), text).ok());
    rows.is_some_and(|rows| label_table::class_names(path(), &rows).is_ok())
}

/// A PNG or JPEG file, decoded with that many channels.
pub fn picture(bytes: &[u8], channels: usize) -> bool {
    picture::decode(path(), bytes, channels, None).is_ok()
}

/// Classes of ImageNet's validation images in any of their forms. `meta` is the development kit's table of classes.
pub fn imagenet_answers(bytes: &[u8], meta: &[u8]) -> bool {
    imagenet::read_answers(bytes, meta);
    true
}

/// ImageNet's development kit, a tar file.
pub fn imagenet_kit(bytes: &[u8]) -> bool {
    imagenet::kit_members(path(), bytes).is_ok()
}
