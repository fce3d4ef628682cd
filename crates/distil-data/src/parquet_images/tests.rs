use std::fs::File;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::{DatasetName, ImageStream, StreamOptions};
use distil_progress::Progress;

/// As `datasets` writes them: each a picture and a label, in groups of rows.
const SCHEMA: &str = "message schema {
    optional group image { optional binary bytes; optional binary path (UTF8); }
    optional int64 label;
}";
pub(crate) const NOTE: &str = r#"{"info": {"features": {
    "image": {"_type": "Image"},
    "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}
}}}"#;

/// A row's picture, if it has one, and its label.
pub(crate) type Row = (Option<Vec<u8>>, Option<i64>);

pub(crate) fn png(level: u8) -> Vec<u8> {
    let picture = image::RgbImage::from_pixel(4, 3, image::Rgb([level, 7, 9]));
    crate::picture::tests::written(picture, image::ImageFormat::Png)
}

/// Pictures of the levels from 0, of both classes in turns.
pub(crate) fn rows(count: u8) -> Vec<Row> {
    (0..count).map(|i| (Some(png(i)), Some(i64::from(i % 2)))).collect()
}

/// Writes a file in groups of so many rows.
pub(crate) fn write(path: &Path, rows: &[Row], group: usize, note: Option<&str>) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_data_page_row_count_limit(3)
        .set_write_batch_size(1)
        .set_key_value_metadata(
            note.map(|note| vec![KeyValue::new("huggingface".to_owned(), note.to_owned())]),
        );
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build())).unwrap();
    for rows in rows.chunks(group) {
        let mut group = writer.next_row_group().unwrap();
        let pictures: Vec<ByteArray> =
            rows.iter().filter_map(|(picture, _)| Some(picture.clone()?.into())).collect();
        let there: Vec<i16> = rows.iter().map(|(picture, _)| if picture.is_some() { 2 } else { 1 }).collect();
        let names = vec![ByteArray::from("picture.png"); rows.len()];
        for (values, levels) in [(pictures, there), (names, vec![2; rows.len()])] {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
        }
        let labels: Vec<i64> = rows.iter().filter_map(|(_, label)| *label).collect();
        let there: Vec<i16> = rows.iter().map(|(_, label)| i16::from(label.is_some())).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&labels, Some(&there), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
}

/// The bytes of such a file.
pub(crate) fn written(rows: &[Row], group: usize, note: Option<&str>) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    write(file.path(), rows, group, note);
    std::fs::read(file.path()).unwrap()
}

fn config(path: &Path) -> DataConfig {
    DataConfig { path: Some(path.to_owned()), ..DataConfig::new(DatasetName::Parquet) }
}

fn refused(path: &Path, words: &[&str]) {
    let error = config(path).load(Progress::none()).unwrap_err().to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
}

#[test]
fn a_set_of_hugging_face_is_read_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let (train, test) = (rows(40), rows(6));
    write(&data.join("train-00000-of-00002.parquet"), &train[..25], 7, Some(NOTE));
    write(&data.join("train-00001-of-00002.parquet"), &train[25..], 100, Some(NOTE));
    write(&data.join("test-00000-of-00001.parquet"), &test, 100, Some(NOTE));
    let config = crate::recognise(folder.path()).unwrap().config;
    assert_eq!(config.name, DatasetName::Parquet);
    let list = config.list().unwrap();
    assert_eq!(list.class_names, ["cat", "dog"]);
    assert_eq!([list.train.len(), list.validation.len(), list.test.len()], [36, 4, 6]);
    assert_eq!(list.test.name(1), "data/test-00000-of-00001.parquet/0000002");
    // Each image is the one of its row: its red level is its number.
    let everything = list.everything();
    let mut levels = Vec::new();
    for row in 0..everything.len() {
        let picture = image::load_from_memory(&everything.read(row).unwrap()).unwrap().into_rgb8();
        let level = picture.get_pixel(0, 0).0[0];
        assert_eq!(u32::from(level % 2), everything.labels()[row]);
        levels.push(level);
    }
    levels.sort_unstable();
    let mut expected: Vec<u8> = (0..40).chain(0..6).collect();
    expected.sort_unstable();
    assert_eq!(levels, expected);
    let loaded = config.load(Progress::none()).unwrap();
    assert_eq!((loaded.shape().channels, loaded.shape().height, loaded.shape().width), (3, 3, 4));
    let options = StreamOptions { resize: config.resize_to(4), channels: 3, shard: 5 };
    let shards = ImageStream::new(list.train, options).unwrap();
    assert_eq!(shards.map(|shard| shard.unwrap().split.len()).sum::<usize>(), 36);
}

