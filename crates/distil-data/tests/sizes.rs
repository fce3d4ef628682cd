//! Sets of unusual sizes: thousands of small files, a hundred thousand classes, one image of a class, odd pictures.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use distil_progress::Progress;
use std::path::Path;

use distil_data::{DataConfig, Dataset, DatasetName, Error, HoldOut, ImageShape, Images, Split};
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};

fn load(path: &Path, change: impl FnOnce(&mut DataConfig)) -> Result<Dataset, Error> {
    let mut config = DataConfig { path: Some(path.to_owned()), ..DataConfig::new(DatasetName::Folder) };
    change(&mut config);
    config.load(Progress::none())
}

fn save(picture: impl Into<DynamicImage>, path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.into().save_with_format(path, ImageFormat::from_path(path).unwrap()).unwrap();
}

#[test]
fn thousands_of_small_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut one = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(1, 1, image::Rgb([1, 2, 3])).write_to(&mut one, ImageFormat::Png).unwrap();
    for class in ["a", "b", "c"] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        for i in 0..1500 {
            std::fs::write(folder.path().join(class).join(format!("{i}.png")), one.get_ref()).unwrap();
        }
    }
    let data = load(folder.path(), |_| {}).unwrap();
    assert_eq!(data.parts().map(|(_, split)| split.len()).iter().sum::<usize>(), 4500);
    assert_eq!(data.train.class_counts(3), [1080; 3]);
}

#[test]
fn a_hundred_thousand_classes() {
    let classes = 100_000;
    let labels: Vec<u32> = (0..2 * classes).map(|row| row % classes).collect();
    let shape = ImageShape { channels: 1, height: 1, width: 1 };
    let split = Split::new(Images::from_u8(shape, vec![7; labels.len()]).unwrap(), labels).unwrap();
    let counts = split.class_counts(classes as usize);
    assert!(counts.len() == classes as usize && counts.iter().all(|count| *count == 2));
}

#[test]
fn folders_with_as_many_classes_are_read_in_linear_time() {
    // A set of names instead of a search for each: 2,000 classes twice are quick either way, the claim is the result.
    let folder = tempfile::tempdir().unwrap();
    let mut one = std::io::Cursor::new(Vec::new());
    GrayImage::new(1, 1).write_to(&mut one, ImageFormat::Png).unwrap();
    for part in ["train", "val"] {
        for class in 0..2000 {
            let place = folder.path().join(part).join(format!("c{class:05}"));
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("1.png"), one.get_ref()).unwrap();
        }
    }
    let data = load(folder.path(), |config| config.validation = Some(HoldOut::Count(0))).unwrap();
    assert_eq!((data.classes(), data.train.len(), data.test.len()), (2000, 2000, 2000));
    assert_eq!(data.test.labels[1999], 1999);
}

#[test]
fn a_class_keeps_its_only_image() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        save(RgbImage::new(4, 4), &folder.path().join(class).join("1.png"));
    }
    let data = load(folder.path(), |_| {}).unwrap();
    assert_eq!(data.parts().map(|(_, split)| split.len()), [2, 0, 0]);
    let asked = load(folder.path(), |config| config.validation = Some(HoldOut::Count(1))).unwrap_err();
    assert!(asked.to_string().contains("data.validation: 1 images cannot be held out"), "{asked}");
    std::fs::remove_dir_all(folder.path().join("b")).unwrap();
    let alone = load(folder.path(), |_| {}).unwrap_err().to_string();
    assert!(alone.contains("one class (a)") && alone.contains("needs two"), "{alone}");
}

/// Pictures of many kinds in one set: the set is in colour as soon as one of them is.
#[test]
fn odd_pictures_in_a_colour_set() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    save(RgbaImage::from_pixel(8, 8, image::Rgba([200, 100, 50, 0])), &at("train/a/alpha.png"));
    save(GrayImage::from_pixel(8, 8, image::Luma([90])), &at("train/a/grey.jpg"));
    let deep = image::ImageBuffer::<image::Luma<u16>, Vec<u16>>::from_pixel(8, 8, image::Luma([0x8000]));
    save(DynamicImage::ImageLuma16(deep), &at("train/b/deep.png"));
    save(RgbImage::from_pixel(8, 8, image::Rgb([1, 2, 3])), &at("train/b/plain.png"));
    for class in ["a", "b"] {
        save(RgbImage::new(8, 8), &at("val").join(class).join("1.png"));
    }
    let data = load(folder.path(), |config| {
        config.validation = Some(HoldOut::Count(0));
    });
    let data = data.unwrap();
    assert_eq!(data.shape(), ImageShape { channels: 3, height: 8, width: 8 });
    let first = |row: usize| {
        let pixels = data.train.images.bytes().unwrap();
        [0, 64, 128].map(|plane| i32::from(pixels[row * 192 + plane]))
    };
    assert_eq!(first(0), [200, 100, 50], "alpha is dropped");
    assert!(first(1).iter().all(|byte| (byte - 90).abs() <= 2), "grey is repeated: {:?}", first(1));
    assert_eq!(first(2), [128; 3], "sixteen bits are rounded to eight");
    assert_eq!(first(3), [1, 2, 3]);
}
