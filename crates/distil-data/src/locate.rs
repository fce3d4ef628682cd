//! Finding datasets that are on disk already.

use std::path::{Path, PathBuf};

use crate::{error::Error, imagenet, official::DatasetName, svhn, tiny_imagenet};

/// How a published set may lie below a data folder: folders that hold its files, and archives.
struct Places {
    folders: &'static [&'static str],
    archives: &'static [&'static str],
    /// A folder holds the set when it holds one of these files or folders.
    first_file: &'static [&'static str],
}

const IDX_FIRST: &[&str] = &[
    "train-images-idx3-ubyte.gz",
    "train-images-idx3-ubyte",
    "train-images.idx3-ubyte",
    "train-images.idx3-ubyte.gz",
];

fn places(name: DatasetName) -> Option<Places> {
    let none: &[&str] = &[];
    let (folders, archives, first_file): (&[&str], &[&str], &[&str]) = match name {
        DatasetName::Mnist => (&["mnist", "MNIST/raw", "MNIST", "mnist/raw"], none, IDX_FIRST),
        DatasetName::FashionMnist => (
            &["fashion-mnist", "FashionMNIST/raw", "FashionMNIST", "fashion_mnist", "fashion-mnist/raw"],
            none,
            IDX_FIRST,
        ),
        DatasetName::Cifar10 => (
            &[
                "cifar-10-batches-bin",
                "cifar10/cifar-10-batches-bin",
                "cifar-10-binary/cifar-10-batches-bin",
                "cifar10",
            ],
            &["cifar-10-binary.tar.gz", "cifar10/cifar-10-binary.tar.gz"],
            &["data_batch_1.bin"],
        ),
        DatasetName::Cifar100 => (
            &["cifar-100-binary", "cifar100/cifar-100-binary", "cifar100"],
            &["cifar-100-binary.tar.gz", "cifar100/cifar-100-binary.tar.gz"],
            &["train.bin"],
        ),
        DatasetName::Svhn => (&["svhn", "SVHN", "housenumbers"], none, &[svhn::TRAIN]),
        DatasetName::TinyImagenet => (
            &[
                tiny_imagenet::FOLDER,
                "tiny-imagenet-200/tiny-imagenet-200",
                "tiny-imagenet",
                "tiny-imagenet/tiny-imagenet-200",
            ],
            &["tiny-imagenet-200.zip", "tiny-imagenet/tiny-imagenet-200.zip"],
            &["train/n01443537"],
        ),
        _ => return None,
    };
    Some(Places { folders, archives, first_file })
}

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
    if name.is_imagenet() {
        let first = match name {
            DatasetName::ImagenetSubset(subset) => Some(subset.classes()[0].wnid),
            _ => None,
        };
        return imagenet::candidates(name.as_str(), first, dir);
    }
    let Some(places) = places(name) else { return Vec::new() };
    let holds = |folder: &PathBuf| places.first_file.iter().any(|file| folder.join(file).exists());
    let below = places.folders.iter().map(|folder| dir.join(folder)).filter(holds);
    // A folder called `mnist` is MNIST's own; any other folder could hold another set's files of the same names.
    let real = dir.canonicalize().unwrap_or_default();
    let itself =
        places.folders.iter().any(|folder| real.ends_with(folder)).then(|| dir.to_owned()).filter(holds);
    let archives = places.archives.iter().map(|archive| dir.join(archive)).filter(|path| path.is_file());
    below.chain(itself).chain(archives).collect()
}

/// The file of an IDX set below `folder`, whichever way it is spelt.
pub(crate) fn idx_file(folder: &Path, part: &str, kind: &str) -> Result<PathBuf, Error> {
    let dotted = kind.replacen("-idx", ".idx", 1);
    let spellings = [
        format!("{part}-{kind}-ubyte.gz"),
        format!("{part}-{kind}-ubyte"),
        format!("{part}-{dotted}-ubyte"),
        format!("{part}-{dotted}-ubyte.gz"),
    ];
    let found = spellings.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        Error::format(
            folder,
            format!("{} is missing", spellings[0]),
            "fetch the set again, or complete the folder",
        )
    })
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

    #[test]
    fn spellings_of_idx_files() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), "t10k-labels.idx1-ubyte");
        assert!(idx_file(dir.path(), "t10k", "labels-idx1").unwrap().ends_with("t10k-labels.idx1-ubyte"));
        assert!(idx_file(dir.path(), "train", "labels-idx1").is_err());
    }
}