#[test]
fn one_file_is_a_set_and_one_of_several_stands_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pets.parquet");
    write(&path, &rows(20), 100, None);
    let list = config(&path).list().unwrap();
    assert_eq!((list.name.as_str(), &list.class_names[..]), ("pets", &["0".to_owned(), "1".to_owned()][..]));
    assert_eq!([list.train.len(), list.validation.len(), list.test.len()], [14, 2, 4]);
    let skip = DataConfig { skip: Some(vec!["0000000".to_owned()]), ..config(&path) };
    assert_eq!(skip.list().unwrap().everything().len(), 19);
    let shard = folder.path().join("train-00001-of-00002.parquet");
    write(&shard, &rows(20), 100, None);
    assert_eq!(crate::recognise(&shard).unwrap().config.path.as_deref(), Some(folder.path()));
}

#[test]
fn classes_can_be_chosen_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let note = NOTE.replace("\"dog\"", "\"dog\", \"emu\"");
    let mut all = rows(20);
    all.extend((20..30).map(|i| (Some(png(i)), Some(2))));
    write(&folder.path().join("train.parquet"), &all, 100, Some(&note));
    let chosen = |names: &[&str]| {
        let classes = Some(names.iter().map(|&name| name.to_owned()).collect());
        DataConfig { classes, ..config(folder.path()) }.list()
    };
    let list = chosen(&["emu", "cat"]).unwrap();
    assert_eq!(
        (list.everything().len(), &list.class_names[..]),
        (20, &["emu".to_owned(), "cat".to_owned()][..])
    );
    assert_eq!(list.everything().class_counts(2), [10, 10]);
    let error = chosen(&["cat", "eel"]).unwrap_err().to_string();
    assert!(error.contains("\"eel\"") && error.contains("cat, dog, emu"), "{error}");
}

#[test]
fn what_cannot_be_a_set_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let with = |change: fn(&mut Vec<Row>)| {
        let mut rows = rows(20);
        change(&mut rows);
        write(&path, &rows, 100, None);
    };
    with(|rows| rows[3].1 = Some(-1));
    refused(&path, &["image 3 has the label -1", "test part without answers"]);
    with(|rows| rows[4].1 = None);
    refused(&path, &["image 4 has no label"]);
    with(|rows| rows[5].1 = Some(1 << 40));
    refused(&path, &["has the label 1099511627776", "number the classes"]);
    with(|rows| rows.iter_mut().for_each(|row| row.1 = Some(0)));
    refused(&path, &["1 classes"]);
    with(|rows| rows[6].0 = None);
    refused(&path, &["0000006", "holds no picture", "with the pictures in it"]);
    with(|rows| rows[7].0 = Some(b"<html>".to_vec()));
    refused(&path, &["0000007"]);
    std::fs::write(&path, "PAR1").unwrap();
    refused(&path, &["cannot be read as Parquet"]);
    let whole = written(&rows(20), 100, None);
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(&path, &["cannot be read as Parquet"]);
    let other = folder.path().join("y.parquet");
    write(&other, &rows(20), 100, Some(NOTE));
    write(&path, &rows(20), 100, Some(&NOTE.replace("cat", "cow")));
    refused(folder.path(), &["different classes"]);
}
