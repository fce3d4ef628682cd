//! From a configuration to a dataset in memory.

use std::path::{Path, PathBuf};

use distil_store::Resize;

use crate::{
    clutter::{self, ClutterConfig, Part},
    config::DataConfig,
    dataset::{Dataset, Split},
    datasets::{Arrays, Reader},
    error::Error,
    hold_out::{HoldOut, cap, hold_out},
    image_set,
    images::{ImageShape, Images},
    locate::{locate, resolve},
    normalise,
    progress::{Progress, Stage, report},
    resize::resize_images,
};

/// What is held out when nothing is said.
pub(crate) const HELD_OUT: HoldOut = HoldOut::Share(0.1);

/// A set with its three parts, as bytes, before normalisation.
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) class_names: Vec<String>,
    pub(crate) splits: [Split; 3],
    pub(crate) resize: Option<Resize>,
}

impl DataConfig {
    /// Reads or generates the dataset, resizes it, holds validation images out, limits the training images, and
    /// normalises: mean and standard deviation of the literature for the published sets, of the training part for
    /// folders and generated sets; or ZCA. The test part is the published one, whole, whatever the keys say.
    ///
    /// # Errors
    /// [`Error`] names the key, file and record that is wrong.
    pub fn load(&self, progress: Progress<'_>) -> Result<Dataset, Error> {
        self.check()?;
        let name = self.name.as_str();
        let arrays = match self.name.spec().reader {
            Reader::ImageFiles(_) => {
                return normalise::normalise(self, image_set::load(self, progress)?, progress);
            }
            Reader::Arrays(read) => {
                report(progress, Stage::Read, name, 0, 1)?;
                self.read(read)?
            }
            Reader::Generated(preset) => {
                report(progress, Stage::Read, name, 0, 1)?;
                self.generate(preset(self))?
            }
        };
        report(progress, Stage::Read, name, 1, 1)?;
        let parts = self.load_arrays(arrays, progress)?;
        normalise::normalise(self, parts, progress)
    }

    fn load_arrays(&self, arrays: Arrays, progress: Progress<'_>) -> Result<Parts, Error> {
        let Arrays { class_names, train, validation, test } = arrays;
        let mut splits = if let Some(validation) = validation {
            let rows = self.all_rows(&train.labels, class_names.len())?;
            [train.subset(&rows), validation, test]
        } else {
            let (rows, held) = self.part_rows(&train.labels, class_names.len())?;
            [train.subset(&rows), train.subset(&held), test]
        };
        drop(train);
        let resize = self.wanted_resize().filter(|to| {
            let shape = splits[0].images.shape();
            (shape.height, shape.width) != (to.height, to.width)
        });
        if let Some(to) = resize {
            for (done, split) in splits.iter_mut().enumerate() {
                report(progress, Stage::Resize, self.name.as_str(), done, 3)?;
                split.images = resize_images(&split.images, to)?;
            }
        }
        let name = self.set_name(self.path.as_deref().unwrap_or(Path::new("")));
        Ok(Parts { name, class_names, splits, resize })
    }

    /// Rows of the training images that stay, and that are held out for validation.
    pub(crate) fn part_rows(
        &self,
        labels: &[u32],
        classes: usize,
    ) -> Result<(Vec<usize>, Vec<usize>), Error> {
        let how = self.validation.unwrap_or(HELD_OUT);
        let parted = hold_out(labels, classes, how, self.seed, "validation")?;
        Ok((self.limit(labels, parted.kept, classes)?, parted.held))
    }

    /// Rows of the training images that stay where a set comes with a validation part, which `validation` must
    /// not contradict: nothing that is given is left unused.
    pub(crate) fn all_rows(&self, labels: &[u32], classes: usize) -> Result<Vec<usize>, Error> {
        if self.validation.is_some() {
            let problem = "the set has its own validation part; remove the key";
            return Err(Error::config("validation", problem));
        }
        self.limit(labels, (0..labels.len()).collect(), classes)
    }

    /// The rows among `rows` that `train_limit` leaves.
    pub(crate) fn limit(
        &self,
        labels: &[u32],
        rows: Vec<usize>,
        classes: usize,
    ) -> Result<Vec<usize>, Error> {
        let Some(limit) = self.train_limit else { return Ok(rows) };
        let labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
        Ok(cap(&labels, classes, limit, self.seed)?.into_iter().map(|i| rows[i]).collect())
    }

    pub(crate) fn place(&self) -> Result<PathBuf, Error> {
        match &self.path {
            Some(path) => Ok(resolve(self.name, path)),
            None => locate(self.name, self.data_dir.as_deref()),
        }
    }

    /// The name of the set at `place`: its own, or that of your folder or file however it was written (`.` is not a name).
    pub(crate) fn set_name(&self, place: &Path) -> String {
        if self.name.spec().own_files().is_none() {
            return self.name.to_string();
        }
        let real = place.canonicalize().unwrap_or_else(|_| place.to_owned());
        let name = if real.is_dir() { real.file_name() } else { real.file_stem() };
        let name = name.map(|name| name.to_string_lossy().into_owned());
        // `photos.tar.gz` has two endings.
        let name = name.map(|name| name.strip_suffix(".tar").map_or(name.clone(), str::to_owned));
        name.unwrap_or_else(|| self.name.to_string())
    }

    pub(crate) fn read(&self, read: fn(&Path) -> Result<Arrays, Error>) -> Result<Arrays, Error> {
        let place = self.place()?;
        let arrays = read(&place)?;
        let shape = arrays.train.images.shape();
        for part in [Some(&arrays.test), arrays.validation.as_ref()].into_iter().flatten() {
            if part.images.shape() != shape {
                let problem = format!("training images are {shape}, others {}", part.images.shape());
                return Err(Error::format(&place, problem, "use files of one set"));
            }
        }
        Ok(arrays)
    }

    fn generate(&self, preset: ClutterConfig) -> Result<Arrays, Error> {
        let config = self.at_resolution(preset);
        let part = |part| {
            let drawn = clutter::generate(&config, self.seed, part)?;
            let [_, channels, height, width] = drawn.shape;
            Split::new(Images::from_u8(ImageShape { channels, height, width }, drawn.pixels)?, drawn.labels)
        };
        Ok(Arrays::new(&clutter::CLASS_NAMES, (part(Part::Train)?, part(Part::Test)?)))
    }
}
