//! Sets of image files: listed, parted, and decoded into memory.

use std::path::PathBuf;

use crate::{
    config::{Counts, DataConfig},
    dataset::Split,
    error::Error,
    folder::{self, Found},
    hold_out::{HoldOut, hold_out},
    image_list::{ImageList, Listing},
    imagenet,
    images::{ImageShape, Images},
    load::Parts,
    official::DatasetName,
    parallel::in_parallel,
    picture,
    preprocessing::Resize,
    progress::OnProgress,
    tiny_imagenet,
};

/// The test share of a folder without parts.
const TEST_SHARE: f64 = 0.2;
/// The most that is decoded into memory.
const MOST_BYTES: usize = 64 << 30;
/// Validation images of a class of ImageNet, and of Tiny-ImageNet.
const VALIDATION_IMAGES: usize = 50;

impl DataConfig {
    /// Lists the images of a set of image files (`folder`, `imagenet` and its subsets, `tiny-imagenet`) in the three
    /// parts that [`DataConfig::load`] has, without reading them: for sets that do not fit into memory, with
    /// [`crate::ImageStream`].
    ///
    /// # Errors
    /// [`Error::Config`] for a set that is no set of image files and for keys that do not fit; [`Error::Missing`];
    /// [`Error::Format`] names the folder or archive that is wrong.
    pub fn list(&self) -> Result<Listing, Error> {
        self.check()?;
        let root = self.image_root()?;
        let mut found = match self.name {
            DatasetName::Folder => folder::list(&root, self.classes.as_deref())?,
            DatasetName::TinyImagenet => tiny_imagenet::list(&root)?,
            _ => imagenet::list(&root, self.wnids().as_deref())?,
        };
        if self.name != DatasetName::Folder && self.counts == Counts::Published {
            check_counts(&found, &root)?;
        }
        self.skip(&mut found)?;
        let class_names = match self.name {
            DatasetName::ImagenetSubset(subset) => {
                subset.classes().iter().map(|class| format!("{} {}", class.wnid, class.name)).collect()
            }
            _ => found.class_names.clone(),
        };
        let name = match self.name {
            DatasetName::Folder => folder_name(&root),
            name => name.to_string(),
        };
        let [train, validation, test] = self.part(found)?;
        Ok(Listing { name, class_names, train, validation, test })
    }

    fn image_root(&self) -> Result<PathBuf, Error> {
        if !self.name.is_image_files() {
            let problem = format!("{} is read as a whole, not image by image; load it", self.name);
            return Err(Error::config("name", problem));
        }
        self.place()
    }

    /// The classes asked for, in the order of their labels.
    fn wnids(&self) -> Option<Vec<String>> {
        match self.name {
            DatasetName::ImagenetSubset(subset) => {
                if let Some(note) = subset.note() {
                    tracing::warn!("{note}");
                }
                Some(subset.classes().iter().map(|class| class.wnid.to_owned()).collect())
            }
            _ => self.classes.clone(),
        }
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
                "{name:?} is no image of the set; name it below the set's folder, like \"train/a/1.png\""
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
        let own = |part| format!("the folder has its own {part} part; remove the key");
        if test.is_some() && self.test_share.is_some() {
            return Err(Error::config("test_share", own("test")));
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
        if self.validation.is_some() {
            return Err(Error::config("validation", own("validation")));
        }
        let all = (0..train.labels.len()).collect();
        let rows = self.limit(&train.labels, all, classes)?;
        Ok([train.subset(&rows), validation, test])
    }
}

/// The real name of a folder, however it was written: `.` is not a name.
fn folder_name(root: &std::path::Path) -> String {
    let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    real.file_name().map_or_else(|| "folder".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The published validation parts have 50 images of every class: another number is another selection.
fn check_counts(found: &Found, root: &std::path::Path) -> Result<(), Error> {
    let Some(test) = &found.test else { return Ok(()) };
    let counts = test.class_counts(found.class_names.len());
    for (images, name) in counts.into_iter().zip(&found.class_names) {
        if images != VALIDATION_IMAGES {
            let problem = format!(
                "has {images} validation images of {name}, the published set has {VALIDATION_IMAGES} of every class \
                 ({} in all)",
                VALIDATION_IMAGES * found.class_names.len()
            );
            let remedy = "complete it, or accept another selection of images with data.counts = \"any\"";
            return Err(Error::format(root, problem, remedy));
        }
    }
    Ok(())
}

/// Decodes a listed set into memory.
pub(crate) fn load(config: &DataConfig, on_progress: OnProgress<'_>) -> Result<Parts, Error> {
    let Listing { name, class_names, train, validation, test } = config.list()?;
    let parts = [train, validation, test];
    let resize = config.wanted_resize();
    let shape = match (resize, config.name) {
        (None, DatasetName::Folder) => common_shape(&parts, None, on_progress)?,
        (Some(resize), DatasetName::Folder) => common_shape(&parts, Some(resize), on_progress)?,
        (None, _) => tiny_imagenet::SHAPE,
        (Some(Resize { height, width, .. }), _) => ImageShape { channels: 3, height, width },
    };
    let images: usize = parts.iter().map(ImageList::len).sum();
    if images.checked_mul(shape.len()).is_none_or(|bytes| bytes > MOST_BYTES) {
        let problem =
            format!("{images} images of {shape} do not fit into memory; lower it or set train_limit");
        return Err(Error::config("resolution", problem));
    }
    let mut splits = Vec::new();
    for part in parts {
        splits.push(decode(&part, &name, shape, resize, on_progress)?);
    }
    let splits = splits.try_into().expect("three parts went in");
    Ok(Parts { name, class_names, splits, resize })
}

fn decode(
    part: &ImageList,
    name: &str,
    shape: ImageShape,
    resize: Option<Resize>,
    on_progress: OnProgress<'_>,
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
    in_parallel(&part.files, name, on_progress, read, |bytes| pixels.extend(bytes))?;
    Split::new(Images::from_u8(shape, pixels)?, part.labels.clone())
}

/// The shape all images get: colour if any of them has it; the size asked for, or the one they share.
fn common_shape(
    parts: &[ImageList; 3],
    resize: Option<Resize>,
    on_progress: OnProgress<'_>,
) -> Result<ImageShape, Error> {
    let files: Vec<&std::path::Path> =
        parts.iter().flat_map(|part| part.files.iter().map(|file| &*file.path)).collect();
    let mut shapes = Vec::with_capacity(files.len());
    in_parallel(&files, "headers", on_progress, |path| picture::probe(path), |shape| shapes.push(shape))?;
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
