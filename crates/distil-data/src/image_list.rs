//! Images that are listed, not read: what a stream goes through, and what a set is loaded from.

use std::path::{Path, PathBuf};

use distil_files::hex;
use sha2::{Digest, Sha256};

use crate::{dataset::count_classes, error::Error, source::ImageFile};

/// The images of one part of a dataset with their labels, by class and then by name. None of them is in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageList {
    root: PathBuf,
    pub(crate) files: Vec<ImageFile>,
    pub(crate) labels: Vec<u32>,
}

impl ImageList {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), files: Vec::new(), labels: Vec::new() }
    }

    /// The dataset's folder or archive.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Appends the images of one class.
    pub(crate) fn extend(&mut self, label: usize, files: Vec<ImageFile>) {
        self.labels.extend(std::iter::repeat_n(label as u32, files.len()));
        self.files.extend(files);
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// `[n]` class indices.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Images of each of `classes` classes.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        count_classes(&self.labels, classes)
    }

    /// Name of an image below the dataset's folder, with `/` ("train/n01440764/n01440764_18.JPEG"): what `data.skip`
    /// lists. A member of an archive is named below the archive.
    ///
    /// # Panics
    /// When `row` is not below [`ImageList::len`].
    pub fn name(&self, row: usize) -> String {
        let path = &self.files[row].path;
        let parts = path.strip_prefix(&self.root).unwrap_or(path).iter();
        parts.map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    /// The encoded bytes of an image.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Format`] when an archive is damaged.
    ///
    /// # Panics
    /// When `row` is not below [`ImageList::len`].
    pub fn read(&self, row: usize) -> Result<Vec<u8>, Error> {
        self.files[row].read()
    }

    /// The images at `rows`, in that order.
    ///
    /// # Panics
    /// When a row is not below [`ImageList::len`].
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        let files = rows.iter().map(|&row| self.files[row].clone()).collect();
        let labels = rows.iter().map(|&row| self.labels[row]).collect();
        Self { root: self.root.clone(), files, labels }
    }

    /// SHA-256 over the names and labels, in order, in hex: two lists with one digest have the same images at the same
    /// rows, wherever their folder is. The pixels are not read for it.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new_with_prefix("distil image list 1");
        for row in 0..self.len() {
            let name = self.name(row);
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update(self.labels[row].to_le_bytes());
        }
        hex(&hash.finalize())
    }
}

/// A dataset whose images are listed, not read, in three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Name of the dataset.
    pub name: String,
    /// `[k]` names of the classes, in the order of their labels.
    pub class_names: Vec<String>,
    /// What experts and synthetic sets learn from.
    pub train: ImageList,
    /// What checkpoints and hyper-parameters are chosen on.
    pub validation: ImageList,
    /// What results are reported on.
    pub test: ImageList,
}

impl Listing {
    /// The images of all three parts, by class and then by name: no seed has a say in it.
    pub fn everything(&self) -> ImageList {
        let parts = [&self.train, &self.validation, &self.test];
        let mut all = ImageList::new(&self.train.root);
        all.files = parts.iter().flat_map(|part| part.files.clone()).collect();
        all.labels = parts.iter().flat_map(|part| part.labels.clone()).collect();
        let mut rows: Vec<usize> = (0..all.len()).collect();
        rows.sort_by(|&a, &b| (all.labels[a], &all.files[a].path).cmp(&(all.labels[b], &all.files[b].path)));
        all.subset(&rows)
    }
}
