//! A miniature ImageNet in every layout that ImageNet has.

use distil_progress::Progress;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};
use image::{ImageFormat, Rgb, RgbImage};

use crate::{Counts, DataConfig, Dataset, DatasetName, Error, ImageStream, ImagenetSubset};

const TRAIN: usize = 4;
const VAL: usize = 50;
/// Below 256 / 12.
const STEP: usize = 20;

fn woof() -> DatasetName {
    "imagewoof".parse().unwrap()
}

/// The classes of Imagewoof, in their order, and two others.
fn wnids() -> Vec<&'static str> {
    let subset = ImagenetSubset::find("imagewoof").unwrap().classes();
    subset.iter().map(|class| class.wnid).chain(["n01440764", "n03028079"]).collect()
}

/// A flat picture whose red channel tells class and number.
fn picture(class: usize, number: usize) -> Vec<u8> {
    let red = (class * STEP + number % STEP) as u8;
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(6, 4, Rgb([red, 0, 255])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn train_images(class: usize) -> Vec<(String, Vec<u8>)> {
    let name = |i| format!("{}_{i}.JPEG", wnids()[class]);
    (0..TRAIN).map(|i| (name(i), picture(class, i))).collect()
}

/// Number `i + 1` shows class `i % 12`.
fn val_images() -> Vec<(String, usize, Vec<u8>)> {
    let n = wnids().len() * VAL;
    let image = |i| {
        let class = i % wnids().len();
        (format!("ILSVRC2012_val_{:08}.JPEG", i + 1), class, picture(class, i / wnids().len()))
    };
    (0..n).map(image).collect()
}

fn tar_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

fn write(path: PathBuf, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn train_folders(root: &Path) {
    for class in 0..wnids().len() {
        for (name, bytes) in train_images(class) {
            write(root.join("train").join(wnids()[class]).join(name), bytes);
        }
    }
}

fn val_folders(root: &Path) {
    for (name, class, bytes) in val_images() {
        write(root.join("val").join(wnids()[class]).join(name), bytes);
    }
}

fn val_flat(root: &Path) {
    for (name, _, bytes) in val_images() {
        write(root.join("val").join(name), bytes);
    }
}

fn train_tar(root: &Path) {
    let classes: Vec<_> = (0..wnids().len())
        .rev()
        .map(|class| (format!("{}.tar", wnids()[class]), tar_of(&train_images(class))))
        .collect();
    write(root.join("ILSVRC2012_img_train.tar"), tar_of(&classes));
}

fn class_tars(root: &Path) {
    for class in 0..wnids().len() {
        write(root.join("train").join(format!("{}.tar", wnids()[class])), tar_of(&train_images(class)));
    }
}

fn val_tar(root: &Path) {
    let images: Vec<_> = val_images().into_iter().map(|(name, _, bytes)| (name, bytes)).collect();
    write(root.join("ILSVRC2012_img_val.tar"), tar_of(&images));
}

/// The numbers that `meta.mat` (written by SciPy, see tests/fixtures/README.md) gives the classes.
const KIT_IDS: [u32; 12] = [7, 3, 12, 1, 9, 5, 2, 11, 4, 8, 6, 10];

/// A line for every validation image.
fn lines(of_class: impl Fn(usize) -> String) -> String {
    val_images().iter().map(|(_, class, _)| of_class(*class) + "\n").collect()
}

fn answers() -> String {
    lines(|class| KIT_IDS[class].to_string())
}

fn meta() -> Vec<u8> {
    include_bytes!("../../tests/fixtures/meta.mat").to_vec()
}

fn kit_archive(root: &Path) {
    let below = |name: &str| format!("ILSVRC2012_devkit_t12/data/{name}");
    let files = [
        (below("meta.mat"), meta()),
        (below("ILSVRC2012_validation_ground_truth.txt"), answers().into_bytes()),
        (below("readme.txt"), vec![b'x'; 3000]),
    ];
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&tar_of(&files)).unwrap();
    write(root.join("ILSVRC2012_devkit_t12.tar.gz"), packed.finish().unwrap());
}

fn kit_folder(root: &Path) {
    write(root.join("ILSVRC2012_devkit_t12/data/meta.mat"), meta());
    write(root.join("ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"), answers());
}

fn kaggle_table(root: &Path) {
    let row = |(name, class, _): &(String, usize, Vec<u8>)| {
        let wnid = wnids()[*class];
        format!("{},{wnid} 1 2 3 4 {wnid} 5 6 7 8 \n", name.trim_end_matches(".JPEG"))
    };
    let rows: String = val_images().iter().rev().map(row).collect();
    write(root.join("LOC_val_solution.csv"), format!("ImageId,PredictionString\n{rows}"));
}

fn wnid_list(root: &Path) {
    let rows = lines(|class| wnids()[class].to_owned());
    write(root.join("imagenet_2012_validation_synset_labels.txt"), rows);
}

type Part = fn(&Path);
const LAYOUTS: [&[Part]; 6] = [
    &[train_folders, val_folders],
    &[train_tar, val_tar, kit_archive],
    &[train_tar, val_tar, kit_folder],
    &[class_tars, val_flat, wnid_list],
    &[train_folders, val_flat, kaggle_table],
    &[train_folders, val_tar, kit_archive],
];

fn imagenet(layout: &[Part]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for part in layout {
        part(root.path());
    }
    root
}

fn config(name: DatasetName, root: &Path) -> DataConfig {
    DataConfig { path: Some(root.to_owned()), resolution: Some(4), ..DataConfig::new(name) }
}

fn load(config: &DataConfig) -> Result<Dataset, Error> {
    config.load(Progress::none())
}

#[test]
fn every_layout_is_the_same_dataset_in_the_published_order() {
    let mut first: Option<Dataset> = None;
    for layout in LAYOUTS {
        let root = imagenet(layout);
        let data = load(&config(woof(), root.path())).unwrap();
        assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [30, 10, 500]);
        assert_eq!((data.class_names[0].as_str(), data.classes()), ("n02096294 Australian_terrier", 10));
        for (_, split) in data.parts() {
            let reds =
                split.images.bytes().unwrap().chunks(3 * 4 * 4).map(|image| usize::from(image[0]) / STEP);
            assert!(reds.zip(&split.labels).all(|(class, &label)| class == label as usize));
        }
        let first = first.get_or_insert_with(|| data.clone());
        assert_eq!((&data.digest, data.preprocessing()), (&first.digest, first.preprocessing()));
    }
}

#[test]
fn the_data_folder_is_searched() {
    let root = tempfile::tempdir().unwrap();
    for below in ["", "imagenet", "ILSVRC/Data/CLS-LOC"] {
        let dir = root.path().join(if below.is_empty() { "x" } else { below });
        fs::create_dir_all(&dir).unwrap();
        train_folders(&dir);
        val_flat(&dir);
        kaggle_table(if below.starts_with("ILSVRC") { root.path() } else { &dir });
        let data_dir = if below.is_empty() { dir.clone() } else { root.path().to_owned() };
        let config = DataConfig { data_dir: Some(data_dir), resolution: Some(4), ..DataConfig::new(woof()) };
        assert_eq!(load(&config).unwrap().test.len(), 500, "{below:?}");
        fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn your_own_subset_is_a_list_of_wnids_in_the_order_of_labels() {
    let root = imagenet(LAYOUTS[1]);
    let text = format!(
        "name = \"imagenet\"\npath = {:?}\nclasses = [\"n03028079\", \"n02086240\"]\nresolution = 5\n\
         resize = \"centre-crop\"\nfilter = \"bicubic\"\nvalidation = 2",
        root.path()
    );
    let own: DataConfig = toml::from_str(&text).unwrap();
    let data = load(&own).unwrap();
    assert_eq!(data.class_names, ["n03028079", "n02086240"]);
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [6, 2, 100]);
    let red = data.test.images.bytes().unwrap()[0];
    assert_eq!(usize::from(red) / STEP, 11, "label 0 is the twelfth class of the fixture");
    let all = load(&DataConfig { classes: None, ..own.clone() }).unwrap();
    assert_eq!(all.classes(), 12);
    assert!(all.class_names.is_sorted(), "all classes are in the order of their wnids");
    for (classes, word) in [(["n0302807", "n02086240"], "not a wnid"), (["n02086240"; 2], "twice")] {
        let classes = Some(classes.map(str::to_owned).to_vec());
        let error = load(&DataConfig { classes, ..own.clone() }).unwrap_err().to_string();
        assert!(error.starts_with("data.classes") && error.contains(word), "{error}");
    }
    let classes = Some(vec!["n02086240".to_owned(), "n00000001".to_owned()]);
    let error = load(&DataConfig { classes, ..own }).unwrap_err().to_string();
    assert!(error.contains("n00000001"), "{error}");
}

#[test]
fn another_number_of_validation_images_must_be_accepted_explicitly() {
    let root = imagenet(LAYOUTS[0]);
    let odd = root.path().join("val").join(wnids()[3]).join("ILSVRC2012_val_00000004.JPEG");
    fs::remove_file(&odd).unwrap();
    let config = config(woof(), root.path());
    let error = load(&config).unwrap_err().to_string();
    for word in ["49 validation images", wnids()[3], "500 in all", "data.counts"] {
        assert!(error.contains(word), "{error}");
    }
    let any = DataConfig { counts: Counts::Any, ..config };
    assert_eq!(load(&any).unwrap().test.len(), 499);
    assert_eq!(toml::from_str::<DataConfig>(&toml::to_string(&any).unwrap()).unwrap(), any);
}

#[test]
fn music_hard_has_nine_classes_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let music = ImagenetSubset::find("comp-dd/music-hard").unwrap();
    for class in music.classes() {
        for i in 0..3 {
            write(root.path().join("train").join(class.wnid).join(format!("{i}.JPEG")), picture(0, i));
        }
        for i in 0..50 {
            write(root.path().join("val").join(class.wnid).join(format!("{i}.JPEG")), picture(0, i));
        }
    }
    let data = load(&config("comp-dd/music-hard".parse().unwrap(), root.path())).unwrap();
    assert_eq!((data.name.as_str(), data.classes(), data.test.len()), ("comp-dd/music-hard", 9, 450));
    assert_eq!(data.test.class_counts(9), [50; 9], "no label is empty");
}

#[test]
fn damaged_archives_are_named() {
    let root = imagenet(LAYOUTS[1]);
    let path = root.path().join("ILSVRC2012_img_train.tar");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = load(&config(woof(), root.path())).unwrap_err().to_string();
    assert!(error.contains("ILSVRC2012_img_train.tar") && error.contains("cut off"), "{error}");
    fs::write(&path, &whole).unwrap();
    fs::remove_file(root.path().join("ILSVRC2012_devkit_t12.tar.gz")).unwrap();
    let error = load(&config(woof(), root.path())).unwrap_err().to_string();
    assert!(error.contains("ILSVRC2012_devkit_t12.tar.gz"), "{error}");
    kit_folder(root.path());
    let answers = root.path().join("ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt");
    fs::write(&answers, "7\n1001\n").unwrap();
    let error = load(&config(woof(), root.path())).unwrap_err().to_string();
    assert!(error.contains("ILSVRC2012_val_00000003.JPEG"), "{error}");
    fs::write(&answers, "7\n1002\n").unwrap();
    let error = load(&config(woof(), root.path())).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("1002"), "{error}");
}

