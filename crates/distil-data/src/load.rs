//! From a configuration to a dataset in memory.

use std::path::{Path, PathBuf};

use crate::{
    cifar::{Cifar, read_cifar},
    class_names,
    clutter::{self, Part},
    config::DataConfig,
    dataset::{Dataset, Split},
    error::Error,
    hold_out::{HoldOut, cap, hold_out},
    idx::read_idx,
    image_set,
    images::{ImageShape, Images},
    locate::{idx_file, locate},
    normalise,
    official::DatasetName,
    preprocessing::Resize,
    progress::{OnProgress, Stage, report},
    resize::resize_images,
    svhn::{self, read_svhn},
};

/// What is held out when nothing is said.
const HELD_OUT: HoldOut = HoldOut::Share(0.1);

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
    pub fn load(&self, on_progress: OnProgress<'_>) -> Result<Dataset, Error> {
        self.check()?;
        let parts = match self.name {
            name if name.is_image_files() => image_set::load(self, on_progress)?,
            _ => self.load_arrays(on_progress)?,
        };
        normalise::normalise(self, parts, on_progress)
    }

    fn load_arrays(&self, on_progress: OnProgress<'_>) -> Result<Parts, Error> {
        let (names, train, test) = self.read(on_progress)?;
        let (rows, validation) = self.part_rows(&train.labels, names.len())?;
        let mut splits = [train.subset(&rows), train.subset(&validation), test];
        drop(train);
        let resize = self.wanted_resize().filter(|to| {
            let shape = splits[0].images.shape();
            (shape.height, shape.width) != (to.height, to.width)
        });
        if let Some(to) = resize {
            for (done, split) in splits.iter_mut().enumerate() {
                report(on_progress, Stage::Resize, self.name.as_str(), done, 3)?;
                split.images = resize_images(&split.images, to)?;
            }
        }
        let class_names = names.iter().map(|&name| name.to_owned()).collect();
        Ok(Parts { name: self.name.to_string(), class_names, splits, resize })
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

    fn read(&self, on_progress: OnProgress<'_>) -> Result<(&'static [&'static str], Split, Split), Error> {
        report(on_progress, Stage::Read, self.name.as_str(), 0, 1)?;
        let names: &[&str] = match self.name {
            DatasetName::Mnist => &class_names::MNIST,
            DatasetName::FashionMnist => &class_names::FASHION_MNIST,
            DatasetName::Cifar10 => &class_names::CIFAR10,
            DatasetName::Cifar100 => &class_names::CIFAR100,
            DatasetName::Svhn => &class_names::SVHN,
            _ => &clutter::CLASS_NAMES,
        };
        let (train, test) = match self.name {
            DatasetName::Mnist | DatasetName::FashionMnist => read_idx_pair(&self.place()?, names.len())?,
            DatasetName::Svhn => read_svhn_pair(&self.place()?)?,
            DatasetName::Cifar10 => read_cifar(Cifar::Ten, &self.place()?)?,
            DatasetName::Cifar100 => read_cifar(Cifar::Hundred, &self.place()?)?,
            _ => (self.generate(Part::Train)?, self.generate(Part::Test)?),
        };
        report(on_progress, Stage::Read, self.name.as_str(), 1, 1)?;
        Ok((names, train, test))
    }

    pub(crate) fn place(&self) -> Result<PathBuf, Error> {
        match &self.path {
            Some(path) => Ok(path.clone()),
            None => locate(self.name, self.data_dir.as_deref()),
        }
    }

    fn generate(&self, part: Part) -> Result<Split, Error> {
        let drawn = clutter::generate(&self.clutter_config(), self.seed, part)?;
        let [_, channels, height, width] = drawn.shape;
        Split::new(Images::from_u8(ImageShape { channels, height, width }, drawn.pixels)?, drawn.labels)
    }
}

fn read_svhn_pair(folder: &Path) -> Result<(Split, Split), Error> {
    let (train, test) = (read_svhn(&folder.join(svhn::TRAIN))?, read_svhn(&folder.join(svhn::TEST))?);
    same_shape(folder, train, test)
}

fn same_shape(folder: &Path, train: Split, test: Split) -> Result<(Split, Split), Error> {
    if train.images.shape() != test.images.shape() {
        let problem =
            format!("training images are {}, test images {}", train.images.shape(), test.images.shape());
        return Err(Error::format(folder, problem, "use files of one set"));
    }
    Ok((train, test))
}

fn read_idx_pair(folder: &Path, classes: usize) -> Result<(Split, Split), Error> {
    let part = |name: &str| {
        let images = idx_file(folder, name, "images-idx3")?;
        read_idx(&images, &idx_file(folder, name, "labels-idx1")?, classes)
    };
    let (train, test) = (part("train")?, part("t10k")?);
    same_shape(folder, train, test)
}
