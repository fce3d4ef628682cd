//! Sets of image files: listed, parted, and decoded into memory.

use distil_store::Resize;

use crate::{
    config::{Counts, DataConfig},
    dataset::Split,
    datasets::{DatasetSpec, Reader},
    error::Error,
    folder::Found,
    hold_out::{HoldOut, hold_out},
    image_list::{ImageList, Listing},
    images::{ImageShape, Images},
    load::Parts,
    parallel::in_parallel,
    picture,
    progress::Progress,
};

/// The test share of a folder without parts.
const TEST_SHARE: f64 = 0.2;
/// The most that is decoded into memory.
const MOST_BYTES: usize = 64 << 30;

impl DataConfig {
    /// Lists the images of a set of image files (`folder`, `imagenet` and its subsets, `tiny-imagenet`) in the three
    /// parts that [`DataConfig::load`] has, without reading them: for sets that do not fit into memory, with
    /// [`crate::ImageStream`].
    ///
    /// # Errors
    /// [`Error::Config`] for a set that is not a set of image files and for keys that do not fit; [`Error::Missing`];
    /// [`Error::Format`] names the folder or archive that is wrong.
    pub fn list(&self) -> Result<Listing, Error> {
        self.check()?;
        let Reader::ImageFiles(list) = self.name.spec().reader else {
            let problem = format!("{} is read as a whole, not image by image; load it", self.name);
            return Err(Error::config("name", problem));
        };
        let root = self.place()?;
        let mut found = list(self, &root)?;
        if self.counts == Counts::Published {
            check_counts(self.name.spec(), &found, &root)?;
        }
        self.skip(&mut found)?;
        let class_names = found.class_names.clone();
        let name = self.set_name(&root);
        let [train, validation, test] = self.part(found)?;
        Ok(Listing { name, class_names, train, validation, test })
    }

    /// Leaves out what `skip` names.
    fn skip(&self, found: &mut Found) -> Result<(), Error> {
        let Some(skip) = &self.skip else { return Ok(()) };
        let mut left: std::collections::BTreeSet<&str> = skip.iter().map(String::as_str).collect();
        let parts = [Some(&mut found.train), found.validation.as_mut(), found.test.as_mut()];
        for part in parts.into_iter().flatten() {
            let kept: Vec<usize> =
                (0..part.len()).filter(|&row| !left.remove(part.name(row).as_str())).collect();
            *part = part.subset(&kept);
        }
        if let Some(name) = left.first() {
            let problem = format!(
                "{name:?} is not an image of the set; name it below the set's folder, like \"train/a/1.png\""
            );
            return Err(Error::config("skip", problem));
        }
        let counts = found.train.class_counts(found.class_names.len());
        match counts.iter().position(|&images| images == 0) {
            Some(label) => {
                let name = &found.class_names[label];
                Err(Error::config("skip", format!("leaves no training image of {name}; skip fewer")))
            }
            None => Ok(()),
        }
    }

    /// Train, validation and test files; what the set does not part is parted by seed.
    fn part(&self, found: Found) -> Result<[ImageList; 3], Error> {
        let Found { class_names, mut train, validation, test } = found;
        let classes = class_names.len();
        if test.is_some() && self.test_share.is_some() {
            return Err(Error::config("test_share", "the set has its own test part; remove the key"));
        }
        let test = if let Some(test) = test {
            test
        } else {
            let share = HoldOut::Share(self.test_share.unwrap_or(TEST_SHARE));
            let parted = hold_out(&train.labels, classes, share, self.seed, "test")?;
            let test = train.subset(&parted.held);
            train = train.subset(&parted.kept);
            test
        };
        let Some(validation) = validation else {
            let (rows, held) = self.part_rows(&train.labels, classes)?;
            return Ok([train.subset(&rows), train.subset(&held), test]);
        };
        let rows = self.all_rows(&train.labels, classes)?;
        Ok([train.subset(&rows), validation, test])
    }
}