#[test]
fn a_stream_hands_out_every_image_once_across_a_resume() {
    let root = imagenet(LAYOUTS[1]);
    let config = config(woof(), root.path());
    let list = config.list().unwrap().test;
    let options = config.stream_options(64).unwrap();
    let mut stream = ImageStream::new(list.clone(), options).unwrap();
    let mut labels = Vec::new();
    let mut names = Vec::new();
    let mut pixels = Vec::new();
    for shard in stream.by_ref().take(3).map(Result::unwrap) {
        assert_eq!((shard.start, shard.names.len(), shard.split.len()), (labels.len(), 64, 64));
        names.extend(shard.names);
        labels.extend(shard.split.labels.clone());
        pixels.extend_from_slice(shard.split.images.bytes().unwrap());
    }
    let position: crate::StreamPosition =
        serde_json::from_str(&serde_json::to_string(&stream.position()).unwrap()).unwrap();
    assert_eq!(position.next, 192);
    for shard in ImageStream::resume(list.clone(), options, &position).unwrap().map(Result::unwrap) {
        labels.extend(shard.split.labels.clone());
        names.extend(shard.names);
        pixels.extend_from_slice(shard.split.images.bytes().unwrap());
    }
    assert_eq!((labels.len(), &labels[..]), (500, list.labels()));
    assert_eq!(names[0], "ILSVRC2012_img_val.tar/ILSVRC2012_val_00000001.JPEG");
    let loaded = load(&config).unwrap();
    assert_eq!(loaded.test.images.bytes().unwrap(), pixels);
    let other = list.subset(&(1..500).collect::<Vec<_>>());
    assert!(ImageStream::resume(other, options, &position).is_err());
}

