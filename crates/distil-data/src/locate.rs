//! Finding datasets that are on disk already.

use std::path::{Path, PathBuf};

use crate::{
    datasets::{DatasetName, Sign},
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

/// Everything below `dir` that looks like the set.
pub(crate) fn candidates(name: DatasetName, dir: &Path) -> Vec<PathBuf> {
    let Some(places) = name.spec().places() else { return Vec::new() };
    let holds = |folder: &PathBuf| match places.sign {
        Sign::AnyOf(files) => files.iter().any(|file| folder.join(file).exists()),
        Sign::Imagenet { first } => imagenet::holds(folder, first),
    };
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
        ] {
            let dir = tempfile::tempdir().unwrap();
            touch(dir.path(), file);
            assert_eq!(candidates(name, dir.path()), [dir.path().join(place)]);
        }
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