/// Another number of test images than the published one is another selection.
fn check_counts(row: &DatasetSpec, found: &Found, root: &std::path::Path) -> Result<(), Error> {
    let (Some(published), Some(classes), Some(test)) = (row.counts, row.classes, &found.test) else {
        return Ok(());
    };
    let each = published.test / classes;
    for (images, name) in test.class_counts(found.class_names.len()).into_iter().zip(&found.class_names) {
        if images != each {
            let name = name.split(' ').next().unwrap_or_default();
            let problem = format!(
                "has {images} validation images of {name}, the published set has {each} of every class ({} in all)",
                each * found.class_names.len()
            );
            let remedy = "complete it, or accept another selection of images with data.counts = \"any\"";
            return Err(Error::format(root, problem, remedy));
        }
    }
    Ok(())
}

/// Decodes a listed set into memory.
pub(crate) fn load(config: &DataConfig, progress: Progress<'_>) -> Result<Parts, Error> {
    let Listing { name, class_names, train, validation, test } = config.list()?;
    let parts = [train, validation, test];
    let resize = config.wanted_resize();
    let shape = match (config.name.spec().shape, resize) {
        (None, resize) => common_shape(&parts, resize, progress)?,
        (Some(shape), None) => shape,
        (Some(shape), Some(Resize { height, width, .. })) => ImageShape { height, width, ..shape },
    };
    let images: usize = parts.iter().map(ImageList::len).sum();
    if images.checked_mul(shape.len()).is_none_or(|bytes| bytes > MOST_BYTES) {
        let problem =
            format!("{images} images of {shape} do not fit into memory; lower it or set train_limit");
        return Err(Error::config("resolution", problem));
    }
    let mut splits = Vec::new();
    for part in parts {
        splits.push(decode(&part, &name, shape, resize, progress)?);
    }
    let splits = splits.try_into().expect("three parts went in");
    Ok(Parts { name, class_names, splits, resize })
}

fn decode(
    part: &ImageList,
    name: &str,
    shape: ImageShape,
    resize: Option<Resize>,
    progress: Progress<'_>,
) -> Result<Split, Error> {
    let mut pixels = Vec::with_capacity(part.len() * shape.len());
    let read = |file: &crate::source::ImageFile| {
        let picture = picture::decode(&file.path, &file.read()?, shape.channels, resize)?;
        if picture.shape == shape {
            return Ok(picture.bytes);
        }
        let problem = format!("is {}, but the others are {shape}", picture.shape);
        Err(Error::format(&file.path, problem, "set data.resolution to bring all to one size"))
    };
    in_parallel(&part.files, name, progress, read, |bytes| pixels.extend(bytes))?;
    Split::new(Images::from_u8(shape, pixels)?, part.labels.clone())
}

/// The shape all images get: colour if any of them has it; the size asked for, or the one they share.
fn common_shape(
    parts: &[ImageList; 3],
    resize: Option<Resize>,
    progress: Progress<'_>,
) -> Result<ImageShape, Error> {
    let files: Vec<&std::path::Path> =
        parts.iter().flat_map(|part| part.files.iter().map(|file| &*file.path)).collect();
    let mut shapes = Vec::with_capacity(files.len());
    in_parallel(&files, "headers", progress, |path| picture::probe(path), |shape| shapes.push(shape))?;
    let channels = shapes.iter().map(|shape| shape.channels).max().unwrap_or(1);
    if let Some(Resize { height, width, .. }) = resize {
        return Ok(ImageShape { channels, height, width });
    }
    let ImageShape { height, width, .. } = shapes[0];
    let odd = shapes.iter().position(|shape| (shape.height, shape.width) != (height, width));
    if let Some(odd) = odd {
        let first = files[0].display();
        let problem = format!(
            "is {}x{} pixels, but {first} is {height}x{width}",
            shapes[odd].height, shapes[odd].width
        );
        return Err(Error::format(files[odd], problem, "set data.resolution to bring all to one size"));
    }
    Ok(ImageShape { channels, height, width })
}
