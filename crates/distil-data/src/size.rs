//! How many images of which shape a configuration gives, without reading them.

use crate::{
    config::DataConfig,
    dataset::Split,
    datasets::{Arrays, DatasetKind, PartCounts, Reader},
    hold_out::{HoldOut, share_of_class},
    image_list::Listing,
    images::ImageShape,
    load::HELD_OUT,
    picture,
};

/// Images whose headers are read in a set of unknown images.
const LOOKED_AT: usize = 32;

/// Pictures whose headers are read to know the sides of a set.
const MEASURED: usize = 500;

/// Sides of the pictures of a set of image files, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// The shorter side of a typical picture.
    pub typical: usize,
    /// Whether all pictures have one size.
    pub alike: bool,
}

/// The size of a dataset as [`DataConfig::load`] will give it. Classes are taken to be equally large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetSize {
    /// Shape of an image as the network sees it.
    pub shape: ImageShape,
    /// Number of classes.
    pub classes: usize,
    /// Images of the training, validation and test part.
    pub images: [usize; 3],
    /// Training images of the smallest class, where the files tell.
    pub smallest: usize,
    /// Images that are in memory at once before they are parted; none of sets of image files, which are decoded
    /// straight into the parts.
    pub read: usize,
    /// Shape of an image in its file.
    pub read_shape: ImageShape,
}

/// A set as it is published or lies on disk.
#[derive(Debug, Clone, Copy)]
struct Whole {
    shape: ImageShape,
    classes: usize,
    train: usize,
    validation: Option<usize>,
    test: usize,
}

impl Whole {
    fn of(arrays: &Arrays) -> Self {
        Self {
            shape: arrays.train.images.shape(),
            classes: arrays.class_names.len(),
            train: arrays.train.len(),
            validation: arrays.validation.as_ref().map(Split::len),
            test: arrays.test.len(),
        }
    }
}

impl DataConfig {
    /// The size of the dataset; `None` where neither its name nor its files tell.
    pub fn size(&self) -> Option<DatasetSize> {
        let row = self.name.spec();
        let known = match (row.reader, row.shape, row.classes, row.counts) {
            (Reader::Generated(preset), ..) => {
                let preset = self.at_resolution(preset(self));
                let classes = row.classes?;
                let shape = ImageShape { height: preset.resolution, width: preset.resolution, ..row.shape? };
                let [train, test] = [preset.train_per_class, preset.test_per_class];
                Whole { shape, classes, train: classes * train, validation: None, test: classes * test }
            }
            (_, Some(shape), Some(classes), Some(counts)) => {
                let asked = self.classes.as_ref().map_or(classes, Vec::len);
                let of = |images| images * asked / classes;
                let PartCounts { train, validation, test } = counts;
                Whole {
                    shape,
                    classes: asked,
                    train: of(train.get()),
                    validation: validation.map(of),
                    test: of(test),
                }
            }
            (Reader::Arrays(read), ..) => Whole::of(&self.read(read).ok()?),
            _ => return self.listed(),
        };
        Some(self.parted(known))
    }

    /// Validation images are held out as [`DataConfig::load`] does it.
    fn parted(&self, known: Whole) -> DatasetSize {
        let Whole { classes, train, test, .. } = known;
        let held = match (known.validation, self.validation.unwrap_or(HELD_OUT)) {
            (Some(_), _) => 0,
            (None, HoldOut::Count(count)) => count.min(train),
            (None, HoldOut::Share(share)) => classes * share_of_class(train / classes.max(1), share),
        };
        let kept = self.train_limit.unwrap_or(usize::MAX).min(train - held.min(train));
        let read = match self.name.spec().kind() {
            DatasetKind::ImageFiles => 0,
            _ => train + known.validation.unwrap_or(0) + test,
        };
        let images = [kept, known.validation.unwrap_or(held), test];
        let (shape, smallest) = (self.resized(known.shape), kept / classes.max(1));
        DatasetSize { shape, classes, images, smallest, read, read_shape: known.shape }
    }

    fn listed(&self) -> Option<DatasetSize> {
        let listing = self.list().ok()?;
        let shape = first_shape(&listing)?;
        let images = [listing.train.len(), listing.validation.len(), listing.test.len()];
        let classes = listing.class_names.len();
        let smallest = listing.train.class_counts(classes).into_iter().min().unwrap_or(0);
        Some(DatasetSize {
            shape: self.resized(shape),
            classes,
            images,
            smallest,
            read: 0,
            read_shape: shape,
        })
    }

    fn resized(&self, shape: ImageShape) -> ImageShape {
        match self.resolution {
            Some(side) => ImageShape { height: side, width: side, ..shape },
            None => shape,
        }
    }
}

impl Listing {
    /// Sides of the training pictures, by a few hundred of them; `None` where none can be read.
    pub fn sides(&self) -> Option<Sides> {
        let files = &self.train.files;
        let every = files.len().div_ceil(MEASURED).max(1);
        let probed = files.iter().step_by(every).filter_map(|file| picture::probe(file).ok());
        let shapes: Vec<[usize; 2]> = probed.map(|shape| [shape.height, shape.width]).collect();
        let mut short: Vec<usize> = shapes.iter().map(|[height, width]| *height.min(width)).collect();
        short.sort_unstable();
        let typical = *short.get(short.len() / 2)?;
        Some(Sides { typical, alike: shapes.iter().all(|shape| *shape == shapes[0]) })
    }
}

/// The shape of the first images; colour if any of them has it.
fn first_shape(listing: &Listing) -> Option<ImageShape> {
    let files = listing.train.files.iter().take(LOOKED_AT);
    let shapes: Vec<ImageShape> = files.filter_map(|file| picture::probe(file).ok()).collect();
    let channels = shapes.iter().map(|shape| shape.channels).max()?;
    Some(ImageShape { channels, ..shapes[0] })
}

#[cfg(test)]
mod tests {
    use distil_progress::Progress;

    use super::*;
    use crate::clutter::ClutterConfig;
    use crate::datasets::DatasetName;

    #[track_caller]
    fn agrees_with_loading(data: &DataConfig) {
        let loaded = data.load(Progress::none()).unwrap();
        let found = data.size().unwrap();
        assert_eq!((found.shape, found.classes), (loaded.shape(), loaded.classes()));
        assert_eq!(found.images, loaded.parts().map(|(_, split)| split.len()));
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
    fn published_sets_are_known_by_their_rows() {
        let size = |name: &str| DataConfig::new(name.parse().unwrap()).size().unwrap();
        assert_eq!(size("svhn").images, [73_257 - 10 * 733, 7330, 26_032]);
        let woof = size("imagewoof");
        assert_eq!((woof.shape.height, woof.classes, woof.images), (128, 10, [11_700, 1300, 500]));
        let classes = Some(vec!["n01440764".to_owned(), "n02102040".to_owned()]);
        let two = DataConfig { classes, ..DataConfig::new(DatasetName::Imagenet) }.size().unwrap();
        assert_eq!((two.classes, two.images), (2, [2340, 260, 100]));
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
        assert_eq!(nowhere.size(), None);
    }
}
