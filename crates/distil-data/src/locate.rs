//! Finding datasets that are on disk already.

use std::path::{Path, PathBuf};

use crate::{
    datasets::{DatasetName, Places, Sign},
    error::Error,
    imagenet,
};

/// The data folders that are searched, in order: the one given, `DISTIL_DATA_DIR`, `data`.
pub fn data_dirs(data_dir: Option<&Path>) -> Vec<PathBuf> {
    let given = data_dir.map(Path::to_owned);
    let environment = std::env::var_os("DISTIL_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let mut dirs: Vec<PathBuf> =
        given.into_iter().chain(environment).chain([PathBuf::from("data")]).collect();
    dirs.dedup();
    dirs
}

/// Where a published set lies: a folder, a tar.gz or a zip. Layouts of this program, of torchvision and of the unpacked
/// archives are understood, and a data folder that is the set's own folder.
///
/// # Errors
/// [`Error::Missing`] names the folders that were searched.
pub fn locate(name: DatasetName, data_dir: Option<&Path>) -> Result<PathBuf, Error> {
    let searched = data_dirs(data_dir);
    let found = searched.iter().find_map(|dir| candidates(name, dir).into_iter().next());
    found.ok_or_else(|| Error::Missing { name: name.to_string(), searched })
}

/// The set itself, where `path` is a data folder that holds it and not the set's own folder or archive.
pub(crate) fn resolve(name: DatasetName, path: &Path) -> PathBuf {
    let own = || name.spec().places().is_none_or(|places| is_in(places, path));
    let found = if path.is_dir() && !own() { candidates(name, path).into_iter().next() } else { None };
    found.unwrap_or_else(|| path.to_owned())
}

/// Whether a folder holds the files of a set.
pub(crate) fn is_in(places: &Places, folder: &Path) -> bool {
    match places.sign {
        Sign::AnyFile(files) => files.iter().any(|file| folder.join(file).is_file()),
        Sign::Folder(name) => folder.join(name).is_dir(),
        Sign::Imagenet { first } => imagenet::holds(folder, first),
    }
}

/// Everything below `dir` that looks like the set.
pub(crate) fn candidates(name: DatasetName, dir: &Path) -> Vec<PathBuf> {
    let Some(places) = name.spec().places() else { return Vec::new() };
    let holds = |folder: &PathBuf| is_in(places, folder);
    let join = |folder: &&str| if folder.is_empty() { dir.to_owned() } else { dir.join(folder) };
    let folders = || places.folders.iter().chain(places.copies);
    // A folder called `mnist` is MNIST's own; any other folder could hold another set's files of the same names.
    let real = dir.canonicalize().unwrap_or_default();
    let is_own = |folder: &&str| !folder.is_empty() && real.ends_with(folder);
    let listed = places.folders.contains(&"");
    let itself = (!listed && folders().any(is_own)).then(|| dir.to_owned());
    let archives = places.archives.iter().map(|archive| dir.join(archive)).filter(|path| path.is_file());
    folders().map(join).chain(itself).filter(holds).chain(archives).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(dir: &Path, path: &str) {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn layouts_are_understood() {
        for (name, file, place) in [
            (DatasetName::Mnist, "MNIST/raw/train-images-idx3-ubyte", "MNIST/raw"),
            (DatasetName::FashionMnist, "fashion-mnist/train-images-idx3-ubyte.gz", "fashion-mnist"),
            (DatasetName::FashionMnist, "FashionMNIST/raw/train-images-idx3-ubyte.gz", "FashionMNIST/raw"),
            (DatasetName::Cifar10, "cifar-10-batches-bin/data_batch_1.bin", "cifar-10-batches-bin"),
            (DatasetName::Cifar10, "cifar-10-binary.tar.gz", "cifar-10-binary.tar.gz"),
            (DatasetName::Cifar100, "cifar-100-binary/train.bin", "cifar-100-binary"),
            // torchvision's and Keras' own folders.
            (DatasetName::Cifar10, "cifar-10-batches-py/data_batch_1", "cifar-10-batches-py"),
            (DatasetName::Cifar10, "cifar-10-python.tar.gz", "cifar-10-python.tar.gz"),
            (
                DatasetName::Cifar10,
                "datasets/cifar-10-batches-py/data_batch_1",
                "datasets/cifar-10-batches-py",
            ),
            (DatasetName::Cifar100, "cifar-100-python/train", "cifar-100-python"),
            (DatasetName::Cifar100, "cifar-100-python.tar.gz", "cifar-100-python.tar.gz"),
            (DatasetName::Svhn, "train_32x32.mat", ""),
            (
                DatasetName::FashionMnist,
                "datasets/fashion-mnist/train-images-idx3-ubyte.gz",
                "datasets/fashion-mnist",
            ),
            (DatasetName::Mnist, "datasets/mnist.npz", "datasets/mnist.npz"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            touch(dir.path(), file);
            assert_eq!(candidates(name, dir.path()), [dir.path().join(place)]);
        }
    }

    /// `data.path` may name what `data.data_dir` would.
    #[test]
    fn a_folder_that_holds_the_set_is_as_good_as_the_set() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), "cifar-10-batches-py/data_batch_1");
        let own = dir.path().join("cifar-10-batches-py");
        for path in [dir.path(), &own] {
            assert_eq!(resolve(DatasetName::Cifar10, path), own);
        }
        assert_eq!(resolve(DatasetName::Cifar100, dir.path()), dir.path());
    }

    /// A folder of pictures may have a folder `train`; CIFAR's file is called so, too.
    #[test]
    fn a_folder_is_not_taken_for_a_file() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), "cifar100/train/apple/1.png");
        assert!(candidates(DatasetName::Cifar100, dir.path()).is_empty());
    }

    #[test]
    fn a_folder_of_its_own_counts_only_under_its_name() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), "mnist/train-images-idx3-ubyte.gz");
        let own = dir.path().join("mnist");
        assert_eq!(candidates(DatasetName::Mnist, &own), std::slice::from_ref(&own));
        assert!(candidates(DatasetName::FashionMnist, &own).is_empty());
    }
}