#[test]
fn a_stream_ends_at_an_image_that_cannot_be_read_and_skip_leaves_it_out() {
    let root = imagenet(LAYOUTS[0]);
    let bad = format!("train/{}/{0}_2.JPEG", wnids()[1]);
    let whole = fs::read(root.path().join(&bad)).unwrap();
    fs::write(root.path().join(&bad), &whole[..whole.len() - 5]).unwrap();
    let base = DataConfig { validation: Some(crate::HoldOut::Count(0)), ..config(woof(), root.path()) };
    let mut stream = ImageStream::new(base.list().unwrap().train, base.stream_options(4).unwrap()).unwrap();
    assert!(stream.next().unwrap().is_ok());
    let error = stream.next().unwrap().unwrap_err().to_string();
    assert!(error.contains(&bad) && error.contains("cut off") && error.contains("data.skip"), "{error}");
    assert!(stream.next().is_none());
    assert_eq!(stream.position().next, 4);
    let error = load(&base).unwrap_err().to_string();
    assert!(error.contains(&bad), "{error}");
    let skipping = DataConfig { skip: Some(vec![bad]), ..base.clone() };
    assert_eq!(load(&skipping).unwrap().train.class_counts(10)[..3], [4, 3, 4]);
    let error = load(&DataConfig { skip: Some(vec!["x".to_owned()]), ..base }).unwrap_err().to_string();
    assert!(error.starts_with("data.skip"), "{error}");
}
