//! What data a row needs, and whether they are there.
//!
//! Only as much as a list needs to know before anything is built; `distil` finds and checks the files.

use std::path::{Path, PathBuf};

/// A dataset as far as a list and a stand-in need to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataNeed {
    /// As it is written in a configuration.
    pub name: &'static str,
    /// Number of classes.
    pub classes: usize,
    /// Channels of its images.
    pub channels: usize,
    /// Side of its images in the papers, in pixels.
    pub side: usize,
    /// Files or folders below a data folder, any of which shows that the set is there.
    signs: &'static [&'static str],
}

/// A class that only this subset of ImageNet, or ImageNet itself, would bring along.
const fn imagenet(name: &'static str, classes: usize, signs: &'static [&'static str]) -> DataNeed {
    DataNeed { name, classes, channels: 3, side: 128, signs }
}

const fn small(
    name: &'static str,
    classes: usize,
    channels: usize,
    side: usize,
    signs: &'static [&'static str],
) -> DataNeed {
    DataNeed { name, classes, channels, side, signs }
}

const IDX: [&[&str]; 2] = [
    &[
        "mnist/train-images-idx3-ubyte.gz",
        "MNIST/raw/train-images-idx3-ubyte",
        "mnist/train-images-idx3-ubyte",
    ],
    &[
        "fashion-mnist/train-images-idx3-ubyte.gz",
        "FashionMNIST/raw/train-images-idx3-ubyte",
        "fashion-mnist/train-images-idx3-ubyte",
    ],
];

/// The sets that rows are about. Of ImageNet's, the sign is the first class of the published order.
pub const DATASETS: &[DataNeed] = &[
    small("mnist", 10, 1, 28, IDX[0]),
    small("fashion-mnist", 10, 1, 28, IDX[1]),
    small("svhn", 10, 3, 32, &["svhn/train_32x32.mat", "SVHN/train_32x32.mat", "train_32x32.mat"]),
    small(
        "cifar10",
        10,
        3,
        32,
        &["cifar-10-batches-bin/data_batch_1.bin", "cifar10/data_batch_1.bin", "cifar-10-binary.tar.gz"],
    ),
    small(
        "cifar100",
        100,
        3,
        32,
        &["cifar-100-binary/train.bin", "cifar100/train.bin", "cifar-100-binary.tar.gz"],
    ),
    small("tiny-imagenet", 200, 3, 64, &["tiny-imagenet-200/train/n01443537", "tiny-imagenet-200.zip"]),
    imagenet(
        "imagenette",
        10,
        &["n01440764", "imagenette", "imagenette2", "imagenette2-320", "imagenette2-224"],
    ),
    imagenet("imagewoof", 10, &["n02096294", "imagewoof", "imagewoof2", "imagewoof2-320", "imagewoof2-224"]),
    imagenet("imagemeow", 10, &["n02123045"]),
    imagenet("imagesquawk", 10, &["n01806143"]),
    imagenet("imagefruit", 10, &["n07753275"]),
    imagenet("imageyellow", 10, &["n02206856"]),
    imagenet("comp-dd/bird-hard", 10, &["n01537544"]),
    imagenet("comp-dd/bird-easy", 10, &["n02007558"]),
    imagenet("comp-dd/car-hard", 10, &["n04252077"]),
    imagenet("comp-dd/car-easy", 10, &["n03459775"]),
    imagenet("comp-dd/dog-hard", 10, &["n02107683"]),
    imagenet("comp-dd/dog-easy", 10, &["n02096294"]),
    imagenet("comp-dd/fish-hard", 10, &["n01440764"]),
    imagenet("comp-dd/fish-easy", 10, &["n01496331"]),
    imagenet("comp-dd/snake-hard", 10, &["n01693334"]),
    imagenet("comp-dd/snake-easy", 10, &["n01749939"]),
    imagenet("comp-dd/insect-hard", 10, &["n02165456"]),
    imagenet("comp-dd/insect-easy", 10, &["n02279972"]),
    imagenet("comp-dd/round-hard", 10, &["n04409515"]),
    imagenet("comp-dd/round-easy", 10, &["n02782093"]),
    // Nine: the published list names banjo twice.
    imagenet("comp-dd/music-hard", 9, &["n02787622"]),
    imagenet("comp-dd/music-easy", 10, &["n03250847"]),
];

/// Where ImageNet may lie below a data folder.
const IMAGENET: [&str; 7] =
    ["", "imagenet", "ImageNet", "imagenet-1k", "ILSVRC2012", "ilsvrc2012", "ILSVRC/Data/CLS-LOC"];

impl DataNeed {
    /// What is known of a dataset; `None` for generated sets and folders.
    pub fn of(name: &str) -> Option<&'static Self> {
        DATASETS.iter().find(|data| data.name == name)
    }

    /// Whether it consists of classes of ImageNet.
    pub fn is_imagenet(&self) -> bool {
        self.side == 128
    }

    /// Whether one of these folders seems to hold it.
    pub fn is_in(&self, folders: &[PathBuf]) -> bool {
        folders.iter().any(|folder| self.is_below(folder))
    }

    fn is_below(&self, folder: &Path) -> bool {
        if !self.is_imagenet() {
            return self.signs.iter().any(|sign| folder.join(sign).exists());
        }
        let [wnid, copies @ ..] = self.signs else { return false };
        let holds = |root: &PathBuf| {
            root.join("ILSVRC2012_img_train.tar").is_file()
                || root.join("train").join(wnid).is_dir()
                || root.join("train").join(format!("{wnid}.tar")).is_file()
        };
        IMAGENET.iter().chain(copies).map(|below| folder.join(below)).any(|root| holds(&root))
    }
}
