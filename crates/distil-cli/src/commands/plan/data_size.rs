//! Shape and numbers of a dataset's images, without loading it.

use std::io::Cursor;
use std::path::Path;

use distil_data::clutter::{self, ClutterConfig};
use distil_data::{DataConfig, DatasetName, HoldOut, ImageShape, Listing, share_of_class};
use distil_match::plan::DataSize;

/// What is held out when nothing is said (distil-data).
const HELD_OUT: HoldOut = HoldOut::Share(0.1);
/// The side of ImageNet's images when nothing is said.
const IMAGENET_SIDE: usize = 128;
/// Training images of a class of ImageNet; most have so many, none has more.
const IMAGENET_CLASS: usize = 1300;
/// Images whose headers are looked at in a folder of unknown images.
const LOOKED_AT: usize = 32;

/// What a run computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Images {
    /// Shape of an image as the network sees it.
    pub(crate) shape: ImageShape,
    pub(crate) classes: usize,
    /// Images that validations classify.
    pub(crate) validation: usize,
    pub(crate) size: DataSize,
}

/// A set as it is published or listed.
#[derive(Debug, Clone, Copy)]
struct Known {
    shape: ImageShape,
    classes: usize,
    train: usize,
    test: usize,
    /// Whether its images are decoded one by one, straight into the parts.
    decoded: bool,
}

/// The size of the data that a configuration names; `None` where neither its name nor its files tell.
pub(crate) fn images(data: &DataConfig, data_dir: Option<&Path>) -> Option<Images> {
    if data.name == DatasetName::Folder {
        return folder(data);
    }
    let known = by_name(data, data_dir)?;
    let held = match data.validation.unwrap_or(HELD_OUT) {
        HoldOut::Count(count) => count.min(known.train),
        // Of every class, as equal as the published sets' classes are.
        HoldOut::Share(share) => known.classes * share_of_class(known.train / known.classes.max(1), share),
    };
    let train = data.train_limit.unwrap_or(usize::MAX).min(known.train - held.min(known.train));
    let read = if known.decoded { 0 } else { known.train + known.test };
    Some(sized(data, known, [train, held, known.test], read))
}

fn sized(data: &DataConfig, known: Known, parts: [usize; 3], read: usize) -> Images {
    let side = |own| data.resolution.unwrap_or(own);
    let (height, width) = (side(known.shape.height), side(known.shape.width));
    Images {
        shape: ImageShape { height, width, ..known.shape },
        classes: known.classes,
        validation: parts[1],
        size: DataSize { kept: parts.iter().sum(), read, read_pixels: known.shape.len(), zca: data.zca },
    }
}

fn by_name(data: &DataConfig, data_dir: Option<&Path>) -> Option<Known> {
    let square = |channels, side| ImageShape { channels, height: side, width: side };
    let arrays = |shape, classes, train, test| Known { shape, classes, train, test, decoded: false };
    let imagenet = |classes| Known {
        shape: square(3, IMAGENET_SIDE),
        classes,
        train: classes * IMAGENET_CLASS,
        test: classes * 50,
        decoded: true,
    };
    Some(match data.name {
        DatasetName::ClutterEasy => generated(data, ClutterConfig::easy()),
        DatasetName::ClutterHard => generated(data, ClutterConfig::hard()),
        DatasetName::Clutter => generated(data, data.clutter.unwrap_or_default()),
        DatasetName::Mnist | DatasetName::FashionMnist => arrays(square(1, 28), 10, 60_000, 10_000),
        DatasetName::Svhn => arrays(square(3, 32), 10, 73_257, 26_032),
        DatasetName::Cifar10 => arrays(square(3, 32), 10, 50_000, 10_000),
        DatasetName::Cifar100 => arrays(square(3, 32), 100, 50_000, 10_000),
        DatasetName::TinyImagenet => {
            Known { shape: square(3, 64), classes: 200, train: 100_000, test: 10_000, decoded: true }
        }
        DatasetName::ImagenetSubset(subset) => imagenet(subset.classes().len()),
        DatasetName::Imagenet => imagenet(data.classes.as_ref().map_or(1000, Vec::len)),
        _ => return listed(data, data_dir),
    })
}

