//! Sets of image files: listed, parted, and decoded into memory.

use std::path::{Path, PathBuf};

use distil_store::Resize;

use crate::{
    config::{Counts, DataConfig},
    dataset::Split,
    datasets::{DatasetSpec, Reader},
    depth::Depth,
    error::{Error, shown},
    folder::Found,
    hold_out::{HoldOut, hold_out},
    image_list::{ImageList, Listing},
    images::{ImageShape, Images},
    load::Parts,
    parallel::in_parallel,
    picture,
    progress::Progress,
    skip::Skip,
    source::ImageFile,
    walk,
};

/// The test share of a folder without parts.
const TEST_SHARE: f64 = 0.2;
/// The most that is decoded into memory.
const MOST_BYTES: usize = 64 << 30;
const ONE_SIZE: &str = "set data.resolution to bring all to one size";

impl DataConfig {
    /// Lists the images of a set of image files (`folder`, `csv`, `imagenet` and its subsets, `tiny-imagenet`) in the three
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
        let skip = Skip::of(self, found.train.root());
        if self.counts == Counts::Published {
            check_counts(self.name.spec(), &found, &root)?;
        }
        leave_out(&skip, &mut found)?;
        let class_names = found.class_names.clone();
        let name = self.set_name(&root);
        let [train, validation, test] = self.part(found)?;
        Ok(Listing { name, class_names, train, validation, test })
    }

    /// Train, validation and test files; what the set does not part is parted by seed.
    fn part(&self, found: Found) -> Result<[ImageList; 3], Error> {
        let Found { class_names, mut train, validation, test, .. } = found;
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

/// Leaves out what `skip` names.
fn leave_out(skip: &Skip, found: &mut Found) -> Result<(), Error> {
    if skip.is_empty() {
        return Ok(());
    }
    let Found { class_names, train, validation, test, survey } = found;
    let parts = || [Some(&*train), validation.as_ref(), test.as_ref()].into_iter().flatten();
    let pictures = parts().flat_map(|part| part.files.iter().map(|file| &*file.path));
    skip.check(pictures.chain(survey.files()))?;
    for part in [Some(&mut *train), validation.as_mut(), test.as_mut()].into_iter().flatten() {
        let kept: Vec<usize> = (0..part.len()).filter(|&row| !skip.takes(&part.files[row].path)).collect();
        *part = part.subset(&kept);
    }
    let counts = train.class_counts(class_names.len());
    match counts.iter().position(|&images| images == 0) {
        Some(label) => {
            let name = &class_names[label];
            Err(Error::config("skip", format!("leaves no training image of {name}; skip fewer")))
        }
        None => Ok(()),
    }
}

/// Another number of test images than the published one is another selection.
fn check_counts(row: &DatasetSpec, found: &Found, root: &Path) -> Result<(), Error> {
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
        let problem = format!(
            "{images} images of {shape} do not fit into memory; set it lower, or set data.train_limit"
        );
        return Err(Error::config("resolution", problem));
    }
    let mut splits = Vec::new();
    let mut depth = Depth::default();
    for part in &parts {
        splits.push(decode(part, &name, shape, resize, &mut depth, progress)?);
    }
    if let Some(complaint) = depth.complaint(parts[0].root()) {
        tracing::warn!("{complaint}");
    }
    let splits = splits.try_into().expect("three parts went in");
    Ok(Parts { name, class_names, splits, resize })
}

/// Files that cannot be used, in their order, so that a refusal names all of them and not one a run.
#[derive(Default)]
struct Failures(Vec<(PathBuf, Error)>);

impl Failures {
    fn note(&mut self, (path, error): (PathBuf, Error)) {
        self.0.push((path, error));
    }

    /// What is wrong with the one file, or with the first of several.
    fn judge(mut self, root: &Path) -> Result<(), Error> {
        if self.0.len() < 2 {
            return self.0.pop().map_or(Ok(()), |(_, error)| Err(error));
        }
        let paths: Vec<&Path> = self.0.iter().map(|(path, _)| path.as_path()).collect();
        let files = walk::counted(root, &paths);
        match self.0.swap_remove(0).1 {
            Error::Format { problem, remedy, .. } => {
                Err(Error::format(root, format!("{files} cannot be used; the first {problem}"), remedy))
            }
            other => Err(other),
        }
    }
}

/// A result of one file, where being no good picture is not yet the end.
fn of_file<T>(path: &Path, result: Result<T, Error>) -> Result<Result<T, (PathBuf, Error)>, Error> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error @ Error::Format { .. }) => Ok(Err((path.to_owned(), error))),
        Err(error) => Err(error),
    }
}

fn decode(
    part: &ImageList,
    name: &str,
    shape: ImageShape,
    resize: Option<Resize>,
    depth: &mut Depth,
    progress: Progress<'_>,
) -> Result<Split, Error> {
    let mut pixels = Vec::with_capacity(part.len() * shape.len());
    let mut failures = Failures::default();
    let read = |file: &ImageFile| {
        let encoded = file.read();
        let picture = encoded.and_then(|bytes| picture::decode(&file.path, &bytes, shape.channels, resize));
        of_file(
            &file.path,
            picture.and_then(|picture| {
                if picture.shape == shape {
                    return Ok(picture);
                }
                let problem = format!("is {}, but the others are {shape}", picture.shape);
                Err(Error::format(&file.path, problem, ONE_SIZE))
            }),
        )
    };
    in_parallel(&part.files, name, progress, read, |result| match result {
        Ok(picture) => {
            pixels.extend(picture.bytes);
            depth.add(picture.depth);
        }
        Err(failure) => failures.note(failure),
    })?;
    failures.judge(part.root())?;
    Split::new(Images::from_u8(shape, pixels)?, part.labels.clone())
}

/// The shape all images get: colour if any of them has it; the size asked for, or the one they share.
fn common_shape(
    parts: &[ImageList; 3],
    resize: Option<Resize>,
    progress: Progress<'_>,
) -> Result<ImageShape, Error> {
    let files: Vec<&ImageFile> = parts.iter().flat_map(|part| &part.files).collect();
    let root = parts[0].root();
    let mut shapes = Vec::with_capacity(files.len());
    let mut failures = Failures::default();
    let probe = |file: &&ImageFile| of_file(&file.path, picture::probe(file));
    in_parallel(&files, "headers", progress, probe, |result| match result {
        Ok(shape) => shapes.push(shape),
        Err(failure) => failures.note(failure),
    })?;
    failures.judge(root)?;
    let channels = shapes.iter().map(|shape| shape.channels).max().unwrap_or(1);
    if let Some(Resize { height, width, .. }) = resize {
        return Ok(ImageShape { channels, height, width });
    }
    let ImageShape { height, width, .. } = shapes[0];
    let mut odd = Failures::default();
    for (file, shape) in files.iter().zip(&shapes) {
        if (shape.height, shape.width) != (height, width) {
            let first = shown(&files[0].path);
            let problem =
                format!("is {}x{} pixels, but {first} is {height}x{width}", shape.height, shape.width);
            odd.note((file.path.clone(), Error::format(&file.path, problem, ONE_SIZE)));
        }
    }
    odd.judge(root)?;
    Ok(ImageShape { channels, height, width })
}
