//! SVHN's files, as SciPy writes them (tests/fixtures/README.md).

use super::*;
use distil_progress::Progress;

const COMPRESSED: &[u8] = include_bytes!("../../../tests/fixtures/svhn-compressed.mat");
const PLAIN: &[u8] = include_bytes!("../../../tests/fixtures/svhn-plain.mat");
const ONE: &[u8] = include_bytes!("../../../tests/fixtures/svhn-one.mat");

fn read(bytes: &[u8]) -> Result<Split, Error> {
    parse(Path::new("train_32x32.mat"), &mut &bytes[..], bytes.len() as u64)
}

/// What the fixtures hold at a row, column, channel and image.
fn expected(row: usize, column: usize, channel: usize, image: usize) -> u8 {
    (3 * row + 17 * column + 60 * channel + 11 * image) as u8
}

#[test]
fn columns_become_rows_and_ten_becomes_zero() {
    for (bytes, labels) in
        [(COMPRESSED, &[1, 0, 9, 3, 0, 5, 2][..]), (PLAIN, &[1, 0, 9, 3, 0, 5, 2]), (ONE, &[0])]
    {
        let split = read(bytes).unwrap();
        assert_eq!(
            (split.images.shape(), &split.labels[..]),
            (ImageShape { channels: 3, height: 5, width: 4 }, labels)
        );
        let mut at = split.images.bytes().unwrap().iter();
        for image in 0..labels.len() {
            for (channel, row, column) in (0..60).map(|i| (i / 20, i / 4 % 5, i % 4)) {
                assert_eq!(*at.next().unwrap(), expected(row, column, channel, image));
            }
        }
    }
}

#[test]
fn other_files_are_refused_with_the_reason() {
    let with = |at: usize, byte: u8| {
        let mut bytes = PLAIN.to_vec();
        bytes[at] = byte;
        bytes
    };
    let labels = PLAIN.len() - 8;
    let mut newer = with(124, 0);
    newer[125] = 2;
    for (bytes, word) in [
        (newer, "7.3"),
        (with(126, b'X'), "level 5"),
        (with(labels, 11), "record 0 has label 11"),
        (with(labels + 1, 0), "record 1 has label 0"),
        (PLAIN[..PLAIN.len() - 30].to_vec(), "announces"),
        (COMPRESSED[..COMPRESSED.len() - 30].to_vec(), "announces"),
        (include_bytes!("../../../tests/fixtures/meta.mat").to_vec(), "no variable X"),
    ] {
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains("train_32x32.mat") && error.contains(word), "{word}: {error}");
    }
}

#[test]
fn a_set_is_found_and_loaded_by_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("svhn")).unwrap();
    std::fs::write(dir.path().join("svhn").join(TRAIN), COMPRESSED).unwrap();
    std::fs::write(dir.path().join("svhn").join(TEST), PLAIN).unwrap();
    let config = crate::DataConfig {
        data_dir: Some(dir.path().to_owned()),
        ..crate::DataConfig::new(crate::DatasetName::Svhn)
    };
    let data = config.load(Progress::none()).unwrap();
    assert_eq!((data.train.len() + data.validation.len(), data.test.len(), data.classes()), (7, 7, 10));
}