/// A set of image files that this command does not know by name.
fn listed(data: &DataConfig, data_dir: Option<&Path>) -> Option<Known> {
    let mut data = data.clone();
    data.data_dir = data_dir.map(Path::to_owned).or(data.data_dir);
    let listing = data.list().ok()?;
    let (train, test) = (listing.train.len() + listing.validation.len(), listing.test.len());
    Some(Known { shape: header(&listing)?, classes: listing.class_names.len(), train, test, decoded: true })
}

fn folder(data: &DataConfig) -> Option<Images> {
    let listing = data.list().ok()?;
    let parts = [listing.train.len(), listing.validation.len(), listing.test.len()];
    let (shape, classes) = (header(&listing)?, listing.class_names.len());
    let known = Known { shape, classes, train: parts[0], test: parts[2], decoded: true };
    Some(sized(data, known, parts, 0))
}

/// The shape of the first images; colour if any of them has it.
fn header(listing: &Listing) -> Option<ImageShape> {
    let shape = |row| {
        let bytes = listing.train.read(row).ok()?;
        let reader = image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
        let decoder = reader.into_decoder().ok()?;
        let (width, height) = image::ImageDecoder::dimensions(&decoder);
        let channels = if image::ImageDecoder::color_type(&decoder).has_color() { 3 } else { 1 };
        Some(ImageShape { channels, height: height as usize, width: width as usize })
    };
    let shapes: Vec<ImageShape> = (0..listing.train.len().min(LOOKED_AT)).filter_map(shape).collect();
    let channels = shapes.iter().map(|shape| shape.channels).max()?;
    Some(ImageShape { channels, ..shapes[0] })
}

fn generated(data: &DataConfig, preset: ClutterConfig) -> Known {
    let side = data.resolution.unwrap_or(preset.resolution);
    let classes = clutter::CLASS_NAMES.len();
    let (train, test) = (classes * preset.train_per_class, classes * preset.test_per_class);
    let shape = ImageShape { channels: 3, height: side, width: side };
    Known { shape, classes, train, test, decoded: false }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    /// What loading says.
    #[track_caller]
    fn agrees_with_loading(data: &DataConfig) {
        let loaded = data.load(&mut |_| ControlFlow::Continue(())).expect("data");
        let found = images(data, None).expect("a size");
        assert_eq!((found.shape, found.classes), (loaded.shape(), loaded.classes()));
        assert_eq!(found.validation, loaded.validation.len());
        let kept: usize = loaded.parts().iter().map(|(_, split)| split.len()).sum();
        assert_eq!(found.size.kept, kept);
    }

    #[test]
    fn generated_sets_are_known() {
        let clutter =
            ClutterConfig { resolution: 16, train_per_class: 12, test_per_class: 3, ..ClutterConfig::easy() };
        let base = DataConfig { clutter: Some(clutter), ..DataConfig::new(DatasetName::Clutter) };
        agrees_with_loading(&base);
        agrees_with_loading(&DataConfig {
            validation: Some(HoldOut::Count(30)),
            train_limit: Some(50),
            resolution: Some(24),
            ..base
        });
    }

    #[test]
    fn folders_are_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["a", "b"] {
            let class = folder.path().join(class);
            std::fs::create_dir(&class).unwrap();
            for number in 0..10 {
                image::RgbImage::new(6, 4).save(class.join(format!("{number}.png"))).unwrap();
            }
        }
        let path = Some(folder.path().to_owned());
        let data = DataConfig { path, ..DataConfig::new(DatasetName::Folder) };
        agrees_with_loading(&data);
        agrees_with_loading(&DataConfig { resolution: Some(8), ..data.clone() });
        let nowhere = DataConfig { path: Some(folder.path().join("nowhere")), ..data };
        assert_eq!(images(&nowhere, None), None);
    }
}
